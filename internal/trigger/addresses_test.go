package trigger_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/audit"
	"cognate/internal/trigger"
	"cognate/test/patience"
)

const secretPath = "/T01234567/s3cretpath?token=s3cretquery"

// faults are endpoints that fail, each with an address that is a secret.
func faults(t *testing.T) map[string]string {
	t.Helper()
	serve := func(f http.HandlerFunc) string {
		s := httptest.NewServer(f)
		t.Cleanup(s.Close)
		return s.URL + secretPath
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	return map[string]string{
		"gone": gone.URL + secretPath,
		"echo": serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amzn-Errortype", "NoSuchPageException")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"Message":"no page %s at http://%s%[1]s","__type":"NoSuchPageException"}`, r.URL.RequestURI(), r.Host)
		}),
		"redirect": serve(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1"+secretPath, http.StatusTemporaryRedirect)
		}),
		"cut": serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "{")
			panic(http.ErrAbortHandler)
		}),
	}
}

// TestAddressesStaySecret calls functions and AWS KMS at addresses that hold
// secrets, and looks for them in the log and in errors.
func TestAddressesStaySecret(t *testing.T) {
	t.Parallel()
	for fault, address := range faults(t) {
		lambda := func(d *trigger.Deps) {
			l := trigger.NewLambda(trigger.LambdaOptions{Endpoint: strings.Replace(address, "://", "://user:s3cretpassword@", 1), Load: credentials})
			t.Cleanup(func() { _ = l.Close() })
			d.Transport = l
		}
		for name, change := range map[string]func(*trigger.Deps){
			"webhook": func(*trigger.Deps) {}, "Lambda": lambda,
			"KMS": func(d *trigger.Deps) {
				lambda(d)
				const key = "arn:aws:kms:us-east-1:123456789012:key/1"
				var err error
				d.Keys, err = trigger.NewSenderKeys(map[string]trigger.Key{key: {KMS: true}}, trigger.KMSOptions{
					Load: func(ctx context.Context, region string) (aws.Config, error) {
						cfg, err := credentials(ctx, region)
						cfg.BaseEndpoint, cfg.Retryer = &address, func() aws.Retryer { return aws.NopRetryer{} }
						return cfg, err
					},
				})
				if err != nil {
					t.Error(err)
				}
			},
		} {
			t.Run(name+"/"+fault, func(t *testing.T) {
				var log bytes.Buffer
				s := webhooks(t, loopback, address, func(d *trigger.Deps) {
					d.Log = slog.New(slog.NewTextHandler(&log, nil))
					change(d)
				})
				ctx, event := audit.With(t.Context())
				var err error
				if name == "KMS" {
					err = s.CustomEmailSender(ctx, function, envelope(trigger.SourceCustomEmailSender+trigger.OccasionSignUp),
						trigger.CustomSenderRequest{Code: "123456", KMSKeyID: "arn:aws:kms:us-east-1:123456789012:key/1"})
				} else {
					err = s.PreAuthentication(ctx, function, envelope(trigger.SourcePreAuthentication), trigger.PreAuthenticationRequest{})
				}
				if err == nil {
					t.Fatal("no error")
				}
				text := fmt.Sprintln(err, log.String(), event.Attrs())
				if strings.Contains(text, "s3cret") || strings.Contains(text, "T01234567") {
					t.Error(text)
				}
				if fault == "gone" && !strings.Contains(text, "127.0.0.1") {
					t.Errorf("the host is not named: %s", text)
				}
			})
		}
	}
}

// TestDevelopmentNeedsNoCredentials: an endpoint on this machine that the SDK's
// own variables name is called although there are no credentials. Elsewhere that
// is an error, whose cause the request's log line names.
func TestDevelopmentNeedsNoCredentials(t *testing.T) {
	e := newEndpoint(t, echo)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_LAMBDA": e.URL, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
	} {
		t.Setenv(name, value)
	}
	call := func(development bool) (string, error) {
		l := trigger.NewLambda(trigger.LambdaOptions{NoInstanceCredentials: true, Development: development})
		defer func() { _ = l.Close() }()
		ctx, event := audit.With(t.Context())
		s := trigger.New(trigger.Deps{Transport: l, Timeout: patience.Limit, Now: time.Now})
		err := s.PreAuthentication(ctx, function, envelope(trigger.SourcePreAuthentication), trigger.PreAuthenticationRequest{})
		return fmt.Sprint(event.Attrs()), err
	}
	if _, err := call(true); err != nil {
		t.Errorf("in development: %v", err)
	}
	if _, r, _ := e.last(); r == nil || !strings.Contains(r.Header.Get("Authorization"), "Credential=dev/") {
		t.Errorf("not signed by dummy credentials: %v", r)
	}
	line, err := call(false)
	wantError(t, err, "UnexpectedLambdaException", invocationFailed+trigger.NameUnreachable+".")
	if !strings.Contains(line, "credentials") {
		t.Errorf("the request's log line names no cause: %s", line)
	}
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:1/s3cretpath")
	line, err = call(true)
	wantError(t, err, "UnexpectedLambdaException", invocationFailed+trigger.NameUnreachable+".")
	if !strings.Contains(line, "127.0.0.1:1") || !strings.Contains(line, "refused") || strings.Contains(line, "s3cret") {
		t.Errorf("the request's log line: %s", line)
	}
}
