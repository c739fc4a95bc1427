package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"cognate/internal/iam/gateway"
	"cognate/internal/iam/gateway/operation"
)

const invokePolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":"execute-api:Invoke","Resource":["arn:aws:execute-api:*:123456789012:shop/prod/*/orders/*","arn:aws:execute-api:*:*:shop/prod/GET/stream"]},
	{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:*:*:shop/prod/DELETE/*"}]}`

// TestAPI calls an HTTP server with requests that the SDK's signer has signed.
func TestAPI(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body string
	release := make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			_, _ = io.WriteString(w, "first")
			_ = http.NewResponseController(w).Flush()
			<-release
			return
		}
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, body = r, string(b)
		w.Header().Set("X-Amzn-Requestid", "of the backend")
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "made")
	}))
	defer backend.Close()
	u, err := url.Parse(backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	all := testCallers(t)
	all[annKey].Layers = identity(t, invokePolicy)
	all[annKey].Keys = append(all[annKey].Keys, operation.Key{Name: "aws:userid", Values: []string{"AROA:ann"}})
	events := make(chan gateway.Event, 100) // An event may come after its answer.
	a, err := gateway.NewAPI(gateway.APIConfig{
		URL: u, Secret: "between-gateway-and-api", Name: "shop", Stage: "prod", Origins: []string{"https://app.example.com"}, Authority: all, Now: time.Now,
		Observe: func(_ context.Context, e *gateway.Event) { events <- *e },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	defer server.Close()
	signer := v4.NewSigner()
	send := func(method, path, payload string, change ...func(*http.Request)) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(payload))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(payload))
		credentials := aws.Credentials{AccessKeyID: annKey, SecretAccessKey: secret + "ann", SessionToken: testToken}
		if err := signer.SignHTTP(t.Context(), credentials, req, hex.EncodeToString(sum[:]), "execute-api", "eu-central-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, c := range change {
			c(req)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}

	res := send("POST", "/orders/new%20one?a=1&b=%2F", `{"n":1}`, func(r *http.Request) {
		for _, name := range []string{"X-Cognate-Principal", "X_Cognate_Account", "X-Forwarded-For", "X-HTTP-Method-Override", "X_Real_Ip"} {
			r.Header[name] = []string{"forged"}
		}
		r.Header.Set("Content-Type", "application/json")
	})
	text, err := io.ReadAll(res.Body)
	last := <-events
	if err != nil || res.StatusCode != http.StatusCreated || string(text) != "made" || res.Header.Get("Set-Cookie") != "" || res.Header.Get("X-Amzn-Requestid") != last.RequestID {
		t.Errorf("%d %s, %v, %v", res.StatusCode, text, res.Header, err)
	}
	if got.RequestURI != "/orders/new%20one?a=1&b=%2F" || body != `{"n":1}` {
		t.Errorf("the API got %s %s", got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer between-gateway-and-api", "Content-Type": "application/json", "X-Cognate-Account": account, "X-Cognate-User-Id": "AROA:ann",
		"X-Cognate-Principal": "arn:aws:sts::123456789012:assumed-role/people/ann", "X-Cognate-Identity-Id": "ann", "X-Forwarded-For": "127.0.0.1",
		"X-Forwarded-Proto": "http", "X-Amz-Security-Token": "", "X-Amz-Date": "", "X-Cognate-Username": "", "X-Http-Method-Override": "",
	} {
		if strings.Join(got.Header.Values(name), ",") != want {
			t.Errorf("the API got %s: %q, want %q", name, got.Header.Values(name), want)
		}
	}
	for name := range got.Header {
		if strings.Contains(name, "_") {
			t.Errorf("the API got %s", name)
		}
	}
	if last.Operation != "Invoke" || last.Status != http.StatusCreated || last.Decisions[0].Resource != "arn:aws:execute-api:eu-central-1:123456789012:shop/prod/POST/orders/new one" {
		t.Errorf("event: %+v", last)
	}

	got = nil
	for _, tt := range []struct {
		name, method, path string
		change             func(*http.Request)
		status             int
		want               string
	}{
		{"not allowed", "GET", "/admin", nil, 403, "AccessDeniedException"},
		{"denied", "DELETE", "/orders/1", nil, 403, "AccessDeniedException"},
		{"dots", "GET", "/orders/%2e%2e/admin", nil, 400, "BadRequestException"},
		{"another method", "GET", "/orders/1", func(r *http.Request) { r.Method = "PUT" }, 403, "InvalidSignatureException"},
		{"another path", "GET", "/orders/1", func(r *http.Request) { r.URL.Path = "/orders/2" }, 403, "InvalidSignatureException"},
		{"another query", "GET", "/orders/1?a=1", func(r *http.Request) { r.URL.RawQuery = "a=2" }, 403, "InvalidSignatureException"},
		{"another body", "POST", "/orders/1", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("x")), 1 }, 403, "InvalidSignatureException"},
		{"unsigned", "GET", "/orders/1", func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationTokenException"},
		{"another token", "GET", "/orders/1", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "expired") }, 403, "ExpiredTokenException"},
		{"another service", "GET", "/orders/1", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/execute-api/", "/s3/", 1))
		}, 403, "InvalidSignatureException"},
		{"too long", "POST", "/orders/1", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(&endless{10<<20 + 1}), 10<<20+1
		}, 413, "RequestEntityTooLargeException"},
	} {
		var changes []func(*http.Request)
		if tt.change != nil {
			changes = append(changes, tt.change)
		}
		res := send(tt.method, tt.path, "", changes...)
		if code := res.Header.Get("X-Amzn-Errortype"); res.StatusCode != tt.status || code != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, res.StatusCode, code, tt.status, tt.want)
		}
	}
	if got != nil {
		t.Errorf("the API got %s", got.RequestURI)
	}

	res = send("GET", "/stream", "")
	first := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "first" { // The answer comes before its end.
		t.Errorf("%s, %v", first, err)
	}
	close(release)
	for origin, want := range map[string]int{"https://app.example.com": 204, "https://other.example.com": 403} {
		status, _ := do(t, http.MethodOptions, server.URL+"/orders/1", http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"PUT"}}, "")
		if status != want {
			t.Errorf("preflight of %s: %s", origin, strconv.Itoa(status))
		}
	}
}
