package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/user"
)

// The log says why a sign-in failed, also where the client must not learn it:
// who exists, and what hinders a user who does. Whatever is noted for a user is
// noted for a decoy, so that time does not tell them apart.

// masked is what a decoy hides of a user who exists; 0 where there is no user.
// States carry it from the first step to the last. Values stay what they are.
type masked uint8

// maskedReasons are indexed by masked. There are ten at most: one digit.
var maskedReasons = [...]api.Reason{
	api.ReasonUnknownUser, api.ReasonDisabled, api.ReasonUnconfirmed, api.ReasonResetRequired, api.ReasonNoPassword, api.ReasonNoFactor,
}

func (m masked) reason() api.Reason {
	if int(m) < len(maskedReasons) {
		return maskedReasons[m]
	}
	return api.ReasonUnknownUser
}

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
		for i, r := range maskedReasons {
			if r == reason {
				c.masks = masked(i)
			}
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
		return e.WithReason(c.masks.reason())
	}
	return err
}
