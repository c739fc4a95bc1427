package user

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/lambdas"
)

func triggers(c idp.LambdaConfigType) func(*idp.CreateUserPoolRequest) {
	return func(in *idp.CreateUserPoolRequest) { in.LambdaConfig = &c }
}

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
					ClientId: client, Username: "alice", Password: new(goodPassword), UserAttributes: attributes("email", "alice@example.com"),
					ValidationData: attributes("code", "7"), ClientMetadata: map[string]string{"k": "v"},
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
				u := r.read(t, sn, out.UserSub)
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
			withAliases(in)
			in.LambdaConfig = &idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre")}
		})
		r.Functions.On("pre", func(e *lambdas.Event) string {
			e.Response["autoVerifyEmail"] = true
			return ""
		})
		before := r.have(t, sn, "bob", idp.UserStatusTypeConfirmed, verified("a@example.com"))
		out, err := r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: r.clientWith(t, sn, nil), Username: "alice", Password: new(goodPassword), UserAttributes: attributes("email", "a@example.com"),
		})
		if err != nil {
			t.Fatal(err)
		}
		u, err := r.Resolve(t.Context(), sn, "a@example.com")
		if err != nil || u.ID() != out.UserSub {
			t.Errorf("the alias is %v's: %v", u, err)
		}
		if got := r.read(t, sn, before.ID()).Attributes["email_verified"]; got != "false" {
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
				in := &idp.SignUpRequest{ClientId: client, Username: "alice", Password: new(goodPassword), UserAttributes: attributes("email", "a@example.com")}
				if _, err := r.SignUp(t.Context(), in); err != nil {
					t.Fatal(err)
				}
				_, err := r.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn), ClientMetadata: map[string]string{"k": "v"}})
				return err
			}},
			{"AdminConfirmSignUp", "PostConfirmation_ConfirmSignUp", func(t *testing.T, sn *pool.Snapshot, _ string) error {
				r.have(t, sn, "alice", idp.UserStatusTypeUnconfirmed, nil)
				_, err := r.AdminConfirmSignUp(t.Context(), &idp.AdminConfirmSignUpRequest{UserPoolId: sn.ID, Username: "alice", ClientMetadata: map[string]string{"k": "v"}})
				return err
			}},
			{"ConfirmForgotPassword", "PostConfirmation_ConfirmForgotPassword", func(t *testing.T, sn *pool.Snapshot, client string) error {
				r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, verified("a@example.com"))
				if _, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: "alice"}); err != nil {
					t.Fatal(err)
				}
				_, err := r.ConfirmForgotPassword(t.Context(), &idp.ConfirmForgotPasswordRequest{
					ClientId: client, Username: "alice", ConfirmationCode: r.lastCode(t, sn), Password: goodPassword + "2", ClientMetadata: map[string]string{"k": "v"},
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
					wantSays(t, row.run(t, sn, r.clientWith(t, sn, nil)), want)
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

// TestPreSignUpOfAdministrator: the function may refuse, and says nothing else.
func TestPreSignUpOfAdministrator(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, triggers(idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre"), PostConfirmation: lambdas.ARN("none")}))
		throws := ""
		r.Functions.On("pre", func(e *lambdas.Event) string {
			e.Response["autoConfirmUser"] = true
			return throws
		})
		in := &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: "alice", MessageAction: "SUPPRESS"}
		out, err := r.AdminCreateUser(t.Context(), in)
		if err != nil || out.User.UserStatus != idp.UserStatusTypeForceChangePassword {
			t.Fatalf("%v, %v", out, err)
		}
		events := r.Functions.Events()
		if len(events) != 1 || events[0].TriggerSource != "PreSignUp_AdminCreateUser" || events[0].CallerContext["clientId"] != "CLIENT_ID_NOT_APPLICABLE" {
			t.Errorf("events: %v", events)
		}
		throws, in.Username = "no", "bob"
		_, err = r.AdminCreateUser(t.Context(), in)
		wantSays(t, err, "UserLambdaValidationException: PreSignUp failed with error no.")
		if _, err := r.Resolve(t.Context(), sn, "bob"); err == nil {
			t.Error("the user is stored")
		}
	})
}

// TestPreSignUpComesAfterTaken: the function is not asked about somebody who
// cannot come in, and is about an alias that would move.
func TestPreSignUpComesAfterTaken(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			withAliases(in)
			in.LambdaConfig = &idp.LambdaConfigType{PreSignUp: lambdas.ARN("pre")}
		})
		r.Functions.On("pre", func(*lambdas.Event) string { return "" })
		r.have(t, sn, "bob", idp.UserStatusTypeConfirmed, verified("b@example.com"))
		proven := attributes("email", "b@example.com", "email_verified", "true")
		rows := []struct {
			name, user string
			attributes []idp.AttributeType
			force      bool
			want       string
			asked      int
		}{
			{"username", "bob", nil, false, "UsernameExistsException: User account already exists", 0},
			{"username, by force", "bob", nil, true, "UsernameExistsException: User account already exists", 0},
			{"alias", "carol", proven, false, "AliasExistsException: An account with the given email already exists.", 0},
			{"alias, by force", "dave", proven, true, "", 1},
			{"free", "erin", nil, false, "", 1},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				r.Functions.Events()
				_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
					UserPoolId: sn.ID, Username: row.user, MessageAction: "SUPPRESS", UserAttributes: row.attributes, ForceAliasCreation: &row.force,
				})
				wantSays(t, err, row.want)
				if n := len(r.Functions.Events()); n != row.asked {
					t.Errorf("the function was asked %d times, not %d", n, row.asked)
				}
			})
		}
	})
}
