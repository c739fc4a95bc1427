package registration

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/user/codes"
	"cognate/test/lambdas"
	"cognate/test/people"
	"cognate/test/services"
)

// TestMigrateForgotten: who forgot the password of another directory comes over
// by a code, if the function returns a proven address.
func TestMigrateForgotten(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		proven := map[string]any{"email": "alice@example.com", "email_verified": "true"}
		rows := []struct {
			name   string
			hides  bool
			answer map[string]any
			throws string
			want   string // "" is that a code is sent, "nothing" that only the answer says so
			stored idp.UserStatusType
		}{
			{name: "reset required", answer: map[string]any{"userAttributes": proven, "messageAction": "SUPPRESS"}, stored: "RESET_REQUIRED"},
			{name: "confirmed", hides: true, answer: map[string]any{"userAttributes": proven, "finalUserStatus": "CONFIRMED", "messageAction": "SUPPRESS"}, stored: "CONFIRMED"},
			{
				name: "no proven address", answer: map[string]any{"userAttributes": map[string]any{"email": "alice@example.com"}, "messageAction": "SUPPRESS"},
				want:   "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number",
				stored: "RESET_REQUIRED",
			},
			{
				name: "no proven address, hidden", hides: true,
				answer: map[string]any{"userAttributes": map[string]any{"email": "alice@example.com"}, "messageAction": "SUPPRESS"}, want: "nothing", stored: "RESET_REQUIRED",
			},
			{name: "knows nobody", want: "UserNotFoundException: Username/client id combination not found."},
			{name: "knows nobody, hidden", hides: true, want: "nothing"},
			{name: "throws", throws: "no", want: "UserNotFoundException: Exception migrating user in app client "},
			{name: "throws, hidden", hides: true, throws: "no", want: "nothing"},
			{name: "not in the schema", answer: map[string]any{"userAttributes": map[string]any{"shoe": "43"}}, want: "InvalidLambdaResponseException: Attributes did not conform to the schema: shoe: Attribute does not exist in the schema.\n"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				sn := r.poolWith(t, triggers(idp.LambdaConfigType{UserMigration: lambdas.ARN("migrate")}))
				change := services.Hiding
				if !row.hides {
					change = nil
				}
				client := r.clientWith(t, sn, change)
				r.Functions.On("migrate", func(e *lambdas.Event) string {
					maps.Copy(e.Response, row.answer)
					return row.throws
				})
				r.Functions.Events()
				in := &idp.ForgotPasswordRequest{ClientId: client, Username: "alice", ClientMetadata: map[string]string{"k": "v"}}
				out, err := r.ForgotPassword(t.Context(), in)
				want := row.want
				if row.throws != "" && !row.hides {
					want += client
				}
				if want == "nothing" {
					want = ""
				}
				if got := lambdas.Says(err); got != want {
					t.Errorf("got  %q\nwant %q", got, want)
				}
				e := r.Functions.Events()[0]
				request := map[string]any{"validationData": nil, "userAttributes": nil, "clientMetadata": map[string]any{"k": "v"}}
				if diff := cmp.Diff(request, e.Request); diff != "" || e.TriggerSource != "UserMigration_ForgotPassword" || e.UserName != "alice" {
					t.Errorf("%s for %s: %s", e.TriggerSource, e.UserName, diff)
				}
				if err == nil && out.CodeDeliveryDetails == nil {
					t.Error("no delivery is told")
				}
				u, err := r.Resolve(t.Context(), sn, "alice")
				switch {
				case row.stored == "" && err == nil:
					t.Error("a user is stored")
				case row.stored != "" && (err != nil || u.Status() != row.stored):
					t.Errorf("stored: %v, %v", u, err)
				}
				if row.want != "" {
					if n := len(r.mail(t, sn)); n != 0 {
						t.Errorf("%d mails", n)
					}
					return
				}
				_, err = r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{
					ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn), Password: people.Password,
				})
				people.WantError(t, err, "")
				if u = r.Read(t, sn, u.ID()); u.Status() != idp.UserStatusTypeConfirmed {
					t.Errorf("status %s", u.Status())
				}
			})
		}
	})
}

// TestMigrateForgottenBounded: a name that nobody has costs a bounded number of
// calls of the function, and is refused when a user's name would be.
func TestMigrateForgottenBounded(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, triggers(idp.LambdaConfigType{UserMigration: lambdas.ARN("migrate")}))
		r.Have(t, sn, "bob", idp.UserStatusTypeConfirmed, people.Verified("b@example.com"))
		client := r.clientWith(t, sn, services.Hiding)
		r.Functions.On("migrate", func(*lambdas.Event) string { return "no" })
		r.Functions.Events()
		for n := range codes.QuotaReset.Limit + 3 {
			want := ""
			if n >= codes.QuotaReset.Limit {
				want = sayLimit
			}
			for _, name := range []string{"alice", "bob"} {
				_, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: name})
				people.WantError(t, err, want)
			}
		}
		if n := len(r.Functions.Events()); n != codes.QuotaReset.Limit {
			t.Errorf("%d calls", n)
		}
	})
}
