package sigv4_test

import (
	"net/http"
	"strings"
	"testing"

	"cognate/internal/iam/sigv4"
)

func TestClaimedKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, header, want string
	}{
		{"signed", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=00", "AKIAIOSFODNN7EXAMPLE"},
		{"no scope", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"},
		{"the secret in its place", "AWS4-HMAC-SHA256 Credential=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY/20260301/us-east-1/cognito-idp/aws4_request", ""},
		{"too long", "AWS4-HMAC-SHA256 Credential=" + strings.Repeat("A", 129), ""},
		{"a line of its own", "AWS4-HMAC-SHA256 Credential=AKIA\nforged", ""},
		{"another scheme", "Bearer eyJhbGciOiJub25lIn0", ""},
		{"none", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := sigv4.ClaimedKey(http.Header{"Authorization": {tt.header}}); got != tt.want {
				t.Errorf("ClaimedKey = %q, want %q", got, tt.want)
			}
		})
	}
}
