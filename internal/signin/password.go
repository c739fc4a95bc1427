package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/risk"
	"cognate/internal/user"
)

// passwordFactor names the plain password among the factors that a state passed.
const passwordFactor = idp.ChallengeNameTypePassword

// startPassword is USER_PASSWORD_AUTH and ADMIN_USER_PASSWORD_AUTH.
func (s *Service) startPassword(ctx context.Context, c *call) (*outcome, error) {
	u, err := s.resolveOrMigrate(ctx, c, c.params["USERNAME"], c.params["PASSWORD"])
	if err != nil {
		return nil, err
	}
	st := s.newState(c, u, idp.AuthFlowTypeUserPasswordAuth)
	if err := s.provePassword(ctx, c, u, st, c.params["PASSWORD"]); err != nil {
		return nil, err
	}
	st.Passed = append(st.Passed, passwordFactor)
	return &outcome{state: st, user: u}, s.setTargetFor(ctx, c, u, st)
}

// resolve returns the user who signs in. If no user has the name and the client
// hides that, a decoy takes the same path.
func (s *Service) resolve(ctx context.Context, c *call, name string) (*user.User, error) {
	u, err := s.users.ResolveHidden(ctx, c.pool, name)
	if err != nil {
		return nil, err
	}
	c.noteUser(ctx, u)
	if u.IsDecoy() && !c.client.PreventExistence {
		return nil, userNotFound()
	}
	return u, nil
}

// attempt admits a look at the password, which a locked user does not get.
func (s *Service) attempt(ctx context.Context, c *call, u *user.User) (*risk.Attempt, error) {
	if a := c.pendingAttempt; a != nil && u.IsDecoy() {
		c.pendingAttempt = nil
		return a, nil
	}
	a, err := s.lockouts.Begin(ctx, c.pool.ID, u.ID(), s.placeOf(c, u))
	if errors.Is(err, risk.ErrLocked) {
		return nil, exceeded()
	}
	return a, err
}

// placeOf finds out whether the call comes from a place where the user is known.
func (s *Service) placeOf(c *call, u *user.User) risk.Place {
	return func(ctx context.Context) (string, error) {
		return s.users.Place(ctx, &s.store.Reader, c.pool, u, c.caller(ctx))
	}
}

// caller is where the user of the call is. An administrator's call comes from a
// server, and says where the user is or says nothing.
func (c *call) caller(ctx context.Context) user.Caller {
	from := user.Caller{DeviceKey: c.deviceKey()}
	switch {
	case c.device.Context != nil:
		from.Address = c.device.Context.Address
	case !c.admin():
		from.Address = api.RequestFrom(ctx).SourceIP
	}
	if from.DeviceKey == "" && c.response != nil {
		from.DeviceKey = c.response.state.DeviceKey
	}
	return from
}

func exceeded() error {
	return idp.NotAuthorizedException("Password attempts exceeded").WithReason(api.ReasonLocked)
}

// provePassword checks a plain password. A client that hides whether users exist
// learns the state of an account only after the password was right.
func (s *Service) provePassword(ctx context.Context, c *call, u *user.User, st *state, password string) error {
	attempt, err := s.attempt(ctx, c, u)
	if err != nil {
		return err
	}
	defer attempt.Release()
	if !c.client.PreventExistence && !u.Rec.Enabled {
		return user.Disabled()
	}
	if err := s.preAuthentication(ctx, c, u); err != nil {
		return err
	}
	if !c.client.PreventExistence {
		if err := user.AccountFault(u); err != nil {
			return err
		}
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return err
	}
	ok, err := s.users.PasswordMatches(ctx, c.pool, u, cred, password)
	if err != nil {
		return err
	}
	if !ok {
		if err := errors.Join(attempt.Failed(ctx), s.noteWrongPassword(ctx, c, u, st)); err != nil {
			return err
		}
		return incorrect()
	}
	return s.passwordProven(ctx, c, u, st, cred, attempt)
}

// passwordProven is what every proof of a password leads to: the account's
// state, the age of a temporary password, and the end of the count of failures.
func (s *Service) passwordProven(ctx context.Context, c *call, u *user.User, st *state, cred *user.Credential, attempt *risk.Attempt) error {
	if err := user.AccountFault(u); err != nil {
		return err
	}
	if u.Status() == idp.UserStatusTypeForceChangePassword && cred.Stale(c.pool, s.now()) {
		return idp.NotAuthorizedException("Temporary password has expired and must be reset by an administrator.").WithReason(api.ReasonTemporaryExpired)
	}
	st.Credential = cred.SetAt.UnixMilli()
	return attempt.Succeeded(ctx)
}
