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

// TestOpenRedirect: no parameter makes a domain redirect to an address that the client
// did not register.
func TestOpenRedirect(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	c, b := r.client(t, nil), r.browser(t)
	b.code(c)
	evil := []string{
		"//evil.example", `\\evil.example`, "/\\evil.example", "https:evil.example", "https://evil.example", "https://a.example@evil.example/cb",
		"https://a.example/cb@evil.example", "https://a.example.evil.example/cb", "https://evil.example/https://a.example/cb", callback + "/../../evil",
		callback + "#@evil.example", callback + "\r\nLocation: https://evil.example", callback + "\x00", " " + callback, callback + " ",
		strings.ToUpper(callback), "javascript:alert(1)//", "data:text/html,x", "myapp://cb/../x", "https://a.example%2fcb", "https://a.example/%63b", "https://а.example/cb",
	}
	for _, uri := range evil {
		q := url.Values{"redirect_uri": {uri}, "logout_uri": {uri}, "post_logout_redirect_uri": {uri}, "client_id": {*c.ClientId}, "response_type": {"code"}, "state": {uri}}.Encode()
		for _, path := range []string{"/oauth2/authorize?", "/logout?", "/login?", "/oauth2/login?"} {
			a := b.get(r.base + path + q)
			if !strings.HasPrefix(a.location, "/_domain/people/error?error=redirect_mismatch&client_id=") {
				t.Errorf("%s%q: %d %s", path, uri, a.status, a.location)
			}
		}
	}
	for _, state := range []string{"a\r\nSet-Cookie: x=y", "&code=evil", "#fragment", "%0d%0a", "<script>", "é世"} {
		for _, changes := range [][]string{{"state", state}, {"state", state, "prompt", "none login"}, {"state", state, "response_type", "token"}} {
			a := b.authorize(c, changes...)
			u := parse(t, a.location)
			q := u.Query()
			if u.Fragment != "" {
				q, _ = url.ParseQuery(u.EscapedFragment())
			}
			if !strings.HasPrefix(a.location, callback) || q.Get("state") != state || len(q["state"]) != 1 || len(q["code"]) > 1 || a.header.Get("Set-Cookie") != "" {
				t.Errorf("%q: %s %v", changes, a.location, a.header)
			}
		}
	}
	for _, path := range []string{"//evil.example/oauth2/authorize", "/..//evil.example/login", "/%2f%2fevil.example/login", "/%5cevil.example/logout", ""} {
		if a := b.get(r.base + path); strings.HasPrefix(strings.TrimPrefix(a.location, "/"), "/") || strings.Contains(a.location, `\`) || strings.HasPrefix(a.location, "http") {
			t.Errorf("%s: %s", path, a.location)
		}
	}
}

// TestPollution: a parameter that comes twice with different values is refused, and one
// whose values are the same is not. A long query is refused.
func TestPollution(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	c, b := r.client(t, nil), r.browser(t)
	b.code(c)
	good := request(c).Encode()
	for _, row := range []struct{ name, more, want string }{
		{"the same twice", "scope=openid+email&client_id=" + *c.ClientId, callback + "?code="},
		{"two clients", "client_id=x", "/_domain/people" + missingText},
		{"two redirect URIs", "redirect_uri=https://evil.example", "/_domain/people" + missingText},
		{"two registered redirect URIs", "redirect_uri=myapp://cb", "/_domain/people" + missingText},
		{"two scopes", "scope=openid", callback + "?error=invalid_request&state=s"},
		{"two challenges", "code_challenge=" + challenge("a") + "&code_challenge=" + challenge("b") + "&code_challenge_method=S256", callback + "?error=invalid_request&state=s"},
		{"a bad escape", "x=%zz", "/_domain/people" + missingText},
		{"33 KiB", "x=" + strings.Repeat("y", 33<<10), "/_domain/people" + missingText},
	} {
		for _, q := range []string{good + "&" + row.more, row.more + "&" + good} {
			want(t, row.name, b.get(r.base+"/oauth2/authorize?"+q), http.StatusFound, row.want)
		}
	}
	want(t, "64 KiB", b.get(r.base+"/oauth2/authorize?x="+strings.Repeat("y", 64<<10)), http.StatusRequestHeaderFieldsTooLarge, "")
	want(t, "a long query of a sign-out", b.get(r.base+"/logout?"+good+"&x="+strings.Repeat("y", 33<<10)), http.StatusFound, "/_domain/people"+missingText)
}

// TestForgedCookie: a cookie that was changed, or moved from another place, is no
// session, and each sign-in begins a session of its own.
func TestForgedCookie(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	c, b := r.client(t, nil), r.browser(t)
	over := callback + "?error=login_required"
	none := r.browser(t)
	set := func(b *browser, value string) {
		b.Jar.SetCookies(parse(t, r.base+"/"), []*http.Cookie{{Name: "cognito", Value: value, Path: "/_domain/people"}})
	}
	value := func(b *browser) string {
		for _, k := range b.Jar.Cookies(parse(t, r.base+"/")) {
			if k.Name == "cognito" {
				return k.Value
			}
		}
		return ""
	}
	set(b, "fixed-by-an-attacker")
	code := b.code(c)
	good := value(b)
	refresh := b.token(c, code).tokens(t)["refresh_token"].(string)
	if good == "" || good == "fixed-by-an-attacker" {
		t.Fatalf("cookie %q", good)
	}
	middle := len(good) / 2
	letter := "A"
	if good[middle] == 'A' {
		letter = "B"
	}
	for name, forged := range map[string]string{
		"empty": "", "garbage": "x", "changed": good[:middle] + letter + good[middle+1:], "cut": good[:len(good)-1], "longer": good + "A",
		"a refresh token": refresh, "long": strings.Repeat("A", 8<<10),
	} {
		set(none, forged)
		want(t, name, none.authorize(c, "prompt", "none"), http.StatusFound, over)
	}
	set(none, good)
	want(t, "the cookie itself", none.authorize(c, "prompt", "none"), http.StatusFound, callback+"?code=")
	b.signIn(c, "prompt", "login")
	if value(b) == good {
		t.Error("a new sign-in kept the session")
	}
}

// TestAccountEndsSession: a session and its codes end when an administrator resets the
// user's password, and when the user is deleted. The second use of a deleted user's code
// is refused as any other.
func TestAccountEndsSession(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, b := r.client(t, nil), r.browser(t)
		used := b.code(c)
		tokens := b.token(c, used).tokens(t)
		code := b.again(c)
		reset, err := r.sdk.AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &r.pool, Username: new("alice")})
		serving.Must(t, reset, err)
		over := callback + "?error=login_required"
		want(t, "session of a reset user", b.authorize(c, "prompt", "none"), http.StatusFound, over)
		want(t, "code of a reset user", b.token(c, code), http.StatusBadRequest, badGrant)
		restored, err := r.sdk.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &r.pool, Username: new("alice"), Password: new(password), Permanent: true})
		serving.Must(t, restored, err)
		b = r.browser(t)
		code = b.code(c)
		deleted, err := r.sdk.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &r.pool, Username: new("alice")})
		serving.Must(t, deleted, err)
		want(t, "session of a deleted user", b.authorize(c, "prompt", "none"), http.StatusFound, over)
		want(t, "code of a deleted user", b.token(c, code), http.StatusBadRequest, badGrant)
		want(t, "used code of a deleted user", b.token(c, used), http.StatusBadRequest, badGrant)
		want(t, "userInfo of a deleted user", b.do(bearer(t, http.MethodGet, r.base+"/oauth2/userInfo", tokens["access_token"])), http.StatusUnauthorized, `{"error":"invalid_token"`)
		r.addUser(t, r.pool, "alice")
		want(t, "session of another user of the name", b.authorize(c, "prompt", "none"), http.StatusFound, over)
	})
}

// TestRefreshOfAPITokens: where the pool tracks devices, the token endpoint refreshes no
// token of the API, also none that was issued before (Cognito: token endpoint).
func TestRefreshOfAPITokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth}
		})
		signedIn, err := r.sdk.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: c.ClientId, AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
		ofAPI := *serving.Must(t, signedIn, err).AuthenticationResult.RefreshToken
		b := r.browser(t)
		ofDomain := b.token(c, b.code(c)).tokens(t)["refresh_token"].(string)
		renew := func(token string) answer {
			return b.token(c, "", "grant_type", "refresh_token", "refresh_token", token)
		}
		want(t, "of the API", renew(ofAPI), http.StatusOK, "{")
		tracked, err := r.sdk.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &r.pool, DeviceConfiguration: &types.DeviceConfigurationType{ChallengeRequiredOnNewDevice: true}})
		serving.Must(t, tracked, err)
		want(t, "of the API, with devices", renew(ofAPI), http.StatusBadRequest, badGrant)
		want(t, "of the domain, with devices", renew(ofDomain), http.StatusOK, "{")
	})
}

// TestRotation: with rotation each refresh returns a new token, and the old one is good for
// the grace period only.
func TestRotation(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth}
			in.RefreshTokenRotation = &types.RefreshTokenRotationType{Feature: types.FeatureTypeEnabled, RetryGracePeriodSeconds: new(int32(10))}
		})
		b := r.browser(t)
		first := b.token(c, b.code(c)).tokens(t)["refresh_token"].(string)
		renew := func(token string) answer {
			return b.token(c, "", "grant_type", "refresh_token", "refresh_token", token)
		}
		second, _ := renew(first).tokens(t)["refresh_token"].(string)
		if second == "" || second == first {
			t.Fatalf("no new refresh token: %q", second)
		}
		want(t, "within the grace period", renew(first), http.StatusOK, "{")
		r.advance(t, "11s")
		want(t, "replayed", renew(first), http.StatusBadRequest, badGrant)
		want(t, "the next one", renew(second), http.StatusOK, "{")
	})
}
