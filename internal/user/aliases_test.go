package user

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/services"
)

// TestAliasesAreFolded signs in by aliases of another case.
func TestAliasesAreFolded(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for name, row := range map[string]struct {
			pool func(in *idp.CreateUserPoolRequest)
			want bool
		}{
			"exact":    {services.WithAliases, false},
			"any case": {func(in *idp.CreateUserPoolRequest) { services.WithAliases(in); services.AnyCase(in) }, true},
		} {
			t.Run(name, func(t *testing.T) {
				sn := r.poolWith(t, row.pool)
				attrs := verified("Alice@Example.com")
				attrs["preferred_username"] = "Ally"
				attrs["phone_number"] = "+12065550100" // Not verified, so no alias.
				u := r.have(t, sn, "alice1", idp.UserStatusTypeConfirmed, attrs)
				for alias, want := range map[string]bool{
					"Alice@Example.com": true, "alice@example.com": row.want, "Ally": true, "ALLY": row.want, "+12065550100": false,
				} {
					got, err := r.Resolve(t.Context(), sn, alias)
					if (err == nil) != want || err == nil && got.ID() != u.ID() {
						t.Errorf("%s: %v", alias, err)
					}
				}
				if got := r.read(t, sn, u.ID()).Attributes["email"]; got != "Alice@Example.com" {
					t.Errorf("the address shows as %q", got)
				}
			})
		}
	})
}
