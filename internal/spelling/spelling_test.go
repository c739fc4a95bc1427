package spelling_test

import (
	"strings"
	"testing"

	"cognate/internal/spelling"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"AdminGetUser", "ListUsers", "ListUserPools", "aws:SourceIp", "COGNATE_LOG_LEVEL", "DB"}
	tests := []struct {
		name, given, want string
	}{
		{"a letter more", "AdminGetUsers", "AdminGetUser"},
		{"a letter less", "ListUser", "ListUsers"},
		{"exchanged", "LsitUsers", "ListUsers"},
		{"another case", "aws:sourceip", "aws:SourceIp"},
		{"another letter", "COGNATE_LOG_LEVEN", "COGNATE_LOG_LEVEL"},
		{"without its underscore", "COGNATE_LOGLEVEL", "COGNATE_LOG_LEVEL"},
		{"nothing near", "RunInstances", ""},
		{"short", "DP", "DB"},
		{"empty", "", ""},
		{"endless", strings.Repeat("x", 1<<20), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := spelling.Nearest(tt.given, known); got != tt.want {
				t.Errorf("Nearest(%.40q) = %q, want %q", tt.given, got, tt.want)
			}
		})
	}
	if got := spelling.Meant("ListUser", known); got != "; did you mean ListUsers?" {
		t.Errorf("Meant = %q", got)
	}
	if got := spelling.Meant("RunInstances", known); got != "" {
		t.Errorf("Meant = %q", got)
	}
}
