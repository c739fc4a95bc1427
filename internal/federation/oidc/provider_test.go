package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/federation"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// TestStart holds the parameters of the authorization request by type.
func TestStart(t *testing.T) {
	t.Parallel()
	attempt := federation.Attempt{State: "s", Callback: fakeidp.Callback, Nonce: "n", Verifier: "v"}
	sum := sha256.Sum256([]byte("v"))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	wish := federation.Wish{LoginHint: "ann@example.com", Prompt: "login consent", Levels: []string{"urn:a", "urn:b"}}
	common := map[string]string{
		"client_id": fakeidp.ClientID, "redirect_uri": fakeidp.Callback, "response_type": "code", "state": "s",
		"prompt": "login consent", "acr_values": "urn:a urn:b",
	}
	pkce := map[string]string{"code_challenge": challenge, "code_challenge_method": "S256"}
	noPKCE := fakeidp.Behaviour{Discovery: func(doc map[string]any) { doc["code_challenge_methods_supported"] = []any{"plain"} }}
	withQuery := fakeidp.Behaviour{Discovery: func(doc map[string]any) {
		doc["authorization_endpoint"] = doc["authorization_endpoint"].(string) + "?tenant=1&state=x"
	}}
	for _, test := range []struct {
		name, providerType string
		behaviour          fakeidp.Behaviour
		wish               federation.Wish
		want               []map[string]string
		without            string
	}{
		{name: "OIDC", providerType: oidc.OIDC, wish: wish, want: []map[string]string{pkce, {"scope": "openid email", "nonce": "n", "login_hint": "ann@example.com"}}},
		{name: "OIDC without PKCE", providerType: oidc.OIDC, wish: wish, behaviour: noPKCE, want: []map[string]string{{"scope": "openid email", "nonce": "n", "login_hint": "ann@example.com"}}},
		{name: "OIDC with a query", providerType: oidc.OIDC, wish: wish, behaviour: withQuery, want: []map[string]string{pkce, {"tenant": "1", "scope": "openid email", "nonce": "n", "login_hint": "ann@example.com"}}},
		{name: "OIDC, prompt none", providerType: oidc.OIDC, wish: federation.Wish{Prompt: "none", Levels: wish.Levels}, without: "prompt", want: []map[string]string{pkce, {"scope": "openid email", "nonce": "n"}}},
		{name: "Google", providerType: oidc.Google, wish: wish, want: []map[string]string{pkce, {"scope": "openid email", "nonce": "n"}}},
		{name: "Facebook", providerType: oidc.Facebook, wish: wish, want: []map[string]string{{"scope": "public_profile,email"}}},
		{name: "Amazon", providerType: oidc.LoginWithAmazon, wish: wish, want: []map[string]string{{"scope": "profile postal_code"}}},
		{name: "Apple", providerType: oidc.SignInWithApple, wish: wish, want: []map[string]string{{"scope": "email name", "nonce": "n", "response_mode": "form_post"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Behave(test.behaviour)
			address, err := newProvider(t, settings(t, test.providerType, fake, nil)).Start(t.Context(), attempt, test.wish)
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil || !strings.HasPrefix(address, fake.URL+"/authorize?") {
				t.Fatalf("%s: %v", address, err)
			}
			want := maps.Clone(common)
			for _, m := range test.want {
				maps.Copy(want, m)
			}
			delete(want, test.without)
			got := map[string]string{}
			for name, values := range u.Query() {
				got[name] = strings.Join(values, "|")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestSignIn signs in at each type of provider.
func TestSignIn(t *testing.T) {
	t.Parallel()
	mapping := map[string]string{"email": "email", "name": "name", "picture": "picture", "custom:g": "genders", "custom:x": "a,b{c}", "username": "sub"}
	for _, test := range []struct {
		name, providerType string
		changes            map[string]string
		behaviour          fakeidp.Behaviour
		key                *fakeidp.Key
		want               map[string]any // some of the claims
		without            []string       // claims
		calls              map[string]string
	}{
		{
			name: "OIDC", providerType: oidc.OIDC, calls: map[string]string{"/token": "POST", "/userinfo": "GET"},
			want: map[string]any{"sub": fakeidp.Subject, "email": "person@example.com", "email_verified": true, "name": "Token Name", "locale": "fr", "groups": []any{"a", "b"}},
		},
		{
			name: "OIDC, user info by POST", providerType: oidc.OIDC, changes: map[string]string{"attributes_request_method": "POST"},
			calls: map[string]string{"/token": "POST", "/userinfo": "POST"}, want: map[string]any{"locale": "fr"},
		},
		{
			name: "OIDC without user info", providerType: oidc.OIDC, without: []string{"locale"},
			behaviour: fakeidp.Behaviour{Discovery: func(doc map[string]any) { delete(doc, "userinfo_endpoint") }},
			calls:     map[string]string{"/token": "POST", "/userinfo": ""}, want: map[string]any{"name": "Token Name"},
		},
		{
			name: "OIDC, the issuer's own spelling has a slash", providerType: oidc.OIDC, want: map[string]any{"sub": fakeidp.Subject},
			behaviour: fakeidp.Behaviour{
				Discovery: func(doc map[string]any) { doc["issuer"] = doc["issuer"].(string) + "/" },
				Claims:    func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" },
			},
		},
		{
			name: "OIDC, client_secret_basic alone", providerType: oidc.OIDC, want: map[string]any{"sub": fakeidp.Subject},
			behaviour: fakeidp.Behaviour{Discovery: func(doc map[string]any) {
				doc["token_endpoint_auth_methods_supported"] = []any{"client_secret_basic"}
			}},
		},
		{
			name: "OIDC, several audiences with azp", providerType: oidc.OIDC, want: map[string]any{"sub": fakeidp.Subject},
			behaviour: fakeidp.Behaviour{Claims: func(c map[string]any) { c["aud"], c["azp"] = []any{"x", fakeidp.ClientID}, fakeidp.ClientID }},
		},
		{
			name: "OIDC, clocks a minute apart", providerType: oidc.OIDC, want: map[string]any{"sub": fakeidp.Subject},
			behaviour: fakeidp.Behaviour{Claims: func(c map[string]any) {
				c["iat"], c["nbf"], c["exp"] = at.Unix()+60, at.Unix()+60, float64(at.Unix())-59.5
			}},
		},
		{
			name: "OIDC, issuer in the answer", providerType: oidc.OIDC, want: map[string]any{"sub": fakeidp.Subject},
			behaviour: fakeidp.Behaviour{Discovery: func(doc map[string]any) { doc["authorization_response_iss_parameter_supported"] = true }},
		},
		{name: "OIDC, ES256", providerType: oidc.OIDC, key: new(fakeidp.ECKey("ec")), want: map[string]any{"sub": fakeidp.Subject}},
		{name: "OIDC, PS256", providerType: oidc.OIDC, key: &fakeidp.Key{ID: "ps", Alg: "PS256", Private: fakeidp.RSAKey("").Private}, want: map[string]any{"sub": fakeidp.Subject}},
		{name: "OIDC, RS512", providerType: oidc.OIDC, key: &fakeidp.Key{ID: "rs", Alg: "RS512", Private: fakeidp.RSAKey("").Private}, want: map[string]any{"sub": fakeidp.Subject}},
		{name: "OIDC, HS256 listed", providerType: oidc.OIDC, key: &fakeidp.Key{Alg: "HS256", Private: []byte(fakeidp.ClientSecret)}, want: map[string]any{"sub": fakeidp.Subject}},
		{
			name: "Google", providerType: oidc.Google, want: map[string]any{"sub": fakeidp.Subject, "genders": []any{map[string]any{"value": "other"}}},
			calls: map[string]string{"/token": "POST", "/people": "GET"},
		},
		{
			name: "Facebook", providerType: oidc.Facebook, calls: map[string]string{"/token": "GET", "/me": "GET"}, without: []string{"first_name"},
			want: map[string]any{"id": fakeidp.Subject, "email": "face@example.com", "picture": map[string]any{"data": map[string]any{"url": "https://pictures.example.com/1"}}},
		},
		{
			name: "Amazon", providerType: oidc.LoginWithAmazon, calls: map[string]string{"/token": "POST", "/profile": "GET"},
			want: map[string]any{"user_id": fakeidp.Subject, "email": "amazon@example.com", "postal_code": "12345"},
		},
		{
			name: "Apple", providerType: oidc.SignInWithApple, calls: map[string]string{"/token": "POST"},
			behaviour: fakeidp.Behaviour{
				Answer: func(v url.Values) {
					v.Set("user", `{"name":{"firstName":"Ann","lastName":"Lee"},"email":"ann@example.com"}`)
				},
				Claims: func(c map[string]any) { c["email_verified"] = "true"; delete(c, "name") },
			},
			want: map[string]any{"sub": fakeidp.Subject, "email": "person@example.com", "email_verified": "true", "firstName": "Ann", "lastName": "Lee", "name": "Ann Lee"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			if test.key != nil {
				fake.UseKey(*test.key)
			}
			if test.name == "OIDC, issuer in the answer" {
				test.behaviour.Answer = func(v url.Values) { v.Set("iss", fake.URL) }
			}
			fake.Behave(test.behaviour)
			s := settings(t, test.providerType, fake, test.changes)
			s.Mapping = mapping
			id, err := fakeidp.SignIn(t.Context(), newProvider(t, s), federation.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			if id.Subject != fakeidp.Subject || id.Issuer != "" || len(id.Uses) != 0 || id.Logout != nil {
				t.Errorf("identity %+v", id)
			}
			for name, want := range test.want {
				if d := cmp.Diff(want, id.Claims[name]); d != "" {
					t.Errorf("claim %s: %s", name, d)
				}
			}
			for _, name := range append(test.without, "refresh_token") {
				if value, ok := id.Claims[name]; ok {
					t.Errorf("claim %s: %v", name, value)
				}
			}
			for path, method := range test.calls {
				requests := fake.Requests(path)
				if method == "" && len(requests) != 0 || method != "" && (len(requests) != 1 || requests[0].Method != method) {
					t.Errorf("calls of %s: %v", path, requests)
				}
			}
		})
	}
}

// TestResponse holds what a function of the pool sees. The golden event of
// InboundFederation_ExternalProvider has these names.
func TestResponse(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	fake.Behave(fakeidp.Behaviour{Claims: func(c map[string]any) { c["acr"], c["amr"] = "urn:level:2", []any{"pwd", "otp"} }})
	id, err := fakeidp.SignIn(t.Context(), newProvider(t, settings(t, oidc.OIDC, fake, nil)), federation.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	tokens := id.Response["tokenResponse"].(map[string]string)
	keys := slices.Sorted(maps.Keys(tokens))
	if d := cmp.Diff([]string{"access_token", "expires_in", "id_token", "refresh_token", "token_type"}, keys); d != "" || tokens["expires_in"] != "3600" {
		t.Errorf("%s %s", d, tokens["expires_in"])
	}
	if got := id.Response["idToken"].(map[string]string); got["email_verified"] != "true" || got["sub"] != fakeidp.Subject || got["amr"] != "[pwd,otp]" {
		t.Errorf("idToken %v", got)
	}
	if got := id.Response["userInfo"].(map[string]string); got["locale"] != "fr" || got["groups"] != "[a,b]" {
		t.Errorf("userInfo %v", got)
	}
	if id.Level != "urn:level:2" || !slices.Equal(id.Methods, []string{"pwd", "otp"}) {
		t.Errorf("level %q, methods %q", id.Level, id.Methods)
	}
	if id.Claims["access_token"] != tokens["access_token"] || id.Claims["id_token"] != tokens["id_token"] {
		t.Error("the tokens are no claims")
	}
	if _, err := json.Marshal(id.Response); err != nil {
		t.Error(err)
	}
}

// TestExplicitEndpoints signs in at a provider without discovery.
func TestExplicitEndpoints(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	details := map[string]string{
		"authorize_url": fake.URL + "/authorize", "token_url": fake.URL + "/token",
		"attributes_url": fake.URL + "/userinfo", "jwks_uri": fake.URL + "/keys",
	}
	id, err := fakeidp.SignIn(t.Context(), newProvider(t, settings(t, oidc.OIDC, fake, details)), federation.Wish{})
	if err != nil || id.Claims["locale"] != "fr" {
		t.Errorf("%v, %v", id, err)
	}
	if n := len(fake.Requests("/.well-known/openid-configuration")); n != 0 {
		t.Errorf("%d calls of the discovery document", n)
	}
	// One endpoint given, the others by discovery.
	id, err = fakeidp.SignIn(t.Context(), newProvider(t, settings(t, oidc.OIDC, fake, map[string]string{"token_url": fake.URL + "/token"})), federation.Wish{})
	if err != nil || id.Subject != fakeidp.Subject {
		t.Errorf("%v, %v", id, err)
	}
}

// TestProviderFails holds the texts that app clients hear.
func TestProviderFails(t *testing.T) {
	t.Parallel()
	status := func(path string, code int, body string) fakeidp.Behaviour {
		return fakeidp.Behaviour{Serve: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				w.WriteHeader(code)
				_, _ = w.Write([]byte(body))
			}
			return r.URL.Path == path
		}}
	}
	reset := func(path string) fakeidp.Behaviour {
		return fakeidp.Behaviour{Serve: func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				panic(http.ErrAbortHandler)
			}
			return false
		}}
	}
	answer := func(name, value string) fakeidp.Behaviour {
		return fakeidp.Behaviour{Answer: func(v url.Values) { v.Del("code"); v.Set(name, value) }}
	}
	described := fakeidp.Behaviour{Answer: func(v url.Values) {
		v.Set("error", "user_cancelled_authorize")
		v.Set("error_description", "The user\r\ncancelled")
	}}
	for _, test := range []struct {
		name, providerType string
		behaviour          fakeidp.Behaviour
		code, text         string
	}{
		{"the provider's error", oidc.OIDC, described, "user_cancelled_authorize", "The user  cancelled"},
		{"the provider's error without a text", oidc.OIDC, answer("error", "access_denied"), "access_denied", ""},
		{"a malformed error", oidc.OIDC, answer("error", "a\"b\n"), "access_denied", ""},
		{"a long error", oidc.OIDC, answer("error", strings.Repeat("a", 200)), "access_denied", ""},
		{"an empty error", oidc.OIDC, answer("error", ""), "access_denied", ""},
		{"neither code nor error", oidc.OIDC, answer("other", "x"), "invalid_request", ""},
		{"token endpoint's status", oidc.OIDC, status("/token", 503, "busy"), "invalid_request", "Okta Error - 503 error getting token"},
		{"token endpoint's error", oidc.OIDC, status("/token", 400, `{"error":"invalid_grant"}`), "invalid_request", "Okta Error - 400 error getting token"},
		{"token endpoint's error of Google", oidc.Google, status("/token", 400, `{"error":"invalid_grant"}`), "invalid_request", "Google Error - 400 invalid_grant"},
		{"token endpoint's status of Google", oidc.Google, status("/token", 502, `<html>`), "invalid_request", "Google Error - 502 error getting token"},
		{"token endpoint redirects", oidc.OIDC, status("/token", 302, ""), "invalid_request", "Okta Error - 302 error getting token"},
		{"token endpoint's nonsense", oidc.OIDC, status("/token", 200, `[]`), "invalid_request", "Okta Error - 200 error getting token"},
		{"token endpoint resets", oidc.OIDC, reset("/token"), "invalid_request", "Connection reset"},
		{"keys' status", oidc.OIDC, status("/keys", 500, ""), "invalid_request", "Okta Error - 500 error getting keys"},
		{"keys reset", oidc.OIDC, reset("/keys"), "invalid_request", "Connection reset"},
		{"user info's status", oidc.OIDC, status("/userinfo", 500, ""), "invalid_request", "Okta Error - 500 error getting user info"},
		{"user info resets", oidc.OIDC, reset("/userinfo"), "invalid_request", "Connection reset"},
		{"discovery's status", oidc.OIDC, status("/.well-known/openid-configuration", 404, ""), "invalid_request", "Okta Error - 404 error getting discovery document"},
		{"discovery resets", oidc.OIDC, reset("/.well-known/openid-configuration"), "invalid_request", "Connection reset"},
		{"Facebook's status", oidc.Facebook, status("/token", 400, `{"error":{"message":"x"}}`), "invalid_request", "Facebook Error - 400 error getting token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Behave(test.behaviour)
			_, err := fakeidp.SignIn(t.Context(), newProvider(t, settings(t, test.providerType, fake, nil)), federation.Wish{})
			var refusal *federation.Error
			if !errors.As(err, &refusal) || refusal.Code != test.code || refusal.Text != test.text {
				t.Errorf("%v, want %s %q", err, test.code, test.text)
			}
		})
	}
}

// TestAppleSecret verifies the client secret as Apple does.
func TestAppleSecret(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	s := settings(t, oidc.SignInWithApple, fake, nil)
	// The body of a .p8 file without its first and last line is a key, too.
	s.Details["private_key"] = strings.NewReplacer("-----BEGIN PRIVATE KEY-----", "", "-----END PRIVATE KEY-----", "").Replace(s.Details["private_key"])
	if _, err := fakeidp.SignIn(t.Context(), newProvider(t, s), federation.Wish{}); err != nil {
		t.Fatal(err)
	}
	secret := fake.Requests("/token")[0].Values.Get("client_secret")
	jws, err := jose.ParseSignedCompact(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || jws.Signatures[0].Protected.KeyID != "KEY1234567" {
		t.Fatalf("%s: %v", secret, err)
	}
	var claims map[string]any
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": "TEAM123456", "sub": fakeidp.ClientID, "aud": fake.URL, "iat": float64(at.Unix()), "exp": float64(at.Unix() + 300),
	}
	if d := cmp.Diff(want, claims); d != "" {
		t.Error(d)
	}
}
