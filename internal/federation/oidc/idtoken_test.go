package oidc

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestAccessTokenHash has the example of OpenID Connect Core §A.4.
func TestAccessTokenHash(t *testing.T) {
	t.Parallel()
	const token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	if got := accessTokenHash(jose.RS256, token); got != "77QmUPtjPfzWtF2AnpK9RQ" {
		t.Errorf("RS256: %s", got)
	}
	for alg, length := range map[jose.SignatureAlgorithm]int{jose.HS256: 22, jose.ES256: 22, jose.ES384: 32, jose.PS512: 43} {
		if got := accessTokenHash(alg, token); len(got) != length {
			t.Errorf("%s: %s", alg, got)
		}
	}
}
