package registration

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/lambdas"
	"cognate/test/people"
	"cognate/test/services"
)

// TestPreSignUp holds a row for each thing that the function can answer.
func TestPreSignUp(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name   string
			answer map[string]any
			throws string
			raw    string
			attrs  []idp.AttributeType
			want   string
			status idp.UserStatusType
			email  string // email_verified
			mails  int
		}{
			{name: "as it is", status: "UNCONFIRMED", email: "false", mails: 1},
			{name: "confirmed", answer: map[string]any{"autoConfirmUser": true}, status: "CONFIRMED", email: "false"},
			{name: "confirmed and verified", answer: map[string]any{"autoConfirmUser": true, "autoVerifyEmail": true}, status: "CONFIRMED", email: "true"},
			{name: "verified", answer: map[string]any{"autoVerifyEmail": true}, status: "UNCONFIRMED", email: "true", mails: 1},
			{name: "nothing to verify", answer: map[string]any{"autoVerifyPhone": true}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
			{name: "throws", throws: "Not you.", want: "UserLambdaValidationException: PreSignUp failed with error Not you.."},
			{name: "null", raw: "null", want: "InvalidLambdaResponseException: Invalid lambda function output : Invalid JSON"},
			{name: "wrong type", raw: `{"response":{"autoConfirmUser":"yes"}}`, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				sn := r.poolWith(t, triggers(idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre"), PostConfirmation: lambdas.ARN("post")}))
				client := r.clientWith(t, sn, nil)
				r.Functions.On("post", func(*lambdas.Event) string { return "" })
				r.Functions.On("pre", func(e *lambdas.Event) string {
					maps.Copy(e.Response, row.answer)
					return row.throws
				})
				if row.raw != "" {
					r.Functions.Answer("pre", row.raw)
				}
				r.Functions.Events()
				out, err := r.SignUp(t.Context(), &idp.SignUpRequest{
					ClientId: client, Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com"),
					ValidationData: people.Attributes("code", "7"), ClientMetadata: map[string]string{"k": "v"},
				})
				if got := lambdas.Says(err); got != row.want {
					t.Errorf("got  %q\nwant %q", got, row.want)
				}
				events := r.Functions.Events()
				request := map[string]any{
					"userAttributes": map[string]any{"email": "alice@example.com"}, "validationData": map[string]any{"code": "7"}, "clientMetadata": map[string]any{"k": "v"},
				}
				if diff := cmp.Diff(request, events[0].Request); diff != "" {
					t.Error(diff)
				}
				if err != nil {
					if _, err := r.Resolve(t.Context(), sn, "alice"); err == nil {
						t.Error("the user is stored")
					}
					return
				}
				u := r.Read(t, sn, out.UserSub)
				if u.Status() != row.status || u.Attributes["email_verified"] != row.email || out.UserConfirmed != (row.status == "CONFIRMED") {
					t.Errorf("status %s, email_verified %q, told %v", u.Status(), u.Attributes["email_verified"], out.UserConfirmed)
				}
				if n := len(r.mail(t, sn)); n != row.mails {
					t.Errorf("%d mails, want %d", n, row.mails)
				}
				if (len(events) == 2) != out.UserConfirmed {
					t.Errorf("%d events", len(events))
				}
			})
		}
	})
}

// TestPreSignUpTakesAlias: an address that a function verifies becomes the new
// user's alias, and the one before loses it.
func TestPreSignUpTakesAlias(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			services.WithAliases(in)
			in.LambdaConfig = &idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre")}
		})
		r.Functions.On("pre", func(e *lambdas.Event) string {
			e.Response["autoVerifyEmail"] = true
			return ""
		})
		before := r.Have(t, sn, "bob", idp.UserStatusTypeConfirmed, people.Verified("a@example.com"))
		out, err := r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: r.clientWith(t, sn, nil), Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "a@example.com"),
		})
		if err != nil {
			t.Fatal(err)
		}
		u, err := r.Resolve(t.Context(), sn, "a@example.com")
		if err != nil || u.ID() != out.UserSub {
			t.Errorf("the alias is %v's: %v", u, err)
		}
		if got := r.Read(t, sn, before.ID()).Attributes["email_verified"]; got != "false" {
			t.Errorf("the one before has email_verified %q", got)
		}
	})
}

// TestConfirmationEvents: each way to a confirmed account tells PostConfirmation,
// and its failure undoes nothing.
func TestConfirmationEvents(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		rows := []struct {
			name, source string
			run          func(t *testing.T, sn *pool.Snapshot, client string) error
		}{
			{"ConfirmSignUp", "PostConfirmation_ConfirmSignUp", func(t *testing.T, sn *pool.Snapshot, client string) error {
				in := &idp.SignUpRequest{ClientId: client, Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "a@example.com")}
				if _, err := r.SignUp(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				_, err := r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn), ClientMetadata: map[string]string{"k": "v"}})
				return err
			}},
			{"AdminConfirmSignUp", "PostConfirmation_ConfirmSignUp", func(t *testing.T, sn *pool.Snapshot, _ string) error {
				r.Have(t, sn, "alice", idp.UserStatusTypeUnconfirmed, nil)
				_, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: "alice", ClientMetadata: map[string]string{"k": "v"}})
				return err
			}},
			{"ConfirmForgotPassword", "PostConfirmation_ConfirmForgotPassword", func(t *testing.T, sn *pool.Snapshot, client string) error {
				r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("a@example.com"))
				if _, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: "alice"}); err != nil {
					t.Fatal(err)
				}
				_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{
					ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn), Password: people.Password + "2", ClientMetadata: map[string]string{"k": "v"},
				})
				return err
			}},
		}
		for _, row := range rows {
			for _, throws := range []string{"", "no"} {
				t.Run(row.name+" "+throws, func(t *testing.T) {
					sn := r.poolWith(t, triggers(idp.LambdaConfigType{PostConfirmation: lambdas.ARN("post")}))
					r.Functions.On("post", func(*lambdas.Event) string { return throws })
					r.Functions.Events()
					want := ""
					if throws != "" {
						want = "UserLambdaValidationException: PostConfirmation failed with error no."
					}
					people.WantError(t, row.run(t, sn, r.clientWith(t, sn, nil)), want)
					events := r.Functions.Events()
					if len(events) != 1 || events[0].TriggerSource != row.source {
						t.Fatalf("events: %v", events)
					}
					attrs, _ := events[0].Request["userAttributes"].(map[string]any)
					if attrs["cognito:user_status"] != "CONFIRMED" || attrs["sub"] == nil || events[0].Request["clientMetadata"] == nil {
						t.Errorf("request: %v", events[0].Request)
					}
					u, err := r.Resolve(t.Context(), sn, "alice")
					if err != nil || u.Status() != idp.UserStatusTypeConfirmed {
						t.Errorf("%v, %v", u, err)
					}
				})
			}
		}
	})
}
