package functions_test

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/trigger"
	"cognate/internal/trigger/process"
	"cognate/test/lambdas"
	"cognate/test/patience"
)

// handlers are the functions that every language has.
var handlers = []string{
	"pre-sign-up", "define-auth-challenge", "create-auth-challenge", "verify-auth-challenge-response", "pre-token-generation", "user-migration",
}

const webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// TestTransports runs the same handlers by the Lambda API and by webhooks.
func TestTransports(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(*testing.T) trigger.RouterOptions{
		"Lambda API": func(t *testing.T) trigger.RouterOptions {
			return trigger.RouterOptions{Lambda: trigger.LambdaOptions{Endpoint: lambdas.Serve(t, "node"), Load: anybody}, Now: time.Now}
		},
		"webhook": func(t *testing.T) trigger.RouterOptions {
			at := lambdas.WebhookServer(t, "webhook/server.mjs", "node", webhookSecret)
			routes := map[string]trigger.Route{}
			for _, f := range handlers {
				routes[f] = trigger.Route{Webhook: at, Secret: webhookSecret}
			}
			return trigger.RouterOptions{Routes: routes, Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Now: time.Now}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			router, err := trigger.NewRouter(options(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = router.Close() })
			s := trigger.New(trigger.Deps{Transport: router, Timeout: patience.Limit, Now: time.Now})
			t.Run("pre sign-up", func(t *testing.T) { preSignUp(t, s, nil) })
			t.Run("pre token generation", func(t *testing.T) { preToken(t, s) })
			t.Run("user migration", func(t *testing.T) { migrate(t, s) })
			t.Run("custom challenge", func(t *testing.T) { customChallenge(t, s) })
		})
	}
}

// TestWebhookServerRefuses wants the example to serve nobody but the holder of the secret.
func TestWebhookServerRefuses(t *testing.T) {
	t.Parallel()
	at := lambdas.WebhookServer(t, "webhook/server.mjs", "node", webhookSecret)
	router, err := trigger.NewRouter(trigger.RouterOptions{
		Routes:  map[string]trigger.Route{"pre-sign-up": {Webhook: at, Secret: "whsec_YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgaGVyZQ=="}},
		Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Close() })
	s := trigger.New(trigger.Deps{Transport: router, Timeout: patience.Limit, Now: time.Now})
	_, err = s.PreSignUp(t.Context(), arn("pre-sign-up"), envelope(trigger.SourceSignUp), trigger.PreSignUpRequest{})
	wantError(t, err, "UnexpectedLambdaException", "PreSignUp invocation failed due to error AccessDeniedException.")
}

func anybody(_ context.Context, region string) (aws.Config, error) {
	return aws.Config{Region: region, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
	})}, nil
}

// BenchmarkHandlers is what a call of a warm handler costs, by language.
func BenchmarkHandlers(b *testing.B) {
	for _, language := range []string{"node", "python", "go"} {
		b.Run(language, func(b *testing.B) {
			f, err := process.Open(process.Options{Dir: language, Environ: os.Environ(), InitTimeout: patience.Limit})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			s := trigger.New(trigger.Deps{Transport: f, Timeout: patience.Limit, Now: time.Now})
			call := func() {
				_, err := s.VerifyAuthChallengeResponse(b.Context(), arn("verify-auth-challenge-response"), envelope(trigger.SourceVerifyAuthChallengeResponse),
					trigger.VerifyAuthChallengeResponseRequest{PrivateChallengeParameters: map[string]string{"answer": "1"}, ChallengeAnswer: "1"})
				if err != nil {
					b.Fatal(err)
				}
			}
			call()
			for b.Loop() {
				call()
			}
		})
	}
}
