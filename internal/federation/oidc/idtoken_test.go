package oidc

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"cognate/test/fakeidp"
)

// TestKeySet reads sets in which only some keys can be used.
func TestKeySet(t *testing.T) {
	t.Parallel()
	with := func(changes map[string]any) map[string]any {
		key := fakeidp.RSAKey("a").JWK()
		maps.Copy(key, changes)
		return key
	}
	for _, test := range []struct {
		name string
		keys []any
		want []string // IDs
	}{
		{"good", []any{with(nil), fakeidp.ECKey("b").JWK()}, []string{"a", "b"}},
		{"certificates that do not parse", []any{with(map[string]any{"x5c": []any{"AA=="}, "x5t": "x", "x5u": 1})}, []string{"a"}},
		{"members that are not known", []any{with(map[string]any{"issuer": "https://a.example", "ext": true})}, []string{"a"}},
		{"unknown type beside a good key", []any{map[string]any{"kty": "AKP", "kid": "c"}, nil, 1, with(nil)}, []string{"a"}},
		{"no ID", []any{with(map[string]any{"kid": ""})}, nil},
		{"for encryption", []any{with(map[string]any{"use": "enc"})}, nil},
		{"secret", []any{map[string]any{"kty": "oct", "kid": "s", "k": "AAAA"}}, nil},
		{"two keys with one ID", []any{with(nil), with(nil)}, []string{"a"}},
		{"more keys than are read", append(slices.Repeat([]any{nil}, 100), with(nil)), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := json.Marshal(map[string]any{"keys": test.keys})
			if err != nil {
				t.Fatal(err)
			}
			set, err := parseKeySet(b)
			if got := slices.Sorted(maps.Keys(set)); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := parseKeySet([]byte(`{}`)); err == nil {
		t.Error("a document without keys is no key set")
	}
}

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
