package signin

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

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// srpClient is the client's side of SRP-6a as Cognito's libraries have it,
// written from the formulas with math/big and sharing nothing with keys/srp.
type srpClient struct {
	pool string
	a, A *big.Int
}

var (
	bigN = hexInt("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED" +
		"EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F" +
		"83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B" +
		"E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510" +
		"15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7" +
		"ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C" +
		"BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF")
	bigG = big.NewInt(2)
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

func newSRPClient(poolID string) *srpClient {
	secret := make([]byte, 128)
	rand.Read(secret)
	a := new(big.Int).SetBytes(secret)
	_, name, _ := strings.Cut(poolID, "_")
	return &srpClient{pool: name, a: a, A: new(big.Int).Exp(bigG, a, bigN)}
}

func (c *srpClient) public() string { return c.A.Text(16) }

// prove answers PASSWORD_VERIFIER.
func (c *srpClient) prove(params map[string]string, password string, now time.Time) map[string]string {
	userID, B := params["USER_ID_FOR_SRP"], hexInt(params["SRP_B"])
	inner := sha256.Sum256([]byte(c.pool + userID + ":" + password))
	x := hashInt(padInt(hexInt(params["SALT"])), inner[:])
	k := hashInt(padInt(bigN), bigG.Bytes())
	u := hashInt(padInt(c.A), padInt(B))
	base := new(big.Int).Exp(bigG, x, bigN)
	base.Mul(base, k)
	base.Sub(B, base)
	base.Mod(base, bigN)
	S := base.Exp(base, new(big.Int).Add(c.a, new(big.Int).Mul(u, x)), bigN)
	prk := mac(padInt(u), padInt(S))
	key := mac(prk, append([]byte("Caldera Derived Key"), 1))[:16]
	block, err := base64.StdEncoding.DecodeString(params["SECRET_BLOCK"])
	if err != nil {
		panic(err)
	}
	timestamp := now.UTC().Format("Mon Jan 2 15:04:05 UTC 2006")
	return map[string]string{
		"USERNAME":                    userID,
		"PASSWORD_CLAIM_SECRET_BLOCK": params["SECRET_BLOCK"],
		"TIMESTAMP":                   timestamp,
		"PASSWORD_CLAIM_SIGNATURE":    base64.StdEncoding.EncodeToString(mac(key, []byte(c.pool+userID), block, []byte(timestamp))),
	}
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// askSRPOf starts USER_SRP_AUTH.
func (r *rig) askSRPOf(t testing.TB, c *pool.Client, client *srpClient, name string) (*idp.InitiateAuthResponse, error) {
	return r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserSrpAuth,
		AuthParameters: map[string]string{"USERNAME": name, "SRP_A": client.public()},
	})
}

// prove answers PASSWORD_VERIFIER.
func (r *rig) prove(t testing.TB, c *pool.Client, responses map[string]string) (*idp.RespondToAuthChallengeResponse, error) {
	return r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
		ClientId: c.ID, ChallengeName: idp.ChallengeNameTypePasswordVerifier, ChallengeResponses: responses,
	})
}

// srp signs in by USER_SRP_AUTH and tells what came, "1: …" from the first call
// or "2: …" from the second.
func (r *rig) srp(t testing.TB, c *pool.Client, name, password string) string {
	t.Helper()
	client := newSRPClient(c.PoolID)
	out, err := r.askSRPOf(t, c, client, name)
	if err != nil {
		return "1: " + err.Error()
	}
	if out.ChallengeName != idp.ChallengeNameTypePasswordVerifier || out.Session != nil || len(out.ChallengeParameters) != 5 {
		t.Errorf("challenge %+v", out)
	}
	return "2: " + answered(r.prove(t, c, client.prove(out.ChallengeParameters, password, r.now())))
}

// TestSRPClient checks the test's client against a fixed vector.
func TestSRPClient(t *testing.T) {
	t.Parallel()
	c := newSRPClient("us-east-1_AbCdEf123")
	c.a = hexInt("c16cad0d891d6f38066e63b6b437337e25285aa24236a462597b59a8c77685e4")
	c.A = new(big.Int).Exp(bigG, c.a, bigN)
	salt := hexInt("d3843852bf7ef0057add1b13b81e666d")
	inner := sha256.Sum256([]byte("AbCdEf123alice:P@ssw0rd-Example1"))
	x := hashInt(padInt(salt), inner[:])
	if got := x.Text(16); got != "d252dba98c22e55f6be062ea07271ab91c95a44b295212be32215eda64a5904" {
		t.Fatalf("x = %s", got)
	}
	b := hexInt("4d6f4b5dc08ff511bd4f6fa6475950dba463fd34aab6c7c57858c31f9435656c")
	k := hashInt(padInt(bigN), bigG.Bytes())
	if got := hex.EncodeToString(k.Bytes()); got != "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6" {
		t.Fatalf("k = %s", got)
	}
	v := new(big.Int).Exp(bigG, x, bigN)
	B := new(big.Int).Mul(k, v)
	B.Add(B, new(big.Int).Exp(bigG, b, bigN)).Mod(B, bigN)
	got := c.prove(map[string]string{
		"USER_ID_FOR_SRP": "alice", "SALT": salt.Text(16), "SRP_B": B.Text(16),
		"SECRET_BLOCK": "sigiq9ptBr7tXtk0z1YkVTnXA77namgyCUDdo7ACXreJ/JAAPmpfyTSowpiOxpXL",
	}, "P@ssw0rd-Example1", time.Date(2025, 1, 7, 9, 5, 3, 0, time.UTC))
	if got["PASSWORD_CLAIM_SIGNATURE"] != "eD5QhkYxSxacNrtMtiiqFOCdl4+2SQarFK1lV9Xd+ak=" {
		t.Errorf("signature %s", got["PASSWORD_CLAIM_SIGNATURE"])
	}
}
