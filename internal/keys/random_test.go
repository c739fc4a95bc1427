package keys

import (
	"regexp"
	"strings"
	"testing"
)

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, form string
		draw       func() string
	}{
		{"code of 6", `^\d{6}$`, func() string { return NewCode(6) }},
		{"code of 8", `^\d{8}$`, func() string { return NewCode(8) }},
		{"UUID", `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, NewUUID},
		{"pool id", `^us-east-1_[0-9A-Za-z]{9}$`, func() string { return NewPoolID("us-east-1") }},
		{"client id", `^[0-7][0-9a-v]{25}$`, NewClientID},
		{"client secret", `^[0-9a-v]{51}$|^1[0-9a-v]{51}$`, NewClientSecret},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			form, seen := regexp.MustCompile(tt.form), map[string]bool{}
			for range 500 {
				s := tt.draw()
				if !form.MatchString(s) {
					t.Fatalf("%q does not match %s", s, tt.form)
				}
				seen[s] = true
			}
			if len(seen) < 490 {
				t.Errorf("%d different of 500", len(seen))
			}
		})
	}
}

// TestRandomStringIsUniform has a chi-squared test per position; its limit is
// passed by chance once in some millions of runs.
func TestRandomStringIsUniform(t *testing.T) {
	t.Parallel()
	const draws = 20000
	for _, alphabet := range []string{digits, digits + lowerLetters + upperLetters, "ab"} {
		counts := [6]map[byte]int{}
		for i := range counts {
			counts[i] = map[byte]int{}
		}
		for range draws {
			for i, c := range []byte(randomString(alphabet, len(counts))) {
				counts[i][c]++
			}
		}
		want := float64(draws) / float64(len(alphabet))
		free := float64(len(alphabet) - 1)
		for i, m := range counts {
			var chi float64
			for _, c := range []byte(alphabet) {
				d := float64(m[c]) - want
				chi += d * d / want
			}
			if limit := free + 8*sqrt(free) + 16; chi > limit {
				t.Errorf("alphabet of %d, position %d: chi² %.1f > %.1f", len(alphabet), i, chi, limit)
			}
		}
	}
}

func sqrt(x float64) float64 {
	r := x
	for range 50 {
		r = (r + x/r) / 2
	}
	return r
}

func TestNewTemporaryPassword(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		rules PasswordRules
		long  int
		need  []string
		not   string
	}{
		{"all", PasswordRules{8, true, true, true, true}, 8, []string{upperLetters, lowerLetters, digits, symbols}, ""},
		{"none", PasswordRules{}, 8, nil, symbols},
		{"short", PasswordRules{6, false, true, false, false}, 8, []string{lowerLetters}, symbols},
		{"long", PasswordRules{99, true, false, true, true}, 99, []string{upperLetters, digits, symbols}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for range 300 {
				p := NewTemporaryPassword(tt.rules)
				if len(p) != tt.long || strings.ContainsAny(p, tt.not) {
					t.Fatalf("%q", p)
				}
				for _, class := range tt.need {
					if !strings.ContainsAny(p, class) {
						t.Fatalf("%q has none of %s", p, class)
					}
				}
			}
		})
	}
}

func TestDerivedUUID(t *testing.T) {
	t.Parallel()
	r, _, _ := testRing(t)
	a, b := DerivedUUID(r.Derive("u", []byte("alice"))), DerivedUUID(r.Derive("u", []byte("bob")))
	if a == b || a != DerivedUUID(r.Derive("u", []byte("alice"))) || len(a) != 36 || a[14] != '4' {
		t.Errorf("%s, %s", a, b)
	}
}

// TestDerivedUUIDStays pins the spelling: the subs of simulated users depend on it.
func TestDerivedUUIDStays(t *testing.T) {
	t.Parallel()
	var b [32]byte
	for i := range b {
		b[i] = byte(i)
	}
	if got, want := DerivedUUID(b), "00010203-0405-4607-8809-0a0b0c0d0e0f"; got != want {
		t.Errorf("DerivedUUID = %s, want %s", got, want)
	}
}
