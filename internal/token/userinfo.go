package token

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

const scopeOpenID = "openid"

// AuthenticateOpenID returns who holds an access token with the scope openid. It
// checks what Authenticate checks.
func (s *Service) AuthenticateOpenID(ctx context.Context, accessToken string) (*Principal, error) {
	return s.authenticate(ctx, accessToken, scopeOpenID)
}

// MissingScope reports whether err rejects a token for its scopes alone.
func MissingScope(err error) bool {
	return api.CodeOf(err) == idp.CodeNotAuthorizedException && api.ReasonOf(err) == api.ReasonAccessTokenScope
}

// Shows reports whether userInfo shows the attribute to the token's holder (OpenID
// Connect Core §5.3): the client may read it, and the token's scopes include it.
func (p *Principal) Shows(attribute string) bool {
	return slices.Contains(p.Claims.Scopes, scopeOpenID) && !reservedClaim(attribute) &&
		p.Client.CanRead(attribute) && scopesAllow(p.Claims.Scopes, attribute)
}
