package oauth_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/server"
	"cognate/test/serving"
)

// unsigned allows unsigned calls, for members that the official SDK does not have yet.
func unsigned(c *server.Config) { c.AllowUnsigned = true }

const registerScope = "aws.cognito/dcr/register"

// enableRegistration enables registration in the rig's pool, with more settings.
func (r *rig) enableRegistration(t *testing.T, more map[string]any) {
	t.Helper()
	settings := map[string]any{"AllowedScopes": []string{"api/read", "aws.cognito.signin.user.admin"}}
	maps.Copy(settings, more)
	r.call(t, "UpdateUserPool", map[string]any{"UserPoolId": r.pool, "DcrConfiguration": settings})
}

// register sends a registration.
func (b *browser) register(body string, header ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.absolute(b.r.base+"/oauth2/register"), strings.NewReader(body))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
	}
	return b.do(req, err)
}

// registrar returns the Authorization header of a machine client of a pool that may
// register clients, and the client.
func (r *rig) registrar(t *testing.T, pool, base string, scopes ...string) (string, *types.UserPoolClientType) {
	t.Helper()
	c := r.confidential(t, func(in *cip.CreateUserPoolClientInput) {
		in.UserPoolId, in.AllowedOAuthFlows, in.AllowedOAuthScopes = &pool, []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}, scopes
		in.CallbackURLs, in.LogoutURLs, in.SupportedIdentityProviders = nil, nil, nil
	})
	a := r.browser(t).post(base+"/oauth2/token", url.Values{"grant_type": {"client_credentials"}}, "Authorization", basicOf(*c.ClientId, *c.ClientSecret))
	return "Bearer " + a.tokens(t)["access_token"].(string), c
}

// TestRegister registers clients of each kind, and signs in with a public client.
func TestRegister(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.addScopes(t, r.pool, "api", "read", "write")
		r.enableRegistration(t, map[string]any{"OpenDcrEnabled": true})
		b := r.browser(t)
		registrar, _ := r.registrar(t, r.pool, r.base, registerScope)
		const callbacks = `"redirect_uris":["` + callback + `"]`
		for _, tt := range []struct{ name, token, body, want string }{
			{"least", "", `{` + callbacks + `}`,
				`{"client_id_issued_at":1,"client_secret":"s","client_secret_expires_at":0,"client_name":"n","redirect_uris":["` + callback + `"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic","scope":"openid email phone profile"}`},
			{"public, with what is ignored", "", `{` + callbacks + `,"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token","implicit"],"response_types":["code","token"],"scope":"openid api/read","client_name":"Reader","client_uri":"javascript:x","jwks":{"keys":[]},"software_statement":"x","contacts":null}`,
				`{"client_id_issued_at":1,"client_name":"Reader","redirect_uris":["` + callback + `"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"openid api/read"}`},
			{"a machine", registrar, `{"grant_types":["client_credentials"],"token_endpoint_auth_method":"client_secret_post"}`,
				`{"client_id_issued_at":1,"client_secret":"s","client_secret_expires_at":0,"client_name":"n","grant_types":["client_credentials"],"response_types":[],"token_endpoint_auth_method":"client_secret_post","scope":"api/read"}`},
		} {
			var header []string
			if tt.token != "" {
				header = []string{"Authorization", tt.token}
			}
			a := b.register(tt.body, header...)
			got := a.created(t)
			id := got["client_id"].(string)
			delete(got, "client_id")
			got["client_id_issued_at"] = 1.0
			if _, has := got["client_secret"]; has {
				got["client_secret"] = "s"
			}
			if got["client_name"] == "dcr-"+id[:8] {
				got["client_name"] = "n"
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
			if h := a.header; !strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %v", tt.name, h)
			}
		}

		// A public client signs in with a code challenge, and is refused without.
		public := b.register(`{` + callbacks + `,"token_endpoint_auth_method":"none","scope":"openid"}`).created(t)
		c := &types.UserPoolClientType{ClientId: new(public["client_id"].(string))}
		verifier := strings.Repeat("v", 43)
		want(t, "no challenge", b.authorize(c, "scope", "openid"), http.StatusFound, callback+"?error=invalid_request")
		code := b.code(c, "scope", "openid", "code_challenge", challenge(verifier), "code_challenge_method", "S256")
		b.token(c, code, "code_verifier", verifier).tokens(t)
		// The session of a browser is not enough: the person must agree by signing in.
		again := []string{"scope", "openid", "code_challenge", challenge(verifier), "code_challenge_method", "S256"}
		want(t, "a session", b.authorize(c, again...), http.StatusFound, "/_domain/people/login?")
		want(t, "a session without pages", b.authorize(c, append(again, "prompt", "none")...), http.StatusFound, callback+"?error=login_required")
		// It signs people in by the pages alone.
		_, err := r.sdk.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: c.ClientId, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": "ab"}})
		serving.Want(t, err, "InvalidParameterException")

		found := b.get("/" + r.pool + "/.well-known/openid-configuration")
		var document map[string]any
		if err := json.Unmarshal([]byte(found.body), &document); err != nil || !strings.HasSuffix(document["registration_endpoint"].(string), "/oauth2/register") {
			t.Errorf("discovery: %s, %v", found.body, err)
		}
	}, unsigned)
}

// created returns the members of the answer to a registration.
func (a answer) created(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return out
}

// TestRegisterRefused: metadata that a stranger may not register is refused.
func TestRegisterRefused(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.addScopes(t, r.pool, "api", "read", "write")
		r.enableRegistration(t, map[string]any{"OpenDcrEnabled": true})
		b := r.browser(t)
		const redirects = `"redirect_uris":["` + callback + `"]`
		metadata, redirect := `{"error":"invalid_client_metadata"`, `{"error":"invalid_redirect_uri"`
		refused := map[string]string{
			`[]`: metadata, `"x"`: metadata, ``: metadata, `{`: metadata, `{` + redirects + `}{}`: metadata, "{\"client_name\":\"\xff\"," + redirects + `}`: metadata,
			`{` + redirects + `,"scope":"openid","scope":"api/read"}`:                 metadata,
			`{` + redirects + `,"scope":"openid","\u0073cope":"api/read"}`:            metadata,
			`{"redirect_uris":"` + callback + `"}`:                                    metadata,
			`{"redirect_uris":["` + callback + `",null]}`:                             metadata,
			`{` + redirects + `,"client_name":7}`:                                     metadata,
			`{` + redirects + `,"client_name":"` + strings.Repeat("x", 64<<10) + `"}`: metadata,

			// More than the pool allows.
			`{` + redirects + `,"scope":"openid api/write"}`:                                metadata,
			`{` + redirects + `,"scope":"openid ` + registerScope + `"}`:                    metadata,
			`{` + redirects + `,"scope":"openid api/read%20"}`:                              metadata,
			`{` + redirects + `,"scope":" "}`:                                               metadata,
			`{` + redirects + `,"scope":"email"}`:                                           "", // as an administrator's client
			`{"grant_types":["client_credentials"]}`:                                        metadata,
			`{` + redirects + `,"grant_types":["implicit"]}`:                                metadata,
			`{` + redirects + `,"grant_types":["implicit"],"response_types":["token"]}`:     metadata,
			`{` + redirects + `,"response_types":["code","token"]}`:                         metadata,
			`{` + redirects + `,"response_types":["id_token"]}`:                             metadata,
			`{` + redirects + `,"grant_types":["password"]}`:                                metadata,
			`{` + redirects + `,"grant_types":["refresh_token"]}`:                           metadata,
			`{` + redirects + `,"grant_types":["authorization_code","client_credentials"]}`: metadata,
			`{` + redirects + `,"token_endpoint_auth_method":"private_key_jwt"}`:            metadata,
			`{}`: redirect, `{"redirect_uris":[]}`: redirect, `{"Redirect_uris":["` + callback + `"]}`: redirect,
		}
		for _, uri := range []string{
			"javascript:alert(1)", "JavaScript://a.example/%0aalert(1)", "data:text/html,x", "data://x", "vbscript:x", "file:///etc/passwd", "blob:https://a.example/x", "about:blank",
			"http://a.example/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example", "http://127.0.0.2/cb", "https://*.example/cb", "https://*/", "https:a.example", "https://",
			callback + "#", callback + "#x", "//a.example/cb", "/cb", "cb", "", " ", "https://a.example/a b", "https://a.example/\u0000", "https://user@evil.example/", "https://a.example@evil.example/cb",
			"https://a.example/" + strings.Repeat("x", 1024),
		} {
			text, err := json.Marshal(map[string]any{"redirect_uris": []string{callback, uri}})
			if err != nil {
				t.Fatal(err)
			}
			refused[string(text)] = redirect
		}
		many, _ := json.Marshal(map[string]any{"redirect_uris": strings.Split(strings.Repeat(callback+" ", 100)+callback, " ")})
		refused[string(many)] = redirect
		for body, begin := range refused {
			if begin == "" {
				want(t, body, b.register(body), http.StatusCreated, `{"client_id"`)
				continue
			}
			want(t, body[:min(len(body), 200)], b.register(body), http.StatusBadRequest, begin)
		}
		want(t, "a form", b.register(`{`+redirects+`}`, "Content-Type", "application/x-www-form-urlencoded"), http.StatusBadRequest, metadata)
		want(t, "GET", b.get(r.base+"/oauth2/register"), http.StatusMethodNotAllowed, `{"error":"invalid_request"}`)
	}, unsigned)
}

// TestRegisterAuthentication: without open registration a caller needs a valid token with the scope.
func TestRegisterAuthentication(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		const body = `{"redirect_uris":["` + callback + `"]}`
		b := r.browser(t)
		off := `{"error":"not_found"}`
		want(t, "off", b.register(body), http.StatusNotFound, off)
		r.addScopes(t, r.pool, "api", "read")
		r.enableRegistration(t, nil)
		registrar, machine := r.registrar(t, r.pool, r.base, registerScope)
		plain, _ := r.registrar(t, r.pool, r.base, "api/read")

		other := serving.NewPool(t, r.Rig)
		r.addDomain(t, other, "others")
		foreign, _ := r.registrar(t, other, r.URL()+"/_domain/others", registerScope)
		person := r.client(t, func(in *cip.CreateUserPoolClientInput) {
			in.AllowedOAuthScopes = append(in.AllowedOAuthScopes, registerScope)
		})
		set := b.token(person, b.code(person, "scope", "openid "+registerScope)).tokens(t)
		of := func(name string) string { return "Bearer " + set[name].(string) }

		token, scope := `{"error":"invalid_token"`, `{"error":"insufficient_scope"`
		for _, tt := range []struct {
			name, header string
			status       int
			want         string
		}{
			{"no token", "", http.StatusUnauthorized, token},
			{"a machine with the scope", registrar, http.StatusCreated, `{"client_id"`},
			{"a person with the scope", of("access_token"), http.StatusCreated, `{"client_id"`},
			{"a machine without", plain, http.StatusForbidden, scope},
			{"another pool's", foreign, http.StatusUnauthorized, token},
			{"an ID token", of("id_token"), http.StatusUnauthorized, token},
			{"a refresh token", of("refresh_token"), http.StatusUnauthorized, token},
			{"garbage", "Bearer x.y.z", http.StatusUnauthorized, token},
			{"another scheme", basicOf(*machine.ClientId, *machine.ClientSecret), http.StatusUnauthorized, token},
			{"changed", registrar[:len(registrar)-4] + "AAAA", http.StatusUnauthorized, token},
		} {
			var header []string
			if tt.header != "" {
				header = []string{"Authorization", tt.header}
			}
			a := b.register(body, header...)
			want(t, tt.name, a, tt.status, tt.want)
			if challenge := a.header.Get("WWW-Authenticate"); (tt.status == http.StatusCreated) != (challenge == "") {
				t.Errorf("%s: WWW-Authenticate: %s", tt.name, challenge)
			}
		}

		// What ends a token.
		out, err := r.sdk.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &r.pool, Username: new("alice")})
		serving.Must(t, out, err)
		want(t, "signed out", b.register(body, "Authorization", of("access_token")), http.StatusUnauthorized, token)
		updated, err := r.sdk.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
			UserPoolId: &r.pool, ClientId: machine.ClientId, AllowedOAuthFlowsUserPoolClient: true,
			AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}, AllowedOAuthScopes: []string{"api/read"},
		})
		serving.Must(t, updated, err)
		want(t, "the scope was taken away", b.register(body, "Authorization", registrar), http.StatusForbidden, scope)
		again, _ := r.registrar(t, r.pool, r.base, registerScope)
		r.advance(t, "61m")
		want(t, "expired", b.register(body, "Authorization", again), http.StatusUnauthorized, token)
		fresh, gone := r.registrar(t, r.pool, r.base, registerScope)
		deleted, err := r.sdk.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: &r.pool, ClientId: gone.ClientId})
		serving.Must(t, deleted, err)
		want(t, "of a deleted client", b.register(body, "Authorization", fresh), http.StatusUnauthorized, token)
		last, _ := r.registrar(t, r.pool, r.base, registerScope)
		r.enableRegistration(t, map[string]any{"AuthenticatedGrantTypes": []string{}})
		want(t, "no grant", b.register(body, "Authorization", last), http.StatusBadRequest, `{"error":"invalid_client_metadata"`)
		r.call(t, "UpdateUserPool", map[string]any{"UserPoolId": r.pool, "DcrConfiguration": map[string]any{"EnableStatus": "Disabled"}})
		want(t, "off again", b.register(body, "Authorization", last), http.StatusNotFound, off)
	}, unsigned)
}

// TestRegisterFlood: of many registrations by one stranger at once, twenty succeed.
func TestRegisterFlood(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.enableRegistration(t, map[string]any{"OpenDcrEnabled": true})
		b := r.browser(t)
		var mu sync.Mutex
		var wait sync.WaitGroup
		statuses := map[int]int{}
		for range 5 {
			wait.Go(func() {
				for range 6 {
					a := b.register(`{"redirect_uris":["` + callback + `"]}`)
					mu.Lock()
					statuses[a.status]++
					mu.Unlock()
				}
			})
		}
		wait.Wait()
		if statuses[http.StatusCreated] != 20 || statuses[http.StatusTooManyRequests] != 10 {
			t.Errorf("answers by status: %v", statuses)
		}
	}, unsigned)
}
