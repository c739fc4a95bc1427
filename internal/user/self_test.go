package user

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/test/race"
	"cognate/test/services"
)

func TestGetUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.CustomAttributes)
		attrs := verified("alice@example.com")
		attrs["custom:plan"], attrs["name"] = "gold", "Alice"
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, attrs)
		r.change(t, sn, u.ID(), func(u *User) { u.MFA = MFA{Enabled: []string{"SOFTWARE_TOKEN_MFA"}, Preferred: "SOFTWARE_TOKEN_MFA"} })
		sub := attributes("sub", u.ID())
		rows := []struct {
			name  string
			reads []string
			want  []idp.AttributeType
		}{
			{"all", nil, append(sub, attributes("custom:plan", "gold", "email", "alice@example.com", "email_verified", "true", "name", "Alice")...)},
			{"some", []string{"email", "nickname"}, append(sub, attributes("email", "alice@example.com")...)},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				client := r.clientWith(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.ReadAttributes = row.reads })
				out, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: r.bearerOf(t, sn, client, u)})
				if err != nil {
					t.Fatal(err)
				}
				want := &idp.GetUserResponse{Username: "alice", UserAttributes: row.want, PreferredMfaSetting: new("SOFTWARE_TOKEN_MFA"), UserMFASettingList: []string{"SOFTWARE_TOKEN_MFA"}}
				if diff := cmp.Diff(want, out); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.ByEmail)
		client := r.clientWith(t, sn, nil)
		u := r.have(t, sn, "alice@example.com", idp.UserStatusTypeConfirmed, verified("alice@example.com"))
		bearer := r.bearerOf(t, sn, client, u)
		wantSays(t, r.DeleteUser(t.Context(), &idp.DeleteUserRequest{AccessToken: bearer}), "")
		const gone = "UserNotFoundException: User does not exist."
		wantSays(t, r.DeleteUser(t.Context(), &idp.DeleteUserRequest{AccessToken: bearer}), gone)
		_, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: bearer})
		wantSays(t, err, gone)
		_, err = r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "alice@example.com", MessageAction: "SUPPRESS"})
		wantSays(t, err, "") // The name is free again.
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		const incorrect = "NotAuthorizedException: Incorrect username or password."
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		bearer := r.bearerOf(t, sn, client, u)
		change := func(old *string, next string) error {
			_, err := r.ChangePassword(t.Context(), &idp.ChangePasswordRequest{AccessToken: bearer, PreviousPassword: old, ProposedPassword: next})
			return err
		}
		wantSays(t, change(new("wrong"), "N3w!password"), incorrect)
		wantSays(t, change(nil, "N3w!password"), incorrect)
		wantSays(t, change(new(goodPassword), "new"), "InvalidPasswordException: Password does not conform to policy: Password not long enough")
		wantSays(t, change(new(goodPassword), "N3w!password"), "")
		if !r.matches(t, sn, u, "N3w!password") || r.read(t, sn, u.ID()).Status() != idp.UserStatusTypeConfirmed {
			t.Error("the password was not changed")
		}
		_, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: bearer})
		wantSays(t, err, "") // Tokens stay.

		wantSays(t, change(new("N3w!password"), goodPassword), "")
		wantSays(t, change(new(goodPassword), "N3w!password"), sayLimit) // The sixth within an hour.

		r.Clock.Pass(time.Hour)
		bearer = r.bearerOf(t, sn, client, u)
		r.change(t, sn, u.ID(), func(u *User) { u.Rec.Credential = nil })
		wantSays(t, change(nil, "F1rst!password"), "") // Nothing is there to prove.
	})
}

// TestChangePasswordLocksOut counts wrong passwords like those of a sign-in.
func TestChangePasswordLocksOut(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		bearer := r.bearerOf(t, sn, r.clientWith(t, sn, nil), u)
		for range quotaChange.Limit {
			_, err := r.ChangePassword(t.Context(), &idp.ChangePasswordRequest{AccessToken: bearer, PreviousPassword: new("wrong"), ProposedPassword: "N3w!password"})
			wantSays(t, err, "NotAuthorizedException: Incorrect username or password.")
		}
		if locked, err := r.deps.Lockouts.Locked(t.Context(), sn.ID, u.ID(), risk.Anywhere); err != nil || !locked {
			t.Errorf("five wrong passwords did not lock: %v", err)
		}
	})
}

// TestPasswordChangesAtOnce proves one old password many times at once.
func TestPasswordChangesAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		bearer := r.bearerOf(t, sn, r.clientWith(t, sn, nil), u)
		got := race.Codes(race.AtOnce(4, func(i int) error {
			_, err := r.ChangePassword(t.Context(), &idp.ChangePasswordRequest{
				AccessToken: bearer, PreviousPassword: new(goodPassword), ProposedPassword: "N3w!password" + string(rune('a'+i)),
			})
			return err
		}))
		if got[""] != 1 || got["NotAuthorizedException"] != 3 {
			t.Errorf("one old password served several changes: %v", got)
		}
	})
}

func TestPrepareNewPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.Requires("given_name", "email"))
		client := r.loadClient(t, sn, r.clientWith(t, sn, services.Writes("given_name", "email", "nickname")))
		u := r.have(t, sn, "alice", idp.UserStatusTypeForceChangePassword, verified("alice@example.com"))
		if diff := cmp.Diff([]string{"given_name"}, MissingAttributes(sn, u)); diff != "" {
			t.Error(diff)
		}
		rows := []struct {
			name     string
			password string
			attrs    map[string]string
			want     string
		}{
			{"required one missing", "N3w!password", nil, "InvalidParameterException: Invalid attributes given, given_name is missing"},
			{"a provided one", "N3w!password", map[string]string{"given_name": "A", "email": "b@example.com"}, "NotAuthorizedException: Cannot modify an already provided email"},
			{"a provided one again", "N3w!password", map[string]string{"given_name": "A", "email": "alice@example.com"}, "NotAuthorizedException: Cannot modify an already provided email"},
			{"not writable", "N3w!password", map[string]string{"given_name": "A", "locale": "en"}, "NotAuthorizedException: A client attempted to write unauthorized attribute"},
			{"policy", "new", map[string]string{"given_name": "A"}, "InvalidPasswordException: Password does not conform to policy: Password not long enough"},
			{"good", "N3w!password", map[string]string{"given_name": "A", "nickname": "Al"}, ""},
			{"again", "N3w!password", nil, "NotAuthorizedException: Invalid session for the user."},
		}
		for _, row := range rows {
			chosen, err := r.PrepareNewPassword(t.Context(), sn, client, r.read(t, sn, u.ID()), row.password, row.attrs)
			if err == nil {
				err = r.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
					_, err := chosen.Store(t.Context(), tx)
					return err
				})
			}
			if got := says(err); got != row.want {
				t.Errorf("%s: got %q, want %q", row.name, got, row.want)
			}
		}
		u = r.read(t, sn, u.ID())
		if u.Status() != idp.UserStatusTypeConfirmed || u.Attributes["nickname"] != "Al" || !u.Verified("email") {
			t.Errorf("%s with %v", u.Status(), u.Attributes)
		}
	})
}

// TestNoUpdateIsLost changes different attributes of one user at once.
func TestNoUpdateIsLost(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		names := []string{"name", "nickname", "locale", "gender", "website", "profile"}
		for _, err := range race.AtOnce(len(names), func(i int) error {
			_, err := r.UpdateAttributes(t.Context(), sn, nil, u.ID(), attributes(names[i], "set"), nil)
			return err
		}) {
			wantSays(t, err, "")
		}
		for _, name := range names {
			if r.read(t, sn, u.ID()).Attributes[name] != "set" {
				t.Errorf("%s is lost", name)
			}
		}
	})
}
