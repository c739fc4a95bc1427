package oidc

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cognate/internal/federation/fetch"
)

const wellKnown = "/.well-known/openid-configuration"

// endpoints is where and how a provider is asked.
type endpoints struct {
	// issuers are accepted in an ID token. The first is the provider's own spelling.
	issuers []string

	authorize, token, userInfo, keys string

	algorithms []jose.SignatureAlgorithm
	pkce       bool
	// sendsIssuer means that each answer to the callback has the parameter iss (RFC 9207).
	sendsIssuer bool
	// basic means that the token endpoint only knows client_secret_basic.
	basic bool
}

// metadata is what counts of a discovery document (OpenID Connect Discovery §3).
type metadata struct {
	issuer string
	endpoints
}

var discovery = &fetch.Kind[*metadata]{Name: "discovery", Age: time.Hour, Accept: "application/json", Parse: parseMetadata}

// asymmetric are the algorithms that are accepted if a provider does not say which it uses.
var asymmetric = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512,
}

func parseMetadata(b []byte) (*metadata, error) {
	doc, err := decodeObject(b)
	if err != nil {
		return nil, documentError("the discovery document is malformed")
	}
	m := &metadata{issuer: text(doc, "issuer"), endpoints: endpoints{
		authorize:   text(doc, "authorization_endpoint"),
		token:       text(doc, "token_endpoint"),
		userInfo:    text(doc, "userinfo_endpoint"),
		keys:        text(doc, "jwks_uri"),
		algorithms:  slices.Clone(asymmetric),
		pkce:        slices.Contains(texts(doc, "code_challenge_methods_supported"), "S256"),
		sendsIssuer: doc["authorization_response_iss_parameter_supported"] == true,
	}}
	if m.issuer == "" {
		return nil, documentError("the discovery document has no issuer")
	}
	if listed := texts(doc, "id_token_signing_alg_values_supported"); len(listed) > 0 {
		m.algorithms = slices.DeleteFunc(append(m.algorithms, jose.HS256), func(a jose.SignatureAlgorithm) bool {
			return !slices.Contains(listed, string(a))
		})
	}
	methods := texts(doc, "token_endpoint_auth_methods_supported")
	m.basic = slices.Contains(methods, "client_secret_basic") && !slices.Contains(methods, "client_secret_post")
	return m, nil
}

// discover returns the endpoints by the issuer's discovery document. The document must name
// the configured issuer (OpenID Connect Discovery §4.3). Cognito takes issuers without a
// slash at the end, also of providers whose own spelling has one.
func discover(ctx context.Context, client *fetch.Client, provider, issuer string) (*endpoints, error) {
	m, err := discovery.Load(ctx, client, provider, issuer+wellKnown)
	if err != nil {
		return nil, err
	}
	if m.issuer != issuer && m.issuer != issuer+"/" {
		return nil, documentError("the discovery document names another issuer")
	}
	found := m.endpoints
	found.issuers = []string{m.issuer}
	return &found, nil
}

// resolve returns the provider's endpoints: those that the type or the details set, and the
// others by discovery.
func (p *Provider) resolve(ctx context.Context) (*endpoints, error) {
	if p.social != nil {
		return p.social, nil
	}
	issuer := p.details[keyIssuer]
	given := endpoints{
		issuers:   []string{issuer, issuer + "/"},
		authorize: p.details[keyAuthorizeURL], token: p.details[keyTokenURL],
		userInfo: p.details[keyAttributesURL], keys: p.details[keyJWKS],
		algorithms: asymmetric,
	}
	if hasAllEndpoints(p.details) {
		return &given, nil
	}
	found, err := discover(ctx, p.client, p.name, issuer)
	if err != nil {
		return nil, err
	}
	for _, e := range []struct{ to, from *string }{
		{&found.authorize, &given.authorize}, {&found.token, &given.token}, {&found.userInfo, &given.userInfo}, {&found.keys, &given.keys},
	} {
		if *e.from != "" {
			*e.to = *e.from
		}
	}
	return found, found.check(p.client)
}

func hasAllEndpoints(details map[string]string) bool {
	return details[keyAuthorizeURL] != "" && details[keyTokenURL] != "" && details[keyAttributesURL] != "" && details[keyJWKS] != ""
}

// check wants URLs for all that a sign-in needs.
func (e *endpoints) check(client *fetch.Client) error {
	if !isPageURL(client, e.authorize) {
		return documentError("the authorization endpoint is not an https URL")
	}
	if err := client.Check(e.token); err != nil {
		return documentError("the token endpoint is missing or not permitted")
	}
	if err := client.Check(e.keys); err != nil {
		return documentError("jwks_uri is missing or not permitted")
	}
	if e.userInfo != "" {
		if err := client.Check(e.userInfo); err != nil {
			return documentError("the user-info endpoint is not permitted")
		}
	}
	return nil
}

// isPageURL reports whether a browser may be sent to a URL. It may be in the browser's own
// network, which this server does not reach.
func isPageURL(client *fetch.Client, rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(rawURL, "#") {
		return false
	}
	return u.Scheme == "https" || client.Check(rawURL) == nil
}
