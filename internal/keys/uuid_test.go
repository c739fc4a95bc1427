package keys

import (
	"testing"
)

// TestIsUUID: only the form of the subs that this server makes is one.
func TestIsUUID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"sub", "6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5a", true},
		{"capitals", "6F9BD4C8-0B6C-4F4E-9F0B-0D3C4D2C1B5A", false},
		{"no dashes", "6f9bd4c80b6c4f4e9f0b0d3c4d2c1b5a", false},
		{"braces", "{6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5a}", false},
		{"URN", "urn:uuid:6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5a", false},
		{"dash elsewhere", "6f9bd4c80-b6c-4f4e-9f0b-0d3c4d2c1b5a", false},
		{"no digit", "6f9bd4c8-0b6c-4f4e-9f0b-0d3c4d2c1b5g", false},
		{"short", "6f9bd4c8", false},
		{"none", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := IsUUID(tt.text); got != tt.want {
				t.Errorf("IsUUID(%q) = %v", tt.text, got)
			}
		})
	}
}
