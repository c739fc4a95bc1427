package trigger_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognate/internal/api"
	"cognate/internal/trigger"
	"cognate/test/leaks"
	"cognate/test/patience"
)

func TestMain(m *testing.M) { os.Exit(leaks.Run(m)) }

const function = "arn:aws:lambda:us-east-1:123456789012:function:f"

// endpoint is a server that speaks the Lambda API's Invoke: it keeps the last
// event and answers what the test says.
type endpoint struct {
	*httptest.Server

	mu      sync.Mutex
	event   []byte
	request *http.Request
	calls   int
}

// answer writes a function's answer, as the Lambda API does.
type answer func(w http.ResponseWriter, event []byte)

func newEndpoint(t testing.TB, a answer) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			t.Error(err)
		}
		e.mu.Lock()
		e.event, e.request, e.calls = event, r, e.calls+1
		e.mu.Unlock()
		a(w, event)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) last() ([]byte, *http.Request, int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.event, e.request, e.calls
}

func says(text string) answer {
	return func(w http.ResponseWriter, _ []byte) { _, _ = w.Write([]byte(text)) }
}

func echo(w http.ResponseWriter, event []byte) { _, _ = w.Write(event) }

func throws(object string) answer {
	return func(w http.ResponseWriter, _ []byte) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_, _ = w.Write([]byte(object))
	}
}

func refuses(status int, kind string) answer {
	return func(w http.ResponseWriter, _ []byte) {
		w.Header().Set("X-Amzn-Errortype", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"Message":"no","Type":"User"}`))
	}
}

// credentials are of nobody.
func credentials(_ context.Context, region string) (aws.Config, error) {
	return aws.Config{Region: region, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret"}, nil
	})}, nil
}

// service calls functions at an endpoint that speaks the Lambda API.
func service(t testing.TB, url string, change func(*trigger.Deps)) *trigger.Service {
	t.Helper()
	l := trigger.NewLambda(trigger.LambdaOptions{Endpoint: url, Load: credentials})
	t.Cleanup(func() { _ = l.Close() })
	d := trigger.Deps{Transport: l, Timeout: patience.Limit, Now: time.Now}
	if change != nil {
		change(&d)
	}
	return trigger.New(d)
}

func envelope(source string) trigger.Envelope {
	return trigger.Envelope{Source: source, Region: "us-east-1", PoolID: "us-east-1_AbCdEf123", Username: "alice", ClientID: "1example23456789"}
}

func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	if e, ok := err.(*api.Error); !ok || e.Code != code || e.Message != message {
		t.Errorf("error %v, want %s: %s", err, code, message)
	}
}
