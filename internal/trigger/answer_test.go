package trigger_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/trigger"
)

// response is an event that has come back, with the response in it.
func response(text string) string {
	return `{"version":"1","region":"us-east-1","userPoolId":"us-east-1_AbCdEf123","userName":"alice","callerContext":{},"request":{},"response":` + text + `}`
}

const (
	unusable   = "InvalidLambdaResponseException: Unrecognizable lambda output"
	notJSON    = "InvalidLambdaResponseException: Invalid lambda function output : Invalid JSON"
	noError    = ""
	unexpected = "UnexpectedLambdaException: PreSignUp invocation failed due to error "
)

// text is what a client sees of an error; the cause is not shown.
func text(err error) string {
	if err == nil {
		return noError
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Code + ": " + e.Message
	}
	return err.Error()
}

// TestAnswers is what becomes of each shape of answer.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer answer
		strict bool
		want   string // the error
	}{
		{"unchanged", echo, true, noError},
		{"response null", says(response("null")), true, noError},
		{"extra members", says(response(`{"autoConfirmUser":false,"other":[1]}`)), true, noError},
		{"members null", says(response(`{"autoConfirmUser":null}`)), true, noError},
		{"lost envelope", says(`{}`), false, noError},
		{"lost envelope, strict", says(`{}`), true, unusable},
		{"lost userName, strict", says(strings.Replace(response(`{}`), `"userName":"alice",`, "", 1)), true, unusable},
		{"null", says(`null`), false, notJSON},
		{"nothing", says(``), false, notJSON},
		{"not JSON", says(`<html>`), false, notJSON},
		{"two values", says(`{} {}`), false, notJSON},
		{"string", says(`"text"`), false, unusable},
		{"number", says(`5`), false, unusable},
		{"array", says(`[]`), false, unusable},
		{"response is a string", says(response(`"x"`)), false, unusable},
		{"response is an array", says(response(`[]`)), false, unusable},
		{"wrong type", says(response(`{"autoConfirmUser":"yes"}`)), false, unusable},
		{"verified without an address", says(response(`{"autoVerifyPhone":true}`)), false, unusable},
		{"error object without the header", says(`{"errorMessage":"x"}`), false, noError},
		{"threw", throws(`{"errorMessage":"No entry.","errorType":"Error"}`), false, "UserLambdaValidationException: PreSignUp failed with error No entry.."},
		{"threw without a message", throws(`{"errorType":"Error"}`), false, "UserLambdaValidationException: PreSignUp failed with error null."},
		{"threw garbage", throws(`oops`), false, "UserLambdaValidationException: PreSignUp failed with error null."},
		{"threw at length", throws(`{"errorMessage":"` + strings.Repeat("ä", 600) + `"}`), false, "UserLambdaValidationException: PreSignUp failed with error " + strings.Repeat("ä", 512) + "."},
		{"access denied", refuses(403, "AccessDeniedException"), false, unexpected + "AccessDeniedException."},
		{"not found", refuses(404, "ResourceNotFoundException"), false, unexpected + "ResourceNotFoundException."},
		{"throttled", refuses(429, "TooManyRequestsException"), false, unexpected + "TooManyRequestsException."},
		{"service error", refuses(500, "ServiceException"), false, unexpected + "ServiceException."},
		{"10 MiB", says(`{"a":"` + strings.Repeat("x", 10<<20) + `"}`), false, unexpected + "Function.ResponseSizeTooLarge."},
		{"10 MiB of an error", throws(`{"errorMessage":"` + strings.Repeat("x", 10<<20) + `"}`), false, unexpected + "Function.ResponseSizeTooLarge."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, tt.answer)
			s := service(t, e.URL, func(d *trigger.Deps) { d.Strict, d.Attempts = tt.strict, 3 })
			got, err := s.PreSignUp(t.Context(), function, envelope(trigger.SourceSignUp), trigger.PreSignUpRequest{UserAttributes: map[string]string{"email": "a@example.com"}})
			if have := text(err); have != tt.want {
				t.Errorf("error %.300q, want %.300q", have, tt.want)
			}
			if got != (trigger.PreSignUpResponse{}) {
				t.Errorf("answer %+v beside the error", got)
			}
			if _, _, calls := e.last(); calls != 1 {
				t.Errorf("%d calls, want 1", calls)
			}
		})
	}
}

func TestAutoConfirmIsIgnoredForAdministrators(t *testing.T) {
	t.Parallel()
	s := service(t, newEndpoint(t, says(response(`{"autoConfirmUser":true,"autoVerifyPhone":true}`))).URL, nil)
	got, err := s.PreSignUp(t.Context(), function, envelope(trigger.SourceAdminCreateUser), trigger.PreSignUpRequest{})
	if err != nil || got != (trigger.PreSignUpResponse{}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	type out = trigger.PreTokenGenerationResponse
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	empty := &trigger.GroupConfiguration{GroupsToOverride: []string{}, IAMRolesToOverride: []string{}}
	for _, tt := range []struct {
		name, version, response string
		want                    out
		err                     string
	}{
		{"V1 nothing", "V1_0", `{"claimsOverrideDetails":null}`, out{}, ""},
		{"V1 claims", "V1_0", `{"claimsOverrideDetails":{"claimsToAddOrOverride":{"a":"<b>"},"claimsToSuppress":["email"]}}`,
			out{IDToken: trigger.TokenOverride{Claims: map[string]json.RawMessage{"a": raw(`"\u003cb\u003e"`)}, Suppress: []string{"email"}}}, ""},
		{"V1 takes strings alone", "V1_0", `{"claimsOverrideDetails":{"claimsToAddOrOverride":{"a":["b"]}}}`, out{}, unusable},
		{"V1 groups", "V1_0", `{"claimsOverrideDetails":{"groupOverrideDetails":{"groupsToOverride":["g"],"iamRolesToOverride":["r"],"preferredRole":"r"}}}`,
			out{Groups: &trigger.GroupConfiguration{GroupsToOverride: []string{"g"}, IAMRolesToOverride: []string{"r"}, PreferredRole: new("r")}}, ""},
		{"groups empty", "V1_0", `{"claimsOverrideDetails":{"groupOverrideDetails":{}}}`, out{Groups: empty}, ""},
		{"groups null", "V1_0", `{"claimsOverrideDetails":{"groupOverrideDetails":null}}`, out{Groups: empty}, ""},
		{"groups of a typed handler", "V1_0", `{"claimsOverrideDetails":{"groupOverrideDetails":{"groupsToOverride":null,"iamRolesToOverride":null,"preferredRole":null},"claimsToAddOrOverride":null,"claimsToSuppress":null}}`, out{Groups: empty}, ""},
		{"V1's answer to V2", "V2_0", `{"claimsOverrideDetails":{"claimsToSuppress":["email"]}}`, out{}, ""},
		{"V2", "V2_0", `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":{"n":1.50,"o":{"a":[true]},"gone":null}},"accessTokenGeneration":{"claimsToAddOrOverride":{"s":"t"},"claimsToSuppress":["username"],"scopesToAdd":["rs/read"],"scopesToSuppress":["openid"]}}}`,
			out{
				IDToken: trigger.TokenOverride{Claims: map[string]json.RawMessage{"n": raw(`1.50`), "o": raw(`{"a":[true]}`)}},
				AccessToken: trigger.TokenOverride{
					Claims: map[string]json.RawMessage{"s": raw(`"t"`)}, Suppress: []string{"username"},
					ScopesToAdd: []string{"rs/read"}, ScopesToSuppress: []string{"openid"},
				},
			}, ""},
		{"scope with a blank", "V3_0", `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":["a b"]}}}`, out{}, unusable},
		{"claims are a list", "V2_0", `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":[]}}}`, out{}, unusable},
		{"null in a list", "V2_0", `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToSuppress":[null]}}}`, out{}, unusable},
		{"too many changes", "V2_0", `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToSuppress":["a"` + strings.Repeat(`,"a"`, 5000) + `]}}}`, out{}, unusable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service(t, newEndpoint(t, says(response(tt.response))).URL, nil)
			got, err := s.PreTokenGeneration(t.Context(), function, "", envelope(trigger.SourceTokenAuthentication), trigger.PreTokenGenerationRequest{})
			if tt.version != "V1_0" {
				got, err = s.PreTokenGeneration(t.Context(), function, "V2_0", envelope(trigger.SourceTokenAuthentication), trigger.PreTokenGenerationRequest{})
			}
			if have := text(err); have != tt.err {
				t.Errorf("error %q, want %q", have, tt.err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestChallengeAnswers(t *testing.T) {
	t.Parallel()
	type out = trigger.DefineAuthChallengeResponse
	for _, tt := range []struct {
		name, response string
		want           out
		err            string
	}{
		{"unchanged", `{"challengeName":null,"issueTokens":null,"failAuthentication":null}`, out{}, unusable},
		{"custom", `{"challengeName":"CUSTOM_CHALLENGE","issueTokens":false,"failAuthentication":false}`, out{ChallengeName: "CUSTOM_CHALLENGE"}, ""},
		{"tokens", `{"challengeName":"","issueTokens":true}`, out{IssueTokens: true}, ""},
		{"refused", `{"failAuthentication":true,"challengeName":"CUSTOM_CHALLENGE"}`, out{FailAuthentication: true}, ""},
		{"both fail closed", `{"failAuthentication":true,"issueTokens":true}`, out{FailAuthentication: true}, ""},
		{"unknown", `{"challengeName":"RIDDLE"}`, out{}, unusable},
		{"wrong type", `{"issueTokens":"true"}`, out{}, unusable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service(t, newEndpoint(t, says(response(tt.response))).URL, nil)
			got, err := s.DefineAuthChallenge(t.Context(), function, envelope(trigger.SourceDefineAuthChallenge), trigger.DefineAuthChallengeRequest{})
			if text(err) != tt.err || got != tt.want {
				t.Errorf("%+v, %q; want %+v, %q", got, text(err), tt.want, tt.err)
			}
		})
	}
	s := service(t, newEndpoint(t, echo).URL, nil)
	if right, err := s.VerifyAuthChallengeResponse(t.Context(), function, envelope(trigger.SourceVerifyAuthChallengeResponse), trigger.VerifyAuthChallengeResponseRequest{}); right || err != nil {
		t.Errorf("an unchanged event: %v, %v, want a wrong answer", right, err)
	}
	if made, err := s.CreateAuthChallenge(t.Context(), function, envelope(trigger.SourceCreateAuthChallenge), trigger.CreateAuthChallengeRequest{}); err != nil || len(made.PublicChallengeParameters) != 0 {
		t.Errorf("an unchanged event: %+v, %v", made, err)
	}
	s = service(t, newEndpoint(t, says(response(`{"privateChallengeParameters":{"n":5}}`))).URL, nil)
	if _, err := s.CreateAuthChallenge(t.Context(), function, envelope(trigger.SourceCreateAuthChallenge), trigger.CreateAuthChallengeRequest{}); text(err) != unusable {
		t.Errorf("parameters that are no strings: %v", err)
	}
}

func TestMigrationAnswers(t *testing.T) {
	t.Parallel()
	type out = trigger.UserMigrationResponse
	sms := []string{"SMS"}
	for _, tt := range []struct {
		name   string
		answer answer
		want   out
		err    string
	}{
		{"unchanged", echo, out{FinalUserStatus: "RESET_REQUIRED", DesiredDeliveryMediums: sms}, ""},
		{"a typed handler's zeros", says(response(`{"userAttributes":{"email":"a@example.com"},"finalUserStatus":"","messageAction":"","desiredDeliveryMediums":[],"forceAliasCreation":false}`)),
			out{UserAttributes: map[string]string{"email": "a@example.com"}, FinalUserStatus: "RESET_REQUIRED", DesiredDeliveryMediums: sms}, ""},
		{"all", says(response(`{"userAttributes":{"phone_number":"+15555550100"},"finalUserStatus":"CONFIRMED","messageAction":"SUPPRESS","desiredDeliveryMediums":["EMAIL","SMS"],"forceAliasCreation":true,"enableSMSMFA":true}`)),
			out{UserAttributes: map[string]string{"phone_number": "+15555550100"}, FinalUserStatus: "CONFIRMED", Suppress: true, DesiredDeliveryMediums: []string{"EMAIL", "SMS"}, ForceAliasCreation: true, EnableSMSMFA: true}, ""},
		{"another status", says(response(`{"userAttributes":{},"finalUserStatus":"UNCONFIRMED"}`)), out{}, unusable},
		{"another action", says(response(`{"messageAction":"SHOUT"}`)), out{}, unusable},
		{"another medium", says(response(`{"desiredDeliveryMediums":["FAX"]}`)), out{}, unusable},
		{"a boolean attribute", says(response(`{"userAttributes":{"email_verified":true}}`)), out{}, unusable},
		{"threw", throws(`{"errorMessage":"Bad password"}`), out{}, "UserNotFoundException: Exception migrating user in app client 1example23456789"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service(t, newEndpoint(t, tt.answer).URL, nil)
			got, err := s.UserMigration(t.Context(), function, envelope(trigger.SourceMigrationAuthentication), trigger.UserMigrationRequest{Password: "p"})
			if have := text(err); have != tt.err {
				t.Errorf("error %q, want %q", have, tt.err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMessageAnswers(t *testing.T) {
	t.Parallel()
	type out = trigger.CustomMessageResponse
	body := func(o out) string {
		b, _ := json.Marshal(map[string]string{"smsMessage": o.SMSMessage, "emailMessage": o.EmailMessage, "emailSubject": o.EmailSubject})
		return response(string(b))
	}
	admin := trigger.SourceCustomMessage + trigger.OccasionAdminCreateUser
	signUp := trigger.SourceCustomMessage + trigger.OccasionSignUp
	for _, tt := range []struct {
		name, source string
		req          trigger.CustomMessageRequest
		in, want     out
		err          string
	}{
		{"nothing", signUp, trigger.CustomMessageRequest{}, out{}, out{}, ""},
		{"all", signUp, trigger.CustomMessageRequest{}, out{"s {####}", "m {####}", "hi"}, out{"s {####}", "m {####}", "hi"}, ""},
		{"no code", signUp, trigger.CustomMessageRequest{}, out{"s", "m {####}", "hi"}, out{"", "m {####}", "hi"}, ""},
		{"no name in an invitation", admin, trigger.CustomMessageRequest{}, out{"{####}", "{username} {####}", ""}, out{"", "{username} {####}", ""}, ""},
		{"link", signUp, trigger.CustomMessageRequest{Link: true}, out{"", "go {##there##}", ""}, out{"", "go {##there##}", ""}, ""},
		{"code where a link is due", signUp, trigger.CustomMessageRequest{Link: true}, out{"", "{####}", ""}, out{}, ""},
		{"140 characters", signUp, trigger.CustomMessageRequest{}, out{strings.Repeat("ä", 134) + "{####}", "", ""}, out{strings.Repeat("ä", 134) + "{####}", "", ""}, ""},
		{"141 characters", signUp, trigger.CustomMessageRequest{}, out{strings.Repeat("ä", 135) + "{####}", "", ""}, out{}, unusable},
		{"too long with the code", signUp, trigger.CustomMessageRequest{CodeLength: 8}, out{strings.Repeat("a", 134) + "{####}", "", ""}, out{}, unusable},
		{"subject too long", signUp, trigger.CustomMessageRequest{}, out{"", "", strings.Repeat("a", 141)}, out{}, unusable},
		{"mail too long", signUp, trigger.CustomMessageRequest{}, out{"", strings.Repeat("a", 20000) + "{####}", ""}, out{}, unusable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service(t, newEndpoint(t, says(body(tt.in))).URL, nil)
			got, err := s.CustomMessage(t.Context(), function, envelope(tt.source), tt.req)
			if text(err) != tt.err {
				t.Errorf("error %q, want %q", text(err), tt.err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// silent is a way to functions that do not answer.
type silent struct{ calls int }

func (s *silent) Invoke(ctx context.Context, _ trigger.Invocation) (trigger.Result, error) {
	s.calls++
	<-ctx.Done()
	return trigger.Result{}, ctx.Err()
}

// TestAttempts counts the calls of a function that does not answer.
func TestAttempts(t *testing.T) {
	t.Parallel()
	for _, attempts := range []int{0, 1, 3, 9} {
		synctest.Test(t, func(t *testing.T) {
			way, began := &silent{}, time.Now()
			s := trigger.New(trigger.Deps{Transport: way, Attempts: attempts, Now: time.Now})
			err := s.PreAuthentication(t.Context(), function, envelope(trigger.SourcePreAuthentication), trigger.PreAuthenticationRequest{})
			wantError(t, err, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error Socket timeout while invoking Lambda function.")
			want := min(max(attempts, 1), 3)
			if took := time.Since(began); way.calls != want || took != time.Duration(want)*trigger.Timeout {
				t.Errorf("%d attempts: %d calls in %v", attempts, way.calls, took)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, echo)
	e.Close()
	s := service(t, e.URL, nil)
	err := s.PreAuthentication(t.Context(), function, envelope(trigger.SourcePreAuthentication), trigger.PreAuthenticationRequest{})
	wantError(t, err, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error SdkClientException.")
	err = s.PreAuthentication(t.Context(), "arn:aws:lambda:evil.example.com/:123456789012:function:f", envelope(trigger.SourcePreAuthentication), trigger.PreAuthenticationRequest{})
	wantError(t, err, "UnexpectedLambdaException", "PreAuthentication invocation failed due to error ResourceNotFoundException.")
}

func TestSenders(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, func(w http.ResponseWriter, _ []byte) { w.WriteHeader(202) })
	s := service(t, e.URL, nil)
	err := s.CustomEmailSender(t.Context(), function, envelope(trigger.SourceCustomEmailSender+trigger.OccasionSignUp), trigger.CustomSenderRequest{Code: "123456", KMSKeyID: "k"})
	if err == nil || strings.Contains(err.Error(), "123456") {
		t.Errorf("without a key: %v", err)
	}
	if err := s.CustomSMSSender(t.Context(), function, envelope(trigger.SourceCustomSMSSender+trigger.OccasionSignUp), trigger.CustomSenderRequest{}); err != nil {
		t.Error(err)
	}
	if _, r, _ := e.last(); r.Header.Get("X-Amz-Invocation-Type") != "Event" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		t.Errorf("headers %v", r.Header)
	}
}
