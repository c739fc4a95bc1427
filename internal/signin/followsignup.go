package signin

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/user"
)

// followSignUp signs in who has just confirmed a sign-up: the session of
// ConfirmSignUp stands for the first factor, since the code proved an address. A
// second factor follows where the user's password would lead to one. The tokens name the
// code, which was proven, and not the password.
func (s *Service) followSignUp(ctx context.Context, c *call, u *user.User) (*outcome, error) {
	session, err := s.registrations.OpenSession(ctx, c.pool, c.client, u, *c.session, true)
	if err != nil {
		return nil, err
	}
	if !u.Rec.Enabled {
		return nil, user.Disabled()
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error { return s.registrations.SpendSession(ctx, tx, session) })
	if errors.Is(err, store.ErrSpent) {
		return nil, usedOnce()
	}
	if err != nil {
		return nil, err
	}
	// The session is spent before the function is asked: a call that it refuses
	// is over, as one that comes again is before it reaches the function.
	if err := s.preAuthentication(ctx, c, u); err != nil {
		return nil, err
	}
	if err := user.AccountFault(u); err != nil {
		return nil, err
	}
	st := s.newState(c, u, idp.AuthFlowTypeUserAuth)
	if cred.HasPassword() {
		st.Credential = cred.SetAt.UnixMilli()
	}
	st.FollowSignUp(session.Proven, cred.HasPassword())
	return &outcome{state: st, user: u}, s.setTargetFor(ctx, c, u, st)
}
