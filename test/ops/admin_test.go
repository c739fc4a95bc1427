package ops_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// strangers has the rows that are the same for every operation that names a
// pool and a user of it.
func strangers(t *testing.T, call func(t *testing.T, r rig, pool, username string) error) {
	each(t, func(t *testing.T, r rig) {
		pool, other, gone := r.pool(t), r.pool(t), r.pool(t)
		foreign := r.invited(t, other, "bob", verified("bob@example.com")...)
		r.invited(t, gone, "alice")
		must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &gone}))
		deleted := r.invited(t, pool, "carol")
		must[*cip.AdminDeleteUserOutput](t)(r.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: aws.String("carol")}))
		rows := []struct {
			name, pool, username string
			want                 error
		}{
			{"unknown pool", unknownPool, "alice", noPool(unknownPool)},
			{"deleted pool", gone, "alice", noPool(gone)},
			{"unknown user", pool, "nobody", noUser()},
			{"user of another pool", pool, "bob", noUser()},
			{"sub of another pool", pool, foreign, noUser()},
			{"address of another pool's user", pool, "bob@example.com", noUser()},
			{"deleted user", pool, "carol", noUser()},
			{"deleted user's sub", pool, deleted, noUser()},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) { wantError(t, call(t, r, row.pool, row.username), row.want) })
		}
		if u := r.find(t, other, "bob"); !u.Enabled || u.UserStatus != types.UserStatusTypeForceChangePassword {
			t.Errorf("the other pool's user was changed: %+v", u)
		}
	})
}

func TestAdminGetUser(t *testing.T) {
	strangers(t, func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &username})
		return err
	})
	t.Run("shows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			before := time.Now().Truncate(time.Millisecond)
			sub := r.user(t, pool, "alice", append(verified("a@example.com"), "name", "Alice Å")...)
			for _, name := range []string{"alice", sub} {
				u := r.find(t, pool, name)
				want := map[string]string{"sub": sub, "email": "a@example.com", "email_verified": "true", "name": "Alice Å"}
				if d := cmp.Diff(want, valuesOf(u.UserAttributes)); d != "" || *u.UserAttributes[0].Name != "sub" {
					t.Errorf("attributes (-want +got)\n%s", d)
				}
				if *u.Username != "alice" || !u.Enabled || u.UserStatus != types.UserStatusTypeConfirmed || u.UserCreateDate.Before(before) || u.UserLastModifiedDate.Before(*u.UserCreateDate) {
					t.Errorf("%+v", u)
				}
				if u.MFAOptions != nil || u.UserMFASettingList != nil || u.PreferredMfaSetting != nil {
					t.Errorf("factors that nobody set: %+v", u)
				}
			}
		})
	})
}

func TestAdminCreateUser(t *testing.T) {
	t.Run("answers", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			plain, aliases, addresses := r.pool(t), r.pool(t, byAlias), r.pool(t, byAddress)
			r.user(t, plain, "taken", verified("t@example.com")...)
			r.user(t, aliases, "taken", verified("t@example.com")...)
			r.user(t, addresses, "t@example.com")
			r.invited(t, plain, "invited")
			gone := r.pool(t)
			must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &gone}))
			exists := func(text string) error { return &types.UsernameExistsException{Message: &text} }
			const byMail = "An account with the given email already exists."
			rows := []struct {
				name, pool, user string
				attrs            []string
				in               cip.AdminCreateUserInput
				want             error
			}{
				{name: "taken", pool: plain, user: "taken", want: exists("User account already exists")},
				{name: "taken alias", pool: aliases, user: "alice", attrs: verified("t@example.com"), want: &smithy.GenericAPIError{Code: "AliasExistsException", Message: byMail}},
				{name: "taken alias, not verified", pool: aliases, user: "bob", attrs: []string{"email", "t@example.com"}},
				{name: "forced", pool: aliases, user: "carol", attrs: verified("t@example.com"), in: cip.AdminCreateUserInput{ForceAliasCreation: true}},
				{name: "taken address", pool: addresses, user: "t@example.com", want: exists(byMail)},
				{name: "no address", pool: addresses, user: "alice", want: invalid("Username should be an email.")},
				{name: "address in an alias pool", pool: aliases, user: "x@example.com",
					want: invalid("Username cannot be of email format, since user pool is configured for email alias.")},
				{name: "unknown attribute", pool: plain, user: "alice", attrs: []string{"shoe_size", "43"},
					want: invalid("Attributes did not conform to the schema: shoe_size: Attribute does not exist in the schema.\n")},
				{name: "mail syntax", pool: plain, user: "alice", attrs: []string{"email", "x"}, want: invalid("Invalid email address format.")},
				{name: "phone syntax", pool: plain, user: "alice", attrs: []string{"phone_number", "12"}, want: invalid("Invalid phone number format.")},
				{name: "flag alone", pool: plain, user: "alice", attrs: []string{"email_verified", "true"}, want: invalid("Email is required to verify/un-verify an email")},
				{name: "policy", pool: plain, user: "alice", in: cip.AdminCreateUserInput{TemporaryPassword: aws.String("simple")},
					want: &types.InvalidPasswordException{Message: aws.String("Password did not conform with password policy: Password not long enough")}},
				{name: "resend to nobody", pool: plain, user: "nobody", in: cip.AdminCreateUserInput{MessageAction: types.MessageActionTypeResend}, want: noUser()},
				{name: "resend to a confirmed user", pool: plain, user: "taken", in: cip.AdminCreateUserInput{MessageAction: types.MessageActionTypeResend},
					want: &types.UnsupportedUserStateException{Message: aws.String("Resend not possible. taken status is not FORCE_CHANGE_PASSWORD")}},
				{name: "resend", pool: plain, user: "invited", in: cip.AdminCreateUserInput{MessageAction: types.MessageActionTypeResend}},
				{name: "unknown pool", pool: unknownPool, user: "alice", want: noPool(unknownPool)},
				{name: "deleted pool", pool: gone, user: "alice", want: noPool(gone)},
			}
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					row.in.UserPoolId, row.in.Username, row.in.UserAttributes = &row.pool, &row.user, attributes(row.attrs...)
					_, err := r.AdminCreateUser(t.Context(), &row.in)
					wantError(t, err, row.want)
				})
			}
			if flag := valuesOf(r.find(t, aliases, "taken").UserAttributes)["email_verified"]; flag != "false" {
				t.Errorf("the alias moved, but the old owner's flag is %q", flag)
			}
		})
	})
	t.Run("invitation", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, withSMS)
			client := r.client(t, pool)
			out := must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
				UserPoolId: &pool, Username: aws.String("alice"), UserAttributes: attributes("email", "a@example.com", "phone_number", "+12065550100"),
				DesiredDeliveryMediums: []types.DeliveryMediumType{"EMAIL", "SMS"},
			})).User
			if *out.Username != "alice" || !out.Enabled || out.UserStatus != types.UserStatusTypeForceChangePassword || out.UserCreateDate == nil || *out.Attributes[0].Name != "sub" {
				t.Errorf("%+v", out)
			}
			list := r.inbox(t, pool, "alice")
			if len(list) != 2 || list[0].Code != list[1].Code {
				t.Fatalf("%d messages", len(list))
			}
			for _, m := range list {
				if want := "Your username is alice and temporary password is " + m.Code + ". "; m.Body != want {
					t.Errorf("%s: %q", m.Medium, m.Body)
				}
			}
			in := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", list[0].Code))
			if in.ChallengeName != types.ChallengeNameTypeNewPasswordRequired {
				t.Errorf("signing in by the invitation: %+v", in)
			}
		})
	})
}

func TestAdminDeleteUser(t *testing.T) {
	strangers(t, func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: &username})
		return err
	})
	t.Run("deletes", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			sub := r.user(t, pool, "alice")
			set := r.signIn(t, client, "alice")
			must[*cip.AdminDeleteUserOutput](t)(r.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: &sub}))
			_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
			wantError(t, err, noUser())
			wantError(t, r.refresh(t, client, set), noUser())
			// The name is free again, and the new owner does not inherit the tokens.
			if again := r.user(t, pool, "alice"); again == sub {
				t.Error("the sub was used again")
			}
			_, err = r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
			wantError(t, err, noUser())
		})
	})
}

func (r rig) refresh(t *testing.T, client string, set *types.AuthenticationResultType) error {
	t.Helper()
	_, err := r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": *set.RefreshToken},
	})
	return err
}

func disable(t *testing.T, r rig, pool, username string) error {
	_, err := r.AdminDisableUser(t.Context(), &cip.AdminDisableUserInput{UserPoolId: &pool, Username: &username})
	return err
}

func enable(t *testing.T, r rig, pool, username string) error {
	_, err := r.AdminEnableUser(t.Context(), &cip.AdminEnableUserInput{UserPoolId: &pool, Username: &username})
	return err
}

func TestAdminDisableUser(t *testing.T) {
	strangers(t, disable)
	t.Run("keeps out", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client, shy := r.client(t, pool), r.client(t, pool, hiding)
			r.user(t, pool, "alice", verified("a@example.com")...)
			set := r.signIn(t, client, "alice")
			for range 2 { // Twice is no error.
				wantError(t, disable(t, r, pool, "alice"), nil)
			}
			if u := r.find(t, pool, "alice"); u.Enabled || u.UserStatus != types.UserStatusTypeConfirmed {
				t.Errorf("%+v", u)
			}
			off, incorrect := notAuthorized("User is disabled."), notAuthorized("Incorrect username or password.")
			for _, row := range []struct {
				name, client, password string
				want                   error
			}{
				{"right", client, password, off}, {"wrong", client, otherPassword, off},
				{"right, hiding", shy, password, off}, {"wrong, hiding", shy, otherPassword, incorrect},
			} {
				_, err := r.trySignIn(t, row.client, "alice", row.password)
				t.Run(row.name, func(t *testing.T) { wantError(t, err, row.want) })
			}
			wantError(t, r.refresh(t, client, set), off)
			_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
			wantType[*types.NotAuthorizedException](t, err)
			_, err = r.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &client, Username: aws.String("alice")})
			wantError(t, err, notAuthorized("User is disabled"))
		})
	})
}

func TestAdminEnableUser(t *testing.T) {
	strangers(t, enable)
	t.Run("lets in", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			set := r.signIn(t, client, "alice")
			wantError(t, enable(t, r, pool, "alice"), nil)
			wantError(t, r.refresh(t, client, set), nil)
			wantError(t, disable(t, r, pool, "alice"), nil)
			wantError(t, enable(t, r, pool, "alice"), nil)
			r.signIn(t, client, "alice")
			wantError(t, r.refresh(t, client, set), notAuthorized("Refresh Token has been revoked"))
		})
	})
}

func TestAdminConfirmSignUp(t *testing.T) {
	confirm := func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{UserPoolId: &pool, Username: &username})
		return err
	}
	strangers(t, confirm)
	t.Run("confirms", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.signUp(t, client, "alice", "email", "a@example.com")
			wantError(t, confirm(t, r, pool, "alice"), nil)
			if u := r.find(t, pool, "alice"); u.UserStatus != types.UserStatusTypeConfirmed || valuesOf(u.UserAttributes)["email_verified"] == "true" {
				t.Errorf("%+v", u)
			}
			r.signIn(t, client, "alice")
			wantError(t, confirm(t, r, pool, "alice"), notAuthorized("User cannot be confirmed. Current status is CONFIRMED"))
			r.invited(t, pool, "bob")
			wantError(t, confirm(t, r, pool, "bob"), notAuthorized("User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD"))
		})
	})
}

func TestAdminSetUserPassword(t *testing.T) {
	strangers(t, func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &username, Password: aws.String(otherPassword), Permanent: true})
		return err
	})
	t.Run("sets", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
				in.Policies = &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(8), RequireNumbers: true, PasswordHistorySize: aws.Int32(2)}}
			})
			client := r.client(t, pool)
			set := func(password string, permanent bool) error {
				_, err := r.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: aws.String("alice"), Password: &password, Permanent: permanent})
				return err
			}
			r.signUp(t, client, "alice")
			policy := func(text string) error { return &types.InvalidPasswordException{Message: &text} }
			wantError(t, set("short1", true), policy("Password does not conform to policy: Password not long enough"))
			wantError(t, set("longenough", true), policy("Password does not conform to policy: Password must have numeric characters"))
			wantError(t, set(otherPassword, true), nil)
			if u := r.find(t, pool, "alice"); u.UserStatus != types.UserStatusTypeConfirmed {
				t.Errorf("%s", u.UserStatus)
			}
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, notAuthorized("Incorrect username or password."))
			must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword))
			for _, old := range []string{password, otherPassword} {
				wantError(t, set(old, true), &types.PasswordHistoryPolicyViolationException{Message: aws.String("Password has previously been used")})
			}
			wantError(t, set("a third one 3", false), nil)
			out := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", "a third one 3"))
			if out.ChallengeName != types.ChallengeNameTypeNewPasswordRequired || r.find(t, pool, "alice").UserStatus != types.UserStatusTypeForceChangePassword {
				t.Errorf("%+v", out)
			}
			if n := len(r.inbox(t, pool, "alice")); n != 0 {
				t.Errorf("%d messages were sent", n)
			}
		})
	})
}

func TestAdminResetUserPassword(t *testing.T) {
	reset := func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &pool, Username: &username})
		return err
	}
	strangers(t, reset)
	t.Run("resets", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice", verified("a@example.com")...)
			r.user(t, pool, "bob", "email", "b@example.com")
			r.invited(t, pool, "carol", verified("c@example.com")...)
			r.user(t, pool, "dave", verified("d@example.com")...)
			wantError(t, disable(t, r, pool, "dave"), nil)
			wantError(t, reset(t, r, pool, "bob"), invalid("Cannot reset password for the user as there is no registered/verified email or phone_number"))
			wantError(t, reset(t, r, pool, "carol"), notAuthorized("User password cannot be reset in the current state."))
			wantError(t, reset(t, r, pool, "dave"), notAuthorized("User is disabled"))

			wantError(t, reset(t, r, pool, "alice"), nil)
			first := r.code(t, pool, "alice")
			wantError(t, reset(t, r, pool, "alice"), nil)
			code := first
			for _, m := range r.inbox(t, pool, "alice") { // Two messages of one millisecond have no order.
				if m.Code != first {
					code = m.Code
				}
			}
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, &types.PasswordResetRequiredException{Message: aws.String("Password reset required for the user")})
			must[*cip.ConfirmForgotPasswordOutput](t)(r.ConfirmForgotPassword(t.Context(), &cip.ConfirmForgotPasswordInput{
				ClientId: &client, Username: aws.String("alice"), ConfirmationCode: &code, Password: aws.String(otherPassword)}))
			must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword))
		})
	})
}

func TestAdminUpdateUserAttributes(t *testing.T) {
	update := func(t *testing.T, r rig, pool, username string, attrs ...string) error {
		_, err := r.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{UserPoolId: &pool, Username: &username, UserAttributes: attributes(attrs...)})
		return err
	}
	strangers(t, func(t *testing.T, r rig, pool, username string) error {
		return update(t, r, pool, username, "name", "X")
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool, aliases, addresses := r.pool(t, custom), r.pool(t, byAlias), r.pool(t, byAddress)
			sub := r.user(t, pool, "alice", append(verified("a@example.com"), "custom:tenant", "t1", "name", "Alice")...)
			const clash = "An account with the given email already exists."
			rows := []struct {
				name  string
				attrs []string
				want  error
				after map[string]string
			}{
				{name: "several", attrs: []string{"name", "Al", "custom:plan", "gold"}, after: map[string]string{"name": "Al", "custom:plan": "gold"}},
				{name: "blank removes", attrs: []string{"name", ""}, after: map[string]string{"name": ""}},
				{name: "address alone is not verified any more", attrs: []string{"email", "b@example.com"}, after: map[string]string{"email": "b@example.com", "email_verified": "false"}},
				{name: "address with its flag", attrs: verified("c@example.com"), after: map[string]string{"email": "c@example.com", "email_verified": "true"}},
				{name: "flag alone", attrs: []string{"email_verified", "False"}, after: map[string]string{"email": "c@example.com", "email_verified": "false"}},
				{name: "flag of nothing", attrs: []string{"phone_number_verified", "true"}, want: invalid("Phone Number is required to verify/un-verify a phone number")},
				{name: "immutable", attrs: []string{"custom:tenant", "t2"}, want: invalid("user.custom:tenant: Attribute cannot be updated.\n"), after: map[string]string{"custom:tenant": "t1"}},
				{name: "sub", attrs: []string{"sub", "x"}, want: invalid("user.sub: Attribute cannot be updated.\n"), after: map[string]string{"sub": sub}},
				{name: "unknown", attrs: []string{"name", "Bob", "shoe_size", "43"}, want: invalid("user.shoe_size: Attribute does not exist in the schema.\n"), after: map[string]string{"name": ""}},
				{name: "limits", attrs: []string{"custom:plan", "platinum"}, want: invalid("Attributes did not conform to the schema: custom:plan: String must be no longer than 4 characters")},
				{name: "required", attrs: []string{"given_name", "Al"}, after: map[string]string{"given_name": "Al"}},
			}
			for _, row := range rows {
				t.Run(row.name, func(t *testing.T) {
					wantError(t, update(t, r, pool, "alice", row.attrs...), row.want)
					got := valuesOf(r.find(t, pool, "alice").UserAttributes)
					for name, want := range row.after {
						if got[name] != want {
							t.Errorf("%s is %q, want %q", name, got[name], want)
						}
					}
				})
			}
			r.user(t, aliases, "alice", verified("a@example.com")...)
			r.user(t, aliases, "bob")
			wantError(t, update(t, r, aliases, "bob", "email", "a@example.com"), nil)
			wantError(t, update(t, r, aliases, "bob", "email_verified", "true"), nil) // The alias moves.
			if u := r.find(t, aliases, "a@example.com"); *u.Username != "bob" || valuesOf(r.find(t, aliases, "alice").UserAttributes)["email_verified"] != "false" {
				t.Errorf("a@example.com is %s", *u.Username)
			}
			r.user(t, addresses, "a@example.com")
			r.user(t, addresses, "b@example.com")
			for _, attrs := range [][]string{{"email", "a@example.com"}, verified("a@example.com")} {
				wantError(t, update(t, r, addresses, "b@example.com", attrs...), &types.AliasExistsException{Message: aws.String(clash)})
			}
			wantError(t, update(t, r, addresses, "b@example.com", verified("c@example.com")...), nil)
			r.signIn(t, r.client(t, addresses), "c@example.com")
		})
	})
}

// custom adds attributes of every kind to a pool.
func custom(in *cip.CreateUserPoolInput) {
	in.Schema = []types.SchemaAttributeType{
		{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true),
			StringAttributeConstraints: &types.StringAttributeConstraintsType{MinLength: aws.String("2"), MaxLength: aws.String("4")}},
		{Name: aws.String("age"), AttributeDataType: types.AttributeDataTypeNumber, Mutable: aws.Bool(true),
			NumberAttributeConstraints: &types.NumberAttributeConstraintsType{MinValue: aws.String("18")}},
		{Name: aws.String("tenant"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(false)},
	}
}

func TestAdminDeleteUserAttributes(t *testing.T) {
	remove := func(t *testing.T, r rig, pool, username string, names ...string) error {
		_, err := r.AdminDeleteUserAttributes(t.Context(), &cip.AdminDeleteUserAttributesInput{UserPoolId: &pool, Username: &username, UserAttributeNames: names})
		return err
	}
	strangers(t, func(t *testing.T, r rig, pool, username string) error { return remove(t, r, pool, username, "name") })
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
				custom(in)
				in.Schema = append(in.Schema, types.SchemaAttributeType{Name: aws.String("family_name"), Required: aws.Bool(true)})
			})
			r.user(t, pool, "alice", append(verified("a@example.com"), "name", "Alice", "family_name", "A", "custom:tenant", "t1", "custom:plan", "gold")...)
			wantError(t, remove(t, r, pool, "alice", "family_name"), invalid("Invalid user attributes: family_name: Required attribute cannot be deleted.\n"))
			wantError(t, remove(t, r, pool, "alice", "sub"), invalid("Invalid user attributes: sub: Required attribute cannot be deleted.\n"))
			wantError(t, remove(t, r, pool, "alice", "name", "custom:foo"), invalid("Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n"))
			wantError(t, remove(t, r, pool, "alice", "custom:tenant"), invalid("user.custom:tenant: Attribute cannot be updated.\n"))
			wantError(t, remove(t, r, pool, "alice", "email", "custom:plan", "birthdate"), nil)
			got := valuesOf(r.find(t, pool, "alice").UserAttributes)
			delete(got, "sub")
			if d := cmp.Diff(map[string]string{"name": "Alice", "family_name": "A", "custom:tenant": "t1"}, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	})
}

func TestAdminUserGlobalSignOut(t *testing.T) {
	signOut := func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &pool, Username: &username})
		return err
	}
	strangers(t, signOut)
	t.Run("revokes", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client, second := r.client(t, pool), r.client(t, pool, func(in *cip.CreateUserPoolClientInput) { in.EnableTokenRevocation = aws.Bool(false) })
			r.user(t, pool, "alice")
			r.user(t, pool, "bob")
			sets := map[string]*types.AuthenticationResultType{client: r.signIn(t, client, "alice"), second: r.signIn(t, second, "alice")}
			bob := r.signIn(t, client, "bob")
			wantError(t, signOut(t, r, pool, "alice"), nil)
			for id, set := range sets {
				_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken})
				wantError(t, err, notAuthorized("Access Token has been revoked"))
				wantError(t, r.refresh(t, id, set), notAuthorized("Refresh Token has been revoked"))
			}
			wantError(t, r.refresh(t, client, bob), nil)
			// At once, within the same second.
			set := r.signIn(t, client, "alice")
			must[*cip.GetUserOutput](t)(r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken}))
			wantError(t, r.refresh(t, client, set), nil)
		})
	})
}

func TestListUsers(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		for _, name := range []string{"alice", "bob", "carol", "dave", "eve"} {
			r.invited(t, pool, name, "email", name+"@example.com", "name", strings.ToUpper(name[:1]))
			r.invited(t, other, name, "email", name+"@example.com")
		}
		r.user(t, pool, "frank", "email", "frank@example.org")
		wantError(t, disable(t, r, pool, "eve"), nil)
		list := func(filter string, limit int32) []string {
			t.Helper()
			var names []string
			pages := cip.NewListUsersPaginator(r, &cip.ListUsersInput{UserPoolId: &pool, Filter: &filter, Limit: aws.Int32(limit)})
			for pages.HasMorePages() {
				out := must[*cip.ListUsersOutput](t)(pages.NextPage(t.Context()))
				for _, u := range out.Users {
					names = append(names, *u.Username)
				}
			}
			return names
		}
		for _, row := range []struct {
			filter string
			limit  int32
			want   []string
		}{
			{`email ^= ""`, 2, []string{"alice", "bob", "carol", "dave", "eve", "frank"}},
			{`email = "bob@example.com"`, 1, []string{"bob"}},
			{`username ^= "c"`, 0, []string{"carol"}},
			{`cognito:user_status = "confirmed"`, 60, []string{"frank"}},
			{`status = "Disabled"`, 1, []string{"eve"}},
			{`name = "D"`, 1, []string{"dave"}},
			{`name = "d"`, 1, nil},
			{`given_name ^= ""`, 1, nil},
		} {
			if d := cmp.Diff(row.want, list(row.filter, row.limit)); d != "" {
				t.Errorf("%s (-want +got)\n%s", row.filter, d)
			}
		}
		if all := list("", 4); len(all) != 6 {
			t.Errorf("all users: %v", all)
		}
		first := must[*cip.ListUsersOutput](t)(r.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &pool, Limit: aws.Int32(1)}))
		for _, row := range []struct {
			name string
			in   cip.ListUsersInput
			want error
		}{
			{"filter syntax", cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`name = x`)}, invalid("Error while parsing filter.")},
			{"custom attribute", cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`custom:plan = "x"`)}, invalid("Invalid search attribute: custom:plan")},
			{"attributes to get", cip.ListUsersInput{UserPoolId: &pool, AttributesToGet: []string{"shoe_size"}}, invalid("One or more requested attributes do not exist.")},
			{"forged token", cip.ListUsersInput{UserPoolId: &pool, PaginationToken: aws.String("forged")}, badPage()},
			{"another pool's token", cip.ListUsersInput{UserPoolId: &other, PaginationToken: first.PaginationToken}, badPage()},
			{"another filter's token", cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`name = "A"`), PaginationToken: first.PaginationToken}, badPage()},
			{"unknown pool", cip.ListUsersInput{UserPoolId: aws.String(unknownPool)}, noPool(unknownPool)},
		} {
			t.Run(row.name, func(t *testing.T) {
				_, err := r.ListUsers(t.Context(), &row.in)
				wantError(t, err, row.want)
			})
		}
		out := must[*cip.ListUsersOutput](t)(r.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`username = "bob"`), AttributesToGet: []string{"email"}}))
		if u := out.Users[0]; len(u.Attributes) != 1 || *u.Attributes[0].Value != "bob@example.com" || u.UserStatus != types.UserStatusTypeForceChangePassword || !u.Enabled || u.UserCreateDate == nil {
			t.Errorf("%+v", u)
		}
	})
}
