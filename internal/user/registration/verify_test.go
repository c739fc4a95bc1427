package registration

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool/schema"
	"cognate/internal/user"
	"cognate/test/people"
	"cognate/test/services"
)

func TestVerifiable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		bearer := r.Bearer(t, sn, r.clientWith(t, sn, nil), u)
		const invalid = "InvalidParameterException: Invalid attribute name. Only phone_number and email can be verified."
		_, err := r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{AccessToken: bearer, AttributeName: "name"})
		people.WantError(t, err, invalid)
		_, err = r.VerifyUserAttribute(t.Context(), &idp.VerifyUserAttributeRequest{AccessToken: bearer, AttributeName: "name", Code: "123456"})
		people.WantError(t, err, invalid)
		_, err = r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{AccessToken: bearer, AttributeName: "email"})
		people.WantError(t, err, "InvalidParameterException: User does not have a valid registered email address")
		_, err = r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{AccessToken: bearer, AttributeName: "phone_number"})
		people.WantError(t, err, "InvalidParameterException: User does not have a valid registered phone number")
	})
}

// TestPendingAddress follows a value that counts only once it is verified.
func TestPendingAddress(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			services.ByEmail(in)
			in.UserAttributeUpdateSettings = &idp.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []idp.VerifiedAttributeType{"email"}}
		})
		client := r.clientWith(t, sn, nil)
		u := r.Have(t, sn, "old@example.com", idp.UserStatusTypeConfirmed, people.Verified("old@example.com"))
		bearer := r.Bearer(t, sn, client, u)
		update := func(value string) string {
			r.Clock.Pass(1e6)
			_, err := r.UpdateUserAttributes(t.Context(), &idp.UpdateUserAttributesRequest{AccessToken: bearer, UserAttributes: people.Attributes("email", value)})
			people.WantError(t, err, "")
			return r.lastCode(t, sn)
		}
		verify := func(code string) error {
			_, err := r.VerifyUserAttribute(t.Context(), &idp.VerifyUserAttributeRequest{AccessToken: bearer, AttributeName: "email", Code: code})
			return err
		}
		resolves := func(name string, want bool) {
			t.Helper()
			if _, err := r.Resolve(t.Context(), sn, name); (err == nil) != want {
				t.Errorf("%s signs in: %v", name, err)
			}
		}
		first := update("first@example.com")
		second := update("second@example.com")
		resolves("old@example.com", true)
		resolves("second@example.com", false)
		if first != second {
			people.WantError(t, verify(first), sayMismatch)
		}
		people.WantError(t, verify(second), "")
		resolves("old@example.com", false)
		resolves("first@example.com", false)
		resolves("second@example.com", true)
		if diff := cmp.Diff(contact{"second@example.com", "true", ""}, contactOf(r.Read(t, sn, u.ID()), "email")); diff != "" {
			t.Error(diff)
		}

		update("third@example.com")
		// Only an update sends a code to the pending value.
		r.Clock.Pass(1e6)
		out, err := r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{AccessToken: bearer, AttributeName: "email"})
		people.WantError(t, err, "")
		if got := *out.CodeDeliveryDetails.Destination; got != "s***@e***" {
			t.Errorf("the code went to %s", got)
		}
		people.WantError(t, verify(r.lastCode(t, sn)), "")
		if diff := cmp.Diff(contact{"second@example.com", "true", "third@example.com"}, contactOf(r.Read(t, sn, u.ID()), "email")); diff != "" {
			t.Error(diff)
		}
		r.Clock.Pass(1e6)

		code := update("third@example.com")
		_, err = r.UpdateAttributes(t.Context(), sn, nil, u.ID(), people.Attributes("email", "fourth@example.com", "email_verified", "true"), nil)
		people.WantError(t, err, "")
		people.WantError(t, verify(code), sayExpired) // An administrator's word ends the pending value and its code.
		resolves("fourth@example.com", true)
	})
}

// contact is what is known of one address of a user.
type contact struct{ Value, Flag, Pending string }

func contactOf(u *user.User, attr string) contact {
	return contact{u.Attributes[attr], u.Attributes[schema.VerifiedFlag(attr)], u.Pending[attr]}
}
