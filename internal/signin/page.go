package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/pool"
	"cognate/internal/protection/origin"
	"cognate/internal/signin/acr"
	"cognate/internal/signin/stepup"
	"cognate/internal/token"
	"cognate/internal/user"
)

// A PageCall is a step of a sign-in on a login page. The page shows what the
// answer asks for and keeps its Session; the browser never sees the Session.
type PageCall struct {
	Pool   *pool.Snapshot
	Client *pool.Client
	// Params are the AuthParameters of StartOnPage, or the ChallengeResponses of
	// AnswerOnPage, by the names that the API has. Neither has a SECRET_HASH.
	Params  map[string]string
	Session string
	// Levels are the authentication levels that the client asks for, the preferred level
	// first. Passkeys says that the page can ask for passkeys.
	Levels   []int
	Passkeys bool
	// Challenge is what WEB_AUTHN asks for in place of a new challenge, if the page has asked
	// before the sign-in began.
	Challenge []byte
	// EncodedData are the context data that the page's script gathered; "" without script.
	EncodedData string
	// Complete ends a sign-in whose factors are proven, in the place of tokens. Its
	// error is the error of the call.
	Complete func(ctx context.Context, p *Proof) error
}

// A PageAnswer is what a step comes to: a challenge, or "" where the sign-in is
// complete.
type PageAnswer struct {
	Challenge idp.ChallengeNameType
	Params    map[string]string
	Session   string
	// Available are the first factors to choose from.
	Available []idp.ChallengeNameType
}

// StartOnPage starts a flow: USER_PASSWORD_AUTH, USER_AUTH with the Session of a confirmed
// sign-up, or USER_AUTH where the client lists it. Its errors are those of InitiateAuth.
func (s *Service) StartOnPage(ctx context.Context, p PageCall, flow idp.AuthFlowType) (*PageAnswer, error) {
	a, err := s.start(ctx, p.call(), flow)
	return pageAnswer(a, err)
}

// AnswerOnPage answers a challenge. Its errors are those of RespondToAuthChallenge.
func (s *Service) AnswerOnPage(ctx context.Context, p PageCall, name idp.ChallengeNameType) (*PageAnswer, error) {
	a, err := s.respond(ctx, p.call(), name)
	return pageAnswer(a, err)
}

// StepUpOnPage continues the sign-in of a browser session that passed these factors, the
// last one at this time. It asks for the factors that are missing to reach one of the page's
// levels. It refuses a session whose password has been replaced since.
func (s *Service) StepUpOnPage(ctx context.Context, p PageCall, u *user.User, passed acr.Methods, since time.Time) (*PageAnswer, error) {
	c := p.call()
	c.noteUser(ctx, u)
	c.stepUp = &stepup.Request{Levels: p.Levels, Passed: passed, Since: since, Credit: &stepup.Credit{Epoch: token.EpochOf(u.Rec.TokensValidAfter)}}
	if err := s.preAuthentication(ctx, c, u); err != nil {
		return nil, errorOf(err)
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, err
	}
	st := s.newState(c, u, idp.AuthFlowTypeUserAuth)
	if c.useCredit(st, u, cred); st.Credit == nil {
		return nil, invalidSession().WithReason(api.ReasonAccountChanged)
	}
	if err := s.setTargetFor(ctx, c, u, st); err != nil || !st.BelowTarget() {
		return nil, cmp.Or(err, stepup.Reached())
	}
	a, err := s.next(ctx, c, &outcome{state: st, user: u})
	if err == nil {
		err = s.commitRest(ctx, c)
	}
	return pageAnswer(c.withChoices(a), overloadError(err))
}

// TargetOnPage returns the first of the page's levels that the user has reached by the
// factors, or can reach; 0 if there is no such level.
func (s *Service) TargetOnPage(ctx context.Context, p PageCall, u *user.User, passed acr.Methods) (int, error) {
	c := p.call()
	ch, err := s.optionsOf(ctx, c, u)
	if err != nil {
		return 0, err
	}
	return s.factorsOf(c, ch).Target(passed, p.Levels), nil
}

// PasskeyOptionsOnPage returns the options of a WEB_AUTHN challenge, for
// navigator.credentials.get. It does not spend the Session: a page can be shown again.
func (s *Service) PasskeyOptionsOnPage(ctx context.Context, p PageCall) (json.RawMessage, error) {
	c := p.call()
	r, err := s.openOnPage(ctx, c, idp.ChallengeNameTypeWebAuthn, p.Session)
	if err != nil {
		return nil, err
	}
	ch, err := s.optionsOf(ctx, c, r.user)
	if err != nil {
		return nil, err
	}
	return passkey.RequestOptions(ch.party, r.state.Passkey, ch.passkeys, assertionTimeout.Milliseconds())
}

// openOnPage opens the Session of a challenge, and reads its user.
func (s *Service) openOnPage(ctx context.Context, c *call, name idp.ChallengeNameType, session string) (*challengeResponse, error) {
	st, err := s.openSession(ctx, c, name, session)
	if err != nil {
		return nil, err
	}
	r := newResponse(c, name, st)
	if r.user, err = s.userOf(ctx, c, st); err != nil {
		return nil, st.maskBlockError(err)
	}
	c.masks = st.Masks
	c.noteUser(ctx, r.user)
	return r, nil
}

// ResendOnPage sends a new code for a challenge that asks for one. The Session of the code
// before is spent.
func (s *Service) ResendOnPage(ctx context.Context, p PageCall, name idp.ChallengeNameType) (*PageAnswer, error) {
	c := p.call()
	r, err := s.openOnPage(ctx, c, name, p.Session)
	if err != nil {
		return nil, err
	}
	st := r.state
	if st.OTP == nil {
		return nil, invalidSession()
	}
	if !st.ByPassword() {
		return s.resendFirstCode(ctx, r, name)
	}
	if err := s.recheckAccount(r); err != nil {
		return nil, err
	}
	if st.OTP.Enrol != "" {
		if err := s.stillEnrols(r, r.user); err != nil {
			return nil, err
		}
		o, err := s.enrol(ctx, r, name, st.OTP.Enrol)
		if err != nil {
			return nil, overloadError(err)
		}
		return pageAnswer(o.answer, nil)
	}
	a, err := s.askSecondCode(ctx, c, r.user, st, name)
	return pageAnswer(a, overloadError(err))
}

// resendFirstCode sends another code of a first factor.
func (s *Service) resendFirstCode(ctx context.Context, r *challengeResponse, name idp.ChallengeNameType) (*PageAnswer, error) {
	if err := s.recheckFirstFactor(r, name); err != nil {
		return nil, errorOf(err)
	}
	ch, err := s.optionsOf(ctx, r.call, r.user)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ch.offers, name) {
		return nil, invalidSession().WithReason(api.ReasonAccountChanged)
	}
	r.available = ch.offers
	next := *r.state
	o, err := s.choose(ctx, r.call, ch, &next, name)
	if err != nil {
		return nil, overloadError(errorOf(err))
	}
	return pageAnswer(r.withChoices(o.answer), nil)
}

func (p *PageCall) call() *call {
	c := &call{pool: p.Pool, client: p.Client, from: hostedPage, params: p.Params, passkeys: p.Passkeys, challenge: p.Challenge, device: origin.FromPage(p.EncodedData)}
	if len(p.Levels) > 0 {
		c.stepUp = &stepup.Request{Levels: p.Levels}
	}
	if p.Session != "" {
		c.session = &p.Session
	}
	c.complete = func(ctx context.Context, _ *Service, proof *Proof) (*answer, error) {
		return &answer{}, asFunctionError(p.Complete(ctx, proof))
	}
	return c
}

func pageAnswer(a *answer, err error) (*PageAnswer, error) {
	if err != nil {
		return nil, err
	}
	out := &PageAnswer{Challenge: a.challenge, Params: a.params, Available: a.available}
	if a.session != nil {
		out.Session = *a.session
	}
	return out, nil
}
