package schema

import "testing"

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "+.5", "1e9", "", "..", "9223372036854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := number(s)
		if r != nil && number(r.FloatString(maxDigits/4)) == nil && len(s) < maxDigits/4 {
			t.Errorf("%q reads as %s, which does not read", s, r)
		}
	})
}
