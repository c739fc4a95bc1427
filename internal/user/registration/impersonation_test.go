package registration

import (
	"strings"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/test/people"
	"cognate/test/services"
)

// TestNobodyGoesBySub: an administrator who names a user by sub must not reach
// somebody else, who took that sub as a name.
func TestNobodyGoesBySub(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) { services.WithAliases(in); services.AnyCase(in) })
		client := r.clientWith(t, sn, nil)
		alice := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		mallory := r.Have(t, sn, "mallory", idp.UserStatusTypeConfirmed, nil)
		for _, tt := range []struct {
			name string
			take func() error
			want string
		}{
			{"sign-up", func() error {
				_, err := r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: client, Username: strings.ToUpper(alice.ID()), Password: new(people.Password)})
				return err
			}, "UsernameExistsException"},
			{"administrator", func() error {
				_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: alice.ID()})
				return err
			}, "UsernameExistsException"},
			{"preferred_username", func() error {
				_, err := r.UpdateAttributes(t.Context(), sn, r.loadClient(t, sn, client), mallory.ID(), people.Attributes("preferred_username", alice.ID()), nil)
				return err
			}, "AliasExistsException"},
			{"a sub that nobody has", func() error {
				_, err := r.SignUp(t.Context(), &idp.SignUpRequest{ClientId: client, Username: "00000000-0000-4000-8000-000000000000", Password: new(people.Password)})
				return err
			}, ""},
			{"one's own", func() error {
				_, err := r.UpdateAttributes(t.Context(), sn, r.loadClient(t, sn, client), mallory.ID(), people.Attributes("preferred_username", mallory.ID()), nil)
				return err
			}, ""},
		} {
			if got := api.CodeOf(tt.take()); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		if u, err := r.ResolveAdmin(t.Context(), sn, alice.ID()); err != nil || u.ID() != alice.ID() {
			t.Errorf("alice's sub means %v, %v", u, err)
		}
	})
}

// TestMailShowsNamesAsText: whoever signs up with another's address must not
// choose the links in the mail that goes there, and passwords are seen as they are.
func TestMailShowsNamesAsText(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.VerificationMessageTemplate = &idp.VerificationMessageTemplateType{EmailMessage: new("<p>{username}, {####}</p>")}
		})
		client := r.clientWith(t, sn, nil)
		const link = "<a/href='//evil.example'>x</a>"
		if _, err := r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: client, Username: link, Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com"),
		}); err != nil {
			t.Fatal(err)
		}
		if body := r.mail(t, sn)[0].Body; strings.Contains(body, "<a") || !strings.Contains(body, "&lt;a/href=") {
			t.Errorf("body %q", body)
		}
		for medium, want := range map[idp.DeliveryMediumType]string{"EMAIL": "Aa1&lt;b&gt;&amp;pass", "SMS": "Aa1<b>&pass"} {
			if _, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
				UserPoolId: sn.ID, Username: "bob" + string(medium), TemporaryPassword: new("Aa1<b>&pass"),
				DesiredDeliveryMediums: []idp.DeliveryMediumType{medium},
				UserAttributes:         people.Attributes("email", "bob@example.com", "phone_number", "+12065550100"),
			}); err != nil {
				t.Fatal(err)
			}
			m := mailOf(t, r, sn, string(medium))
			if !strings.Contains(m.Body, want) || m.Code != "Aa1<b>&pass" {
				t.Errorf("%s: body %q, code %q", medium, m.Body, m.Code)
			}
		}
	})
}

func mailOf(t *testing.T, r *rig, sn *pool.Snapshot, medium string) message.Message {
	t.Helper()
	list, err := r.Messages.List(t.Context(), message.Query{PoolID: sn.ID, Username: "bob" + medium})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d messages, %v", len(list), err)
	}
	return list[0]
}
