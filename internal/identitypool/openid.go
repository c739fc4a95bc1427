package identitypool

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"cognate/internal/api/identity"
	"cognate/internal/audit"
	"cognate/internal/token"
)

// The claims of tokens of identities that are not registered ones (Cognito: open ID tokens of
// identity pools; IAM: session tags).
const (
	claimPoolARN = "https://cognito-identity.amazonaws.com/identity-pool-arn"
	claimTags    = "https://aws.amazon.com/tags"
)

// openIDClaims are the claims of an identity's token.
type openIDClaims struct {
	Issuer   string         `json:"iss"`
	Subject  string         `json:"sub"`
	Audience string         `json:"aud"`
	AMR      []string       `json:"amr"`
	IssuedAt int64          `json:"iat"`
	Expires  int64          `json:"exp"`
	PoolARN  string         `json:"https://cognito-identity.amazonaws.com/identity-pool-arn"`
	Tags     *principalTags `json:"https://aws.amazon.com/tags,omitempty"`
}

type principalTags struct {
	Tags map[string][]string `json:"principal_tags"`
}

// sign returns the token of an identity. It is not valid for longer than a token of this server
// among the logins: else a client could prolong that token for ever.
func (s *Service) sign(ctx context.Context, p *Pool, id string, logins []*login, tags map[string]string, life time.Duration) (string, error) {
	now := s.deps.Now()
	claims := openIDClaims{
		Issuer: s.deps.Issuer(p.Region), Subject: id, Audience: p.ID, AMR: methods(logins),
		IssuedAt: now.Unix(), Expires: now.Add(life).Unix(), PoolARN: s.arn(p),
	}
	for _, l := range logins {
		if l.expires != 0 {
			claims.Expires = min(claims.Expires, l.expires)
		}
	}
	if len(tags) > 0 {
		claims.Tags = &principalTags{Tags: map[string][]string{}}
		for key, value := range tags {
			claims.Tags.Tags[key] = []string{value}
		}
	}
	text, err := json.Marshal(&claims)
	if err != nil {
		return "", err
	}
	return s.deps.Tokens.SignIdentity(ctx, text)
}

// GetOpenIdToken returns a token by which the client asks for credentials itself (Cognito: the
// basic flow).
func (s *Service) GetOpenIdToken(ctx context.Context, in *identity.GetOpenIdTokenInput) (*identity.GetOpenIdTokenResponse, error) {
	i, p, err := s.identity(ctx, in.IdentityId)
	if err != nil {
		return nil, err
	}
	if !p.AllowClassic {
		audit.From(ctx).SetPool(p.ID)
		return nil, invalid("Basic (classic) flow is not enabled, please use enhanced flow.")
	}
	id, logins, err := s.access(ctx, i, p, in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	token, err := s.sign(ctx, p, id, logins, tagsOf(p, logins), openIDLife)
	return &identity.GetOpenIdTokenResponse{IdentityId: &id, Token: &token}, err
}

// tagsOf returns the tags that the logins' claims make (Cognito: attributes for access control).
func tagsOf(p *Pool, logins []*login) map[string]string {
	tags := map[string]string{}
	for _, l := range logins {
		if l.identity != "" {
			tagsOfToken(l, tags)
			continue
		}
		set, ok := p.tagMapOf(l)
		if !ok {
			continue
		}
		claims := set.Tags
		if set.Defaults {
			claims = map[string]string{"client": "aud", "username": "sub"}
		}
		for key, claim := range claims {
			if value, ok := claimText(l.claims[claim]); ok && value != "" {
				tags[key] = value
			}
		}
	}
	return tags
}

// tagMapOf returns the map of a login's provider: with its app client, or without.
func (p *Pool) tagMapOf(l *login) (tagMap, bool) {
	client, _ := l.claims["aud"].(string)
	if set, ok := p.PrincipalTags[l.provider+":"+client]; ok {
		return set, true
	}
	set, ok := p.PrincipalTags[l.provider]
	return set, ok
}

// tagsOfToken reads the tags of a token of this server.
func tagsOfToken(l *login, into map[string]string) {
	part, _ := l.claims[claimTags].(map[string]any)
	tags, _ := part["principal_tags"].(map[string]any)
	for key, v := range tags {
		if list, ok := v.([]any); ok && len(list) == 1 {
			if value, ok := list[0].(string); ok {
				into[key] = value
			}
		}
	}
}

// claimText returns a claim that is a text, a number or a boolean.
func claimText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// Mount adds the public documents of the issuer at a path, which has no slash at the end. The name
// of the key set is Cognito's.
func (s *Service) Mount(mux *http.ServeMux, path string) {
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", token.Publish(s.discovery))
	mux.HandleFunc("GET "+path+"/.well-known/jwks_uri", token.Publish(s.deps.Tokens.IdentityJWKS))
}

func (s *Service) discovery(ctx context.Context) ([]byte, error) {
	issuer := s.deps.Issuer(regionOf(ctx))
	return json.Marshal(map[string]any{
		"issuer": issuer, "jwks_uri": issuer + "/.well-known/jwks_uri", "response_types_supported": []string{"id_token"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"},
	})
}
