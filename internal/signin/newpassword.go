package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/user"
)

// attributeKey begins the keys of attributes in NEW_PASSWORD_REQUIRED.
const attributeKey = "userAttributes."

// askNewPassword asks a user with a temporary password for one of its own, and
// for the attributes that the schema requires and nobody gave.
func (s *Service) askNewPassword(c *call, o *outcome) (*answer, error) {
	session, err := s.seal(c, o.state, idp.ChallengeNameTypeNewPasswordRequired)
	if err != nil {
		return nil, err
	}
	required := []string{}
	for _, name := range user.MissingAttributes(c.pool, o.user) {
		required = append(required, attributeKey+name)
	}
	// Clients read from it which required attributes have a value yet.
	shown := map[string]string{}
	for _, name := range user.MissingAttributes(c.pool, o.user) {
		shown[name] = ""
	}
	for name, value := range o.user.Attributes {
		if value != "" && user.MayRead(c.pool, c.client, name) {
			shown[name] = value
		}
	}
	requiredJSON, err := json.Marshal(required)
	if err != nil {
		return nil, err
	}
	shownJSON, err := json.Marshal(shown)
	if err != nil {
		return nil, err
	}
	return &answer{
		challenge: idp.ChallengeNameTypeNewPasswordRequired,
		session:   &session,
		params: map[string]string{
			"USER_ID_FOR_SRP":    o.user.Username(),
			"requiredAttributes": string(requiredJSON),
			"userAttributes":     string(shownJSON),
		},
	}, nil
}

// answerNewPassword is NEW_PASSWORD_REQUIRED.
func (s *Service) answerNewPassword(ctx context.Context, t *turn) (*outcome, error) {
	if err := s.temporaryStands(t); err != nil {
		return nil, err
	}
	password, ok := t.param("NEW_PASSWORD")
	if !ok {
		return nil, idp.InvalidParameterException("Invalid attributes given, new password should be given with key NEW_PASSWORD.")
	}
	attributes := map[string]string{}
	for key, value := range t.params {
		if name, ok := strings.CutPrefix(key, attributeKey); ok {
			attributes[name] = value
		}
	}
	commit := func(ctx context.Context, tx *store.Tx) error {
		// An administrator may have set another password in this very moment.
		rec, err := tx.User(ctx, t.pool.ID, t.user.ID())
		if err != nil {
			return err
		}
		if !bytes.Equal(rec.Credential, t.user.Rec.Credential) {
			return invalidSession().WithReason(api.ReasonAccountChanged)
		}
		return s.spendIn(ctx, tx, t.state)
	}
	u, err := s.users.CompleteNewPassword(ctx, t.pool, t.client, t.user, password, attributes, commit)
	if errors.Is(err, store.ErrSpent) {
		return nil, usedOnce()
	}
	if err != nil {
		return nil, err
	}
	t.spent = true
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, err
	}
	next := *t.state
	next.NewPassword, next.Credential = true, cred.SetAt.UnixMilli()
	return &outcome{state: &next, user: u}, nil
}

// temporaryStands makes sure that the temporary password which was proven is
// still the user's: what an administrator changed since then counts.
func (s *Service) temporaryStands(t *turn) error {
	if !t.user.Rec.Enabled {
		return disabled()
	}
	cred, err := s.users.Credential(t.user)
	if err != nil {
		return err
	}
	if t.user.Status() != idp.UserStatusTypeForceChangePassword || cred.SetAt.UnixMilli() != t.state.Credential {
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	return nil
}
