package srpclient

import (
	"math/big"
	"testing"
	"time"
)

// TestClient checks the client against a fixed vector.
func TestClient(t *testing.T) {
	t.Parallel()
	const password = "P@ssw0rd-Example1"
	c := newClient("AbCdEf123", Number("c16cad0d891d6f38066e63b6b437337e25285aa24236a462597b59a8c77685e4"))
	salt := Number("d3843852bf7ef0057add1b13b81e666d")
	x := exponent("AbCdEf123", "alice", password, salt)
	if got := x.Text(16); got != "d252dba98c22e55f6be062ea07271ab91c95a44b295212be32215eda64a5904" {
		t.Fatalf("x = %s", got)
	}
	if got := multiplier.Text(16); got != "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6" {
		t.Fatalf("k = %s", got)
	}
	b := Number("4d6f4b5dc08ff511bd4f6fa6475950dba463fd34aab6c7c57858c31f9435656c")
	public := new(big.Int).Mul(multiplier, Verifier("AbCdEf123", "alice", password, salt))
	public.Add(public, new(big.Int).Exp(generator, b, modulus)).Mod(public, modulus)
	got := c.Prove(map[string]string{
		"USER_ID_FOR_SRP": "alice", "SALT": salt.Text(16), "SRP_B": public.Text(16),
		"SECRET_BLOCK": "sigiq9ptBr7tXtk0z1YkVTnXA77namgyCUDdo7ACXreJ/JAAPmpfyTSowpiOxpXL",
	}, password, time.Date(2025, 1, 7, 9, 5, 3, 0, time.UTC))
	if got["PASSWORD_CLAIM_SIGNATURE"] != "eD5QhkYxSxacNrtMtiiqFOCdl4+2SQarFK1lV9Xd+ak=" {
		t.Errorf("signature %s", got["PASSWORD_CLAIM_SIGNATURE"])
	}
}
