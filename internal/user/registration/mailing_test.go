package registration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/lambdas"
	"cognate/test/people"
	"cognate/test/services"
)

// posting is an operation that sends a message, on the occasion that its events
// name.
type posting struct {
	name, occasion string
	client         bool // the event names the app client
	// custom and sender tell to which functions the operation's metadata goes.
	custom, sender bool
	// user is the state in which there must be one.
	user idp.UserStatusType
	run  func(t *testing.T, r *rig, sn *pool.Snapshot, client string, metadata map[string]string) error
}

func postings() []posting {
	return []posting{
		{"SignUp", "SignUp", true, true, true, "", func(t *testing.T, r *rig, _ *pool.Snapshot, client string, metadata map[string]string) error {
			_, err := r.SignUp(t.Context(), &idp.SignUpRequest{
				ClientId: client, Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com"), ClientMetadata: metadata,
			})
			return err
		}},
		{"ResendConfirmationCode", "ResendCode", true, true, false, "UNCONFIRMED", func(t *testing.T, r *rig, _ *pool.Snapshot, client string, metadata map[string]string) error {
			_, err := r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: client, Username: "alice", ClientMetadata: metadata})
			return err
		}},
		{"AdminCreateUser", "AdminCreateUser", false, true, false, "", func(t *testing.T, r *rig, sn *pool.Snapshot, _ string, metadata map[string]string) error {
			_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
				UserPoolId: sn.ID, Username: "alice", UserAttributes: people.Attributes("email", "alice@example.com"), TemporaryPassword: new("Temp0rary<b>!"),
				DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL"}, ClientMetadata: metadata,
			})
			return err
		}},
		{"AdminCreateUser RESEND", "AdminCreateUser", false, true, false, "FORCE_CHANGE_PASSWORD", func(t *testing.T, r *rig, sn *pool.Snapshot, _ string, metadata map[string]string) error {
			_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
				UserPoolId: sn.ID, Username: "alice", MessageAction: "RESEND", TemporaryPassword: new("Temp0rary<b>!"),
				DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL"}, ClientMetadata: metadata,
			})
			return err
		}},
		{"ForgotPassword", "ForgotPassword", true, true, true, "CONFIRMED", func(t *testing.T, r *rig, _ *pool.Snapshot, client string, metadata map[string]string) error {
			_, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: "alice", ClientMetadata: metadata})
			return err
		}},
		{"AdminResetUserPassword", "ForgotPassword", false, true, false, "CONFIRMED", func(t *testing.T, r *rig, sn *pool.Snapshot, _ string, metadata map[string]string) error {
			_, err := r.AdminResetUserPassword(t.Context(), &idp.AdminResetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", ClientMetadata: metadata})
			return err
		}},
		{"UpdateUserAttributes", "UpdateUserAttribute", true, true, false, "CONFIRMED", func(t *testing.T, r *rig, sn *pool.Snapshot, client string, metadata map[string]string) error {
			u, err := r.Resolve(t.Context(), sn, "alice")
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.UpdateUserAttributes(t.Context(), &idp.UpdateUserAttributesRequest{
				AccessToken: r.Bearer(t, sn, client, u), UserAttributes: people.Attributes("email", "new@example.com"), ClientMetadata: metadata,
			})
			return err
		}},
		{"AdminUpdateUserAttributes", "UpdateUserAttribute", false, true, false, "CONFIRMED", func(t *testing.T, r *rig, sn *pool.Snapshot, _ string, metadata map[string]string) error {
			_, err := r.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesRequest{
				UserPoolId: sn.ID, Username: "alice", UserAttributes: people.Attributes("email", "new@example.com"), ClientMetadata: metadata,
			})
			return err
		}},
		{"GetUserAttributeVerificationCode", "VerifyUserAttribute", true, true, false, "CONFIRMED", func(t *testing.T, r *rig, sn *pool.Snapshot, client string, metadata map[string]string) error {
			u, err := r.Resolve(t.Context(), sn, "alice")
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.GetUserAttributeVerificationCode(t.Context(), &idp.GetUserAttributeVerificationCodeRequest{
				AccessToken: r.Bearer(t, sn, client, u), AttributeName: "email", ClientMetadata: metadata,
			})
			return err
		}},
	}
}

// prepared makes the pool and the user that a posting begins with.
func (p posting) prepared(t *testing.T, r *rig, c idp.LambdaConfigType) (*pool.Snapshot, string) {
	t.Helper()
	return p.preparedWith(t, r, triggers(c))
}

// preparedWith is prepared for a pool with other settings.
func (p posting) preparedWith(t *testing.T, r *rig, change func(*idp.CreateUserPoolRequest)) (*pool.Snapshot, string) {
	t.Helper()
	sn := r.poolWith(t, change)
	if p.user != "" {
		r.Have(t, sn, "alice", p.user, people.Verified("alice@example.com"))
	}
	return sn, r.clientWith(t, sn, nil)
}

// clientOf is callerContext.clientId as it should be.
func (p posting) clientOf(client string) string {
	if p.client {
		return client
	}
	return "CLIENT_ID_NOT_APPLICABLE"
}

// TestCustomMessage: each operation that sends a message asks the pool's function
// for its text, after what it did is stored.
func TestCustomMessage(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, p := range postings() {
			t.Run(p.name, func(t *testing.T) {
				sn, client := p.prepared(t, r, idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")})
				stored := false
				r.Functions.On("custom", func(e *lambdas.Event) string {
					_, err := r.Resolve(context.Background(), sn, "alice")
					stored = err == nil
					if list, err := r.Messages.List(context.Background(), message.Query{PoolID: sn.ID}); err != nil || len(list) > 0 {
						t.Errorf("a message can be seen before its text is known: %v, %v", list, err)
					}
					e.Response["emailSubject"] = "About " + e.TriggerSource
					e.Response["emailMessage"] = "<b>{username}</b>: {####}"
					e.Response["smsMessage"] = "{username} {####}"
					return ""
				})
				r.Functions.Events()
				if err := p.run(t, r, sn, client, map[string]string{"k": "v"}); err != nil {
					t.Fatal(err)
				}
				events := r.Functions.Events()
				if len(events) != 1 || !stored {
					t.Fatalf("%d events, user stored: %v", len(events), stored)
				}
				e := events[0]
				if e.TriggerSource != "CustomMessage_"+p.occasion || e.CallerContext["clientId"] != p.clientOf(client) || e.UserName != "alice" {
					t.Errorf("event %s of client %v for %s", e.TriggerSource, e.CallerContext["clientId"], e.UserName)
				}
				u, err := r.Resolve(t.Context(), sn, "alice")
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]any{"codeParameter": "{####}", "linkParameter": "{##Click Here##}", "usernameParameter": nil, "clientMetadata": map[string]any{"k": "v"}}
				if p.occasion == "AdminCreateUser" {
					want["usernameParameter"] = "{username}"
				}
				attrs, _ := e.Request["userAttributes"].(map[string]any)
				if attrs["sub"] != u.ID() || attrs["cognito:user_status"] != u.Rec.Status {
					t.Errorf("attributes %v", attrs)
				}
				delete(e.Request, "userAttributes")
				if diff := cmp.Diff(want, e.Request); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(map[string]any{"smsMessage": nil, "emailMessage": nil, "emailSubject": nil}, e.Response); diff != "" {
					t.Error(diff)
				}
				list := r.mail(t, sn)
				if len(list) != 1 {
					t.Fatalf("%d messages", len(list))
				}
				// A mail's body is HTML.
				code := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(list[0].Code)
				if list[0].Subject != "About CustomMessage_"+p.occasion || list[0].Body != "<b>alice</b>: "+code {
					t.Errorf("sent %q, %q", list[0].Subject, list[0].Body)
				}
			})
		}
	})
}

// TestCustomMessageFails: what was done stays done, nothing is sent, and the
// caller is told.
func TestCustomMessageFails(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, p := range postings() {
			t.Run(p.name, func(t *testing.T) {
				sn, client := p.prepared(t, r, idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")})
				r.Functions.On("custom", func(*lambdas.Event) string { return "no text" })
				people.WantError(t, p.run(t, r, sn, client, nil), "UserLambdaValidationException: CustomMessage failed with error no text.")
				if _, err := r.Resolve(t.Context(), sn, "alice"); err != nil {
					t.Errorf("the user: %v", err)
				}
				r.Clock.Pass(2 * time.Minute)
				if list := r.mail(t, sn); len(list) != 0 {
					t.Errorf("sent %v", list)
				}
			})
		}
	})
}

// TestCustomMessageAnswers holds a row for each thing that the function can answer.
func TestCustomMessageAnswers(t *testing.T) {
	t.Parallel()
	const own, ownSubject = "Your verification code is CODE. ", "Your verification code"
	rows := []struct {
		name          string
		answer        map[string]any
		raw           string
		want          string
		subject, body string
	}{
		{name: "as it is", subject: ownSubject, body: own},
		{name: "subject alone", answer: map[string]any{"emailSubject": "Hello"}, subject: "Hello", body: own},
		{name: "text alone", answer: map[string]any{"emailMessage": "It is {####}"}, subject: ownSubject, body: "It is CODE"},
		{name: "empty texts", answer: map[string]any{"emailMessage": "", "emailSubject": "", "smsMessage": ""}, subject: ownSubject, body: own},
		{name: "without the code", answer: map[string]any{"emailMessage": "Hello", "emailSubject": "Hello"}, subject: "Hello", body: own},
		{name: "of the other medium", answer: map[string]any{"smsMessage": "{####}"}, subject: ownSubject, body: own},
		{name: "as long as may be", answer: map[string]any{"emailMessage": strings.Repeat("ä", 19_994) + "{####}"}, subject: ownSubject, body: strings.Repeat("ä", 19_994) + "CODE"},
		{name: "mail too long", answer: map[string]any{"emailMessage": strings.Repeat("ä", 19_995) + "{####}"}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "SMS too long", answer: map[string]any{"smsMessage": strings.Repeat("a", 135) + "{####}"}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "subject too long", answer: map[string]any{"emailSubject": strings.Repeat("a", 141)}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "number", answer: map[string]any{"emailMessage": 5}, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "null", raw: "null", want: "InvalidLambdaResponseException: Invalid lambda function output : Invalid JSON"},
		{name: "garbage", raw: "<html>", want: "InvalidLambdaResponseException: Invalid lambda function output : Invalid JSON"},
		{name: "list", raw: "[]", want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
	}
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				p := postings()[0]
				sn, client := p.prepared(t, r, idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")})
				r.Functions.On("custom", func(e *lambdas.Event) string {
					maps.Copy(e.Response, row.answer)
					return ""
				})
				if row.raw != "" {
					r.Functions.Answer("custom", row.raw)
				}
				err := p.run(t, r, sn, client, nil)
				if got := lambdas.Says(err); got != row.want {
					t.Fatalf("got  %q (%v)\nwant %q", got, errors.Unwrap(err), row.want)
				}
				list := r.mail(t, sn)
				if row.want != "" {
					if len(list) != 0 {
						t.Errorf("sent %v", list)
					}
					return
				}
				if len(list) != 1 {
					t.Fatalf("sent %v", list)
				}
				if body := strings.Replace(row.body, "CODE", list[0].Code, 1); list[0].Subject != row.subject || list[0].Body != body {
					t.Errorf("sent %q, %.80q", list[0].Subject, list[0].Body)
				}
			})
		}
	})
}

// TestCustomMessageOfSeveral: one call serves a password over both media, two
// codes take two.
func TestCustomMessageOfSeveral(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, triggers(idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")}))
		r.Functions.On("custom", func(e *lambdas.Event) string {
			e.Response["emailMessage"], e.Response["smsMessage"] = "mail {username} {####}", "sms {username} {####}"
			return ""
		})
		_, err := r.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{
			UserPoolId: sn.ID, Username: "alice", UserAttributes: people.Attributes("email", "alice@example.com", "phone_number", "+12065550100"),
			DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL", "SMS"}, TemporaryPassword: new("Temp0rary!"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Functions.Sources(); got != "CustomMessage_AdminCreateUser" {
			t.Errorf("events %q", got)
		}
		got := map[string]string{}
		for _, m := range r.mail(t, sn) {
			got[m.Medium] = m.Body
		}
		if diff := cmp.Diff(map[string]string{"EMAIL": "mail alice Temp0rary!", "SMS": "sms alice Temp0rary!"}, got); diff != "" {
			t.Error(diff)
		}
		_, err = r.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesRequest{
			UserPoolId: sn.ID, Username: "alice", UserAttributes: people.Attributes("email", "new@example.com", "phone_number", "+12065550101"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Functions.Sources(); got != "CustomMessage_UpdateUserAttribute CustomMessage_UpdateUserAttribute" {
			t.Errorf("events %q", got)
		}
	})
}

// TestCallerWhoLeaves: a code whose text was being asked for is not lost with the
// connection of the caller.
func TestCallerWhoLeaves(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, client := postings()[0].prepared(t, r, idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")})
		ctx, leave := context.WithCancel(t.Context())
		returned := make(chan struct{})
		r.Functions.On("custom", func(*lambdas.Event) string {
			leave()
			<-returned
			return ""
		})
		_, err := r.SignUp(ctx, &idp.SignUpRequest{ClientId: client, Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com")})
		close(returned)
		if err == nil {
			t.Error("the caller had gone, and an answer came")
		}
		if list := r.mail(t, sn); len(list) != 1 || list[0].Body != fmt.Sprintf("Your verification code is %s. ", list[0].Code) {
			t.Errorf("sent %v", list)
		}
	})
}

// TestCustomSenders: functions that send get each message in place of the
// server's senders, of which there is none here, and the code confirms.
func TestCustomSenders(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.withoutSenders(t)
		for _, p := range postings() {
			t.Run(p.name, func(t *testing.T) {
				sn, client := p.prepared(t, r, idp.LambdaConfigType{
					CustomMessage:     lambdas.ARN("none"), // not asked where a function sends
					CustomEmailSender: &idp.CustomEmailLambdaVersionConfigType{LambdaArn: *lambdas.ARN("mail"), LambdaVersion: "V1_0"},
					KMSKeyID:          new(services.SenderKeyID),
				})
				r.Functions.On("mail", func(*lambdas.Event) string { return "" })
				r.Functions.Events()
				if err := p.run(t, r, sn, client, map[string]string{"k": "v"}); err != nil {
					t.Fatal(err)
				}
				if events := r.Functions.Events(); len(events) != 0 {
					t.Errorf("the caller waited for %v", events)
				}
				if err := r.Messages.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				events := r.Functions.Events()
				if len(events) != 1 {
					t.Fatalf("%d events", len(events))
				}
				e := events[0]
				if e.TriggerSource != "CustomEmailSender_"+p.occasion || e.CallerContext["clientId"] != p.clientOf(client) || e.Response != nil {
					t.Errorf("event %s of client %v, response %v", e.TriggerSource, e.CallerContext["clientId"], e.Response)
				}
				u, err := r.Resolve(t.Context(), sn, "alice")
				if err != nil {
					t.Fatal(err)
				}
				attrs, _ := e.Request["userAttributes"].(map[string]any)
				code, _ := e.Request["code"].(string)
				if attrs["sub"] != u.ID() || attrs["cognito:user_status"] != u.Rec.Status || !strings.HasPrefix(code, "AYAD") {
					t.Errorf("attributes %v, code %q", attrs, code)
				}
				var metadata any
				if p.sender {
					metadata = map[string]any{"k": "v"}
				}
				if diff := cmp.Diff(metadata, e.Request["clientMetadata"]); diff != "" || e.Request["type"] != "customEmailSenderRequestV1" {
					t.Errorf("type %v, %s", e.Request["type"], diff)
				}
			})
		}
	})
}

// withoutSenders takes the inbox and all senders but functions from the server.
func (r *rig) withoutSenders(t testing.TB) {
	t.Helper()
	old := r.MessageDeps
	old.Inbox = false
	r.sendBy(message.New(old))
}

// TestCustomSMSSender reaches a phone through the pool's function, although the
// server has no settings for SMS.
func TestCustomSMSSender(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.withoutSenders(t)
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.LambdaConfig = &idp.LambdaConfigType{
				CustomSMSSender: &idp.CustomSMSLambdaVersionConfigType{LambdaArn: *lambdas.ARN("sms"), LambdaVersion: "V1_0"}, KMSKeyID: new(services.SenderKeyID),
			}
		})
		r.Functions.On("sms", func(*lambdas.Event) string { return "" })
		out, err := r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: r.clientWith(t, sn, nil), Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("phone_number", "+12065550100"),
		})
		if err != nil || *out.CodeDeliveryDetails.Destination != "+*******0100" || out.CodeDeliveryDetails.DeliveryMedium != "SMS" {
			t.Fatalf("%v, %v", out, err)
		}
		if err := r.Messages.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.Functions.Sources(); got != "CustomSMSSender_SignUp" {
			t.Errorf("events %q", got)
		}
		// Mail has no way out here.
		_, err = r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: r.clientWith(t, sn, nil), Username: "bob", Password: new(people.Password), UserAttributes: people.Attributes("email", "bob@example.com"),
		})
		if got := lambdas.Says(err); got != "CodeDeliveryFailureException: No sender is configured for EMAIL messages." {
			t.Errorf("got %q", got)
		}
	})
}

// TestCustomSenderFails: a function that is away gets the message later, as long
// as it is of use.
func TestCustomSenderFails(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn, client := postings()[0].prepared(t, r, idp.LambdaConfigType{
			CustomEmailSender: &idp.CustomEmailLambdaVersionConfigType{LambdaArn: *lambdas.ARN("away"), LambdaVersion: "V1_0"}, KMSKeyID: new(services.SenderKeyID),
		})
		if err := postings()[0].run(t, r, sn, client, nil); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := r.Messages.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.Clock.Pass(15 * time.Minute)
		}
		r.Functions.On("away", func(*lambdas.Event) string { return "" })
		r.Functions.Events()
		if err := r.Messages.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.Functions.Sources(); got != "CustomEmailSender_SignUp" {
			t.Errorf("events %q", got)
		}
	})
}

// TestSenderKeyUnknown: a pool whose codes could not be encrypted is refused.
func TestSenderKeyUnknown(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range []struct {
			name string
			key  *string
			want string
		}{
			{"none", nil, "InvalidParameterException: KMSKeyID is required for CustomEmailSender and CustomSMSSender."},
			{"unknown", new("arn:aws:kms:us-east-1:123456789012:key/other"), "InvalidParameterException: KMSKeyID arn:aws:kms:us-east-1:123456789012:key/other is no key that this server can encrypt codes by. Its administrator names keys in the file of --triggers."},
		} {
			t.Run(row.name, func(t *testing.T) {
				c := &idp.LambdaConfigType{
					CustomEmailSender: &idp.CustomEmailLambdaVersionConfigType{LambdaArn: *lambdas.ARN("mail"), LambdaVersion: "V1_0"}, KMSKeyID: row.key,
				}
				_, err := r.Pools.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{PoolName: "people", LambdaConfig: c})
				people.WantError(t, err, row.want)
				sn := r.poolWith(t, nil)
				_, err = r.Pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{UserPoolId: sn.ID, LambdaConfig: c})
				people.WantError(t, err, row.want)
			})
		}
	})
}

// TestHiddenWithoutSender: where no message can leave, a user and nobody are
// answered alike.
func TestHiddenWithoutSender(t *testing.T) {
	t.Parallel()
	gateway := message.Deps{Log: slog.New(slog.DiscardHandler)}
	rows := []struct {
		name      string
		mail, sms bool
	}{{name: "no sender"}, {name: "mail alone", mail: true}, {name: "SMS alone", sms: true}, {name: "both", mail: true, sms: true}}
	engines(t, func(t *testing.T, r *rig) {
		deps := r.MessageDeps
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, services.Hiding)
		both := func() map[string]string {
			return map[string]string{"email": "a@example.com", "email_verified": "true", "phone_number": "+12065550100", "phone_number_verified": "true"}
		}
		r.Have(t, sn, "both", idp.UserStatusTypeConfirmed, both())
		r.Have(t, sn, "mail", idp.UserStatusTypeConfirmed, people.Verified("m@example.com"))
		r.Have(t, sn, "phone", idp.UserStatusTypeConfirmed, map[string]string{"phone_number": "+12065550101", "phone_number_verified": "true"})
		r.Have(t, sn, "new", idp.UserStatusTypeUnconfirmed, both())
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				d := gateway
				d.Store, d.Ring, d.Now = deps.Store, deps.Ring, deps.Now
				if row.mail {
					d.Mail = discard{}
				}
				if row.sms {
					d.SMS = discard{}
				}
				r.sendBy(message.New(d))
				forgot := func(name string) string {
					_, err := r.ForgotPassword(t.Context(), &idp.ForgotPasswordRequest{ClientId: client, Username: name})
					return lambdas.Says(err)
				}
				resend := func(name string) string {
					_, err := r.ResendConfirmationCode(t.Context(), &idp.ResendConfirmationCodeRequest{ClientId: client, Username: name})
					return lambdas.Says(err)
				}
				nobody := forgot("nobody")
				for _, name := range []string{"both", "mail", "phone", "new"} {
					if got := forgot(name); got != nobody {
						t.Errorf("ForgotPassword of %s: %q, of nobody: %q", name, got, nobody)
					}
				}
				for _, attr := range []string{schema.Email, schema.PhoneNumber} {
					code := func(u *user.User) string {
						c := mailing.NewSignInCode(sn, r.SignInDelivery(sn, u, attr), "12345678", r.Clock.Now().Add(time.Minute), mailing.TriggerContext{})
						return lambdas.Says(r.Store.Update(t.Context(), func(tx *store.Tx) error {
							if err := r.CountSignInCode(t.Context(), tx, sn, u, false, user.Caller{}); err != nil {
								return err
							}
							return r.Mail.EnqueueSignInCode(t.Context(), tx, u.Recipient(sn), c)
						}))
					}
					u, err := r.Resolve(t.Context(), sn, "both")
					if err != nil {
						t.Fatal(err)
					}
					if got, nobody := code(u), code(r.Decoy(sn, "nobody")); got != nobody {
						t.Errorf("code to %s: %q, of nobody: %q", attr, got, nobody)
					}
				}
				if got, nobody := resend("new"), resend("nobody"); got != nobody {
					t.Errorf("ResendConfirmationCode: %q, of nobody: %q", got, nobody)
				}
			})
			r.Clock.Pass(2 * time.Hour) // past the quotas
		}
	})
}

type discard struct{}

func (discard) Send(context.Context, message.Message) error { return nil }

// TestNoSender has nothing configured that could deliver a message.
func TestNoSender(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.sendBy(message.New(message.Deps{Store: r.Store, Ring: r.Ring, Now: r.Clock.Now}))
		sn := r.poolWith(t, nil)
		_, err := r.SignUp(t.Context(), &idp.SignUpRequest{
			ClientId: r.clientWith(t, sn, nil), Username: "alice", Password: new(people.Password), UserAttributes: people.Attributes("email", "alice@example.com"),
		})
		if api.CodeOf(err) != "CodeDeliveryFailureException" {
			t.Errorf("SignUp: %v", err)
		}
		if _, err := r.Resolve(t.Context(), sn, "alice"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a user whose code cannot be sent is there: %v", err)
		}
		u := r.Have(t, sn, "bob", idp.UserStatusTypeConfirmed, nil)
		_, err = r.UpdateAttributes(t.Context(), sn, nil, u.ID(), people.Attributes("email", "bob@example.com"), nil)
		if api.CodeOf(err) != "InvalidEmailRoleAccessPolicyException" {
			t.Errorf("AdminUpdateUserAttributes: %v", err)
		}
	})
}
