package oidc_test

import (
	"errors"
	"testing"
	"time"

	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
	"cognate/test/fresh"
)

func TestVerifyToken(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	tests := []struct {
		name      string
		behaviour func(fake *fakeidp.Provider) fakeidp.Behaviour
		claims    func(fake *fakeidp.Provider, claims object)
		want      error
	}{
		{name: "accepted"},
		{name: "issuer with a slash", behaviour: func(fake *fakeidp.Provider) fakeidp.Behaviour {
			return fakeidp.Behaviour{Discovery: func(doc map[string]any) { doc["issuer"] = fake.URL + "/" }}
		}, claims: func(fake *fakeidp.Provider, claims object) { claims["iss"] = fake.URL + "/" }},
		{name: "another issuer in the token", claims: func(_ *fakeidp.Provider, claims object) { claims["iss"] = "https://other.example.com" }, want: oidc.ErrMalformed},
		{name: "another issuer in the document", behaviour: func(*fakeidp.Provider) fakeidp.Behaviour {
			return fakeidp.Behaviour{Discovery: func(doc map[string]any) { doc["issuer"] = "https://other.example.com" }}
		}, want: oidc.ErrNoKey},
		{name: "no address of the keys", behaviour: func(*fakeidp.Provider) fakeidp.Behaviour {
			return fakeidp.Behaviour{Discovery: func(doc map[string]any) { delete(doc, "jwks_uri") }}
		}, want: oidc.ErrNoKey},
		{name: "keys in a private network", behaviour: func(*fakeidp.Provider) fakeidp.Behaviour {
			return fakeidp.Behaviour{Discovery: func(doc map[string]any) { doc["jwks_uri"] = "https://10.0.0.1/keys" }}
		}, want: oidc.ErrNoKey},
		{name: "no keys", behaviour: func(*fakeidp.Provider) fakeidp.Behaviour {
			return fakeidp.Behaviour{KeySet: func(doc map[string]any) { doc["keys"] = []any{} }}
		}, want: oidc.ErrNoKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			if tt.behaviour != nil {
				fake.Behave(tt.behaviour(fake))
			}
			claims := object{"iss": fake.URL, "sub": "dora"}
			if tt.claims != nil {
				tt.claims(fake, claims)
			}
			token := fakeidp.RSAKey("key-1").Sign(object{"alg": "RS256", "kid": "key-1"}, claims)
			got, err := oidc.VerifyToken(t.Context(), newClient(t), "test", fake.URL, token)
			if !errors.Is(err, tt.want) || err == nil && got["sub"] != "dora" {
				t.Errorf("VerifyToken = %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// TestVerifyTokenFetchesKeys wants the keys to be fetched again for an unknown key, once a minute.
func TestVerifyTokenFetchesKeys(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	clock := fresh.NewClock(at)
	client := fetch.New(fetch.Settings{Development: true, Now: clock.Now})
	t.Cleanup(client.Close)
	verify := func(kid string) error {
		token := fakeidp.RSAKey(kid).Sign(map[string]any{"alg": "RS256", "kid": kid}, map[string]any{"iss": fake.URL})
		_, err := oidc.VerifyToken(t.Context(), client, "test", fake.URL, token)
		return err
	}
	if err := verify("key-1"); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := verify("key-2"); !errors.Is(err, oidc.ErrNoKey) {
			t.Errorf("unknown key: %v", err)
		}
	}
	fake.UseKey(fakeidp.RSAKey("key-2"))
	clock.Pass(time.Minute)
	if err := verify("key-2"); err != nil {
		t.Errorf("new key: %v", err)
	}
	if n := len(fake.Requests("/keys")); n != 3 {
		t.Errorf("the keys were fetched %d times, want 3", n)
	}
}

func FuzzPeekClaims(f *testing.F) {
	f.Add(fakeidp.RSAKey("k").Sign(map[string]any{"alg": "RS256", "kid": "k"}, map[string]any{"iss": "https://a"}))
	f.Add("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.e30.AA")
	f.Fuzz(func(t *testing.T, token string) {
		if claims, err := oidc.PeekClaims(token); (err == nil) == (claims == nil) {
			t.Errorf("%v, %v", claims, err)
		}
	})
}
