package login_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

const (
	callback = "https://a.example/cb"
	password = "Passw0rd!x"
)

// A rig is a development server with a pool that has a domain and an app client.
type rig struct {
	serving.Rig
	sdk    *cip.Client
	pool   string
	base   string // of the domain
	client *types.UserPoolClientType
}

// engines runs a test on a rig with each database.
func engines(t *testing.T, change func(in *cip.CreateUserPoolInput), f func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, newRig(t, "", change))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, newRig(t, pgtest.Database(t), change))
	})
}

// newRig starts a rig on a database; "" is SQLite.
func newRig(t *testing.T, database string, change func(in *cip.CreateUserPoolInput)) *rig {
	t.Helper()
	c := serving.Dev(t)
	c.Database = server.Secret(database)
	return startRig(t, c, change)
}

// startRig starts a rig with settings of the server.
func startRig(t *testing.T, c server.Config, change func(in *cip.CreateUserPoolInput)) *rig {
	t.Helper()
	r := &rig{Rig: serving.Start(t, c)}
	r.sdk, r.base = r.Rig.Dev(), r.URL()+"/_domain/people"
	r.pool, r.client = r.addPool(t, "people", change)
	return r
}

// addPool makes a pool with a domain, and a confidential client of it.
func (r *rig) addPool(t *testing.T, domain string, change func(in *cip.CreateUserPoolInput)) (string, *types.UserPoolClientType) {
	t.Helper()
	in := &cip.CreateUserPoolInput{
		PoolName: new("people"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		Schema: []types.SchemaAttributeType{{Name: new("email"), Required: new(true)}},
	}
	if change != nil {
		change(in)
	}
	made, err := r.sdk.CreateUserPool(t.Context(), in)
	pool := *serving.Must(t, made, err).UserPool.Id
	out, err := r.sdk.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: &domain, ManagedLoginVersion: new(int32(2))})
	serving.Must(t, out, err)
	return pool, r.addClient(t, pool)
}

// addClient makes a confidential client that lists no sign-in flow.
func (r *rig) addClient(t *testing.T, pool string) *types.UserPoolClientType {
	t.Helper()
	out, err := r.sdk.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: new("Reader"), GenerateSecret: true, AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: []string{"openid", "email"},
		CallbackURLs: []string{callback}, SupportedIdentityProviders: []string{"COGNITO"},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	})
	return serving.Must(t, out, err).UserPoolClient
}

// addUser makes a user with attributes; a temporary password leads to a new one.
func (r *rig) addUser(t *testing.T, name string, permanent bool, attributes ...string) {
	t.Helper()
	in := &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: &name, MessageAction: types.MessageActionTypeSuppress}
	for i := 0; i+1 < len(attributes); i += 2 {
		in.UserAttributes = append(in.UserAttributes, types.AttributeType{Name: &attributes[i], Value: &attributes[i+1]})
	}
	out, err := r.sdk.AdminCreateUser(t.Context(), in)
	serving.Must(t, out, err)
	set, err := r.sdk.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &r.pool, Username: &name, Password: new(password), Permanent: permanent})
	serving.Must(t, set, err)
}

// code returns the newest code in the inbox.
func (r *rig) code(t testing.TB) string {
	t.Helper()
	messages := serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{})
	if len(messages) == 0 || messages[0].Code == "" {
		t.Fatalf("no code in the inbox: %+v", messages)
	}
	return messages[0].Code
}

// A browser keeps cookies and follows no redirect.
type browser struct {
	t *testing.T
	r *rig
	*http.Client
	client *types.UserPoolClientType
	origin string
	base   string // of the pool's domain
}

func (r *rig) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	follow := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t: t, r: r, Client: &http.Client{Jar: jar, CheckRedirect: follow}, client: r.client, origin: r.URL(), base: r.base}
}

// hostBrowser is a browser that opens the pool's domain by its own host.
func (r *rig) hostBrowser(t *testing.T) *browser {
	t.Helper()
	b := r.browser(t)
	u, err := url.Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, u.Host)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	b.Transport = transport
	b.origin = "http://people.auth.localhost:" + u.Port()
	b.base = b.origin
	return b
}

// A shown is a page as the browser has it.
type shown struct {
	path     string
	status   int
	location string
	header   http.Header
	body     string
}

func (b *browser) do(method, ref string, form url.Values, header ...string) shown {
	b.t.Helper()
	if strings.HasPrefix(ref, "/") {
		ref = b.origin + ref
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, ref, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return shown{strings.TrimPrefix(req.URL.Path, "/_domain/people"), resp.StatusCode, resp.Header.Get("Location"), resp.Header, string(body)}
}

// query is a good authorization request.
func (b *browser) query() string {
	return url.Values{"client_id": {*b.client.ClientId}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s+1"}}.Encode()
}

// open opens a page and follows redirects within the site.
func (b *browser) open(path string) shown {
	b.t.Helper()
	return b.follow(b.do(http.MethodGet, b.base+path+"?"+b.query(), nil))
}

func (b *browser) follow(p shown) shown {
	b.t.Helper()
	for range 5 {
		if !strings.HasPrefix(p.location, "/") {
			return p
		}
		p = b.do(http.MethodGet, p.location, nil)
	}
	b.t.Fatalf("too many redirects, to %s", p.location)
	return p
}

var (
	formPattern = regexp.MustCompile(`(?s)<form[^>]* action="([^"]+)".*?</form>`)
	ownAction   = regexp.MustCompile(`<button [^>]*form="answer" formaction="([^"]+)"`)
	hidden      = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// form returns the action and the hidden fields of the page's form with this path, or
// its first form.
func (b *browser) form(p shown, path string) (string, url.Values) {
	b.t.Helper()
	for _, m := range ownAction.FindAllStringSubmatch(p.body, -1) {
		if action := html.UnescapeString(m[1]); path != "" && strings.Contains(action, path+"?") {
			_, values := b.form(p, "")
			return action, values
		}
	}
	for _, m := range formPattern.FindAllStringSubmatch(p.body, -1) {
		action := html.UnescapeString(m[1])
		if path != "" && !strings.Contains(action, path+"?") {
			continue
		}
		values := url.Values{}
		for _, h := range hidden.FindAllStringSubmatch(m[0], -1) {
			values.Set(h[1], html.UnescapeString(h[2]))
		}
		return action, values
	}
	b.t.Fatalf("no form %q at %s (%d %s): %s", path, p.path, p.status, p.location, p.body)
	return "", nil
}

// menu returns the action of the page's language menu and its fields.
func (b *browser) menu(p shown) (string, url.Values) {
	b.t.Helper()
	_, rest, found := strings.Cut(p.body, `class="languages"`)
	if !found {
		b.t.Fatalf("no language menu at %s: %s", p, p.body)
	}
	return b.form(shown{body: rest}, "")
}

// send fills in the page's first form, sends it and follows the redirects.
func (b *browser) send(p shown, fields ...string) shown {
	b.t.Helper()
	return b.sendTo(p, "", fields...)
}

func (b *browser) sendTo(p shown, path string, fields ...string) shown {
	b.t.Helper()
	action, values := b.form(p, path)
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.follow(b.do(http.MethodPost, action, values))
}

// signIn sends a username and the password.
func (b *browser) signIn(username string) shown {
	b.t.Helper()
	return b.send(b.open("/login"), "username", username, "password", password)
}

// wantPage fails unless the browser is at a page that has the text.
func wantPage(t *testing.T, p shown, path, text string) {
	t.Helper()
	if p.status != http.StatusOK || p.path != path || !strings.Contains(html.UnescapeString(p.body), text) {
		t.Fatalf("at %s (%d %s), want %s with %q:\n%s", p.path, p.status, p.location, path, text, p.body)
	}
}

// wantSignedIn fails unless the browser was sent to the client with a code
// that gets tokens of the user.
func (b *browser) wantSignedIn(p shown) {
	b.t.Helper()
	b.tokens(p)
}

// tokens exchanges the code in the browser's redirect to the client, and returns the response.
func (b *browser) tokens(p shown) string {
	b.t.Helper()
	u, err := url.Parse(p.location)
	if err != nil || p.status != http.StatusFound || !strings.HasPrefix(p.location, callback+"?") || u.Query().Get("code") == "" || u.Query().Get("state") != "s+1" {
		b.t.Fatalf("at %s: %d %s, want a code:\n%s", p.path, p.status, p.location, p.body)
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {*b.client.ClientId}, "client_secret": {*b.client.ClientSecret},
		"code": {u.Query().Get("code")}, "redirect_uri": {callback},
	}
	a := b.do(http.MethodPost, b.base+"/oauth2/token", form)
	if a.status != http.StatusOK || !strings.Contains(a.body, "refresh_token") {
		b.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return a.body
}

func (p shown) String() string { return fmt.Sprintf("%s %d %s", p.path, p.status, p.location) }
