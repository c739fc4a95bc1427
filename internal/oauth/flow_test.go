package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/test/race"
	"cognate/test/serving"
)

// TestCodeFlow goes the whole way of a relying party: discovery, login page, code with
// PKCE, tokens, userInfo, a second sign-in without the person, refresh, revocation and
// sign-out.
func TestCodeFlow(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, b := r.client(t, nil), r.browser(t)
		_, text := serving.Get(t, r.URL()+"/"+r.pool+"/.well-known/openid-configuration")
		var discovery map[string]any
		if err := json.Unmarshal([]byte(text), &discovery); err != nil || discovery["authorization_endpoint"] != r.base+"/oauth2/authorize" {
			t.Fatalf("discovery: %v %s", err, text)
		}
		verifier := strings.Repeat("v", 43)
		a := b.signIn(c, "state", "a+b&c=d é", "nonce", "n-1", "code_challenge", challenge(verifier), "code_challenge_method", "S256", "resource", "https://api.example")
		want(t, "sign-in", a, http.StatusFound, callback+"?code=")
		if got := parameter(t, a.location, "state"); got != "a+b&c=d é" {
			t.Errorf("state %q", got)
		}
		tokens := b.token(c, parameter(t, a.location, "code"), "code_verifier", verifier).tokens(t)
		id, access := claims(t, tokens["id_token"]), claims(t, tokens["access_token"])
		if id["nonce"] != "n-1" || id["email"] != "alice@example.com" || id["given_name"] != nil || id["at_hash"] == nil || id["aud"] != *c.ClientId {
			t.Errorf("ID token: %v", id)
		}
		for _, token := range []map[string]any{id, access} {
			if got := fmt.Sprint(token["acr"], token["amr"]); got != "urn:cognito:loa:1[pwd]" {
				t.Errorf("%v token: %s", token["token_use"], got)
			}
		}
		if access["scope"] != "openid email" || access["version"] != 2.0 || access["aud"] != "https://api.example" || access["iss"] != discovery["issuer"] {
			t.Errorf("access token: %v", access)
		}
		info := b.do(bearer(t, http.MethodGet, r.base+"/oauth2/userInfo", tokens["access_token"]))
		want(t, "userInfo", info, http.StatusOK, `{"email":"alice@example.com","email_verified":"true","sub":"`)

		a = b.authorize(c, "prompt", "none")
		want(t, "second sign-in", a, http.StatusFound, callback+"?code=")
		again := claims(t, b.token(c, parameter(t, a.location, "code")).tokens(t)["id_token"])
		if again["auth_time"] != id["auth_time"] || again["acr"] != id["acr"] {
			t.Errorf("auth_time %v, then %v; acr %v", id["auth_time"], again["auth_time"], again["acr"])
		}

		refreshed := b.token(c, "", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)).tokens(t)
		if claims(t, refreshed["access_token"])["acr"] != id["acr"] {
			t.Errorf("refreshed: %v", claims(t, refreshed["access_token"]))
		}
		if refreshed["refresh_token"] != nil || claims(t, refreshed["id_token"])["nonce"] != nil {
			t.Errorf("refreshed: %v", refreshed)
		}
		revoke := url.Values{"client_id": {*c.ClientId}, "token": {tokens["refresh_token"].(string)}}
		want(t, "revoke", b.post(r.base+"/oauth2/revoke", revoke), http.StatusOK, "")
		want(t, "revoked", b.token(c, "", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)), http.StatusBadRequest, `{"error":"invalid_grant"}`)
		info = b.do(bearer(t, http.MethodGet, r.base+"/oauth2/userInfo", tokens["access_token"]))
		want(t, "userInfo after revocation", info, http.StatusUnauthorized, `{"error":"invalid_token"`)

		old := b.Jar.Cookies(parse(t, r.base+"/"))
		want(t, "logout", b.get(r.base+"/logout?client_id="+*c.ClientId+"&logout_uri=https://a.example/out"), http.StatusFound, "https://a.example/out")
		want(t, "after logout", b.authorize(c, "prompt", "none"), http.StatusFound, callback+"?error=login_required")
		thief := r.browser(t)
		thief.Jar.SetCookies(parse(t, r.base+"/"), old)
		want(t, "a copied cookie", thief.authorize(c, "prompt", "none"), http.StatusFound, callback+"?error=login_required")
	})
}

func bearer(t testing.TB, method, ref string, token any) (*http.Request, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, ref, nil)
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+token.(string))
	}
	return req, err
}

func parse(t testing.TB, ref string) *url.URL {
	t.Helper()
	u, err := url.Parse(ref)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestCodeOnce: of many exchanges of one code at once, one at most gets tokens, and the
// others end what it got.
func TestCodeOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, b := r.client(t, nil), r.browser(t)
		code := b.code(c)
		answers := make([]answer, 8)
		race.AtOnce(len(answers), func(i int) error {
			answers[i] = b.token(c, code)
			return nil
		})
		var good []answer
		for _, a := range answers {
			if a.status == http.StatusOK {
				good = append(good, a)
			} else {
				want(t, "another exchange", a, http.StatusBadRequest, `{"error":"invalid_grant"}`)
			}
		}
		if len(good) != 1 {
			t.Fatalf("%d exchanges got tokens", len(good))
		}
		refresh := good[0].tokens(t)["refresh_token"].(string)
		want(t, "refresh", b.token(c, "", "grant_type", "refresh_token", "refresh_token", refresh), http.StatusBadRequest, `{"error":"invalid_grant"}`)
	})
}

// TestSignedOutEverywhere: codes and browser sessions end with the user's tokens.
func TestSignedOutEverywhere(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, nil)
		for name, end := range map[string]func() error{
			"global sign-out": func() error {
				_, err := r.sdk.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &r.pool, Username: new("alice")})
				return err
			},
			"disable": func() error {
				_, err := r.sdk.AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: &r.pool, Username: new("alice")})
				return err
			},
		} {
			if _, err := r.sdk.AdminEnableUser(t.Context(), &cip.AdminEnableUserInput{UserPoolId: &r.pool, Username: new("alice")}); err != nil {
				t.Fatal(err)
			}
			b := r.browser(t)
			code := b.code(c)
			if err := end(); err != nil {
				t.Fatal(err)
			}
			want(t, name+": code", b.token(c, code), http.StatusBadRequest, `{"error":"invalid_grant"}`)
			want(t, name+": session", b.authorize(c, "prompt", "none"), http.StatusFound, callback+"?error=login_required")
		}
	})
}
