package clients_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"

	"cognate/test/patience"
	"cognate/test/proxies"
)

// TestOAuth2Proxy signs a person in by oauth2-proxy in front of an application: sign-in,
// refresh, refresh after a sign-out everywhere, sign-out, bearer tokens.
func TestOAuth2Proxy(t *testing.T) {
	dir := t.TempDir()
	build := sync.OnceValues(func() (string, error) {
		return proxies.BuildOAuth2Proxy(t.Context(), filepath.Join("..", "..", "tools"), dir)
	})
	eachEngine(t, func(t *testing.T, endpoint string) {
		program, err := build()
		if err != nil {
			t.Fatal(err)
		}
		sdk := goSDK(endpoint)
		poolID, otherID, username := makeParty(t, sdk)
		site := startGuarded(t, sdk, program, endpoint, poolID)
		browser := newBrowser(t)

		shown := browser.signIn(browser.get(site.url+"/orders?page=2"), username)
		token, err := site.verifier.Verify(t.Context(), bearer(shown))
		if err != nil || token.Subject != shown.header.Get("User") || shown.url != site.url+"/orders?page=2" || shown.header.Get("Email") != username+"@example.com" {
			t.Fatalf("sign-in ended at %s: %v, %s: %v", shown.url, shown.header, shown.body, err)
		}
		refreshed := browser.until(site.url+"/orders", func(p page) bool { return bearer(p) != bearer(shown) })
		if next, err := site.verifier.Verify(t.Context(), bearer(refreshed)); err != nil || next.Subject != token.Subject || refreshed.header.Get("Token") == shown.header.Get("Token") {
			t.Errorf("refresh ended at %s: %v: %v", refreshed.url, refreshed.header, err)
		}

		out := browser.get(site.url + "/oauth2/sign_out?" + url.Values{"rd": {site.logout}}.Encode())
		if out.url != site.url+"/signed-out" {
			t.Errorf("sign-out ended at %s: %s", out.url, out.body)
		}
		again := browser.get(site.url + "/orders")
		if !strings.Contains(again.url, "/login?") {
			t.Fatalf("after sign-out, %s is shown", again.url)
		}

		// A refresh token that is revoked ends the session of oauth2-proxy. The browser's own
		// session with the domain has ended, too.
		browser.signIn(again, username)
		if _, err := sdk.AdminUserGlobalSignOut(t.Context(), &idp.AdminUserGlobalSignOutInput{UserPoolId: &poolID, Username: &username}); err != nil {
			t.Fatal(err)
		}
		browser.until(site.url+"/orders", func(p page) bool { return strings.Contains(p.url, "/login?") })

		checkBearers(t, sdk, site.url, bearer(shown), otherID, username)
	})
}

// checkBearers calls the application with tokens instead of cookies: its own, and those of
// another client of the pool and of another pool.
func checkBearers(t *testing.T, sdk *idp.Client, site, own, otherID, username string) {
	t.Helper()
	signIn := func(clientID, username string) *types.AuthenticationResultType {
		out, err := sdk.InitiateAuth(t.Context(), passwordSignIn(clientID, username, password))
		if err != nil {
			t.Fatal(err)
		}
		return out.AuthenticationResult
	}
	_, foreignID, foreigner := makeParty(t, sdk)
	foreign := signIn(foreignID, foreigner)
	other := signIn(otherID, username)
	for _, row := range []struct {
		name, token string
		want        int
	}{
		{"its own ID token", own, http.StatusOK},
		{"an ID token of another client", *other.IdToken, http.StatusForbidden},
		{"an access token", *other.AccessToken, http.StatusForbidden},
		{"an ID token of another pool", *foreign.IdToken, http.StatusForbidden},
		{"its own ID token, changed", own[:len(own)-8] + "AAAAAAAA", http.StatusForbidden},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+row.token)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != row.want {
			t.Errorf("%s: %s, want %d", row.name, res.Status, row.want)
		}
	}
}

// guarded is an application behind oauth2-proxy.
type guarded struct {
	url, logout string
	verifier    *oidc.IDTokenVerifier
}

// startGuarded starts an application behind oauth2-proxy. The application answers with
// what oauth2-proxy says of the user, in headers.
func startGuarded(t *testing.T, sdk *idp.Client, program, endpoint, poolID string) *guarded {
	t.Helper()
	application := mirror(t, map[string]string{
		"User": "X-Forwarded-User", "Email": "X-Forwarded-Email", "Token": "X-Forwarded-Access-Token", "Bearer": "Authorization",
	})
	site, port, id, secret := makeSite(t, sdk, poolID, "/oauth2/callback")
	issuer := endpoint + "/" + poolID
	provider, err := oidc.NewProvider(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Logout string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&found); err != nil {
		t.Fatal(err)
	}
	logout, err := url.Parse(found.Logout)
	if err != nil {
		t.Fatal(err)
	}
	logout.RawQuery = url.Values{"client_id": {id}, "logout_uri": {site + "/signed-out"}}.Encode()
	proxy, err := proxies.OAuth2Proxy(t.Context(), program, &proxies.Party{
		Port: port, Issuer: issuer, ClientID: id, Secret: secret, Passphrase: rand.Text()[:16], Application: application,
	}, logout.Host)
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("oauth2-proxy said:\n%s", proxy.Output())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return &guarded{url: site, logout: logout.String(), verifier: provider.Verifier(&oidc.Config{ClientID: id})}
}

// bearer returns the ID token that the application got.
func bearer(p page) string { return strings.TrimPrefix(p.header.Get("Bearer"), "Bearer ") }

// until opens an address again and again, until the page is as wanted. oauth2-proxy measures
// the age of a session in seconds.
func (b *browser) until(address string, wanted func(page) bool) page {
	b.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience.Limit)
	for {
		p := b.get(address)
		if wanted(p) {
			return p
		}
		select {
		case <-tick.C:
		case <-late:
			b.t.Fatalf("the page is still %s: %s", p.url, p.body)
		}
	}
}
