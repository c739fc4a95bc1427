package token

import (
	"context"
	"strings"

	"cognate/internal/api/awsjson"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
)

// AWSIssuerBase returns the base of the issuers that Cognito itself uses in a Region.
func AWSIssuerBase(region string) string {
	base := "https://cognito-idp." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		base += ".cn"
	}
	return base
}

// Issuer returns the iss of the pool's tokens. Its last segment is the pool's id,
// which clients cut out. AWS's own base has a second form, which a pool's
// IssuerConfiguration chooses.
func (s *Service) Issuer(sn *pool.Snapshot) string {
	original, updated := s.issuers(sn)
	if c := sn.Config.IssuerConfiguration; c != nil && c.Type == idp.IssuerTypeUpdated {
		return updated
	}
	return original
}

// Issuers returns every iss that tokens of the pool may have.
func (s *Service) Issuers(sn *pool.Snapshot) []string {
	original, updated := s.issuers(sn)
	return []string{original, updated}
}

// issuers returns both forms of the issuer. They are equal if the operator set the
// base.
func (s *Service) issuers(sn *pool.Snapshot) (original, updated string) {
	base := strings.TrimSuffix(s.deps.IssuerBase(sn), "/")
	original = base + "/" + sn.ID
	if base != AWSIssuerBase(sn.Region) {
		return original, original
	}
	return original, strings.Replace(original, "https://", "https://issuer-", 1)
}

// JWKS returns the pool's JSON Web Key Set.
func (s *Service) JWKS(ctx context.Context, poolID string) ([]byte, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	published, err := s.publishedKeys(ctx, sn.ID, "")
	return keys.JWKS(published), err
}

// Discovery returns the pool's OpenID Provider metadata (OpenID Connect Discovery
// 1.0 §3). Without a domain it names no endpoints.
func (s *Service) Discovery(ctx context.Context, poolID string) ([]byte, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	issuer, domain := s.Issuer(sn), strings.TrimSuffix(s.deps.DomainBase(sn), "/")
	o := newObject(1024)
	endpoint := func(name, path string) {
		if domain != "" {
			o.text(name, domain+path)
		}
	}
	list := func(name string, values ...string) {
		o.name(name)
		o.b = awsjson.StringList(o.b, values)
	}
	endpoint("authorization_endpoint", "/oauth2/authorize")
	endpoint("end_session_endpoint", "/logout")
	list("id_token_signing_alg_values_supported", "RS256")
	o.text("issuer", issuer)
	o.text("jwks_uri", issuer+"/.well-known/jwks.json")
	if on, _ := sn.Registers(); on {
		endpoint("registration_endpoint", "/oauth2/register")
	}
	list("response_types_supported", "code", "token")
	endpoint("revocation_endpoint", "/oauth2/revoke")
	list("scopes_supported", "openid", "email", "phone", "profile")
	list("subject_types_supported", "public")
	endpoint("token_endpoint", "/oauth2/token")
	list("token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post")
	endpoint("userinfo_endpoint", "/oauth2/userInfo")
	return o.done(), nil
}
