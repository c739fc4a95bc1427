package signin

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/keys/srp"
	"cognate/internal/signin/progress"
	"cognate/internal/user"
)

// USER_AUTH lets people choose how they sign in (Cognito: choice-based sign-in).

// choices are the factors to choose from, in the order in which they are listed,
// and what begins each.
var choices = []struct {
	name   idp.ChallengeNameType
	factor idp.AuthFactorType
	begin  func(*Service, context.Context, *call, *firstFactorOptions, *state) (*outcome, error)
}{
	{idp.ChallengeNameTypePasswordSrp, idp.AuthFactorTypePassword, (*Service).choosePasswordSRP},
	{idp.ChallengeNameTypePassword, idp.AuthFactorTypePassword, (*Service).choosePassword},
	{idp.ChallengeNameTypeEmailOtp, idp.AuthFactorTypeEmailOtp, (*Service).chooseEmailOTP},
	{idp.ChallengeNameTypeSmsOtp, idp.AuthFactorTypeSmsOtp, (*Service).chooseSMSOTP},
	{idp.ChallengeNameTypeWebAuthn, idp.AuthFactorTypeWebAuthn, (*Service).choosePasskey},
}

// firstFactorOptions are the first factors that a user can choose now, with what
// their challenges need.
type firstFactorOptions struct {
	user     *user.User
	cred     *user.Credential
	passkeys []*passkey.Key // only where the pool's settings let them be used
	party    passkey.RelyingParty
	offers   []idp.ChallengeNameType
}

// startChoice is USER_AUTH.
func (s *Service) startChoice(ctx context.Context, c *call) (*outcome, error) {
	preferred := idp.ChallengeNameType(c.params["PREFERRED_CHALLENGE"])
	if preferred != "" && !isChoice(preferred) {
		return nil, idp.InvalidParameterException("Invalid PREFERRED_CHALLENGE: " + clip(string(preferred)))
	}
	if c.from != hostedPage {
		var err error
		if c.stepUp, err = s.stepUps.Read(ctx, c.pool, c.client, c.params); err != nil {
			return nil, err
		}
	}
	name := c.params["USERNAME"]
	following := c.session != nil && *c.session != ""
	resolve := s.resolve
	if password, ok := c.param("PASSWORD"); ok && preferred == idp.ChallengeNameTypePassword && !following {
		resolve = func(ctx context.Context, c *call, name string) (*user.User, error) {
			return s.resolveOrMigrate(ctx, c, name, password)
		}
	}
	u, err := resolve(ctx, c, name)
	if err != nil {
		return nil, err
	}
	if following {
		return s.followSignUp(ctx, c, u)
	}
	if !u.Rec.Enabled && !c.client.PreventExistence {
		return nil, user.Disabled()
	}
	if err := s.preAuthentication(ctx, c, u); err != nil {
		return nil, err
	}
	ch, err := s.optionsOf(ctx, c, u)
	if err != nil {
		return nil, err
	}
	if len(ch.offers) == 0 {
		// Nothing proves this user. A client that hides who exists sees a choice
		// that leads nowhere.
		if !c.client.PreventExistence {
			return nil, incorrect().WithReason(api.ReasonNoFactor)
		}
		if ch, err = s.optionsOf(ctx, c, s.mask(ctx, c, u, name, api.ReasonNoFactor)); err != nil {
			return nil, err
		}
	}
	_, withPassword := c.param("PASSWORD")
	if preferred != idp.ChallengeNameTypePassword || !withPassword {
		// A plain password decides by itself when the account's state is told.
		if err := s.faultBeforeProof(c, ch.user); err != nil {
			return nil, err
		}
	}
	st := s.newState(c, ch.user, idp.AuthFlowTypeUserAuth)
	c.useCredit(st, ch.user, ch.cred)
	if err := s.setTarget(ctx, c, ch, st); err != nil {
		return nil, err
	}
	if st.Credit != nil {
		return &outcome{state: st, user: ch.user}, nil // The engine asks for what is missing.
	}
	if ch, st, err = s.filterOrMask(ctx, c, ch, st); err != nil {
		return nil, err
	}
	c.available = ch.offers
	return s.chooseOrAsk(ctx, c, ch, st)
}

// chooseOrAsk begins the preferred factor or the only one, or asks the user to choose.
func (s *Service) chooseOrAsk(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*outcome, error) {
	preferred := idp.ChallengeNameType(c.params["PREFERRED_CHALLENGE"])
	if preferred == "" && len(ch.offers) == 1 {
		preferred = ch.offers[0] // a password makes two
	}
	if !slices.Contains(ch.offers, preferred) {
		return s.askChoice(c, ch.user, st)
	}
	return s.choose(ctx, c, ch, st, preferred)
}

// withChoices adds the challenges to choose from to a challenge of the first factor.
func (c *call) withChoices(a *answer) *answer {
	if a != nil && a.result == nil {
		a.available = c.available
	}
	return a
}

// asTerminal marks the answers to a wrong proof or a closed account, which end the
// attempt. Overload and internal errors do not end it.
func asTerminal(err error) error {
	return terminalIf(err, idp.CodeNotAuthorizedException, idp.CodeUserNotConfirmedException, idp.CodePasswordResetRequiredException)
}

func isChoice(name idp.ChallengeNameType) bool {
	for _, choice := range choices {
		if choice.name == name {
			return true
		}
	}
	return false
}

// clip bounds what an error repeats of a request.
func clip(s string) string { return s[:min(len(s), 64)] }

// optionsOf returns the factors of the pool by which the user can sign in now.
func (s *Service) optionsOf(ctx context.Context, c *call, u *user.User) (*firstFactorOptions, error) {
	ch := &firstFactorOptions{user: u}
	var err error
	if ch.cred, err = s.users.Credential(u); err != nil {
		return nil, err
	}
	mfa := s.wouldAskMFA(c, u)
	if c.pool.AllowsFirstFactor(idp.AuthFactorTypeWebAuthn) && (!mfa || progress.PasskeyServesMFA(c.pool, u)) {
		if ch.party, _ = s.passkeys.RelyingParty(c.pool); ch.party.ID != "" {
			if ch.passkeys, err = s.passkeys.Usable(ctx, &s.store.Reader, c.pool, u); err != nil {
				return nil, err
			}
		}
	}
	// A user whose state is hidden has the choice of a name that nobody has.
	confirmed, hidden := u.Status() == idp.UserStatusTypeConfirmed, hidesState(c, u)
	code := func(attr string) bool { return hidden && !mfa || confirmed && !mfa && u.Verified(attr) }
	has := map[idp.AuthFactorType]bool{
		idp.AuthFactorTypePassword: hidden || ch.cred.HasPassword(),
		idp.AuthFactorTypeEmailOtp: code("email"),
		idp.AuthFactorTypeSmsOtp:   code("phone_number"),
		idp.AuthFactorTypeWebAuthn: hidden && ch.party.ID != "" || confirmed && len(ch.passkeys) > 0,
	}
	for _, choice := range choices {
		if has[choice.factor] && c.pool.AllowsFirstFactor(choice.factor) {
			ch.offers = append(ch.offers, choice.name)
		}
	}
	return ch, nil
}

// wouldAskMFA reports whether a password would lead to a second factor. Codes
// cannot be followed by one, so they are no way around it (Cognito: MFA and
// passwordless sign-in exclude each other).
func (s *Service) wouldAskMFA(c *call, u *user.User) bool {
	if hidesState(c, u) {
		return c.pool.MFA.Mode == idp.UserPoolMfaTypeOn
	}
	return (&progress.Progress{Passed: []idp.ChallengeNameType{passwordFactor}}).MFA(c.pool.MFA, u) != ""
}

// askChoice is SELECT_CHALLENGE.
func (s *Service) askChoice(c *call, u *user.User, st *state) (*outcome, error) {
	return s.askPlain(c, u, st, idp.ChallengeNameTypeSelectChallenge)
}

// askPlain asks what needs no parameters.
func (s *Service) askPlain(c *call, u *user.User, st *state, name idp.ChallengeNameType) (*outcome, error) {
	session, err := s.seal(c, st, name)
	if err != nil {
		return nil, err
	}
	return &outcome{state: st, user: u, answer: &answer{challenge: name, session: &session, params: map[string]string{}}}, nil
}

// answerChoice is SELECT_CHALLENGE. The answer's factor may come with its proof.
func (s *Service) answerChoice(ctx context.Context, t *challengeResponse) (*outcome, error) {
	ch, err := s.optionsOf(ctx, t.call, t.user)
	if err != nil {
		return nil, err
	}
	if err := s.filterOffers(ctx, t.call, ch, t.state); err != nil {
		return nil, err
	}
	t.available = ch.offers
	chosen := idp.ChallengeNameType(t.params["ANSWER"])
	if !slices.Contains(ch.offers, chosen) {
		return nil, idp.InvalidParameterException("Invalid ANSWER: the challenge is not available.")
	}
	if chosen != idp.ChallengeNameTypePassword {
		if err := s.faultBeforeProof(t.call, ch.user); err != nil {
			return nil, asTerminal(err)
		}
	}
	next := *t.state
	return s.choose(ctx, t.call, ch, &next, chosen)
}

func (s *Service) choose(ctx context.Context, c *call, ch *firstFactorOptions, st *state, name idp.ChallengeNameType) (*outcome, error) {
	for _, choice := range choices {
		if choice.name == name {
			return choice.begin(s, ctx, c, ch, st)
		}
	}
	return nil, idp.InvalidParameterException("Invalid ANSWER: the challenge is not available.")
}

// choosePassword takes the password that came along, or asks for it.
func (s *Service) choosePassword(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*outcome, error) {
	password, ok := c.param("PASSWORD")
	if !ok {
		return s.askPlain(c, ch.user, st, idp.ChallengeNameTypePassword)
	}
	return s.takePassword(ctx, c, ch.user, st, password)
}

func (s *Service) takePassword(ctx context.Context, c *call, u *user.User, st *state, password string) (*outcome, error) {
	u, st, err := s.migrateInTurn(ctx, c, u, st, password)
	if err != nil {
		return nil, asTerminal(err)
	}
	if err := s.provePassword(ctx, c, u, st, password); err != nil {
		return nil, asTerminal(err)
	}
	st.Passed = append(st.Passed, passwordFactor)
	return &outcome{state: st, user: u}, nil
}

// answerPassword is the challenge PASSWORD.
func (s *Service) answerPassword(ctx context.Context, t *challengeResponse) (*outcome, error) {
	next := *t.state
	return s.takePassword(ctx, t.call, t.user, &next, t.params["PASSWORD"])
}

// choosePasswordSRP answers the client's public value that came along. Without
// it a first call is incomplete, and a later one asks.
func (s *Service) choosePasswordSRP(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*outcome, error) {
	_, ok := c.param("SRP_A")
	switch {
	case ok:
		return s.beginSRP(ctx, c, ch.user, st)
	case c.response == nil:
		return nil, missing("SRP_A")
	}
	return s.askPlain(c, ch.user, st, idp.ChallengeNameTypePasswordSrp)
}

// answerPasswordSRP is the challenge PASSWORD_SRP.
func (s *Service) answerPasswordSRP(ctx context.Context, t *challengeResponse) (*outcome, error) {
	next := *t.state
	return s.beginSRP(ctx, t.call, t.user, &next)
}

// beginSRP asks PASSWORD_VERIFIER. Its state is in the SECRET_BLOCK, as always;
// the Session that clients want beside it in this flow holds the same.
func (s *Service) beginSRP(ctx context.Context, c *call, u *user.User, st *state) (*outcome, error) {
	public, err := srp.ParsePublic(c.params["SRP_A"])
	if err != nil {
		return nil, idp.InvalidParameterException("Invalid SRP_A").WithCause(err)
	}
	locked, err := s.lockouts.Locked(ctx, c.pool.ID, u.ID(), s.placeOf(c, u))
	if err != nil {
		return nil, err
	}
	if locked {
		return nil, terminalError{exceeded()}
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, err
	}
	if len(cred.Verifier) == 0 {
		// An imported hash, or the password went since the choice: there is nothing to
		// prove, and the exchange goes its way and fails.
		u, st = s.standIn(ctx, c, u, st, api.ReasonNoPassword)
		if cred, err = s.users.Credential(u); err != nil {
			return nil, err
		}
	}
	plain := *st
	session, err := s.seal(c, &plain, idp.ChallengeNameTypePasswordVerifier)
	if err != nil {
		return nil, err
	}
	o, err := s.askSRP(ctx, c, u, cred, st, public)
	if err == nil {
		o.answer.session = &session
	}
	return o, err
}

// Codes as first factors.

func (s *Service) chooseEmailOTP(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*outcome, error) {
	return s.askFirstCode(ctx, c, ch.user, st, idp.ChallengeNameTypeEmailOtp, "email")
}

func (s *Service) chooseSMSOTP(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*outcome, error) {
	return s.askFirstCode(ctx, c, ch.user, st, idp.ChallengeNameTypeSmsOtp, "phone_number")
}

func (s *Service) askFirstCode(ctx context.Context, c *call, u *user.User, st *state, name idp.ChallengeNameType, attr string) (*outcome, error) {
	u, st = s.maskDisabled(ctx, c, u, st)
	asked, err := s.askCode(ctx, c, u, st, name, attr, firstFactorDigits)
	if err != nil {
		return nil, err
	}
	return &outcome{state: st, user: u, answer: &answer{challenge: name, session: &asked.session, params: asked.params()}}, nil
}

// maskDisabled puts a decoy in the place of a user whose state the client must not
// learn: nothing is sent, and no code is right.
func (s *Service) maskDisabled(ctx context.Context, c *call, u *user.User, st *state) (*user.User, *state) {
	if !hidesState(c, u) {
		return u, st
	}
	return s.standIn(ctx, c, u, st, api.ReasonNoFactor)
}

// hidesState reports whether the client must not learn of the user before a proof:
// who does not exist, is disabled, or cannot sign in by a code in this state.
func hidesState(c *call, u *user.User) bool {
	return u.IsDecoy() || c.client.PreventExistence && (!u.Rec.Enabled || u.Status() != idp.UserStatusTypeConfirmed)
}

// standIn puts a decoy in the place of the user for the rest of the sign-in. The
// reason is why, where the state of the account does not say it.
func (s *Service) standIn(ctx context.Context, c *call, u *user.User, st *state, reason api.Reason) (*user.User, *state) {
	if u.IsDecoy() {
		return u, st
	}
	decoy, covered := s.mask(ctx, c, u, c.params["USERNAME"], reason), *st
	covered.Name, covered.UserID, covered.Decoy, covered.Masks = c.params["USERNAME"], decoy.ID(), true, c.masks
	return decoy, &covered
}

// answerFirstCode takes the code of a first factor.
func (s *Service) answerFirstCode(ctx context.Context, t *challengeResponse, name idp.ChallengeNameType, given string) (*outcome, error) {
	if err := s.recheckFirstFactor(t, name); err != nil {
		return nil, err
	}
	if err := s.redeemCode(ctx, t, given, nil); err != nil {
		return nil, err
	}
	return passed(t.state, t.user, name), nil
}

// answerEmailOTP is EMAIL_OTP, as a first factor or as a second one.
func (s *Service) answerEmailOTP(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if t.state.ByPassword() || t.state.Flow != idp.AuthFlowTypeUserAuth {
		return s.answerMail(ctx, t)
	}
	return s.answerFirstCode(ctx, t, idp.ChallengeNameTypeEmailOtp, t.params["EMAIL_OTP_CODE"])
}

// answerSMSOTP is SMS_OTP.
func (s *Service) answerSMSOTP(ctx context.Context, t *challengeResponse) (*outcome, error) {
	return s.answerFirstCode(ctx, t, idp.ChallengeNameTypeSmsOtp, t.params["SMS_OTP_CODE"])
}

// recheckFirstFactor checks the account again: what an administrator or the user
// changed since the challenge counts. A decoy goes on to its failure.
func (s *Service) recheckFirstFactor(t *challengeResponse, name idp.ChallengeNameType) error {
	if t.user.IsDecoy() {
		return nil
	}
	if err := user.AccountFault(t.user); err != nil {
		return terminalError{err}
	}
	twofold := name == idp.ChallengeNameTypeWebAuthn && progress.PasskeyServesMFA(t.pool, t.user)
	if t.user.Status() != idp.UserStatusTypeConfirmed || s.wouldAskMFA(t.call, t.user) && !twofold {
		return terminalError{invalidSession().WithReason(api.ReasonAccountChanged)}
	}
	return nil
}
