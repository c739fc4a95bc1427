package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

const (
	missingText  = "/error?error=Required+parameters+missing"
	noClientText = "/error?error=Client+does+not+exist"
	providerText = "/error?error=Login+option+is+not+available.+Please+try+another+one&client_id="
)

// TestAuthorizeTable: every case of an authorization request, from a browser without a
// session and from one with a session.
func TestAuthorizeTable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.addScopes(t, r.pool, "rs", "read", "old")
		c := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeCode}
			in.AllowedOAuthScopes = []string{"openid", "email", "rs/read", "rs/old"}
		})
		updated, err := r.sdk.UpdateResourceServer(t.Context(), &cip.UpdateResourceServerInput{
			UserPoolId: &r.pool, Identifier: new("rs"), Name: new("rs"),
			Scopes: []types.ResourceServerScopeType{{ScopeName: new("read"), ScopeDescription: new("read")}},
		})
		serving.Must(t, updated, err)
		other := serving.NewPool(t, r.Rig)
		foreign := r.client(t, func(in *cip.CreateUserPoolClientInput) { in.UserPoolId = &other }).ClientId
		live, fresh := r.browser(t), r.browser(t)
		live.code(c)
		mismatch := "/error?error=redirect_mismatch&client_id=" + *c.ClientId
		for _, row := range []struct {
			name    string
			changes []string
			fresh   string // the beginning of the answer without a session
			live    string // and with one; "": the same
		}{
			{"good", nil, "/login?", callback + "?code="},
			{"a scheme of the app", []string{"redirect_uri", "myapp://cb"}, "/login?", "myapp://cb?code="},
			{"no client_id", []string{"client_id", ""}, missingText, ""},
			{"no redirect_uri of two", []string{"redirect_uri", ""}, missingText, ""},
			{"unknown client", []string{"client_id", "nobody"}, noClientText, ""},
			{"client of another pool", []string{"client_id", *foreign}, noClientText, ""},
			{"trailing slash", []string{"redirect_uri", callback + "/"}, mismatch, ""},
			{"case", []string{"redirect_uri", "https://a.example/CB"}, mismatch, ""},
			{"query", []string{"redirect_uri", callback + "?x=1"}, mismatch, ""},
			{"port", []string{"redirect_uri", "https://a.example:444/cb"}, mismatch, ""},
			{"evil", []string{"redirect_uri", "https://evil"}, mismatch, ""},
			{"no response_type", []string{"response_type", ""}, callback + "?error=invalid_request", ""},
			{"id_token", []string{"response_type", "id_token"}, callback + "?error=invalid_request", ""},
			{"hybrid", []string{"response_type", "code token"}, callback + "?error=invalid_request", ""},
			{"implicit off", []string{"response_type", "token"}, callback + "?error=unauthorized_client", ""},
			{"no scope", []string{"scope", ""}, "/login?", callback + "?code="},
			{"scope not of the client", []string{"scope", "openid phone"}, callback + "?error=invalid_scope", ""},
			{"email alone", []string{"scope", "email"}, callback + "?error=invalid_scope", ""},
			{"unknown scope", []string{"scope", "rs/none"}, callback + "?error=invalid_scope", ""},
			{"a tab", []string{"scope", "openid\temail"}, callback + "?error=invalid_scope", ""},
			{"a scope that is gone", []string{"scope", "openid rs/old"}, "/login?", callback + "?code="},
			{"challenge without method", []string{"code_challenge", challenge("v")}, callback + "?error=invalid_request", ""},
			{"method without challenge", []string{"code_challenge_method", "S256"}, callback + "?error=invalid_request", ""},
			{"plain", []string{"code_challenge", challenge("v"), "code_challenge_method", "plain"}, callback + "?error=invalid_request", ""},
			{"short challenge", []string{"code_challenge", challenge("v")[:42], "code_challenge_method", "S256"}, callback + "?error=invalid_request", ""},
			{"provider that is not there", []string{"identity_provider", "Nope"}, providerText + *c.ClientId, ""},
			{"unknown idp_identifier", []string{"idp_identifier", "nope.example"}, providerText + *c.ClientId, ""},
			{"the pool's own directory", []string{"identity_provider", "COGNITO"}, "/login?", callback + "?code="},
			{"prompt none", []string{"prompt", "none"}, callback + "?error=login_required", callback + "?code="},
			{"prompt none login", []string{"prompt", "none login"}, callback + "?error=invalid_request", ""},
			{"prompt login", []string{"prompt", "login"}, "/login?", "/login?"},
			{"acr_values that the session reached", []string{"acr_values", "urn:x urn:cognito:loa:1"}, "/login?", callback + "?code="},
			{"acr_values out of reach", []string{"acr_values", "urn:cognito:loa:4"}, "/login?", callback + "?code="},
			{"max_age", []string{"max_age", "3600"}, "/login?", callback + "?code="},
			{"negative max_age", []string{"max_age", "-1"}, callback + "?error=invalid_request", ""},
			{"no resource", []string{"resource", "foo"}, callback + "?error=invalid_request", ""},
			{"resource of the network", []string{"resource", "http://api.example"}, callback + "?error=invalid_request", ""},
			{"resource with a fragment", []string{"resource", "https://api.example#x"}, callback + "?error=invalid_request", ""},
			{"unknown parameters", []string{"display", "page", "response_mode", "form_post"}, "/login?", callback + "?code="},
		} {
			if row.live == "" {
				row.live = row.fresh
			}
			row.changes = append([]string{"state", "a+b&c=d\u00e9%"}, row.changes...)
			for b, begin := range map[*browser]string{fresh: row.fresh, live: row.live} {
				if strings.HasPrefix(begin, "/") {
					begin = "/_domain/" + r.domain + begin
				}
				a := b.authorize(c, row.changes...)
				want(t, row.name, a, http.StatusFound, begin)
				if got := parameter(t, a.location, "state"); !strings.Contains(a.location, "/error?") && got != "a+b&c=d\u00e9%" {
					t.Errorf("%s: state %q", row.name, got)
				}
			}
		}
		want(t, "the same query", fresh.authorize(c), http.StatusFound, "/_domain/people/login?"+request(c).Encode())
		twice := request(c).Encode() + "&resource=https://a.example&resource=https://b.example"
		want(t, "two resources", live.get(r.base+"/oauth2/authorize?"+twice), http.StatusFound, callback+"?error=invalid_request&state=s")
		want(t, "POST", live.post(r.base+"/oauth2/authorize", request(c)), http.StatusMethodNotAllowed, "")
		granted := func(changes ...string) any {
			t.Helper()
			return claims(t, live.token(c, live.again(c, changes...)).tokens(t)["access_token"])["scope"]
		}
		if all := granted("scope", ""); all != "openid email rs/read" {
			t.Errorf("scopes by default: %v", all)
		}
		if some := granted("scope", "openid rs/old"); some != "openid" {
			t.Errorf("scopes of which one is gone: %v", some)
		}
		r.advance(t, "10s")
		want(t, "max_age exceeded", live.authorize(c, "max_age", "9"), http.StatusFound, "/_domain/people/login?")
		r.advance(t, "1h")
		want(t, "an hour later", live.authorize(c, "prompt", "none"), http.StatusFound, callback+"?error=login_required")
	})
}

// TestDefaultRedirect: a client with one provider may leave its redirect URI out.
func TestDefaultRedirect(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	one := r.client(t, func(in *cip.CreateUserPoolClientInput) { in.CallbackURLs = []string{callback + "?k=v"} })
	two := r.client(t, func(in *cip.CreateUserPoolClientInput) { in.DefaultRedirectURI = new("myapp://cb") })
	b := r.browser(t)
	b.code(two)
	want(t, "one callback", b.authorize(one, "redirect_uri", ""), http.StatusFound, callback+"?k=v&code=")
	want(t, "a default", b.authorize(two, "redirect_uri", ""), http.StatusFound, "myapp://cb?code=")
}

// TestImplicit: tokens are in the fragment, and there is no refresh token.
func TestImplicit(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, b := r.client(t, nil), r.browser(t)
		b.code(c)
		a := b.authorize(c, "response_type", "token", "nonce", "n")
		u := parse(t, a.location)
		q, err := url.ParseQuery(u.Fragment)
		if err != nil || u.RawQuery != "" || q.Get("state") != "s" || q.Get("token_type") != "Bearer" || q.Get("expires_in") != "3600" || q.Has("refresh_token") {
			t.Errorf("%d %s %v", a.status, a.location, err)
		}
		if id := claims(t, q.Get("id_token")); id["nonce"] != "n" || id["at_hash"] == nil {
			t.Errorf("ID token: %v", id)
		}
		want(t, "userInfo", b.do(bearer(t, http.MethodGet, r.base+"/oauth2/userInfo", q.Get("access_token"))), http.StatusOK, "{")
	})
}
