package faults_test

import (
	"encoding/base32"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// pageBrowser is a browser at the login pages of a pool. It keeps cookies and follows no
// redirect.
type pageBrowser struct {
	*http.Client
	query string
}

// newPageBrowser makes a domain and an app client for it.
func newPageBrowser(t *testing.T, n *node, pool string) *pageBrowser {
	t.Helper()
	n.must(t, "CreateUserPoolDomain", object{"UserPoolId": pool, "Domain": "people", "ManagedLoginVersion": 2})
	app := n.must(t, "CreateUserPoolClient", object{
		"UserPoolId": pool, "ClientName": "web", "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": []string{"code"},
		"AllowedOAuthScopes": []string{"openid"}, "CallbackURLs": []string{"https://a.example/cb"}, "SupportedIdentityProviders": []string{"COGNITO"},
	}).text("UserPoolClient", "ClientId")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &pageBrowser{Client: &http.Client{Jar: jar, Transport: n.http.Transport, Timeout: n.http.Timeout}}
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.query = url.Values{"client_id": {app}, "redirect_uri": {"https://a.example/cb"}, "response_type": {"code"}, "scope": {"openid"}}.Encode()
	return b
}

// do opens a page of the server, or sends its form, and returns the status, the path of the
// redirect, and the page with the redirect's query.
func (b *pageBrowser) do(t *testing.T, n *node, path string, form url.Values) (status int, location, body string) {
	t.Helper()
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, n.url+"/_domain/people"+path+"?"+b.query, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	location, query, _ := strings.Cut(res.Header.Get("Location"), "?")
	return res.StatusCode, strings.TrimPrefix(location, "/_domain/people"), string(page) + query
}

var hiddenField = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)

// filled returns the page's form with more fields.
func filled(page string, fields ...string) url.Values {
	form := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

// TestPagesOfTwoServers: the pages of a sign-in come from two servers in turn. In the second
// sign-in a server stops before the last page.
func TestPagesOfTwoServers(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	pool := a.newPool(t)
	browser := newPageBrowser(t, a, pool)
	a.newUser(t, pool, "alice")
	secret := enrolApp(t, a, pool, "alice")
	for _, gone := range []bool{false, true} {
		_, _, page := browser.do(t, a, "/login", nil)
		status, location, text := browser.do(t, b, "/login", filled(page, "username", "alice", "password", password))
		if location != "/mfa" {
			t.Fatalf("after the password: %d %s %s", status, location, text)
		}
		_, _, page = browser.do(t, a, "/mfa", nil)
		if gone {
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
		}
		code := keys.TOTPCode(secret, keys.TOTPStepAt(time.Now()))
		if gone {
			code = keys.TOTPCode(secret, keys.TOTPStepAt(time.Now())+1) // a code is good once
		}
		if status, location, text := browser.do(t, b, "/mfa", filled(page, "authentication_code", code)); location != "https://a.example/cb" {
			t.Fatalf("after the code: %d %s %s", status, location, text)
		}
	}
	if status, location, _ := browser.do(t, b, "/oauth2/authorize", nil); location != "https://a.example/cb" {
		t.Errorf("the session on the other server: %d %s", status, location)
	}
}

// TestPagesWithoutDatabase: while PostgreSQL is down, pages show an error with the id of the
// request, and the log has the cause. The same form works afterwards.
func TestPagesWithoutDatabase(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	c := dev(t)
	c.Database = server.Secret(cluster.URL)
	c.RequestTimeout = 30 * time.Second
	n := start(t, c)
	pool := n.newPool(t)
	browser := newPageBrowser(t, n, pool)
	n.newUser(t, pool, "alice")
	secret := enrolApp(t, n, pool, "alice")
	_, _, page := browser.do(t, n, "/login", nil)
	signIn := filled(page, "username", "alice", "password", password)
	if _, location, _ := browser.do(t, n, "/login", signIn); location != "/mfa" {
		t.Fatalf("after the password: %s", location)
	}
	_, _, page = browser.do(t, n, "/mfa", nil)
	answer := func() url.Values {
		return filled(page, "authentication_code", keys.TOTPCode(secret, keys.TOTPStepAt(time.Now())))
	}

	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		path string
		form url.Values
	}{{"/login", signIn}, {"/mfa", answer()}, {"/signup", signIn}, {"/forgotPassword", signIn}} {
		status, location, text := browser.do(t, n, row.path, row.form)
		id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(text)
		if id == "" || !causeIsLogged(n, id) {
			t.Errorf("%s: %d %s, request %q: %s", row.path, status, location, id, text)
		}
	}
	if err := cluster.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	patience.Until(t, "the form works", func() bool {
		_, location, _ := browser.do(t, n, "/mfa", answer())
		return location == "https://a.example/cb"
	})
}

// causeIsLogged reports whether the log has the cause of the request's failure.
func causeIsLogged(n *node, id string) bool {
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, id) && strings.Contains(line, "the database is unavailable") {
			return true
		}
	}
	return false
}

// enrolApp sets up an authenticator app for a user, and returns its key.
func enrolApp(t *testing.T, n *node, pool, name string) []byte {
	t.Helper()
	n.must(t, "SetUserPoolMfaConfig", object{"UserPoolId": pool, "MfaConfiguration": "OPTIONAL", "SoftwareTokenMfaConfiguration": object{"Enabled": true}})
	access, _, _ := n.tokens(t, n.newApp(t, pool), name)
	text := n.must(t, "AssociateSoftwareToken", object{"AccessToken": access}).text("SecretCode")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	patience.Until(t, "the code, of a step that is still good", func() bool {
		return n.call(t, "VerifySoftwareToken", object{"AccessToken": access, "UserCode": keys.TOTPCode(secret, keys.TOTPStepAt(time.Now())-1)}).Code == ""
	})
	n.must(t, "SetUserMFAPreference", object{"AccessToken": access, "SoftwareTokenMfaSettings": object{"Enabled": true, "PreferredMfa": true}})
	return secret
}
