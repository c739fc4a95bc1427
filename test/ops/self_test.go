package ops_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

func mismatch() error {
	return &types.CodeMismatchException{Message: aws.String("Invalid verification code provided, please try again.")}
}

func expired() error {
	return &types.ExpiredCodeException{Message: aws.String("Invalid code provided, please request a code again.")}
}

func limited() error {
	return &types.LimitExceededException{Message: aws.String("Attempt limit exceeded, please try after some time.")}
}

func badPassword(text string) error { return &types.InvalidPasswordException{Message: &text} }

func noCombination() error {
	return &types.UserNotFoundException{Message: aws.String("Username/client id combination not found.")}
}

// badClients has the rows that are the same for every public operation that
// names an app client and a user. The call is made for the user "alice".
func badClients(t *testing.T, call func(t *testing.T, r rig, client string, hash *string) error) {
	each(t, func(t *testing.T, r rig) {
		pool, ended := r.pool(t), r.pool(t)
		deleted, inEnded := r.client(t, pool), r.client(t, ended)
		must[*cip.DeleteUserPoolClientOutput](t)(r.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: &deleted}))
		must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &ended}))
		confidential, public := r.clientOf(t, pool, withSecret), r.client(t, pool)
		id, secret := *confidential.ClientId, *confidential.ClientSecret
		unable := func(id string) error { return notAuthorized("Unable to verify secret hash for client " + id) }
		for _, row := range []struct {
			name, client string
			hash         *string
			want         error
		}{
			{"unknown client", "7abcdefghijklmnopqrstuvwx1", nil, noClient("7abcdefghijklmnopqrstuvwx1")},
			{"deleted client", deleted, nil, noClient(deleted)},
			{"client of a deleted pool", inEnded, nil, noClient(inEnded)},
			{"no hash", id, nil, notAuthorized("Client " + id + " is configured with secret but SECRET_HASH was not received")},
			{"hash of another secret", id, secretHash("0123456789012345678901234", "alice", id), unable(id)},
			{"hash of another user", id, secretHash(secret, "bob", id), unable(id)},
			{"hash of another client", id, secretHash(secret, "alice", public), unable(id)},
			{"hash for a public client", public, secretHash(secret, "alice", public), unable(public)},
		} {
			t.Run(row.name, func(t *testing.T) { wantError(t, call(t, r, row.client, row.hash), row.want) })
		}
		if err := call(t, r, id, secretHash(secret, "alice", id)); err != nil && strings.Contains(err.Error(), "hash") {
			t.Errorf("right hash: %v", err)
		}
	})
}

func TestSignUp(t *testing.T) {
	t.Run("clients", func(t *testing.T) {
		badClients(t, func(t *testing.T, r rig, client string, hash *string) error {
			_, err := r.SignUp(t.Context(), &cip.SignUpInput{ClientId: &client, Username: aws.String("alice"), Password: aws.String(password), SecretHash: hash})
			return err
		})
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			plain, aliases, addresses := r.pool(t, custom), r.pool(t, byAlias), r.pool(t, byAddress)
			closed := r.pool(t, func(in *cip.CreateUserPoolInput) {
				in.AdminCreateUserConfig = &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true}
			})
			r.user(t, plain, "taken")
			r.user(t, aliases, "taken", verified("t@example.com")...)
			r.user(t, addresses, "t@example.com")
			inPlain, inAliases, shy, inAddresses := r.client(t, plain), r.client(t, aliases), r.client(t, aliases, hiding), r.client(t, addresses)
			writer := r.client(t, plain, func(in *cip.CreateUserPoolClientInput) { in.WriteAttributes = []string{"email"} })
			exists := func(text string) error { return &types.UsernameExistsException{Message: &text} }
			const unauthorized = "A client attempted to write unauthorized attribute"
			for _, row := range []struct {
				name, client, user, password string
				attrs                        []string
				want                         error
			}{
				{name: "taken", client: inPlain, user: "taken", want: exists("User already exists")},
				{name: "taken, hiding", client: shy, user: "taken", want: exists("User already exists")},
				{name: "taken alias", client: inAliases, user: "u1", attrs: []string{"email", "t@example.com"}, want: exists("An account with the given email already exists.")},
				{name: "taken alias, hiding", client: shy, user: "u2", attrs: []string{"email", "t@example.com"}},
				{name: "taken address", client: inAddresses, user: "t@example.com", want: exists("User already exists")},
				{name: "no address", client: inAddresses, user: "u", want: invalid("Username should be an email.")},
				{name: "address in an alias pool", client: inAliases, user: "u@example.com", want: invalid("Username cannot be of email format, since user pool is configured for email alias.")},
				{name: "preferred_username", client: inAliases, user: "u3", attrs: []string{"preferred_username", "pu"}, want: invalid("A preferred_username cannot be set for an unconfirmed account.")},
				{name: "closed", client: r.client(t, closed), user: "u", want: notAuthorized("SignUp is not permitted for this user pool")},
				{name: "not writable", client: writer, user: "u4", attrs: []string{"name", "U"}, want: notAuthorized(unauthorized)},
				{name: "flag", client: inPlain, user: "u5", attrs: verified("u@example.com"), want: notAuthorized(unauthorized)},
				{name: "unknown attribute", client: inPlain, user: "u6", attrs: []string{"shoe_size", "43"}, want: invalid("Attributes did not conform to the schema: shoe_size: Attribute does not exist in the schema.\n")},
				{name: "limits", client: inPlain, user: "u7", attrs: []string{"custom:age", "17"}, want: invalid("Attributes did not conform to the schema: custom:age: Value is out of range")},
				{name: "mail syntax", client: inPlain, user: "u8", attrs: []string{"email", "x"}, want: invalid("Invalid email address format.")},
				{name: "short", client: inPlain, user: "u9", password: "Pw0!", want: badPassword("Password did not conform with policy: Password not long enough")},
				{name: "blank at an edge", client: inPlain, user: "u9", password: "Passw0rd! ",
					want: invalid(`1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[\S]+.*[\S]+$`)},
				{name: "no upper case", client: inPlain, user: "u9", password: "passw0rd!", want: badPassword("Password did not conform with policy: Password must have uppercase characters")},
				{name: "no lower case", client: inPlain, user: "u9", password: "PASSW0RD!", want: badPassword("Password did not conform with policy: Password must have lowercase characters")},
				{name: "no digit", client: inPlain, user: "u9", password: "Password!", want: badPassword("Password did not conform with policy: Password must have numeric characters")},
				{name: "no symbol", client: inPlain, user: "u9", password: "Passw0rd1", want: badPassword("Password did not conform with policy: Password must have symbol characters")},
			} {
				t.Run(row.name, func(t *testing.T) {
					if row.password == "" {
						row.password = password
					}
					_, err := r.SignUp(t.Context(), &cip.SignUpInput{ClientId: &row.client, Username: &row.user, Password: &row.password, UserAttributes: attributes(row.attrs...)})
					wantError(t, err, row.want)
				})
			}
			sub := r.signUp(t, inAddresses, "new@example.com")
			if u := r.find(t, addresses, "new@example.com"); *u.Username != sub || valuesOf(u.UserAttributes)["email"] != "new@example.com" {
				t.Errorf("%+v", u)
			}
		})
	})
	t.Run("code", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
				withSMS(in)
				in.AutoVerifiedAttributes = []types.VerifiedAttributeType{"email", "phone_number"}
			})
			client := r.client(t, pool)
			for _, row := range []struct {
				user  string
				attrs []string
				want  *types.CodeDeliveryDetailsType
			}{
				{"nothing", nil, nil},
				{"mail", []string{"email", "jane.doe@example.com"}, &types.CodeDeliveryDetailsType{AttributeName: aws.String("email"), DeliveryMedium: "EMAIL", Destination: aws.String("j***@e***")}},
				{"both", []string{"email", "j@example.com", "phone_number", "+12065551234"}, &types.CodeDeliveryDetailsType{AttributeName: aws.String("phone_number"), DeliveryMedium: "SMS", Destination: aws.String("+*******1234")}},
			} {
				out := must[*cip.SignUpOutput](t)(r.SignUp(t.Context(), &cip.SignUpInput{ClientId: &client, Username: &row.user, Password: aws.String(password), UserAttributes: attributes(row.attrs...)}))
				got := ""
				if d := out.CodeDeliveryDetails; d != nil {
					got = *d.AttributeName + " " + string(d.DeliveryMedium) + " " + *d.Destination
				}
				want := ""
				if d := row.want; d != nil {
					want = *d.AttributeName + " " + string(d.DeliveryMedium) + " " + *d.Destination
				}
				if got != want || out.UserConfirmed || out.UserSub == nil || (len(r.inbox(t, pool, row.user)) == 1) != (want != "") {
					t.Errorf("%s: %q, want %q", row.user, got, want)
				}
				// What is given is not verified; what is not given has no flag.
				given, flags := valuesOf(attributes(row.attrs...)), valuesOf(r.find(t, pool, row.user).UserAttributes)
				for _, address := range []string{"email", "phone_number"} {
					flag, has := flags[address+"_verified"]
					if _, is := given[address]; has != is || is && flag != "false" {
						t.Errorf("%s: %s_verified is %q", row.user, address, flag)
					}
				}
			}
		})
	})
}

func TestConfirmSignUp(t *testing.T) {
	confirm := func(t *testing.T, r rig, client, user, code string) error {
		_, err := r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: &user, ConfirmationCode: &code})
		return err
	}
	t.Run("clients", func(t *testing.T) {
		badClients(t, func(t *testing.T, r rig, client string, hash *string) error {
			_, err := r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: aws.String("123456"), SecretHash: hash})
			return err
		})
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool, other := r.pool(t), r.pool(t)
			client, shy, foreign := r.client(t, pool), r.client(t, pool, hiding), r.client(t, other)
			r.signUp(t, client, "alice", "email", "a@example.com")
			code := r.code(t, pool, "alice")
			wantError(t, confirm(t, r, client, "nobody", code), noCombination())
			wantError(t, confirm(t, r, shy, "nobody", code), mismatch())
			wantError(t, confirm(t, r, foreign, "alice", code), noCombination())
			wantError(t, confirm(t, r, client, "alice", wrong(code)), mismatch())
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, &types.UserNotConfirmedException{Message: aws.String("User is not confirmed.")})
			r.signUp(t, client, "bob", "email", "b@example.com")
			wantError(t, disable(t, r, pool, "bob"), nil)
			wantError(t, confirm(t, r, client, "bob", r.code(t, pool, "bob")), notAuthorized("User is disabled."))
			wantError(t, confirm(t, r, client, "alice", r.code(t, pool, "alice")), nil)
			wantError(t, confirm(t, r, client, "alice", code), notAuthorized("User cannot be confirmed. Current status is CONFIRMED"))
			wantError(t, confirm(t, r, shy, "alice", code), mismatch())
			if u := r.find(t, pool, "alice"); u.UserStatus != types.UserStatusTypeConfirmed || valuesOf(u.UserAttributes)["email_verified"] != "true" {
				t.Errorf("%+v", u)
			}
			r.signIn(t, client, "alice")
			r.signUp(t, client, "carol") // She was sent no code.
			wantError(t, confirm(t, r, client, "carol", "123456"), expired())
		})
	})
	t.Run("taken alias", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, byAlias)
			client := r.client(t, pool, hiding)
			r.user(t, pool, "holder", verified("a@example.com")...)
			r.signUp(t, client, "alice", "email", "a@example.com")
			code := r.code(t, pool, "alice")
			wantError(t, confirm(t, r, client, "alice", code), &types.AliasExistsException{Message: aws.String("An account with the email already exists.")})
			must[*cip.ConfirmSignUpOutput](t)(r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: &code, ForceAliasCreation: true}))
			if u := r.find(t, pool, "a@example.com"); *u.Username != "alice" {
				t.Errorf("the alias is %s's", *u.Username)
			}
		})
	})
	t.Run("quota", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.signUp(t, client, "alice", "email", "a@example.com")
			code := r.code(t, pool, "alice")
			for range 15 {
				wantError(t, confirm(t, r, client, "alice", wrong(code)), mismatch())
			}
			wantError(t, confirm(t, r, client, "alice", code), limited())
		})
	})
}

func TestResendConfirmationCode(t *testing.T) {
	t.Run("clients", func(t *testing.T) {
		badClients(t, func(t *testing.T, r rig, client string, hash *string) error {
			_, err := r.ResendConfirmationCode(t.Context(), &cip.ResendConfirmationCodeInput{ClientId: &client, Username: aws.String("alice"), SecretHash: hash})
			return err
		})
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool, none := r.pool(t), r.pool(t, func(in *cip.CreateUserPoolInput) { in.AutoVerifiedAttributes = nil })
			client, shy, inNone := r.client(t, pool), r.client(t, pool, hiding), r.client(t, none)
			resend := func(client, user string) (*cip.ResendConfirmationCodeOutput, error) {
				return r.ResendConfirmationCode(t.Context(), &cip.ResendConfirmationCodeInput{ClientId: &client, Username: &user})
			}
			r.user(t, pool, "confirmed")
			r.signUp(t, client, "alice", "email", "a@example.com")
			r.signUp(t, client, "bob")
			r.signUp(t, inNone, "alice", "email", "a@example.com")
			cannot := notAuthorized("Cannot resend codes. Auto verification not turned on.")
			for _, row := range []struct {
				name, client, user string
				want               error
			}{
				{"confirmed", client, "confirmed", invalid("User is already confirmed.")},
				{"unknown", client, "nobody", noCombination()},
				{"unknown, hiding", shy, "nobody", nil},
				{"confirmed, hiding", shy, "confirmed", nil},
				{"no address", client, "bob", cannot},
				{"no address, hiding", shy, "bob", nil},
				{"pool that verifies nothing", inNone, "alice", cannot},
			} {
				_, err := resend(row.client, row.user)
				t.Run(row.name, func(t *testing.T) { wantError(t, err, row.want) })
			}
			old := r.code(t, pool, "alice")
			out := must[*cip.ResendConfirmationCodeOutput](t)(resend(client, "alice"))
			if d := out.CodeDeliveryDetails; *d.Destination != "a***@e***" || d.DeliveryMedium != "EMAIL" || *d.AttributeName != "email" {
				t.Errorf("%+v", d)
			}
			inbox := r.inbox(t, pool, "alice")
			if len(inbox) != 2 {
				t.Fatalf("%d messages", len(inbox))
			}
			code := inbox[0].Code
			if code == old {
				code = inbox[1].Code
			}
			confirm := func(code string) error {
				_, err := r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: &code})
				return err
			}
			if code != old {
				wantError(t, confirm(old), mismatch())
			}
			wantError(t, confirm(code), nil)
			for range 5 {
				must[*cip.ResendConfirmationCodeOutput](t)(resend(shy, "somebody"))
			}
			_, err := resend(shy, "somebody")
			wantError(t, err, limited())
		})
	})
}

func TestForgotPassword(t *testing.T) {
	t.Run("clients", func(t *testing.T) {
		badClients(t, func(t *testing.T, r rig, client string, hash *string) error {
			_, err := r.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &client, Username: aws.String("alice"), SecretHash: hash})
			return err
		})
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool, byAdmin := r.pool(t), r.pool(t, func(in *cip.CreateUserPoolInput) {
				in.AccountRecoverySetting = &types.AccountRecoverySettingType{RecoveryMechanisms: []types.RecoveryOptionType{{Name: "admin_only", Priority: aws.Int32(1)}}}
			})
			client, shy, inByAdmin := r.client(t, pool), r.client(t, pool, hiding), r.client(t, byAdmin)
			r.user(t, pool, "alice", verified("a@example.com")...)
			r.user(t, pool, "bob", "email", "b@example.com")
			r.invited(t, pool, "carol", verified("c@example.com")...)
			r.signUp(t, client, "dave", "email", "d@example.com")
			r.user(t, pool, "eve", verified("e@example.com")...)
			wantError(t, disable(t, r, pool, "eve"), nil)
			r.user(t, byAdmin, "alice", verified("a@example.com")...)
			noContact := invalid("Cannot reset password for the user as there is no registered/verified email or phone_number")
			for _, row := range []struct {
				name, client, user string
				want               error
			}{
				{"confirmed", client, "alice", nil},
				{"confirmed, hiding", shy, "alice", nil},
				{"no verified contact", client, "bob", noContact},
				{"no verified contact, hiding", shy, "bob", nil},
				{"temporary password", client, "carol", notAuthorized("User password cannot be reset in the current state.")},
				{"temporary password, hiding", shy, "carol", nil},
				{"not confirmed", client, "dave", noContact},
				{"not confirmed, hiding", shy, "dave", nil},
				{"disabled", client, "eve", notAuthorized("User is disabled")},
				{"disabled, hiding", shy, "eve", nil},
				{"unknown", client, "nobody", noCombination()},
				{"unknown, hiding", shy, "nobody", nil},
				{"administrators alone", inByAdmin, "alice", notAuthorized("Contact administrator to reset password.")},
			} {
				t.Run(row.name, func(t *testing.T) {
					_, err := r.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &row.client, Username: &row.user})
					wantError(t, err, row.want)
				})
			}
			for _, nobody := range []string{"bob", "carol", "eve", "nobody"} {
				if n := len(r.inbox(t, pool, nobody)); n != 0 {
					t.Errorf("%d messages went to %s", n, nobody)
				}
			}
			r.signIn(t, client, "alice") // The old password still works.
		})
	})
}

func TestConfirmForgotPassword(t *testing.T) {
	confirm := func(t *testing.T, r rig, client, user, code, password string) error {
		_, err := r.ConfirmForgotPassword(t.Context(), &cip.ConfirmForgotPasswordInput{ClientId: &client, Username: &user, ConfirmationCode: &code, Password: &password})
		return err
	}
	t.Run("clients", func(t *testing.T) {
		badClients(t, func(t *testing.T, r rig, client string, hash *string) error {
			_, err := r.ConfirmForgotPassword(t.Context(), &cip.ConfirmForgotPasswordInput{
				ClientId: &client, Username: aws.String("alice"), ConfirmationCode: aws.String("123456"), Password: aws.String(password), SecretHash: hash})
			return err
		})
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool, other := r.pool(t), r.pool(t)
			client, shy, foreign := r.client(t, pool), r.client(t, pool, hiding), r.client(t, other)
			r.user(t, pool, "alice", verified("a@example.com")...)
			r.user(t, pool, "bob", verified("b@example.com")...)
			r.user(t, other, "alice", verified("a@example.com")...)
			set := r.signIn(t, client, "alice")
			ask := func(client, user string) {
				must[*cip.ForgotPasswordOutput](t)(r.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &client, Username: &user}))
			}
			wantError(t, confirm(t, r, client, "alice", "123456", otherPassword), expired())
			wantError(t, confirm(t, r, client, "nobody", "123456", otherPassword), noCombination())
			wantError(t, confirm(t, r, shy, "nobody", "123456", otherPassword), expired())
			ask(shy, "nobody")
			wantError(t, confirm(t, r, shy, "nobody", "123456", otherPassword), mismatch())
			ask(client, "alice")
			ask(foreign, "alice")
			code := r.code(t, pool, "alice")
			wantError(t, confirm(t, r, client, "alice", wrong(code), otherPassword), mismatch())
			wantError(t, confirm(t, r, client, "bob", code, otherPassword), expired())
			if theirs := r.code(t, other, "alice"); theirs != code {
				wantError(t, confirm(t, r, client, "alice", theirs, otherPassword), mismatch())
			}
			wantError(t, confirm(t, r, client, "alice", code, "simple"), badPassword("Password does not conform to policy: Password not long enough"))
			wantError(t, confirm(t, r, client, "alice", code, otherPassword), nil)
			wantError(t, confirm(t, r, client, "alice", code, otherPassword), expired())
			must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword))
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, notAuthorized("Incorrect username or password."))
			must[*cip.GetUserOutput](t)(r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: set.AccessToken}))
		})
	})
}

func TestGetUser(t *testing.T) {
	badTokens(t, noUser(), func(t *testing.T, r rig, token string) error {
		_, err := r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: &token})
		return err
	})
	t.Run("what the client may read", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, custom)
			sub := r.user(t, pool, "alice", append(verified("a@example.com"), "name", "Alice", "custom:plan", "gold")...)
			all := map[string]string{"sub": sub, "email": "a@example.com", "email_verified": "true", "name": "Alice", "custom:plan": "gold"}
			for _, row := range []struct {
				read []string
				want map[string]string
			}{
				{nil, all},
				{[]string{"name", "custom:plan"}, map[string]string{"sub": sub, "name": "Alice", "custom:plan": "gold"}},
			} {
				client := r.client(t, pool, func(in *cip.CreateUserPoolClientInput) { in.ReadAttributes = row.read })
				u := must[*cip.GetUserOutput](t)(r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: r.signIn(t, client, "alice").AccessToken}))
				if d := cmp.Diff(row.want, valuesOf(u.UserAttributes)); d != "" || *u.Username != "alice" || u.MFAOptions != nil || u.PreferredMfaSetting != nil {
					t.Errorf("%+v (-want +got)\n%s", u, d)
				}
			}
		})
	})
}

func TestUpdateUserAttributes(t *testing.T) {
	badTokens(t, noUser(), func(t *testing.T, r rig, token string) error {
		_, err := r.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: &token, UserAttributes: attributes("name", "X")})
		return err
	})
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, custom, func(in *cip.CreateUserPoolInput) {
				in.Schema = append(in.Schema, types.SchemaAttributeType{Name: aws.String("family_name"), Required: aws.Bool(true)})
			})
			client := r.client(t, pool)
			writer := r.client(t, pool, func(in *cip.CreateUserPoolClientInput) { in.WriteAttributes = []string{"name", "family_name"} })
			r.user(t, pool, "alice", append(verified("a@example.com"), "family_name", "A", "custom:tenant", "t1")...)
			r.user(t, pool, "bob", "family_name", "B")
			token, narrow := r.signIn(t, client, "alice").AccessToken, r.signIn(t, writer, "alice").AccessToken
			unauthorized := notAuthorized("A client attempted to write unauthorized attribute")
			for _, row := range []struct {
				name  string
				token *string
				attrs []string
				want  error
				codes int
			}{
				{"name", token, []string{"name", "Alice"}, nil, 0},
				{"same address", token, []string{"email", "a@example.com"}, nil, 0},
				{"another address", token, []string{"email", "b@example.com"}, nil, 1},
				{"flag", token, []string{"email_verified", "true"}, unauthorized, 0},
				{"sub", token, []string{"sub", "x"}, unauthorized, 0},
				{"not writable", narrow, []string{"nickname", "Al"}, unauthorized, 0},
				{"writable", narrow, []string{"name", "Al"}, nil, 0},
				{"immutable", token, []string{"custom:tenant", "t2"}, invalid("user.custom:tenant: Attribute cannot be updated.\n"), 0},
				{"required", token, []string{"family_name", ""}, invalid("Invalid user attributes: family_name: Required attribute cannot be deleted.\n"), 0},
				{"mail syntax", token, []string{"email", "x"}, invalid("Invalid email address format."), 0},
				{"limits", token, []string{"custom:plan", "x"}, invalid("Attributes did not conform to the schema: custom:plan: String must be no shorter than 2 characters"), 0},
				{"unknown", token, []string{"custom:shoe", "43"}, invalid("user.custom:shoe: Attribute does not exist in the schema.\n"), 0},
			} {
				t.Run(row.name, func(t *testing.T) {
					out, err := r.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: row.token, UserAttributes: attributes(row.attrs...)})
					wantError(t, err, row.want)
					if err == nil && len(out.CodeDeliveryDetailsList) != row.codes {
						t.Errorf("%+v", out.CodeDeliveryDetailsList)
					}
				})
			}
			got := valuesOf(r.find(t, pool, "alice").UserAttributes)
			if got["email"] != "b@example.com" || got["email_verified"] != "false" || got["name"] != "Al" || got["custom:tenant"] != "t1" {
				t.Errorf("%v", got)
			}
			if bob := valuesOf(r.find(t, pool, "bob").UserAttributes); len(bob) != 2 {
				t.Errorf("bob has %v", bob)
			}
		})
	})
	t.Run("address of another user", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, byAddress)
			client := r.client(t, pool)
			r.user(t, pool, "a@example.com")
			r.user(t, pool, "b@example.com")
			_, err := r.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: r.signIn(t, client, "b@example.com").AccessToken, UserAttributes: attributes("email", "a@example.com")})
			wantError(t, err, &types.AliasExistsException{Message: aws.String("An account with the given email already exists.")})
		})
	})
}

func TestDeleteUserAttributes(t *testing.T) {
	remove := func(t *testing.T, r rig, token string, names ...string) error {
		_, err := r.DeleteUserAttributes(t.Context(), &cip.DeleteUserAttributesInput{AccessToken: &token, UserAttributeNames: names})
		return err
	}
	badTokens(t, noUser(), func(t *testing.T, r rig, token string) error { return remove(t, r, token, "name") })
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, custom, func(in *cip.CreateUserPoolInput) {
				in.Schema = append(in.Schema, types.SchemaAttributeType{Name: aws.String("family_name"), Required: aws.Bool(true)})
			})
			client := r.client(t, pool)
			writer := r.client(t, pool, func(in *cip.CreateUserPoolClientInput) { in.WriteAttributes = []string{"family_name"} })
			r.user(t, pool, "alice", append(verified("a@example.com"), "family_name", "A", "name", "Alice", "custom:plan", "gold")...)
			token, narrow := *r.signIn(t, client, "alice").AccessToken, *r.signIn(t, writer, "alice").AccessToken
			wantError(t, remove(t, r, token, "family_name"), invalid("Invalid user attributes: family_name: Required attribute cannot be deleted.\n"))
			wantError(t, remove(t, r, token, "custom:foo"), invalid("Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n"))
			wantError(t, remove(t, r, narrow, "name"), notAuthorized("A client attempted to write unauthorized attribute"))
			wantError(t, remove(t, r, token, "email", "custom:plan", "birthdate"), nil)
			got := valuesOf(r.find(t, pool, "alice").UserAttributes)
			delete(got, "sub")
			if d := cmp.Diff(map[string]string{"name": "Alice", "family_name": "A"}, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	})
}

func TestChangePassword(t *testing.T) {
	change := func(t *testing.T, r rig, token, old, proposed string) error {
		_, err := r.ChangePassword(t.Context(), &cip.ChangePasswordInput{AccessToken: &token, PreviousPassword: &old, ProposedPassword: &proposed})
		return err
	}
	badTokens(t, noUser(), func(t *testing.T, r rig, token string) error { return change(t, r, token, password, otherPassword) })
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			token := *r.signIn(t, client, "alice").AccessToken
			incorrect := notAuthorized("Incorrect username or password.")
			wantError(t, change(t, r, token, otherPassword, "Passw0rd!three"), incorrect)
			wantError(t, change(t, r, token, password, "simple"), badPassword("Password does not conform to policy: Password not long enough"))
			wantError(t, change(t, r, token, password, otherPassword), nil)
			must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword))
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, incorrect)
			wantError(t, change(t, r, token, otherPassword, password), nil) // The token stays good.
			wantError(t, change(t, r, token, password, otherPassword), nil)
			wantError(t, change(t, r, token, otherPassword, password), limited())
		})
	})
}

func TestGetUserAttributeVerificationCode(t *testing.T) {
	ask := func(t *testing.T, r rig, token, attr string) error {
		_, err := r.GetUserAttributeVerificationCode(t.Context(), &cip.GetUserAttributeVerificationCodeInput{AccessToken: &token, AttributeName: &attr})
		return err
	}
	badTokens(t, noUser(), func(t *testing.T, r rig, token string) error { return ask(t, r, token, "email") })
	t.Run("rows", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice", "email", "a@example.com", "phone_number", "+12065550100")
			r.user(t, pool, "bob")
			token := *r.signIn(t, client, "alice").AccessToken
			wantError(t, ask(t, r, token, "name"), invalid("Invalid attribute name. Only phone_number and email can be verified."))
			wantError(t, ask(t, r, token, "phone_number"), invalid("User pool does not have SMS configuration to send messages."))
			wantError(t, ask(t, r, *r.signIn(t, client, "bob").AccessToken, "email"), invalid("User does not have a valid registered email address"))
			for range 5 {
				wantError(t, ask(t, r, token, "email"), nil)
			}
			wantError(t, ask(t, r, token, "email"), limited())
			if n := len(r.inbox(t, pool, "alice")); n != 5 {
				t.Errorf("%d messages", n)
			}
		})
	})
}

func TestVerifyUserAttribute(t *testing.T) {
	verify := func(t *testing.T, r rig, token, attr, code string) error {
		_, err := r.VerifyUserAttribute(t.Context(), &cip.VerifyUserAttributeInput{AccessToken: &token, AttributeName: &attr, Code: &code})
		return err
	}
	badTokens(t, noUser(), func(t *testing.T, r rig, token string) error { return verify(t, r, token, "email", "123456") })
	t.Run("pending", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
				in.UserAttributeUpdateSettings = &types.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []types.VerifiedAttributeType{"email"}}
			})
			client := r.client(t, pool)
			r.user(t, pool, "alice", verified("a@example.com")...)
			r.user(t, pool, "bob", verified("b@example.com")...)
			token, bobs := *r.signIn(t, client, "alice").AccessToken, *r.signIn(t, client, "bob").AccessToken
			wantError(t, verify(t, r, token, "email", "123456"), expired())
			out := must[*cip.UpdateUserAttributesOutput](t)(r.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: &token, UserAttributes: attributes("email", "new@example.com")}))
			if d := out.CodeDeliveryDetailsList; len(d) != 1 || *d[0].Destination != "n***@e***" {
				t.Errorf("%+v", d)
			}
			shows := func(address, flag string) {
				t.Helper()
				if got := valuesOf(r.find(t, pool, "alice").UserAttributes); got["email"] != address || got["email_verified"] != flag {
					t.Errorf("%v", got)
				}
			}
			shows("a@example.com", "true")
			mail := r.inbox(t, pool, "alice")[0]
			if mail.To != "new@example.com" {
				t.Errorf("the code went to %s", mail.To)
			}
			wantError(t, verify(t, r, token, "name", mail.Code), invalid("Invalid attribute name. Only phone_number and email can be verified."))
			wantError(t, verify(t, r, token, "phone_number", mail.Code), expired())
			wantError(t, verify(t, r, token, "email", wrong(mail.Code)), mismatch())
			wantError(t, verify(t, r, bobs, "email", mail.Code), expired())
			wantError(t, verify(t, r, token, "email", mail.Code), nil)
			shows("new@example.com", "true")
			wantError(t, verify(t, r, token, "email", mail.Code), expired())
		})
	})
}

func TestDeleteUser(t *testing.T) {
	remove := func(t *testing.T, r rig, token string) error {
		_, err := r.DeleteUser(t.Context(), &cip.DeleteUserInput{AccessToken: &token})
		return err
	}
	badTokens(t, noUser(), remove)
	t.Run("deletes", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			r.user(t, pool, "bob")
			set := r.signIn(t, client, "alice")
			wantError(t, remove(t, r, *set.AccessToken), nil)
			wantError(t, remove(t, r, *set.AccessToken), noUser())
			wantError(t, r.refresh(t, client, set), noUser())
			_, err := r.trySignIn(t, client, "alice", password)
			wantError(t, err, noUser())
			r.signIn(t, client, "bob")
		})
	})
}
