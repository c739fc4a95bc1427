package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
)

// Settings are those of one provider.
type Settings struct {
	// Name is the provider's name in the pool, Type one of the types of this package.
	Name, Type string
	// Details are the ProviderDetails of the API.
	Details map[string]string
	// Mapping maps attributes of the pool to claims.
	Mapping map[string]string
	Client  *fetch.Client
	Now     func() time.Time
	// Endpoints replaces URLs of a social provider by the operator's, by the keys of
	// ProviderDetails. It is for tests with a provider that stands in.
	Endpoints map[string]string
}

// Provider is one OpenID Connect or social provider.
type Provider struct {
	name     string
	kind     *kind
	details  map[string]string
	claims   []string // mapped claims, sorted
	client   *fetch.Client
	now      func() time.Time
	appleKey *ecdsa.PrivateKey

	// social is where a social provider is. OIDC providers are discovered at each sign-in.
	social        *endpoints
	tokenByGet    bool
	userInfoPosts bool
	addsClaims    bool
}

var _ federation.Provider = (*Provider)(nil)

// New returns a provider. The settings have passed [Check] before.
func New(s Settings) (*Provider, error) {
	k := kinds[s.Type]
	if k == nil {
		return nil, unknownType(s.Type)
	}
	if s.Client == nil || s.Now == nil || s.Name == "" || s.Details[keyClientID] == "" {
		return nil, errors.New("oidc: incomplete settings")
	}
	p := &Provider{
		name: s.Name, kind: k, details: maps.Clone(s.Details), client: s.Client, now: s.Now,
		claims: slices.Compact(slices.Sorted(maps.Values(s.Mapping))),
	}
	if s.Type == OIDC {
		p.userInfoPosts = s.Details[keyRequestMethod] == "POST"
		return p, nil
	}
	if s.Type == SignInWithApple {
		key, err := parseAppleKey(s.Details[keyPrivateKey])
		if err != nil {
			return nil, err
		}
		p.appleKey = key
	}
	p.setSocial(s)
	return p, nil
}

// setSocial sets the endpoints by the type's defaults and the operator's replacements.
func (p *Provider) setSocial(s Settings) {
	set := Defaults(s.Type, s.Details)
	set[keyJWKS] = p.kind.keysURL
	maps.Copy(set, s.Endpoints)
	p.social = &endpoints{
		issuers:   p.kind.issuers,
		authorize: set[keyAuthorizeURL], token: set[keyTokenURL], userInfo: set[keyAttributesURL], keys: set[keyJWKS],
		algorithms: []jose.SignatureAlgorithm{jose.RS256, jose.ES256},
		pkce:       p.kind.pkce,
	}
	if issuer := s.Endpoints[keyIssuer]; issuer != "" {
		p.social.issuers = []string{issuer}
	}
	p.tokenByGet = set[keyTokenMethod] == "GET"
	p.addsClaims = set[keyAddAttributes] == "true"
}

// Start implements federation.Provider.
func (p *Provider) Start(ctx context.Context, a federation.Attempt, w federation.Wish) (string, error) {
	ep, err := p.resolve(ctx)
	if err != nil {
		return "", p.documentFailed(err, "discovery document", textReadTimeout)
	}
	u, err := url.Parse(ep.authorize)
	if err != nil {
		return "", refuse(err, "%s", textReset)
	}
	q := u.Query()
	q.Set("client_id", p.details[keyClientID])
	q.Set("redirect_uri", a.Callback)
	q.Set("response_type", "code")
	q.Set("scope", p.scope())
	q.Set("state", a.State)
	if p.kind.idToken {
		if a.Nonce == "" {
			return "", errors.New("oidc: the attempt has no nonce")
		}
		q.Set("nonce", a.Nonce)
	}
	if p.social == nil && w.LoginHint != "" {
		q.Set("login_hint", w.LoginHint)
	}
	if w.Prompt != "" && !slices.Contains(strings.Fields(w.Prompt), "none") {
		q.Set("prompt", w.Prompt)
	}
	if p.kind.formPost {
		q.Set("response_mode", "form_post")
	}
	if len(w.Levels) > 0 {
		q.Set("acr_values", strings.Join(w.Levels, " "))
	}
	if ep.pkce && a.Verifier != "" {
		challenge := sha256.Sum256([]byte(a.Verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
		q.Set("code_challenge_method", "S256")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// scope returns the scopes as the provider parts them.
func (p *Provider) scope() string {
	scopes := p.details[keyScopes]
	if p.kind.scopeSeparator == "" {
		return scopes
	}
	list := strings.FieldsFunc(scopes, func(r rune) bool { return r == ',' || r == ' ' })
	return strings.Join(list, p.kind.scopeSeparator)
}
