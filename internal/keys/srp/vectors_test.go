package srp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is one complete exchange; integers are in hexadecimal as they travel.
type vector struct {
	Name, Pool, User, Password, Salt, A, B, S, Verifier string

	PasswordBytes string `json:"password_bytes"`
	PadSalt       string `json:"pad_salt"`
	SmallB        string `json:"b"`
	U, Key        string
	PadU          string `json:"pad_u"`
	SecretBlock   string `json:"secret_block"`
	Timestamp     string
	Signature     string

	DeviceSalt     string `json:"confirm_device_salt"`
	DeviceVerifier string `json:"confirm_device_verifier"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw []map[string]string
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	var vs []vector
	for _, m := range raw {
		// encoding/json folds case, and the vectors have both "b" and "B".
		vs = append(vs, vector{
			Name: m["name"], Pool: m["pool"], User: m["user"], Password: m["password"], Salt: m["salt"],
			A: m["A"], B: m["B"], S: m["S"], Verifier: m["verifier"], PasswordBytes: m["password_bytes"],
			PadSalt: m["pad_salt"], SmallB: m["b"], U: m["u"], Key: m["key"], PadU: m["pad_u"],
			SecretBlock: m["secret_block"], Timestamp: m["timestamp"], Signature: m["signature"],
			DeviceSalt: m["confirm_device_salt"], DeviceVerifier: m["confirm_device_verifier"],
		})
	}
	if len(vs) != 3 {
		t.Fatalf("got %d vectors, want 3", len(vs))
	}
	return vs
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			check := func(what, got, want string) {
				t.Helper()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			salt := unhex(t, v.Salt)
			check("password", hex.EncodeToString([]byte(v.Password)), v.PasswordBytes)
			check("PAD(salt)", hex.EncodeToString(pad(salt)), v.PadSalt)

			verifier := Verifier(v.Pool, v.User, v.Password, salt)
			check("verifier", FormatHex(verifier), v.Verifier)
			if !PasswordMatches(v.Pool, v.User, v.Password, salt, verifier) {
				t.Error("the right password does not match")
			}
			if PasswordMatches(v.Pool, v.User, v.Password+"x", salt, verifier) {
				t.Error("a wrong password matches")
			}

			b := unhex(t, v.SmallB)
			public, err := ServerPublic(b, verifier)
			if err != nil {
				t.Fatal(err)
			}
			check("B", FormatHex(public), v.B)

			a, err := ParsePublic(v.A)
			if err != nil {
				t.Fatal(err)
			}
			s, u, err := sharedSecret(a, b, verifier, public)
			if err != nil {
				t.Fatal(err)
			}
			check("u", FormatHex(u), v.U)
			check("PAD(u)", hex.EncodeToString(pad(u)), v.PadU)
			check("S", FormatHex(s), v.S)

			key, err := SessionKey(a, b, verifier, public)
			if err != nil {
				t.Fatal(err)
			}
			check("K", hex.EncodeToString(key), v.Key)

			block, err := base64.StdEncoding.DecodeString(v.SecretBlock)
			if err != nil {
				t.Fatal(err)
			}
			sig := Signature(key, v.Pool, v.User, block, v.Timestamp)
			check("signature", base64.StdEncoding.EncodeToString(sig), v.Signature)
			if !SignatureMatches(sig, v.Signature) {
				t.Error("the right signature does not match")
			}
			if _, err := ParseTimestamp(v.Timestamp); err != nil {
				t.Errorf("timestamp %q: %v", v.Timestamp, err)
			}

			if v.DeviceVerifier != "" {
				raw, err := base64.StdEncoding.DecodeString(v.DeviceVerifier)
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := ParseVerifier(raw)
				if err != nil || !bytes.Equal(parsed, verifier) {
					t.Errorf("device verifier: %v", err)
				}
				check("device salt", base64.StdEncoding.EncodeToString(pad(salt)), v.DeviceSalt)
			}
		})
	}
}

// clientKey is the client's side, in math/big: S = (B − k·g^x)^(a + u·x).
func clientKey(t testing.TB, a *big.Int, pool, user, password string, salt, publicA, publicB []byte) []byte {
	t.Helper()
	n := bigN()
	v := new(big.Int).SetBytes(Verifier(pool, user, password, salt))
	k, _ := new(big.Int).SetString("538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6", 16)
	base := new(big.Int).SetBytes(publicB)
	base.Sub(base, k.Mul(k, v)).Mod(base, n)
	x, u := bigX(pool, user, password, salt), bigU(publicA, publicB)
	s := base.Exp(base, a.Add(a, new(big.Int).Mul(u, x)), n)
	return hkdfKey(t, s.Bytes(), u.Bytes())
}
