package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/signin/progress"
	"cognate/internal/signin/sealedname"
)

// A flow is a way to start a sign-in.
type flow struct {
	callers caller // who may call it
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

	adminPassword = flow{callers: administrator, required: passwordFlow, hashed: true, refused: "Auth flow not enabled for this client", run: (*Service).startPassword}
	refreshFlow   = flow{callers: publicCaller | administrator, required: []string{"REFRESH_TOKEN"}, refused: "REFRESH_TOKEN_AUTH is not enabled for the client.", run: (*Service).startRefresh}

	flows = map[idp.AuthFlowType]flow{
		idp.AuthFlowTypeUserPasswordAuth:      {callers: publicCaller | hostedPage, required: passwordFlow, hashed: true, refused: "USER_PASSWORD_AUTH flow not enabled for this client", run: (*Service).startPassword},
		idp.AuthFlowTypeAdminUserPasswordAuth: adminPassword,
		idp.AuthFlowTypeAdminNoSrpAuth:        adminPassword,
		idp.AuthFlowTypeUserSrpAuth:           {callers: publicCaller | administrator, required: []string{"USERNAME", "SRP_A"}, hashed: true, refused: "USER_SRP_AUTH is not enabled for the client.", run: (*Service).startSRP},
		idp.AuthFlowTypeRefreshTokenAuth:      refreshFlow,
		idp.AuthFlowTypeRefreshToken:          refreshFlow,
		idp.AuthFlowTypeCustomAuth:            {callers: publicCaller | administrator, required: []string{"USERNAME"}, hashed: true, refused: "CUSTOM_AUTH is not enabled for the client.", run: (*Service).startCustom},
		idp.AuthFlowTypeUserAuth:              {callers: publicCaller | administrator | hostedPage, required: []string{"USERNAME"}, hashed: true, refused: "USER_AUTH is not enabled for the client.", run: (*Service).startChoice},
	}
)

// start begins a flow. The order of its checks is the protocol's.
func (s *Service) start(ctx context.Context, c *call, name idp.AuthFlowType) (a *answer, err error) {
	audit.From(ctx).SetClient(c.pool.ID, c.client.ID)
	defer func() { audit.From(ctx).EndStep(progress.AttemptOf(name), a.name(), err) }()
	f, ok := flows[name]
	if !ok || f.callers&c.from == 0 {
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
	if len(c.params["USERNAME"]) > sealedname.Max {
		return nil, idp.InvalidParameterException("USERNAME is too long.")
	}
	if f.hashed && c.from != hostedPage {
		if err := c.client.CheckSecretHash(c.params["USERNAME"], c.secretHash()); err != nil {
			return nil, err
		}
	}
	defer c.release()
	o, err := f.run(s, ctx, c)
	if err != nil {
		return nil, c.explain(overloadError(s.recordFailure(ctx, c, err)))
	}
	a, err = s.next(ctx, c, o)
	if err == nil {
		err = s.commitRest(ctx, c)
	}
	if err != nil {
		return nil, overloadError(s.recordFailure(ctx, c, err))
	}
	return c.withChoices(a), nil
}

// gateFlow rejects a flow that the client does not allow. Pages take passwords, and sign
// in after a sign-up, whatever the client lists (Cognito: managed login).
func (s *Service) gateFlow(c *call, name idp.AuthFlowType, f flow) error {
	if c.from == hostedPage && (name == idp.AuthFlowTypeUserPasswordAuth || c.session != nil) {
		return nil
	}
	if progress.AttemptOf(name) == audit.TokenRefresh && c.client.Rotation {
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
	run   func(*Service, context.Context, *challengeResponse) (*outcome, error)
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
func (s *Service) respond(ctx context.Context, c *call, name idp.ChallengeNameType) (a *answer, err error) {
	audit.From(ctx).SetClient(c.pool.ID, c.client.ID)
	defer func() { audit.From(ctx).EndStep(audit.SignIn, a.name(), err) }()
	username, ok := c.param("USERNAME")
	if !ok {
		return nil, missing("USERNAME")
	}
	if c.from != hostedPage {
		if err := c.client.CheckSecretHash(username, c.secretHash()); err != nil {
			return nil, err
		}
	}
	a, err = s.answerChallenge(ctx, c, name)
	return c.withChoices(a), c.explain(overloadError(err))
}

// answerChallenge opens the state that is answered, runs the step, and spends the
// state unless the step failed in a way that leaves it.
func (s *Service) answerChallenge(ctx context.Context, c *call, name idp.ChallengeNameType) (*answer, error) {
	ch := challenges[name] // the zero one for names that no state expects
	st, err := s.openState(ctx, c, name, ch)
	if err != nil {
		return nil, err
	}
	r := newResponse(c, name, st)
	if r.user, err = s.userOf(ctx, c, st); err != nil {
		return nil, st.maskBlockError(err)
	}
	c.masks = st.Masks
	c.noteUser(ctx, r.user)
	for _, key := range ch.required {
		if _, ok := c.param(key); !ok {
			return nil, missing(key)
		}
	}
	if err := s.acceptDeviceKey(ctx, r, ch); err != nil {
		return nil, err
	}
	defer c.release()
	var a *answer
	o, err := ch.run(s, ctx, r)
	audit.From(ctx).SetProved(string(name), err == nil)
	err = s.noteSecondFactor(ctx, r, o, err)
	if err == nil {
		a, err = s.next(ctx, c, o)
	}
	if err == nil {
		return a, s.commitRest(ctx, c)
	}
	if last, ok := errors.AsType[terminalError](err); ok {
		if err := s.commitFailure(ctx, c); err != nil {
			return nil, err
		}
		return nil, last.error
	}
	return nil, s.recordFailure(ctx, c, err)
}

// openState returns the state that the call answers.
func (s *Service) openState(ctx context.Context, c *call, name idp.ChallengeNameType, ch challenge) (*state, error) {
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

// next returns the step's own answer, or what the pipeline asks next.
func (s *Service) next(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if o.answer != nil {
		return o.answer, nil
	}
	if err := s.findDevice(ctx, c, o); err != nil {
		return nil, err
	}
	if err := s.assess(ctx, c, o); err != nil {
		return nil, err
	}
	if a, err := s.askMissing(ctx, c, o); a != nil || err != nil {
		return a, err
	}
	switch next := o.state.Next(c.pool, o.user, o.state.granted(), o.state.device); next {
	case "":
		if o.state.Custom != nil && !o.state.granted() {
			return s.define(ctx, c, o.user, o.state)
		}
		return s.finish(ctx, c, o)
	case idp.ChallengeNameTypeNewPasswordRequired:
		return s.askNewPassword(c, o)
	case idp.ChallengeNameTypeDeviceSrpAuth:
		return s.askDevice(ctx, c, o)
	default:
		return s.askSecond(ctx, c, o, next)
	}
}
