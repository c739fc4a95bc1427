package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

var sharedKey = sync.OnceValues(GenerateSigningKey)

func testKey(t testing.TB) *SigningKey {
	t.Helper()
	k, err := sharedKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func lookupOf(keys ...*SigningKey) func(string) *rsa.PublicKey {
	return func(kid string) *rsa.PublicKey {
		for _, k := range keys {
			if k.KID() == kid {
				return &k.rsa.PublicKey
			}
		}
		return nil
	}
}

const claims = `{"sub":"34c84488-e0e1-70ae-d2ee-991ad1a898c8","token_use":"id"}`

// TestSign has go-jose verify our tokens by the key set that we publish.
func TestSign(t *testing.T) {
	t.Parallel()
	k := testKey(t)
	token, err := k.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(JWKS([]PublishedKey{{k.KID(), k.Public()}}), &set); err != nil {
		t.Fatal(err)
	}
	payload, err := parsed.Verify(set)
	if err != nil || string(payload) != claims {
		t.Errorf("go-jose: %q, %v", payload, err)
	}
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"kid":"`+k.KID()+`","alg":"RS256"}`, string(header)); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if len(k.KID()) != 44 || !strings.HasSuffix(k.KID(), "=") {
		t.Errorf("kid %q", k.KID())
	}
	if got, err := VerifyRS256(token, lookupOf(k)); err != nil || string(got) != claims {
		t.Errorf("verify: %q, %v", got, err)
	}
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	k := testKey(t)
	n := base64.RawURLEncoding.EncodeToString(k.rsa.N.Bytes())
	want := `{"keys":[{"alg":"RS256","e":"AQAB","kid":"` + k.KID() + `","kty":"RSA","n":"` + n + `","use":"sig"}]}`
	if diff := cmp.Diff(want, string(JWKS([]PublishedKey{{k.KID(), k.Public()}}))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := string(JWKS(nil)); got != `{"keys":[]}` {
		t.Errorf("no keys: %s", got)
	}
}

// forge signs any header and payload as an attacker or a careless issuer would.
func forge(t *testing.T, k *SigningKey, header string) string {
	t.Helper()
	e := base64.RawURLEncoding.EncodeToString
	input := e([]byte(header)) + "." + e([]byte(claims))
	digest := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(rand.Reader, k.rsa, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + e(sig)
}

func hs256(header string, secret []byte) string {
	e := base64.RawURLEncoding.EncodeToString
	input := e([]byte(header)) + "." + e([]byte(claims))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + e(mac.Sum(nil))
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	k := testKey(t)
	other, err := GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	token, err := k.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	long, err := k.Sign([]byte(strings.Repeat("x", MaxJWS)))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	kid := k.KID()
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyRS256(forge(t, k, `{"kid":"`+kid+`","alg":"RS256"}`), lookupOf(k)); err != nil {
		t.Fatalf("forge with the right header: %v", err)
	}
	last := token[len(token)-1]
	for _, tt := range []struct {
		name, token string
	}{
		{"empty", ""},
		{"dots", ".."},
		{"two parts", parts[0] + "." + parts[1]},
		{"four parts", token + "."},
		{"five parts", token + ".a.b"},
		{"no signature", parts[0] + "." + parts[1] + "."},
		{"other payload", parts[0] + ".e30." + parts[2]},
		{"other key", foreign},
		{"other key under our kid", forge(t, other, `{"kid":"`+kid+`","alg":"RS256"}`)},
		{"alg none", forge(t, k, `{"kid":"`+kid+`","alg":"none"}`)},
		{"alg none, no signature", base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"`+kid+`","alg":"none"}`)) + "." + parts[1] + "."},
		{"alg HS256 by the public key", hs256(`{"kid":"`+kid+`","alg":"HS256"}`, der)},
		{"alg RS256 by HMAC", hs256(`{"kid":"`+kid+`","alg":"RS256"}`, der)},
		{"alg RS384", forge(t, k, `{"kid":"`+kid+`","alg":"RS384"}`)},
		{"alg rs256", forge(t, k, `{"kid":"`+kid+`","alg":"rs256"}`)},
		{"alg PS256", forge(t, k, `{"kid":"`+kid+`","alg":"PS256"}`)},
		{"no alg", forge(t, k, `{"kid":"`+kid+`"}`)},
		{"no kid", forge(t, k, `{"alg":"RS256"}`)},
		{"alg twice", forge(t, k, `{"kid":"`+kid+`","alg":"RS256","alg":"RS256"}`)},
		{"crit", forge(t, k, `{"kid":"`+kid+`","alg":"RS256","crit":["exp"]}`)},
		{"jwk of its own", forge(t, k, `{"kid":"`+kid+`","alg":"RS256","jwk":{}}`)},
		{"header is an array", forge(t, k, `["RS256"]`)},
		{"header is no JSON", forge(t, k, `RS256`)},
		{"padding", token + "="},
		{"line end", token + "\n"},
		{"line end inside", parts[0] + ".\n" + parts[1] + "." + parts[2]},
		{"blank", " " + token},
		{"unused bits set", token[:len(token)-1] + string(base64Next(last))},
		{"too long", long},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := VerifyRS256(tt.token, lookupOf(k)); !errors.Is(err, ErrToken) {
				t.Errorf("got %q, %v, want ErrToken", got, err)
			}
		})
	}
}

// base64Next is the character whose value is one more: it changes a bit past the
// last byte of a signature of 256 bytes.
func base64Next(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1]
}

func FuzzVerifyRS256(f *testing.F) {
	k := testKey(f)
	token, err := k.Sign([]byte(claims))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("..")
	f.Add(strings.Replace(token, ".", "..", 1))
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := VerifyRS256(s, lookupOf(k)); err == nil && s != token {
			t.Errorf("%q verifies with payload %q", s, got)
		}
	})
}

func TestSigningKeyMarshal(t *testing.T) {
	t.Parallel()
	k := testKey(t)
	der, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSigningKey(k.KID(), der)
	if err != nil {
		t.Fatal(err)
	}
	token, err := again.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyRS256(token, lookupOf(k)); err != nil {
		t.Error(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024+512)
	if err != nil {
		t.Fatal(err)
	}
	smallDER, err := x509.MarshalPKCS8PrivateKey(small)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, kid string
		der       []byte
	}{
		{"empty", k.KID(), nil},
		{"cut", k.KID(), der[:100]},
		{"short kid", "abc", der},
		{"kid with a quote", `"` + k.KID()[1:], der},
		{"1536 bits", k.KID(), smallDER},
		{"elliptic curve", k.KID(), ecDER},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseSigningKey(tt.kid, tt.der); err == nil {
				t.Error("parses")
			}
		})
	}
}

func TestSigningKeyPool(t *testing.T) {
	t.Parallel()
	p := NewSigningKeyPool(2)
	seen := map[string]bool{}
	for range 3 {
		k, err := p.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen[k.KID()] {
			t.Error("the same key twice")
		}
		seen[k.KID()] = true
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewSigningKeyPool(0).getClosed(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want Canceled", err)
	}
	p.Close()
	p.Close()
	if _, err := p.Get(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("err = %v, want ErrClosed", err)
	}
}

// getClosed gets a key and closes the pool.
func (p *SigningKeyPool) getClosed(ctx context.Context) (*SigningKey, error) {
	defer p.Close()
	return p.Get(ctx)
}
