package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
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
	headerES384    = `","alg":"ES384"}`
	// scalarES384 is the length of each half of a signature (RFC 7518 §3.4).
	scalarES384 = 48
)

// MaxJWS is the longest token that is verified, in bytes. It limits the work that
// strangers can cause. No issued access token is longer, and request headers have room
// for one.
const MaxJWS = 48 << 10

// SigningKey signs tokens with RS256 or ES384.
type SigningKey struct {
	kid    string
	header string // encoded, with its dot
	// One of the two is set.
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

// GenerateSigningKey makes an RSA key of 2048 bits with exponent 65537. It takes
// a tenth of a second or more; see [SigningKeyPool].
func GenerateSigningKey() (*SigningKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, signingKeyBits)
	if err != nil {
		return nil, err
	}
	return newSigningKey(newKID(), private), nil
}

// GenerateES384Key makes a key of the curve P-384.
func GenerateES384Key() (*SigningKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return newES384Key(newKID(), private), nil
}

func newKID() string {
	id := make([]byte, kidBytes)
	rand.Read(id)
	return base64.StdEncoding.EncodeToString(id)
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
	switch private := parsed.(type) {
	case *rsa.PrivateKey:
		if private.N.BitLen() == signingKeyBits && private.E == 65537 {
			return newSigningKey(kid, private), nil
		}
	case *ecdsa.PrivateKey:
		if private.Curve == elliptic.P384() {
			return newES384Key(kid, private), nil
		}
	}
	return nil, errors.New("keys: private key is neither RSA of 2048 bits nor of P-384")
}

func newSigningKey(kid string, private *rsa.PrivateKey) *SigningKey {
	return &SigningKey{kid: kid, header: encodeHeader(kid, headerSuffix), rsa: private}
}

func newES384Key(kid string, private *ecdsa.PrivateKey) *SigningKey {
	return &SigningKey{kid: kid, header: encodeHeader(kid, headerES384), ec: private}
}

func encodeHeader(kid, suffix string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(headerPrefix+kid+suffix)) + "."
}

// Marshal returns the private key in PKCS #8, to be sealed.
func (k *SigningKey) Marshal() ([]byte, error) {
	if k.ec != nil {
		return x509.MarshalPKCS8PrivateKey(k.ec)
	}
	return x509.MarshalPKCS8PrivateKey(k.rsa)
}

// KID returns the key's id: 32 random bytes in standard Base64, 44 characters.
func (k *SigningKey) KID() string { return k.kid }

// Public returns the public half of the key.
func (k *SigningKey) Public() crypto.PublicKey {
	if k.ec != nil {
		return &k.ec.PublicKey
	}
	return &k.rsa.PublicKey
}

// SignedLen returns the length of the token that Sign makes of the claims.
func (k *SigningKey) SignedLen(claims []byte) int {
	size := 2 * scalarES384
	if k.rsa != nil {
		size = k.rsa.Size()
	}
	return len(k.header) + raw.EncodedLen(len(claims)) + 1 + raw.EncodedLen(size)
}

// Sign makes a compact JWS (RFC 7515 §7.1) of claims, which are JSON.
func (k *SigningKey) Sign(claims []byte) (string, error) {
	b := make([]byte, 0, k.SignedLen(claims))
	b = append(b, k.header...)
	b = raw.AppendEncode(b, claims)
	signature, err := k.signature(b)
	if err != nil {
		return "", fmt.Errorf("keys: sign: %w", err)
	}
	b = append(b, '.')
	return string(raw.AppendEncode(b, signature)), nil
}

func (k *SigningKey) signature(signed []byte) ([]byte, error) {
	if k.rsa != nil {
		digest := sha256.Sum256(signed)
		return signRS256(k.rsa, digest[:])
	}
	digest := sha512.Sum384(signed)
	r, s, err := ecdsa.Sign(rand.Reader, k.ec, digest[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 2*scalarES384)
	r.FillBytes(signature[:scalarES384])
	s.FillBytes(signature[scalarES384:])
	return signature, nil
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

// PublishedKey is a public key with its id: of RSA for RS256, of P-384 for ES384.
type PublishedKey struct {
	KID string
	Key crypto.PublicKey
}

// jwk is a public key of RFC 7517 §4 and RFC 7518 §6.2.1 and §6.3.1. Keys of RSA have the members
// and the order that Cognito publishes.
type jwk struct {
	Alg string `json:"alg"`
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	KID string `json:"kid"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	Use string `json:"use"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

// JWKS renders the JSON Web Key Set of a pool.
func JWKS(keys []PublishedKey) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.jwk())
	}
	b, err := json.Marshal(set)
	if err != nil {
		panic(err) // strings always marshal
	}
	return b
}

func (k *PublishedKey) jwk() jwk {
	if ec, ok := k.Key.(*ecdsa.PublicKey); ok {
		point, err := ec.Bytes() // 4, then both coordinates
		if err != nil {
			panic(err) // every key was parsed or generated
		}
		size := (len(point) - 1) / 2
		return jwk{
			Alg: "ES384", Crv: "P-384", Kty: "EC", Use: "sig", KID: k.KID,
			X: raw.EncodeToString(point[1 : 1+size]), Y: raw.EncodeToString(point[1+size:]),
		}
	}
	public, _ := k.Key.(*rsa.PublicKey)
	return jwk{
		Alg: "RS256", Kty: "RSA", Use: "sig", KID: k.KID,
		E: raw.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		N: raw.EncodeToString(public.N.Bytes()),
	}
}
