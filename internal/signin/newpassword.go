package signin

import (
	"context"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/user"
)

// askNewPassword asks a user with a temporary password for one of its own, and
// for the attributes that the schema requires and nobody gave.
func (s *Service) askNewPassword(c *call, o *outcome) (*answer, error) {
	session, err := s.seal(c, o.state, idp.ChallengeNameTypeNewPasswordRequired)
	if err != nil {
		return nil, err
	}
	params, err := user.NewPasswordParams(c.pool, c.client, o.user)
	if err != nil {
		return nil, err
	}
	params[idForSRP] = o.user.Username()
	return &answer{challenge: idp.ChallengeNameTypeNewPasswordRequired, session: &session, params: params}, nil
}

// answerNewPassword is NEW_PASSWORD_REQUIRED.
func (s *Service) answerNewPassword(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckTemporaryPassword(t); err != nil {
		return nil, err
	}
	password, ok := t.param("NEW_PASSWORD")
	if !ok {
		return nil, idp.InvalidParameterException("Invalid attributes given, new password should be given with key NEW_PASSWORD.")
	}
	attributes := map[string]string{}
	for key, value := range t.params {
		if name, ok := strings.CutPrefix(key, user.AttributeKey); ok {
			attributes[name] = value
		}
	}
	chosen, err := s.users.PrepareNewPassword(ctx, t.pool, t.client, t.user, password, attributes)
	if err != nil {
		return nil, err
	}
	var u *user.User
	err = s.commit(ctx, t.call, func(tx *store.Tx) error {
		u, err = chosen.Store(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, err
	}
	next := *t.state
	next.NewPassword, next.Credential = true, cred.SetAt.UnixMilli()
	return &outcome{state: &next, user: u}, nil
}

// recheckTemporaryPassword rejects a state whose temporary password was changed
// since it was proven, or whose user was disabled.
func (s *Service) recheckTemporaryPassword(t *challengeResponse) error {
	if !t.user.Rec.Enabled {
		return user.Disabled()
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
