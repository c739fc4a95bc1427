package registration

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/people"
)

// TestAdminConfirmSignUpVerifiesNothing: the administrator's word confirms the
// user, and the code that is out proves nothing any more.
func TestAdminConfirmSignUpVerifiesNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, nil)
		in := &idp.SignUpRequest{ClientId: client, Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "a@example.com")}
		out, err := r.SignUp(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: "alice"}); err != nil {
			t.Fatal(err)
		}
		_, err = r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn)})
		people.WantError(t, err, sayNotConfirm+"CONFIRMED")
		if u := r.Read(t, sn, out.UserSub); u.Attributes["email_verified"] == "true" {
			t.Error("the address was verified by it")
		}
	})
}
