package mailing

import (
	"testing"
)

func TestMasks(t *testing.T) {
	t.Parallel()
	rows := []struct{ name, got, want string }{
		{"mail", maskEmail("jane.doe@example.com"), "j***@e***"},
		{"short mail", maskEmail("j@e"), "j***@e***"},
		{"mail beyond ASCII", maskEmail("öl@übung.example"), "ö***@ü***"},
		{"phone", maskPhone("+12065551234"), "+*******1234"},
		{"short phone", maskPhone("+123"), "+123"},
		{"four digits", maskPhone("+1234"), "+1234"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.got != row.want {
				t.Errorf("got %q, want %q", row.got, row.want)
			}
		})
	}
}
