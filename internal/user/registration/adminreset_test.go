package registration

import (
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/test/people"
)

// TestAdminResetUserPassword follows a reset to its end.
func TestAdminResetUserPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("a@example.com"))
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
			people.WantError(t, confirm(old), sayMismatch)
		}
		people.WantError(t, confirm(code), "")
		if u = r.Read(t, sn, u.ID()); u.Status() != idp.UserStatusTypeConfirmed || !r.Matches(t, sn, u, "Another0ne!") {
			t.Errorf("left as %s", u.Status())
		}
		if _, err := r.AdminResetUserPassword(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		r.Clock.Pass(time.Hour)
		people.WantError(t, confirm(r.lastCode(t, sn)), sayExpired)
	})
}
