package acr

import (
	"strings"
	"testing"
)

// TestLevels compares combinations of factors with AWS's table of levels.
func TestLevels(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, amr string
		want      string
		level     int
	}{
		{name: "no factor"},
		{"a password", "pwd", "pwd", 1},
		{"a code by SMS", "sms", "sms", 2},
		{"a code by mail", "email_otp", "email_otp", 2},
		{"two codes", "sms email_otp", "sms email_otp mfa", 2},
		{"a passkey of the device", "swk", "swk", 3},
		{"a security key", "hwk", "hwk", 3},
		{"a password and a code by SMS", "pwd sms mfa", "pwd sms mfa", 3},
		{"a code by mail and then a password", "email_otp pwd", "email_otp pwd mfa", 3},
		{"a password and a passkey", "pwd swk", "pwd swk mfa", 3},
		{"a password and an app", "pwd otp mfa", "pwd otp mfa", 4},
		{"all", "sms swk otp pwd", "sms swk otp pwd mfa", 4},
		{"an app alone", "otp", "otp", 0},
		{"repeated and unknown values", "pwd pwd mfa fed xyz pwd", "pwd", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := Parse(strings.Fields(row.amr))
			if got := strings.Join(m.AMR(), " "); got != row.want || m.Level() != row.level {
				t.Errorf("%q on level %d, want %q on level %d", got, m.Level(), row.want, row.level)
			}
		})
	}
}
