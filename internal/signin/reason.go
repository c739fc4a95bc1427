package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/signin/progress"
	"cognate/internal/user"
)

// The log says why a sign-in failed, also where the client must not learn it:
// who exists, and what hinders a user who does. Whatever is noted for a user is
// noted for a decoy, so that time does not tell them apart.

// noteUser stores in the call, and in the request's log line, who signs in.
func (c *call) noteUser(ctx context.Context, u *user.User) {
	c.user = u
	user.Note(ctx, u)
}

// mask returns a decoy in the place of a user who cannot sign in, and notes why:
// the state of the account, or else the reason given.
func (s *Service) mask(ctx context.Context, c *call, u *user.User, name string, reason api.Reason) *user.User {
	if !u.IsDecoy() {
		if err := user.AccountFault(u); err != nil {
			reason = api.ReasonOf(err)
		}
		if m, ok := progress.MaskOf(reason); ok {
			c.masks = m
		}
		audit.From(ctx).SetReason(reason)
	}
	return s.users.StandIn(c.pool, u, name)
}

// explain names the reason of a proof that a decoy could not have passed: it is
// not that the proof was wrong.
func (c *call) explain(err error) error {
	if c.user == nil || !c.user.IsDecoy() && c.masks == 0 {
		return err
	}
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		return err
	}
	switch api.ReasonOf(e) {
	case api.ReasonWrongPassword, api.ReasonCodeMismatch, api.ReasonChallengeFailed, api.ReasonBadPasskey, api.ReasonBadDevice:
		return e.WithReason(c.masks.Reason())
	}
	return err
}
