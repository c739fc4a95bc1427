// Package srpclient is the client's side of SRP-6a as Cognito's libraries have it,
// from the formulas alone: it shares nothing with the server. It is for tests and
// the benchmark.
package srpclient

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
	"time"
)

// N is the group of RFC 3526 §4 (3072 bits); g is 2.
const N = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
	"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F" +
	"83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
	"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510" +
	"15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
	"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
	"BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"

var (
	modulus    = Number(N)
	generator  = big.NewInt(2)
	multiplier = Digest(Padded(modulus), Padded(generator))
)

// A Client is one ephemeral key pair, for sign-ins to one user pool or for the
// proofs of one device.
type Client struct {
	// Group is the name of the pool without its Region, or the group key of the device.
	Group string
	a, A  *big.Int
}

// New draws a key pair for sign-ins to a user pool.
func New(poolID string) *Client {
	_, name, _ := strings.Cut(poolID, "_")
	return ForDevice(name)
}

// ForDevice draws a key pair for a device, whose group key stands where a sign-in
// has the name of the pool.
func ForDevice(groupKey string) *Client {
	secret := make([]byte, 32)
	rand.Read(secret)
	return newClient(groupKey, new(big.Int).SetBytes(secret))
}

func newClient(group string, a *big.Int) *Client {
	return &Client{Group: group, a: a, A: new(big.Int).Exp(generator, a, modulus)}
}

// Public returns SRP_A.
func (c *Client) Public() string { return c.A.Text(16) }

// Number reads a hexadecimal number. It panics where the text is none.
func Number(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 16)
	if !ok {
		panic("srpclient: not a hexadecimal number: " + text)
	}
	return n
}

// Padded returns the bytes of a number that is not negative in two's complement.
func Padded(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

// Digest returns SHA-256 as a number.
func Digest(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

// Verifier returns what the server keeps of a password, or of the secret of a
// device: then group is the group key of the device, and user its key.
func Verifier(group, user, password string, salt *big.Int) *big.Int {
	return new(big.Int).Exp(generator, exponent(group, user, password, salt), modulus)
}

func exponent(group, user, password string, salt *big.Int) *big.Int {
	identity := sha256.Sum256([]byte(group + user + ":" + password))
	return Digest(Padded(salt), identity[:])
}

// Prove returns the ChallengeResponses for the parameters of PASSWORD_VERIFIER. It
// panics where a parameter is malformed.
func (c *Client) Prove(params map[string]string, password string, now time.Time) map[string]string {
	user, public := params["USER_ID_FOR_SRP"], Number(params["SRP_B"])
	x := exponent(c.Group, user, password, Number(params["SALT"]))
	u := Digest(Padded(c.A), Padded(public))
	// S = (B − k·g^x)^(a + u·x)
	s := new(big.Int).Exp(generator, x, modulus)
	s.Mul(s, multiplier).Sub(public, s).Mod(s, modulus)
	s.Exp(s, new(big.Int).Add(c.a, new(big.Int).Mul(u, x)), modulus)
	key := mac(mac(Padded(u), Padded(s)), []byte("Caldera Derived Key\x01"))[:16]
	block, err := base64.StdEncoding.DecodeString(params["SECRET_BLOCK"])
	if err != nil {
		panic("srpclient: SECRET_BLOCK: " + err.Error())
	}
	timestamp := now.UTC().Format("Mon Jan 2 15:04:05 UTC 2006")
	return map[string]string{
		"USERNAME": user, "PASSWORD_CLAIM_SECRET_BLOCK": params["SECRET_BLOCK"], "TIMESTAMP": timestamp,
		"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(mac(key, []byte(c.Group+user), block, []byte(timestamp))),
	}
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
