package keys

import (
	"encoding/base32"
	"testing"
	"time"
)

// TestTOTPVectors is RFC 6238, appendix B, for SHA-1; the codes of six digits
// are the last six of its eight.
func TestTOTPVectors(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for _, v := range []struct {
		at   int64
		step int64
		code string
	}{
		{59, 0x1, "94287082"},
		{1111111109, 0x23523EC, "07081804"},
		{1111111111, 0x23523ED, "14050471"},
		{1234567890, 0x273EF07, "89005924"},
		{2000000000, 0x3F940AA, "69279037"},
		{20000000000, 0x27BC86AA, "65353130"},
	} {
		if got := TOTPStepAt(time.Unix(v.at, 0)); got != v.step {
			t.Errorf("step at %d: got %d, want %d", v.at, got, v.step)
		}
		if got := hotp(secret, v.step, 8); got != v.code {
			t.Errorf("at %d: got %s, want %s", v.at, got, v.code)
		}
		if got := TOTPCode(secret, v.step); got != v.code[2:] {
			t.Errorf("six digits at %d: got %s, want %s", v.at, got, v.code[2:])
		}
	}
}

// TestHOTPVectors is RFC 4226, appendix D.
func TestHOTPVectors(t *testing.T) {
	t.Parallel()
	for i, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := hotp([]byte("12345678901234567890"), int64(i), 6); got != want {
			t.Errorf("count %d: got %s, want %s", i, got, want)
		}
	}
}

func TestMatchTOTP(t *testing.T) {
	t.Parallel()
	secret, now := NewTOTPSecret(), time.Unix(1_800_000_010, 0)
	current := TOTPStepAt(now)
	for d := int64(-3); d <= 3; d++ {
		step, ok := MatchTOTP(secret, TOTPCode(secret, current+d), now)
		if want := d >= -1 && d <= 1; ok != want || ok && step != current+d {
			t.Errorf("%+d steps: got %v of step %d", d, ok, step)
		}
		if ends := TOTPStepEnds(current + d); ok && !ends.After(now.Add(TOTPStep*time.Duration(d+1))) {
			t.Errorf("%+d steps: forgotten while it can be used", d)
		}
	}
	for _, code := range []string{"", "12345", "1234567", "abcdef", " " + TOTPCode(secret, current)} {
		if _, ok := MatchTOTP(secret, code, now); ok {
			t.Errorf("%q matches", code)
		}
	}
	if _, ok := MatchTOTP(NewTOTPSecret(), TOTPCode(secret, current), now); ok {
		t.Error("another secret's code matches")
	}
}

func TestTOTPSecretText(t *testing.T) {
	t.Parallel()
	secret := NewTOTPSecret()
	text := TOTPSecretText(secret)
	if len(text) != 52 {
		t.Errorf("%d characters, want 52", len(text))
	}
	back, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || string(back) != string(secret) {
		t.Errorf("got %x, %v; want %x", back, err, secret)
	}
}
