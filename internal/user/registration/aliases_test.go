package registration

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
	"cognate/test/lambdas"
	"cognate/test/people"
	"cognate/test/race"
	"cognate/test/services"
)

// TestTakenNames is Cognito's table of taken names: what each operation says
// of an address that another user holds, by the style of the pool.
func TestTakenNames(t *testing.T) {
	t.Parallel()
	const address = "taken@example.com"
	type world struct {
		r      *rig
		sn     *pool.Snapshot
		client string
		owner  *user.User
	}
	signUp := func(t *testing.T, w *world, name string) error {
		_, err := w.r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: w.client, Username: name, Password: new(people.Password), UserAttributes: people.Attributes("email", address)})
		return err
	}
	update := func(t *testing.T, w *world, name string, mine string, asAdmin bool, list []idp.AttributeType) error {
		u := w.r.Have(t, w.sn, name, idp.UserStatusTypeConfirmed, people.Verified(mine))
		var c *pool.Client
		if !asAdmin {
			c = w.r.loadClient(t, w.sn, w.client)
		}
		_, err := w.r.UpdateAttributes(t.Context(), w.sn, c, u.ID(), list, nil)
		return err
	}
	before := func(in *idp.CreateUserPoolRequest) {
		in.UserAttributeUpdateSettings = &idp.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []idp.VerifiedAttributeType{"email"}}
	}
	both := func(a, b func(in *idp.CreateUserPoolRequest)) func(in *idp.CreateUserPoolRequest) {
		return func(in *idp.CreateUserPoolRequest) { a(in); b(in) }
	}
	const given = "AliasExistsException: An account with the given email already exists."
	rows := []struct {
		name   string
		pool   func(in *idp.CreateUserPoolRequest)
		client func(in *idp.CreateUserPoolClientRequest)
		call   func(t *testing.T, w *world) error
		want   string
		moved  bool // the owner lost the name
	}{
		{name: "SignUp, username", call: func(t *testing.T, w *world) error { return signUp(t, w, w.owner.Username()) },
			want: "UsernameExistsException: User already exists"},
		{name: "SignUp, username, hidden", client: services.Hiding, call: func(t *testing.T, w *world) error { return signUp(t, w, w.owner.Username()) },
			want: "UsernameExistsException: User already exists"},
		{name: "SignUp, alias", pool: services.WithAliases, call: func(t *testing.T, w *world) error { return signUp(t, w, "alice") },
			want: "UsernameExistsException: An account with the given email already exists."},
		{name: "SignUp, alias, hidden", pool: services.WithAliases, client: services.Hiding, call: func(t *testing.T, w *world) error { return signUp(t, w, "alice") }},
		{name: "SignUp, username attribute", pool: services.ByEmail, call: func(t *testing.T, w *world) error { return signUp(t, w, address) },
			want: "UsernameExistsException: User already exists"},
		{name: "SignUp, preferred_username of another as username", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			w.r.Change(t, w.sn, w.owner.ID(), func(u *user.User) { u.Attributes["preferred_username"] = "boss" })
			_, err := w.r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: w.client, Username: "boss", Password: new(people.Password)})
			return err
		}, want: "UsernameExistsException: User already exists"},

		{name: "UpdateUserAttributes, alias", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice", "alice@example.com", false, people.Attributes("email", address))
		}},
		{name: "UpdateUserAttributes, alias, verified before", pool: both(services.WithAliases, before), call: func(t *testing.T, w *world) error {
			return update(t, w, "alice", "alice@example.com", false, people.Attributes("email", address))
		}},
		{name: "UpdateUserAttributes, username attribute", pool: services.ByEmail, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice@example.com", "alice@example.com", false, people.Attributes("email", address))
		}, want: given},
		{name: "UpdateUserAttributes, username attribute, verified before", pool: both(services.ByEmail, before), call: func(t *testing.T, w *world) error {
			return update(t, w, "alice@example.com", "alice@example.com", false, people.Attributes("email", address))
		}, want: given},
		{name: "UpdateUserAttributes, preferred_username", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			w.r.Change(t, w.sn, w.owner.ID(), func(u *user.User) { u.Attributes["preferred_username"] = "boss" })
			return update(t, w, "alice", "alice@example.com", false, people.Attributes("preferred_username", "boss"))
		}, want: "AliasExistsException: An account with the given preferred_username already exists."},
		{name: "UpdateUserAttributes, username of another as preferred_username", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice", "alice@example.com", false, people.Attributes("preferred_username", w.owner.Username()))
		}, want: "AliasExistsException: An account with the given preferred_username already exists."},

		{name: "VerifyUserAttribute, alias", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			return verifyTaken(t, w.r, w.sn, w.client, address)
		}, want: given},
		{name: "VerifyUserAttribute, pending alias", pool: both(services.WithAliases, before), call: func(t *testing.T, w *world) error {
			return verifyTaken(t, w.r, w.sn, w.client, address)
		}, want: given},

		{name: "AdminUpdateUserAttributes, alias, no flag", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice", "alice@example.com", true, people.Attributes("email", address))
		}},
		{name: "AdminUpdateUserAttributes, alias, flag true", pool: services.WithAliases, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice", "alice@example.com", true, people.Attributes("email", address, "email_verified", "true"))
		}, moved: true},
		{name: "AdminUpdateUserAttributes, username attribute, no flag", pool: services.ByEmail, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice@example.com", "alice@example.com", true, people.Attributes("email", address))
		}, want: given},
		{name: "AdminUpdateUserAttributes, username attribute, flag true", pool: services.ByEmail, call: func(t *testing.T, w *world) error {
			return update(t, w, "alice@example.com", "alice@example.com", true, people.Attributes("email", address, "email_verified", "true"))
		}, want: given},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				w := &world{r: r, sn: sn, client: r.clientWith(t, sn, row.client)}
				name := "owner"
				if len(sn.UsernameAttributes) > 0 {
					name = address
				}
				w.owner = r.Have(t, sn, name, idp.UserStatusTypeConfirmed, people.Verified(address))
				people.WantError(t, row.call(t, w), row.want)
				owner := r.Read(t, sn, w.owner.ID())
				if owner.Attributes["email"] != address || owner.Verified("email") == row.moved {
					t.Errorf("the owner has %v", owner.Attributes)
				}
				if len(sn.AliasAttributes) == 0 && len(sn.UsernameAttributes) == 0 {
					return
				}
				u, err := r.Resolve(t.Context(), sn, address)
				if err != nil {
					t.Fatal(err)
				}
				if (u.ID() != owner.ID()) != row.moved {
					t.Errorf("the name is %s's", u.Username())
				}
			})
		}
	})
}

// verifyTaken has a user verify an address that another signs in by.
func verifyTaken(t *testing.T, r *rig, sn *pool.Snapshot, client, address string) error {
	u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
	bearer := r.Bearer(t, sn, client, u)
	_, err := r.UpdateUserAttributes(t.Context(), &idp.UpdateUserAttributesRequest{AccessToken: bearer, UserAttributes: people.Attributes("email", address)})
	people.WantError(t, err, "")
	in := &idp.VerifyUserAttributeRequest{AccessToken: bearer, AttributeName: "email", Code: r.lastCode(t, sn)}
	_, first := r.VerifyUserAttribute(t.Context(), in)
	_, second := r.VerifyUserAttribute(t.Context(), in)
	if lambdas.Says(first) != lambdas.Says(second) {
		t.Errorf("the code did not stay live: %q, then %q", lambdas.Says(first), lambdas.Says(second))
	}
	return first
}

// TestOneAliasOneUser has many confirm the same address at once.
func TestOneAliasOneUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.WithAliases)
		client := r.clientWith(t, sn, services.Hiding)
		const n = 6
		codes := make([]string, n)
		name := func(i int) string { return "alice" + string(rune('a'+i)) }
		for i := range n {
			r.Clock.Pass(1e6)
			_, err := r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: client, Username: name(i), Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com")})
			people.WantError(t, err, "")
			codes[i] = r.lastCode(t, sn)
		}
		got := race.Codes(race.AtOnce(n, func(i int) error {
			_, err := r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: name(i), ConfirmationCode: codes[i]})
			return err
		}))
		if got[""] != 1 || got["AliasExistsException"] != n-1 {
			t.Error(got)
		}
		// Forced, all of them succeed, and the address is one user's in the end.
		got = race.Codes(race.AtOnce(n, func(i int) error {
			_, err := r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: name(i), ConfirmationCode: codes[i], ForceAliasCreation: new(true)})
			return err
		}))
		if got[""] != n-1 || got["CodeMismatchException"] != 1 {
			t.Error(got)
		}
		owners := 0
		for i := range n {
			u, err := r.Resolve(t.Context(), sn, name(i))
			if err != nil {
				t.Fatal(err)
			}
			if u.Verified("email") {
				owners++
			}
		}
		if owners != 1 {
			t.Errorf("%d users have the address verified", owners)
		}
	})
}
