package signin

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/test/lambdas"
)

// TestUserMigrationTakesNobodysPlace: whatever the function answers, who is there
// stays who they are, and signs in by their own password. Only a verified alias
// can be moved, and only where the function says so.
func TestUserMigrationTakesNobodysPlace(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	engines(t, func(t *testing.T, r *rig) {
		for _, test := range []struct {
			name   string
			change func(*idp.CreateUserPoolRequest)
			user   string
			attrs  map[string]any // BOB is bob's username, SUB bob's sub
			want   string         // with force or without
		}{
			{"another's username", emailAlias, "new@example.com", map[string]any{"username": "bob", "email": "new@example.com", "email_verified": "true"}, sayMigrating},
			{"another's sub as username", emailAlias, "new@example.com", map[string]any{"username": "SUB", "email": "new@example.com", "email_verified": "true"}, sayMigrating},
			{"another's sub as sub", emailAlias, "carol", map[string]any{"sub": "SUB", "email": "new@example.com", "email_verified": "true"}, "tokens"},
			{"another's username as preferred one", preferredAlias, "carol", map[string]any{"preferred_username": "bob"}, sayMigrating},
			{"another's sub as preferred one", preferredAlias, "carol", map[string]any{"preferred_username": "SUB"}, sayMigrating},
			{"another's preferred one", preferredAlias, "carol", map[string]any{"preferred_username": "bobby"}, sayMigrating},
			{"another's preferred one as username", preferredAlias, "bobby2", map[string]any{"username": "bobby", "preferred_username": "bobby2"}, sayMigrating},
			{"another's number beside one's address", byEither, "new@example.com", map[string]any{"email": "new@example.com", "phone_number": "+15550100", "phone_number_verified": "true"}, sayMigrating},
			{"another's address in the place of one's own", byEither, "new@example.com", map[string]any{"email": "bob@example.com", "email_verified": "true"}, "InvalidLambdaResponseException: User email should be empty or same as username, since username attribute is email."},
			{"a name of another kind", nil, "carol", map[string]any{"username": "al ice", "email": "new@example.com"}, "InvalidLambdaResponseException: The username of the migrated user is not valid."},
			{"another name than was typed", nil, "carol", map[string]any{"username": "dave", "email": "new@example.com"}, "InvalidLambdaResponseException: The migrated user does not sign in by the name that was given: neither the username nor a verified alias is equal to it."},
			{"identities", nil, "carol", map[string]any{"identities": `[{"userId":"1"}]`, "email": "new@example.com"}, "tokens"},
			{"an attribute that is not in the schema", nil, "carol", map[string]any{"custom:rights": "all"}, "InvalidLambdaResponseException: Attributes did not conform to the schema: custom:rights: Attribute does not exist in the schema.\n"},
			{"a value of 1 MiB", nil, "carol", map[string]any{"name": long}, "InvalidLambdaResponseException: Attributes did not conform to the schema: name: String must be no longer than 2048 characters"},
		} {
			for _, force := range []bool{false, true} {
				sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
					migrating(in)
					if test.change != nil {
						test.change(in)
					}
				})
				c := r.client(t, sn)
				in := &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "bob", MessageAction: "SUPPRESS", UserAttributes: []idp.AttributeType{
					{Name: "email", Value: new("bob@example.com")}, {Name: "email_verified", Value: new("true")},
					{Name: "phone_number", Value: new("+15550100")}, {Name: "phone_number_verified", Value: new("true")},
					{Name: "preferred_username", Value: new("bobby")},
				}}
				if len(sn.UsernameAttributes) > 0 {
					in.Username = "bob@example.com"
				}
				made, err := r.users.AdminCreateUser(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				bob, err := r.users.Resolve(t.Context(), sn, *made.User.Username)
				if err != nil {
					t.Fatal(err)
				}
				attrs := map[string]any{}
				for k, v := range test.attrs {
					if attrs[k] = v; v == "SUB" {
						attrs[k] = bob.ID()
					}
				}
				r.moves(map[string]any{"userAttributes": attrs, "finalUserStatus": "CONFIRMED", "forceAliasCreation": force, "messageAction": "SUPPRESS"})
				want := test.want
				if want == sayMigrating {
					want += c.ID
				}
				got, err := r.plain(t.Context(), c, test.user, right)
				text := lambdas.Says(err)
				if err == nil {
					text = said(got, nil)
				}
				if text != want {
					t.Errorf("%s, force %v: %.300s", test.name, force, text)
				}
				openNextState, err := r.users.Resolve(t.Context(), sn, bob.Username())
				if err != nil || cmp.Diff(bob.Attributes, openNextState.Attributes) != "" || openNextState.ID() != bob.ID() || string(openNextState.Rec.Credential) != string(bob.Rec.Credential) {
					t.Errorf("%s, force %v: bob is %+v, %v", test.name, force, openNextState, err)
				}
				for _, name := range []string{"bob@example.com", "+15550100", "bobby"} {
					if before, err := r.users.Resolve(t.Context(), sn, name); err == nil && before.ID() != bob.ID() {
						t.Errorf("%s, force %v: %s is somebody else's", test.name, force, name)
					}
				}
				if test.want != "tokens" {
					out, err := r.users.ListUsers(t.Context(), &idp.ListUsersRequest{UserPoolId: sn.ID})
					if err != nil || len(out.Users) != 1 {
						t.Errorf("%s, force %v: %d users, %v", test.name, force, len(out.Users), err)
					}
				}
			}
		}
	})
}

func preferredAlias(in *idp.CreateUserPoolRequest) {
	in.AliasAttributes = []idp.AliasAttributeType{"preferred_username"}
}

func byEither(in *idp.CreateUserPoolRequest) {
	in.UsernameAttributes = []idp.UsernameAttributeType{"email", "phone_number"}
}

// TestUserMigrationOfOneAddress: two names at once, for both of which the
// function gives one verified address. One of them has it, and nobody else is
// stored.
func TestUserMigrationOfOneAddress(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { migrating(in); emailAlias(in) })
		c := r.client(t, sn)
		r.moves(map[string]any{"userAttributes": map[string]any{"email": "one@example.com", "email_verified": "true"}, "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS"})
		names := []string{"alice", "bob", "carol", "dave"}
		got := make([]string, len(names))
		var wg sync.WaitGroup
		for i, name := range names {
			wg.Go(func() {
				out, err := r.plain(t.Context(), c, name, right)
				if got[i] = lambdas.Says(err); err == nil {
					got[i] = said(out, nil)
				}
			})
		}
		wg.Wait()
		signedIn := ""
		for i, g := range got {
			if g == "tokens" {
				signedIn += names[i]
			} else {
				wantSays(t, g, sayMigrating+c.ID)
			}
		}
		u, err := r.users.Resolve(t.Context(), sn, "one@example.com")
		if err != nil || u.Username() != signedIn {
			t.Errorf("%q signed in, the address is of %+v, %v", signedIn, u, err)
		}
		out, err := r.users.ListUsers(t.Context(), &idp.ListUsersRequest{UserPoolId: sn.ID})
		if err != nil || len(out.Users) != 1 {
			t.Errorf("%d users, %v", len(out.Users), err)
		}
	})
}
