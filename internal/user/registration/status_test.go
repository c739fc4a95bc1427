package registration

import (
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/user"
	"cognate/test/lambdas"
	"cognate/test/people"
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
	reset := func(t *testing.T, r *rig, sn *pool.Snapshot, u *user.User) error {
		_, err := r.AdminResetUserPassword(t.Context(), &idp.AdminResetUserPasswordRequest{UserPoolId: sn.ID, Username: u.Username()})
		return err
	}
	set := func(permanent *bool) func(t *testing.T, r *rig, sn *pool.Snapshot, u *user.User) error {
		return func(t *testing.T, r *rig, sn *pool.Snapshot, u *user.User) error {
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
		call     func(t *testing.T, r *rig, sn *pool.Snapshot, u *user.User) error
		want     map[idp.UserStatusType]string
		after    map[idp.UserStatusType]idp.UserStatusType
	}{
		{name: "AdminConfirmSignUp", call: func(t *testing.T, r *rig, sn *pool.Snapshot, u *user.User) error {
			_, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: u.Username()})
			return err
		}, want: map[idp.UserStatusType]string{con: sayNotConfirm + "CONFIRMED", fcp: sayNotConfirm + "FORCE_CHANGE_PASSWORD",
			rst: sayNotConfirm + "RESET_REQUIRED", ext: sayNotConfirm + "EXTERNAL_PROVIDER"},
			after: map[idp.UserStatusType]idp.UserStatusType{un: con}},
		{name: "AdminConfirmSignUp of a disabled user", disabled: true, call: func(t *testing.T, r *rig, sn *pool.Snapshot, u *user.User) error {
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
					u := r.Have(t, sn, string(status), status, attrs)
					r.Change(t, sn, u.ID(), func(u *user.User) { u.Rec.Enabled = !row.disabled })
					err := row.call(t, r, sn, u)
					if got := lambdas.Says(err); got != row.want[status] {
						t.Errorf("%s: got %q, want %q", status, got, row.want[status])
					}
					want := status
					if to := row.after[status]; to != "" {
						want = to
					}
					after := r.Read(t, sn, u.ID())
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
			{name: "same again", password: people.Password},
			{name: "same again with a history", password: people.Password, pool: keepsHistory, want: "PasswordHistoryPolicyViolationException: Password has previously been used"},
			{name: "space within", password: "Pass word1"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
				_, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: row.password, Permanent: new(true)})
				people.WantError(t, err, row.want)
				if u = r.Read(t, sn, u.ID()); err != nil && (!r.Matches(t, sn, u, people.Password) || u.Status() != idp.UserStatusTypeConfirmed) {
					t.Error("the refusal changed something")
				}
				if err == nil && !r.Matches(t, sn, u, row.password) {
					t.Error("the new password does not work")
				}
			})
		}
		t.Run("ends codes and lock-outs", func(t *testing.T) {
			t.Parallel()
			sn := r.poolWith(t, nil)
			client := r.clientWith(t, sn, nil)
			u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("a@example.com"))
			if err := forgot(t, r, sn, client, u); err != nil {
				t.Fatal(err)
			}
			code := r.lastCode(t, sn)
			for range 5 {
				if a, err := r.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere); err != nil {
					t.Fatal(err)
				} else if err := a.Failed(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere); err == nil {
				t.Fatal("five failures did not lock")
			}
			if _, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: "Another0ne!", Permanent: new(true)}); err != nil {
				t.Fatal(err)
			}
			if a, err := r.Lockouts.Begin(t.Context(), sn.ID, u.ID(), risk.Anywhere); err != nil {
				t.Errorf("still locked: %v", err)
			} else {
				a.Release()
			}
			_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: "alice", ConfirmationCode: code, Password: people.Password})
			people.WantError(t, err, sayExpired)
		})
		t.Run("tokens stay", func(t *testing.T) {
			t.Parallel()
			sn := r.poolWith(t, nil)
			client := r.clientWith(t, sn, nil)
			token := r.Bearer(t, sn, client, r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil))
			if _, err := r.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: "Another0ne!", Permanent: new(true)}); err != nil {
				t.Fatal(err)
			}
			_, err := r.GetUser(t.Context(), &idp.GetUserRequest{AccessToken: token})
			people.WantError(t, err, "")
		})
	})
}

func keepsHistory(in *idp.CreateUserPoolRequest) {
	in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(8)), PasswordHistorySize: new(int32(3))}}
}
