package schema

import (
	"strings"
	"testing"
)

func TestIsEmail(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, address string
		want          bool
	}{
		{"plain", "alice@example.com", true},
		{"plus and dots", "a.b+c_d-e@mail.example.co.uk", true},
		{"single label", "root@localhost", true},
		{"beyond ASCII", "jörg@bücher.example", true},
		{"no at", "alice.example.com", false},
		{"two at", "a@b@example.com", false},
		{"no local part", "@example.com", false},
		{"no domain", "alice@", false},
		{"leading dot", ".alice@example.com", false},
		{"double dot", "al..ice@example.com", false},
		{"empty label", "alice@example..com", false},
		{"hyphen at a label's end", "alice@example-.com", false},
		{"space", "al ice@example.com", false},
		{"line break", "alice@example.com\r\nBcc: eve@example.com", false},
		{"second recipient", "alice@example.com,eve@example.com", false},
		{"angle brackets", "<alice@example.com>", false},
		{"quoted local part", `"alice"@example.com`, false},
		{"invalid UTF-8", "al\xffice@example.com", false},
		{"long local part", strings.Repeat("a", 65) + "@example.com", false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := IsEmail(row.address); got != row.want {
				t.Errorf("IsEmail(%q) = %v", row.address, got)
			}
		})
	}
}

func FuzzIsEmail(f *testing.F) {
	f.Add("alice@example.com")
	f.Add("a@b\n")
	f.Fuzz(func(t *testing.T, s string) {
		if !IsEmail(s) {
			return
		}
		if strings.ContainsAny(s, " \t\r\n\x00<>,;:\"()[]\\") || strings.Count(s, "@") != 1 {
			t.Errorf("%q passes for an address", s)
		}
	})
}

func TestIsPhone(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"+12065551234": true, "+1": true, "+123456789012345": true,
		"+1234567890123456": false, "12065551234": false, "+": false, "+1 206": false, "+1206a": false, "": false, "++1": false,
	} {
		if got := IsPhone(s); got != want {
			t.Errorf("IsPhone(%q) = %v", s, got)
		}
	}
}
