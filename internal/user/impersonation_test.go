package user

import (
	"strings"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/services"
)

// TestLongSignInName: what no index entry holds is the client's fault.
func TestLongSignInName(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.WithAliases)
		alice := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		_, err := r.UpdateAttributes(t.Context(), sn, nil, alice.ID(), attributes("preferred_username", strings.Repeat("é", 2048)), nil)
		if got := api.CodeOf(err); got != "InvalidParameterException" {
			t.Errorf("%v, want InvalidParameterException", err)
		}
	})
}

// TestPreferredUsernameOfAnotherShape: a name that people may choose freely must
// not have the shape of the addresses by which others sign in.
func TestPreferredUsernameOfAnotherShape(t *testing.T) {
	t.Parallel()
	const mail = "InvalidParameterException: preferred_username cannot be of email format, since user pool is configured for email alias."
	const phone = "InvalidParameterException: preferred_username cannot be of phone number format, since user pool is configured for phone number alias."
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range []struct {
			name    string
			aliases []idp.AliasAttributeType
			value   string
			want    string
		}{
			{"mail", []idp.AliasAttributeType{"email", "preferred_username"}, "bob@example.com", mail},
			{"phone", []idp.AliasAttributeType{"phone_number", "preferred_username"}, "+12065550100", phone},
			{"mail, which nobody signs in by", []idp.AliasAttributeType{"preferred_username"}, "bob@example.com", ""},
			{"only a word", []idp.AliasAttributeType{"email", "phone_number", "preferred_username"}, "bob", ""},
			{"no alias", []idp.AliasAttributeType{"email"}, "bob@example.com", ""},
		} {
			t.Run(row.name, func(t *testing.T) {
				sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { in.AliasAttributes = row.aliases })
				client := r.loadClient(t, sn, r.clientWith(t, sn, nil))
				u := r.have(t, sn, "mallory", idp.UserStatusTypeConfirmed, nil)
				for _, c := range []*pool.Client{client, nil} {
					_, err := r.UpdateAttributes(t.Context(), sn, c, u.ID(), attributes("preferred_username", row.value), nil)
					wantSays(t, err, row.want)
				}
				if row.want == "" {
					return // mallory has the name now
				}
				_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
					UserPoolId: sn.ID, Username: "carol", MessageAction: "SUPPRESS", UserAttributes: attributes("preferred_username", row.value),
				})
				wantSays(t, err, row.want)
			})
		}
	})
}
