// Package srpclient is the client's side of SRP-6a as Cognito's libraries have
// it, from the formulas alone: it shares nothing with the server. It is for
// tests.
package srpclient

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
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

// Client is one ephemeral key pair; Public is SRP_A.
type Client struct{ n, g, a, Public *big.Int }

// New draws a key pair.
func New() *Client {
	p := &Client{n: Number(N), g: big.NewInt(2)}
	secret := make([]byte, 64)
	rand.Read(secret)
	p.a = new(big.Int).SetBytes(secret)
	p.Public = new(big.Int).Exp(p.g, p.a, p.n)
	return p
}

// Number reads a hexadecimal number.
func Number(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 16)
	if !ok {
		panic(text)
	}
	return n
}

// Padded are the bytes of a positive number in two's complement.
func Padded(n *big.Int) []byte {
	text := n.Text(16)
	if len(text)%2 == 1 {
		text = "0" + text
	}
	if strings.IndexByte("89abcdef", text[0]) >= 0 {
		text = "00" + text
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

// Digest is SHA-256 as a number.
func Digest(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

func keyed(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// Responses answer PASSWORD_VERIFIER.
func (p *Client) Responses(t testing.TB, pool string, params map[string]string, password string, now time.Time) map[string]string {
	t.Helper()
	_, name, _ := strings.Cut(pool, "_")
	user, serverPublic := params["USER_ID_FOR_SRP"], Number(params["SRP_B"])
	identity := sha256.Sum256([]byte(name + user + ":" + password))
	x := Digest(Padded(Number(params["SALT"])), identity[:])
	k := Digest(Padded(p.n), []byte{2})
	u := Digest(Padded(p.Public), Padded(serverPublic))
	base := new(big.Int).Sub(serverPublic, new(big.Int).Mul(k, new(big.Int).Exp(p.g, x, p.n)))
	s := new(big.Int).Exp(base.Mod(base, p.n), new(big.Int).Add(p.a, new(big.Int).Mul(u, x)), p.n)
	key := keyed(keyed(Padded(u), Padded(s)), []byte("Caldera Derived Key\x01"))[:16]
	block, err := base64.StdEncoding.DecodeString(params["SECRET_BLOCK"])
	if err != nil {
		t.Fatal(err)
	}
	stamp := now.UTC().Format("Mon Jan 2 15:04:05 UTC 2006")
	return map[string]string{
		"USERNAME": user, "PASSWORD_CLAIM_SECRET_BLOCK": params["SECRET_BLOCK"], "TIMESTAMP": stamp,
		"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(keyed(key, []byte(name), []byte(user), block, []byte(stamp))),
	}
}
