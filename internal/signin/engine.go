package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
)

// call is one request, whichever operation brought it.
type call struct {
	pool    *pool.Snapshot
	client  *pool.Client
	admin   bool
	params  map[string]string // AuthParameters or ChallengeResponses
	session *string
	turn    *turn // nil where the call starts a flow
	// validation and metadata are ClientMetadata: what starts a flow shows it to
	// other functions than what answers a challenge.
	validation, metadata map[string]string
	asked                bool // PreAuthentication was
	// who signs in, once that was looked for; masks is what a decoy in the place
	// of a user hides. Both are for the log.
	who   *user.User
	masks masked
	// seen is where an administrator says that the user is; nil: where the call
	// comes from.
	seen *token.Sighting
	// held is the attempt that a refused migration began; the check of the
	// password ends it.
	held *risk.Attempt
	// kept are states that are too long for the Sessions which the step gives.
	kept []store.SignInState
	// available are the challenges to choose from, where the flow is USER_AUTH.
	available []idp.ChallengeNameType
}

// param returns a parameter and whether it came; an empty one did not.
func (c *call) param(name string) (string, bool) {
	v := c.params[name]
	return v, v != ""
}

// release ends the attempt that nobody took.
func (c *call) release() {
	if c.held != nil {
		c.held.Release()
	}
}

// secretHash is SECRET_HASH as the checks take it.
func (c *call) secretHash() *string {
	if v, ok := c.param("SECRET_HASH"); ok {
		return &v
	}
	return nil
}

// answer is what a call comes to: a challenge or tokens.
type answer struct {
	challenge idp.ChallengeNameType
	params    map[string]string
	session   *string
	result    *idp.AuthenticationResultType
	available []idp.ChallengeNameType
	// set holds the tokens of a finished sign-in, whose session is recorded with
	// the step's commit.
	set *token.Set
}

// outcome is what a step found. With an answer the call is over; without one
// the step's factor is proven and the pipeline says what comes next.
type outcome struct {
	state  *state
	user   *user.User
	answer *answer
}

// turn is a challenge being answered.
type turn struct {
	*call
	name  idp.ChallengeNameType
	state *state
	user  *user.User
	// spent is set by a step that has spent the state in its own transaction: with
	// what it writes, or before it judges the answer ([Service.spendFirst]).
	spent bool
}

// ends marks the error of a step after which the state is spent: a wrong proof
// ends the attempt, while a slip leaves the session for another try.
type ends struct{ error }

func (e ends) Unwrap() error { return e.error }

// flow is a way to start.
type flow struct {
	public, admin bool
	// required are the parameters without which nothing is looked at.
	required []string
	// refused is the flow gate's text (Cognito: errors of InitiateAuth).
	refused string
	run     func(*Service, context.Context, *call) (*outcome, error)
	// hashed is false where SECRET_HASH is not over USERNAME.
	hashed bool
}

var (
	passwordFlow = []string{"USERNAME", "PASSWORD"}

	adminPassword = flow{admin: true, required: passwordFlow, hashed: true, refused: "Auth flow not enabled for this client", run: (*Service).startPassword}
	refreshFlow   = flow{public: true, admin: true, required: []string{"REFRESH_TOKEN"}, refused: "REFRESH_TOKEN_AUTH is not enabled for the client.", run: (*Service).startRefresh}

	flows = map[idp.AuthFlowType]flow{
		idp.AuthFlowTypeUserPasswordAuth:      {public: true, required: passwordFlow, hashed: true, refused: "USER_PASSWORD_AUTH flow not enabled for this client", run: (*Service).startPassword},
		idp.AuthFlowTypeAdminUserPasswordAuth: adminPassword,
		idp.AuthFlowTypeAdminNoSrpAuth:        adminPassword,
		idp.AuthFlowTypeUserSrpAuth:           {public: true, admin: true, required: []string{"USERNAME", "SRP_A"}, hashed: true, refused: "USER_SRP_AUTH is not enabled for the client.", run: (*Service).startSRP},
		idp.AuthFlowTypeRefreshTokenAuth:      refreshFlow,
		idp.AuthFlowTypeRefreshToken:          refreshFlow,
		idp.AuthFlowTypeCustomAuth:            {public: true, admin: true, required: []string{"USERNAME"}, hashed: true, refused: "CUSTOM_AUTH is not enabled for the client.", run: (*Service).startCustom},
		idp.AuthFlowTypeUserAuth:              {public: true, admin: true, required: []string{"USERNAME"}, hashed: true, refused: "USER_AUTH is not enabled for the client.", run: (*Service).startChoice},
	}
)

// maxName is the longest USERNAME, in bytes, that a flow takes: more than any
// username, address or phone number has. A name that nobody has travels in the
// sealed state, which has a length of its own.
const maxName = 512

// start begins a flow. The order of its checks is the protocol's.
func (s *Service) start(ctx context.Context, c *call, name idp.AuthFlowType) (*answer, error) {
	audit.From(ctx).SetClient(c.pool.ID, c.client.ID)
	f, ok := flows[name]
	if !ok || c.admin && !f.admin || !c.admin && !f.public {
		return nil, idp.InvalidParameterException("Initiate Auth method not supported.").WithReason(api.ReasonFlowDisabled)
	}
	if err := s.gateFlow(c, name, f); err != nil {
		return nil, err
	}
	for _, key := range f.required {
		if _, ok := c.param(key); !ok {
			return nil, missing(key)
		}
	}
	if len(c.params["USERNAME"]) > maxName {
		return nil, idp.InvalidParameterException("USERNAME is too long.")
	}
	if f.hashed {
		if err := c.client.CheckSecretHash(c.params["USERNAME"], c.secretHash()); err != nil {
			return nil, err
		}
	}
	defer c.release()
	o, err := f.run(s, ctx, c)
	if err != nil {
		if last, ok := errors.AsType[ends](err); ok {
			err = last.error // There is no state yet that it could spend.
		}
		return nil, c.explain(shed(err))
	}
	a, err := s.proceed(ctx, c, o)
	if err == nil {
		err = s.tokens.TrackAlone(ctx, c.pool, a.set)
	}
	if err != nil {
		return nil, shed(err)
	}
	return c.offered(a), nil
}

// gateFlow asks whether the client may sign in this way at all.
func (s *Service) gateFlow(c *call, name idp.AuthFlowType, f flow) error {
	refreshing := name == idp.AuthFlowTypeRefreshTokenAuth || name == idp.AuthFlowTypeRefreshToken
	if refreshing && c.client.Rotation {
		return idp.UnsupportedOperationException("Refresh token rotation is enabled for the client; use GetTokensFromRefreshToken.").WithReason(api.ReasonFlowDisabled)
	}
	if !c.client.Allows(name) {
		return idp.InvalidParameterException(f.refused).WithReason(api.ReasonFlowDisabled)
	}
	return nil
}

// challenge is a question that can be answered.
type challenge struct {
	// key is the member of ChallengeResponses that holds the sealed state; ""
	// where it is the Session.
	key string
	// required are the answer's other members, in the order of their check.
	required []string
	// paired: the sealed state in key comes with a Session.
	paired bool
	// ofDevice: the answer is about the device that the state names.
	ofDevice bool
	// keeps: a right answer writes nothing, so that what is refused after it
	// leaves the state for another try.
	keeps bool
	run   func(*Service, context.Context, *turn) (*outcome, error)
}

var challenges = map[idp.ChallengeNameType]challenge{
	idp.ChallengeNameTypePasswordVerifier: {
		key:      "PASSWORD_CLAIM_SECRET_BLOCK",
		required: []string{"PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"},
		keeps:    true,
		run:      (*Service).answerSRP,
	},
	idp.ChallengeNameTypeDeviceSrpAuth: {required: []string{"DEVICE_KEY", "SRP_A"}, ofDevice: true, run: (*Service).answerDeviceSRP},
	idp.ChallengeNameTypeDevicePasswordVerifier: {
		key: "PASSWORD_CLAIM_SECRET_BLOCK", paired: true, ofDevice: true,
		required: []string{"DEVICE_KEY", "PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"},
		run:      (*Service).answerDeviceProof,
	},
	idp.ChallengeNameTypeNewPasswordRequired: {run: (*Service).answerNewPassword},
	idp.ChallengeNameTypeCustomChallenge:     {required: []string{"ANSWER"}, run: (*Service).answerCustom},
	idp.ChallengeNameTypeSmsMfa:              {required: []string{"SMS_MFA_CODE"}, run: (*Service).answerSMS},
	idp.ChallengeNameTypeEmailOtp:            {required: []string{"EMAIL_OTP_CODE"}, run: (*Service).answerEmailOTP},
	idp.ChallengeNameTypeSoftwareTokenMfa:    {required: []string{"SOFTWARE_TOKEN_MFA_CODE"}, run: (*Service).answerTOTP},
	idp.ChallengeNameTypeSelectMfaType:       {required: []string{"ANSWER"}, run: (*Service).answerSelect},
	idp.ChallengeNameTypeMfaSetup:            {run: (*Service).answerSetup},
	idp.ChallengeNameTypeSelectChallenge:     {required: []string{"ANSWER"}, keeps: true, run: (*Service).answerChoice},
	idp.ChallengeNameTypePassword:            {required: []string{"PASSWORD"}, keeps: true, run: (*Service).answerPassword},
	idp.ChallengeNameTypePasswordSrp:         {required: []string{"SRP_A"}, keeps: true, run: (*Service).answerPasswordSRP},
	idp.ChallengeNameTypeSmsOtp:              {required: []string{"SMS_OTP_CODE"}, run: (*Service).answerSMSOTP},
	idp.ChallengeNameTypeWebAuthn:            {required: []string{"CREDENTIAL"}, run: (*Service).answerPasskey},
}

// respond answers a challenge. The order of its checks is the protocol's.
func (s *Service) respond(ctx context.Context, c *call, name idp.ChallengeNameType) (*answer, error) {
	audit.From(ctx).SetClient(c.pool.ID, c.client.ID)
	username, ok := c.param("USERNAME")
	if !ok {
		return nil, missing("USERNAME")
	}
	if err := c.client.CheckSecretHash(username, c.secretHash()); err != nil {
		return nil, err
	}
	a, err := s.take(ctx, c, name)
	return c.offered(a), c.explain(shed(err))
}

// take opens the state that is answered, runs the step and spends the state
// where the step is the last that may use it.
func (s *Service) take(ctx context.Context, c *call, name idp.ChallengeNameType) (*answer, error) {
	ch := challenges[name] // the zero one for names that no state expects
	st, err := s.opened(ctx, c, name, ch)
	if err != nil {
		return nil, err
	}
	t := &turn{call: c, name: name, state: st}
	c.turn = t
	if t.user, err = s.userOf(ctx, c, st); err != nil {
		return nil, st.blur(err)
	}
	c.masks = st.Masks
	c.signsIn(ctx, t.user)
	for _, key := range ch.required {
		if _, ok := c.param(key); !ok {
			return nil, missing(key)
		}
	}
	if err := s.takeDeviceKey(ctx, t, ch); err != nil {
		return nil, err
	}
	defer c.release()
	o, err := ch.run(s, ctx, t)
	var a *answer
	if err == nil {
		a, err = s.proceed(ctx, c, o)
	}
	if t.spent {
		if err == nil {
			err = s.tokens.TrackAlone(ctx, c.pool, a.set)
		}
		return a, err
	}
	if last, ok := errors.AsType[ends](err); ok {
		// A wrong answer that comes too late hears the same as a right one: of many at
		// once, one learns how it was judged.
		err := s.spend(ctx, st)
		switch {
		case errors.Is(err, store.ErrSpent):
			return nil, st.blur(st.used())
		case err != nil:
			return nil, err
		}
		return nil, last.error
	}
	if err != nil {
		return nil, err
	}
	// The commit of the step: of two answers at once, one gets past here.
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := s.tokens.Track(ctx, tx, c.pool, a.set); err != nil {
			return err
		}
		return s.spendIn(ctx, tx, st)
	})
	if errors.Is(err, store.ErrSpent) {
		return nil, st.blur(st.used())
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// opened returns the state that the call answers.
func (s *Service) opened(ctx context.Context, c *call, name idp.ChallengeNameType, ch challenge) (*state, error) {
	if ch.paired {
		return s.openPair(ctx, c, name, ch)
	}
	if ch.key != "" {
		for _, key := range ch.required {
			if _, ok := c.param(key); !ok {
				return nil, missing(key)
			}
		}
		return s.openBlock(ctx, c, name, c.params[ch.key])
	}
	if c.session == nil || *c.session == "" {
		return nil, missing("Session")
	}
	if ch.ofDevice {
		return s.openDeviceSession(ctx, c, name, *c.session)
	}
	return s.openSession(ctx, c, name, *c.session)
}

// proceed returns what the call comes to, and stores what its Session cannot hold.
func (s *Service) proceed(ctx context.Context, c *call, o *outcome) (*answer, error) {
	a, err := s.next(ctx, c, o)
	if err == nil {
		err = s.keepStates(ctx, c)
	}
	return a, err
}

// next returns the step's own answer, or what the pipeline asks next.
func (s *Service) next(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if o.answer != nil {
		return o.answer, nil
	}
	if err := s.findDevice(ctx, c, o); err != nil {
		return nil, err
	}
	switch next := nextChallenge(c.pool, o.user, o.state); next {
	case "":
		if o.state.Custom != nil && !o.state.granted() {
			return s.define(ctx, c, o.user, o.state)
		}
		return s.issue(ctx, c, o)
	case idp.ChallengeNameTypeNewPasswordRequired:
		return s.askNewPassword(c, o)
	case idp.ChallengeNameTypeDeviceSrpAuth:
		return s.askDevice(ctx, c, o)
	default:
		return s.askSecond(ctx, c, o, next)
	}
}
