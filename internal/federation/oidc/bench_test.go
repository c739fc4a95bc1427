package oidc_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/url"
	"testing"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// benchAnswers makes the fake provider answer an attempt from memory.
func benchAnswers(fake *fakeidp.Provider, a federation.Attempt) {
	key := fakeidp.RSAKey("key-1")
	token := key.Sign(map[string]any{"alg": "RS256", "kid": key.ID}, map[string]any{
		"iss": fake.URL, "aud": fakeidp.ClientID, "sub": fakeidp.Subject, "iat": at.Unix(), "exp": at.Unix() + 300, "nonce": a.Nonce,
		"email": "person@example.com", "email_verified": true, "name": "Ann Lee",
	})
	answers := map[string][]byte{
		"/token":    []byte(`{"access_token":"access-1","token_type":"Bearer","expires_in":3600,"id_token":"` + token + `"}`),
		"/userinfo": []byte(`{"sub":"` + fakeidp.Subject + `","locale":"fr","zoneinfo":"Europe/Paris"}`),
	}
	fake.Behave(fakeidp.Behaviour{Serve: func(w http.ResponseWriter, r *http.Request) bool {
		body, ok := answers[r.URL.Path]
		if ok {
			_, _ = w.Write(body)
		}
		return ok
	}})
}

// BenchmarkFinish is the end of a sign-in: the calls of the token endpoint and of user info at
// a loopback address, with the other side's work. BenchmarkCalls is these calls alone, and
// BenchmarkFloor the cryptography that it cannot do without.
func BenchmarkFinish(b *testing.B) {
	fake, a := newFake(b), fakeidp.NewAttempt()
	benchAnswers(fake, a)
	p := newProvider(b, settings(b, oidc.OIDC, fake, nil))
	answer := federation.Answer{Form: url.Values{"state": {a.State}, "code": {"c"}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Finish(b.Context(), a, answer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCalls is the two calls of a sign-in's end.
func BenchmarkCalls(b *testing.B) {
	fake, client := newFake(b), newClient(b)
	benchAnswers(fake, fakeidp.NewAttempt())
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range []fetch.Request{{URL: fake.URL + "/token", Form: url.Values{"code": {"c"}}}, {URL: fake.URL + "/userinfo", Bearer: "access-1"}} {
			if _, err := client.Do(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkFloor is one verification by RS256.
func BenchmarkFloor(b *testing.B) {
	key := fakeidp.RSAKey("").Private.(*rsa.PrivateKey)
	digest := sha256.Sum256([]byte("token"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}
