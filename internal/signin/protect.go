package signin

import (
	"cmp"
	"context"

	"cognate/internal/api"
	"cognate/internal/protection"
	"cognate/internal/signin/guard"
	"cognate/internal/signin/progress"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Threat protection judges a sign-in once its first factor is proven, and records it also where the password was wrong.
// The client learns of it only after a right proof.

// describe describes the call's sign-in to threat protection.
func (c *call) describe(ctx context.Context, u *user.User, st *state) *protection.SignIn {
	return &protection.SignIn{
		Pool: c.pool, Client: c.client, EventID: st.EventID, UserID: u.ID(), Decoy: u.IsDecoy(), Custom: st.Custom != nil,
		Source:           c.device.Source(ctx, c.caller(ctx).Address, c.admin()),
		RememberedDevice: st.device != nil && st.device.Remembered, Names: c.device.Names(c.params["USERNAME"], u.Username(), u.Attributes), Recipient: u.Recipient(c.pool), Email: guard.Email(u),
	}
}

// noteWrongPassword records that the password was wrong. The call's end writes it.
func (s *Service) noteWrongPassword(ctx context.Context, c *call, u *user.User, st *state) (err error) {
	if !protection.On(c.pool, st.Custom != nil) {
		return nil
	}
	in := c.describe(ctx, u, st)
	guard.WrongPassword(in)
	c.event, err = s.protection.Evaluate(ctx, in)
	return err
}

// assess asks threat protection, once, about a sign-in whose first factor is proven. Of a custom sign-in that is the end of
// its own challenges. A step-up continues a sign-in that was judged before.
func (s *Service) assess(ctx context.Context, c *call, o *outcome) error {
	st, u := o.state, o.user
	if st.Monitored || st.Credit != nil || st.Custom != nil && !st.granted() || !protection.On(c.pool, st.Custom != nil) {
		return nil
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return err
	}
	in := c.describe(ctx, u, st)
	asks := guard.FirstFactor(in, &st.Progress, u, cred, c.params["PASSWORD"])
	if c.event, err = s.protection.Evaluate(ctx, in); err != nil {
		return err
	}
	st.Monitored = true
	switch v := c.event.Verdict; {
	case v.Refuse:
		return terminalError{guard.Refusal()}
	case v.ResetPassword:
		if err := s.commit(ctx, c, func(tx *store.Tx) error { return s.users.RequireReset(ctx, tx, c.pool, u.ID()) }); err != nil {
			return err
		}
		return terminalError{guard.ResetRequired()}
	default:
		st.Elevated = v.RequireMFA && asks
	}
	return nil
}

// openEvent reads the event of a sign-in that began in an earlier call.
func (s *Service) openEvent(ctx context.Context, c *call, st *state) (err error) {
	if c.event == nil && st.Monitored {
		c.event, err = s.protection.Read(ctx, c.pool, st.UserID, st.EventID)
	}
	return err
}

// noteSecondFactor records the answer to a second factor, which came to an outcome or to an error. It returns that error.
func (s *Service) noteSecondFactor(ctx context.Context, t *challengeResponse, o *outcome, err error) error {
	right := err == nil && o.answer == nil
	if !t.state.Monitored || !progress.IsSecondFactor(t.name) || !right && api.ReasonOf(err) != api.ReasonCodeMismatch {
		return err
	}
	if e := s.openEvent(ctx, t.call, t.state); e != nil {
		return e
	}
	t.event.Answered(right)
	return err
}

// recordFailure writes the event of a call that failed with this error, unless a commit has written it. It returns the error.
func (s *Service) recordFailure(ctx context.Context, c *call, err error) error {
	if !c.event.Dirty() {
		return err
	}
	c.event.Abandon()
	return cmp.Or(s.protection.Record(ctx, c.event), err)
}
