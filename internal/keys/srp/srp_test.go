package srp

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func bigN() *big.Int { return new(big.Int).SetBytes(modulus.bytes()) }

// bigPad is PAD by way of math/big, apart from the code under test.
func bigPad(b []byte) []byte {
	b = new(big.Int).SetBytes(b).Bytes()
	if len(b) > 0 && b[0]&0x80 == 0 {
		return b
	}
	return append([]byte{0}, b...)
}

func bigX(pool, user, password string, salt []byte) *big.Int {
	inner := sha256.Sum256([]byte(pool + user + ":" + password))
	x := sha256.Sum256(append(bigPad(salt), inner[:]...))
	return new(big.Int).SetBytes(x[:])
}

func bigU(a, b []byte) *big.Int {
	u := sha256.Sum256(append(bigPad(a), bigPad(b)...))
	return new(big.Int).SetBytes(u[:])
}

func hkdfKey(t testing.TB, s, u []byte) []byte {
	t.Helper()
	k, err := hkdf.Key(sha256.New, bigPad(s), bigPad(u), "Caldera Derived Key", 16)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func drawElement(t *rapid.T, label string) element {
	var e element
	kind := rapid.IntRange(0, 4).Draw(t, label+" kind")
	switch kind {
	case 0: // near N
		d := rapid.Uint64Range(1, 1000).Draw(t, label)
		e.setBytes(new(big.Int).Sub(bigN(), new(big.Int).SetUint64(d)).Bytes())
	case 1: // small
		e[0] = rapid.Uint64().Draw(t, label)
	case 2: // sparse, with limbs at their bounds
		for i := range e {
			e[i] = rapid.SampledFrom([]uint64{0, 0, 1, ^uint64(0), 1 << 63}).Draw(t, label)
		}
	default:
		for i := range e {
			e[i] = rapid.Uint64().Draw(t, label)
		}
	}
	return e
}

func toBig(e *element) *big.Int { return new(big.Int).SetBytes(e.bytes()) }

// TestKernel holds the kernel in use, and the portable one, against math/big.
func TestKernel(t *testing.T) {
	t.Parallel()
	n := bigN()
	rInv := new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), 8*Size), n)
	rapid.Check(t, func(t *rapid.T) {
		x, y := drawElement(t, "x"), drawElement(t, "y")
		want := new(big.Int).Mul(toBig(&x), toBig(&y))
		want.Mul(want, rInv).Mod(want, n)
		wantSquare := new(big.Int).Mul(toBig(&x), toBig(&x))
		wantSquare.Mul(wantSquare, rInv).Mod(wantSquare, n)
		wantSum := new(big.Int).Add(toBig(&x), toBig(&y))
		wantSum.Mod(wantSum, n)

		var z element
		same := func(want *big.Int) bool { return new(big.Int).Mod(toBig(&z), n).Cmp(want) == 0 }
		for name, f := range map[string]func(){
			"mul":        func() { mul(&z, &x, &y) },
			"mulGeneric": func() { mulGeneric(&z, &x, &y) },
			"mul, z aliases x": func() {
				z = x
				mul(&z, &z, &y)
			},
			"mul, z aliases y": func() {
				z = y
				mul(&z, &x, &z)
			},
		} {
			if f(); !same(want) {
				t.Fatalf("%s: got %x, want %x", name, toBig(&z), want)
			}
		}
		if square(&z, &x); !same(wantSquare) {
			t.Fatalf("square: got %x, want %x", toBig(&z), wantSquare)
		}
		z = x
		if square(&z, &z); !same(wantSquare) {
			t.Fatalf("square in place: got %x, want %x", toBig(&z), wantSquare)
		}
		x.reduceOnce(0)
		y.reduceOnce(0)
		if z.add(&x, &y); toBig(&z).Cmp(wantSum) != 0 {
			t.Fatalf("add: got %x, want %x", toBig(&z), wantSum)
		}
	})
}

// TestKernelUnreduced covers A ≥ N, the one operand that is not reduced.
func TestKernelUnreduced(t *testing.T) {
	t.Parallel()
	var all element
	for i := range all {
		all[i] = ^uint64(0)
	}
	m := constants()
	var z element
	m.toMont(&z, &all)
	m.fromMont(&z, &z)
	want := new(big.Int).Mod(toBig(&all), bigN())
	if toBig(&z).Cmp(want) != 0 {
		t.Errorf("got %x, want %x", toBig(&z), want)
	}
}

func TestPowers(t *testing.T) {
	t.Parallel()
	n, m := bigN(), constants()
	rapid.Check(t, func(t *rapid.T) {
		x := drawElement(t, "x")
		var e exponent
		for i := range e {
			e[i] = rapid.Uint64().Draw(t, "e")
			if rapid.Bool().Draw(t, "sparse") {
				e[i] &= 1 << (e[i] % 64)
			}
		}
		eb := new(big.Int)
		for i := range e {
			eb.Lsh(eb, 64).Or(eb, new(big.Int).SetUint64(e[len(e)-1-i]))
		}
		var xm, z element
		m.toMont(&xm, &x)

		powG(&z, &e)
		m.fromMont(&z, &z)
		if want := new(big.Int).Exp(big.NewInt(2), eb, n); toBig(&z).Cmp(want) != 0 {
			t.Fatalf("powG: got %x, want %x", toBig(&z), want)
		}
		want := new(big.Int).Exp(toBig(&x), eb, n)
		pow(&z, &xm, &e)
		m.fromMont(&z, &z)
		if toBig(&z).Cmp(want) != 0 {
			t.Fatalf("pow: got %x, want %x", toBig(&z), want)
		}
		powPublic(&z, &xm, &e)
		m.fromMont(&z, &z)
		if toBig(&z).Cmp(want) != 0 {
			t.Fatalf("powPublic: got %x, want %x", toBig(&z), want)
		}
	})
}

func TestGroup(t *testing.T) {
	t.Parallel()
	n := bigN()
	if n.BitLen() != 8*Size || !n.ProbablyPrime(5) || !new(big.Int).Rsh(n, 1).ProbablyPrime(5) {
		t.Error("N is not a safe prime of 3072 bits")
	}
	if modulus[0] != ^uint64(0) {
		t.Error("the lowest limb of N is not 2^64-1")
	}
	k := sha256.Sum256(append(pad(modulus.bytes()), 2))
	if toBig(&multiplier).Cmp(new(big.Int).SetBytes(k[:])) != 0 {
		t.Errorf("k is %x, want %x", toBig(&multiplier), k)
	}
}

// TestExchange runs both sides, the client's in math/big.
func TestExchange(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		const pool, user, password = "AbCdEf123", "alice", "correct horse"
		salt := NewSalt()
		if len(salt) != SaltSize || salt[0] == 0 {
			t.Fatalf("salt %x", salt)
		}
		v := Verifier(pool, user, password, salt)
		b, public, err := ServerChallenge(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ServerPublic(b, v)
		if err != nil || !bytes.Equal(again, public) {
			t.Fatalf("ServerPublic differs from ServerChallenge: %v", err)
		}
		// Long and short a, since clients draw 32 to 128 bytes.
		raw := make([]byte, 16+rand.IntN(113))
		for j := range raw {
			raw[j] = byte(rand.Uint32())
		}
		a := new(big.Int).SetBytes(raw)
		text := new(big.Int).Exp(big.NewInt(2), a, bigN()).Text(16)
		if i%2 == 0 {
			text = "00" + strings.ToUpper(text)
		}
		publicA, err := ParsePublic(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := SessionKey(publicA, b, v, public)
		if err != nil {
			t.Fatal(err)
		}
		if want := clientKey(t, new(big.Int).Set(a), pool, user, password, salt, publicA, public); !bytes.Equal(got, want) {
			t.Fatalf("keys differ: server %x, client %x", got, want)
		}
		wrong := clientKey(t, a, pool, user, "wrong horse", salt, publicA, public)
		if bytes.Equal(got, wrong) {
			t.Fatal("a wrong password gives the same key")
		}
	}
}

func TestParsePublic(t *testing.T) {
	t.Parallel()
	n := bigN()
	add := func(d int64) string { return new(big.Int).Add(n, big.NewInt(d)).Text(16) }
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"one", "1", true},
		{"odd number of digits", "abc", true},
		{"upper case", "ABCDEF", true},
		{"leading zeros", strings.Repeat("0", 64) + strings.Repeat("f", 2), true},
		{"N minus 1", add(-1), true},
		{"above N", add(1), true},
		{"all ones", strings.Repeat("f", 768), true},
		{"empty", "", false},
		{"zero", "0", false},
		{"many zeros", strings.Repeat("0", 768), false},
		{"N", add(0), false},
		{"2N", new(big.Int).Lsh(n, 1).Text(16), false},
		{"2^3072", "1" + strings.Repeat("0", 768), false},
		{"too long", strings.Repeat("0", 10000) + "1", false},
		{"sign", "-1", false},
		{"prefix", "0x12", false},
		{"space", " 12", false},
		{"underscore", "1_2", false},
		{"not hexadecimal", "xyz", false},
		{"full-width digit", "１", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParsePublic(tt.in)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrPublic) {
				t.Fatalf("err = %v, want ok %v", err, tt.ok)
			}
			if tt.ok && len(got) != Size {
				t.Errorf("%d bytes, want %d", len(got), Size)
			}
		})
	}
}

func FuzzParsePublic(f *testing.F) {
	f.Add("1")
	f.Add("0")
	f.Add(bigN().Text(16))
	f.Add(strings.Repeat("f", 768))
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParsePublic(s)
		want, ok := new(big.Int), len(s) > 0 && len(s) <= maxHex
		for i := 0; ok && i < len(s); i++ {
			ok = strings.IndexByte("0123456789abcdefABCDEF", s[i]) >= 0
		}
		if ok {
			want.SetString(s, 16)
			ok = want.BitLen() <= 8*Size && new(big.Int).Mod(want, bigN()).Sign() != 0
		}
		if ok != (err == nil) {
			t.Fatalf("%q: err %v, want ok %v", s, err, ok)
		}
		if ok && new(big.Int).SetBytes(got).Cmp(want) != 0 {
			t.Fatalf("%q: got %x", s, got)
		}
	})
}

func TestParseVerifier(t *testing.T) {
	t.Parallel()
	n := bigN().Bytes()
	for _, tt := range []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"one", []byte{1}, true},
		{"leading zero", append([]byte{0}, n[:383]...), true},
		{"N minus 1", new(big.Int).Sub(bigN(), big.NewInt(1)).Bytes(), true},
		{"empty", nil, false},
		{"zero", []byte{0, 0}, false},
		{"N", n, false},
		{"too long", append([]byte{1}, n...), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseVerifier(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("err = %v, want ok %v", err, tt.ok)
			}
			if tt.ok && new(big.Int).SetBytes(got).Cmp(new(big.Int).SetBytes(tt.in)) != 0 {
				t.Errorf("got %x", got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	v := Verifier("p", "u", "pw", NewSalt())
	b, public, err := ServerChallenge(v)
	if err != nil {
		t.Fatal(err)
	}
	one, err := ParsePublic("1")
	if err != nil {
		t.Fatal(err)
	}
	zero, zeroA := make([]byte, Size), bigN().Bytes()
	for _, tt := range []struct {
		name            string
		a, b, v, public []byte
	}{
		{"A is 0", zero, b, v, public},
		{"A is N", zeroA, b, v, public},
		{"short A", one[1:], b, v, public},
		{"short b", one, b[1:], v, public},
		{"v is 0", one, b, zero, public},
		{"v is N", one, b, zeroA, public},
		{"short v", one, b, v[1:], public},
		{"short B", one, b, v, public[1:]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if k, err := SessionKey(tt.a, tt.b, tt.v, tt.public); err == nil {
				t.Errorf("got key %x, want an error", k)
			}
		})
	}
	if _, _, err := ServerChallenge(zero); err == nil {
		t.Error("ServerChallenge accepts v = 0")
	}
}

func TestFakeVerifier(t *testing.T) {
	t.Parallel()
	v := FakeVerifier([]byte("seed"))
	if !bytes.Equal(v, FakeVerifier([]byte("seed"))) || bytes.Equal(v, FakeVerifier([]byte("other"))) {
		t.Error("a fake verifier is not a function of its seed")
	}
	if _, _, err := ServerChallenge(v); err != nil {
		t.Error(err)
	}
}

func TestSignatureMatches(t *testing.T) {
	t.Parallel()
	sig := Signature([]byte("key"), "pool", "user", []byte("block"), "time")
	right := base64.StdEncoding.EncodeToString(sig)
	if !SignatureMatches(sig, right) {
		t.Fatal("the right claim does not match")
	}
	for _, tt := range []struct {
		name, claim string
	}{
		{"empty", ""},
		{"other", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
		{"no padding", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"line end", right + "\n"},
		{"not base64", strings.Repeat("*", 44)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if SignatureMatches(sig, tt.claim) {
				t.Error("matches")
			}
		})
	}
}

func TestParseTimestamp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     time.Time
		err      error
	}{
		{"one digit", "Tue Jan 7 09:05:03 UTC 2025", time.Date(2025, 1, 7, 9, 5, 3, 0, time.UTC), nil},
		{"two digits", "Sat Nov 30 23:59:59 UTC 2024", time.Date(2024, 11, 30, 23, 59, 59, 0, time.UTC), nil},
		{"leap day", "Thu Feb 29 00:00:00 UTC 2024", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), nil},
		{"padded day", "Tue Jan 07 09:05:03 UTC 2025", time.Time{}, ErrTimestampForm},
		{"day padded by a blank", "Tue Jan  7 09:05:03 UTC 2025", time.Time{}, ErrTimestampForm},
		{"wrong weekday", "Wed Jan 7 09:05:03 UTC 2025", time.Time{}, ErrTimestampForm},
		{"lower case", "tue jan 7 09:05:03 UTC 2025", time.Time{}, ErrTimestampForm},
		{"upper case", "TUE Jan 7 09:05:03 UTC 2025", time.Time{}, ErrTimestampForm},
		{"one-digit hour", "Tue Jan 7 9:05:03 UTC 2025", time.Time{}, ErrTimestampForm},
		{"other zone", "Tue Jan 7 09:05:03 GMT 2025", time.Time{}, ErrTimestampForm},
		{"no zone", "Tue Jan 7 09:05:03 2025", time.Time{}, ErrTimestamp},
		{"other language", "Di Jan 7 09:05:03 UTC 2025", time.Time{}, ErrTimestamp},
		{"other digits", "Tue Jan ٧ 09:05:03 UTC 2025", time.Time{}, ErrTimestamp},
		{"ISO 8601", "2025-01-07T09:05:03Z", time.Time{}, ErrTimestamp},
		{"no such day", "Sun Feb 30 09:05:03 UTC 2025", time.Time{}, ErrTimestamp},
		{"trailing", "Tue Jan 7 09:05:03 UTC 2025 ", time.Time{}, ErrTimestamp},
		{"empty", "", time.Time{}, ErrTimestamp},
		{"long", strings.Repeat("Tue ", 100), time.Time{}, ErrTimestamp},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseTimestamp(tt.in)
			if !got.Equal(tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func FuzzParseTimestamp(f *testing.F) {
	f.Add("Tue Jan 7 09:05:03 UTC 2025")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseTimestamp(s); err == nil && FormatTimestamp(got) != s {
			t.Errorf("%q reads as %v", s, got)
		}
	})
}

func TestPoolName(t *testing.T) {
	t.Parallel()
	if got := PoolName("us-east-1_AbCdEf123"); got != "AbCdEf123" {
		t.Errorf("got %q", got)
	}
}
