package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
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

// engines runs a test on a development server with each database. Each change changes
// the server's settings before.
func engines(t *testing.T, f func(t *testing.T, r *rig), changes ...func(*server.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, newRig(t, "", changes...))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, newRig(t, pgtest.Database(t), changes...))
	})
}

// A rig is a server with a pool that has a domain and a user, alice.
type rig struct {
	serving.Rig
	sdk    *cip.Client
	pool   string
	domain string
	base   string // of the domain
}

func newRig(t *testing.T, database string, changes ...func(*server.Config)) *rig {
	t.Helper()
	c := serving.Dev(t)
	c.Database = server.Secret(database)
	for _, change := range changes {
		change(&c)
	}
	r := &rig{Rig: serving.Start(t, c), domain: "people"}
	r.sdk = r.Rig.Dev()
	r.pool = serving.NewPool(t, r.Rig)
	r.base = r.URL() + "/_domain/" + r.domain
	r.addDomain(t, r.pool, r.domain)
	r.addUser(t, r.pool, "alice")
	return r
}

func (r *rig) addDomain(t *testing.T, pool, name string) {
	t.Helper()
	out, err := r.sdk.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: &name, ManagedLoginVersion: new(int32(2))})
	serving.Must(t, out, err)
}

func (r *rig) addUser(t *testing.T, pool, name string) {
	t.Helper()
	out, err := r.sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: new("email"), Value: new(name + "@example.com")}, {Name: new("email_verified"), Value: new("true")}, {Name: new("given_name"), Value: new("Given")},
		},
	})
	serving.Must(t, out, err)
	set, err := r.sdk.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &name, Password: new(password), Permanent: true})
	serving.Must(t, set, err)
}

// client makes an app client for the code and implicit grants; change, if set, changes
// it before.
func (r *rig) client(t *testing.T, change func(in *cip.CreateUserPoolClientInput)) *types.UserPoolClientType {
	t.Helper()
	in := &cip.CreateUserPoolClientInput{
		UserPoolId: &r.pool, ClientName: new("reader"), AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows:  []types.OAuthFlowType{types.OAuthFlowTypeCode, types.OAuthFlowTypeImplicit},
		AllowedOAuthScopes: []string{"openid", "email"}, CallbackURLs: []string{callback, "myapp://cb"},
		LogoutURLs: []string{"https://a.example/out"}, SupportedIdentityProviders: []string{"COGNITO"},
	}
	if change != nil {
		change(in)
	}
	out, err := r.sdk.CreateUserPoolClient(t.Context(), in)
	return serving.Must(t, out, err).UserPoolClient
}

// A browser keeps cookies and follows no redirect.
type browser struct {
	t testing.TB
	r *rig
	*http.Client
}

func (r *rig) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, r, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what a request came to.
type answer struct {
	status   int
	location string
	header   http.Header
	body     string
}

func (b *browser) do(req *http.Request, err error) answer {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
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
	return answer{resp.StatusCode, resp.Header.Get("Location"), resp.Header, string(body)}
}

// get reads a reference of the server.
func (b *browser) get(ref string) answer {
	b.t.Helper()
	return b.do(http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.absolute(ref), nil))
}

func (b *browser) absolute(ref string) string {
	if strings.HasPrefix(ref, "/") {
		return b.r.URL() + ref
	}
	return ref
}

func (b *browser) post(ref string, form url.Values, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.absolute(ref), strings.NewReader(form.Encode()))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
	}
	return b.do(req, err)
}

// authorize sends an authorization request: a good one of the client, with changes. An
// empty value takes a parameter out.
func (b *browser) authorize(c *types.UserPoolClientType, changes ...string) answer {
	b.t.Helper()
	return b.get(b.r.base + "/oauth2/authorize?" + request(c, changes...).Encode())
}

func request(c *types.UserPoolClientType, changes ...string) url.Values {
	q := url.Values{"client_id": {*c.ClientId}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"}}
	for i := 0; i+1 < len(changes); i += 2 {
		if q.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			q.Del(changes[i])
		}
	}
	return q
}

var action = regexp.MustCompile(`action="([^"]+)"`)

// signIn opens the login page and sends the form with alice's password.
func (b *browser) signIn(c *types.UserPoolClientType, changes ...string) answer {
	b.t.Helper()
	a := b.authorize(c, changes...)
	page := b.get(a.location)
	m := action.FindStringSubmatch(page.body)
	if m == nil {
		b.t.Fatalf("no form at %s: %s", a.location, page.body)
	}
	return b.post(html.UnescapeString(m[1]), url.Values{"_csrf": {field(page.body, "_csrf")}, "username": {"alice"}, "password": {password}})
}

// field returns the value of a hidden field of a page.
func field(page, name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// code returns an authorization code for alice.
func (b *browser) code(c *types.UserPoolClientType, changes ...string) string {
	b.t.Helper()
	a := b.signIn(c, changes...)
	code := parameter(b.t, a.location, "code")
	if code == "" {
		b.t.Fatalf("no code: %d %s %s", a.status, a.location, a.body)
	}
	return code
}

// again returns a code that the browser gets by its session, without a page.
func (b *browser) again(c *types.UserPoolClientType, changes ...string) string {
	b.t.Helper()
	a := b.authorize(c, changes...)
	code := parameter(b.t, a.location, "code")
	if code == "" {
		b.t.Fatalf("no code: %d %s %s", a.status, a.location, a.body)
	}
	return code
}

// grant sends a token request of these parameters.
func (b *browser) grant(form url.Values, header ...string) answer {
	b.t.Helper()
	return b.post(b.r.base+"/oauth2/token", form, header...)
}

// advance puts the server's clock forward.
func (r *rig) advance(t *testing.T, by string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/clock", strings.NewReader(`{"advance":"`+by+`"}`))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a := r.browser(t).do(req, err); a.status != http.StatusOK {
		t.Fatalf("clock: %d %s", a.status, a.body)
	}
}

// addScopes makes a resource server with the scopes.
func (r *rig) addScopes(t *testing.T, pool, server string, scopes ...string) {
	t.Helper()
	in := &cip.CreateResourceServerInput{UserPoolId: &pool, Identifier: &server, Name: &server}
	for _, s := range scopes {
		in.Scopes = append(in.Scopes, types.ResourceServerScopeType{ScopeName: new(s), ScopeDescription: new(s)})
	}
	out, err := r.sdk.CreateResourceServer(t.Context(), in)
	serving.Must(t, out, err)
}

// parameter returns a parameter of a location's query.
func parameter(t testing.TB, location, name string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

// token sends a token request: the exchange of a code of the client, with changes.
func (b *browser) token(c *types.UserPoolClientType, code string, changes ...string) answer {
	b.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {*c.ClientId}, "code": {code}, "redirect_uri": {callback}}
	if c.ClientSecret != nil {
		form.Set("client_secret", *c.ClientSecret)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if form.Set(changes[i], changes[i+1]); changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return b.post(b.r.base+"/oauth2/token", form)
}

// tokens are the members of a token answer.
func (a answer) tokens(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return out
}

// claims returns the payload of a JWT.
func claims(t testing.TB, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %v", token)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// want reports an answer that begins otherwise.
func want(t testing.TB, what string, a answer, status int, text string) {
	t.Helper()
	got := a.location
	if got == "" {
		got = a.body
	}
	if a.status != status || !strings.HasPrefix(got, text) {
		t.Errorf("%s: %d %s, want %d %s", what, a.status, got, status, text)
	}
}
