package token

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/registration"
)

// AuthenticateRegistrar returns the holder of an access token that may register app clients.
// The token may be a user's, or a client's own, which has no user. A client's own token
// cannot be revoked, so every token is rejected once its client has lost the scope.
func (s *Service) AuthenticateRegistrar(ctx context.Context, accessToken string) (*Principal, error) {
	p, v, err := s.openAccess(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	if p.Claims.Username != "" || p.Claims.Subject != p.Claims.ClientID {
		if err := s.checkRevoked(ctx, p, v, registration.Scope); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(p.Claims.Scopes, registration.Scope) || !slices.Contains(p.Client.Config.AllowedOAuthScopes, registration.Scope) {
		return nil, idp.NotAuthorizedException("Access Token does not have required scopes").WithReason(api.ReasonAccessTokenScope)
	}
	return p, nil
}
