package oidc

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
	"cognate/test/fakeidp"
)

var fuzzTime = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// fuzzRig is a provider whose keys are those of a server that runs.
func fuzzRig(f *testing.F, key fakeidp.Key) (*Provider, *endpoints, federation.Attempt) {
	f.Helper()
	now := func() time.Time { return fuzzTime }
	fake, end := fakeidp.Start(now)
	f.Cleanup(end)
	fake.UseKey(key)
	client := fetch.New(fetch.Settings{Development: true, Now: now})
	f.Cleanup(client.Close)
	p, err := New(Settings{Name: "Idp", Type: OIDC, Client: client, Now: now, Details: map[string]string{
		keyClientID: fakeidp.ClientID, keyClientSecret: fakeidp.ClientSecret, keyIssuer: fake.URL, keyScopes: "openid",
	}})
	if err != nil {
		f.Fatal(err)
	}
	ep := &endpoints{
		issuers: []string{"https://idp.example.com"}, keys: fake.URL + "/keys",
		algorithms: append(slices.Clone(asymmetric), jose.HS256),
	}
	return p, ep, federation.Attempt{Nonce: "n"}
}

func fuzzClaims() map[string]any {
	return map[string]any{
		"iss": "https://idp.example.com", "aud": fakeidp.ClientID, "sub": "s", "nonce": "n",
		"exp": fuzzTime.Unix() + 60, "iat": fuzzTime.Unix(), "at_hash": accessTokenHash(jose.ES256, "access"),
	}
}

// FuzzIDToken reads any token. The only claims that it may accept are the signed ones.
func FuzzIDToken(f *testing.F) {
	key := fakeidp.ECKey("k")
	p, ep, a := fuzzRig(f, key)
	good := key.Sign(map[string]any{"alg": "ES256", "kid": "k"}, fuzzClaims())
	f.Add(good)
	f.Add(fakeidp.RSAKey("k").Sign(map[string]any{"alg": "RS256", "kid": "k", "jwk": fakeidp.RSAKey("k").JWK()}, fuzzClaims()))
	f.Add(fakeidp.Key{Private: []byte("x")}.Sign(map[string]any{"alg": "HS256", "crit": []any{"b64"}, "b64": false}, fuzzClaims()))
	f.Add(`{"payload":"e30","signatures":[{"protected":"e30","signature":""}]}`)
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := p.verifyIDToken(t.Context(), ep, token, a, "access")
		if err == nil && (claims["sub"] != "s" || strings.Count(token, ".") != 2) {
			t.Errorf("accepted %q", token)
		}
	})
}

// FuzzIDTokenClaims signs any payload. Accepted claims must be for this sign-in.
func FuzzIDTokenClaims(f *testing.F) {
	key := fakeidp.ECKey("k")
	p, ep, a := fuzzRig(f, key)
	good, err := json.Marshal(fuzzClaims())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(strings.Replace(string(good), `"`+fakeidp.ClientID+`"`, `["client-1","x"],"azp":"client-1"`, 1)))
	f.Add([]byte(strings.Replace(string(good), `"s"`, `"\ud800"`, 1)))
	f.Add([]byte(`{"exp":1e400}`))
	header := []byte(`{"alg":"ES256","kid":"k"}`)
	f.Fuzz(func(t *testing.T, payload []byte) {
		claims, err := p.verifyIDToken(t.Context(), ep, key.SignRaw(header, payload), a, "access")
		if err != nil {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal(payload, &plain); err != nil {
			t.Fatalf("accepted %q: %v", payload, err)
		}
		expires, _ := plain["exp"].(float64)
		issued, _ := plain["iat"].(float64)
		subject, _ := plain["sub"].(string)
		audience := plain["aud"]
		if list, ok := audience.([]any); ok && slices.Contains(list, any(fakeidp.ClientID)) {
			audience = fakeidp.ClientID
		}
		if plain["iss"] != "https://idp.example.com" || plain["nonce"] != "n" || audience != fakeidp.ClientID ||
			expires <= float64(fuzzTime.Unix()-60) || issued > float64(fuzzTime.Unix()+60) || subject == "" || subject != claims["sub"] || !utf8.ValidString(subject) {
			t.Errorf("accepted %q", payload)
		}
	})
}

// FuzzDiscovery reads any discovery document.
func FuzzDiscovery(f *testing.F) {
	f.Add([]byte(`{"issuer":"https://a.example","jwks_uri":"https://a.example/k","id_token_signing_alg_values_supported":["RS256","none","HS256"],"code_challenge_methods_supported":["S256"]}`))
	f.Add([]byte(`{"issuer":"a","issuer":"b"}`))
	f.Add([]byte(`{"Issuer":"a"}`))
	client := fetch.New(fetch.Settings{Now: func() time.Time { return fuzzTime }})
	f.Cleanup(client.Close)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMetadata(b)
		if err != nil {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal(b, &plain); err != nil || plain["issuer"] != m.issuer || m.issuer == "" {
			t.Errorf("issuer %q of %q: %v", m.issuer, b, err)
		}
		for _, alg := range m.algorithms {
			if alg != jose.HS256 && !slices.Contains(asymmetric, alg) {
				t.Errorf("algorithm %s", alg)
			}
		}
		if m.check(client) == nil && !strings.HasPrefix(strings.ToLower(m.authorize), "https:") {
			t.Errorf("the browser is sent to %q", m.authorize)
		}
	})
}

// FuzzKeySet reads any key set. Its keys are public and strong enough.
func FuzzKeySet(f *testing.F) {
	for _, key := range []fakeidp.Key{fakeidp.RSAKey("a"), fakeidp.ECKey("b"), {ID: "c", Private: []byte("secret")}} {
		b, err := json.Marshal(map[string]any{"keys": []any{key.JWK()}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"keys":[null,1,{"kty":"RSA","kid":"a","n":"AQ","e":"AQ"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := parseKeySet(b)
		if err != nil {
			return
		}
		for kid := range set {
			for _, alg := range append(slices.Clone(asymmetric), jose.HS256, jose.HS512, "none") {
				for _, key := range set.find(kid, alg) {
					switch k := key.Key.(type) {
					case *rsa.PublicKey:
						if k.N.BitLen() < 2048 || strings.HasPrefix(string(alg), "E") {
							t.Errorf("%d bits for %s", k.N.BitLen(), alg)
						}
					case *ecdsa.PublicKey:
						if !strings.HasPrefix(string(alg), "ES") {
							t.Errorf("EC key for %s", alg)
						}
					default:
						t.Errorf("%T for %s", k, alg)
					}
				}
			}
		}
	})
}

// FuzzUserInfo reads any user info. What is accepted reads the same by another parser, and
// can be sent to a function.
func FuzzUserInfo(f *testing.F) {
	f.Add([]byte(`{"sub":"s","a":[1,true,null,{"b":"c"}],"n":1.50}`))
	f.Add([]byte(`{"sub":"s","sub":"t"}`))
	f.Add([]byte(`{"sub":"s","a":[[[[[[[[]]]]]]]]}`))
	p := &Provider{name: "Idp", kind: kinds[OIDC]}
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := decodeObject(b)
		if err != nil {
			return
		}
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber()
		var plain map[string]any
		if err := d.Decode(&plain); err != nil || !reflect.DeepEqual(plain, info) {
			t.Fatalf("%q: %v, but %v, %v", b, info, plain, err)
		}
		id, err := p.identity(map[string]any{"access_token": "t"}, map[string]any{"sub": "s"}, info)
		if err != nil {
			return
		}
		if id.Subject != "s" || id.Claims["access_token"] != "t" || id.Claims["refresh_token"] != nil {
			t.Errorf("%q: %+v", b, id)
		}
		if _, err := json.Marshal(id.Response); err != nil {
			t.Error(err)
		}
		names := maps.Clone(info)
		if len(federation.Texts(names)) > len(names) {
			t.Error("claims appeared")
		}
	})
}
