package signin

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/protection/origin"
	"cognate/internal/signin/progress"
)

// InitiateAuth starts a flow for a client that anybody may use.
func (s *Service) InitiateAuth(ctx context.Context, in *idp.InitiateAuthRequest) (*idp.InitiateAuthResponse, error) {
	audit.From(ctx).Begin(progress.AttemptOf(in.AuthFlow)) // also if there is no such app client
	sn, client, err := s.pools.LoadClient(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	c := &call{
		pool: sn, client: client, from: publicCaller, params: in.AuthParameters, validation: in.ClientMetadata, session: in.Session, complete: issueTokens,
	}
	c.device = origin.FromPublic(client, in.UserContextData)
	a, err := s.start(ctx, c, in.AuthFlow)
	if err != nil {
		return nil, err
	}
	return a.response(), nil
}

// AdminInitiateAuth starts a flow on an administrator's word.
func (s *Service) AdminInitiateAuth(ctx context.Context, in *idp.AdminInitiateAuthRequest) (*idp.AdminInitiateAuthResponse, error) {
	audit.From(ctx).Begin(progress.AttemptOf(in.AuthFlow))
	c, err := s.adminCall(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	c.params, c.validation, c.session = in.AuthParameters, in.ClientMetadata, in.Session
	c.device = origin.FromAdmin(in.ContextData)
	a, err := s.start(ctx, c, in.AuthFlow)
	if err != nil {
		return nil, err
	}
	return (*idp.AdminInitiateAuthResponse)(a.response()), nil
}

// RespondToAuthChallenge answers a challenge.
func (s *Service) RespondToAuthChallenge(ctx context.Context, in *idp.RespondToAuthChallengeRequest) (*idp.RespondToAuthChallengeResponse, error) {
	sn, client, err := s.pools.LoadClient(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	c := &call{
		pool: sn, client: client, from: publicCaller, params: in.ChallengeResponses, session: in.Session, metadata: in.ClientMetadata, complete: issueTokens,
	}
	c.device = origin.FromPublic(client, in.UserContextData)
	a, err := s.respond(ctx, c, in.ChallengeName)
	if err != nil {
		return nil, err
	}
	return (*idp.RespondToAuthChallengeResponse)(a.response()), nil
}

// AdminRespondToAuthChallenge answers a challenge on an administrator's word.
func (s *Service) AdminRespondToAuthChallenge(ctx context.Context, in *idp.AdminRespondToAuthChallengeRequest) (*idp.AdminRespondToAuthChallengeResponse, error) {
	c, err := s.adminCall(ctx, in.UserPoolId, in.ClientId)
	if err != nil {
		return nil, err
	}
	c.params, c.session, c.metadata = in.ChallengeResponses, in.Session, in.ClientMetadata
	c.device = origin.FromAdmin(in.ContextData)
	a, err := s.respond(ctx, c, in.ChallengeName)
	if err != nil {
		return nil, err
	}
	return (*idp.AdminRespondToAuthChallengeResponse)(a.response()), nil
}

func (s *Service) adminCall(ctx context.Context, poolID, clientID string) (*call, error) {
	sn, err := s.pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetExistingPool(sn.ID)
	client, err := sn.Client(ctx, clientID)
	if err != nil {
		return nil, err
	}
	return &call{pool: sn, client: client, from: administrator, complete: issueTokens}, nil
}

// response returns the answer in the form of the API, which is the same for four operations.
func (a *answer) response() *idp.InitiateAuthResponse {
	return &idp.InitiateAuthResponse{
		ChallengeName: a.challenge, ChallengeParameters: a.params, Session: a.session, AuthenticationResult: a.result,
		AvailableChallenges: a.available,
	}
}
