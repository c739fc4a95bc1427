package ops_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cognate/internal/server"
	"cognate/test/pgtest"
)

// TestLogDelivery makes the calls of Terraform's aws_cognito_log_delivery_configuration. Then a sign-in, a wrong password and
// an SMS that the gateway refuses leave records. A development server writes them to files.
func TestLogDelivery(t *testing.T) {
	t.Parallel()
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	t.Cleanup(gateway.Close)
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			config := server.Config{Data: t.TempDir(), MessageSettings: server.MessageSettings{
				SMSWebhookURL: server.Secret(gateway.URL), SMSWebhookSecret: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
			}}
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
			poolID, sub := logDelivery(t, r)
			if err := end(); err != nil { // The last records are delivered when the server stops.
				t.Fatal(err)
			}
			checkLogs(t, filepath.Join(config.Data, "logs", poolID), poolID, sub)
		})
	}
}

func logDelivery(t *testing.T, r rig) (poolID, sub string) {
	ctx := t.Context()
	poolID = r.pool(t, withSMS, func(in *cip.CreateUserPoolInput) {
		in.UserPoolAddOns = &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeAudit}
	})
	clientID := r.client(t, poolID, allFlows)
	set := &cip.SetLogDeliveryConfigurationInput{UserPoolId: &poolID, LogConfigurations: []types.LogConfigurationType{
		{EventSource: types.EventSourceNameUserAuthEvents, LogLevel: types.LogLevelInfo, S3Configuration: &types.S3ConfigurationType{BucketArn: aws.String("arn:aws:s3:::people-logs")}},
		{EventSource: types.EventSourceNameUserNotification, LogLevel: types.LogLevelError, CloudWatchLogsConfiguration: &types.CloudWatchLogsConfigurationType{
			LogGroupArn: aws.String("arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/people"),
		}},
	}}
	read := func() *types.LogDeliveryConfigurationType {
		t.Helper()
		return must[*cip.GetLogDeliveryConfigurationOutput](t)(r.GetLogDeliveryConfiguration(ctx, &cip.GetLogDeliveryConfigurationInput{UserPoolId: &poolID})).LogDeliveryConfiguration
	}
	if got := read(); got == nil || got.LogConfigurations == nil || len(got.LogConfigurations) != 0 {
		t.Errorf("never set: %+v", got)
	}
	out := must[*cip.SetLogDeliveryConfigurationOutput](t)(r.SetLogDeliveryConfiguration(ctx, set)).LogDeliveryConfiguration
	want := &types.LogDeliveryConfigurationType{UserPoolId: &poolID, LogConfigurations: set.LogConfigurations}
	for _, got := range []*types.LogDeliveryConfigurationType{out, read()} {
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.LogDeliveryConfigurationType{}, types.LogConfigurationType{}, types.S3ConfigurationType{}, types.CloudWatchLogsConfigurationType{})); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	_, err := r.SetLogDeliveryConfiguration(ctx, &cip.SetLogDeliveryConfigurationInput{UserPoolId: &poolID, LogConfigurations: []types.LogConfigurationType{
		{EventSource: types.EventSourceNameUserAuthEvents, LogLevel: types.LogLevelError, S3Configuration: set.LogConfigurations[0].S3Configuration},
	}})
	wantError(t, err, &types.InvalidParameterException{Message: aws.String("The log level of userAuthEvents must be INFO.")})

	r.user(t, poolID, "alice")
	sub = attributeOf(must[*cip.AdminGetUserOutput](t)(r.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &poolID, Username: aws.String("alice")})).UserAttributes, "sub")
	for _, tried := range []string{otherPassword, password} {
		for _, name := range []string{"alice", "nobody"} {
			_, err := r.InitiateAuth(ctx, &cip.InitiateAuthInput{
				ClientId: &clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": tried},
			})
			if (err == nil) != (name == "alice" && tried == password) {
				t.Errorf("%s with %s: %v", name, tried, err)
			}
		}
	}
	list := must[*cip.AdminListUserAuthEventsOutput](t)(r.AdminListUserAuthEvents(ctx, &cip.AdminListUserAuthEventsInput{UserPoolId: &poolID, Username: aws.String("alice")}))
	must[*cip.AdminUpdateAuthEventFeedbackOutput](t)(r.AdminUpdateAuthEventFeedback(ctx, &cip.AdminUpdateAuthEventFeedbackInput{
		UserPoolId: &poolID, Username: aws.String("alice"), EventId: list.AuthEvents[0].EventId, FeedbackValue: types.FeedbackValueTypeValid,
	}))
	must[*cip.SignUpOutput](t)(r.SignUp(ctx, &cip.SignUpInput{ClientId: &clientID, Username: aws.String("carol"), Password: aws.String(password)}))
	must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(ctx, &cip.AdminCreateUserInput{
		UserPoolId: &poolID, Username: aws.String("bob"), UserAttributes: attributes("phone_number", "+12065550100"), DesiredDeliveryMediums: []types.DeliveryMediumType{types.DeliveryMediumTypeSms},
	}))
	return poolID, sub
}

func attributeOf(list []types.AttributeType, name string) string {
	for _, a := range list {
		if *a.Name == name {
			return *a.Value
		}
	}
	return ""
}

// checkLogs reads the files of a pool.
func checkLogs(t *testing.T, base, poolID, sub string) {
	t.Helper()
	type record struct {
		EventTimestamp, EventSource, LogLevel string
		Message                               struct {
			Details, EventID, EventType, UserSub, UserName, EventResponse, RiskDecision, IPAddress, RequestID, EventFeedbackValue string
			Challenges                                                                                                            []string
		}
		LogSourceID struct{ UserPoolID string }
	}
	read := func(source string) (list []record) {
		t.Helper()
		text, err := os.ReadFile(base + "." + source + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var in record
			if err := json.Unmarshal([]byte(line), &in); err != nil || in.LogSourceID.UserPoolID != poolID || len(in.EventTimestamp) != 13 {
				t.Fatalf("%s: %v", line, err)
			}
			list = append(list, in)
		}
		return list
	}
	events := read("userAuthEvents")
	if len(events) != 4 { // The other user does not exist.
		t.Fatalf("%+v", events)
	}
	if m := events[2].Message; m.EventID != events[1].Message.EventID || m.EventFeedbackValue != "Valid" || events[1].Message.EventFeedbackValue != "" {
		t.Errorf("feedback: %+v", m)
	}
	if m := events[3].Message; m.EventType != "SignUp" || m.UserName != "carol" || len(m.UserSub) != 36 || m.Challenges == nil {
		t.Errorf("sign-up: %+v", m)
	}
	for i, want := range []struct{ response, challenge string }{{"Fail", "Password:Failure"}, {"Pass", "Password:Success"}, {"Pass", "Password:Success"}} {
		e := events[i]
		if m := e.Message; e.EventSource != "USER_ACTIVITY" || e.LogLevel != "INFO" || m.EventType != "SignIn" || m.UserSub != sub || m.UserName != "alice" || m.EventResponse != want.response ||
			m.RiskDecision != "PASS" || len(m.Challenges) != 1 || m.Challenges[0] != want.challenge || m.IPAddress != "127.0.0.1" || len(m.RequestID) != 36 {
			t.Errorf("%+v", e)
		}
	}
	failures := read("userNotification")
	if len(failures) != 1 || failures[0].EventSource != "USER_NOTIFICATION" || failures[0].LogLevel != "ERROR" || !strings.HasPrefix(failures[0].Message.Details, "SMS message ") || !strings.Contains(failures[0].Message.Details, "400") {
		t.Errorf("%+v", failures)
	}
}
