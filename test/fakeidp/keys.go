package fakeidp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// Key signs ID tokens.
type Key struct {
	ID, Alg string
	// Private is an RSA or ECDSA key, or the secret of HS256 as []byte.
	Private any
}

var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
	ecKey = sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
)

// RSAKey returns the process's RSA key with an ID, for RS256.
func RSAKey(id string) Key { return Key{id, "RS256", rsaKey()} }

// ECKey returns the process's key on P-256 with an ID, for ES256.
func ECKey(id string) Key { return Key{id, "ES256", ecKey()} }

// Public returns the public half; nil for a secret.
func (k Key) Public() crypto.PublicKey {
	if signer, ok := k.Private.(crypto.Signer); ok {
		return signer.Public()
	}
	return nil
}

// JWK returns the public key as a member of a key set.
func (k Key) JWK() map[string]any {
	if k.Public() == nil {
		return map[string]any{"kty": "oct", "kid": k.ID, "k": base64.RawURLEncoding.EncodeToString(k.Private.([]byte))}
	}
	b, err := jose.JSONWebKey{Key: k.Public(), KeyID: k.ID, Algorithm: k.Alg, Use: "sig"}.MarshalJSON()
	if err != nil {
		panic(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		panic(err)
	}
	return doc
}

// Sign makes a compact JWS by the key's own algorithm, whatever the header says.
func (k Key) Sign(header, claims map[string]any) string {
	h, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return k.SignRaw(h, c)
}

// SignRaw is Sign for a header and a payload that need not be JSON.
func (k Key) SignRaw(header, payload []byte) string {
	enc := base64.RawURLEncoding
	input := enc.EncodeToString(header) + "." + enc.EncodeToString(payload)
	return input + "." + enc.EncodeToString(k.signature([]byte(input)))
}

func (k Key) signature(input []byte) []byte {
	sum := sha256.Sum256(input)
	var out []byte
	var err error
	switch key := k.Private.(type) {
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write(input)
		return mac.Sum(nil)
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, key, sum[:])
		if e != nil {
			panic(e)
		}
		size := (key.Params().BitSize + 7) / 8
		out = make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
	case *rsa.PrivateKey:
		switch k.Alg {
		case "RS512":
			long := sha512.Sum512(input)
			out, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, long[:])
		case "PS256":
			out, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		default:
			out, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}
	}
	if err != nil {
		panic(err)
	}
	return out
}
