package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestTwoDomains: the domain of one pool accepts no client, code, cookie or token of
// another.
func TestTwoDomains(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		pool := serving.NewPool(t, r.Rig)
		r.addDomain(t, pool, "others")
		r.addUser(t, pool, "alice")
		other := *r
		other.pool, other.domain, other.base = pool, "others", r.URL()+"/_domain/others"
		mine, theirs := r.client(t, nil), other.client(t, nil)
		b := r.browser(t)
		code := b.code(mine)
		tokens := b.token(mine, b.again(mine)).tokens(t)

		stranger := other.browser(t)
		for _, c := range b.Jar.Cookies(parse(t, r.base+"/")) {
			c.Path = "/"
			stranger.Jar.SetCookies(parse(t, r.URL()), []*http.Cookie{c})
		}
		want(t, "cookie of another pool", stranger.authorize(theirs, "prompt", "none"), http.StatusFound, callback+"?error=login_required")
		want(t, "client of another pool", stranger.authorize(mine), http.StatusFound, "/_domain/others"+noClientText)
		want(t, "client of another pool", stranger.token(mine, code), http.StatusBadRequest, badClient)
		want(t, "code of another pool", stranger.token(theirs, code), http.StatusBadRequest, badGrant)
		want(t, "refresh token of another pool", stranger.token(theirs, "", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)), http.StatusBadRequest, badGrant)
		want(t, "token of another pool", stranger.do(bearer(t, http.MethodGet, other.base+"/oauth2/userInfo", tokens["access_token"])), http.StatusUnauthorized, `{"error":"invalid_token"`)
		want(t, "revocation by another pool's client", stranger.post(other.base+"/oauth2/revoke", url.Values{"client_id": {*theirs.ClientId}, "token": {tokens["refresh_token"].(string)}}), http.StatusOK, "")
		want(t, "sign-out by another pool's client", stranger.get(other.base+"/logout?logout_uri=https://a.example/out&client_id="+*mine.ClientId), http.StatusFound, "/_domain/others"+noClientText)
		want(t, "the code, where it belongs", b.token(mine, code), http.StatusOK, "{")
	})
}

// TestDomainEndsSessions: a browser's session ends with its domain and with each change
// of the domain's pages, and does not come back.
func TestDomainEndsSessions(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, nil)
		for name, change := range map[string]func(){
			"another version and back": func() {
				r.pages(t, r.domain, 1)
				r.advance(t, "1s")
				r.pages(t, r.domain, 2)
			},
			"deleted and made again": func() {
				out, err := r.sdk.DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &r.pool, Domain: &r.domain})
				serving.Must(t, out, err)
				want(t, "deleted", r.browser(t).authorize(c), http.StatusNotFound, "There is no such domain.")
				r.advance(t, "1s")
				r.addDomain(t, r.pool, r.domain)
			},
		} {
			b := r.browser(t)
			b.code(c)
			want(t, name+", before", b.authorize(c, "prompt", "none"), http.StatusFound, callback+"?code=")
			change()
			want(t, name, b.authorize(c, "prompt", "none"), http.StatusFound, callback+"?error=login_required")
		}
	})
}

// to sends a request to another host of the server.
func (b *browser) to(host, ref string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.absolute(ref), nil)
	if err == nil {
		req.Host = host
	}
	return b.do(req, err)
}

// TestHosts: a domain is known by its host. Paths below /_domain/ are for development.
func TestHosts(t *testing.T) {
	t.Parallel()
	t.Run("development", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, "", func(c *server.Config) { c.AllowOrigin = []string{"https://login.example.com"} })
		custom(t, r)
		c := r.client(t, nil)
		q, b := "?"+request(c).Encode(), r.browser(t)
		for _, row := range []struct {
			name, host, path string
			status           int
			want             string
		}{
			{"prefix", "people.auth.localhost", "/oauth2/authorize" + q, http.StatusFound, "/login?client_id="},
			{"port, case and dot", "People.Auth.Localhost.:9229", "/oauth2/Authorize" + q, http.StatusFound, "/login?client_id="},
			{"unknown prefix", "nobody.auth.localhost", "/oauth2/authorize" + q, http.StatusNotFound, "There is no such domain."},
			{"the operations at a domain's host", "people.auth.localhost", "/" + r.pool + "/.well-known/jwks.json", http.StatusNotFound, "404"},
			{"a path at a domain's host", "people.auth.localhost", "/_domain/people/oauth2/authorize" + q, http.StatusFound, "/_domain/people/login?"},
			{"custom domain", "login.example.com", "/oauth2/authorize" + q, http.StatusFound, "/login?client_id="},
			{"custom domain with a port", "LOGIN.example.com:443", "/oauth2/authorize" + q, http.StatusFound, "/login?client_id="},
			{"the prefix as a host", "people", "/oauth2/authorize" + q, http.StatusForbidden, ""},
			{"another host", "evil.example", "/oauth2/authorize" + q, http.StatusForbidden, ""},
			{"the server itself", "localhost", "/oauth2/authorize" + q, http.StatusNotFound, ""},
			{"by the app client", "localhost", "/_aws/cognito-idp/oauth2/authorize" + q, http.StatusFound, "/_aws/cognito-idp/login?client_id="},
			{"no app client", "localhost", "/_aws/cognito-idp/login", http.StatusNotFound, "There is no such app client."},
			{"by the app client at another host", "evil.example", "/_aws/cognito-idp/login" + q, http.StatusForbidden, ""},
			{"no path", "localhost", "/_domain/people", http.StatusNotFound, ""},
			{"no name", "localhost", "/_domain/", http.StatusNotFound, ""},
		} {
			want(t, row.name, b.to(row.host, row.path), row.status, row.want)
		}
		if page := b.to("localhost", "/_aws/cognito-idp/login"+q); !strings.Contains(page.body, `action="/_aws/cognito-idp/login?`) {
			t.Errorf("the login page by the app client: %d %s", page.status, page.body)
		}
	})
	t.Run("production", func(t *testing.T) {
		t.Parallel()
		r := &rig{Rig: serving.Start(t, serving.Serve(t)), domain: "people"}
		r.sdk = r.Client(serving.NewKey(t, r.Rig, "admin", "admin"))
		pool, err := r.sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: new("people")})
		r.pool = *serving.Must(t, pool, err).UserPool.Id
		r.addDomain(t, r.pool, r.domain)
		custom(t, r)
		c := r.client(t, nil)
		q, b := "?"+request(c).Encode(), r.browser(t)
		for _, row := range []struct {
			name, host, path string
			status           int
			want             string
		}{
			{"prefix", "people.auth.id.example.com", "/oauth2/authorize" + q, http.StatusFound, "/login?client_id="},
			{"custom domain", "login.example.com", "/oauth2/authorize" + q, http.StatusFound, "/login?client_id="},
			{"no paths", "id.example.com", "/_domain/people/oauth2/authorize" + q, http.StatusNotFound, ""},
			{"no paths by the app client", "id.example.com", "/_aws/cognito-idp/oauth2/authorize" + q, http.StatusNotFound, ""},
			{"no localhost", "people.auth.localhost", "/oauth2/authorize" + q, http.StatusNotFound, ""},
			{"the prefix as a host", "people", "/oauth2/authorize" + q, http.StatusNotFound, ""},
			{"a custom domain as a prefix", "login.auth.id.example.com", "/oauth2/authorize" + q, http.StatusNotFound, ""},
			{"the issuer's host", "id.example.com", "/oauth2/authorize" + q, http.StatusNotFound, ""},
		} {
			want(t, row.name, b.to(row.host, row.path), row.status, row.want)
		}
	})
}

// custom adds the custom domain login.example.com to the rig's pool.
func custom(t *testing.T, r *rig) {
	t.Helper()
	out, err := r.sdk.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{
		UserPoolId: &r.pool, Domain: new("login.example.com"), ManagedLoginVersion: new(int32(2)),
		CustomDomainConfig: &types.CustomDomainConfigType{CertificateArn: new("arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555")},
	})
	serving.Must(t, out, err)
}

// TestDomainHeaders: every answer at a domain has the headers that keep it out of caches
// and frames.
func TestDomainHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for _, path := range []string{"/nothing", "/oauth2/authorize", "/oauth2/token", "/logout", "/error", "/login"} {
		for _, base := range []string{r.base, r.URL() + "/_domain/nobody"} {
			a := r.browser(t).get(base + path)
			if a.header.Get("X-Frame-Options") != "DENY" || a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s%s: %v", base, path, a.header)
			}
		}
	}
}
