package protection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/risk/score"
	"cognate/internal/store"
)

// Events lists the events of a user, the newest first, from the one before an id on; "" begins with the newest. next is ""
// on the last page.
func (s *Service) Events(ctx context.Context, poolID, userID, before string, limit int) (list []idp.AuthEventType, next string, err error) {
	rows, err := s.deps.Store.AuthEvents(ctx, poolID, userID, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ID
	}
	list = make([]idp.AuthEventType, len(rows))
	for i, r := range rows {
		doc, err := parseDocument(r.Doc)
		if err != nil {
			return nil, "", err
		}
		list[i] = doc.shape(r.ID)
	}
	return list, next, nil
}

// Providers of feedback.
const (
	ByUser  = "User"
	ByAdmin = "Admin"
)

// GiveFeedback records what somebody says about an event: that it was the user, or was not. The user's history learns from
// it. The last word counts. then is what the same transaction writes besides; it may be nil. The error is
// store.ErrNotFound if there is no such event.
func (s *Service) GiveFeedback(ctx context.Context, poolID, userID, eventID string, value idp.FeedbackValueType, provider string, then func(ctx context.Context, tx *store.Tx) error) error {
	now := s.now()
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.AuthEvent(ctx, poolID, userID, eventID)
		if err != nil {
			return err
		}
		doc, err := parseDocument(row.Doc)
		if err != nil {
			return err
		}
		doc.Feedback = &feedback{Value: value, Provider: provider, At: now.UnixMilli()}
		if row.Doc, err = json.Marshal(doc); err != nil {
			return fmt.Errorf("protection: event: %w", err)
		}
		if err := tx.UpdateAuthEvent(ctx, row); err != nil {
			return err
		}
		if err := s.teach(ctx, tx, poolID, userID, doc.Keys, value == idp.FeedbackValueTypeValid, now); err != nil || then == nil {
			return err
		}
		return then(ctx, tx)
	}, store.Retry)
}

// teach passes feedback to the history of the user.
func (s *Service) teach(ctx context.Context, tx *store.Tx, poolID, userID string, k score.Keys, valid bool, now time.Time) error {
	row, err := tx.SignInHistory(ctx, poolID, userID)
	if errors.Is(err, store.ErrNotFound) {
		row, err = store.SignInHistory{PoolID: poolID, UserID: userID}, nil
	}
	if err != nil {
		return err
	}
	h, err := score.Decode(row.Doc)
	if err != nil {
		return err
	}
	if !h.Feedback(k, valid, now) {
		return nil
	}
	row.Doc = h.Append(nil)
	return tx.PutSignInHistory(ctx, row)
}

// feedbackToken is what a feedback token says: whose event its holder may judge, and until when.
type feedbackToken struct {
	Pool    string `json:"p"`
	User    string `json:"u"`
	Event   string `json:"e"`
	Expires int64  `json:"x"`
}

// NewFeedbackToken returns a token whose holder may give feedback on one event.
func (s *Service) NewFeedbackToken(poolID, userID, eventID string) (string, error) {
	b, err := json.Marshal(feedbackToken{poolID, userID, eventID, s.now().Add(keys.FeedbackLife).UnixMilli()})
	if err != nil {
		return "", fmt.Errorf("protection: feedback token: %w", err)
	}
	return s.deps.Ring.SealToken(keys.TokenFeedback, nil, b)
}

// CheckFeedbackToken returns the user whose event the token is for. The error is keys.ErrToken for a token that is not for
// this event.
func (s *Service) CheckFeedbackToken(ctx context.Context, token, poolID, eventID string) (userID string, err error) {
	b, err := s.deps.Ring.OpenToken(ctx, keys.TokenFeedback, nil, token)
	if err != nil {
		return "", err
	}
	var t feedbackToken
	if json.Unmarshal(b, &t) != nil || t.Pool != poolID || t.Event != eventID || s.now().UnixMilli() >= t.Expires {
		return "", keys.ErrToken
	}
	return t.User, nil
}
