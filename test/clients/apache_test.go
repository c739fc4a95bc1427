package clients_test

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/proxies"
)

// TestApache signs a person in by Apache's mod_auth_openidc, which stands in front of an
// application and hands over the claims in headers.
func TestApache(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		sdk := goSDK(endpoint)
		poolID, _, username := makeParty(t, sdk)
		site := startApache(t, sdk, endpoint, poolID)
		browser := newBrowser(t)

		login := browser.get(site + "/orders?page=2")
		shown := browser.signIn(login, username)
		if shown.url != site+"/orders?page=2" || shown.header.Get("User") != username || shown.header.Get("Email") != username+"@example.com" {
			t.Fatalf("sign-in ended at %s: %v, %s", shown.url, shown.header, shown.body)
		}
		token := shown.header.Get("Token")
		refreshed := browser.get(refreshURL(site, token))
		if next := refreshed.header.Get("Token"); refreshed.url != site+"/orders" || next == "" || next == token {
			t.Errorf("refresh ended at %s: %v", refreshed.url, refreshed.header)
		}

		out := browser.get(site + "/callback?" + url.Values{"logout": {site + "/signed-out"}}.Encode())
		if out.url != site+"/signed-out" {
			t.Errorf("sign-out ended at %s: %s", out.url, out.body)
		}
		if again := browser.get(site + "/orders"); !strings.Contains(again.url, "/login?") {
			t.Errorf("after sign-out, %s is shown", again.url)
		}
	})
}

// TestApacheRefused has mod_auth_openidc refresh the tokens of a user who was signed out
// everywhere.
func TestApacheRefused(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		sdk := goSDK(endpoint)
		poolID, _, username := makeParty(t, sdk)
		site := startApache(t, sdk, endpoint, poolID)
		browser := newBrowser(t)
		shown := browser.signIn(browser.get(site+"/orders"), username)
		if _, err := sdk.AdminUserGlobalSignOut(t.Context(), &idp.AdminUserGlobalSignOutInput{UserPoolId: &poolID, Username: &username}); err != nil {
			t.Fatal(err)
		}
		if got := browser.get(refreshURL(site, shown.header.Get("Token"))).url; got != site+"/orders?error_code=refresh_failed" {
			t.Errorf("refresh ended at %s", got)
		}
	})
}

// refreshURL returns where an application sends its user to have the tokens refreshed. The
// current token shows that the application asks for it.
func refreshURL(site, token string) string {
	return site + "/callback?" + url.Values{"refresh": {site + "/orders"}, "access_token": {token}}.Encode()
}

// mirror starts an application that answers with headers of its request, each under its new name.
func mirror(t *testing.T, headers map[string]string) (address string) {
	t.Helper()
	application := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, of := range headers {
			w.Header().Set(name, r.Header.Get(of))
		}
	}))
	t.Cleanup(application.Close)
	return application.URL
}

// makeSite makes a confidential client for a site on a free port of this machine.
func makeSite(t *testing.T, sdk *idp.Client, poolID, callback string) (site, port, id, secret string) {
	t.Helper()
	port = freePort(t)
	site = "http://localhost:" + port
	id, secret = makeConfidential(t, sdk, poolID, &idp.CreateUserPoolClientInput{
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: []string{"openid", "email"},
		SupportedIdentityProviders: []string{"COGNITO"}, CallbackURLs: []string{site + callback}, LogoutURLs: []string{site + "/signed-out"},
	})
	return site, port, id, secret
}

// startApache starts an application behind Apache, and returns its address. The
// application answers with what Apache says of the user, in headers.
func startApache(t *testing.T, sdk *idp.Client, endpoint, poolID string) string {
	t.Helper()
	application := mirror(t, map[string]string{"User": "OIDC_CLAIM_username", "Email": "OIDC_CLAIM_email", "Token": "OIDC_access_token"})
	site, port, id, secret := makeSite(t, sdk, poolID, "/callback")
	apache, err := proxies.Apache(t.Context(), t.TempDir(), &proxies.Party{
		Port: port, Issuer: endpoint + "/" + poolID, ClientID: id, Secret: secret, Passphrase: rand.Text(), Application: application,
	})
	t.Cleanup(func() {
		if apache == nil {
			return
		}
		if err := apache.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("Apache said:\n%s", apache.Output())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// browser follows redirects and keeps cookies.
type browser struct {
	t      *testing.T
	client *http.Client
}

// page is where the browser's redirects ended.
type page struct {
	url, body string
	header    http.Header
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar}}
}

// get opens an address as browsers do: mod_auth_openidc sends other clients no redirect.
func (b *browser) get(address string) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	return b.read(b.client.Do(r))
}

var csrfField = regexp.MustCompile(`name="_csrf" value="([^"]+)"`)

// signIn sends the form of a sign-in page.
func (b *browser) signIn(login page, username string) page {
	b.t.Helper()
	field := csrfField.FindStringSubmatch(login.body)
	if field == nil {
		b.t.Fatalf("no sign-in form at %s: %s", login.url, login.body)
	}
	return b.read(b.client.PostForm(login.url, url.Values{"_csrf": {field[1]}, "username": {username}, "password": {password}}))
}

func (b *browser) read(res *http.Response, err error) page {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{res.Request.URL.String(), string(body), res.Header}
}
