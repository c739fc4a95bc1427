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
	"cognate/internal/risk/useragent"
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

// A Feedback is what somebody says about an event: that it was the user, or was not.
type Feedback struct {
	PoolID, UserID, EventID string
	Value                   idp.FeedbackValueType
	// Provider is ByUser or ByAdmin.
	Provider string
	// ByLink says that the feedback comes by a link of a notice, which can be followed once.
	ByLink bool
}

// ErrLinkUsed means that a link of a notice was followed before, or that the user has said that it was not the user.
var ErrLinkUsed = errors.New("protection: the link was used before")

// checkLink returns ErrLinkUsed if the user has answered before. A user who has said that it was them can still say that it
// was not: a mistake must not help an attacker. Nobody who finds the mail later can take back that it was not the user.
func (d *document) checkLink(value idp.FeedbackValueType) error {
	f := d.Feedback
	if f == nil || f.Provider != ByUser || f.Value == idp.FeedbackValueTypeValid && value == idp.FeedbackValueTypeInvalid {
		return nil
	}
	return ErrLinkUsed
}

// GiveFeedback records feedback. The user's history learns from it. The last word of administrators counts. A user
// cannot take back that it was not the user, and a link is used once.
// then is what the same transaction writes besides; it may be nil. The error is store.ErrNotFound if there is no such event.
func (s *Service) GiveFeedback(ctx context.Context, f Feedback, then func(ctx context.Context, tx *store.Tx) error) error {
	now := s.now()
	log, err := s.openFeedbackLog(ctx, f)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.AuthEvent(ctx, f.PoolID, f.UserID, f.EventID)
		if err != nil {
			return err
		}
		doc, err := parseDocument(row.Doc)
		if err != nil {
			return err
		}
		if f.Provider == ByUser {
			if !f.ByLink && doc.Feedback != nil && doc.Feedback.Provider == ByUser && doc.Feedback.Value == f.Value {
				return nil // The operation can be repeated, and does nothing more.
			}
			if err := doc.checkLink(f.Value); err != nil {
				return err
			}
		}
		doc.Feedback = &feedback{Value: f.Value, Provider: f.Provider, At: now.UnixMilli()}
		if row.Doc, err = json.Marshal(doc); err != nil {
			return fmt.Errorf("protection: event: %w", err)
		}
		row.Succeeded = doc.isLastPlace() // The user has not travelled to where somebody else was.
		// Of two links that are followed at once, one waits here for the other, and begins again.
		if err := tx.UpdateAuthEvent(ctx, row); err != nil {
			return err
		}
		if err := log.write(ctx, tx, s, f.EventID, doc); err != nil {
			return err
		}
		if err := s.teach(ctx, tx, f.PoolID, f.UserID, doc.Keys, f.Value == idp.FeedbackValueTypeValid, now); err != nil || then == nil {
			return err
		}
		return then(ctx, tx)
	}, store.Retry)
}

// unknownDevice is the name of an unknown browser on an unknown system. Cognito's API shows it; it tells a person nothing.
var unknownDevice = useragent.Parse("").String()

// A LinkedSignIn is the sign-in that a link of a notice is about, as a page shows it.
type LinkedSignIn struct {
	UserID, ClientID      string
	At                    time.Time
	Device, City, Country string // "" is unknown
	// Answered is true if the user has given the answer of the link before.
	Answered bool
}

// Linked returns the sign-in that a link is about. It changes nothing. The error is store.ErrNotFound if there is no such
// event, and ErrLinkUsed if the user has given another answer that the link cannot change.
func (s *Service) Linked(ctx context.Context, userID string, l FeedbackLink) (LinkedSignIn, error) {
	row, err := s.deps.Store.AuthEvent(ctx, l.PoolID, userID, l.EventID)
	if err != nil {
		return LinkedSignIn{}, err
	}
	doc, err := parseDocument(row.Doc)
	if err != nil {
		return LinkedSignIn{}, err
	}
	err = doc.checkLink(l.Value)
	answered := err != nil && doc.Feedback.Value == l.Value // It tells the holder of the link no more than the link does.
	if err != nil && !answered {
		return LinkedSignIn{}, err
	}
	out := LinkedSignIn{Answered: answered, UserID: userID, ClientID: doc.Client, At: keys.TimeOfUUID(row.ID), Device: doc.Device, City: doc.City, Country: doc.Country}
	if out.Device == unknownDevice {
		out.Device = ""
	}
	return out, nil
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
