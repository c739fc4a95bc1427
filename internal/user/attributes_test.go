package user

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/user/codes"
	"cognate/test/services"
)

// contact is what is known of one address of a user.
type contact struct{ Value, Flag, Pending string }

func contactOf(u *User, attr string) contact {
	return contact{u.Attributes[attr], u.Attributes[schema.VerifiedFlag(attr)], u.Pending[attr]}
}

// TestChangingAnAddress is Cognito's table of what becomes of email and
// phone_number. The user has old@example.com, verified.
func TestChangingAnAddress(t *testing.T) {
	t.Parallel()
	const fresh = "new@example.com"
	auto := func(in *idp.CreateUserPoolRequest) { in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email"} }
	none := func(in *idp.CreateUserPoolRequest) { in.AutoVerifiedAttributes = nil }
	before := func(in *idp.CreateUserPoolRequest) {
		auto(in)
		in.UserAttributeUpdateSettings = &idp.UserAttributeUpdateSettingsType{AttributesRequireVerificationBeforeUpdate: []idp.VerifiedAttributeType{"email"}}
	}
	rows := []struct {
		name  string
		pool  func(in *idp.CreateUserPoolRequest)
		admin bool
		attrs []idp.AttributeType
		want  contact
		sent  string // the address that a code went to
	}{
		{"not verified by the pool", none, false, attributes("email", fresh), contact{fresh, "false", ""}, ""},
		{"verified by the pool", auto, false, attributes("email", fresh), contact{fresh, "false", ""}, fresh},
		{"verified before it counts", before, false, attributes("email", fresh), contact{"old@example.com", "true", fresh}, fresh},
		{"by an administrator, not verified", none, true, attributes("email", fresh), contact{fresh, "false", ""}, ""},
		{"by an administrator, verified by the pool", auto, true, attributes("email", fresh), contact{fresh, "false", ""}, fresh},
		{"by an administrator, verified before it counts", before, true, attributes("email", fresh), contact{"old@example.com", "true", fresh}, fresh},
		{"same value", auto, false, attributes("email", "old@example.com"), contact{"old@example.com", "true", ""}, ""},
		{"same value, verified before it counts", before, false, attributes("email", "old@example.com"), contact{"old@example.com", "true", ""}, ""},
		{"flag true", auto, true, attributes("email", fresh, "email_verified", "True"), contact{fresh, "true", ""}, ""},
		{"flag true, verified before it counts", before, true, attributes("email", fresh, "email_verified", "true"), contact{fresh, "true", ""}, ""},
		{"flag false", auto, true, attributes("email", fresh, "email_verified", "false"), contact{fresh, "false", ""}, ""},
		{"flag false, verified before it counts", before, true, attributes("email", fresh, "email_verified", "false"), contact{fresh, "false", ""}, ""},
		{"flag alone", auto, true, attributes("email_verified", "false"), contact{"old@example.com", "false", ""}, ""},
		{"blank", auto, false, attributes("email", ""), contact{}, ""},
		{"blank, verified before it counts", before, false, attributes("email", ""), contact{}, ""},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				sn := r.poolWith(t, row.pool)
				u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, verified("old@example.com"))
				var client *pool.Client
				if !row.admin {
					client = r.loadClient(t, sn, r.clientWith(t, sn, nil))
				}
				sent, err := r.UpdateAttributes(t.Context(), sn, client, u.ID(), row.attrs, nil)
				wantSays(t, err, "")
				if diff := cmp.Diff(row.want, contactOf(r.read(t, sn, u.ID()), "email")); diff != "" {
					t.Error(diff)
				}
				list := r.mail(t, sn)
				switch {
				case row.sent == "" && (len(list) > 0 || len(sent) > 0):
					t.Errorf("a code was sent: %v", sent)
				case row.sent != "" && (len(list) != 1 || len(sent) != 1 || list[0].To != row.sent || *sent[0].Destination != "n***@e***"):
					t.Errorf("sent %v, mail %v", sent, list)
				}
			})
		}
	})
}

func (r *rig) loadClient(t testing.TB, sn *pool.Snapshot, id string) *pool.Client {
	t.Helper()
	c, err := sn.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUpdateAnswers has what updates and deletions refuse.
func TestUpdateAnswers(t *testing.T) {
	t.Parallel()
	const unauthorized = "NotAuthorizedException: A client attempted to write unauthorized attribute"
	schema := func(in *idp.CreateUserPoolRequest) {
		services.CustomAttributes(in)
		services.Requires("given_name")(in)
	}
	rows := []struct {
		name   string
		attrs  []idp.AttributeType
		remove []string
		writes []string
		client string // what an app client is told
		admin  string // what an administrator is told
	}{
		{name: "unknown", attrs: attributes("shoe_size", "43"),
			client: "InvalidParameterException: user.shoe_size: Attribute does not exist in the schema.\n", admin: "same"},
		{name: "several unknown, in the request's order", attrs: attributes("shoe_size", "43", "name", "A", "hat", "7", "custom:tenant", "t2"),
			client: "InvalidParameterException: user.shoe_size: Attribute does not exist in the schema.\nuser.hat: Attribute does not exist in the schema.\nuser.custom:tenant: Attribute cannot be updated.\n", admin: "same"},
		{name: "immutable", attrs: attributes("custom:tenant", "t2"), client: "InvalidParameterException: user.custom:tenant: Attribute cannot be updated.\n", admin: "same"},
		{name: "sub", attrs: attributes("sub", "x"), client: unauthorized, admin: "InvalidParameterException: user.sub: Attribute cannot be updated.\n"},
		{name: "identities", attrs: attributes("identities", "[]"), client: unauthorized, admin: "InvalidParameterException: user.identities: Attribute cannot be updated.\n"},
		{name: "flag", attrs: attributes("email_verified", "true"), client: unauthorized},
		{name: "flag without its address", attrs: attributes("phone_number_verified", "true"), client: unauthorized,
			admin: "InvalidParameterException: Phone Number is required to verify/un-verify a phone number"},
		{name: "not writable", attrs: attributes("name", "Alice"), writes: []string{"given_name"}, client: unauthorized},
		{name: "required to blank", attrs: attributes("given_name", ""), client: "InvalidParameterException: Invalid user attributes: given_name: Required attribute cannot be deleted.\n", admin: "same"},
		{name: "limits", attrs: attributes("custom:plan", "x"),
			client: "InvalidParameterException: Attributes did not conform to the schema: custom:plan: String must be no shorter than 2 characters", admin: "same"},
		{name: "blank removes", attrs: attributes("custom:plan", "")},
		{name: "good", attrs: attributes("custom:plan", "free", "name", "Alice")},

		{name: "delete unknown", remove: []string{"custom:foo"},
			client: "InvalidParameterException: Invalid user attributes: user.custom:foo: Attribute does not exist in the schema.\n", admin: "same"},
		{name: "delete several unknown", remove: []string{"hat", "nickname", "custom:foo"},
			client: "InvalidParameterException: Invalid user attributes: user.hat: Attribute does not exist in the schema.\nuser.custom:foo: Attribute does not exist in the schema.\n", admin: "same"},
		{name: "delete required", remove: []string{"given_name"}, client: "InvalidParameterException: Invalid user attributes: given_name: Required attribute cannot be deleted.\n", admin: "same"},
		{name: "delete sub", remove: []string{"sub"}, client: unauthorized, admin: "InvalidParameterException: Invalid user attributes: sub: Required attribute cannot be deleted.\n"},
		{name: "delete what is not writable", remove: []string{"custom:plan"}, writes: []string{"given_name"}, client: unauthorized},
		{name: "delete", remove: []string{"custom:plan", "nickname"}},
	}
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, schema)
		for i, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				client := r.loadClient(t, sn, r.clientWith(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.WriteAttributes = row.writes }))
				attrs := verified("alice@example.com")
				attrs["given_name"], attrs["custom:plan"], attrs["custom:tenant"] = "Alice", "gold", "t1"
				u := r.have(t, sn, "alice"+string(rune('a'+i)), idp.UserStatusTypeConfirmed, attrs)
				call := func(c *pool.Client) error {
					if row.remove != nil {
						return r.DeleteAttributes(t.Context(), sn, c, u.ID(), row.remove)
					}
					_, err := r.UpdateAttributes(t.Context(), sn, c, u.ID(), row.attrs, nil)
					return err
				}
				admin := row.admin
				if admin == "same" {
					admin = row.client
				}
				wantSays(t, call(client), row.client)
				if row.client != "" && r.read(t, sn, u.ID()).Rec.Version != u.Rec.Version {
					t.Error("a refused change was stored")
				}
				wantSays(t, call(nil), admin)
			})
		}
	})
}

func TestDeletingAnAddress(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, services.WithAliases)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, verified("alice@example.com"))
		wantSays(t, r.DeleteAttributes(t.Context(), sn, nil, u.ID(), []string{"email"}), "")
		if diff := cmp.Diff(contact{}, contactOf(r.read(t, sn, u.ID()), "email")); diff != "" {
			t.Error(diff)
		}
		if _, err := r.Resolve(t.Context(), sn, "alice@example.com"); err == nil {
			t.Error("a removed alias still signs in")
		}
		// The last name of a user whose username is an address stays.
		sn = r.poolWith(t, services.ByEmail)
		u = r.have(t, sn, "alice@example.com", idp.UserStatusTypeConfirmed, verified("alice@example.com"))
		wantSays(t, r.DeleteAttributes(t.Context(), sn, nil, u.ID(), []string{"email"}),
			"InvalidParameterException: Invalid user attributes: email: Required attribute cannot be deleted.\n")
	})
}

func TestUpdateCodesAreLimited(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		var err error
		for i := range codes.QuotaUpdate.Limit + 1 {
			_, err = r.UpdateAttributes(t.Context(), sn, nil, u.ID(), attributes("email", string(rune('a'+i))+"@example.com"), nil)
		}
		wantSays(t, err, "TooManyRequestsException: Too many requests")
	})
}
