package registration

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/test/people"
	"cognate/test/race"
	"cognate/test/services"
)

// TestSignUpAnswers holds one row for each thing that SignUp checks.
func TestSignUpAnswers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name   string
			pool   func(in *idp.CreateUserPoolRequest)
			client func(in *idp.CreateUserPoolClientRequest)
			user   string // alice if empty
			pass   string // a good one if empty
			attrs  []idp.AttributeType
			want   string
		}{
			{name: "plain"},
			{name: "admin only", pool: func(in *idp.CreateUserPoolRequest) {
				in.AdminCreateUserConfig = &idp.AdminCreateUserConfigType{AllowAdminCreateUserOnly: new(true)}
			}, want: "NotAuthorizedException: SignUp is not permitted for this user pool"},
			{name: "client with a secret", client: func(in *idp.CreateUserPoolClientRequest) { in.GenerateSecret = new(true) },
				want: "NotAuthorizedException: Client CLIENT is configured with secret but SECRET_HASH was not received"},

			{name: "name must be an address", pool: services.ByEmail, want: "InvalidParameterException: Username should be an email."},
			{name: "name must be a phone number", pool: func(in *idp.CreateUserPoolRequest) {
				in.UsernameAttributes = []idp.UsernameAttributeType{"phone_number"}
			}, want: "InvalidParameterException: Username should be a phone number."},
			{name: "name must be either", pool: func(in *idp.CreateUserPoolRequest) {
				in.UsernameAttributes = []idp.UsernameAttributeType{"phone_number", "email"}
			}, want: "InvalidParameterException: Username should be either an email or a phone number."},
			{name: "name is copied", pool: services.ByEmail, user: "alice@example.com"},
			{name: "name is copied before requirements are looked at", pool: func(in *idp.CreateUserPoolRequest) { services.ByEmail(in); services.Requires("email")(in) }, user: "alice@example.com"},
			{name: "name and attribute differ", pool: services.ByEmail, user: "alice@example.com", attrs: people.Attributes("email", "bob@example.com"),
				want: "InvalidParameterException: User email should be empty or same as username, since username attribute is email."},
			{name: "name and number differ", pool: func(in *idp.CreateUserPoolRequest) {
				in.UsernameAttributes = []idp.UsernameAttributeType{"phone_number"}
			}, user: "+12065550100", attrs: people.Attributes("phone_number", "+12065550101"),
				want: "InvalidParameterException: User phone_number should be empty or same as username, since username attribute is phone_number."},
			{name: "an empty attribute beside the name", pool: services.ByEmail, user: "alice@example.com", attrs: people.Attributes("email", "")},
			{name: "name looks like a mail alias", pool: services.WithAliases, user: "alice@example.com",
				want: "InvalidParameterException: Username cannot be of email format, since user pool is configured for email alias."},
			{name: "name looks like a phone alias", pool: services.WithAliases, user: "+12065550100",
				want: "InvalidParameterException: Username cannot be of phone number format, since user pool is configured for phone number alias."},
			{name: "preferred_username alias", pool: services.WithAliases, attrs: people.Attributes("preferred_username", "ally"),
				want: "InvalidParameterException: A preferred_username cannot be set for an unconfirmed account."},
			{name: "preferred_username is no alias", attrs: people.Attributes("preferred_username", "ally")},

			{name: "unknown attribute", attrs: people.Attributes("shoe_size", "43"),
				want: "InvalidParameterException: Attributes did not conform to the schema: shoe_size: Attribute does not exist in the schema.\n"},
			{name: "unknown attributes, in the request's order", attrs: people.Attributes("shoe_size", "43", "name", "Alice", "hat", "7", "shoe_size", "44"),
				want: "InvalidParameterException: Attributes did not conform to the schema: shoe_size: Attribute does not exist in the schema.\nhat: Attribute does not exist in the schema.\n"},
			{name: "required ones missing", pool: services.Requires("given_name", "family_name"),
				want: "InvalidParameterException: Attributes did not conform to the schema: family_name: The attribute is required\ngiven_name: The attribute is required\n"},
			{name: "a blank is missing", pool: services.Requires("given_name"), attrs: people.Attributes("given_name", ""),
				want: "InvalidParameterException: Attributes did not conform to the schema: given_name: The attribute is required\n"},
			{name: "not writable", client: services.Writes("email"), attrs: people.Attributes("name", "Alice"),
				want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
			{name: "sub", attrs: people.Attributes("sub", "x"), want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
			{name: "flag", attrs: people.Attributes("email", "a@example.com", "email_verified", "true"),
				want: "NotAuthorizedException: A client attempted to write unauthorized attribute"},
			{name: "mail syntax", attrs: people.Attributes("email", "alice"), want: "InvalidParameterException: Invalid email address format."},
			{name: "phone syntax", attrs: people.Attributes("phone_number", "0123"), want: "InvalidParameterException: Invalid phone number format."},
			{name: "no value", attrs: []idp.AttributeType{{Name: "name"}}, want: "InvalidParameterException: Attribute value for name must not be null"},
			{name: "birthdate of another length", attrs: people.Attributes("birthdate", "1990"),
				want: "InvalidParameterException: Attributes did not conform to the schema: birthdate: String must be no shorter than 10 characters"},
			{name: "too long", pool: services.CustomAttributes, attrs: people.Attributes("custom:plan", "golden"),
				want: "InvalidParameterException: Attributes did not conform to the schema: custom:plan: String must be no longer than 4 characters"},
			{name: "number too small", pool: services.CustomAttributes, attrs: people.Attributes("custom:age", "17.9"),
				want: "InvalidParameterException: Attributes did not conform to the schema: custom:age: Value is out of range"},
			{name: "no number", pool: services.CustomAttributes, attrs: people.Attributes("custom:age", "1e2"),
				want: "InvalidParameterException: Attributes did not conform to the schema: custom:age: Value is out of range"},
			{name: "no Boolean", pool: services.CustomAttributes, attrs: people.Attributes("custom:news", "yes"),
				want: "InvalidParameterException: Attributes did not conform to the schema: custom:news: Value is out of range"},
			{name: "no date", pool: services.CustomAttributes, attrs: people.Attributes("custom:since", "yesterday"),
				want: "InvalidParameterException: Attributes did not conform to the schema: custom:since: Value is not a date and time"},
			{name: "immutable, once", pool: services.CustomAttributes, attrs: people.Attributes("custom:tenant", "t1", "custom:plan", "gold", "custom:age", "18", "custom:news", "True", "custom:since", "2026-01-02T03:04:05Z")},

			{name: "policy", pass: "passw0rd!", want: "InvalidPasswordException: Password did not conform with policy: Password must have uppercase characters"},
			{name: "attributes come before the policy", pass: "x", attrs: people.Attributes("email", "alice"), want: "InvalidParameterException: Invalid email address format."},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				clientID := r.clientWith(t, sn, row.client)
				in := &idp.SignUpRequest{ClientId: clientID, Username: "alice", Password: new(people.Password), UserAttributes: row.attrs}
				if row.user != "" {
					in.Username = row.user
				}
				if row.pass != "" {
					in.Password = &row.pass
				}
				_, err := r.SignUp(t.Context(), in)
				people.WantError(t, err, strings.ReplaceAll(row.want, "CLIENT", clientID))
				if err != nil {
					if _, err := r.Resolve(t.Context(), sn, in.Username); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("after a refusal the user is there: %v", err)
					}
				}
			})
		}
	})
}

func TestSignUpWithoutPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		in := &idp.SignUpRequest{ClientId: r.clientWith(t, sn, nil), Username: "alice"}
		for _, blank := range []*string{nil, new("")} {
			in.Password = blank
			_, err := r.SignUp(t.Context(), in)
			people.WantError(t, err, "InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null")
		}
	})
}

// TestSignUpFlags holds that the addresses of a sign-up are stored as not verified, and shown so by every operation that
// lists attributes. A user made by an administrator has only the flags that the request set.
func TestSignUpFlags(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		in := people.Attributes("email", "a@example.com", "phone_number", "+12065550100")
		_, err := r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: r.clientWith(t, sn, nil), Username: "alice", Password: new(people.Password), UserAttributes: in})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "bob", UserAttributes: in, MessageAction: idp.MessageActionTypeSuppress})
		if err != nil {
			t.Fatal(err)
		}
		list, err := r.ListUsers(t.Context(), &idp.ListUsersRequest{UserPoolId: sn.ID})
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string][]idp.AttributeType{}
		for _, u := range list.Users {
			shown[*u.Username+" in the list"] = u.Attributes
		}
		for _, name := range []string{"alice", "bob"} {
			out, err := r.AdminGetUser(t.Context(), &idp.AdminGetUserRequest{UserPoolId: sn.ID, Username: name})
			if err != nil {
				t.Fatal(err)
			}
			shown[name] = out.UserAttributes
		}
		for who, list := range shown {
			want := map[string]string{}
			if strings.HasPrefix(who, "alice") {
				want = map[string]string{"email_verified": "false", "phone_number_verified": "false"}
			}
			got := map[string]string{}
			for _, a := range list {
				if strings.HasSuffix(a.Name, "_verified") {
					got[a.Name] = *a.Value
				}
			}
			if !maps.Equal(want, got) {
				t.Errorf("%s has %v, want %v", who, got, want)
			}
		}
	})
}

// TestSignUpMedium tells where the confirmation code goes.
func TestSignUpMedium(t *testing.T) {
	t.Parallel()
	both := people.Attributes("email", "alice@example.com", "phone_number", "+12065551234")
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name  string
			auto  []idp.VerifiedAttributeType
			attrs []idp.AttributeType
			want  string
		}{
			{"both, so the phone", []idp.VerifiedAttributeType{"email", "phone_number"}, both, "SMS phone_number +*******1234"},
			{"mail only", []idp.VerifiedAttributeType{"email"}, both, "EMAIL email a***@e***"},
			{"phone is not given", []idp.VerifiedAttributeType{"email", "phone_number"}, both[:1], "EMAIL email a***@e***"},
			{"nothing is given", []idp.VerifiedAttributeType{"email", "phone_number"}, nil, ""},
			{"nothing is verified", nil, both, ""},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { in.AutoVerifiedAttributes = row.auto })
				out, err := r.SignUp(t.Context(), &idp.SignUpRequest{
					ClientId: r.clientWith(t, sn, nil), Username: "alice", Password: new(people.Password), UserAttributes: row.attrs,
				})
				if err != nil {
					t.Fatal(err)
				}
				if got := tells(out.CodeDeliveryDetails); got != row.want {
					t.Errorf("got %q, want %q", got, row.want)
				}
				if n := len(r.mail(t, sn)); (n == 1) != (row.want != "") {
					t.Errorf("%d messages", n)
				}
				u := r.Read(t, sn, out.UserSub)
				if u.Status() != idp.UserStatusTypeUnconfirmed || u.Verified("email") || u.Verified("phone_number") || out.UserConfirmed {
					t.Errorf("the user is not merely unconfirmed: %+v", u.Rec)
				}
			})
		}
	})
}

func tells(d *idp.CodeDeliveryDetailsType) string {
	if d == nil {
		return ""
	}
	return fmt.Sprint(d.DeliveryMedium, " ", *d.AttributeName, " ", *d.Destination)
}

func TestStoredUsername(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name, user string
			pool       func(in *idp.CreateUserPoolRequest)
			stored     string // "sub" for the sub
			found      []string
			notFound   []string
		}{
			{"exact", "Alice", nil, "Alice", []string{"Alice"}, []string{"alice", "sub"}},
			{"any case", "Alice", services.AnyCase, "alice", []string{"Alice", "ALICE"}, []string{"sub"}},
			{"address", "Alice@Example.com", services.ByEmail, "sub", []string{"Alice@Example.com", "sub"}, []string{"alice@example.com"}},
			{"address in any case", "Alice@Example.com", func(in *idp.CreateUserPoolRequest) { services.ByEmail(in); services.AnyCase(in) }, "sub",
				[]string{"alice@example.com", "sub"}, nil},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				out, err := r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: r.clientWith(t, sn, nil), Username: row.user, Password: new(people.Password)})
				if err != nil {
					t.Fatal(err)
				}
				name := func(s string) string { return strings.ReplaceAll(s, "sub", out.UserSub) }
				if got := r.Read(t, sn, out.UserSub).Username(); got != name(row.stored) {
					t.Errorf("stored %q", got)
				}
				for _, n := range row.found {
					if _, err := r.Resolve(t.Context(), sn, name(n)); err != nil {
						t.Errorf("%q: %v", n, err)
					}
				}
				for _, n := range row.notFound {
					if _, err := r.Resolve(t.Context(), sn, name(n)); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("%q: %v", n, err)
					}
				}
				if _, err := r.ResolveAdmin(t.Context(), sn, out.UserSub); err != nil {
					t.Errorf("an administrator's sub: %v", err)
				}
			})
		}
	})
}

// TestOneNameOneUser lets many sign up under one name at once.
func TestOneNameOneUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for name, row := range map[string]struct {
			pool func(in *idp.CreateUserPoolRequest)
			user string
		}{"username": {nil, "alice"}, "address": {services.ByEmail, "alice@example.com"}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				clientID := r.clientWith(t, sn, nil)
				errs := race.AtOnce(12, func(int) error {
					_, err := r.SignUp(t.Context(), &idp.SignUpRequest{
						ClientId: clientID, Username: row.user, Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com"),
					})
					return err
				})
				won := 0
				for _, err := range errs {
					if err == nil {
						won++
					} else {
						people.WantError(t, err, "UsernameExistsException: User already exists")
					}
				}
				if won != 1 {
					t.Errorf("%d of them are the user", won)
				}
				if n := len(r.mail(t, sn)); n != 1 {
					t.Errorf("%d codes were sent", n)
				}
			})
		}
	})
}
