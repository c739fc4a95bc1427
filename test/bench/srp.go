package main

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"time"

	"cognate/internal/keys/srp"
)

// bigN is the 3072-bit prime of RFC 3526 §5, bigG its generator.
var bigN, bigG = hexInt("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
	"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
	"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F" +
	"83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
	"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510" +
	"15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
	"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
	"BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF"), big.NewInt(2)

func hexInt(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 16)
	return n
}

// padded is the shortest two's complement of a number that is not negative.
func padded(n *big.Int) []byte {
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

// srpClient is the person's side of SRP-6a. Its answers are made between two
// measurements, since its arithmetic costs more than the server's.
type srpClient struct {
	pool string
	a, A *big.Int
	k    *big.Int
}

func newSRPClient(poolID string) *srpClient {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	a := new(big.Int).SetBytes(secret)
	return &srpClient{
		pool: srp.PoolName(poolID), a: a, A: new(big.Int).Exp(bigG, a, bigN),
		k: hashInt(padded(bigN), bigG.Bytes()),
	}
}

// challenge is what the server asks in PASSWORD_VERIFIER.
type challenge struct {
	ChallengeName       string
	ChallengeParameters map[string]string
}

// answer returns the ChallengeResponses for a challenge.
func (c *srpClient) answer(ch challenge, password string, now time.Time) (map[string]string, error) {
	p := ch.ChallengeParameters
	user, public, salt := p["USER_ID_FOR_SRP"], hexInt(p["SRP_B"]), hexInt(p["SALT"])
	block, err := base64.StdEncoding.DecodeString(p["SECRET_BLOCK"])
	if err != nil || public == nil || salt == nil {
		return nil, errors.Join(errors.New("malformed SRP challenge"), err)
	}
	inner := sha256.Sum256([]byte(c.pool + user + ":" + password))
	x := hashInt(padded(salt), inner[:])
	u := hashInt(padded(c.A), padded(public))
	// S = (B − k·g^x)^(a + u·x)
	s := new(big.Int).Exp(bigG, x, bigN)
	s.Mul(s, c.k).Sub(public, s).Mod(s, bigN)
	s.Exp(s, new(big.Int).Add(c.a, new(big.Int).Mul(u, x)), bigN)
	key, err := hkdf.Key(sha256.New, padded(s), padded(u), "Caldera Derived Key", srp.KeySize)
	if err != nil {
		return nil, err
	}
	stamp := srp.FormatTimestamp(now)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{c.pool, user, string(block), stamp}, "")))
	return map[string]string{
		"USERNAME": user, "PASSWORD_CLAIM_SECRET_BLOCK": p["SECRET_BLOCK"], "TIMESTAMP": stamp,
		"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}, nil
}
