package attacks_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// answerTo is what a browser brings to the callback.
func answerTo(a federation.Attempt, code string) federation.Answer {
	return federation.Answer{Form: url.Values{"state": {a.State}, "code": {code}}}
}

// serveToken answers the token endpoint with an ID token.
func serveToken(token <-chan string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/token" {
			return false
		}
		fmt.Fprintf(w, `{"access_token":"access-1","token_type":"Bearer","id_token":%q}`, <-token)
		return true
	}
}

// TestCallbackAttacks changes what the browser brings to the callback.
func TestCallbackAttacks(t *testing.T) {
	t.Parallel()
	const foreign, issuer = "The answer is for another sign-in", "The answer is from another issuer"
	sends := func(doc map[string]any) { doc["authorization_response_iss_parameter_supported"] = true }
	for _, test := range []struct {
		name, providerType string
		change             func(url.Values)
		discovery          func(map[string]any)
		text               string
	}{
		// 1: the state belongs to this sign-in.
		{name: "no state", change: func(v url.Values) { v.Del("state") }, text: foreign},
		{name: "empty state", change: func(v url.Values) { v.Set("state", "") }, text: foreign},
		{name: "state of another sign-in", change: func(v url.Values) { v.Set("state", "other") }, text: foreign},
		{name: "state in another case", change: func(v url.Values) { v.Set("state", strings.ToLower(v.Get("state"))) }, text: foreign},
		{name: "state of another sign-in with an error", change: func(v url.Values) { v.Set("state", "other"); v.Set("error", "access_denied") }, text: foreign},
		{name: "two states", change: func(v url.Values) { v.Add("state", "other") }, text: "The answer has state twice"},
		{name: "two codes", change: func(v url.Values) { v.Add("code", "other") }, text: "The answer has code twice"},
		// 3: another provider answers (mix-up, RFC 9207).
		{name: "other issuer", change: func(v url.Values) { v.Set("iss", "https://evil.example.com") }, text: issuer},
		{name: "empty issuer", change: func(v url.Values) { v.Set("iss", "") }, text: issuer},
		{name: "two issuers", change: func(v url.Values) { v.Add("iss", "a"); v.Add("iss", "b") }, text: "The answer has iss twice"},
		{name: "no issuer of a provider that sends it", discovery: sends, change: func(url.Values) {}, text: issuer},
		{name: "other issuer's error", change: func(v url.Values) { v.Set("iss", "https://evil.example.com"); v.Set("error", "access_denied") }, text: issuer},
		{name: "other issuer at Google", providerType: oidc.Google, change: func(v url.Values) { v.Set("iss", "https://evil.example.com") }, text: issuer},
		{name: "other issuer at Facebook", providerType: oidc.Facebook, change: func(v url.Values) { v.Set("iss", "https://evil.example.com") }, text: issuer},
		// 8: tokens of the browser.
		{name: "access token instead of a code", providerType: oidc.Facebook, change: func(v url.Values) { v.Del("code"); v.Set("access_token", "access-of-another-app") }, text: ""},
		{name: "ID token instead of a code", change: func(v url.Values) { v.Del("code"); v.Set("id_token", "a.b.c") }, text: ""},
		{name: "long code", change: func(v url.Values) { v.Set("code", strings.Repeat("a", 9000)) }, text: ""},
		{name: "unknown code", change: func(v url.Values) { v.Set("code", "x&client_id=y") }, text: "Idp Error - 400 error getting token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			providerType := test.providerType
			if providerType == "" {
				providerType = oidc.OIDC
			}
			v := newVictim(t, providerType, nil)
			v.fake.Behave(fakeidp.Behaviour{Answer: test.change, Discovery: test.discovery})
			id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
			wantRefusal(t, id, err, test.text)
			if redeemed := len(v.fake.Requests("/token")); redeemed != 0 && test.name != "unknown code" {
				t.Errorf("the code was redeemed")
			}
		})
	}
}

// TestCodeInjection brings a code of the attacker's sign-in to the victim's callback.
func TestCodeInjection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, providerType string
		pkce               bool
		text               string
	}{
		{"PKCE refuses it at the provider", oidc.OIDC, true, "Idp Error - 400 error getting token"},
		{"the nonce refuses it here", oidc.OIDC, false, "Bad id_token nonce"},
		{"PKCE refuses it at Google", oidc.Google, true, "Google Error - 400 invalid_grant"},
		{"the nonce refuses it at Apple", oidc.SignInWithApple, false, "Bad id_token nonce"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, test.providerType, nil)
			if !test.pkce {
				v.fake.Behave(fakeidp.Behaviour{Discovery: func(doc map[string]any) { delete(doc, "code_challenge_methods_supported") }})
			}
			attacker, victims := fakeidp.NewAttempt(), fakeidp.NewAttempt()
			address, err := v.Start(t.Context(), attacker, federation.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			form, err := fakeidp.Visit(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			id, err := v.Finish(t.Context(), victims, answerTo(victims, form.Get("code")))
			wantRefusal(t, id, err, test.text)
		})
	}
}

// TestUserInfoAttacks answers the user-info endpoint as an attacker wants.
func TestUserInfoAttacks(t *testing.T) {
	t.Parallel()
	info := func(change func(map[string]any)) fakeidp.Behaviour { return fakeidp.Behaviour{Info: change} }
	body := func(text string) fakeidp.Behaviour {
		return fakeidp.Behaviour{Serve: func(w http.ResponseWriter, r *http.Request) bool {
			serves := r.URL.Path == "/userinfo" || r.URL.Path == "/me"
			if serves {
				_, _ = w.Write([]byte(text))
			}
			return serves
		}}
	}
	for _, test := range []struct {
		name, providerType string
		behaviour          fakeidp.Behaviour
		text               string
	}{
		// 7: about the same person as the ID token.
		{"other subject", oidc.OIDC, info(func(m map[string]any) { m["sub"] = "person-2" }), "Idp Error - user info is of another subject"},
		{"no subject", oidc.OIDC, info(func(m map[string]any) { delete(m, "sub") }), "Idp Error - user info is of another subject"},
		{"subject as a list", oidc.OIDC, info(func(m map[string]any) { m["sub"] = []any{fakeidp.Subject} }), "Idp Error - user info is of another subject"},
		{"other subject at Google", oidc.Google, info(func(m map[string]any) { m["resourceName"] = "people/2" }), "Idp Error - user info is of another subject"},
		{"subject twice", oidc.OIDC, body(`{"sub":"person-2","sub":"person-1"}`), "Idp Error - malformed user info"},
		{"no id at Facebook", oidc.Facebook, info(func(m map[string]any) { delete(m, "id") }), "Idp Error - the answer has no id"},
		{"no user_id at Amazon", oidc.LoginWithAmazon, info(func(m map[string]any) { delete(m, "user_id") }), "Idp Error - the answer has no user_id"},
		{"id as a number at Facebook", oidc.Facebook, info(func(m map[string]any) { m["id"] = 1 }), "Idp Error - the answer has no id"},
		// 19: size.
		{"too long an answer", oidc.OIDC, info(func(m map[string]any) { m["a"] = strings.Repeat("a", 1<<20) }), "Connection reset"},
		{"too many members", oidc.OIDC, info(func(m map[string]any) {
			for i := range 1001 {
				m[fmt.Sprint(i)] = i
			}
		}), "Idp Error - malformed user info"},
		{"too large claims", oidc.OIDC, info(func(m map[string]any) { m["a"] = strings.Repeat("a", 300<<10) }), "Idp Error - the claims are too large"},
		{"too large claims at Facebook", oidc.Facebook, info(func(m map[string]any) { m["a"] = strings.Repeat("a", 300<<10) }), "Idp Error - the claims are too large"},
		{"nested", oidc.OIDC, body(`{"sub":"person-1","a":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}`), "Idp Error - malformed user info"},
		{"page", oidc.OIDC, body("<html>"), "Idp Error - malformed user info"},
		{"signed", oidc.OIDC, body("a.b.c"), "Idp Error - malformed user info"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, test.providerType, nil)
			v.signIn(t)
			v.fake.Behave(test.behaviour)
			id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
			wantRefusal(t, id, err, test.text)
		})
	}
}

// TestUserInfoOverridesNothing has claims in user info that the ID token has, too, and the
// tokens' names.
func TestUserInfoOverridesNothing(t *testing.T) {
	t.Parallel()
	v := newVictim(t, oidc.OIDC, nil)
	v.fake.Behave(fakeidp.Behaviour{
		Claims: func(c map[string]any) { c["email_verified"] = "false" },
		Info: func(m map[string]any) {
			m["email"], m["email_verified"], m["access_token"], m["id_token"], m["refresh_token"] = "victim@example.com", true, "x", "x", "x"
		},
	})
	id := v.signIn(t)
	if id.Claims["email"] != "person@example.com" || id.Claims["access_token"] == "x" || id.Claims["id_token"] == "x" || id.Claims["refresh_token"] != nil {
		t.Errorf("claims %v", id.Claims)
	}
	// 13: the text "false" is false.
	if verified, _ := federation.Text(id.Claims["email_verified"]); verified != "false" || federation.Verified(id.Claims["email_verified"]) {
		t.Errorf("email_verified %q", verified)
	}
}

// TestTokenAnswerAttacks answers the token endpoint without a bearer token that can be sent.
func TestTokenAnswerAttacks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"no access token":              func(a map[string]any) { delete(a, "access_token") },
		"access token of another type": func(a map[string]any) { a["token_type"] = "mac" },
		"access token with a line end": func(a map[string]any) { a["access_token"] = "a\r\nX-Header: b" },
		"access token as an object":    func(a map[string]any) { a["access_token"] = map[string]any{} },
		"long access token":            func(a map[string]any) { a["access_token"] = strings.Repeat("a", 70<<10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, oidc.Facebook, nil)
			v.fake.Behave(fakeidp.Behaviour{Tokens: change})
			id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
			wantRefusal(t, id, err, "Idp Error - 200 error getting token")
		})
	}
}

// TestAppleUser forges the user parameter, which no one signs (attack 20).
func TestAppleUser(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, user string
		names      map[string]any
	}{
		{"names", `{"name":{"firstName":"Ann","lastName":"Lee"}}`, map[string]any{"firstName": "Ann", "lastName": "Lee", "name": "Ann Lee"}},
		{"e-mail address and subject", `{"email":"victim@example.com","email_verified":true,"sub":"person-2","name":{"firstName":"Ann","email":"victim@example.com","sub":"person-2"}}`, map[string]any{"firstName": "Ann", "name": "Ann"}},
		{"objects as names", `{"name":{"firstName":{"a":1},"lastName":["b"]}}`, nil},
		{"long names", `{"name":{"firstName":"` + strings.Repeat("a", 300) + `"}}`, nil},
		{"long", `{"name":{"firstName":"Ann"},"a":"` + strings.Repeat("a", 9000) + `"}`, nil},
		{"nested", strings.Repeat("[", 5000), nil},
		{"malformed", `{`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, oidc.SignInWithApple, nil)
			v.fake.Behave(fakeidp.Behaviour{
				Answer: func(values url.Values) { values.Set("user", test.user) },
				Claims: func(c map[string]any) { delete(c, "name"); delete(c, "email"); delete(c, "email_verified") },
			})
			id := v.signIn(t)
			if id.Subject != fakeidp.Subject || id.Claims["email"] != nil || id.Claims["email_verified"] != nil {
				t.Errorf("subject %q, e-mail address %v", id.Subject, id.Claims["email"])
			}
			for _, name := range []string{"firstName", "lastName", "name"} {
				if id.Claims[name] != test.names[name] {
					t.Errorf("%s: %v", name, id.Claims[name])
				}
			}
		})
	}
	// A name of the ID token wins.
	v := newVictim(t, oidc.SignInWithApple, nil)
	v.fake.Behave(fakeidp.Behaviour{Answer: func(values url.Values) { values.Set("user", `{"name":{"firstName":"Forged"}}`) }})
	if id := v.signIn(t); id.Claims["name"] != "Token Name" {
		t.Errorf("name %v", id.Claims["name"])
	}
}

// TestDiscoveryAttacks serves documents that lead elsewhere (attacks 10 and 11).
func TestDiscoveryAttacks(t *testing.T) {
	t.Parallel()
	const metadata = "https://169.254.169.254/latest/meta-data/"
	for _, test := range []struct {
		name string
		doc  map[string]any
		text string
	}{
		{"other issuer", map[string]any{"issuer": "https://evil.example.com"}, "the discovery document names another issuer"},
		{"issuer with a longer path", map[string]any{"issuer": "SELF/tenant"}, "the discovery document names another issuer"},
		{"issuer with two slashes", map[string]any{"issuer": "SELF//"}, "the discovery document names another issuer"},
		{"no issuer", map[string]any{"issuer": nil}, "the discovery document has no issuer"},
		{"token endpoint at the metadata service", map[string]any{"token_endpoint": metadata}, "the token endpoint is missing or not permitted"},
		{"token endpoint by http", map[string]any{"token_endpoint": "http://idp.example.com/token"}, "the token endpoint is missing or not permitted"},
		{"key set at the metadata service", map[string]any{"jwks_uri": metadata}, "jwks_uri is missing or not permitted"},
		{"key set as a file", map[string]any{"jwks_uri": "file:///etc/passwd"}, "jwks_uri is missing or not permitted"},
		{"user info at the metadata service", map[string]any{"userinfo_endpoint": metadata}, "the user-info endpoint is not permitted"},
		{"page is a script", map[string]any{"authorization_endpoint": "javascript:alert(document.domain)//"}, "the authorization endpoint is not an https URL"},
		{"page is data", map[string]any{"authorization_endpoint": "data:text/html,x"}, "the authorization endpoint is not an https URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, oidc.OIDC, nil)
			v.fake.Behave(fakeidp.Behaviour{Discovery: func(doc map[string]any) {
				for name, value := range test.doc {
					if s, ok := value.(string); ok {
						value = strings.Replace(s, "SELF", v.fake.URL, 1)
					}
					doc[name] = value
				}
			}})
			a := fakeidp.NewAttempt()
			address, err := v.Start(t.Context(), a, federation.Wish{})
			if err == nil {
				t.Errorf("the browser is sent to %s", address)
			}
			wantRefusal(t, nil, err, "Idp Error - "+test.text)
			id, err := v.Finish(t.Context(), a, answerTo(a, "code"))
			wantRefusal(t, id, err, "Idp Error - "+test.text)
		})
	}
}

// TestRedirectsInside has endpoints that redirect into the private network (attack 10).
func TestRedirectsInside(t *testing.T) {
	t.Parallel()
	for path, text := range map[string]string{
		"/.well-known/openid-configuration": "Connection reset",
		"/keys":                             "Connection reset",
		"/userinfo":                         "Connection reset",
		"/token":                            "Idp Error - 307 error getting token", // is not followed at all
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, oidc.OIDC, nil)
			v.fake.Behave(fakeidp.Behaviour{Serve: func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					http.Redirect(w, r, "http://10.0.0.1/", http.StatusTemporaryRedirect)
				}
				return r.URL.Path == path
			}})
			id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
			wantRefusal(t, id, err, text)
		})
	}
}

// TestPictureStaysText has a claim with a URL, which no call may fetch (attack 10).
func TestPictureStaysText(t *testing.T) {
	t.Parallel()
	v := newVictim(t, oidc.OIDC, nil)
	v.fake.Behave(fakeidp.Behaviour{Claims: func(c map[string]any) { c["picture"] = v.fake.URL + "/picture" }})
	if id := v.signIn(t); id.Claims["picture"] != v.fake.URL+"/picture" || len(v.fake.Requests("/picture")) != 0 {
		t.Errorf("picture %v, %d calls", id.Claims["picture"], len(v.fake.Requests("/picture")))
	}
}

// TestUnknownKeyFlood sends many ID tokens with unknown keys (attack 12). The key set is
// fetched twice: once because it is unknown, once because a key is.
func TestUnknownKeyFlood(t *testing.T) {
	t.Parallel()
	v := newVictim(t, oidc.OIDC, nil)
	v.fake.Behave(fakeidp.Behaviour{Header: func(h map[string]any) { h["kid"] = "unknown" }})
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 10 {
				if id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{}); err == nil {
					t.Errorf("signed in as %v", id)
				}
			}
		})
	}
	running.Wait()
	if n := len(v.fake.Requests("/keys")); n > 2 {
		t.Errorf("the key set was fetched %d times", n)
	}
}

// TestPrivateProvider has an issuer at a loopback address in production.
func TestPrivateProvider(t *testing.T) {
	t.Parallel()
	fake, end := fakeidp.Start(oidcNow)
	t.Cleanup(end)
	client := fetch.New(fetch.Settings{Now: oidcNow, AllowedHosts: []string{strings.TrimPrefix(fake.URL, "http://"), fake.URL}})
	t.Cleanup(client.Close)
	p, err := oidc.New(oidc.Settings{Name: "Idp", Type: oidc.OIDC, Client: client, Now: oidcNow, Details: map[string]string{
		"client_id": fakeidp.ClientID, "oidc_issuer": fake.URL, "authorize_scopes": "openid", "attributes_request_method": "GET",
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Start(t.Context(), fakeidp.NewAttempt(), federation.Wish{})
	wantRefusal(t, nil, err, "Connection reset")
	if n := len(fake.Requests("/.well-known/openid-configuration")); n != 0 {
		t.Errorf("%d calls", n)
	}
}
