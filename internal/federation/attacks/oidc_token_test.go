package attacks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"cognate/internal/federation"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// oidcClaims changes claims of the ID token.
func oidcClaims(pairs ...any) func(*fakeidp.Provider) fakeidp.Behaviour {
	return func(*fakeidp.Provider) fakeidp.Behaviour {
		return fakeidp.Behaviour{Claims: func(c map[string]any) {
			for i := 0; i < len(pairs); i += 2 {
				if name := pairs[i].(string); pairs[i+1] == nil {
					delete(c, name)
				} else {
					c[name] = pairs[i+1]
				}
			}
		}}
	}
}

// oidcForged replaces the ID token by what forge makes of its claims.
func oidcForged(forge func(p *fakeidp.Provider, claims []byte) string) func(*fakeidp.Provider) fakeidp.Behaviour {
	return func(p *fakeidp.Provider) fakeidp.Behaviour {
		return fakeidp.Behaviour{IDToken: func(token string) string {
			claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
			if err != nil {
				panic(err)
			}
			return forge(p, claims)
		}}
	}
}

// oidcForeign is a key of the attacker.
var oidcForeign = sync.OnceValue(func() fakeidp.Key {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return fakeidp.Key{ID: "key-1", Alg: "RS256", Private: key}
})

func signedWith(k fakeidp.Key, header map[string]any, claims []byte) string {
	b, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	return k.SignRaw(b, claims)
}

// publicPEM is the provider's public key, as a verifier could take it for a secret.
func publicPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(fakeidp.RSAKey("").Public())
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestIDTokenAttacks sends ID tokens that must not sign a person in.
func TestIDTokenAttacks(t *testing.T) {
	t.Parallel()
	now := oidcTime.Unix()
	rs256 := map[string]any{"alg": "RS256", "kid": "key-1"}
	for _, test := range []struct {
		name   string
		attack func(*fakeidp.Provider) fakeidp.Behaviour
		text   string
	}{
		// 2: the nonce binds the token to this sign-in.
		{"no nonce", oidcClaims("nonce", nil), "Bad id_token nonce"},
		{"empty nonce", oidcClaims("nonce", ""), "Bad id_token nonce"},
		{"nonce of another sign-in", oidcClaims("nonce", "nonce-of-another-sign-in"), "Bad id_token nonce"},
		{"nonce as a list", oidcClaims("nonce", []any{"a"}), "Bad id_token nonce"},

		// 4: the signature, by an algorithm and a key of the provider.
		{"alg none", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			enc := base64.RawURLEncoding
			return enc.EncodeToString([]byte(`{"alg":"none","kid":"key-1"}`)) + "." + enc.EncodeToString(claims) + "."
		}), "Bad id_token format"},
		{"alg None with the old signature", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), map[string]any{"alg": "None", "kid": "key-1"}, claims)
		}), "Bad id_token format"},
		{"no alg", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), map[string]any{"kid": "key-1"}, claims)
		}), "Bad id_token format"},
		{"HS256 with the public key as secret", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.Key{Private: publicPEM()}, map[string]any{"alg": "HS256", "kid": "key-1"}, claims)
		}), "Bad id_token format"},
		{"an algorithm that the provider does not list", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			key := fakeidp.Key{ID: "key-1", Alg: "RS512", Private: fakeidp.RSAKey("").Private}
			return signedWith(key, map[string]any{"alg": "RS512", "kid": "key-1"}, claims)
		}), "Bad id_token format"},
		{"another key with the provider's kid", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(oidcForeign(), rs256, claims)
		}), "Bad id_token signature"},
		{"changed claims", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			parts := strings.Split(signedWith(fakeidp.RSAKey("key-1"), rs256, claims), ".")
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), fakeidp.Subject, "person-2", 1)))
			return strings.Join(parts, ".")
		}), "Bad id_token signature"},
		{"no signature", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			token := signedWith(fakeidp.RSAKey("key-1"), rs256, claims)
			return token[:strings.LastIndexByte(token, '.')+1]
		}), "Bad id_token signature"},
		{"no kid", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), map[string]any{"alg": "RS256"}, claims)
		}), "Bad id_token header: no kid"},
		{"unknown kid", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(oidcForeign(), map[string]any{"alg": "RS256", "kid": "other"}, claims)
		}), "Bad id_token key"},
		{"kid as a path", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.Key{Private: []byte{}}, map[string]any{"alg": "RS256", "kid": "../../../../dev/null"}, claims)
		}), "Bad id_token key"},
		{"kid as SQL", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(oidcForeign(), map[string]any{"alg": "RS256", "kid": "x' UNION ALL -- "}, claims)
		}), "Bad id_token key"},
		{"jwk in the header", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(oidcForeign(), map[string]any{"alg": "RS256", "kid": "key-1", "jwk": oidcForeign().JWK()}, claims)
		}), "Bad id_token signature"},
		{"jku in the header", oidcForged(func(p *fakeidp.Provider, claims []byte) string {
			return signedWith(oidcForeign(), map[string]any{"alg": "RS256", "kid": "key-1", "jku": p.URL + "/foreign"}, claims)
		}), "Bad id_token signature"},
		{"x5u in the header", oidcForged(func(p *fakeidp.Provider, claims []byte) string {
			return signedWith(oidcForeign(), map[string]any{"alg": "RS256", "kid": "key-1", "x5u": p.URL + "/foreign"}, claims)
		}), "Bad id_token signature"},
		{"critical extension", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), map[string]any{"alg": "RS256", "kid": "key-1", "crit": []any{"b64"}, "b64": true}, claims)
		}), "Bad id_token header"},
		{"member twice in the header", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return fakeidp.RSAKey("key-1").SignRaw([]byte(`{"alg":"RS256","kid":"other","kid":"key-1"}`), claims)
		}), "Bad id_token format"},
		{"JSON serialization", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			parts := strings.Split(signedWith(fakeidp.RSAKey("key-1"), rs256, claims), ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2])
		}), "Bad id_token format"},
		{"two payloads", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), rs256, claims) + ".e30"
		}), "Bad id_token format"},
		{"no token", func(*fakeidp.Provider) fakeidp.Behaviour {
			return fakeidp.Behaviour{Tokens: func(a map[string]any) { delete(a, "id_token") }}
		}, "Bad id_token format"},

		// 5: issued by this provider, to this client.
		{"other issuer", oidcClaims("iss", "https://evil.example.com"), "Bad id_token issuer https://evil.example.com"},
		{"no issuer", oidcClaims("iss", nil), "Bad id_token issuer "},
		{"issuer as a list", oidcClaims("iss", []any{"a"}), "Bad id_token issuer "},
		{"token of another client", oidcClaims("aud", "client-2"), "Bad id_token audience"},
		{"no audience", oidcClaims("aud", nil), "Bad id_token audience"},
		{"audience with our client as a part", oidcClaims("aud", fakeidp.ClientID+"0"), "Bad id_token audience"},
		{"several audiences without azp", oidcClaims("aud", []any{fakeidp.ClientID, "client-2"}), "Bad id_token audience"},
		{"issued to another party", oidcClaims("aud", []any{fakeidp.ClientID, "client-2"}, "azp", "client-2"), "Bad id_token audience"},
		{"one audience, issued to another party", oidcClaims("azp", "client-2"), "Bad id_token audience"},

		// 6: the times, with a minute for clocks that differ.
		{"expired", oidcClaims("exp", now-60), "Bad id_token expiry"},
		{"no expiry", oidcClaims("exp", nil), "Bad id_token expiry"},
		{"expiry as text", oidcClaims("exp", "9999999999"), "Bad id_token expiry"},
		{"expiry beyond numbers", oidcClaims("exp", json.Number("1e999")), "Bad id_token expiry"},
		{"issued in the future", oidcClaims("iat", now+61), "Bad id_token issue time"},
		{"no time of issue", oidcClaims("iat", nil), "Bad id_token issue time"},
		{"valid in the future", oidcClaims("nbf", now+61), "Bad id_token start"},
		{"start as text", oidcClaims("nbf", "0"), "Bad id_token start"},

		// 9: the access token belongs to the ID token.
		{"hash of another access token", oidcClaims("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), "Bad id_token at_hash"},
		{"hash that is no text", oidcClaims("at_hash", true), "Bad id_token at_hash"},

		// The subject, exactly and once.
		{"no subject", oidcClaims("sub", nil), "Bad id_token subject"},
		{"empty subject", oidcClaims("sub", ""), "Bad id_token subject"},
		{"subject as a number", oidcClaims("sub", 1), "Bad id_token subject"},
		{"long subject", oidcClaims("sub", strings.Repeat("a", 256)), "Bad id_token subject"},
		{"subject with a zero byte", oidcClaims("sub", "person-1\x00"), "Bad id_token subject"},
		{"subject in half a surrogate", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), rs256, []byte(strings.Replace(string(claims), "person-1", `person\ud800`, 1)))
		}), "Bad id_token subject"},
		{"subject twice", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), rs256, []byte(`{"sub":"person-2",`+string(claims[1:])))
		}), "Bad id_token format"},
		{"claims that are not UTF-8", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), rs256, []byte(strings.Replace(string(claims), "person-1", "person\xff", 1)))
		}), "Bad id_token format"},
		{"claims before more text", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), rs256, append(claims, "{}"...))
		}), "Bad id_token format"},
		{"claims that are no object", oidcForged(func(*fakeidp.Provider, []byte) string {
			return signedWith(fakeidp.RSAKey("key-1"), rs256, []byte(`null`))
		}), "Bad id_token format"},

		// 19: size.
		{"long token", oidcClaims("padding", strings.Repeat("a", 70<<10)), "Bad id_token length"},
		{"nested claims", oidcForged(func(_ *fakeidp.Provider, claims []byte) string {
			nested := strings.Repeat("[", 100) + strings.Repeat("]", 100)
			return signedWith(fakeidp.RSAKey("key-1"), rs256, []byte(`{"a":`+nested+","+string(claims[1:])))
		}), "Bad id_token format"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, oidc.OIDC, nil)
			v.signIn(t)
			v.fake.Behave(test.attack(v.fake))
			id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
			wantRefusal(t, id, err, test.text)
			if n := len(v.fake.Requests("/foreign")); n != 0 {
				t.Errorf("%d calls of a URL of the token", n)
			}
		})
	}
}

// TestIDTokenKeyAttacks has keys in the provider's set that must not verify an ID token.
func TestIDTokenKeyAttacks(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte(fakeidp.ClientSecret)
	for _, test := range []struct {
		name       string
		algorithms []any // of the discovery document
		key        fakeidp.Key
		member     map[string]any // changes the key in the set
		text       string
	}{
		{name: "RSA key of 1024 bits", algorithms: []any{"RS256"}, key: fakeidp.Key{ID: "k", Alg: "RS256", Private: small}, text: "Bad id_token key"},
		{name: "key for encryption", algorithms: []any{"RS256"}, key: fakeidp.RSAKey("k"), member: map[string]any{"use": "enc"}, text: "Bad id_token key"},
		{name: "key of another algorithm", algorithms: []any{"RS256"}, key: fakeidp.RSAKey("k"), member: map[string]any{"alg": "PS256"}, text: "Bad id_token key"},
		{name: "key of another curve", algorithms: []any{"ES256"}, key: fakeidp.Key{ID: "k", Alg: "ES256", Private: p384}, member: map[string]any{"alg": nil}, text: "Bad id_token key"},
		{name: "EC key for RS256", algorithms: []any{"RS256", "ES256"}, key: fakeidp.Key{ID: "k", Alg: "RS256", Private: fakeidp.ECKey("").Private}, text: "Bad id_token key"},
		{name: "HS256 that the provider does not list", algorithms: []any{"RS256"}, key: fakeidp.Key{ID: "k", Alg: "HS256", Private: secret}, text: "Bad id_token format"},
		{name: "HS256 with a secret of the key set", algorithms: []any{"RS256", "HS256"}, key: fakeidp.Key{ID: "k", Alg: "HS256", Private: []byte("a secret that the key set publishes")}, text: "Bad id_token signature"},
		{name: "HS256 with the public key", algorithms: []any{"RS256", "HS256"}, key: fakeidp.Key{ID: "k", Alg: "HS256", Private: publicPEM()}, text: "Bad id_token signature"},
		{name: "algorithms that do not exist", algorithms: []any{"none", "HS1"}, key: fakeidp.RSAKey("k"), text: "Bad id_token algorithm"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := newVictim(t, oidc.OIDC, nil)
			v.fake.UseKey(test.key)
			v.fake.Behave(fakeidp.Behaviour{
				Discovery: func(doc map[string]any) { doc["id_token_signing_alg_values_supported"] = test.algorithms },
				KeySet: func(doc map[string]any) {
					maps.Copy(doc["keys"].([]any)[0].(map[string]any), test.member)
				},
			})
			id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
			wantRefusal(t, id, err, test.text)
		})
	}
}

// TestShortSecret signs ID tokens with a client secret that can be guessed from any of them,
// or without a secret.
func TestShortSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "short", fakeidp.ClientSecret[1:]} {
		v := newVictim(t, oidc.OIDC, map[string]string{"client_secret": secret})
		key := fakeidp.Key{ID: "k", Alg: "HS256", Private: []byte(secret)}
		token := make(chan string, 1)
		v.fake.Behave(fakeidp.Behaviour{
			Discovery: func(doc map[string]any) { doc["id_token_signing_alg_values_supported"] = []any{"RS256", "HS256"} },
			Serve:     serveToken(token),
		})
		a := fakeidp.NewAttempt()
		token <- key.Sign(map[string]any{"alg": "HS256", "kid": "k"}, map[string]any{
			"iss": v.fake.URL, "aud": fakeidp.ClientID, "sub": fakeidp.Subject, "iat": oidcTime.Unix(), "exp": oidcTime.Unix() + 60, "nonce": a.Nonce,
		})
		id, err := v.Finish(t.Context(), a, answerTo(a, "code"))
		wantRefusal(t, id, err, "Bad id_token format")
	}
}
