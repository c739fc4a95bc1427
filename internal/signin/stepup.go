package signin

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/signin/progress"
	"cognate/internal/user"
)

// A sign-in can be asked to reach an authentication level. A user who signed in before
// passes only the factors that are missing. Package stepup reads what is asked for, and
// package progress says what is missing.

func levelReached() error {
	return idp.InvalidParameterException("The access token already meets the requested authentication level.")
}

func levelOutOfReach() error {
	return idp.InvalidParameterException("The user has no authentication factors that meet the requested authentication level.").WithReason(api.ReasonNoFactor)
}

// factorsOf returns the factors of a user who can begin by the offers.
func (s *Service) factorsOf(c *call, ch *firstFactorOptions) progress.Factors {
	first := ch.offers
	if c.from == hostedPage && !c.passkeys {
		first = slices.DeleteFunc(slices.Clone(first), func(n idp.ChallengeNameType) bool { return n == idp.ChallengeNameTypeWebAuthn })
	}
	return progress.FactorsOf(c.pool.MFA, ch.user, first, hidesState(c, ch.user))
}

// shownFactors returns the factors of a name that nobody has.
func (s *Service) shownFactors(ctx context.Context, c *call) (progress.Factors, error) {
	ch, err := s.optionsOf(ctx, c, s.users.Decoy(c.pool, c.params["USERNAME"]))
	if err != nil {
		return progress.Factors{}, err
	}
	return s.factorsOf(c, ch), nil
}

// useCredit puts the factors of an earlier sign-in into a new state.
func (c *call) useCredit(st *state, cred *user.Credential) {
	if c.stepUp == nil || c.stepUp.Credit == nil {
		return
	}
	st.Credit = c.stepUp.Credit
	st.Add(c.stepUp.Passed)
	if st.ByPassword() && cred.HasPassword() {
		st.Credential = cred.SetAt.UnixMilli()
	}
}

// setTarget decides which level the state has to reach. The API refuses a level that is out
// of reach, while a page takes what can be reached. A client that hides who exists hears of
// it after the first factor, if somebody could reach the level.
func (s *Service) setTarget(ctx context.Context, c *call, ch *firstFactorOptions, st *state) error {
	if c.stepUp == nil {
		return nil
	}
	st.Target = s.factorsOf(c, ch).Target(st.Methods(), c.stepUp.Levels)
	switch {
	case c.from == hostedPage:
		return nil
	case st.Target == 0 && c.stepUp.Credit == nil && c.client.PreventExistence:
		shown, err := s.shownFactors(ctx, c)
		if err != nil {
			return err
		}
		st.Target = shown.Target(nil, c.stepUp.Levels)
	case st.Target > 0 && st.Credit != nil && !st.BelowTarget():
		return levelReached()
	}
	if st.Target == 0 {
		return levelOutOfReach()
	}
	return nil
}

// targetAfter is setTarget where the first factor was passed.
func (s *Service) targetAfter(ctx context.Context, c *call, u *user.User, st *state) error {
	if c.stepUp == nil {
		return nil
	}
	ch, err := s.optionsOf(ctx, c, u)
	if err != nil {
		return err
	}
	return s.setTarget(ctx, c, ch, st)
}

// keepLeading leaves those of the first factors that lead to the state's level. A user who
// cannot reach it has those of a user who can, and hears of it afterwards.
func (s *Service) keepLeading(ctx context.Context, c *call, ch *firstFactorOptions, st *state) error {
	if !st.BelowTarget() {
		return nil
	}
	factors := s.factorsOf(c, ch)
	missing := factors.Missing(st.Methods(), st.Target)
	if missing.IsEmpty() {
		shown, err := s.shownFactors(ctx, c)
		if err != nil {
			return err
		}
		factors.Second = shown.Second
		missing = factors.Missing(st.Methods(), st.Target)
	}
	ch.offers = missing.First
	return nil
}

// keepOrMask is keepLeading where a user without a factor that leads there is masked.
func (s *Service) keepOrMask(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*firstFactorOptions, *state, error) {
	err := s.keepLeading(ctx, c, ch, st)
	if err != nil || len(ch.offers) > 0 {
		return ch, st, err
	}
	if ch, err = s.optionsOf(ctx, c, s.mask(ctx, c, ch.user, c.params["USERNAME"], api.ReasonNoFactor)); err != nil {
		return nil, nil, err
	}
	masked := s.newState(c, ch.user, st.Flow)
	masked.Target = st.Target
	return ch, masked, s.keepLeading(ctx, c, ch, masked)
}

// missingNow returns the factors that the state's level needs next.
func (s *Service) missingNow(ctx context.Context, c *call, u *user.User, st *state) (*firstFactorOptions, progress.Factors, error) {
	ch, err := s.optionsOf(ctx, c, u)
	if err != nil {
		return nil, progress.Factors{}, err
	}
	missing := s.factorsOf(c, ch).Missing(st.Methods(), st.Target)
	ch.offers = missing.First
	return ch, missing, nil
}

// askMissing asks for a factor that the state's level needs; nil if none is missing.
func (s *Service) askMissing(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if !o.state.BelowTarget() || o.state.NeedsNewPassword(o.user) {
		return nil, nil
	}
	ch, missing, err := s.missingNow(ctx, c, o.user, o.state)
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
	return nil, terminalError{levelOutOfReach()}
}

// askOneOf asks for one of the second factors, or which one it shall be.
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

// askFirst asks for one of the first factors, or which one it shall be.
func (s *Service) askFirst(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*answer, error) {
	c.available = ch.offers
	next := *st
	next.SRP, next.OTP = nil, nil
	o, err := s.chooseOrAsk(ctx, c, ch, &next)
	if err != nil {
		return nil, err
	}
	return s.next(ctx, c, o) // It has an answer, unless the password came along.
}

// secondChoices returns the second factors among which the state's user may choose.
func (s *Service) secondChoices(ctx context.Context, t *challengeResponse) ([]string, error) {
	if !t.state.BelowTarget() {
		return t.user.UsableFactors(t.pool.MFA), nil
	}
	_, missing, err := s.missingNow(ctx, t.call, t.user, t.state)
	return missing.Second, err
}

// recheckCredit rejects a state whose earlier sign-in was revoked since.
func (s *Service) recheckCredit(ctx context.Context, st *state) error {
	if st.Credit == nil {
		return nil
	}
	live, err := st.Credit.Live(ctx, &s.store.Reader, st.Pool, st.UserID)
	if err == nil && !live {
		return terminalError{invalidSession().WithReason(api.ReasonAccountChanged)}
	}
	return err
}
