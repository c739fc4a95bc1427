package faults_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/test/patience"
)

// raw sends bytes as no HTTP library would. It returns every answer that comes
// until the server closes or no answer is outstanding.
func raw(t *testing.T, addr string, answers int, parts ...[]byte) []answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience.Limit)); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if _, err := conn.Write(p); err != nil {
			break // The server may close before it has read all; what it answered counts.
		}
	}
	var out []answer
	r := bufio.NewReader(conn)
	for range answers {
		res, err := http.ReadResponse(r, &http.Request{Method: http.MethodPost})
		if err != nil {
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Fatal("the server neither answers nor closes")
			}
			return append(out, answer{Err: err})
		}
		body, err := io.ReadAll(res.Body)
		out = append(out, answer{Status: res.StatusCode, Text: string(body), Code: strings.TrimSuffix(res.Header.Get("X-Amzn-Errortype"), ":"), Err: err})
	}
	return out
}

const (
	rawHead  = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\n"
	mebibyte = 1 << 20
)

func sized(body string) string {
	return rawHead + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// TestRawRequests sends what only an attacker or a broken proxy sends.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	n := start(t, dev(t))
	app := n.newApp(t, n.newPool(t))
	before := dump(t, n.config)
	signUp := `{"ClientId":"` + app + `","Username":"mallory","Password":"Correct-horse-1"`
	ten := bytes.Repeat([]byte(" "), 10*mebibyte)
	tests := []struct {
		name    string
		parts   []string
		answers []string
	}{
		{"both lengths", []string{rawHead + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, []string{"400"}},
		{"chunked and a smuggled request", []string{rawHead + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + sized(signUp+"}")}, []string{"400", "closed"}},
		{"another coding", []string{rawHead + "Transfer-Encoding: gzip\r\n\r\n{}"}, []string{"501"}},
		{"coding spelt strangely", []string{rawHead + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"}, []string{"501"}},
		{"two lengths", []string{rawHead + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"}, []string{"400"}},
		{"a negative length", []string{rawHead + "Content-Length: -2\r\n\r\n{}"}, []string{"400"}},
		{"a length with a sign", []string{rawHead + "Content-Length: +2\r\n\r\n{}"}, []string{"400"}},
		{"a length past all bounds", []string{rawHead + "Content-Length: 99999999999999999999\r\n\r\n{}"}, []string{"400"}},
		{"no host", []string{strings.Replace(sized("{}"), "Host: localhost\r\n", "", 1)}, []string{"400"}},
		{"two hosts", []string{strings.Replace(sized("{}"), "Host: localhost\r\n", "Host: localhost\r\nHost: a\r\n", 1)}, []string{"400"}},
		{"a folded header", []string{rawHead + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}"}, []string{"400"}},
		{"space before the colon", []string{rawHead + "Content-Length : 2\r\n\r\n{}"}, []string{"400"}},
		{"NUL in a header", []string{rawHead + "X-A: a\x00b\r\nContent-Length: 2\r\n\r\n{}"}, []string{"400"}},
		{"NUL in the target", []string{strings.Replace(sized("{}"), "SignUp", "Sign\x00Up", 1)}, []string{"400"}},
		{"one long header", []string{rawHead + "X-A: " + strings.Repeat("a", 64<<10) + "\r\nContent-Length: 2\r\n\r\n{}"}, []string{"431"}},
		{"many headers", []string{rawHead + strings.Repeat("X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 4000) + "Content-Length: 2\r\n\r\n{}"}, []string{"431"}},
		{"a long line", []string{"POST /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"}, []string{"431"}},
		{"no HTTP at all", []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 64) + "\r\n\r\n"}, []string{"400"}},
		{"another HTTP", []string{"POST / HTTP/3.7\r\nHost: localhost\r\n\r\n"}, []string{"505"}},
		{"HTTP/2 in the clear", []string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, []string{"400", "closed"}},
		{"10 MiB, announced", []string{rawHead + "Content-Length: 10485760\r\n\r\n", string(ten)}, []string{"413"}},
		{"10 MiB, announced and kept back", []string{rawHead + "Content-Length: 10485760\r\n\r\n{"}, []string{"413"}},
		{"10 MiB in chunks", []string{rawHead + "Transfer-Encoding: chunked\r\n\r\na00000\r\n", string(ten), "\r\n0\r\n\r\n"}, []string{"413"}},
		{"10 MiB for no operation", []string{strings.Replace(rawHead, "SignUp", "SignDown", 1) + "Content-Length: 10485760\r\n\r\n", string(ten)}, []string{"UnknownOperationException"}},
		{"chunks that are none", []string{rawHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"}, []string{"SerializationException"}},
		{"a chunk past all bounds", []string{rawHead + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}\r\n0\r\n\r\n"}, []string{"SerializationException"}},
		{"no body", []string{rawHead + "\r\n"}, []string{"400"}},
		{"HTTP/1.0", []string{strings.Replace(sized(signUp+`,"Username":7}`), "HTTP/1.1", "HTTP/1.0", 1)}, []string{"SerializationException", "closed"}},
		{"HTTP/1.0 without a host", []string{"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}"}, []string{"UnknownOperationException", "closed"}},
		{"one request behind the other", []string{sized("[]") + strings.Replace(sized("{}"), "SignUp", "SignDown", 1) + sized("{}")}, []string{"SerializationException", "UnknownOperationException", "InvalidParameterException"}},
		{"what follows a refused body is no request", []string{rawHead + "Content-Length: 10485760\r\n\r\n" + sized(signUp+"}")}, []string{"413", "closed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var parts [][]byte
			for _, p := range tt.parts {
				parts = append(parts, []byte(p))
			}
			got := raw(t, n.Addr(), len(tt.answers), parts...)
			for i, want := range tt.answers {
				if i >= len(got) {
					t.Fatalf("%d answers, want %v: %v", len(got), tt.answers, got)
				}
				if a := got[i]; want == "closed" && a.Err == nil || want != "closed" && fmt.Sprint(a.Status) != want && a.Code != want {
					t.Errorf("answer %d: %v (%s), want %s", i, a, a.Code, want)
				}
			}
		})
	}
	t.Cleanup(func() {
		n.quiet(t)
		if diff := cmp.Diff(before, dump(t, n.config)); diff != "" {
			t.Errorf("something was stored: %s", diff)
		}
	})
}

// TestMethodsAndTargets tries everything that is not POST of a known target.
func TestMethodsAndTargets(t *testing.T) {
	t.Parallel()
	n := start(t, dev(t))
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
	}{
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }},
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }},
		{"DELETE", func(r *http.Request) { r.Method = http.MethodDelete }},
		{"PATCH", func(r *http.Request) { r.Method = http.MethodPatch }},
		{"an invented method", func(r *http.Request) { r.Method = "FROB" }},
		{"no target", func(r *http.Request) { r.Header.Del("X-Amz-Target") }},
		{"two targets", func(r *http.Request) { r.Header.Add("X-Amz-Target", targetPrefix+"GetUser") }},
		{"an unknown operation", func(r *http.Request) { r.Header.Set("X-Amz-Target", targetPrefix+"DropUserPools") }},
		{"an operation in the wrong case", func(r *http.Request) { r.Header.Set("X-Amz-Target", targetPrefix+"listuserpools") }},
		{"another service", func(r *http.Request) { r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables") }},
		{"an operation alone", func(r *http.Request) { r.Header.Set("X-Amz-Target", "ListUserPools") }},
		{"a longer target", func(r *http.Request) { r.Header.Set("X-Amz-Target", targetPrefix+"ListUserPools.x") }},
		{"no content type", func(r *http.Request) { r.Header.Del("Content-Type") }},
		{"plain JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }},
		{"a form", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }},
		{"text, which needs no preflight", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		{"a broken content type", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-amz-json-1.1; =") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if a := n.send(t, "ListUserPools", []byte(`{"MaxResults":1}`), tt.change); a.Code != "UnknownOperationException" || a.Status != http.StatusBadRequest {
				t.Errorf("got %v", a)
			}
		})
	}
}

// TestSlowClients holds open what a server must not wait for.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	c := dev(t)
	c.RequestTimeout = 400 * time.Millisecond
	n := start(t, c)
	for _, tt := range []struct{ name, request string }{
		{"nothing", ""},
		{"half a line", "POST / HT"},
		{"headers without an end", rawHead},
		{"a header for ever", rawHead + "X-A: "},
		{"half a body", rawHead + "Content-Length: 100\r\n\r\n{"},
		{"no chunk", rawHead + "Transfer-Encoding: chunked\r\n\r\n"},
		{"half a chunk", rawHead + "Transfer-Encoding: chunked\r\n\r\n64\r\n{"},
		{"a body for no operation", strings.Replace(rawHead, "SignUp", "No", 1) + "Content-Length: 100\r\n\r\n{"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", n.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, tt.request); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(patience.Limit)); err != nil {
				t.Fatal(err)
			}
			// All that comes until the server closes.
			text, err := io.ReadAll(conn)
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("the connection is still open; so far %q", text)
			}
			if strings.Contains(string(text), " 200 ") || strings.Contains(string(text), " 500 ") {
				t.Errorf("answered %q", text)
			}
		})
	}
	t.Run("drops", func(t *testing.T) {
		t.Parallel()
		drip(t, n.Addr())
	})
	t.Cleanup(func() { n.quiet(t) })
}

// drip sends a byte now and then, each in time by itself.
func drip(t *testing.T, addr string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, conn)
	}()
	if _, err := io.WriteString(conn, rawHead+"Content-Length: 100000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience.Limit)
	for {
		select {
		case <-closed:
			return
		case <-tick.C:
			_, _ = conn.Write([]byte(" ")) // It may be closed by now.
		case <-deadline:
			t.Error("a client that sends a byte now and then is kept")
			return
		}
	}
}
