package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// An Authorization is an authorization request that the rules allow (RFC 6749 §4.1.1,
// OpenID Connect Core §3.1.2.1).
type Authorization struct {
	Client *pool.Client
	// RedirectURI is where the answer goes: one of the client's callback URLs.
	RedirectURI string
	implicit    bool // response_type=token
	Scopes      []string
	state       string
	hasState    bool
	nonce       string
	challenge   string // of PKCE, by S256
	resource    string
	Provider    string // identity_provider; "" where the person chooses
	LoginHint   string
	prompt      []string
	maxAge      time.Duration // less than 0: not sent
	// Levels are the authentication levels of acr_values that the pool has, the preferred
	// level first.
	Levels []int
}

// Digest returns what tells the request from others: all of it but the language and the
// hints, which do not change the answer.
func (a *Authorization) Digest() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %t %q %q %t %q %q %q %q %d %v", a.Client.ID, a.RedirectURI, a.implicit, a.Scopes, a.state, a.hasState, a.nonce, a.challenge, a.resource, a.prompt, a.maxAge, a.Levels)
	return h.Sum(nil)
}

// A ShownError is an error that the domain's own page shows: the request names no client
// or no registered address to which the answer could go.
type ShownError struct {
	Text     string
	ClientID string // "" where the page does not name it
	// RequestID is the id by which the log names the cause. It is "" if the request itself
	// was wrong: the log has no cause then.
	RequestID string
}

// Error returns the text of the page.
func (e *ShownError) Error() string { return "oauth: " + e.Text }

// Location returns the reference of the error page on the site.
func (e *ShownError) Location(site *Site) string {
	location := site.URL("/error") + "?error=" + url.QueryEscape(e.Text)
	if e.ClientID != "" {
		location += "&client_id=" + url.QueryEscape(e.ClientID)
	}
	if e.RequestID != "" {
		location += "&request_id=" + e.RequestID
	}
	return location
}

// A RedirectedError is an error that the client's redirect URI receives (RFC 6749
// §4.1.2.1).
type RedirectedError struct {
	*FaultError
	request *Authorization
}

// Unwrap returns the fault.
func (e *RedirectedError) Unwrap() error { return e.FaultError }

// Location returns the redirect URI with the error.
func (e *RedirectedError) Location() string {
	q := url.Values{"error": {e.Code}}
	if e.Description != "" {
		q.Set("error_description", e.Description)
	}
	return e.request.withQuery(q)
}

// withQuery adds parameters and the state to the redirect URI.
func (a *Authorization) withQuery(q url.Values) string {
	if a.hasState {
		q.Set("state", a.state)
	}
	separator := "?"
	if strings.Contains(a.RedirectURI, "?") {
		separator = "&"
	}
	return a.RedirectURI + separator + q.Encode()
}

const (
	textMissing     = "Required parameters missing"
	textNoClient    = "Client does not exist"
	textMismatch    = "redirect_mismatch"
	textNoProvider  = "Login option is not available. Please try another one"
	localProvider   = "COGNITO"
	promptNone      = "none"
	promptLogin     = "login"
	challengeLength = 43 // of a SHA-256 sum as Base64
)

// ParseAuthorization reads the authorization request in the query string of r, in the
// order of the protocol's checks. The error is a *ShownError, a *RedirectedError, or an
// internal error.
func (s *Service) ParseAuthorization(r *http.Request) (*Authorization, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := query(r)
	if err != nil {
		return nil, &ShownError{Text: textMissing}
	}
	a := &Authorization{maxAge: -1}
	if err := s.parseTarget(ctx, site, p, a); err != nil {
		return nil, err
	}
	if f := s.parseRest(ctx, site, p, a); f != nil {
		return nil, f
	}
	return a, nil
}

// parseTarget reads the client and where its answer goes. Nothing is redirected before
// both are known.
func (s *Service) parseTarget(ctx context.Context, site *Site, p parameters, a *Authorization) error {
	id := p.get("client_id")
	if id == "" || p.bad["client_id"] || p.bad["redirect_uri"] {
		return &ShownError{Text: textMissing}
	}
	client, err := site.Pool.Client(ctx, id)
	if api.CodeOf(err) == idp.CodeResourceNotFoundException {
		return &ShownError{Text: textNoClient}
	}
	if err != nil {
		return err
	}
	a.Client = client
	a.RedirectURI = p.get("redirect_uri")
	callbacks := client.Config.CallbackURLs
	if a.RedirectURI == "" && len(client.Config.SupportedIdentityProviders) == 1 {
		a.RedirectURI = api.Val(client.Config.DefaultRedirectURI)
		if a.RedirectURI == "" && len(callbacks) == 1 {
			a.RedirectURI = callbacks[0]
		}
	}
	switch {
	case a.RedirectURI == "":
		return &ShownError{Text: textMissing}
	case !slices.Contains(callbacks, a.RedirectURI):
		return &ShownError{Text: textMismatch, ClientID: client.ID}
	}
	a.state, a.hasState = p.get("state"), p.has("state")
	return nil
}

// parseRest reads the parameters whose faults the client hears of.
func (s *Service) parseRest(ctx context.Context, site *Site, p parameters, a *Authorization) error {
	refuse := func(code string) error { return &RedirectedError{fault(code), a} }
	if len(p.bad) > 0 {
		return refuse(codeInvalidRequest)
	}
	flow := idp.OAuthFlowTypeCode
	switch p.get("response_type") {
	case "code":
	case "token":
		flow, a.implicit = idp.OAuthFlowTypeImplicit, true
	default:
		return refuse(codeInvalidRequest)
	}
	if !allowsFlow(a.Client, flow) {
		return refuse(codeUnauthorizedClient)
	}
	a.challenge = p.get("code_challenge")
	if method := p.get("code_challenge_method"); (a.challenge != "" || method != "") && (method != "S256" || !isChallenge(a.challenge)) {
		return refuse(codeInvalidRequest)
	}
	if a.challenge == "" && needsChallenge(a.Client) {
		return refuse(codeInvalidRequest)
	}
	scopes, err := grantedScopes(ctx, site.Pool, a.Client, p.get("scope"))
	if err != nil {
		return err
	}
	if scopes == nil {
		return refuse(codeInvalidScope)
	}
	a.Scopes = scopes
	if a.resource = p.get("resource"); a.resource != "" && !isResource(a.resource) {
		return refuse(codeInvalidRequest)
	}
	if err := s.parseProvider(ctx, site, p, a); err != nil {
		return err
	}
	a.nonce, a.LoginHint = p.get("nonce"), p.get("login_hint")
	if site.Domain.Managed {
		a.prompt = strings.Fields(p.get("prompt"))
	}
	if slices.Contains(a.prompt, promptNone) && len(a.prompt) > 1 {
		return refuse(codeInvalidRequest)
	}
	if site.Domain.Managed && site.Pool.AllowsStepUp() {
		a.Levels = site.Pool.LevelsOf(p.get("acr_values"))
	}
	if text := p.get("max_age"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return refuse(codeInvalidRequest)
		}
		a.maxAge = time.Duration(seconds) * time.Second
	}
	if a.Client.Registered() {
		a.maxAge = 0 // A stranger may own the client: a link must not get a code without a sign-in.
	}
	return nil
}

func allowsFlow(c *pool.Client, flow idp.OAuthFlowType) bool {
	return api.Val(c.Config.AllowedOAuthFlowsUserPoolClient) && slices.Contains(c.Config.AllowedOAuthFlows, flow)
}

// isChallenge reports whether text is a code challenge of S256 (RFC 7636 §4.2).
func isChallenge(text string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(text) == challengeLength && len(sum) == 32
}

var scopeToken = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

// grantedScopes returns the scopes that the client gets for those that it asked for;
// nil where it asked for others than its own. A scope whose resource server is gone is
// left out without a word (Cognito: scopes).
func grantedScopes(ctx context.Context, sn *pool.Snapshot, c *pool.Client, text string) ([]string, error) {
	allowed, asked := c.Config.AllowedOAuthScopes, scopeList(text)
	for _, scope := range asked {
		if !scopeToken.MatchString(scope) || !slices.Contains(allowed, scope) {
			return nil, nil
		}
	}
	if len(asked) == 0 {
		asked = allowed
	} else if !slices.Contains(asked, "openid") && slices.ContainsFunc(asked, needsOpenID) {
		return nil, nil
	}
	granted := []string{}
	var live []string // the client's custom scopes that exist, once they are needed
	for _, scope := range asked {
		if !pool.IsStandardScope(scope) {
			if live == nil {
				var err error
				if live, err = sn.CustomScopesOf(ctx, c); err != nil {
					return nil, err
				}
			}
			if !slices.Contains(live, scope) {
				continue
			}
		}
		if !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	return granted, nil
}

// scopeList returns the scopes of a space-separated list (RFC 6749 §3.3).
func scopeList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })
}

func needsOpenID(scope string) bool {
	return scope == "email" || scope == "phone" || scope == "profile"
}

// isResource reports whether text can name a resource (RFC 8707 §2, as Cognito has it):
// an https URL, an http URL of this machine, or a URL of an application's own scheme.
func isResource(text string) bool {
	u, err := url.Parse(text)
	if err != nil || !u.IsAbs() || strings.Contains(text, "#") || len(text) > maxResource {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Host != ""
	case "http":
		return u.Hostname() == "localhost"
	}
	return strings.HasPrefix(text, u.Scheme+"://")
}

// maxResource bounds a resource in bytes, since the access token carries it.
const maxResource = 1024

// parseProvider reads who is to vouch for the person.
func (s *Service) parseProvider(ctx context.Context, site *Site, p parameters, a *Authorization) error {
	a.Provider = p.get("identity_provider")
	if identifier := p.get("idp_identifier"); a.Provider == "" && identifier != "" {
		found, err := s.deps.Providers.ByIdentifier(ctx, site.Pool, identifier)
		if err != nil {
			return err
		}
		if found == nil {
			return &ShownError{Text: textNoProvider, ClientID: a.Client.ID}
		}
		a.Provider = found.Name
	}
	if a.Provider == "" || a.Provider == localProvider && slices.Contains(a.Client.Config.SupportedIdentityProviders, localProvider) {
		return nil
	}
	_, err := s.allowedProvider(ctx, site, a, a.Provider)
	return err
}

// MustAsk reports whether the person has to choose the provider on a page of the domain. The
// client of a stranger must not get a code by a link alone, from somebody who is signed in at
// the provider. Browsers say where a request comes from, and no page can change that (Fetch
// Metadata §2.4).
func (a *Authorization) MustAsk(r *http.Request) bool {
	return a.Client.Registered() && r.Header.Get("Sec-Fetch-Site") != "same-origin"
}

// IsLocal reports whether the pool's own directory may vouch for the person.
func (a *Authorization) IsLocal() bool { return a.Provider == "" || a.Provider == localProvider }
