package oauth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

const fuzzCallback = "https://a.example/cb"

// FuzzAuthorization: what follows the redirect URI of an authorization request never
// makes an answer go elsewhere, loses the state, or grants other scopes than the client's.
func FuzzAuthorization(f *testing.F) {
	f.Add("response_type=code&scope=openid&state=a%2Bb%0d%0a")
	f.Add("response_type=token&scope=openid+email&code_challenge=x&code_challenge_method=plain")
	f.Add("response_type=code&resource=https://api.example&max_age=1&prompt=none+login&state=&state=x")
	f.Add("a;b=%zz&&&=&response_type=code&identity_provider=COGNITO&idp_identifier=x")
	client := &pool.Client{ID: "client", Config: idp.UserPoolClientType{
		AllowedOAuthFlowsUserPoolClient: new(true), AllowedOAuthFlows: []idp.OAuthFlowType{idp.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email"}, SupportedIdentityProviders: []string{localProvider},
	}}
	site := &Site{Base: "/_domain/people", Domain: &pool.LoginDomain{Managed: true}, Pool: &pool.Snapshot{
		Tier: idp.UserPoolTierTypeEssentials, Config: idp.UserPoolType{AcrConfiguration: map[string]idp.AcrLevelConfigType{"Level2": {AcrValue: "silver"}}},
	}}
	f.Add("response_type=code&acr_values=%20silver")
	f.Add("response_type=code&acr_values=gold+silver%20silver&max_age=-0&acr_values=gold+silver%20silver")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := query(&http.Request{URL: &url.URL{RawQuery: text}})
		if err != nil {
			return
		}
		if name := p.get("identity_provider"); name != "" && name != localProvider || name == "" && p.get("idp_identifier") != "" {
			return // The providers of a pool are in the database.
		}
		a := &Authorization{Client: client, RedirectURI: fuzzCallback, maxAge: -1, state: p.get("state"), hasState: p.has("state")}
		err = (&Service{}).parseRest(t.Context(), site, p, a)
		location := a.withQuery(url.Values{"code": {"c"}})
		if back, ok := errors.AsType[*RedirectedError](err); ok {
			location = back.Location()
		} else if shown, ok := errors.AsType[*ShownError](err); ok {
			if !strings.HasPrefix(shown.Location(site), "/_domain/people/error?error=") {
				t.Errorf("shown at %s", shown.Location(site))
			}
			return
		} else if err != nil {
			t.Fatal(err)
		} else if len(a.Scopes) == 0 || slices.ContainsFunc(a.Scopes, func(s string) bool { return s != "openid" && s != "email" }) || len(a.resource) > maxResource || len(a.Levels) > 1 {
			t.Errorf("granted: %+v", a)
		}
		u, err := url.Parse(location)
		if err != nil || !strings.HasPrefix(location, fuzzCallback+"?") || strings.ContainsAny(location, "\r\n#\\ ") || u.Query().Get("state") != p.get("state") {
			t.Errorf("%q: %v", location, err)
		}
	})
}

// FuzzForm: a form has each parameter once, and is bounded.
func FuzzForm(f *testing.F) {
	f.Add("application/x-www-form-urlencoded", "grant_type=authorization_code&code=a%2B+b")
	f.Add("application/x-www-form-urlencoded; charset=utf-8", "a=1&a=2;b=%zz")
	f.Add("application/json", "{}")
	f.Fuzz(func(t *testing.T, kind, body string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth2/token", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		p, err := form(r)
		if err != nil {
			return
		}
		if len(body) > maxParameters || len(p.bad) > 0 {
			t.Errorf("%d bytes, repeated: %v", len(body), p.bad)
		}
		_, _ = clientMetadata(p)
	})
}

// FuzzBasic: an id and a secret without a "%" are read as they were sent, and encoded
// ones are decoded.
func FuzzBasic(f *testing.F) {
	f.Add("client", "secret+with_plus", "Basic OnN=")
	f.Add("", ":", "basic")
	f.Fuzz(func(t *testing.T, id, secret, header string) {
		_, _, _ = basic([]string{header})
		if strings.Contains(id, ":") {
			return
		}
		for _, encode := range []func(string) string{url.QueryEscape, func(s string) string { return s }} {
			if strings.ContainsAny(id+secret, "% ") {
				return
			}
			gotID, gotSecret, ok := basic([]string{"Basic " + base64.StdEncoding.EncodeToString([]byte(encode(id)+":"+encode(secret)))})
			if !ok || gotID != id || gotSecret != secret {
				t.Errorf("%q %q: %q %q %v", id, secret, gotID, gotSecret, ok)
			}
		}
	})
}

// FuzzHint: no hint of a sign-out stops the server.
func FuzzHint(f *testing.F) {
	f.Add("e30.eyJhdWQiOiJ4In0.e30")
	f.Add("a.b.c")
	f.Fuzz(func(_ *testing.T, text string) { _ = hintedClient(text) })
}

// TestFaultOfDatabase: while the database is away, clients are told to try again, and the
// log has the cause.
func TestFaultOfDatabase(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("a query: %w", store.ErrUnavailable)
	w := httptest.NewRecorder()
	writeFault(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth2/token", nil), cause)
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != `{"error":"server_error"}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for accept, want := range map[string]string{"text/html,*/*": "Something went wrong. Please try again in a moment.\n\nRequest r-1\n", "application/json": `{"error":"server_error"}`} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(api.WithRequest(t.Context(), &api.Request{ID: "r-1"}), http.MethodGet, "/login", nil)
		r.Header.Set("Accept", accept)
		writeOutage(w, r, cause)
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("%s: %d %q", accept, w.Code, w.Body)
		}
	}
	if f := asFault(&RedirectedError{asFault(cause), &Authorization{}}); !errors.Is(f.cause, store.ErrUnavailable) {
		t.Errorf("the cause is lost: %+v", f)
	}
}

// FuzzMetadata: what a registration holds never makes a client of two grants, without a
// secret for a machine, or with scopes that were not asked for.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"redirect_uris":["https://a.example/cb"],"scope":"openid","grant_types":["authorization_code","implicit"],"response_types":["code"]}`))
	f.Add([]byte(`{"grant_types":["client_credentials"],"token_endpoint_auth_method":"none"}`))
	f.Add([]byte(`{"scope":"a","sc\u006fpe":"b","x":{"scope":[null]},"client_name":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMetadata(body)
		if err != nil {
			return
		}
		if !utf8.Valid(body) || !json.Valid(body) {
			t.Errorf("read %q", body)
		}
		in, err := m.registration()
		if err != nil {
			return
		}
		machine := in.Grant == idp.OAuthFlowTypeClientCredentials
		if !machine && in.Grant != idp.OAuthFlowTypeCode || machine && (!in.Confidential || slices.Contains(m.GrantTypes, grantCode)) || (m.Scope == nil) != (in.Scopes == nil) {
			t.Errorf("%q: %+v", body, in)
		}
	})
}
