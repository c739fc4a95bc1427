package user

import (
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/services"
)

func TestAdminDisableUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		before := r.bearerOf(t, sn, client, u)
		get := func(token string) error {
			_, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: token})
			return err
		}
		disable := func() {
			t.Helper()
			if _, err := r.AdminDisableUser(t.Context(), &idp.AdminDisableUserRequest{UserPoolId: sn.ID, Username: "alice"}); err != nil {
				t.Fatal(err)
			}
		}
		enable := func() {
			t.Helper()
			if _, err := r.AdminEnableUser(t.Context(), &idp.AdminEnableUserRequest{UserPoolId: sn.ID, Username: "alice"}); err != nil {
				t.Fatal(err)
			}
		}
		enable() // Nothing changes.
		if got := r.read(t, sn, u.ID()); got.Rec.Version != u.Rec.Version {
			t.Error("enabling an enabled user changed the row")
		}
		wantSays(t, get(before), "")
		r.Clock.Pass(time.Minute)
		disable()
		disable()
		if err := get(before); err == nil {
			t.Error("a disabled user's token works")
		}
		off := r.read(t, sn, u.ID())
		if off.Rec.Enabled || off.Status() != idp.UserStatusTypeConfirmed || !off.Rec.ModifiedAt.After(u.Rec.ModifiedAt) {
			t.Errorf("%+v", off.Rec)
		}
		r.Clock.Pass(time.Minute)
		enable()
		wantSays(t, get(before), "NotAuthorizedException: Access Token has been revoked")
		wantSays(t, get(r.bearerOf(t, sn, client, r.read(t, sn, u.ID()))), "")
	})
}

func TestAdminUserGlobalSignOut(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		u, other := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil), r.have(t, sn, "bob", idp.UserStatusTypeConfirmed, nil)
		mine, his := r.bearerOf(t, sn, client, u), r.bearerOf(t, sn, client, other)
		if _, err := r.AdminUserGlobalSignOut(t.Context(), &idp.AdminUserGlobalSignOutRequest{UserPoolId: sn.ID, Username: "alice"}); err != nil {
			t.Fatal(err)
		}
		_, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: mine})
		wantSays(t, err, "NotAuthorizedException: Access Token has been revoked")
		_, err = r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: his})
		wantSays(t, err, "")
		// Within the same second of the clock, too.
		_, err = r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: r.bearerOf(t, sn, client, r.read(t, sn, u.ID()))})
		wantSays(t, err, "")
	})
}

// TestAdminNames shows by which names an administrator finds a user, in every
// operation that takes one.
func TestAdminNames(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		plain, aliases, emails := r.poolWith(t, nil), r.poolWith(t, services.WithAliases), r.poolWith(t, services.ByEmail)
		inPlain := r.have(t, plain, "alice", idp.UserStatusTypeConfirmed, verified("a@example.com"))
		r.have(t, aliases, "alice", idp.UserStatusTypeConfirmed, verified("a@example.com"))
		r.have(t, aliases, "bob", idp.UserStatusTypeConfirmed, map[string]string{"email": "b@example.com", "preferred_username": "bobby"})
		inEmails := r.have(t, emails, "a@example.com", idp.UserStatusTypeConfirmed, map[string]string{"email": "a@example.com"})
		rows := []struct {
			name   string
			sn     *pool.Snapshot
			given  string
			finds  string
			misses bool
		}{
			{name: "username", sn: plain, given: "alice", finds: "alice"},
			{name: "sub", sn: plain, given: inPlain.ID(), finds: "alice"},
			{name: "sub in capitals", sn: plain, given: strings.ToUpper(inPlain.ID()), misses: true},
			{name: "address that is no alias", sn: plain, given: "a@example.com", misses: true},
			{name: "other case", sn: plain, given: "Alice", misses: true},
			{name: "sub of another pool", sn: aliases, given: inPlain.ID(), misses: true},
			{name: "verified alias", sn: aliases, given: "a@example.com", finds: "alice"},
			{name: "alias that is not verified", sn: aliases, given: "b@example.com", misses: true},
			{name: "preferred_username", sn: aliases, given: "bobby", finds: "bob"},
			{name: "address", sn: emails, given: "a@example.com", finds: inEmails.Username()},
			{name: "generated username", sn: emails, given: inEmails.Username(), finds: inEmails.Username()},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				out, err := r.AdminGetUser(t.Context(), &idp.AdminGetUserRequest{UserPoolId: row.sn.ID, Username: row.given})
				if row.misses {
					wantSays(t, err, "UserNotFoundException: User does not exist.")
					return
				}
				if err != nil || out.Username != row.finds {
					t.Errorf("got %+v, %v", out, err)
				}
			})
		}
	})
}
