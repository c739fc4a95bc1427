package trigger_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/trigger"
	"cognate/test/patience"
)

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// webhooks calls functions by the routes' webhooks.
func webhooks(t testing.TB, allowed []netip.Prefix, url string, change func(*trigger.Deps)) *trigger.Service {
	t.Helper()
	router, err := trigger.NewRouter(trigger.RouterOptions{
		Routes: map[string]trigger.Route{"f": {Webhook: url, Secret: trigger.Secret(secret)}}, Allowed: allowed,
		Now: func() time.Time { return time.Unix(1700000000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Close() })
	d := trigger.Deps{Transport: router, Timeout: patience.Limit, Now: time.Now}
	if change != nil {
		change(&d)
	}
	return trigger.New(d)
}

func preAuthentication(t testing.TB, s *trigger.Service) error {
	return s.PreAuthentication(t.Context(), function, envelope(trigger.SourcePreAuthentication), trigger.PreAuthenticationRequest{})
}

const invocationFailed = "PreAuthentication invocation failed due to error "

// TestWebhookSignature verifies a request as a receiver does.
func TestWebhookSignature(t *testing.T) {
	t.Parallel()
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
		mac := hmac.New(sha256.New, []byte("0123456789abcdef0123456789abcdef"))
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %s, want %s", r.Header.Get("webhook-signature"), want)
		}
		if stamp != "1700000000" || r.Header.Get("cognate-function-arn") != function {
			t.Errorf("headers %v", r.Header)
		}
		ids = append(ids, id)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	s := webhooks(t, loopback, server.URL, nil)
	for range 2 {
		if err := preAuthentication(t, s); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("ids %v", ids)
	}
}

func TestWebhookAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"refuses by an error object", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(422)
			_, _ = w.Write([]byte(`{"errorMessage":"No"}`))
		}, "UserLambdaValidationException: PreAuthentication failed with error No."},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, notJSON},
		{"unauthorized", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "UnexpectedLambdaException: " + invocationFailed + "AccessDeniedException."},
		{"gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) }, "UnexpectedLambdaException: " + invocationFailed + "ResourceNotFoundException."},
		{"fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "UnexpectedLambdaException: " + invocationFailed + "ServiceException."},
		{"10 MiB", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, 10<<20) }, "UnexpectedLambdaException: " + invocationFailed + "Function.ResponseSizeTooLarge."},
		{"half an answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"version"`))
		}, "UnexpectedLambdaException: " + invocationFailed + "SdkClientException."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			t.Cleanup(server.Close)
			if got := text(preAuthentication(t, webhooks(t, loopback, server.URL, nil))); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestWebhookGoesNowhereElse wants no request at an address that is not allowed,
// by its name, its number or a redirect.
func TestWebhookGoesNowhereElse(t *testing.T) {
	t.Parallel()
	var inside atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside.Add(1) }))
	t.Cleanup(target.Close)
	redirect := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	port := target.URL[strings.LastIndex(target.URL, ":"):]
	for _, tt := range []struct {
		name, url string
		allowed   []netip.Prefix
		want      string
	}{
		{"number", target.URL, nil, "SdkClientException"},
		{"name", "http://localhost" + port, nil, "SdkClientException"},
		{"private", "https://10.0.0.1/", loopback, "SdkClientException"},
		{"metadata", "https://169.254.169.254/", loopback, "SdkClientException"},
		{"redirect", redirect.URL, loopback, "ServiceException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := webhooks(t, tt.allowed, tt.url, func(d *trigger.Deps) { d.Attempts = 3 })
			if got := text(preAuthentication(t, s)); got != "UnexpectedLambdaException: "+invocationFailed+tt.want+"." {
				t.Error(got)
			}
		})
	}
	t.Cleanup(func() {
		if n := inside.Load(); n != 0 {
			t.Errorf("%d requests got inside", n)
		}
	})
}

func TestWebhookHangs(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(released) })
	s := webhooks(t, loopback, server.URL, func(d *trigger.Deps) { d.Timeout = 50 * time.Millisecond })
	wantError(t, preAuthentication(t, s), "UnexpectedLambdaException", invocationFailed+"Socket timeout while invoking Lambda function.")
}

func TestParseARN(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     trigger.ARN
	}{
		{"plain", "arn:aws:lambda:us-east-1:123456789012:function:f", trigger.ARN{Partition: "aws", Region: "us-east-1", Account: "123456789012", Name: "f"}},
		{"alias", "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:f-1_x:live", trigger.ARN{Partition: "aws-us-gov", Region: "us-gov-west-1", Account: "123456789012", Name: "f-1_x", Qualifier: "live"}},
		{"a host for a Region", "arn:aws:lambda:evil.example.com#:123456789012:function:f", trigger.ARN{}},
		{"another service", "arn:aws:sns:us-east-1:123456789012:f", trigger.ARN{}},
		{"a path for a name", "arn:aws:lambda:us-east-1:123456789012:function:../f", trigger.ARN{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := trigger.ParseARN(tt.in)
			if got != tt.want || (err == nil) != (tt.want != trigger.ARN{}) {
				t.Errorf("%+v, %v", got, err)
			}
			if err == nil && got.Qualifier == "" && got.Unqualified() != tt.in {
				t.Error(got.Unqualified())
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, tt := range []struct{ name, file, err string }{
		{"empty", "", ""},
		{"all", "functions:\n  f: {webhook: 'https://x.example/', secret: a}\n  arn:aws:lambda:us-east-1:123456789012:function:g: {lambda: 'http://127.0.0.1:3001', function: function}\n  h: {folder: other}\nkeys:\n  k: {aes256: " + key + ", format: v2}\n", ""},
		{"unknown member", "functions:\n  f: {webhok: x}\n", "webhok"},
		{"two ways", "functions:\n  f: {webhook: x, folder: y}\n", "give one of"},
		{"none", "functions:\n  f: {}\n", "give one of"},
		{"secret alone", "functions:\n  f: {folder: y, secret: z}\n", "secret is for webhook"},
		{"bad ARN", "functions:\n  'arn:aws:sns:x': {folder: y}\n", "not the ARN"},
		{"short key", "keys:\n  k: {aes256: AAAA}\n", "32 bytes"},
		{"two documents", "functions: {}\n---\nkeys: {}\n", "one document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := trigger.ParseRoutes([]byte(tt.file))
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%v, want %q", err, tt.err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", r, r, r), key) {
				t.Error("a key shows")
			}
		})
	}
}

// TestRouter sends functions where the routes say: by ARN, by ARN without its
// alias, by name, and else to the endpoint of the Lambda API.
func TestRouter(t *testing.T) {
	t.Parallel()
	server := func(name string) string {
		return newEndpoint(t, throws(`{"errorMessage":"`+name+`"}`)).URL
	}
	router, err := trigger.NewRouter(trigger.RouterOptions{
		Routes: map[string]trigger.Route{
			function + ":live": {Lambda: server("alias")},
			function:           {Lambda: server("arn")},
			"g":                {Lambda: server("name"), Function: "function"},
		},
		Lambda: trigger.LambdaOptions{Endpoint: server("default"), Load: credentials}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = router.Close() })
	s := trigger.New(trigger.Deps{Transport: router, Timeout: patience.Limit, Now: time.Now})
	for arn, want := range map[string]string{
		function + ":live": "alias", function + ":test": "arn", function: "arn",
		"arn:aws:lambda:eu-west-1:210987654321:function:g": "name", "arn:aws:lambda:eu-west-1:210987654321:function:h": "default",
	} {
		err := s.PostConfirmation(t.Context(), arn, envelope(trigger.SourceConfirmSignUp), trigger.PostConfirmationRequest{})
		wantError(t, err, "UserLambdaValidationException", "PostConfirmation failed with error "+want+".")
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"response":{"claimsAndScopeOverrideDetails":{"groupOverrideDetails":null}}}`, `{"response":{"autoConfirmUser":true}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) { trigger.ReadEveryWay(t, payload) })
}

// BenchmarkTransports is what a call costs over its own round trip: bare is the
// same request by net/http alone.
func BenchmarkTransports(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&event)
		_, _ = w.Write(event)
	}))
	b.Cleanup(server.Close)
	for name, s := range map[string]*trigger.Service{
		"lambda": service(b, server.URL, nil), "webhook": webhooks(b, loopback, server.URL, nil),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := preAuthentication(b, s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			res, err := http.Post(server.URL, "application/json", strings.NewReader(`{"version":"1","request":{},"response":{}}`))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	})
}
