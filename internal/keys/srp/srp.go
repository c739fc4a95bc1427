package srp

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	// SaltSize is the length in bytes of a fresh salt.
	SaltSize = 16
	// SecretSize is the length in bytes of the server's ephemeral secret b
	// (RFC 5054 §2.5.3 asks for at least 256 bits).
	SecretSize = 32
	// KeySize is the length in bytes of a session key.
	KeySize = 16
)

// Errors of values that a client sends. They say nothing about a secret.
var (
	ErrPublic   = errors.New("srp: A is not a hexadecimal number in 0 < A mod N, A < 2^3072")
	ErrVerifier = errors.New("srp: verifier is not a number in 0 < v < N")
	ErrU        = errors.New("srp: u is zero")
)

// PoolName returns the part of a user pool's id that enters the hashes: the text after the
// first underscore.
func PoolName(poolID string) string {
	_, name, _ := strings.Cut(poolID, "_")
	return name
}

// NewSalt returns 16 random bytes whose first is not zero: clients read a salt
// as an integer, and some keep its leading zeros while others lose them.
func NewSalt() []byte {
	salt := make([]byte, SaltSize)
	for salt[0] == 0 {
		rand.Read(salt)
	}
	return salt
}

// Verifier returns v = g^x mod N in Size bytes, where
// x = H(PAD(salt) ‖ H(pool ‖ user ‖ ":" ‖ password)). pool is the [PoolName] of a
// user pool's id, or the device group key; user is the exact stored username,
// or the device key.
func Verifier(pool, user, password string, salt []byte) []byte {
	v := verifier(pool, user, password, salt)
	return v.bytes()
}

// PasswordMatches reports, in constant time, whether the verifier is that of the password.
// It costs one exponentiation with the fixed base g.
func PasswordMatches(pool, user, password string, salt, verifierBytes []byte) bool {
	v := verifier(pool, user, password, salt)
	return subtle.ConstantTimeCompare(v.bytes(), verifierBytes) == 1
}

func verifier(pool, user, password string, salt []byte) *element {
	inner := sha256.New()
	inner.Write([]byte(pool))
	inner.Write([]byte(user))
	inner.Write([]byte(":"))
	inner.Write([]byte(password))
	outer := sha256.New()
	outer.Write(pad(salt))
	outer.Write(inner.Sum(nil))

	var x exponent
	x.setBytes((*[32]byte)(outer.Sum(nil)))
	v := new(element)
	powG(v, &x)
	constants().fromMont(v, v)
	return v
}

// ParseVerifier checks a verifier that a device sent, a big-endian integer with
// or without leading zeros, and returns it in Size bytes.
func ParseVerifier(b []byte) ([]byte, error) {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 || len(b) > Size {
		return nil, ErrVerifier
	}
	var v element
	v.setBytes(b)
	if !v.belowModulus() {
		return nil, ErrVerifier
	}
	return v.bytes(), nil
}

// FakeVerifier returns a verifier, made from a derived seed, that matches no password. So a
// challenge for an unknown user takes the same path and time as one for a known user.
func FakeVerifier(seed []byte) []byte {
	b, err := hkdf.Key(sha256.New, seed, nil, "srp fake verifier", Size)
	if err != nil {
		panic(err) // Size is far below HKDF's limit of 255 blocks
	}
	b[0] &= 0x7f // below 2^3071, hence below N
	return b
}

// maxHex bounds the length of A before any work: leading zeros are legal.
const maxHex = 2*Size + 64

// ParsePublic reads A as clients send it: hexadecimal digits of either case,
// even or odd in number. It refuses A ≡ 0 mod N (RFC 5054 §2.5.4), which would
// make S known to everyone. The result, of Size bytes, is the integer as sent,
// not its remainder: it enters u as sent.
func ParsePublic(s string) ([]byte, error) {
	if len(s) == 0 || len(s) > maxHex {
		return nil, ErrPublic
	}
	if len(s)%2 == 1 {
		s = "0" + s
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, ErrPublic
	}
	b = bytes.TrimLeft(b, "\x00")
	if len(b) > Size {
		return nil, ErrPublic
	}
	var a element
	a.setBytes(b)
	public := a.bytes()
	a.reduceOnce(0) // 2^3072 < 2N
	if a.isZero() {
		return nil, ErrPublic
	}
	return public, nil
}

// FormatHex writes an integer as it travels: lower-case hexadecimal without
// leading zeros.
func FormatHex(b []byte) string {
	s := strings.TrimLeft(hex.EncodeToString(b), "0")
	if s == "" {
		return "0"
	}
	return s
}

// ServerChallenge draws an ephemeral secret b of 256 bits and returns it with
// B = k·v + g^b mod N. It costs one exponentiation with the fixed base g. b must
// be kept sealed and used once.
func ServerChallenge(verifierBytes []byte) (b, public []byte, err error) {
	b = make([]byte, SecretSize)
	for {
		rand.Read(b)
		public, err = ServerPublic(b, verifierBytes)
		if !errors.Is(err, errZeroB) {
			return b, public, err
		}
	}
}

var errZeroB = errors.New("srp: B is zero")

// ServerPublic returns B for a secret b that is already drawn.
func ServerPublic(b, verifierBytes []byte) ([]byte, error) {
	v, err := readVerifier(verifierBytes)
	if err != nil {
		return nil, err
	}
	e, err := readSecret(b)
	if err != nil {
		return nil, err
	}
	m := constants()
	var public, kv element
	powG(&public, e)
	m.fromMont(&public, &public)
	mul(&kv, v, &m.kr)
	kv.reduceOnce(0)
	public.add(&public, &kv)
	if public.isZero() {
		return nil, errZeroB // clients must refuse it (RFC 5054 §2.5.3)
	}
	return public.bytes(), nil
}

// SessionKey returns the 16 bytes of K that both sides share if the client knows
// the password: S = (A·v^u)^b, K = HKDF-SHA-256 of S with salt u. a is what
// ParsePublic returned; b and public come from ServerChallenge.
func SessionKey(a, b, verifierBytes, public []byte) ([]byte, error) {
	s, u, err := sharedSecret(a, b, verifierBytes, public)
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, pad(s), pad(u), "Caldera Derived Key", KeySize)
}

func sharedSecret(a, b, verifierBytes, public []byte) (s, u []byte, err error) {
	v, err := readVerifier(verifierBytes)
	if err != nil {
		return nil, nil, err
	}
	e, err := readSecret(b)
	if err != nil {
		return nil, nil, err
	}
	if len(a) != Size || len(public) != Size {
		return nil, nil, ErrPublic
	}
	var base element
	base.setBytes(a)
	reduced := base
	reduced.reduceOnce(0)
	if reduced.isZero() {
		return nil, nil, ErrPublic
	}

	h := sha256.New()
	h.Write(pad(a))
	h.Write(pad(public))
	u = h.Sum(nil)
	var ue exponent
	ue.setBytes((*[32]byte)(u))
	if ue == (exponent{}) {
		return nil, nil, ErrU
	}

	m := constants()
	var x element
	m.toMont(&x, v)
	powPublic(&x, &x, &ue)
	m.toMont(&base, &base)
	mul(&x, &x, &base)
	pow(&x, &x, e)
	m.fromMont(&x, &x)
	return x.bytes(), u, nil
}

// Signature is the proof that a client sends: HMAC-SHA-256 of
// pool ‖ user ‖ secretBlock ‖ timestamp under the session key. secretBlock is
// decoded; timestamp is the string as sent.
func Signature(key []byte, pool, user string, secretBlock []byte, timestamp string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(pool))
	h.Write([]byte(user))
	h.Write(secretBlock)
	h.Write([]byte(timestamp))
	return h.Sum(nil)
}

// SignatureMatches compares a client's proof, in standard Base64, with ours in
// constant time.
func SignatureMatches(want []byte, claim string) bool {
	if len(claim) != base64.StdEncoding.EncodedLen(len(want)) { // the decoder skips line ends
		return false
	}
	got, err := base64.StdEncoding.Strict().DecodeString(claim)
	return err == nil && hmac.Equal(got, want)
}

// pad is Cognito's PAD: the shortest big-endian two's complement of an integer
// that is not negative, so that a byte 00 stands before a first byte of 0x80 or
// more. It is not padding to the length of N, which RFC 5054 §2.6 has.
func pad(b []byte) []byte {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) > 0 && b[0] < 0x80 {
		return b
	}
	return append([]byte{0}, b...)
}

func readVerifier(b []byte) (*element, error) {
	v := new(element)
	if len(b) != Size {
		return nil, ErrVerifier
	}
	v.setBytes(b)
	if !v.belowModulus() || v.isZero() {
		return nil, ErrVerifier
	}
	return v, nil
}

func readSecret(b []byte) (*exponent, error) {
	if len(b) != SecretSize {
		return nil, fmt.Errorf("srp: ephemeral secret has %d bytes, want %d", len(b), SecretSize)
	}
	e := new(exponent)
	e.setBytes((*[32]byte)(b))
	return e, nil
}
