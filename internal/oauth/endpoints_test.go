package oauth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

// confidential makes a client with the secret.
func (r *rig) confidential(t *testing.T, change func(in *cip.CreateUserPoolClientInput)) *types.UserPoolClientType {
	t.Helper()
	return r.client(t, func(in *cip.CreateUserPoolClientInput) {
		in.GenerateSecret = true
		if change != nil {
			change(in)
		}
	})
}

func basicOf(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

const (
	badRequest = `{"error":"invalid_request"}`
	badClient  = `{"error":"invalid_client"}`
	badGrant   = `{"error":"invalid_grant"}`
	badFlow    = `{"error":"unauthorized_client"}`
)

// TestTokenTable: every refusal of the token endpoint.
func TestTokenTable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p, other, c := r.client(t, nil), r.client(t, nil), r.confidential(t, nil)
		implicit := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeImplicit}
		})
		b, verifier := r.browser(t), strings.Repeat("v", 43)
		b.code(p)
		used := b.again(p)
		b.token(p, used).tokens(t)
		pkce := func() string {
			return b.again(p, "code_challenge", challenge(verifier), "code_challenge_method", "S256")
		}
		for _, row := range []struct {
			name    string
			client  *types.UserPoolClientType
			code    string
			changes []string
			body    string
		}{
			{"no grant_type", p, "x", []string{"grant_type", ""}, badRequest},
			{"grant_type of passwords", p, "x", []string{"grant_type", "password"}, `{"error":"unsupported_grant_type"}`},
			{"unknown client", p, "x", []string{"client_id", "nobody"}, badClient},
			{"no secret", c, "x", []string{"client_secret", ""}, badClient},
			{"wrong secret", c, "x", []string{"client_secret", "wrong"}, badClient},
			{"secret of a public client", p, "x", []string{"client_secret", "x"}, badClient},
			{"no client", p, "x", []string{"client_id", ""}, badClient},
			{"no code flow", implicit, "x", nil, badFlow},
			{"public machine", p, "", []string{"grant_type", "client_credentials"}, badFlow},
			{"machine without the flow", c, "", []string{"grant_type", "client_credentials"}, badFlow},
			{"no code", p, "", nil, badRequest},
			{"no redirect_uri", p, "x", []string{"redirect_uri", ""}, badRequest},
			{"no refresh_token", p, "", []string{"grant_type", "refresh_token"}, badRequest},
			{"unknown code", p, "x", nil, badGrant},
			{"used code", p, used, nil, badGrant},
			{"code of another client", other, b.again(p), nil, badGrant},
			{"redirect_uri with a slash", p, b.again(p), []string{"redirect_uri", callback + "/"}, `{"error":"unauthorized_client","error_description":"invalid_redirect"}`},
			{"another redirect_uri of the client", p, b.again(p), []string{"redirect_uri", "myapp://cb"}, `{"error":"unauthorized_client","error_description":"invalid_redirect"}`},
			{"no verifier", p, pkce(), nil, badGrant},
			{"wrong verifier", p, pkce(), []string{"code_verifier", strings.Repeat("w", 43)}, badGrant},
			{"the challenge as verifier", p, pkce(), []string{"code_verifier", challenge(verifier)}, badGrant},
			{"short verifier", p, pkce(), []string{"code_verifier", verifier[1:]}, badGrant},
			{"long verifier", p, pkce(), []string{"code_verifier", strings.Repeat("v", 129)}, badGrant},
			{"verifier without challenge", p, b.again(p), []string{"code_verifier", verifier}, badGrant},
			{"garbage as refresh token", p, "", []string{"grant_type", "refresh_token", "refresh_token", "eyJ.a.b.c.d"}, badGrant},
			{"metadata that is no object", p, "x", []string{"aws_client_metadata", "[]"}, badRequest},
			{"metadata with a number", p, "x", []string{"aws_client_metadata", `{"a":1}`}, badRequest},
			{"metadata with a null", p, "x", []string{"aws_client_metadata", `{"a":null}`}, badRequest},
		} {
			a := b.token(row.client, row.code, row.changes...)
			if a.status != http.StatusBadRequest || a.body != row.body {
				t.Errorf("%s: %d %s, want %s", row.name, a.status, a.body, row.body)
			}
			if a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s: headers %v", row.name, a.header)
			}
		}
		code := b.again(p)
		b.token(p, code, "redirect_uri", "myapp://cb")
		want(t, "a code that was presented with a wrong redirect_uri", b.token(p, code), http.StatusBadRequest, badGrant)
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {*p.ClientId}, "code": {b.again(p)}, "redirect_uri": {callback}}
		want(t, "JSON", b.grant(form, "Content-Type", "application/json"), http.StatusBadRequest, badRequest)
		form.Add("client_id", *c.ClientId)
		want(t, "two clients", b.grant(form), http.StatusBadRequest, badRequest)
		form.Set("client_id", *p.ClientId)
		want(t, "64 KiB", b.grant(url.Values{"grant_type": {strings.Repeat("x", 64<<10)}}), http.StatusBadRequest, badRequest)
		want(t, "parameters in the query", b.post(r.base+"/oauth2/token?"+form.Encode(), url.Values{}), http.StatusBadRequest, badRequest)
		want(t, "the good one", b.grant(form), http.StatusOK, "{")
		late := b.again(p)
		r.advance(t, "301s")
		want(t, "late code", b.token(p, late), http.StatusBadRequest, badGrant)
	})
}

// TestClientAuthentication: a secret comes in the header or the form, plain or encoded
// (RFC 6749 §2.3.1), and any live secret is good.
func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.addScopes(t, r.pool, "rs", "read")
		const custom = "abcdefghijklmnop+qrstuv_w+"
		c := r.confidential(t, func(in *cip.CreateUserPoolClientInput) {
			in.AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}
			in.AllowedOAuthScopes, in.CallbackURLs, in.LogoutURLs = []string{"rs/read"}, nil, nil
		})
		public, b, id := r.client(t, nil), r.browser(t), *c.ClientId
		second, err := r.sdk.AddUserPoolClientSecret(t.Context(), &cip.AddUserPoolClientSecretInput{UserPoolId: &r.pool, ClientId: &id, ClientSecret: new(custom)})
		serving.Must(t, second, err)
		machine := func(form url.Values, header ...string) answer {
			form.Set("grant_type", "client_credentials")
			return b.grant(form, header...)
		}
		for _, row := range []struct {
			name   string
			form   url.Values
			header string
			good   bool
		}{
			{"in the form", url.Values{"client_id": {id}, "client_secret": {*c.ClientSecret}}, "", true},
			{"second in the form", url.Values{"client_id": {id}, "client_secret": {custom}}, "", true},
			{"Basic", url.Values{}, basicOf(id, *c.ClientSecret), true},
			{"Basic with the id in the form", url.Values{"client_id": {id}}, basicOf(id, *c.ClientSecret), true},
			{"Basic with a secret in the form", url.Values{"client_id": {id}, "client_secret": {"other"}}, basicOf(id, *c.ClientSecret), true},
			{"plain plus signs", url.Values{}, basicOf(id, custom), true},
			{"encoded plus signs", url.Values{}, basicOf(id, url.QueryEscape(custom)), true},
			{"basic", url.Values{}, "basic" + strings.TrimPrefix(basicOf(id, custom), "Basic"), true},
			{"another id in the form", url.Values{"client_id": {*public.ClientId}}, basicOf(id, custom), false},
			{"wrong secret", url.Values{}, basicOf(id, custom+"x"), false},
			{"no secret", url.Values{}, basicOf(id, ""), false},
			{"no colon", url.Values{}, "Basic " + base64.StdEncoding.EncodeToString([]byte(id)), false},
			{"not Base64", url.Values{}, "Basic %%%", false},
			{"bad escape", url.Values{}, basicOf(id, "%zz"), false},
			{"empty", url.Values{}, "Basic", false},
			{"another scheme", url.Values{"client_id": {id}, "client_secret": {custom}}, "Bearer x", false},
		} {
			var header []string
			if row.header != "" {
				header = []string{"Authorization", row.header}
			}
			a := machine(row.form, header...)
			if got := a.status == http.StatusOK; got != row.good || !got && a.body != badClient {
				t.Errorf("%s: %d %s", row.name, a.status, a.body)
			}
		}
		deleted, err := r.sdk.DeleteUserPoolClientSecret(t.Context(), &cip.DeleteUserPoolClientSecretInput{UserPoolId: &r.pool, ClientId: &id, ClientSecretId: second.ClientSecretDescriptor.ClientSecretId})
		serving.Must(t, deleted, err)
		want(t, "a deleted secret", machine(url.Values{}, "Authorization", basicOf(id, custom)), http.StatusBadRequest, badClient)
		want(t, "revoke without a secret", b.post(r.base+"/oauth2/revoke", url.Values{"client_id": {id}, "token": {"x"}}), http.StatusUnauthorized, badClient)

		b.code(public)
		form := url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {callback}, "code": {b.again(public)}}
		want(t, "a public client by Basic", b.grant(form, "Authorization", basicOf(*public.ClientId, "")), http.StatusOK, "{")

		set := machine(url.Values{"client_id": {id}, "client_secret": {*c.ClientSecret}}).tokens(t)
		if access := claims(t, set["access_token"]); access["scope"] != "rs/read" || access["sub"] != id || access["username"] != nil || len(set) != 3 {
			t.Errorf("machine: %v %v", set, access)
		}
		for _, scope := range []string{"openid", "rs/none", "aws.cognito.signin.user.admin"} {
			a := machine(url.Values{"client_id": {id}, "client_secret": {*c.ClientSecret}, "scope": {scope}})
			want(t, scope, a, http.StatusBadRequest, `{"error":"invalid_scope"}`)
		}
	})
}

// TestUserInfoTable: every answer of userInfo.
func TestUserInfoTable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth}
		})
		blind := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.ReadAttributes, in.AllowedOAuthScopes = []string{"given_name"}, []string{"openid"}
		})
		b := r.browser(t)
		b.code(c)
		tokens := b.token(c, b.again(c)).tokens(t)
		access := tokens["access_token"].(string)
		api, err := r.sdk.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			AuthFlow: types.AuthFlowTypeUserPasswordAuth, ClientId: c.ClientId, AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
		ofAPI := *serving.Must(t, api, err).AuthenticationResult.AccessToken
		at := r.base + "/oauth2/userInfo"
		ask := func(method, ref, body string, headers ...string) answer {
			req, err := http.NewRequestWithContext(t.Context(), method, ref, strings.NewReader(body))
			if err == nil {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				for _, h := range headers {
					req.Header.Add("Authorization", h)
				}
			}
			return b.do(req, err)
		}
		const bad = `{"error":"invalid_request","error_description":"Bad OAuth2 request at UserInfo Endpoint"}`
		const dead = `{"error":"invalid_token","error_description":"Access token is expired, disabled, or deleted, or the user has globally signed out."}`
		for _, row := range []struct {
			name, method, ref, body string
			headers                 []string
			status                  int
			want                    string
		}{
			{"GET", http.MethodGet, at, "", []string{"Bearer " + access}, http.StatusOK, `{"email":"alice@example.com","email_verified":"true","sub":"`},
			{"POST", http.MethodPost, at, "", []string{"Bearer " + access}, http.StatusOK, `{"email":"alice@example.com","email_verified":"true","sub":"`},
			{"lower case", http.MethodGet, strings.ToLower(at), "", []string{"bearer " + access}, http.StatusOK, `{"email"`},
			{"in the query", http.MethodGet, at + "?access_token=" + access, "", nil, http.StatusBadRequest, bad},
			{"in the form", http.MethodPost, at, "access_token=" + access, nil, http.StatusBadRequest, bad},
			{"Basic", http.MethodGet, at, "", []string{"Basic " + access}, http.StatusBadRequest, bad},
			{"empty", http.MethodGet, at, "", []string{"Bearer "}, http.StatusBadRequest, bad},
			{"twice", http.MethodGet, at, "", []string{"Bearer " + access, "Bearer " + access}, http.StatusBadRequest, bad},
			{"ID token", http.MethodGet, at, "", []string{"Bearer " + tokens["id_token"].(string)}, http.StatusUnauthorized, dead},
			{"refresh token", http.MethodGet, at, "", []string{"Bearer " + tokens["refresh_token"].(string)}, http.StatusUnauthorized, dead},
			{"tampered", http.MethodGet, at, "", []string{"Bearer " + access[:len(access)-8] + "AAAAAAAA"}, http.StatusUnauthorized, dead},
			{"of the API", http.MethodGet, at, "", []string{"Bearer " + ofAPI}, http.StatusUnauthorized, `{"error":"invalid_token","error_description":"Access token does not contain openid scope"}`},
		} {
			a := ask(row.method, row.ref, row.body, row.headers...)
			want(t, row.name, a, row.status, row.want)
			if challenge := a.header.Get("WWW-Authenticate"); (a.status != http.StatusOK) != strings.HasPrefix(challenge, `Bearer error="`) {
				t.Errorf("%s: WWW-Authenticate %q", row.name, challenge)
			}
		}
		info := ask(http.MethodGet, at, "", "Bearer "+b.token(blind, b.again(blind, "scope", "openid")).tokens(t)["access_token"].(string))
		if !strings.Contains(info.body, `"given_name":"Given"`) || strings.Contains(info.body, "email") {
			t.Errorf("of a client that reads the name: %s", info.body)
		}
		r.advance(t, "61m")
		want(t, "expired", ask(http.MethodGet, at, "", "Bearer "+access), http.StatusUnauthorized, dead)
	})
}

// TestRevokeTable: every answer of revocation.
func TestRevokeTable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, other := r.client(t, nil), r.confidential(t, nil)
		fixed := r.client(t, func(in *cip.CreateUserPoolClientInput) { in.EnableTokenRevocation = new(false) })
		b := r.browser(t)
		b.code(c)
		tokens := b.token(c, b.again(c)).tokens(t)
		refresh := tokens["refresh_token"].(string)
		for _, row := range []struct {
			name, client, token, secret string
			status                      int
			body                        string
		}{
			{"garbage", *c.ClientId, "x", "", http.StatusOK, ""},
			{"no token", *c.ClientId, "", "", http.StatusBadRequest, badRequest},
			{"revocation off", *fixed.ClientId, refresh, "", http.StatusBadRequest, badRequest},
			{"access token", *c.ClientId, tokens["access_token"].(string), "", http.StatusBadRequest, `{"error":"unsupported_token_type"}`},
			{"ID token", *c.ClientId, tokens["id_token"].(string), "", http.StatusBadRequest, `{"error":"unsupported_token_type"}`},
			{"wrong secret", *other.ClientId, refresh, "x", http.StatusUnauthorized, badClient},
			{"unknown client", "nobody", refresh, "", http.StatusUnauthorized, badClient},
			{"of another client", *other.ClientId, refresh, *other.ClientSecret, http.StatusOK, ""},
		} {
			form := url.Values{"client_id": {row.client}, "token": {row.token}, "client_secret": {row.secret}}
			a := b.post(r.base+"/oauth2/revoke", form)
			if a.status != row.status || a.body != row.body {
				t.Errorf("%s: %d %s, want %d %s", row.name, a.status, a.body, row.status, row.body)
			}
		}
		renew := func() answer { return b.token(c, "", "grant_type", "refresh_token", "refresh_token", refresh) }
		want(t, "after no revocation", renew(), http.StatusOK, "{")
		for range 2 {
			a := b.post(r.base+"/oauth2/revoke", url.Values{"client_id": {*c.ClientId}, "token": {refresh}})
			if a.status != http.StatusOK || a.body != "" {
				t.Errorf("%d %s", a.status, a.body)
			}
		}
		want(t, "after revocation", renew(), http.StatusBadRequest, badGrant)
	})
}

// TestLogoutTable: every answer of a sign-out, and whether the session is over.
func TestLogoutTable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, nil)
		b := r.browser(t)
		id := b.token(c, b.code(c)).tokens(t)["id_token"].(string)
		const out = "https://a.example/out"
		site := "/_domain/" + r.domain
		for _, row := range []struct {
			name  string
			query url.Values
			want  string
			over  bool
		}{
			{"unregistered", url.Values{"logout_uri": {out + "/"}}, site + missingText, false},
			{"evil", url.Values{"logout_uri": {"//evil.example"}}, site + missingText, false},
			{"nothing", url.Values{}, site + missingText, false},
			{"no client", url.Values{"client_id": {}, "logout_uri": {out}}, site + missingText, false},
			{"unknown client", url.Values{"client_id": {"nobody"}, "logout_uri": {out}}, site + noClientText, false},
			{"redirect_uri alone", url.Values{"redirect_uri": {callback}}, site + missingText, false},
			{"unregistered redirect_uri", url.Values{"redirect_uri": {"https://evil"}, "response_type": {"code"}}, site + "/error?error=redirect_mismatch&client_id=" + *c.ClientId, false},
			{"two logout_uri", url.Values{"logout_uri": {out, "https://evil"}}, site + missingText, false},
			{"registered", url.Values{"logout_uri": {out}, "state": {"s"}}, out, true},
			{"callback of another client", url.Values{"logout_uri": {callback}}, callback, true},
			{"redirect_uri", url.Values{"redirect_uri": {callback}, "response_type": {"code"}, "state": {"a b"}}, site + "/login?client_id=" + *c.ClientId, true},
			{"unregistered logout_uri and redirect_uri", url.Values{"logout_uri": {"https://evil"}, "redirect_uri": {callback}, "response_type": {"code"}}, site + "/login?", true},
			{"OpenID Connect", url.Values{"post_logout_redirect_uri": {out}}, out, true},
			{"OpenID Connect by a token", url.Values{"client_id": {}, "id_token_hint": {id}, "post_logout_redirect_uri": {out}}, out, true},
			{"a token that is none", url.Values{"client_id": {}, "id_token_hint": {"a.b.c"}, "logout_uri": {out}}, site + missingText, false},
		} {
			if !row.query.Has("client_id") {
				row.query.Set("client_id", *c.ClientId)
			}
			if !strings.Contains(b.authorize(c, "prompt", "none").location, "code=") {
				b.code(c)
			}
			a := b.get(r.base + "/logout?" + row.query.Encode())
			want(t, row.name, a, http.StatusFound, row.want)
			if row.want == out && a.location != out {
				t.Errorf("%s: %s", row.name, a.location)
			}
			over := strings.Contains(b.authorize(c, "prompt", "none").location, "login_required")
			if over != row.over {
				t.Errorf("%s: the session is over: %v", row.name, over)
			}
			if row.over {
				want(t, row.name+", again", b.get(r.base+"/oauth2/logout?"+row.query.Encode()), http.StatusFound, row.want)
			}
		}
		r.pages(t, r.domain, 1)
		want(t, "classic", b.get(r.base+"/logout?client_id="+*c.ClientId), http.StatusFound, site+"/error?error=Required+String+parameter+%27redirect_uri%27+is+not+present")
		want(t, "classic", b.get(r.base+"/logout"), http.StatusFound, site+"/error?error=Required+String+parameter+%27client_id%27+is+not+present")
	})
}

// pages sets the version of the domain's pages.
func (r *rig) pages(t *testing.T, domain string, version int32) {
	t.Helper()
	out, err := r.sdk.UpdateUserPoolDomain(t.Context(), &cip.UpdateUserPoolDomainInput{UserPoolId: &r.pool, Domain: &domain, ManagedLoginVersion: &version})
	serving.Must(t, out, err)
}

// TestMethodsAndOrigins: pages of every origin read the answers for applications, and no
// others.
func TestMethodsAndOrigins(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	b := r.browser(t)
	for _, row := range []struct {
		path string
		open bool
		bad  string // a method that the path does not have
	}{
		{"/oauth2/token", true, http.MethodGet}, {"/oauth2/userInfo", true, http.MethodPut}, {"/oauth2/revoke", true, http.MethodDelete},
		{"/oauth2/register", true, http.MethodGet},
		{"/oauth2/authorize", false, http.MethodPost}, {"/logout", false, http.MethodPost}, {"/authorize", false, http.MethodOptions},
	} {
		for method, status := range map[string]int{http.MethodOptions: http.StatusNoContent, row.bad: http.StatusMethodNotAllowed} {
			if method == http.MethodOptions && !row.open {
				status = http.StatusMethodNotAllowed
			}
			req, err := http.NewRequestWithContext(t.Context(), method, r.base+row.path, nil)
			if err == nil {
				req.Header.Set("Origin", "https://spa.example")
				req.Header.Set("Access-Control-Request-Headers", "authorization,x-amz-user-agent")
			}
			a := b.do(req, err)
			want(t, method+" "+row.path, a, status, "")
			if open := a.header.Get("Access-Control-Allow-Origin") == "*"; open != row.open || a.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %v", method, row.path, a.header)
			}
			if status == http.StatusMethodNotAllowed && a.header.Get("Allow") == "" {
				t.Errorf("%s %s: no Allow", method, row.path)
			}
			if status == http.StatusNoContent && a.header.Get("Access-Control-Allow-Headers") != "authorization,x-amz-user-agent" {
				t.Errorf("%s %s: %v", method, row.path, a.header)
			}
		}
	}
}
