package awsjson

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func slowPlainLen(s []byte) int {
	for i, c := range s {
		if c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

func TestPlainLen(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for length := range 20 {
			for at := range length {
				s := make([]byte, length)
				for i := range s {
					s[i] = 'a'
				}
				s[at] = byte(c)
				if got, want := plainLen(s), slowPlainLen(s); got != want {
					t.Fatalf("plainLen(%q) = %d, want %d", s, got, want)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOf(rapid.Byte()).Draw(t, "s")
		if got, want := plainLen(s), slowPlainLen(s); got != want || plainLen(string(s)) != want {
			t.Fatalf("plainLen(%q) = %d, want %d", s, got, want)
		}
	})
}

// TestStringRoundTrip: what is written is read again, here and by the standard library.
func TestStringRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		b := String(nil, s)
		var std string
		if err := json.Unmarshal(b, &std); err != nil || std != s {
			t.Fatalf("%q was written as %s: %v", s, b, err)
		}
		d := NewDecoder(b)
		got := d.String()
		nul := false
		for _, r := range s {
			nul = nul || r == 0
		}
		if err := d.Finish(""); nul != (err != nil) || !nul && got != s {
			t.Fatalf("%s was read as %q: %v", b, got, err)
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		ms   int64
		want string
	}{
		{"whole", 1594889658000, "1594889658"},
		{"milliseconds", 1594889658976, "1594889658.976"},
		{"leading zeros", 1594889658006, "1594889658.006"},
		{"trailing zeros", 1594889658100, "1594889658.1"},
		{"zero", 0, "0"},
		{"before 1970", -1500, "-1.5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := Time(nil, time.UnixMilli(tt.ms))
			if string(b) != tt.want {
				t.Errorf("Time = %s, want %s", b, tt.want)
			}
			d := NewDecoder(b)
			if got := d.Time(); got.UnixMilli() != tt.ms || d.Finish("") != nil {
				t.Errorf("%s was read as %v", b, got)
			}
		})
	}
	for _, bad := range []string{`"x"`, `1e300`, `-1e300`, `true`, `{}`, ``} {
		d := NewDecoder([]byte(bad))
		d.Time()
		if d.Finish("") == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestLoose(t *testing.T) {
	t.Parallel()
	d := NewLooseDecoder([]byte(`"900"`))
	if n := d.Int32(); n != 900 || d.Finish("") != nil {
		t.Errorf("Int32 = %d", n)
	}
	for _, bad := range []string{`"9.0"`, `""`, `"x"`, `"2147483648"`} {
		d = NewLooseDecoder([]byte(bad))
		d.Int32()
		if d.Finish("") == nil {
			t.Errorf("%s was read", bad)
		}
	}
	d = NewLooseDecoder([]byte(`"true"`))
	if !d.Bool() || d.Finish("") != nil {
		t.Error("true was not read")
	}
}

func TestLength16(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		want := int64(0)
		for _, r := range s {
			want++
			if r > 0xFFFF {
				want++
			}
		}
		if got := length16(s); got != want {
			t.Fatalf("length16(%q) = %d, want %d", s, got, want)
		}
	})
}
