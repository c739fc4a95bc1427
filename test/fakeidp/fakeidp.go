// Package fakeidp is an identity provider for tests: OpenID Connect, and OAuth 2.0 as Facebook,
// Google, Amazon and Apple speak it. A test can change each of its answers.
package fakeidp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Credentials of the provider's one client.
const (
	ClientID     = "client-1"
	ClientSecret = "a-client-secret-of-32-characters" // long enough for HS256
	Subject      = "person-1"
)

// Behaviour changes the provider's answers. A nil member changes nothing.
type Behaviour struct {
	Discovery func(doc map[string]any)
	KeySet    func(doc map[string]any)
	// Answer changes the parameters that the browser brings to the callback.
	Answer func(values url.Values)
	// Header and Claims are those of the ID token, which is signed after the change.
	Header, Claims func(values map[string]any)
	// IDToken replaces the signed ID token.
	IDToken func(token string) string
	Tokens  func(answer map[string]any)
	Info    func(answer map[string]any)
	// Serve answers requests in the provider's place, if it returns true.
	Serve func(w http.ResponseWriter, r *http.Request) bool
}

// Provider is a running provider.
type Provider struct {
	URL string
	Now func() time.Time

	mu        sync.Mutex
	behaviour Behaviour
	key       Key
	grants    map[string]grant
	requests  []Request
}

// grant is what a code stands for.
type grant struct{ redirect, nonce, challenge string }

// Request is a request that the provider got.
type Request struct {
	Method, Path, Authorization string
	Values                      url.Values
}

// Start starts a provider at a loopback address. End stops it.
func Start(now func() time.Time) (p *Provider, end func()) {
	p = &Provider{Now: now, key: RSAKey("key-1"), grants: map[string]grant{}}
	srv := httptest.NewServer(http.HandlerFunc(p.serve))
	p.URL = srv.URL
	return p, srv.Close
}

// Behave sets the behaviour for the requests that come.
func (p *Provider) Behave(b Behaviour) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behaviour = b
}

// UseKey changes the key that signs, which is the only one of the key set.
func (p *Provider) UseKey(k Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key = k
}

// Requests returns the requests of a path so far.
func (p *Provider) Requests(path string) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Request
	for _, r := range p.requests {
		if r.Path == path {
			list = append(list, r)
		}
	}
	return list
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	b, key := p.behaviour, p.key
	p.requests = append(p.requests, Request{r.Method, r.URL.Path, r.Header.Get("Authorization"), maps.Clone(r.Form)})
	p.mu.Unlock()
	if b.Serve != nil && b.Serve(w, r) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(w, p.discovery(key), b.Discovery)
	case "/keys":
		answer(w, map[string]any{"keys": []any{key.JWK()}}, b.KeySet)
	case "/authorize":
		p.authorize(w, r, b)
	case "/token":
		p.token(w, r, b, key)
	case "/userinfo", "/me", "/profile", "/people":
		p.info(w, r, b)
	default:
		http.NotFound(w, r)
	}
}

// answer sends a document after its change.
func answer(w http.ResponseWriter, doc map[string]any, change func(map[string]any)) {
	if change != nil {
		change(doc)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(doc)
}

func (p *Provider) discovery(key Key) map[string]any {
	return map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/keys",
		"id_token_signing_alg_values_supported": []any{key.Alg},
		"code_challenge_methods_supported":      []any{"plain", "S256"},
	}
}

// authorize signs the person in without a question and redirects, or posts a form.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request, b Behaviour) {
	q := r.Form
	redirect := q.Get("redirect_uri")
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || redirect == "" {
		http.Error(w, "malformed request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.grants[code] = grant{redirect, q.Get("nonce"), q.Get("code_challenge")}
	p.mu.Unlock()
	values := url.Values{"code": {code}, "state": {q.Get("state")}}
	if b.Answer != nil {
		b.Answer(values)
	}
	if q.Get("response_mode") != "form_post" {
		http.Redirect(w, r, redirect+"?"+values.Encode(), http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<form method="post" action="%s">`, html.EscapeString(redirect))
	for name, list := range values {
		for _, value := range list {
			fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, html.EscapeString(name), html.EscapeString(value))
		}
	}
	fmt.Fprint(w, `</form><script>document.forms[0].submit()</script>`)
}

// token redeems a code once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request, b Behaviour, key Key) {
	p.mu.Lock()
	g, ok := p.grants[r.Form.Get("code")]
	delete(p.grants, r.Form.Get("code"))
	p.mu.Unlock()
	verifier := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(verifier[:])
	if g.challenge == "" && r.Form.Get("code_verifier") == "" {
		challenge = ""
	}
	user, secret, basic := r.BasicAuth()
	if !basic {
		user, secret = r.Form.Get("client_id"), r.Form.Get("client_secret")
	}
	if !ok || r.Form.Get("redirect_uri") != g.redirect || challenge != g.challenge || r.Form.Get("grant_type") != "authorization_code" ||
		user != ClientID || secret != ClientSecret && !strings.HasPrefix(secret, "ey") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	tokens := map[string]any{"access_token": "access-" + rand.Text(), "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-1"}
	if g.nonce != "" {
		tokens["id_token"] = p.idToken(g, b, key)
	}
	answer(w, tokens, b.Tokens)
}

func (p *Provider) idToken(g grant, b Behaviour, key Key) string {
	now := p.Now().Unix()
	header := map[string]any{"alg": key.Alg, "kid": key.ID, "typ": "JWT"}
	claims := map[string]any{
		"iss": p.URL, "aud": ClientID, "sub": Subject, "iat": now, "exp": now + 300, "nonce": g.nonce,
		"email": "person@example.com", "email_verified": true, "name": "Token Name",
	}
	if b.Header != nil {
		b.Header(header)
	}
	if b.Claims != nil {
		b.Claims(claims)
	}
	token := key.Sign(header, claims)
	if b.IDToken != nil {
		token = b.IDToken(token)
	}
	return token
}

// info is user info: of OpenID Connect, or as a social provider has it.
func (p *Provider) info(w http.ResponseWriter, r *http.Request, b Behaviour) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer access-") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	doc := map[string]any{"sub": Subject, "name": "Info Name", "locale": "fr", "groups": []any{"a", "b"}}
	switch r.URL.Path {
	case "/me":
		all := map[string]any{
			"id": Subject, "name": "Face Name", "email": "face@example.com", "first_name": "Face",
			"picture": map[string]any{"data": map[string]any{"url": "https://pictures.example.com/1"}},
		}
		doc = map[string]any{}
		for field := range strings.SplitSeq(r.Form.Get("fields"), ",") {
			if value, ok := all[field]; ok {
				doc[field] = value
			}
		}
	case "/profile":
		doc = map[string]any{"user_id": Subject, "name": "Amazon Name", "email": "amazon@example.com", "postal_code": "12345"}
	case "/people":
		doc = map[string]any{"resourceName": "people/" + Subject, "genders": []any{map[string]any{"value": "other"}}}
	}
	answer(w, doc, b.Info)
}
