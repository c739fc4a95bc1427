package user

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/race"
	"cognate/test/services"
)

const sayResend = "UnsupportedUserStateException: Resend not possible. "

// creates returns a call of AdminCreateUser that sends nothing.
func creates(username string, pairs ...string) idp.AdminCreateUserRequest {
	return idp.AdminCreateUserRequest{Username: username, UserAttributes: attributes(pairs...), MessageAction: idp.MessageActionTypeSuppress}
}

// TestAdminCreateUserAnswers holds one row for each thing that is checked.
func TestAdminCreateUserAnswers(t *testing.T) {
	t.Parallel()
	const nonconforming = "InvalidParameterException: Attributes did not conform to the schema: "
	withPassword := func(p string) idp.AdminCreateUserRequest {
		in := creates("alice")
		in.TemporaryPassword = &p
		return in
	}
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name string
			pool func(in *idp.CreateUserPoolRequest)
			in   idp.AdminCreateUserRequest
			want string
			// attrs, if set, are what is stored.
			attrs map[string]string
		}{
			{name: "plain", in: creates("alice"), attrs: map[string]string{}},
			{name: "sign-up is the administrator's alone", pool: func(in *idp.CreateUserPoolRequest) {
				in.AdminCreateUserConfig = &idp.AdminCreateUserConfigType{AllowAdminCreateUserOnly: new(true)}
			}, in: creates("alice")},
			{name: "what the schema requires may be missing", pool: services.Requires("given_name"), in: creates("alice")},
			{name: "blank values are not stored", in: creates("alice", "name", ""), attrs: map[string]string{}},
			{name: "flags", in: creates("alice", "email", "a@example.com", "email_verified", "True", "phone_number", "+12065550100", "phone_number_verified", "false"),
				attrs: map[string]string{"email": "a@example.com", "email_verified": "true", "phone_number": "+12065550100", "phone_number_verified": "false"}},
			{name: "no flag is stored that was not given", in: creates("alice", "email", "a@example.com"), attrs: map[string]string{"email": "a@example.com"}},
			{name: "flag without its address", in: creates("alice", "email_verified", "true"),
				want: "InvalidParameterException: Email is required to verify/un-verify an email"},
			{name: "phone flag without its number", in: creates("alice", "phone_number_verified", "false"),
				want: "InvalidParameterException: Phone Number is required to verify/un-verify a phone number"},
			{name: "flag of another kind", in: creates("alice", "email", "a@example.com", "email_verified", "yes"), want: nonconforming + "email_verified: Value is out of range"},
			{name: "immutable, once", pool: services.CustomAttributes, in: creates("alice", "custom:tenant", "t1"), attrs: map[string]string{"custom:tenant": "t1"}},
			{name: "sub", in: creates("alice", "sub", "x"), want: "InvalidParameterException: user.sub: Attribute cannot be updated.\n"},
			{name: "identities", in: creates("alice", "identities", "[]"), want: "InvalidParameterException: user.identities: Attribute cannot be updated.\n"},
			{name: "unknown attributes", in: creates("alice", "shoe_size", "43", "hat", "7"),
				want: nonconforming + "shoe_size: Attribute does not exist in the schema.\nhat: Attribute does not exist in the schema.\n"},
			{name: "limits", pool: services.CustomAttributes, in: creates("alice", "custom:plan", "golden"), want: nonconforming + "custom:plan: String must be no longer than 4 characters"},
			{name: "mail syntax", in: creates("alice", "email", "alice"), want: "InvalidParameterException: Invalid email address format."},
			{name: "phone syntax", in: creates("alice", "phone_number", "0123"), want: "InvalidParameterException: Invalid phone number format."},
			{name: "preferred_username alias of a confirmed user to be", pool: services.WithAliases, in: creates("alice", "preferred_username", "ally"), attrs: map[string]string{"preferred_username": "ally"}},
			{name: "username of an alias's form", pool: services.WithAliases, in: creates("alice@example.com"),
				want: "InvalidParameterException: Username cannot be of email format, since user pool is configured for email alias."},
			{name: "username must be an address", pool: services.ByEmail, in: creates("alice"), want: "InvalidParameterException: Username should be an email."},
			{name: "address becomes the attribute", pool: services.ByEmail, in: creates("alice@example.com"), attrs: map[string]string{"email": "alice@example.com"}},
			{name: "case is folded", pool: services.AnyCase, in: creates("ALICE"), attrs: map[string]string{}},

			{name: "policy", in: withPassword("passw0rd!"), want: "InvalidPasswordException: Password did not conform with password policy: Password must have uppercase characters"},
			{name: "too short", in: withPassword("Pw0!"), want: "InvalidPasswordException: Password did not conform with password policy: Password not long enough"},
			{name: "a blank password is none", in: withPassword("")},
			{name: "a given password", in: withPassword("Another0ne!")},

			{name: "mail without an address", in: idp.AdminCreateUserRequest{Username: "alice", DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL"}},
				want: "InvalidParameterException: No email provided but desired delivery medium was Email"},
			{name: "SMS without a number", in: idp.AdminCreateUserRequest{Username: "alice", DesiredDeliveryMediums: []idp.DeliveryMediumType{"SMS"}},
				want: "InvalidParameterException: No phone number provided but desired delivery medium was SMS"},
			{name: "one of two mediums without an address", in: idp.AdminCreateUserRequest{Username: "alice",
				UserAttributes: attributes("email", "a@example.com"), DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL", "SMS"}},
				want: "InvalidParameterException: No phone number provided but desired delivery medium was SMS"},
			{name: "SMS in a pool that sends none", pool: func(in *idp.CreateUserPoolRequest) {
				in.SmsConfiguration, in.AutoVerifiedAttributes = nil, nil
			}, in: idp.AdminCreateUserRequest{Username: "alice", UserAttributes: attributes("phone_number", "+12065550100")},
				want: "InvalidParameterException: User pool does not have SMS configuration to send messages."},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				row.in.UserPoolId = sn.ID
				out, err := r.AdminCreateUser(t.Context(), &row.in)
				wantSays(t, err, row.want)
				found, lookup := r.ResolveAdmin(t.Context(), sn, row.in.Username)
				if row.want != "" {
					wantSays(t, lookup, "UserNotFoundException: User does not exist.")
					return
				}
				if lookup != nil {
					t.Fatal(lookup)
				}
				if row.attrs != nil {
					if d := gocmp.Diff(row.attrs, found.Attributes); d != "" {
						t.Errorf("attributes (-want +got)\n%s", d)
					}
				}
				wantNewUser(t, out.User, found)
				c, err := r.Credential(found)
				if err != nil || !c.Temporary || !c.HasPassword() {
					t.Errorf("the password is not temporary: %v", err)
				}
				if p := api.Val(row.in.TemporaryPassword); p != "" && !r.matches(t, sn, found, p) {
					t.Error("it is not the one that was given")
				}
				if n := len(r.mail(t, sn)); n != 0 {
					t.Errorf("%d messages were sent", n)
				}
			})
		}
	})
}

// wantNewUser compares what AdminCreateUser shows with what is stored.
func wantNewUser(t *testing.T, got *idp.UserType, u *User) {
	t.Helper()
	want := &idp.UserType{
		Username: new(u.Username()), Attributes: attributes("sub", u.ID()), Enabled: new(true),
		UserStatus: idp.UserStatusTypeForceChangePassword, UserCreateDate: u.Rec.CreatedAt, UserLastModifiedDate: u.Rec.CreatedAt,
	}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		want.Attributes = append(want.Attributes, attribute(name, u.Attributes[name]))
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("user (-want +got)\n%s", d)
	}
}

// TestInvitations shows which messages go where.
func TestInvitations(t *testing.T) {
	t.Parallel()
	both := attributes("email", "a@example.com", "phone_number", "+12065550100")
	rows := []struct {
		name    string
		attrs   []idp.AttributeType
		action  idp.MessageActionType
		mediums []idp.DeliveryMediumType
		want    []string
	}{
		{name: "no address"},
		{name: "mail address alone", attrs: attributes("email", "a@example.com")},
		{name: "number", attrs: both, want: []string{"SMS +12065550100"}},
		{name: "mail", attrs: both, mediums: []idp.DeliveryMediumType{"EMAIL"}, want: []string{"EMAIL a@example.com"}},
		{name: "both", attrs: both, mediums: []idp.DeliveryMediumType{"EMAIL", "SMS"}, want: []string{"EMAIL a@example.com", "SMS +12065550100"}},
		{name: "one twice", attrs: both, mediums: []idp.DeliveryMediumType{"EMAIL", "EMAIL"}, want: []string{"EMAIL a@example.com"}},
		{name: "suppressed", attrs: both, action: idp.MessageActionTypeSuppress, mediums: []idp.DeliveryMediumType{"EMAIL"}},
		{name: "suppressed without an address", action: idp.MessageActionTypeSuppress, mediums: []idp.DeliveryMediumType{"EMAIL"}},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, nil)
				in := &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "alice", UserAttributes: row.attrs, MessageAction: row.action, DesiredDeliveryMediums: row.mediums}
				if _, err := r.AdminCreateUser(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				u, err := r.ResolveAdmin(t.Context(), sn, "alice")
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, m := range r.mail(t, sn) {
					got = append(got, m.Medium+" "+m.To)
					if want := "Your username is alice and temporary password is " + m.Code + ". "; m.Body != want {
						t.Errorf("body %q, want %q", m.Body, want)
					}
					if m.Medium == "EMAIL" && m.Subject != "Your temporary password" {
						t.Errorf("subject %q", m.Subject)
					}
					if !r.matches(t, sn, u, m.Code) {
						t.Error("the password in the message does not work")
					}
				}
				slices.Sort(got)
				if d := gocmp.Diff(row.want, got); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
			})
		}
	})
}

func TestInvitationTemplates(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			services.ByEmail(in)
			in.AdminCreateUserConfig = &idp.AdminCreateUserConfigType{InviteMessageTemplate: &idp.MessageTemplateType{
				EmailSubject: new("Welcome"), EmailMessage: new("<b>{username}</b> {####} {####}"),
			}}
			in.Policies = &idp.UserPoolPolicyType{PasswordPolicy: &idp.PasswordPolicyType{MinimumLength: new(int32(20)), RequireSymbols: new(true)}}
		})
		in := &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "alice@example.com", DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL"}}
		if _, err := r.AdminCreateUser(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		m := r.mail(t, sn)[0]
		if fault := policyFault(sn.PasswordPolicy, m.Code); fault != "" || len(m.Code) < 20 {
			t.Errorf("the temporary password: %d characters, %s", len(m.Code), fault)
		}
		if m.Subject != "Welcome" || !strings.HasPrefix(m.Body, "<b>alice@example.com</b> ") {
			t.Errorf("%q: %q", m.Subject, m.Body)
		}
		if want := r.Clock.Now().Add(7 * 24 * time.Hour); !m.ExpiresAt.Equal(want) {
			t.Errorf("the message is kept until %v, want %v", m.ExpiresAt, want)
		}
	})
}

// TestReinvite is MessageAction RESEND: who may have it, what it changes.
func TestReinvite(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, status := range []idp.UserStatusType{
			idp.UserStatusTypeUnconfirmed, idp.UserStatusTypeConfirmed, idp.UserStatusTypeResetRequired, idp.UserStatusTypeExternalProvider,
		} {
			t.Run(string(status), func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, nil)
				u := r.have(t, sn, "alice", status, verified("a@example.com"))
				_, err := r.AdminCreateUser(t.Context(), resends(sn))
				wantSays(t, err, sayResend+"alice status is not FORCE_CHANGE_PASSWORD")
				if !r.matches(t, sn, r.read(t, sn, u.ID()), goodPassword) || len(r.mail(t, sn)) != 0 {
					t.Error("the refusal changed something")
				}
			})
		}
		t.Run("unknown", func(t *testing.T) {
			t.Parallel()
			_, err := r.AdminCreateUser(t.Context(), resends(r.poolWith(t, nil)))
			wantSays(t, err, "UserNotFoundException: User does not exist.")
		})
		t.Run("FORCE_CHANGE_PASSWORD", func(t *testing.T) {
			t.Parallel()
			sn := r.poolWith(t, nil)
			in := creates("alice", "email", "a@example.com", "name", "Alice")
			in.UserPoolId, in.TemporaryPassword = sn.ID, new(goodPassword)
			if _, err := r.AdminCreateUser(t.Context(), &in); err != nil {
				t.Fatal(err)
			}
			before, err := r.ResolveAdmin(t.Context(), sn, "alice")
			if err != nil {
				t.Fatal(err)
			}
			again := resends(sn)
			again.UserAttributes = attributes("name", "Mallory", "shoe_size", "43")
			out, err := r.AdminCreateUser(t.Context(), again)
			if err != nil {
				t.Fatal(err)
			}
			u := r.read(t, sn, before.ID())
			if d := gocmp.Diff(before.Attributes, u.Attributes); d != "" || *out.User.Username != "alice" {
				t.Errorf("attributes of the request were looked at:\n%s", d)
			}
			code := r.lastCode(t, sn)
			if r.matches(t, sn, u, goodPassword) || !r.matches(t, sn, u, code) {
				t.Error("the old temporary password works, or the new one does not")
			}
			again.TemporaryPassword = new("short")
			_, err = r.AdminCreateUser(t.Context(), again)
			wantSays(t, err, "InvalidPasswordException: Password did not conform with password policy: Password not long enough")
			again.TemporaryPassword = new("Another0ne!")
			if _, err = r.AdminCreateUser(t.Context(), again); err != nil || !r.matches(t, sn, r.read(t, sn, u.ID()), "Another0ne!") {
				t.Errorf("a given password: %v", err)
			}
		})
	})
}

func resends(sn *pool.Snapshot) *idp.AdminCreateUserRequest {
	return &idp.AdminCreateUserRequest{
		UserPoolId: sn.ID, Username: "alice", MessageAction: idp.MessageActionTypeResend, DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL"},
	}
}

// TestReinviteRestartsTheTime keeps to its own rig: it moves the clock.
func TestReinviteRestartsTheTime(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		in := creates("alice", "email", "a@example.com")
		in.UserPoolId = sn.ID
		if _, err := r.AdminCreateUser(t.Context(), &in); err != nil {
			t.Fatal(err)
		}
		stale := func() bool {
			u, err := r.ResolveAdmin(t.Context(), sn, "alice")
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Credential(u)
			if err != nil {
				t.Fatal(err)
			}
			return c.Stale(sn, r.Clock.Now())
		}
		r.Clock.Pass(7*24*time.Hour - time.Millisecond)
		if stale() {
			t.Error("stale before the seventh day")
		}
		r.Clock.Pass(time.Millisecond)
		if !stale() {
			t.Error("not stale after seven days")
		}
		if _, err := r.AdminCreateUser(t.Context(), resends(sn)); err != nil {
			t.Fatal(err)
		}
		if stale() {
			t.Error("RESEND did not restart the time")
		}
	})
}

// TestAdminCreateUserTakenNames is Cognito's table of taken names for this
// operation.
func TestAdminCreateUserTakenNames(t *testing.T) {
	t.Parallel()
	const (
		sayAccount = "UsernameExistsException: User account already exists"
		// A verified alias (Cognito: AdminCreateUser, ForceAliasCreation), and an address that is the username.
		sayEmail   = "AliasExistsException: An account with the given email already exists."
		sayPhone   = "AliasExistsException: An account with the given phone_number already exists."
		sayAddress = "UsernameExistsException: An account with the given email already exists."
	)
	const unproven = "a@example.com"
	email, phone := verified("a@example.com"), map[string]string{"phone_number": "+12065550100", "phone_number_verified": "true"}
	rows := []struct {
		name   string
		pool   func(in *idp.CreateUserPoolRequest)
		holder map[string]string
		in     idp.AdminCreateUserRequest
		force  bool
		want   string
		moved  string // the flag that the holder loses
	}{
		{name: "username", in: creates("holder"), want: sayAccount},
		{name: "username of other case", in: creates("Holder")},
		{name: "username of other case, folded", pool: services.AnyCase, in: creates("Holder"), want: sayAccount},
		{name: "a forced alias forces no username", pool: services.WithAliases, in: creates("holder"), force: true, want: sayAccount},
		{name: "no aliases, no clash", holder: email, in: creates("alice", "email", unproven, "email_verified", "true")},
		{name: "alias", pool: services.WithAliases, holder: email, in: creates("alice", "email", "a@example.com", "email_verified", "true"), want: sayEmail},
		{name: "phone alias", pool: services.WithAliases, holder: phone, in: creates("alice", "phone_number", "+12065550100", "phone_number_verified", "true"), want: sayPhone},
		{name: "alias, not proven", pool: services.WithAliases, holder: email, in: creates("alice", "email", "a@example.com")},
		{name: "holder's not proven", pool: services.WithAliases, holder: map[string]string{"email": "a@example.com"}, in: creates("alice", "email", "a@example.com", "email_verified", "true")},
		{name: "alias moves", pool: services.WithAliases, holder: email, in: creates("alice", "email", "a@example.com", "email_verified", "true"), force: true, moved: "email_verified"},
		{name: "phone alias moves", pool: services.WithAliases, holder: phone, in: creates("alice", "phone_number", "+12065550100", "phone_number_verified", "true"), force: true, moved: "phone_number_verified"},
		{name: "preferred_username", pool: services.WithAliases, holder: map[string]string{"preferred_username": "ally"}, in: creates("alice", "preferred_username", "ally"),
			want: "AliasExistsException: An account with the given preferred_username already exists."},
		{name: "preferred_username does not move", pool: services.WithAliases, holder: map[string]string{"preferred_username": "ally"}, in: creates("alice", "preferred_username", "ally"), force: true,
			want: "AliasExistsException: An account with the given preferred_username already exists."},
		{name: "preferred_username is somebody's username", pool: services.WithAliases, in: creates("alice", "preferred_username", "holder"),
			want: "AliasExistsException: An account with the given preferred_username already exists."},
		{name: "address that is the username", pool: services.ByEmail, holder: map[string]string{"email": "a@example.com"}, in: creates("a@example.com"), want: sayAddress},
		{name: "address that is the username does not move", pool: services.ByEmail, holder: email, in: creates("a@example.com"), force: true, want: sayAddress},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				name := "holder"
				if len(sn.UsernameAttributes) > 0 {
					name = row.holder["email"]
				}
				holder := r.have(t, sn, name, idp.UserStatusTypeConfirmed, maps.Clone(row.holder))
				row.in.UserPoolId, row.in.ForceAliasCreation = sn.ID, &row.force
				_, err := r.AdminCreateUser(t.Context(), &row.in)
				wantSays(t, err, row.want)
				want := maps.Clone(holder.Attributes)
				if row.moved != "" {
					want[row.moved] = "false"
				}
				if d := gocmp.Diff(want, r.read(t, sn, holder.ID()).Attributes); d != "" {
					t.Errorf("the holder (-want +got)\n%s", d)
				}
				if row.moved == "" {
					return
				}
				value := holder.Attributes[strings.TrimSuffix(row.moved, "_verified")]
				if u, err := r.Resolve(t.Context(), sn, value); err != nil || u.Username() != row.in.Username {
					t.Errorf("%s is not the new user's: %v", value, err)
				}
			})
		}
	})
}

// TestOneInvitedUser holds that of many at once with one name, or one verified
// address, one is made.
func TestOneInvitedUser(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.WithAliases)
		const n = 6
		for _, row := range []struct {
			name, lost string
			in         func(i int) idp.AdminCreateUserRequest
		}{
			{"username", "UsernameExistsException", func(int) idp.AdminCreateUserRequest { return creates("alice") }},
			{"address", "AliasExistsException", func(i int) idp.AdminCreateUserRequest {
				return creates(fmt.Sprint("user", i), "email", "a@example.com", "email_verified", "true")
			}},
		} {
			got := race.Codes(race.AtOnce(n, func(i int) error {
				in := row.in(i)
				in.UserPoolId = sn.ID
				_, err := r.AdminCreateUser(t.Context(), &in)
				return err
			}))
			if want := (map[string]int{"": 1, row.lost: n - 1}); !maps.Equal(want, got) {
				t.Errorf("%s: got %v, want %v", row.name, got, want)
			}
		}
	})
}
