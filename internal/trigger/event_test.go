package trigger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/trigger"
)

var update = flag.Bool("update", false, "write the golden events again")

// TestEvents compares the event of each source with testdata/events.
func TestEvents(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, echo)
	keys, err := trigger.NewSenderKeys(map[string]trigger.Key{"k": {AES256: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}, trigger.KMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := service(t, e.URL, func(d *trigger.Deps) { d.Keys = keys })
	u := map[string]string{"sub": "11111111-2222-3333-4444-555555555555", "email_verified": "true", "cognito:user_status": "CONFIRMED", "email": "alice@example.com"}
	cm := map[string]string{"campaign": "<autumn> & more"}
	email := map[string]string{"email": "alice@example.com"}
	groups := &trigger.GroupConfiguration{GroupsToOverride: []string{"admins"}, IAMRolesToOverride: []string{"arn:aws:iam::123456789012:role/r"}, PreferredRole: new("arn:aws:iam::123456789012:role/r")}
	again := []trigger.ChallengeResult{{ChallengeName: "SRP_A", ChallengeResult: true}, {ChallengeName: "CUSTOM_CHALLENGE", ChallengeMetadata: new("meta")}}
	first := func(_ any, err error) error { return err }
	type ctx = context.Context
	type env = trigger.Envelope
	for _, tt := range []struct {
		name, source string
		admin        bool
		call         func(ctx, env) error
	}{
		{"PreSignUp_SignUp", trigger.SourceSignUp, false, func(c ctx, e env) error {
			return first(s.PreSignUp(c, function, e, trigger.PreSignUpRequest{UserAttributes: email}))
		}},
		{"PreSignUp_SignUp-data", trigger.SourceSignUp, false, func(c ctx, e env) error {
			return first(s.PreSignUp(c, function, e, trigger.PreSignUpRequest{UserAttributes: email, ValidationData: map[string]string{"captcha": "x"}, ClientMetadata: cm}))
		}},
		{"PreSignUp_AdminCreateUser", trigger.SourceAdminCreateUser, true, func(c ctx, e env) error {
			return first(s.PreSignUp(c, function, e, trigger.PreSignUpRequest{UserAttributes: email}))
		}},
		{"PreSignUp_ExternalProvider", trigger.SourceExternalProvider, false, func(c ctx, e env) error {
			return first(s.PreSignUp(c, function, e, trigger.PreSignUpRequest{UserAttributes: email, ValidationData: map[string]string{}}))
		}},
		{"PostConfirmation_ConfirmSignUp", trigger.SourceConfirmSignUp, false, func(c ctx, e env) error {
			return s.PostConfirmation(c, function, e, trigger.PostConfirmationRequest{UserAttributes: u})
		}},
		{"PostConfirmation_ConfirmForgotPassword", trigger.SourceConfirmForgotPassword, false, func(c ctx, e env) error {
			return s.PostConfirmation(c, function, e, trigger.PostConfirmationRequest{UserAttributes: u, ClientMetadata: cm})
		}},
		{"PreAuthentication_Authentication", trigger.SourcePreAuthentication, false, func(c ctx, e env) error {
			return s.PreAuthentication(c, function, e, trigger.PreAuthenticationRequest{UserAttributes: u})
		}},
		{"PreAuthentication_Authentication-unknown", trigger.SourcePreAuthentication, false, func(c ctx, e env) error {
			return s.PreAuthentication(c, function, e, trigger.PreAuthenticationRequest{UserNotFound: new(true)})
		}},
		{"PreAuthentication_Authentication-known", trigger.SourcePreAuthentication, false, func(c ctx, e env) error {
			return s.PreAuthentication(c, function, e, trigger.PreAuthenticationRequest{UserAttributes: u, ValidationData: cm, UserNotFound: new(false)})
		}},
		{"PostAuthentication_Authentication", trigger.SourcePostAuthentication, false, func(c ctx, e env) error {
			return s.PostAuthentication(c, function, e, trigger.PostAuthenticationRequest{UserAttributes: u, ClientMetadata: cm})
		}},
		{"TokenGeneration_Authentication-V1", trigger.SourceTokenAuthentication, false, func(c ctx, e env) error {
			return first(s.PreTokenGeneration(c, function, "V1_0", e, trigger.PreTokenGenerationRequest{UserAttributes: u, GroupConfiguration: &trigger.GroupConfiguration{}, Scopes: []string{"x"}}))
		}},
		{"TokenGeneration_RefreshTokens-V2", trigger.SourceTokenRefreshTokens, false, func(c ctx, e env) error {
			return first(s.PreTokenGeneration(c, function, "V2_0", e, trigger.PreTokenGenerationRequest{UserAttributes: u, GroupConfiguration: groups, Scopes: []string{"aws.cognito.signin.user.admin"}, ClientMetadata: cm}))
		}},
		{"TokenGeneration_ClientCredentials-V3", trigger.SourceTokenClientCredentials, false, func(c ctx, e env) error {
			e.Username = trigger.ClientCredentialsUser
			return first(s.PreTokenGeneration(c, function, "V3_0", e, trigger.PreTokenGenerationRequest{Scopes: []string{"rs/read"}}))
		}},
		{"DefineAuthChallenge_Authentication", trigger.SourceDefineAuthChallenge, false, func(c ctx, e env) error {
			return first(s.DefineAuthChallenge(c, function, e, trigger.DefineAuthChallengeRequest{UserAttributes: u}))
		}},
		{"DefineAuthChallenge_Authentication-again", trigger.SourceDefineAuthChallenge, false, func(c ctx, e env) error {
			return first(s.DefineAuthChallenge(c, function, e, trigger.DefineAuthChallengeRequest{UserAttributes: u, Session: again, ClientMetadata: cm, UserNotFound: new(false)}))
		}},
		{"CreateAuthChallenge_Authentication", trigger.SourceCreateAuthChallenge, false, func(c ctx, e env) error {
			return first(s.CreateAuthChallenge(c, function, e, trigger.CreateAuthChallengeRequest{UserAttributes: u}))
		}},
		{"VerifyAuthChallengeResponse_Authentication", trigger.SourceVerifyAuthChallengeResponse, false, func(c ctx, e env) error {
			return first(s.VerifyAuthChallengeResponse(c, function, e, trigger.VerifyAuthChallengeResponseRequest{UserAttributes: u, PrivateChallengeParameters: map[string]string{"answer": "5"}, ChallengeAnswer: "5"}))
		}},
		{"UserMigration_Authentication", trigger.SourceMigrationAuthentication, false, func(c ctx, e env) error {
			return first(s.UserMigration(c, function, e, trigger.UserMigrationRequest{Password: "Passw0rd!"}))
		}},
		{"UserMigration_ForgotPassword", trigger.SourceMigrationForgotPassword, false, func(c ctx, e env) error {
			return first(s.UserMigration(c, function, e, trigger.UserMigrationRequest{ClientMetadata: cm}))
		}},
		{"CustomMessage_SignUp", trigger.SourceCustomMessage + trigger.OccasionSignUp, false, func(c ctx, e env) error {
			return first(s.CustomMessage(c, function, e, trigger.CustomMessageRequest{UserAttributes: u}))
		}},
		{"CustomMessage_AdminCreateUser", trigger.SourceCustomMessage + trigger.OccasionAdminCreateUser, true, func(c ctx, e env) error {
			return first(s.CustomMessage(c, function, e, trigger.CustomMessageRequest{UserAttributes: u}))
		}},
		{"CustomEmailSender_SignUp", trigger.SourceCustomEmailSender + trigger.OccasionSignUp, false, func(c ctx, e env) error {
			return s.CustomEmailSender(c, function, e, trigger.CustomSenderRequest{UserAttributes: u, Code: "123456", KMSKeyID: "k"})
		}},
		{"CustomEmailSender_AccountTakeOverNotification", trigger.SourceCustomEmailSender + trigger.OccasionAccountTakeOver, false, func(c ctx, e env) error {
			return s.CustomEmailSender(c, function, e, trigger.CustomSenderRequest{UserAttributes: map[string]string{"EVENT_ID": "1"}})
		}},
		{"CustomSMSSender_Authentication", trigger.SourceCustomSMSSender + trigger.OccasionAuthentication, false, func(c ctx, e env) error {
			return s.CustomSMSSender(c, function, e, trigger.CustomSenderRequest{UserAttributes: u, ClientMetadata: cm, Code: "123456", KMSKeyID: "k"})
		}},
		{"InboundFederation_ExternalProvider-OIDC", trigger.SourceInboundFederation, false, func(c ctx, e env) error {
			return first(s.InboundFederation(c, function, e, trigger.InboundFederationRequest{ProviderName: "Okta", ProviderType: "OIDC", Attributes: trigger.FederatedAttributes{
				TokenResponse: map[string]string{"access_token": "a"}, IDToken: map[string]string{"sub": "user123"}, UserInfo: map[string]string{},
			}}))
		}},
		{"InboundFederation_ExternalProvider-SAML", trigger.SourceInboundFederation, false, func(c ctx, e env) error {
			return first(s.InboundFederation(c, function, e, trigger.InboundFederationRequest{ProviderName: "Corp", ProviderType: "SAML", Attributes: trigger.FederatedAttributes{
				SAMLResponse: map[string]string{"email": "alice@example.com"},
			}}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := envelope(tt.source)
			if tt.admin {
				in.ClientID = ""
			}
			// Some answers lack what their trigger needs; the event is what counts here.
			if err := tt.call(t.Context(), in); err != nil && api.CodeOf(err) != "InvalidLambdaResponseException" {
				t.Fatal(err)
			}
			event, _, _ := e.last()
			golden(t, filepath.Join("testdata", "events", tt.name+".json"), event)
		})
	}
}

// golden compares an event, with its keys sorted and its code hidden.
func golden(t *testing.T, name string, event []byte) {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(event, &v); err != nil {
		t.Fatal(err)
	}
	if request, ok := v["request"].(map[string]any); ok {
		if code, ok := request["code"].(string); ok {
			request["code"] = code[:5] + "…"
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Error(d)
	}
}

func TestSDKVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, agent, want string }{
		{"none", "", "aws-sdk-unknown-unknown"},
		{"browser", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "aws-sdk-unknown-unknown"},
		{"JavaScript v3", "aws-sdk-js/3.1169.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#20.20.2", "aws-sdk-js-3.1169.0"},
		{"Go v2", "aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26", "aws-sdk-go-v2-1.47.7"},
		{"Python", "Boto3/1.26.1 md/Botocore#1.29.1", "aws-sdk-python-1.26.1"},
		{"CLI", "aws-cli/2.9.19 Python/3.11.2", "aws-cli-2.9.19"},
		{"not at a word's beginning", "xaws-sdk-js/1.0", "aws-sdk-unknown-unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := trigger.SDKVersion(tt.agent); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
