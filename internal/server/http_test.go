package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/serving"
)

func TestIssuerDocuments(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	pool := serving.NewPool(t, r)
	res, body := serving.Get(t, r.URL()+"/"+pool+"/.well-known/openid-configuration")
	var d struct{ Issuer, JWKSURI string }
	if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "jwks_uri", "JWKSURI")), &d); err != nil {
		t.Fatal(err)
	}
	if want := r.URL() + "/" + pool; d.Issuer != want || d.JWKSURI != want+"/.well-known/jwks.json" {
		t.Errorf("issuer %q, key set %q", d.Issuer, d.JWKSURI)
	}
	if res.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(res.Header.Get("Cache-Control"), "max-age=") {
		t.Errorf("headers %v", res.Header)
	}
	if res, body := serving.Get(t, r.URL()+"/"+pool+"/.well-known/jwks.json"); res.StatusCode != 200 || strings.Count(body, `"kid"`) != 2 {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	for _, path := range []string{"/us-east-1_none00000/.well-known/jwks.json", "/x/.well-known/openid-configuration", "/%00/.well-known/jwks.json", "/nothing", "/" + pool} {
		if res, body := serving.Get(t, r.URL()+path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestIssuerForms(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"aws":                     "https://cognito-idp.us-east-1.amazonaws.com/",
		"https://id.example.com/": "https://id.example.com/",
	} {
		c := serving.Dev(t)
		c.IssuerBase = setting
		r := serving.Start(t, c)
		pool := serving.NewPool(t, r)
		if _, body := serving.Get(t, r.URL()+"/"+pool+"/.well-known/openid-configuration"); !strings.Contains(body, `"issuer":"`+want+pool+`"`) {
			t.Errorf("%s: %s", setting, body)
		}
	}
}

// TestDomainForms asks where the login pages are. A development server has them below the issuer's host where the names of
// domains may not resolve, as in a network of containers.
func TestDomainForms(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"http://localhost:9229":            "http://localhost:9229/_domain/shop/",
		"http://cognate:9229":              "http://cognate:9229/_domain/shop/",
		"http://host.docker.internal:9229": "http://host.docker.internal:9229/_domain/shop/",
		"https://id.example.com":           "https://shop.auth.id.example.com/",
		"aws":                              "https://shop.auth.us-east-1.amazoncognito.com/",
	} {
		c := serving.Dev(t)
		c.IssuerBase = setting
		r := serving.Start(t, c)
		pool := serving.NewPool(t, r)
		_, err := r.Dev().CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: aws.String("shop")})
		if err != nil {
			t.Fatal(err)
		}
		if _, body := serving.Get(t, r.URL()+"/"+pool+"/.well-known/openid-configuration"); !strings.Contains(body, `"authorization_endpoint":"`+want) {
			t.Errorf("%s: %s", setting, body)
		}
	}
}

// TestPreviewIsForDevelopment: a production server has no route of the preview.
func TestPreviewIsForDevelopment(t *testing.T) {
	t.Parallel()
	production, dev := serving.Start(t, serving.Serve(t)).URL(), serving.Start(t, serving.Dev(t)).URL()
	for _, path := range []string{"/_cognate/preview", "/_cognate/preview/_static/preview.css"} {
		if res, _ := serving.Get(t, production+path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s in serve: %d", path, res.StatusCode)
		}
		if res, _ := serving.Get(t, dev+path); res.StatusCode != http.StatusOK {
			t.Errorf("%s in dev: %d", path, res.StatusCode)
		}
	}
	if _, body := serving.Get(t, dev+"/_cognate/preview"); !strings.Contains(body, "create-user-pool") {
		t.Errorf("without a pool it does not say how to make one: %s", body)
	}
}

func TestInboxIsForDevelopment(t *testing.T) {
	t.Parallel()
	if res, _ := serving.Get(t, serving.Start(t, serving.Serve(t)).URL()+"/_cognate/inbox"); res.StatusCode != http.StatusNotFound {
		t.Errorf("in serve: %d", res.StatusCode)
	}
	r := serving.Start(t, serving.Dev(t))
	for _, query := range []string{"wait=x", "medium=fax", "user=alice"} {
		if res, body := serving.Get(t, r.URL()+"/_cognate/inbox?"+query); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
	if _, body := serving.Get(t, r.URL()+"/_cognate/inbox"); strings.TrimSpace(body) != `{"messages":[]}` {
		t.Errorf("empty: %s", body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+"/_cognate/inbox", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "rebound.example.com"
	if res, err := http.DefaultClient.Do(req); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("under another name: %v, %v", res, err)
	}
	req.Host = ""
	req.Header.Set("Accept", "text/html,*/*")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, _ := io.ReadAll(res.Body)
	if !strings.Contains(string(page), "Nothing yet.") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s %v", page, res.Header)
	}
}

func TestClockIsForDevelopment(t *testing.T) {
	t.Parallel()
	ask := func(url, method, body string, change ...func(*http.Request)) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url+"/_cognate/clock", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range change {
			c(req)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	production := serving.Start(t, serving.Serve(t)).URL()
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		if status, _ := ask(production, method, `{"advance":"1h"}`); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s in serve: %d", method, status)
		}
	}
	url := serving.Start(t, serving.Dev(t)).URL()
	now := func() (at time.Time, offset string) {
		t.Helper()
		_, body := ask(url, http.MethodGet, "")
		var c struct {
			Now, Machine time.Time
			Offset       string
		}
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			t.Fatal(err, body)
		}
		return c.Now, c.Offset
	}
	origin := func(o string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Origin", o) } }
	for _, row := range []struct {
		name, method, body string
		status             int
		offset             string
		change             func(*http.Request)
	}{
		{"as it starts", http.MethodPost, `{"advance":"0s"}`, 200, "0s", nil},
		{"forward", http.MethodPost, `{"advance":"90m"}`, 200, "1h30m0s", nil},
		{"further", http.MethodPut, `{"advance":"2d"}`, 200, "49h30m0s", nil},
		{"back", http.MethodPost, `{"advance":"-1h"}`, 200, "48h30m0s", nil},
		{"nothing", http.MethodPost, `{}`, 400, "48h30m0s", nil},
		{"two things", http.MethodPost, `{"advance":"1h","reset":true}`, 400, "48h30m0s", nil},
		{"no reset", http.MethodPost, `{"reset":false}`, 400, "48h30m0s", nil},
		{"a member that is none", http.MethodPost, `{"advanced":"1h"}`, 400, "48h30m0s", nil},
		{"no JSON", http.MethodPost, `advance=1h`, 400, "48h30m0s", nil},
		{"no time", http.MethodPost, `{"advance":"soon"}`, 400, "48h30m0s", nil},
		{"no date", http.MethodPut, `{"set":"2030-01-31"}`, 400, "48h30m0s", nil},
		{"too far", http.MethodPost, `{"advance":"70000d"}`, 400, "48h30m0s", nil},
		{"beyond counting", http.MethodPost, `{"advance":"99999999999d"}`, 400, "48h30m0s", nil},
		{"too early", http.MethodPut, `{"set":"1999-12-31T23:59:59Z"}`, 400, "48h30m0s", nil},
		{"page of another origin", http.MethodPost, `{"reset":true}`, 403, "48h30m0s", origin("https://attacker.example.com")},
		{"file", http.MethodPost, `{"reset":true}`, 403, "48h30m0s", origin("null")},
		{"rebound name", http.MethodPost, `{"reset":true}`, 403, "48h30m0s", func(r *http.Request) { r.Host = "rebound.example.com" }},
		{"page of this machine", http.MethodPost, `{"reset":true}`, 200, "0s", origin("http://localhost:3000")},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.change == nil {
				row.change = func(*http.Request) {}
			}
			if status, body := ask(url, row.method, row.body, row.change); status != row.status {
				t.Errorf("%d %s", status, body)
			}
			if _, offset := now(); offset != row.offset {
				t.Errorf("offset %s, want %s", offset, row.offset)
			}
		})
	}
	if status, body := ask(url, http.MethodPut, `{"set":"2030-01-31T12:00:00+02:00"}`); status != 200 || !strings.Contains(body, `"now":"2030-01-31T10:00:0`) {
		t.Errorf("%d %s", status, body)
	}
	if at, _ := now(); at.Year() != 2030 {
		t.Errorf("%v", at)
	}
}

func TestPrivateListener(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	serving.NewPool(t, r)
	private := "http://" + r.PrivateAddr()
	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/"} {
		if res, body := serving.Ready(t, private+path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		if res, _ := serving.Get(t, r.URL()+path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s on the main listener: %d", path, res.StatusCode)
		}
	}
	call(t, r, "NoSuchOperation-"+strings.Repeat("x", 20), `{}`, nil)
	_, metrics := serving.Get(t, private+"/metrics")
	for _, line := range []string{
		`cognate_requests_total{code="",operation="CreateUserPool"} 1`, "cognate_request_duration_seconds_bucket", "cognate_crypto_waiting 0", "cognate_outbox_messages 0", `cognate_outbox_oldest_seconds{lane="email"} 0`, `cognate_outbox_oldest_seconds{lane="sms_function"} 0`, "go_goroutines",
	} {
		if !strings.Contains(metrics, line) {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(metrics, "NoSuchOperation") {
		t.Error("a client can make series")
	}
	c := serving.Dev(t)
	c.PrivateListen = "off"
	if addr := serving.Start(t, c).PrivateAddr(); addr != "" {
		t.Errorf("off: %s", addr)
	}
}

// TestLogLine wants one line for a request, with what happened and nothing secret.
func TestLogLine(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.LogFormat, c.LogLevel = "json", "info"
	r := serving.Start(t, c)
	pool := serving.NewPool(t, r)
	client := newClient(t, r, pool)
	newUser(t, r, pool, "alice")
	out, err := signIn(t, r, client, "alice", password)
	tokens := serving.Must(t, out, err).AuthenticationResult
	_, _ = signIn(t, r, client, "alice", "not-the-password-1A")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	text := r.Log.String()
	var lines []map[string]any
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if m["msg"] == "request" {
			lines = append(lines, m)
		}
	}
	if len(lines) != 6 {
		t.Fatalf("%d lines for 6 requests", len(lines))
	}
	last := lines[5]
	if last["operation"] != "InitiateAuth" || last["code"] != "NotAuthorizedException" || last["status"] != 400.0 || last["ip"] != "127.0.0.1" || last["requestId"] == "" {
		t.Errorf("%v", last)
	}
	if lines[1]["accessKey"] != "dev" || lines[1]["pool"] != pool || lines[1]["region"] != "us-east-1" {
		t.Errorf("%v", lines[1])
	}
	for _, secret := range []string{password, "not-the-password-1A", *tokens.AccessToken, *tokens.IdToken, *tokens.RefreshToken, "alice@example.com"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %.20s", secret)
		}
	}
}

// raw sends bytes as no HTTP library would and returns the status line.
func raw(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience.Limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return "refused" // The server may close before it has read all.
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "closed"
	}
	return strings.TrimSpace(line)
}

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.MaxRequestBytes = 64 << 10
	r := serving.Start(t, c)
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\n"
	tests := []struct{ name, request, want string }{
		{"both lengths", head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		{"two lengths", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "400"},
		{"no host", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "400"},
		{"folded header", head + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}", "400"},
		{"space before the colon", head + "X-A : b\r\nContent-Length: 2\r\n\r\n{}", "400"},
		{"long headers", head + "X-A: " + strings.Repeat("a", 64<<10) + "\r\nContent-Length: 2\r\n\r\n{}", "431"},
		{"a header with the longest token", head + "Authorization: Bearer " + strings.Repeat("a", keys.MaxJWS) + "\r\nContent-Length: 2\r\n\r\n{}", "400"},
		{"promised too much", head + "Content-Length: 10485760\r\n\r\n{}", "413"},
		{"chunks without end", head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat(" ", 4096)+"\r\n", 20), "413"},
		{"other method", "DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
		{"no JSON", head + "Content-Length: 2\r\n\r\n{]", "400"},
		{"body missing", head + "Content-Length: 0\r\n\r\n", "400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := raw(t, r.Addr(), tt.request); !strings.Contains(got, " "+tt.want+" ") {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

// TestSlowBodies holds a connection that sends nothing to the time limit.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.RequestTimeout = 300 * time.Millisecond
	r := serving.Start(t, c)
	got := raw(t, r.Addr(), "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\nContent-Length: 100\r\n\r\n{")
	if strings.Contains(got, " 200 ") {
		t.Errorf("got %q", got)
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	c.PlainHTTP, c.TrustedProxy, c.LogFormat, c.DrainDelay = false, []string{"::ffff:127.0.0.0/104", "10.0.0.0/8"}, "json", new(time.Duration)
	r := serving.Start(t, c)
	tests := []struct {
		name   string
		header http.Header
		status int
		ip     string
	}{
		{"through the proxy", http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}}, 400, "203.0.113.9"},
		{"written by the client", http.Header{"X-Forwarded-For": {"1.2.3.4, 203.0.113.8"}, "X-Forwarded-Proto": {"https"}}, 400, "203.0.113.8"},
		{"two proxies", http.Header{"X-Forwarded-For": {"203.0.113.7", "10.1.2.3"}, "X-Forwarded-Proto": {"https"}}, 400, "203.0.113.7"},
		{"with a port", http.Header{"X-Forwarded-For": {"[2001:db8::1]:443"}, "X-Forwarded-Proto": {"https"}}, 400, "2001:db8::1"},
		{"nonsense", http.Header{"X-Forwarded-For": {"unknown"}, "X-Forwarded-Proto": {"https"}}, 400, "127.0.0.1"},
		{"the client came in the clear", http.Header{"X-Forwarded-For": {"203.0.113.6"}, "X-Forwarded-Proto": {"http"}}, 403, "203.0.113.6"},
		{"the proxy does not say how the client came", http.Header{"X-Forwarded-For": {"203.0.113.4"}}, 403, "203.0.113.4"},
		{"the proxy says something else", http.Header{"X-Forwarded-For": {"203.0.113.3"}, "X-Forwarded-Proto": {"https, ws"}}, 403, "203.0.113.3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = tt.header
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tt.status {
				t.Errorf("status %d, want %d", res.StatusCode, tt.status)
			}
		})
	}
	if res, text := serving.Ready(t, r.URL()+"/_cognate/health"); res.StatusCode != http.StatusOK {
		t.Errorf("the proxy's own check: %d %s", res.StatusCode, text)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		if !strings.Contains(r.Log.String(), `"ip":"`+tt.ip+`"`) {
			t.Errorf("%s: no %s in the log", tt.name, tt.ip)
		}
	}

	c = serving.Serve(t)
	c.PlainHTTP, c.TrustedProxy, c.LogFormat, c.DrainDelay = false, []string{"10.0.0.0/8"}, "json", new(time.Duration)
	r = serving.Start(t, c)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"X-Forwarded-For": {"203.0.113.5"}, "X-Forwarded-Proto": {"https"}}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if status := res.StatusCode; status != http.StatusForbidden || strings.Contains(r.Log.String(), "203.0.113.5") {
		t.Errorf("past the proxy: %d", status)
	}
}

// TestShutdownLetsRequestsEnd stops a server that is answering.
func TestShutdownLetsRequestsEnd(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	type result struct {
		status int
		err    error
	}
	answered := make(chan result, 1)
	body, w := io.Pipe()
	go func() {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, r.URL(), body)
		if err != nil {
			answered <- result{0, err}
			return
		}
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.CreateUserPool")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answered <- result{0, err}
			return
		}
		_ = res.Body.Close()
		answered <- result{res.StatusCode, nil}
	}()
	if _, err := io.WriteString(w, `{"PoolName":`); err != nil {
		t.Fatal(err)
	}
	// What is still on its way to the server would be cut off, and may be.
	patience.Until(t, "the server has the request", func() bool {
		_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
		return strings.Contains(metrics, "cognate_requests_in_flight 1")
	})
	closed := make(chan error, 1)
	go func() { closed <- r.Close() }()
	waitClosed(t, r.Addr())
	select {
	case got := <-answered:
		t.Fatalf("the request ended before its body: %+v", got)
	case <-time.After(500 * time.Millisecond): // A server that does not wait cuts the request off by then.
	}
	_, err := io.WriteString(w, `"late"}`)
	if err := errors.Join(err, w.Close(), <-closed); err != nil {
		t.Errorf("Close: %v", err)
	}
	// Unsigned, so refused; but answered, not cut off.
	if got := <-answered; got.err != nil || got.status != http.StatusBadRequest {
		t.Errorf("%+v", got)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

// TestDataSurvives starts a second server on the first one's data, and a third
// beside it, which must not.
func TestDataSurvives(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	r := serving.Start(t, c)
	pool := serving.NewPool(t, r)
	if s, err := server.Start(t.Context(), c); err == nil {
		_ = s.Close()
		t.Error("two servers have one embedded database")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// What a start that was killed half-way leaves must not keep commands out for ever.
	if err := os.WriteFile(filepath.Join(c.Data, "operator.sock.new"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r = serving.Start(t, c)
	if res, body := serving.Get(t, r.URL()+"/"+pool+"/.well-known/jwks.json"); res.StatusCode != http.StatusOK {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "kek": 0o600, "cognate.db": 0o600, "operator.sock": 0o600} {
		info, err := os.Stat(filepath.Join(c.Data, name))
		if err != nil || name != "" && info.Mode().Perm() != mode {
			t.Errorf("%s: %v, want %v", name, info.Mode(), mode)
		}
	}
}

// TestAnnounce reads the line that programs wait for.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	var out serving.Log
	c.Out = &out
	r := serving.Start(t, c)
	first, _, _ := strings.Cut(out.String(), "\n")
	if first != "listening on "+r.URL() {
		t.Errorf("%q", first)
	}
	if !strings.Contains(out.String(), r.URL()+"/_cognate/inbox") {
		t.Error(out.String())
	}
}
