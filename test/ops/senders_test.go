package ops_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/lambdas"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

const sourcesKey = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

// senderRows are calls that send one message each, going on from those before.
// who is alice, or an address of the row's medium for who is not there yet.
var senderRows = []struct {
	mail, sms string
	run       func(t *testing.T, s *scene, m medium) error
}{
	{"CustomEmailSender_SignUp", "CustomSMSSender_SignUp", func(t *testing.T, s *scene, m medium) error {
		s.signUp(t, s.client, "new", m.attribute, m.address)
		return nil
	}},
	{"CustomEmailSender_ResendCode", "CustomSMSSender_ResendCode", func(t *testing.T, s *scene, _ medium) error {
		_, err := s.ResendConfirmationCode(t.Context(), &cip.ResendConfirmationCodeInput{ClientId: &s.client, Username: aws.String("new")})
		return err
	}},
	{"CustomEmailSender_AdminCreateUser", "CustomSMSSender_AdminCreateUser", func(t *testing.T, s *scene, m medium) error {
		_, err := s.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
			UserPoolId: &s.pool, Username: aws.String("invited"), TemporaryPassword: aws.String(password),
			UserAttributes: attributes(m.attribute, m.address), DesiredDeliveryMediums: []types.DeliveryMediumType{m.name},
		})
		return err
	}},
	{"CustomEmailSender_ForgotPassword", "CustomSMSSender_ForgotPassword", func(t *testing.T, s *scene, _ medium) error {
		_, err := s.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &s.client, Username: aws.String("alice")})
		return err
	}},
	{"CustomEmailSender_Authentication", "CustomSMSSender_Authentication", func(t *testing.T, s *scene, m medium) error {
		_, err := s.start(t, types.AuthFlowTypeUserAuth, "USERNAME", "alice", "PREFERRED_CHALLENGE", string(m.name)+"_OTP")
		return err
	}},
	{"CustomEmailSender_UpdateUserAttribute", "CustomSMSSender_UpdateUserAttribute", func(t *testing.T, s *scene, m medium) error {
		s.access = s.signIn(t, s.client, "alice").AccessToken
		_, err := s.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: s.access, UserAttributes: attributes(m.attribute, m.other)})
		return err
	}},
	{"CustomEmailSender_VerifyUserAttribute", "CustomSMSSender_VerifyUserAttribute", func(t *testing.T, s *scene, m medium) error {
		_, err := s.GetUserAttributeVerificationCode(t.Context(), &cip.GetUserAttributeVerificationCodeInput{AccessToken: s.access, AttributeName: &m.attribute})
		return err
	}},
}

// medium is a way to reach people.
type medium struct {
	name                      types.DeliveryMediumType
	attribute, address, other string
}

// TestSenderSources: which functions send the messages of each operation, by
// triggerSource.
func TestSenderSources(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f := lambdas.New(t)
			routes := filepath.Join(t.TempDir(), "triggers.yaml")
			if err := os.WriteFile(routes, []byte("keys:\n  "+sourcesKey+":\n    aes256: MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			config := server.Config{Data: t.TempDir(), TriggerSettings: server.TriggerSettings{TriggerEndpoint: server.Secret(f.URL), Triggers: routes}}
			config.ReputationList = filepath.Join(t.TempDir(), "reputation")
			if err := os.WriteFile(config.ReputationList, []byte("127.0.0.1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if engine == "postgres" {
				config.Database = server.Secret(pgtest.Database(t))
			}
			r, end, err := start(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := end(); err != nil {
					t.Error(err)
				}
			})
			for _, m := range []medium{
				{"EMAIL", "email", "alice@example.com", "a@example.com"},
				{"SMS", "phone_number", "+12065550100", "+12065550101"},
			} {
				t.Run(string(m.name), func(t *testing.T) { senderSources(t, r, f, m) })
			}
			t.Run("CustomEmailSender_AccountTakeOverNotification", func(t *testing.T) { senderOfNotices(t, r, f) })
		})
	}
}

func senderSources(t *testing.T, r rig, f *lambdas.Server, m medium) {
	told := make(chan lambdas.Event, 10)
	f.On("sender", func(e *lambdas.Event) string {
		told <- *e
		return ""
	})
	s := &scene{rig: r, f: f}
	s.pool = r.pool(t, withSMS, func(in *cip.CreateUserPoolInput) {
		in.AutoVerifiedAttributes = []types.VerifiedAttributeType{"email", "phone_number"}
		in.Policies = &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{
			AllowedFirstAuthFactors: []types.AuthFactorType{types.AuthFactorTypePassword, types.AuthFactorTypeEmailOtp, types.AuthFactorTypeSmsOtp},
		}}
		in.LambdaConfig = &types.LambdaConfigType{
			CustomEmailSender: &types.CustomEmailLambdaVersionConfigType{LambdaArn: lambdas.ARN("sender"), LambdaVersion: "V1_0"},
			CustomSMSSender:   &types.CustomSMSLambdaVersionConfigType{LambdaArn: lambdas.ARN("sender"), LambdaVersion: "V1_0"},
			KMSKeyID:          aws.String(sourcesKey),
		}
	})
	s.client = r.client(t, s.pool, allFlows)
	s.user(t, s.pool, "alice", m.attribute, m.address, m.attribute+"_verified", "true")
	for _, row := range senderRows {
		want := row.mail
		if m.name == "SMS" {
			want = row.sms
		}
		t.Run(want, func(t *testing.T) {
			wantError(t, row.run(t, s, m), nil)
			select {
			case e := <-told:
				code, _ := e.Request["code"].(string)
				if e.TriggerSource != want || !strings.HasPrefix(code, "AYAD") {
					t.Errorf("event %s with code %q, want %s", e.TriggerSource, code, want)
				}
			case <-time.After(patience.Limit):
				t.Error("no function is told")
			}
		})
	}
}

// senderOfNotices wants the function to get the notice of a risky sign-in, with what a mail of its own needs: the links, and a
// feedback token that the API takes. The notice has no code.
func senderOfNotices(t *testing.T, r rig, f *lambdas.Server) {
	told := make(chan lambdas.Event, 10)
	f.On("notices", func(e *lambdas.Event) string {
		told <- *e
		return ""
	})
	ctx := t.Context()
	pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
		in.UserPoolTier, in.UserPoolAddOns = types.UserPoolTierTypePlus, &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeEnforced}
		in.LambdaConfig = &types.LambdaConfigType{
			CustomEmailSender: &types.CustomEmailLambdaVersionConfigType{LambdaArn: lambdas.ARN("notices"), LambdaVersion: "V1_0"}, KMSKeyID: aws.String(sourcesKey),
		}
	})
	must[*cip.CreateUserPoolDomainOutput](t)(r.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: aws.String("notices")}))
	action := &types.AccountTakeoverActionType{EventAction: types.AccountTakeoverEventActionTypeNoAction, Notify: true}
	must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(ctx, &cip.SetRiskConfigurationInput{
		UserPoolId: &pool, AccountTakeoverRiskConfiguration: &types.AccountTakeoverRiskConfigurationType{
			Actions:             &types.AccountTakeoverActionsType{LowAction: action, MediumAction: action, HighAction: action},
			NotifyConfiguration: &types.NotifyConfigurationType{SourceArn: aws.String("arn:aws:ses:us-east-1:123456789012:identity/example.com")},
		},
	}))
	client := r.client(t, pool)
	r.user(t, pool, "alice", verified("alice@example.com")...)
	event, _ := claims(t, *r.signIn(t, client, "alice").AccessToken)["event_id"].(string)
	var e lambdas.Event
	select {
	case e = <-told:
	case <-time.After(patience.Limit):
		t.Fatal("no function is told")
	}
	values, _ := e.Request["userAttributes"].(map[string]any)
	get := func(name string) string {
		value, _ := values[name].(string)
		return value
	}
	if code, ok := e.Request["code"]; e.TriggerSource != "CustomEmailSender_AccountTakeOverNotification" || e.UserName != "alice" || e.Request["type"] != "customEmailSenderRequestV1" || !ok || code != nil {
		t.Errorf("event %+v", e)
	}
	if get("EVENT_ID") != event || get("USER_NAME") != "alice" || get("IP_ADDRESS") != "127.0.0.1" || get("ACCOUNT_TAKE_OVER_ACTION") != "NO_ACTION" || get("LOGIN_TIME") == "" || get("DEVICE_NAME") == "" {
		t.Errorf("attributes %v", values)
	}
	for name, value := range map[string]string{"ONE_CLICK_LINK_VALID": "Valid", "ONE_CLICK_LINK_INVALID": "Invalid"} {
		u, err := url.Parse(get(name))
		if err != nil || !strings.HasSuffix(u.Path, "/_domain/notices/eventFeedback") || u.Query().Get("feedbackValue") != value || u.Query().Get("eventId") != event || u.Query().Get("feedbackToken") != get("FEEDBACK_TOKEN") {
			t.Errorf("%s is %q, %v", name, get(name), err)
		}
	}
	must[*cip.UpdateAuthEventFeedbackOutput](t)(r.UpdateAuthEventFeedback(ctx, &cip.UpdateAuthEventFeedbackInput{
		UserPoolId: &pool, Username: aws.String("alice"), EventId: &event, FeedbackToken: aws.String(get("FEEDBACK_TOKEN")), FeedbackValue: types.FeedbackValueTypeInvalid,
	}))
}
