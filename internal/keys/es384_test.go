package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestES384 has go-jose verify tokens of a key that was stored, by the key set that we publish.
func TestES384(t *testing.T) {
	t.Parallel()
	made, err := GenerateES384Key()
	if err != nil {
		t.Fatal(err)
	}
	der, err := made.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseSigningKey(made.KID(), der)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(JWKS([]PublishedKey{{made.KID(), made.Public()}}), &set); err != nil {
		t.Fatal(err)
	}
	// Some signatures have a half that begins with a zero, which must not be dropped.
	for range 300 {
		token, err := k.Sign([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES384})
		if err != nil {
			t.Fatal(err)
		}
		if payload, err := parsed.Verify(set); err != nil || string(payload) != claims || len(token) != k.SignedLen([]byte(claims)) {
			t.Fatalf("go-jose: %q, %v; %d characters", payload, err, len(token))
		}
	}
	small, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKCS8PrivateKey(small); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseSigningKey(made.KID(), der); err == nil {
		t.Error("a key of another curve is accepted")
	}
}
