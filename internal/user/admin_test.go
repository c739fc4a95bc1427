package user

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
)

// TestAdminByStatus is Cognito's table of what each administrator's operation
// answers in each status of the account.
func TestAdminByStatus(t *testing.T) {
	t.Parallel()
	const (
		un  = idp.UserStatusTypeUnconfirmed
		con = idp.UserStatusTypeConfirmed
		fcp = idp.UserStatusTypeForceChangePassword
		rst = idp.UserStatusTypeResetRequired
		ext = idp.UserStatusTypeExternalProvider
	)
	reset := func(t *testing.T, r *rig, sn *pool.Snapshot, u *User) error {
		_, err := r.AdminResetUserPassword(t.Context(), &idp.AdminResetUserPasswordRequest{UserPoolId: sn.ID, Username: u.Username()})
		return err
	}
	set := func(permanent *bool) func(t *testing.T, r *rig, sn *pool.Snapshot, u *User) error {
		return func(t *testing.T, r *rig, sn *pool.Snapshot, u *User) error {
			_, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{
				UserPoolId: sn.ID, Username: u.Username(), Password: "Another0ne!", Permanent: permanent})
			return err
		}
	}
	all := func(to idp.UserStatusType) map[idp.UserStatusType]idp.UserStatusType {
		return map[idp.UserStatusType]idp.UserStatusType{un: to, con: to, fcp: to, rst: to, ext: to}
	}
	rows := []struct {
		name     string
		verified bool
		disabled bool
		call     func(t *testing.T, r *rig, sn *pool.Snapshot, u *User) error
		want     map[idp.UserStatusType]string
		after    map[idp.UserStatusType]idp.UserStatusType
	}{
		{name: "AdminConfirmSignUp", call: func(t *testing.T, r *rig, sn *pool.Snapshot, u *User) error {
			_, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: u.Username()})
			return err
		}, want: map[idp.UserStatusType]string{con: sayNotConfirm + "CONFIRMED", fcp: sayNotConfirm + "FORCE_CHANGE_PASSWORD",
			rst: sayNotConfirm + "RESET_REQUIRED", ext: sayNotConfirm + "EXTERNAL_PROVIDER"},
			after: map[idp.UserStatusType]idp.UserStatusType{un: con}},
		{name: "AdminConfirmSignUp of a disabled user", disabled: true, call: func(t *testing.T, r *rig, sn *pool.Snapshot, u *User) error {
			if u.Status() != un {
				return nil
			}
			_, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: u.Username()})
			return err
		}, after: map[idp.UserStatusType]idp.UserStatusType{un: con}},
		{name: "AdminResetUserPassword", verified: true, call: reset,
			want: map[idp.UserStatusType]string{un: sayNotNow, fcp: sayNotNow, ext: sayNotNow}, after: map[idp.UserStatusType]idp.UserStatusType{con: rst}},
		{name: "AdminResetUserPassword without a verified contact", call: reset,
			want: map[idp.UserStatusType]string{un: sayNotNow, con: sayNoContact, fcp: sayNotNow, rst: sayNoContact, ext: sayNotNow}},
		{name: "AdminResetUserPassword of a disabled user", verified: true, disabled: true, call: reset,
			want: map[idp.UserStatusType]string{un: sayDisabled, con: sayDisabled, fcp: sayDisabled, rst: sayDisabled, ext: sayDisabled}},
		{name: "AdminSetUserPassword for good", call: set(new(true)), after: all(con)},
		{name: "AdminSetUserPassword for good, disabled", disabled: true, call: set(new(true)), after: all(con)},
		{name: "AdminSetUserPassword for now", call: set(new(false)), after: all(fcp)},
		{name: "AdminSetUserPassword for now by default", call: set(nil), after: all(fcp)},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, nil)
				for status := range all("") {
					attrs := map[string]string{"email": string(status) + "@example.com"}
					if row.verified {
						attrs["email_verified"] = "true"
					}
					u := r.have(t, sn, string(status), status, attrs)
					r.change(t, sn, u.ID(), func(u *User) { u.Rec.Enabled = !row.disabled })
					err := row.call(t, r, sn, u)
					if got := says(err); got != row.want[status] {
						t.Errorf("%s: got %q, want %q", status, got, row.want[status])
					}
					want := status
					if to := row.after[status]; to != "" {
						want = to
					}
					after := r.read(t, sn, u.ID())
					if after.Status() != want {
						t.Errorf("%s: left as %s, want %s", status, after.Status(), want)
					}
					if d := gocmp.Diff(u.Attributes, after.Attributes); d != "" {
						t.Errorf("%s: attributes changed:\n%s", status, d)
					}
					if after.Rec.Enabled == row.disabled {
						t.Errorf("%s: Enabled is %v", status, after.Rec.Enabled)
					}
				}
			})
		}
	})
}

func TestAdminSetUserPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name, password, want string
			pool                 func(in *idp.CreateUserPoolRequest)
		}{
			{name: "policy", password: "passw0rd!", want: "InvalidPasswordException: Password does not conform to policy: Password must have uppercase characters"},
			{name: "leading space", password: " Passw0rd!", want: `InvalidPasswordException: Password does not conform to policy: Password must satisfy regular expression pattern: ^\S.*\S$`},
			{name: "same again", password: goodPassword},
			{name: "same again with a history", password: goodPassword, pool: keepsHistory, want: "PasswordHistoryPolicyViolationException: Password has previously been used"},
			{name: "space within", password: "Pass word1"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
				_, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: row.password, Permanent: new(true)})
				wantSays(t, err, row.want)
				if u = r.read(t, sn, u.ID()); err != nil && (!r.matches(t, sn, u, goodPassword) || u.Status() != idp.UserStatusTypeConfirmed) {
					t.Error("the refusal changed something")
				}
				if err == nil && !r.matches(t, sn, u, row.password) {
					t.Error("the new password does not work")
				}
			})
		}
		t.Run("ends codes and lock-outs", func(t *testing.T) {
			t.Parallel()
			sn := r.poolWith(t, nil)
			client := r.clientWith(t, sn, nil)
			u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, verified("a@example.com"))
			if err := forgot(t, r, sn, client, u); err != nil {
				t.Fatal(err)
			}
			code := r.lastCode(t, sn)
			for range 5 {
				if a, err := r.deps.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere); err != nil {
					t.Fatal(err)
				} else if err := a.Failed(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.deps.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere); err == nil {
				t.Fatal("five failures did not lock")
			}
			if _, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: "Another0ne!", Permanent: new(true)}); err != nil {
				t.Fatal(err)
			}
			if a, err := r.deps.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere); err != nil {
				t.Errorf("still locked: %v", err)
			} else {
				a.Release()
			}
			_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: "alice", ConfirmationCode: code, Password: goodPassword})
			wantSays(t, err, sayExpired)
		})
		t.Run("tokens stay", func(t *testing.T) {
			t.Parallel()
			sn := r.poolWith(t, nil)
			client := r.clientWith(t, sn, nil)
			token := r.bearerOf(t, sn, client, r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil))
			if _, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: "Another0ne!", Permanent: new(true)}); err != nil {
				t.Fatal(err)
			}
			_, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: token})
			wantSays(t, err, "")
		})
	})
}

func keepsHistory(in *idp.CreateUserPoolRequest) {
	in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(8)), PasswordHistorySize: new(int32(3))}}
}

// TestAdminResetUserPassword follows a reset to its end.
func TestAdminResetUserPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, verified("a@example.com"))
		in := &idp.AdminResetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice"}
		if _, err := r.AdminResetUserPassword(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		old := r.lastCode(t, sn)
		r.Clock.Pass(time.Millisecond) // So that the newest message is the next.
		if _, err := r.AdminResetUserPassword(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		code := r.lastCode(t, sn)
		confirm := func(code string) error {
			_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: "alice", ConfirmationCode: code, Password: "Another0ne!"})
			return err
		}
		if old != code {
			wantSays(t, confirm(old), sayMismatch)
		}
		wantSays(t, confirm(code), "")
		if u = r.read(t, sn, u.ID()); u.Status() != idp.UserStatusTypeConfirmed || !r.matches(t, sn, u, "Another0ne!") {
			t.Errorf("left as %s", u.Status())
		}
		if _, err := r.AdminResetUserPassword(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		r.Clock.Pass(time.Hour)
		wantSays(t, confirm(r.lastCode(t, sn)), sayExpired)
	})
}

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

// TestAdminConfirmSignUpVerifiesNothing: the administrator's word confirms the
// user, and the code that is out proves nothing any more.
func TestAdminConfirmSignUpVerifiesNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		in := &idp.SignUpRequest{ClientId: client, Username: "alice", Password: new(goodPassword), UserAttributes: attributes("email", "a@example.com")}
		out, err := r.SignUp(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: "alice"}); err != nil {
			t.Fatal(err)
		}
		_, err = r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn)})
		wantSays(t, err, sayNotConfirm+"CONFIRMED")
		if u := r.read(t, sn, out.UserSub); u.Attributes["email_verified"] == "true" {
			t.Error("the address was verified by it")
		}
	})
}

// TestAdminNames shows by which names an administrator finds a user, in every
// operation that takes one.
func TestAdminNames(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		plain, aliases, emails := r.poolWith(t, nil), r.poolWith(t, withAliases), r.poolWith(t, byEmail)
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
