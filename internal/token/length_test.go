package token

import (
	"fmt"
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/test/lambdas"
)

// manyGroups are groups of which each name has as many characters as a name can.
func manyGroups(n int, letter string) []Group {
	groups := make([]Group, n)
	for i := range groups {
		groups[i].Name = fmt.Sprintf("%03d", i) + strings.Repeat(letter, 125)
	}
	return groups
}

// TestLongAccessTokens: an access token that is issued is accepted, and one that
// would be too long is refused where it is issued.
func TestLongAccessTokens(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c, u := r.client(t, sn, nil), r.user(t, sn, "alice")
	for _, row := range []struct {
		name   string
		groups []Group
		longer int // at least so long is the token; 0: it is refused
		want   string
	}{
		{"a hundred groups", manyGroups(100, "g"), 16 << 10, ""},
		{"a hundred groups, two bytes a letter", manyGroups(100, "ж"), 32 << 10, ""},
		{"too many", manyGroups(100, "群"), 0,
			"InvalidParameterException: The access token would be longer than 49152 bytes: the user is in too many groups with long names."},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := r.grant(t, sn, c, u)
			g.Subject.Groups = row.groups
			set, err := r.Issue(t.Context(), g)
			wantSays(t, err, row.want)
			if err != nil {
				return
			}
			if n := len(set.AccessToken); n <= row.longer || n > keys.MaxJWS {
				t.Errorf("%d bytes", n)
			}
			if _, err := r.Authenticate(t.Context(), set.AccessToken); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a function adds too much", func(t *testing.T) {
		r.lambdas.On("tokens", func(e *lambdas.Event) string {
			e.Response["claimsAndScopeOverrideDetails"] = map[string]any{
				"accessTokenGeneration": map[string]any{"claimsToAddOrOverride": map[string]string{"long": strings.Repeat("x", keys.MaxJWS)}},
			}
			return ""
		})
		sn := r.withTrigger(t, idp.PreTokenGenerationLambdaVersionTypeV20)
		_, err := r.Issue(t.Context(), r.grant(t, sn, r.client(t, sn, nil), r.user(t, sn, "bob")))
		wantSays(t, err, "InvalidLambdaResponseException: The access token would be longer than 49152 bytes with the claims that the function adds.")
	})
}
