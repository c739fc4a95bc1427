package keys

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"
)

// TestSealedForms opens values that an earlier build sealed: what is in a database and in the hands of clients must
// open after an upgrade.
func TestSealedForms(t *testing.T) {
	t.Parallel()
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const page = "WMJI-8PebTJdpeVPZ-AzneiWjdOhbN2i4By10kIYMREipm4FlLXiFgVE1XBhP8LBXCDXIhSr"
	wrapped := decode("AX6c7IYutK+Tb4rjuT0Df1zmQBEgnPHFoRwBRZEQoLe7EfMG46nE3BhlCMm+2l+b9ntziW8V+Mk/aBU8OWKuThJ+iwfbQeiUFaDnaNIsx7mF")
	row := decode("AQAAAAEqbCaM/lCnbNPmZsq3nwhaCiB+/cc4HrYJyHwoJ32sbRwHDwPD5dHncQ/RXf7s")
	kek, err := NewKEK(bytes.Repeat([]byte{7}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1, 0)
	for _, tt := range []struct {
		name, want string
		open       func() ([]byte, error)
	}{
		{"page token", "cursor", func() ([]byte, error) {
			pages := NewPageTokens(func() [32]byte { return [32]byte{1} })
			return pages.Decode("ListUsers", []string{"us-east-1_AbCdEf123", "x"}, page, now)
		}},
		{"data key", string(bytes.Repeat([]byte{9}, keySize)), func() ([]byte, error) {
			return kek.Unwrap(t.Context(), "data-key/totp/1", wrapped)
		}},
		{"row", "secret", func() ([]byte, error) {
			ring, _, err := OpenRing(t.Context(), kek, []WrappedKey{{Purpose: PurposeTOTP, ID: 1, Wrapped: wrapped}}, now)
			if err != nil {
				return nil, err
			}
			return ring.Open(PurposeTOTP, []byte("row"), row)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := tt.open(); err != nil || string(got) != tt.want {
				t.Errorf("opened %q, %v", got, err)
			}
		})
	}
}
