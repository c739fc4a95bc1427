package signin

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/signin/progress"
	"cognate/internal/signin/stepup"
	"cognate/internal/user"
)

// A client can ask a sign-in to reach an authentication level. A user who signed in before
// passes only the factors that are missing. Package stepup reads the client's request, and
// package progress computes the missing factors.

// factorsOf returns the factors of a user whose first factors are the offers.
func (s *Service) factorsOf(c *call, ch *firstFactorOptions) progress.Factors {
	first := ch.offers
	if c.from == hostedPage && !c.passkeys {
		first = slices.DeleteFunc(slices.Clone(first), func(n idp.ChallengeNameType) bool { return n == idp.ChallengeNameTypeWebAuthn })
	}
	return progress.FactorsOf(c.pool.MFA, ch.user, first, hidesState(c, ch.user))
}

// decoyFactors returns the factors of the decoy for the call's username.
func (s *Service) decoyFactors(ctx context.Context, c *call) (progress.Factors, error) {
	ch, err := s.optionsOf(ctx, c, s.users.Decoy(c.pool, c.params["USERNAME"]))
	if err != nil {
		return progress.Factors{}, err
	}
	return s.factorsOf(c, ch), nil
}

// useCredit puts the factors of an earlier sign-in into a new state, if they still count.
func (c *call) useCredit(st *state, u *user.User, cred *user.Credential) {
	c.stepUp = c.stepUp.ForUser(u, cred)
	if c.stepUp == nil || c.stepUp.Credit == nil {
		return
	}
	st.Credit = c.stepUp.Credit
	st.Add(c.stepUp.Passed)
	if st.ByPassword() && cred.HasPassword() {
		st.Credential = cred.SetAt.UnixMilli()
	}
}

// setTarget sets the level that the state has to reach. The API refuses levels that are out
// of reach, while a page goes on without a level. If the client hides whether users exist, and
// the decoy can reach a level, the refusal comes only after the first factor.
func (s *Service) setTarget(ctx context.Context, c *call, ch *firstFactorOptions, st *state) error {
	if c.stepUp == nil {
		return nil
	}
	st.Target = s.factorsOf(c, ch).Target(st.Methods(), c.stepUp.Levels)
	switch {
	case c.from == hostedPage:
		return nil
	case st.Target == 0 && c.stepUp.Credit == nil && c.client.PreventExistence:
		decoy, err := s.decoyFactors(ctx, c)
		if err != nil {
			return err
		}
		st.Target = decoy.Target(nil, c.stepUp.Levels)
	case st.Target > 0 && st.Credit != nil && !st.BelowTarget():
		return stepup.Reached()
	}
	if st.Target == 0 {
		return stepup.OutOfReach()
	}
	return nil
}

// setTargetFor is setTarget for a user whose first factors are not loaded yet.
func (s *Service) setTargetFor(ctx context.Context, c *call, u *user.User, st *state) error {
	if c.stepUp == nil {
		return nil
	}
	ch, err := s.optionsOf(ctx, c, u)
	if err != nil {
		return err
	}
	return s.setTarget(ctx, c, ch, st)
}

// filterOffers removes the first factors that do not lead to the state's level. A user who
// cannot reach the level gets the decoy's second factors here, and the refusal later.
func (s *Service) filterOffers(ctx context.Context, c *call, ch *firstFactorOptions, st *state) error {
	if !st.BelowTarget() {
		return nil
	}
	factors := s.factorsOf(c, ch)
	missing := factors.Missing(st.Methods(), st.Target)
	if missing.IsEmpty() {
		decoy, err := s.decoyFactors(ctx, c)
		if err != nil {
			return err
		}
		factors.Second = decoy.Second
		missing = factors.Missing(st.Methods(), st.Target)
	}
	ch.offers = missing.First
	return nil
}

// filterOrMask is filterOffers, and replaces a user who has no offer left by a decoy.
func (s *Service) filterOrMask(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*firstFactorOptions, *state, error) {
	err := s.filterOffers(ctx, c, ch, st)
	if err != nil || len(ch.offers) > 0 {
		return ch, st, err
	}
	if ch, err = s.optionsOf(ctx, c, s.mask(ctx, c, ch.user, c.params["USERNAME"], api.ReasonNoFactor)); err != nil {
		return nil, nil, err
	}
	masked := s.newState(c, ch.user, st.Flow)
	masked.Target = st.Target
	return ch, masked, s.filterOffers(ctx, c, ch, masked)
}

// missingFactors returns the factors of which the user passes one next to reach the level.
func (s *Service) missingFactors(ctx context.Context, c *call, u *user.User, st *state) (*firstFactorOptions, progress.Factors, error) {
	ch, err := s.optionsOf(ctx, c, u)
	if err != nil {
		return nil, progress.Factors{}, err
	}
	missing := s.factorsOf(c, ch).Missing(st.Methods(), st.Target)
	ch.offers = missing.First
	return ch, missing, nil
}

// askMissing asks for a factor that leads to the state's level; nil if the level is reached.
func (s *Service) askMissing(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if !o.state.BelowTarget() || o.state.NeedsNewPassword(o.user) {
		return nil, nil
	}
	ch, missing, err := s.missingFactors(ctx, c, o.user, o.state)
	switch {
	case err != nil:
		return nil, err
	case len(missing.Second) > 0:
		return s.askOneOf(ctx, c, o, missing.Second)
	case len(missing.First) > 0:
		return s.askFirst(ctx, c, ch, o.state)
	case c.from == hostedPage && o.state.Credit == nil:
		return nil, nil
	}
	return nil, terminalError{stepup.OutOfReach()}
}

// askOneOf asks for one of the second factors, or lets the user choose.
func (s *Service) askOneOf(ctx context.Context, c *call, o *outcome, second []string) (*answer, error) {
	preferred := c.params["PREFERRED_CHALLENGE"]
	if preferred == string(idp.ChallengeNameTypeSmsOtp) {
		preferred = user.FactorSMS
	}
	for _, name := range []string{preferred, o.user.MFA.Preferred} {
		if slices.Contains(second, name) {
			return s.askSecond(ctx, c, o, idp.ChallengeNameType(name))
		}
	}
	if len(second) == 1 {
		return s.askSecond(ctx, c, o, idp.ChallengeNameType(second[0]))
	}
	return s.askList(c, o, idp.ChallengeNameTypeSelectMfaType, "MFAS_CAN_CHOOSE", second)
}

// askFirst asks for one of the first factors, or lets the user choose.
func (s *Service) askFirst(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*answer, error) {
	c.available = ch.offers
	next := *st
	next.SRP, next.OTP = nil, nil
	o, err := s.chooseOrAsk(ctx, c, ch, &next)
	if err != nil {
		return nil, err
	}
	return s.next(ctx, c, o) // The outcome has an answer, unless the call has the password.
}

// secondChoices returns the second factors from which the state's user may choose.
func (s *Service) secondChoices(ctx context.Context, t *challengeResponse) ([]string, error) {
	if !t.state.BelowTarget() {
		return t.user.UsableFactors(t.pool.MFA), nil
	}
	_, missing, err := s.missingFactors(ctx, t.call, t.user, t.state)
	return missing.Second, err
}

// recheckCredit rejects a state whose earlier sign-in was revoked, or whose password was
// replaced, since.
func (s *Service) recheckCredit(ctx context.Context, st *state, u *user.User) error {
	if st.Credit == nil {
		return nil
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return err
	}
	live, err := st.Credit.Live(ctx, &s.store.Reader, st.Pool, st.UserID)
	if err == nil && (!live || st.Credential != 0 && cred.SetAt.UnixMilli() != st.Credential) {
		return terminalError{invalidSession().WithReason(api.ReasonAccountChanged)}
	}
	return err
}
