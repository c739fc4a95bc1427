package faults_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cognate/internal/keys"
)

// victimDomain is the domain of the victim's pool.
const victimDomain = "victim"

// page sends a request for a path of the domain, with cookies, and returns the answer,
// whose redirect is not followed. A form makes it a POST.
func (v victim) page(t *testing.T, path string, form url.Values, cookies ...*http.Cookie) *http.Response {
	t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	query := url.Values{
		"client_id": {v.app}, "redirect_uri": {"https://a.example/cb"}, "response_type": {"code"}, "scope": {"openid"},
	}
	if path == "/oauth2/authorize" {
		query.Set("prompt", "none")
	}
	return v.send(t, method, path+"?"+query.Encode(), body, cookies...)
}

// send sends a request for a reference of the domain, as page does.
func (v victim) send(t *testing.T, method, ref, body string, cookies ...*http.Cookie) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, v.url+"/_domain/"+victimDomain+ref, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	noFollow := *v.http
	noFollow.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := noFollow.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res
}

// refusal returns "" where the browser was sent to the client with a code, else the error
// that the client got, or the page.
func refusal(t *testing.T, res *http.Response) string {
	t.Helper()
	location, err := res.Location()
	if err != nil {
		return res.Status
	}
	switch q := location.Query(); {
	case q.Has("code"):
		return ""
	case q.Has("error"):
		return q.Get("error")
	}
	return strings.TrimPrefix(location.Path, "/_domain/"+victimDomain)
}

const csrfValue = "csrf"

func csrf() *http.Cookie { return &http.Cookie{Name: "XSRF-TOKEN", Value: csrfValue} }

// signedIn signs a user in on the login page and returns a cookie of the answer.
func (v victim) signedIn(t *testing.T, name, cookie string) *http.Cookie {
	t.Helper()
	res := v.page(t, "/login", url.Values{"_csrf": {csrfValue}, "username": {name}, "password": {password}}, csrf())
	for _, c := range res.Cookies() {
		if c.Name == cookie {
			return c
		}
	}
	t.Fatalf("no cookie %s: %s %s", cookie, res.Status, res.Header.Get("Location"))
	return nil
}

// browserSession forges the cookie of a browser that has signed in.
func (v victim) browserSession(t *testing.T, th *thief, name string) func() string {
	t.Helper()
	c := v.signedIn(t, name, "cognito")
	forged := &http.Cookie{Name: c.Name, Value: th.reseal(t, keys.TokenBrowserSession, c.Value)}
	return func() string { return refusal(t, v.page(t, "/oauth2/authorize", nil, forged)) }
}

// pageState forges what the page for a new password continues from, with the Session in
// it.
func (v victim) pageState(t *testing.T, th *thief, name string) func() string {
	t.Helper()
	ad := []byte("login\x00" + v.pool + "\x00" + victimDomain + "\x00" + v.app)
	var state object
	if err := json.Unmarshal(th.open(t, keys.TokenPageState, ad, v.signedIn(t, name, "page-data").Value), &state); err != nil {
		t.Fatal(err)
	}
	state["s"] = th.reseal(t, keys.TokenSession, state["s"].(string))
	body, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"_csrf": {csrfValue}, "page_data": {th.seal(t, keys.TokenPageState, ad, body)}, "password": {password + "4"}, "confirm_password": {password + "4"}}
	return func() string { return refusal(t, v.page(t, "/changePassword", form, csrf())) }
}

// addProvider adds an identity provider to the pool and to the app client.
func (v victim) addProvider(t *testing.T, app object) {
	t.Helper()
	v.must(t, "CreateIdentityProvider", object{"UserPoolId": v.pool, "ProviderName": "Corp", "ProviderType": "OIDC", "ProviderDetails": object{
		"client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "oidc_issuer": "https://idp.example.com", "attributes_request_method": "GET",
		"authorize_url": "https://idp.example.com/a", "token_url": "https://idp.example.com/t", "attributes_url": "https://idp.example.com/u", "jwks_uri": "https://idp.example.com/k",
	}})
	app["SupportedIdentityProviders"] = []string{"COGNITO", "Corp"}
}

// signInAttempt forges the state and the cookie of a sign-in at the provider, and shows them
// with the provider's refusal, which an attempt passes on to the client.
func (v victim) signInAttempt(t *testing.T, th *thief) func() string {
	t.Helper()
	query := url.Values{
		"client_id": {v.app}, "redirect_uri": {"https://a.example/cb"}, "response_type": {"code"}, "scope": {"openid"}, "identity_provider": {"Corp"},
	}
	res := v.send(t, http.MethodGet, "/oauth2/authorize?"+query.Encode(), "")
	location, err := res.Location()
	if err != nil || len(res.Cookies()) != 1 {
		t.Fatalf("no sign-in at the provider: %s %v", res.Status, err)
	}
	reseal := func(part, token string) string {
		ad := []byte(part + "\x00" + v.pool + "\x00" + victimDomain)
		return th.seal(t, keys.TokenAttempt, ad, th.open(t, keys.TokenAttempt, ad, token))
	}
	c := res.Cookies()[0]
	answer := url.Values{"state": {reseal("state", location.Query().Get("state"))}, "error": {"access_denied"}}
	forged := &http.Cookie{Name: c.Name, Value: reseal("request", c.Value)}
	return func() string {
		res := v.send(t, http.MethodGet, "/oauth2/idpresponse?"+answer.Encode(), "", forged)
		location, err := res.Location()
		switch {
		case err != nil:
			return res.Status
		case location.Host == "a.example":
			return ""
		}
		return strings.TrimPrefix(location.Path, "/_domain/"+victimDomain)
	}
}
