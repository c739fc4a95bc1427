package token

import (
	"context"
	"strings"

	"cognate/internal/api/awsjson"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
)

// AWSIssuerBase is the base of the issuers that Cognito itself uses in a Region.
func AWSIssuerBase(region string) string {
	base := "https://cognito-idp." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		base += ".cn"
	}
	return base
}

// Issuer is what tokens of the pool have in iss. The pool's id is its last
// segment, which clients cut out. AWS's own base has a second form, which a
// pool's IssuerConfiguration chooses.
func (s *Service) Issuer(sn *pool.Snapshot) string {
	original, updated := s.issuers(sn)
	if c := sn.Config.IssuerConfiguration; c != nil && c.Type == idp.IssuerTypeUpdated {
		return updated
	}
	return original
}

// issuers are both forms; they are the same where the base is the operator's own.
func (s *Service) issuers(sn *pool.Snapshot) (original, updated string) {
	base := strings.TrimSuffix(s.issuerBase(sn), "/")
	original = base + "/" + sn.ID
	if base != AWSIssuerBase(sn.Region) {
		return original, original
	}
	return original, strings.Replace(original, "https://", "https://issuer-", 1)
}

// JWKS is the pool's JSON Web Key Set: keys that sign, that will, and that did as
// long as a token of theirs may live.
func (s *Service) JWKS(ctx context.Context, poolID string) ([]byte, error) {
	sn, err := s.pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	set, err := s.signing.of(ctx, sn.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var published []keys.PublishedKey
	for _, key := range set.keys {
		if live(&key.row, now) {
			published = append(published, keys.PublishedKey{KID: key.row.KID, Key: key.public})
		}
	}
	return keys.JWKS(published), nil
}

// Discovery is the pool's OpenID Provider metadata (OpenID Connect Discovery 1.0
// §3). A pool without a domain has no endpoints to tell.
func (s *Service) Discovery(ctx context.Context, poolID string) ([]byte, error) {
	sn, err := s.pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	issuer, domain := s.Issuer(sn), strings.TrimSuffix(s.domainBase(sn), "/")
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
	list("response_types_supported", "code", "token")
	endpoint("revocation_endpoint", "/oauth2/revoke")
	list("scopes_supported", "openid", "email", "phone", "profile")
	list("subject_types_supported", "public")
	endpoint("token_endpoint", "/oauth2/token")
	list("token_endpoint_auth_methods_supported", "client_secret_basic", "client_secret_post")
	endpoint("userinfo_endpoint", "/oauth2/userInfo")
	return o.done(), nil
}
