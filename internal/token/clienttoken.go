package token

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/trigger"
)

// MachineGrant is the request of a client that has shown its secret, for a token
// of its own (RFC 6749 §4.4).
type MachineGrant struct {
	Pool   *pool.Snapshot
	Client *pool.Client
	// Scopes are the scopes that the client asks for; empty: all that it may have.
	Scopes         []string
	ClientMetadata map[string]string
}

// ErrScope means that a client asked for a scope that it may not have.
var ErrScope = errors.New("token: a scope that is not the client's")

// IssueForMachine makes the access token of a client without a user. It returns
// ErrScope, keys.ErrBusy if too much cryptography waits, or the exception of a
// PreTokenGeneration trigger that refuses.
func (s *Service) IssueForMachine(ctx context.Context, m MachineGrant) (*Set, error) {
	scopes, err := m.scopes(ctx)
	if err != nil {
		return nil, err
	}
	signers, err := s.signersOf(ctx, m.Pool.ID)
	if err != nil {
		return nil, err
	}
	g := &Grant{Pool: m.Pool, Client: m.Client, OAuth: true, Scopes: scopes}
	change, err := s.machineOverride(ctx, g, m.ClientMetadata)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewRandomFromReader(s.deps.Rand)
	if err != nil {
		return nil, err
	}
	claims := machineClaims(g, s.Issuer(m.Pool), id.String(), s.deps.Now())
	set := &Set{ExpiresIn: int32(m.Client.AccessTTL / time.Second)}
	if err := s.deps.Gate.Do(ctx, func() { set.AccessToken, err = signAccess(g, change, signers.access, claims) }); err != nil {
		return nil, err
	}
	return set, err
}

// scopes returns the granted scopes: the custom scopes of the client that it asks
// for. A scope whose resource server was deleted is not granted.
func (m *MachineGrant) scopes(ctx context.Context) ([]string, error) {
	all, err := m.Pool.CustomScopesOf(ctx, m.Client)
	if err != nil {
		return nil, err
	}
	if len(m.Scopes) == 0 {
		if len(all) == 0 {
			return nil, ErrScope
		}
		return all, nil
	}
	var asked []string
	for _, scope := range m.Scopes {
		if !slices.Contains(all, scope) {
			return nil, ErrScope
		}
		if !slices.Contains(asked, scope) {
			asked = append(asked, scope)
		}
	}
	return asked, nil
}

// machineOverride asks the pool's function, if it handles machines (Cognito:
// pre-token-generation trigger, V3_0). The function may change the access token,
// but not the claims that describe a user.
func (s *Service) machineOverride(ctx context.Context, g *Grant, metadata map[string]string) (*Override, error) {
	t := g.Pool.Triggers().PreTokenGenerationConfig
	if t == nil || t.LambdaVersion != idp.PreTokenGenerationLambdaVersionTypeV30 {
		return nil, nil
	}
	answer, err := s.deps.Triggers.PreTokenGeneration(ctx, t.LambdaArn, t.LambdaVersion,
		g.Pool.Event(trigger.SourceTokenClientCredentials, trigger.ClientCredentialsUser, g.Client.ID),
		trigger.PreTokenGenerationRequest{Scopes: g.Scopes, ClientMetadata: metadata})
	if err != nil {
		return nil, err
	}
	answer.Groups = nil
	answer.AccessToken.ScopesToAdd = slices.DeleteFunc(slices.Clone(answer.AccessToken.ScopesToAdd), pool.IsStandardScope)
	return &Override{answer}, nil
}

// machineClaims writes the payload of a machine's access token. The client is its
// subject. It has no user, group or family.
func machineClaims(g *Grant, issuer, jti string, now time.Time) []byte {
	o := newObject(512)
	o.text("sub", g.Client.ID)
	o.text("token_use", "access")
	o.text("scope", strings.Join(g.Scopes, " "))
	o.seconds("auth_time", now)
	o.text("iss", issuer)
	o.seconds("exp", now.Add(g.Client.AccessTTL))
	o.seconds("iat", now)
	o.name("version")
	o.b = append(o.b, '2')
	o.text("jti", jti)
	o.text("client_id", g.Client.ID)
	return o.done()
}

// GetClientToken returns a token for a client that shows its secret. A secret has
// at least 24 characters of 63 and cannot be guessed. So there is no lock-out, by
// which anyone who knows the client's id could lock the client.
func (s *Service) GetClientToken(ctx context.Context, in *idp.GetClientTokenRequest) (*idp.GetClientTokenResponse, error) {
	audit.From(ctx).Begin(audit.MachineToken)
	sn, c, err := s.deps.Pools.LoadClient(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetClient(sn.ID, c.ID)
	// The secret is checked first: a caller without it learns nothing of the
	// settings, not even whether there is a secret.
	right := c.CheckSecret(&in.Secret)
	switch {
	case len(c.Secrets) == 0 || !right:
		return nil, idp.NotAuthorizedException("Invalid client secret").WithReason(api.ReasonBadClientSecret)
	case !slices.Contains(c.Config.ExplicitAuthFlows, idp.ExplicitAuthFlowsTypeAllowClientTokenAuth):
		return nil, idp.NotAuthorizedException("ALLOW_CLIENT_TOKEN_AUTH is not enabled for the client.").WithReason(api.ReasonFlowDisabled)
	}
	set, err := s.IssueForMachine(ctx, MachineGrant{Pool: sn, Client: c, Scopes: in.Scopes, ClientMetadata: in.ClientMetadata})
	if err != nil {
		return nil, machineFault(err)
	}
	return &idp.GetClientTokenResponse{ClientAuthenticationResult: &idp.ClientAuthenticationResultType{
		AccessToken: &set.AccessToken, ExpiresIn: &set.ExpiresIn, TokenType: new("Bearer"),
	}}, nil
}

// machineFault replaces err by an error that the operation declares. Those of
// triggers are not among them.
func machineFault(err error) error {
	if errors.Is(err, ErrScope) {
		return idp.InvalidParameterException("Invalid scope requested").WithCause(err)
	}
	if errors.Is(err, keys.ErrBusy) {
		return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonOverloaded).WithCause(err)
	}
	e, ok := errors.AsType[*api.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case idp.CodeUserLambdaValidationException:
		return idp.NotAuthorizedException(e.Message).WithReason(api.ReasonOf(err)).WithCause(err)
	case idp.CodeUnexpectedLambdaException, idp.CodeInvalidLambdaResponseException:
		return idp.InternalErrorException(e.Message).WithCause(err)
	}
	return err
}
