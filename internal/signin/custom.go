package signin

import (
	"context"
	"maps"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/signin/customflow"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

// CUSTOM_AUTH is a sign-in whose challenges the pool's functions make: Define
// says what comes next, Create asks it, Verify judges the answer. It may begin
// with a proof of the password by SRP.

// granted reports whether a custom sign-in is over but for its device.
func (st *state) granted() bool { return st.Custom != nil && st.Custom.Granted }

func notConfigured() error {
	return idp.InvalidParameterException("Custom auth lambda trigger is not configured for the user pool.")
}

// startCustom is CUSTOM_AUTH.
func (s *Service) startCustom(ctx context.Context, c *call) (*outcome, error) {
	if t := c.pool.Triggers(); t.DefineAuthChallenge == nil || t.CreateAuthChallenge == nil || t.VerifyAuthChallengeResponse == nil {
		return nil, notConfigured()
	}
	var public []byte
	switch c.params["CHALLENGE_NAME"] {
	case "", trigger.CustomChallenge:
	case customflow.RoundSRP:
		text, ok := c.param("SRP_A")
		if !ok {
			return nil, missing("SRP_A")
		}
		var err error
		if public, err = srp.ParsePublic(text); err != nil {
			return nil, idp.InvalidParameterException("Invalid SRP_A").WithCause(err)
		}
	default:
		return nil, idp.InvalidParameterException("Invalid CHALLENGE_NAME.")
	}
	u, cred, err := s.customUser(ctx, c)
	if err != nil {
		return nil, err
	}
	st := s.newState(c, u, idp.AuthFlowTypeCustomAuth)
	st.Custom = &customflow.State{}
	if public == nil {
		a, err := s.define(ctx, c, u, st)
		return &outcome{state: st, user: u, answer: a}, err
	}
	st.Custom.Rounds = []customflow.Round{{Name: customflow.RoundSRP, Passed: true}}
	said, err := s.askDefine(ctx, c, u, st)
	if err != nil {
		return nil, err
	}
	if said.ChallengeName != string(idp.ChallengeNameTypePasswordVerifier) {
		a, err := s.follow(ctx, c, u, st, said)
		return &outcome{state: st, user: u, answer: a}, err
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

// customUser finds who signs in. A user whose state the client must not learn,
// or who has no password to prove, is a decoy.
func (s *Service) customUser(ctx context.Context, c *call) (*user.User, *user.Credential, error) {
	name := c.params["USERNAME"]
	u, err := s.resolve(ctx, c, name)
	if err != nil {
		return nil, nil, err
	}
	locked, err := s.lockouts.Locked(ctx, c.pool.ID, u.ID(), s.placeOf(c, u))
	if err != nil {
		return nil, nil, err
	}
	if locked {
		return nil, nil, exceeded()
	}
	if !u.Rec.Enabled && !c.client.PreventExistence {
		return nil, nil, user.Disabled()
	}
	if err := s.preAuthentication(ctx, c, u); err != nil {
		return nil, nil, err
	}
	cred, err := s.users.Credential(u)
	if err != nil {
		return nil, nil, err
	}
	if err := s.faultBeforeProof(c, u); err != nil {
		return nil, nil, err
	}
	if !u.Rec.Enabled || len(cred.Verifier) == 0 && c.params["CHALLENGE_NAME"] == customflow.RoundSRP {
		u = s.mask(ctx, c, u, name, api.ReasonNoPassword)
		cred, err = s.users.Credential(u)
	}
	return u, cred, err
}

// askDefine runs DefineAuthChallenge.
func (s *Service) askDefine(ctx context.Context, c *call, u *user.User, st *state) (trigger.DefineAuthChallengeResponse, error) {
	rounds := st.Custom.Session(st.Passed)
	arn := c.pool.Triggers().DefineAuthChallenge
	switch {
	case arn == nil:
		return trigger.DefineAuthChallengeResponse{}, terminalError{notConfigured()}
	case st.Custom.Full():
		return trigger.DefineAuthChallengeResponse{}, terminalError{incorrect().WithReason(api.ReasonChallengeFailed)}
	}
	said, err := s.triggers.DefineAuthChallenge(ctx, *arn, c.pool.Event(trigger.SourceDefineAuthChallenge, u.EventName(), c.client.ID), trigger.DefineAuthChallengeRequest{
		UserAttributes: u.EventAttributes(c.pool), Session: rounds, ClientMetadata: c.metadata, UserNotFound: c.notFound(u),
	})
	return said, asFunctionError(err)
}

// define asks what comes next in a custom sign-in, and does it.
func (s *Service) define(ctx context.Context, c *call, u *user.User, st *state) (*answer, error) {
	said, err := s.askDefine(ctx, c, u, st)
	if err != nil {
		return nil, err
	}
	return s.follow(ctx, c, u, st, said)
}

// follow does what DefineAuthChallenge said. Nobody gets no tokens, whatever it
// said.
func (s *Service) follow(ctx context.Context, c *call, u *user.User, st *state, said trigger.DefineAuthChallengeResponse) (*answer, error) {
	switch {
	case said.FailAuthentication, said.IssueTokens && u.IsDecoy():
		return nil, terminalError{incorrect().WithReason(api.ReasonChallengeFailed)}
	case said.IssueTokens:
		if err := user.AccountFault(u); err != nil {
			return nil, terminalError{err}
		}
		// The device may follow, and nobody asks for the rounds any more.
		next := *st
		next.Custom = &customflow.State{Granted: true}
		return s.next(ctx, c, &outcome{state: &next, user: u})
	case said.ChallengeName != trigger.CustomChallenge:
		// Factors of the pool's own are asked when they are due, not by name.
		return nil, terminalError{idp.InvalidLambdaResponseException("Unrecognizable lambda output")}
	}
	arn := c.pool.Triggers().CreateAuthChallenge
	if arn == nil {
		return nil, terminalError{notConfigured()}
	}
	made, err := s.triggers.CreateAuthChallenge(ctx, *arn, c.pool.Event(trigger.SourceCreateAuthChallenge, u.EventName(), c.client.ID), trigger.CreateAuthChallengeRequest{
		UserAttributes: u.EventAttributes(c.pool), Session: st.Custom.Session(st.Passed), ClientMetadata: c.metadata, UserNotFound: c.notFound(u),
	})
	if err != nil {
		return nil, asFunctionError(err)
	}
	next := *st
	custom := *st.Custom
	custom.Private, custom.Metadata = made.PrivateChallengeParameters, made.ChallengeMetadata
	next.Custom = &custom
	session, err := s.seal(c, &next, idp.ChallengeNameTypeCustomChallenge)
	if err != nil {
		return nil, err
	}
	params := map[string]string{}
	maps.Copy(params, made.PublicChallengeParameters)
	params["USERNAME"] = u.Username()
	return &answer{challenge: idp.ChallengeNameTypeCustomChallenge, session: &session, params: params}, nil
}

// answerCustom is CUSTOM_CHALLENGE. A wrong answer is a round like another:
// what follows is for DefineAuthChallenge to say. The function judges one answer
// for each challenge.
func (s *Service) answerCustom(ctx context.Context, t *challengeResponse) (*outcome, error) {
	arn := t.pool.Triggers().VerifyAuthChallengeResponse
	if arn == nil || t.state.Custom == nil {
		return nil, terminalError{notConfigured()}
	}
	if err := s.faultBeforeProof(t.call, t.user); err != nil {
		return nil, terminalError{err}
	}
	if err := s.commitFirst(ctx, t); err != nil {
		return nil, err
	}
	correct, err := s.triggers.VerifyAuthChallengeResponse(ctx, *arn, t.pool.Event(trigger.SourceVerifyAuthChallengeResponse, t.user.EventName(), t.client.ID), trigger.VerifyAuthChallengeResponseRequest{
		UserAttributes: t.user.EventAttributes(t.pool), PrivateChallengeParameters: t.state.Custom.Private,
		ChallengeAnswer: t.params["ANSWER"], ClientMetadata: t.metadata, UserNotFound: t.notFound(t.user),
	})
	if err != nil {
		return nil, asFunctionError(err)
	}
	next := *t.state
	next.Custom = t.state.Custom.Answered(correct)
	a, err := s.define(ctx, t.call, t.user, &next)
	return &outcome{state: &next, user: t.user, answer: a}, err
}
