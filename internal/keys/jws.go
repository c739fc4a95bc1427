package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	signingKeyBits = 2048
	kidBytes       = 32
	headerPrefix   = `{"kid":"`
	headerSuffix   = `","alg":"RS256"}`
)

// MaxJWS is the longest token that is verified, in bytes. It limits the work that
// strangers can cause. No issued access token is longer, and request headers have room
// for one.
const MaxJWS = 48 << 10

// SigningKey signs tokens with RS256.
type SigningKey struct {
	kid     string
	header  string // encoded, with its dot
	private *rsa.PrivateKey
}

// GenerateSigningKey makes an RSA key of 2048 bits with exponent 65537. It takes
// a tenth of a second or more; see [SigningKeyPool].
func GenerateSigningKey() (*SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, signingKeyBits)
	if err != nil {
		return nil, err
	}
	id := make([]byte, kidBytes)
	rand.Read(id)
	return newSigningKey(base64.StdEncoding.EncodeToString(id), private), nil
}

// ParseSigningKey reads what [SigningKey.Marshal] wrote.
func ParseSigningKey(kid string, pkcs8 []byte) (*SigningKey, error) {
	if !isKID(kid) {
		return nil, errors.New("keys: malformed key id")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, errors.New("keys: malformed private key") // the cause might quote it
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() != signingKeyBits || private.E != 65537 {
		return nil, errors.New("keys: private key is not RSA of 2048 bits")
	}
	return newSigningKey(kid, private), nil
}

func newSigningKey(kid string, private *rsa.PrivateKey) *SigningKey {
	header := base64.RawURLEncoding.EncodeToString([]byte(headerPrefix + kid + headerSuffix))
	return &SigningKey{kid: kid, header: header + ".", private: private}
}

// Marshal returns the private key in PKCS #8, to be sealed.
func (k *SigningKey) Marshal() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(k.private) }

// KID returns the key's id: 32 random bytes in standard Base64, 44 characters.
func (k *SigningKey) KID() string { return k.kid }

// Public returns the public half of the key.
func (k *SigningKey) Public() *rsa.PublicKey { return &k.private.PublicKey }

// SignedLen returns the length of the token that Sign makes of the claims.
func (k *SigningKey) SignedLen(claims []byte) int {
	return len(k.header) + raw.EncodedLen(len(claims)) + 1 + raw.EncodedLen(k.private.Size())
}

// Sign makes a compact JWS (RFC 7515 §7.1) of claims, which are JSON.
func (k *SigningKey) Sign(claims []byte) (string, error) {
	b := make([]byte, 0, k.SignedLen(claims))
	b = append(b, k.header...)
	b = raw.AppendEncode(b, claims)
	digest := sha256.Sum256(b)
	signature, err := signRS256(k.private, digest[:])
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	b = append(b, '.')
	return string(raw.AppendEncode(b, signature)), nil
}

// VerifyRS256 verifies a token that a [SigningKey] signed, and returns its payload. lookup
// returns the public key of a kid, or nil. Only the header that Sign writes is accepted,
// {"kid":…,"alg":"RS256"}, byte for byte: no other alg, no crit (RFC 7515 §4.1.11), no
// key in the token itself (RFC 8725 §3.1, §3.10). The caller checks the claims, with the
// expiry.
func VerifyRS256(token string, lookup func(kid string) *rsa.PublicKey) ([]byte, error) {
	if len(token) > MaxJWS || hasLineEnd(token) { // the decoder skips line ends
		return nil, ErrToken
	}
	header, rest, _ := strings.Cut(token, ".")
	claims, signature, found := strings.Cut(rest, ".")
	if !found || strings.Contains(signature, ".") {
		return nil, ErrToken
	}
	kid, ok := parseHeader(header)
	if !ok {
		return nil, ErrToken
	}
	sig, err := raw.DecodeString(signature)
	if err != nil {
		return nil, ErrToken
	}
	payload, err := raw.DecodeString(claims)
	if err != nil {
		return nil, ErrToken
	}
	key := lookup(kid)
	if key == nil {
		return nil, ErrToken
	}
	digest := sha256.Sum256([]byte(token[:len(header)+1+len(claims)]))
	if err := verifyRS256(key, digest[:], sig); err != nil {
		return nil, ErrToken
	}
	return payload, nil
}

// hasLineEnd is strings.ContainsAny(s, "\r\n") at a twentieth of the time.
func hasLineEnd(s string) bool {
	return strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0
}

func parseHeader(encoded string) (kid string, ok bool) {
	const length = len(headerPrefix) + len(headerSuffix) + kidLen
	if len(encoded) != raw.EncodedLen(length) {
		return "", false
	}
	header, err := raw.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	kid, ok = strings.CutPrefix(string(header), headerPrefix)
	if !ok {
		return "", false
	}
	kid, ok = strings.CutSuffix(kid, headerSuffix)
	return kid, ok && isKID(kid)
}

const kidLen = (kidBytes + 2) / 3 * 4

func isKID(s string) bool {
	if len(s) != kidLen || strings.ContainsAny(s, "\r\n") {
		return false
	}
	b, err := std.DecodeString(s)
	return err == nil && len(b) == kidBytes
}

// PublishedKey is a public key with its id.
type PublishedKey struct {
	KID string
	Key *rsa.PublicKey
}

// jwk is a public key of RFC 7517 §4 and RFC 7518 §6.3.1, with the members and
// the order that Cognito publishes.
type jwk struct {
	Alg string `json:"alg"`
	E   string `json:"e"`
	KID string `json:"kid"`
	Kty string `json:"kty"`
	N   string `json:"n"`
	Use string `json:"use"`
}

// JWKS renders the JSON Web Key Set of a pool.
func JWKS(keys []PublishedKey) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		set.Keys = append(set.Keys, jwk{
			Alg: "RS256", Kty: "RSA", Use: "sig", KID: k.KID,
			E: raw.EncodeToString(big.NewInt(int64(k.Key.E)).Bytes()),
			N: raw.EncodeToString(k.Key.N.Bytes()),
		})
	}
	b, err := json.Marshal(set)
	if err != nil {
		panic(err) // strings always marshal
	}
	return b
}
