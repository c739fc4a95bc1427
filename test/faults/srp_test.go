package faults_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
	"time"
)

// srpClient is the client's side of SRP-6a as Cognito's libraries have it,
// written from the formulas and sharing nothing with the server.
type srpClient struct {
	pool string
	a, A *big.Int
}

// The 3072-bit group of RFC 5054, appendix A, is that of RFC 3526 §4.
var (
	srpN = hexInt("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F" +
		"83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
		"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510" +
		"15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
		"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
		"BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF")
	srpG = big.NewInt(2)
)

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

func padInt(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return b
}

func hashInt(parts ...[]byte) *big.Int {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return new(big.Int).SetBytes(h.Sum(nil))
}

func macOf(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func newSRPClient(poolID string) *srpClient {
	secret := make([]byte, 128)
	_, _ = rand.Read(secret)
	a := new(big.Int).SetBytes(secret)
	_, name, _ := strings.Cut(poolID, "_")
	return &srpClient{pool: name, a: a, A: new(big.Int).Exp(srpG, a, srpN)}
}

// start is the first call.
func (c *srpClient) start(app, name string) object {
	return object{"ClientId": app, "AuthFlow": "USER_SRP_AUTH", "AuthParameters": object{"USERNAME": name, "SRP_A": c.A.Text(16)}}
}

// respond is the second call: it answers PASSWORD_VERIFIER.
func (c *srpClient) respond(app string, challenge answer, password string, now time.Time) object {
	param := func(name string) string { return challenge.text("ChallengeParameters", name) }
	userID, B := param("USER_ID_FOR_SRP"), hexInt(param("SRP_B"))
	inner := sha256.Sum256([]byte(c.pool + userID + ":" + password))
	x := hashInt(padInt(hexInt(param("SALT"))), inner[:])
	k := hashInt(padInt(srpN), srpG.Bytes())
	u := hashInt(padInt(c.A), padInt(B))
	base := new(big.Int).Exp(srpG, x, srpN)
	base.Mul(base, k)
	base.Sub(B, base)
	base.Mod(base, srpN)
	secret := base.Exp(base, new(big.Int).Add(c.a, new(big.Int).Mul(u, x)), srpN)
	key := macOf(macOf(padInt(u), padInt(secret)), append([]byte("Caldera Derived Key"), 1))[:16]
	block, err := base64.StdEncoding.DecodeString(param("SECRET_BLOCK"))
	if err != nil {
		panic(err)
	}
	timestamp := now.UTC().Format("Mon Jan 2 15:04:05 UTC 2006")
	return object{"ClientId": app, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": object{
		"USERNAME": userID, "PASSWORD_CLAIM_SECRET_BLOCK": param("SECRET_BLOCK"), "TIMESTAMP": timestamp,
		"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(macOf(key, []byte(c.pool+userID), block, []byte(timestamp))),
	}}
}

// newPassword answers NEW_PASSWORD_REQUIRED.
func newPassword(app, name, session string) object {
	return object{"ClientId": app, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": session,
		"ChallengeResponses": object{"USERNAME": name, "NEW_PASSWORD": password + "2"}}
}
