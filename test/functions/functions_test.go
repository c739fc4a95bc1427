package functions_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/trigger"
	"cognate/internal/trigger/process"
	"cognate/test/patience"
	"cognate/test/serving"
)

func arn(name string) string { return "arn:aws:lambda:us-east-1:123456789012:function:" + name }

// open runs the functions of one language, and returns the service that calls
// them. The time limit is wide: the machine that runs the tests may be busy.
func open(t *testing.T, dir string) (*trigger.Service, *serving.Log) {
	t.Helper()
	out := &serving.Log{}
	f, err := process.Open(process.Options{
		Dir: dir, Environ: os.Environ(), InitTimeout: patience.Limit, Output: out, Log: slog.New(slog.NewTextHandler(out, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(out)
		}
	})
	router, err := trigger.NewRouter(trigger.RouterOptions{Local: f, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Close() })
	return trigger.New(trigger.Deps{Transport: router, Timeout: patience.Limit, Now: time.Now}), out
}

// TestHandlers runs unmodified Lambda handlers of three languages.
func TestHandlers(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"node", "python", "go"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s, out := open(t, language)
			t.Run("pre sign-up", func(t *testing.T) { preSignUp(t, s, out) })
			t.Run("custom challenge", func(t *testing.T) { customChallenge(t, s) })
			t.Run("pre token generation", func(t *testing.T) { preToken(t, s) })
			t.Run("user migration", func(t *testing.T) { migrate(t, s) })
		})
	}
}

func envelope(source string) trigger.Envelope {
	return trigger.Envelope{Source: source, Region: "us-east-1", PoolID: "us-east-1_AbCdEf123", Username: "alice", ClientID: "1example23456789"}
}

func preSignUp(t *testing.T, s *trigger.Service, out *serving.Log) {
	call := func(email string) (trigger.PreSignUpResponse, error) {
		return s.PreSignUp(t.Context(), arn("pre-sign-up"), envelope(trigger.SourceSignUp),
			trigger.PreSignUpRequest{UserAttributes: map[string]string{"email": email}})
	}
	got, err := call("alice@example.com")
	if err != nil || got != (trigger.PreSignUpResponse{AutoConfirmUser: true, AutoVerifyEmail: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = call("bob@elsewhere.example"); err != nil || got != (trigger.PreSignUpResponse{}) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = call("eve@blocked.example")
	wantError(t, err, "UserLambdaValidationException", "PreSignUp failed with error This domain may not sign up.")
	if out != nil && (!strings.Contains(out.String(), "[pre-sign-up] ") || !strings.Contains(out.String(), "pre sign-up of alice")) {
		t.Errorf("the log does not show the function's own lines: %s", out)
	}
}

func customChallenge(t *testing.T, s *trigger.Service) {
	ctx := t.Context()
	var session []trigger.ChallengeResult
	for round, answer := range []string{"2", "wrong", "4"} {
		next, err := s.DefineAuthChallenge(ctx, arn("define-auth-challenge"), envelope(trigger.SourceDefineAuthChallenge),
			trigger.DefineAuthChallengeRequest{Session: session})
		if err != nil || next.ChallengeName != trigger.CustomChallenge {
			t.Fatalf("round %d: %+v, %v", round, next, err)
		}
		made, err := s.CreateAuthChallenge(ctx, arn("create-auth-challenge"), envelope(trigger.SourceCreateAuthChallenge),
			trigger.CreateAuthChallengeRequest{Session: session})
		if err != nil || made.PublicChallengeParameters["question"] == "" || made.ChallengeMetadata == nil {
			t.Fatalf("round %d: %+v, %v", round, made, err)
		}
		right, err := s.VerifyAuthChallengeResponse(ctx, arn("verify-auth-challenge-response"), envelope(trigger.SourceVerifyAuthChallengeResponse),
			trigger.VerifyAuthChallengeResponseRequest{PrivateChallengeParameters: made.PrivateChallengeParameters, ChallengeAnswer: answer})
		if err != nil || right != (answer != "wrong") {
			t.Fatalf("round %d: %v, %v", round, right, err)
		}
		session = append(session, trigger.ChallengeResult{ChallengeName: trigger.CustomChallenge, ChallengeResult: right, ChallengeMetadata: made.ChallengeMetadata})
	}
	next, err := s.DefineAuthChallenge(ctx, arn("define-auth-challenge"), envelope(trigger.SourceDefineAuthChallenge),
		trigger.DefineAuthChallengeRequest{Session: session})
	if err != nil || !next.IssueTokens {
		t.Errorf("at the end: %+v, %v", next, err)
	}
	next, err = s.DefineAuthChallenge(ctx, arn("define-auth-challenge"), envelope(trigger.SourceDefineAuthChallenge),
		trigger.DefineAuthChallengeRequest{UserNotFound: new(true)})
	if err != nil || !next.FailAuthentication {
		t.Errorf("unknown user: %+v, %v", next, err)
	}
}

func preToken(t *testing.T, s *trigger.Service) {
	got, err := s.PreTokenGeneration(t.Context(), arn("pre-token-generation"), "V2_0", envelope(trigger.SourceTokenAuthentication),
		trigger.PreTokenGenerationRequest{
			GroupConfiguration: &trigger.GroupConfiguration{GroupsToOverride: []string{"admins"}}, Scopes: []string{"aws.cognito.signin.user.admin"},
		})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.IDToken.Claims["tenant"]) != `"acme"` || strings.ReplaceAll(string(got.AccessToken.Claims["limits"]), " ", "") != `{"seats":5}` {
		t.Errorf("claims: %s %s", got.IDToken.Claims, got.AccessToken.Claims)
	}
	if d := cmp.Diff([]string{"reports/read"}, got.AccessToken.ScopesToAdd); d != "" {
		t.Error(d)
	}
	if got.Groups != nil && !cmp.Equal(got.Groups.GroupsToOverride, []string{"admins"}) {
		t.Errorf("groups: %+v", got.Groups)
	}
}

func migrate(t *testing.T, s *trigger.Service) {
	call := func(username, password string) (trigger.UserMigrationResponse, error) {
		e := envelope(trigger.SourceMigrationAuthentication)
		e.Username = username
		return s.UserMigration(t.Context(), arn("user-migration"), e, trigger.UserMigrationRequest{Password: password})
	}
	got, err := call("olivia", "Old-Passw0rd!")
	if err != nil {
		t.Fatal(err)
	}
	want := trigger.UserMigrationResponse{
		UserAttributes:  map[string]string{"email": "olivia@example.com", "email_verified": "true"},
		FinalUserStatus: "CONFIRMED", Suppress: true, DesiredDeliveryMediums: []string{"SMS"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	_, err = call("olivia", "other")
	wantError(t, err, "UserNotFoundException", "Exception migrating user in app client 1example23456789")
}

func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	if e, ok := err.(*api.Error); !ok || e.Code != code || e.Message != message {
		t.Errorf("error %v, want %s: %s", err, code, message)
	}
}

// TestEncryptionSDK has AWS's own Encryption SDK open what custom senders get.
func TestEncryptionSDK(t *testing.T) {
	t.Parallel()
	const id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for _, tt := range []struct {
		name, format, policy, want string
	}{
		{"v1", "v1", "REQUIRE_ENCRYPT_ALLOW_DECRYPT", "us-east-1_AbCdEf123 123456 0378"},
		{"v1 where commitment is required", "v1", "REQUIRE_ENCRYPT_REQUIRE_DECRYPT", "refused"},
		{"v2", "v2", "REQUIRE_ENCRYPT_REQUIRE_DECRYPT", "us-east-1_AbCdEf123 123456 0578"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys, err := trigger.NewSenderKeys(map[string]trigger.Key{id: {AES256: trigger.Secret(key), Format: tt.format}}, trigger.KMSOptions{})
			if err != nil {
				t.Fatal(err)
			}
			code, err := keys.Encrypt(t.Context(), id, "us-east-1_AbCdEf123", "123456")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "encryption-sdk.mjs", key, id, tt.policy)
			cmd.Dir = filepath.Join("..", "js")
			cmd.Stdin = strings.NewReader(code)
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
