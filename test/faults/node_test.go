package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/commands"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// object is a JSON object.
type object = map[string]any

// node is a server in this process.
type node struct {
	*server.Server
	client
	config server.Config
	log    *serving.Log
}

// client calls a server.
type client struct {
	url  string
	http *http.Client
}

// newClient is a client whose connections end with the test.
func newClient(t testing.TB, base string) client {
	t.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	return client{url: base, http: &http.Client{Transport: tr, Timeout: patience.Limit}}
}

// dev is the configuration of a development server that takes unsigned calls:
// most of these tests are about something else than signatures.
func dev(t testing.TB) server.Config {
	t.Helper()
	return server.Config{
		Mode: server.Dev, Listen: "127.0.0.1:0", PrivateListen: "off", Data: t.TempDir(),
		AllowUnsigned: true, LogLevel: "debug", LogFormat: "json",
	}
}

// onPostgres moves a configuration to a database of its own.
func onPostgres(t testing.TB, c server.Config) server.Config {
	t.Helper()
	c.Database = server.Secret(pgtest.Database(t))
	return c
}

// serve is a production server's configuration on an empty, migrated database.
func serve(t testing.TB) server.Config {
	t.Helper()
	dir := t.TempDir()
	c := server.Config{
		Mode: server.Serve, Listen: "127.0.0.1:0", PrivateListen: "off", PlainHTTP: true,
		Data: filepath.Join(dir, "data"), KEKFile: filepath.Join(dir, "kek"),
		IssuerBase: "https://id.example.com", LogLevel: "debug", LogFormat: "json",
	}
	if err := os.WriteFile(c.KEKFile, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "migrate", "--data", c.Data, "--kek-file", c.KEKFile)
	return c
}

// command runs one of the program's commands in this process.
func command(t testing.TB, args ...string) string {
	t.Helper()
	code, stdout, stderr := commands.Run(t.Context(), nil, args...)
	if code != 0 {
		t.Fatalf("cognate %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// start runs a server until the test has ended. Whatever the test did to it, it
// must not have panicked nor answered what no model lists.
func start(t testing.TB, c server.Config) *node {
	t.Helper()
	n := &node{config: c, log: &serving.Log{}}
	c.LogTo = n.log
	patience.Extend(&c.ShutdownTimeout)
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 2 * patience.Limit
		patience.Extend(&c.DatabaseTimeout, &c.TriggerTimeout)
	}
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	n.Server = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for line := range strings.Lines(n.log.String()) {
			if strings.Contains(line, "panic") || strings.Contains(line, "does not list") {
				t.Errorf("the log says %.3000s", line)
			}
		}
	})
	n.client = newClient(t, s.URL())
	return n
}

// quiet fails the test if the server found a fault of its own.
func (n *node) quiet(t testing.TB) {
	t.Helper()
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, `"level":"ERROR"`) {
			t.Errorf("the log says %.2000s", line)
		}
	}
}

// engines runs a test on a development server with each database.
func engines(t *testing.T, f func(t *testing.T, n *node)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, start(t, dev(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, start(t, onPostgres(t, dev(t))))
	})
}

// answer is what came back.
type answer struct {
	Status int
	// Code is the exception's name, "" for success.
	Code string
	Body object
	Text string
	Err  error // the connection failed: nothing is known
}

func (a answer) String() string {
	if a.Err != nil {
		return a.Err.Error()
	}
	return fmt.Sprintf("%d %.300s", a.Status, a.Text)
}

// becomes waits until a call that had the code before has the code after. Any other answer ends the test at once: a call that
// has gone wrong in another way may never have the code after.
func becomes(t *testing.T, what string, call func() answer, before, after string) {
	t.Helper()
	patience.Until(t, what, func() bool {
		got := call()
		if got.Err != nil || got.Code != before && got.Code != after {
			t.Fatalf("%s: %v", what, got)
		}
		return got.Code == after
	})
}

// text reads a string of the answer by its path.
func (a answer) text(path ...string) string {
	var v any = a.Body
	for _, p := range path {
		m, ok := v.(object)
		if !ok {
			return ""
		}
		v = m[p]
	}
	s, _ := v.(string)
	return s
}

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "AWSCognitoIdentityProviderService."
)

// send is one call with a body as it is.
func (c client) send(t testing.TB, operation string, body []byte, change ...func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return answer{Err: err}
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	for _, f := range change {
		f(r)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{Err: err}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{Err: err}
	}
	a := answer{Status: res.StatusCode, Text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.Body); err != nil {
			t.Errorf("%s: %d %.300q: %v", operation, res.StatusCode, text, err)
		}
	}
	if res.StatusCode != http.StatusOK {
		a.Code = a.text("__type")
		if h := res.Header.Get("X-Amzn-Errortype"); strings.TrimSuffix(h, ":") != a.Code || a.Code == "" {
			t.Errorf("%s: type %q in the header, %q in the body %.300q", operation, h, a.Code, text)
		}
		if res.Header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("%s: an error without a request id", operation)
		}
	}
	return a
}

// call is one call.
func (c client) call(t testing.TB, operation string, in object) answer {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return c.send(t, operation, body)
}

// must is a call that has to succeed.
func (c client) must(t testing.TB, operation string, in object) answer {
	t.Helper()
	a := c.call(t, operation, in)
	if a.Err != nil || a.Status != http.StatusOK {
		t.Fatalf("%s: %v", operation, a)
	}
	return a
}

// refused is a call that has to fail with a code.
func (c client) refused(t testing.TB, code, operation string, in object) answer {
	t.Helper()
	a := c.call(t, operation, in)
	if a.Code != code {
		t.Errorf("%s: got %v, want %s", operation, a, code)
	}
	return a
}

const password = "Correct-horse-1"

// newPool makes a pool that verifies e-mail addresses.
func (c client) newPool(t testing.TB) string {
	t.Helper()
	return c.must(t, "CreateUserPool", object{"PoolName": "people", "AutoVerifiedAttributes": []string{"email"}}).text("UserPool", "Id")
}

// newApp makes a public client that takes every flow that is built.
func (c client) newApp(t testing.TB, pool string) string {
	t.Helper()
	return c.must(t, "CreateUserPoolClient", appOf(pool)).text("UserPoolClient", "ClientId")
}

func appOf(pool string) object {
	return object{"UserPoolId": pool, "ClientName": "app", "PreventUserExistenceErrors": "ENABLED", "ExplicitAuthFlows": []string{
		"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH",
	}}
}

// newUser makes a confirmed user with an address and the password.
func (c client) newUser(t testing.TB, pool, name string) {
	t.Helper()
	c.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": name, "MessageAction": "SUPPRESS", "UserAttributes": []object{
		{"Name": "email", "Value": name + "@example.com"}, {"Name": "email_verified", "Value": "true"},
	}})
	c.must(t, "AdminSetUserPassword", object{"UserPoolId": pool, "Username": name, "Password": password, "Permanent": true})
}

// signIn signs in with a password.
func (c client) signIn(t testing.TB, app, name, password string) answer {
	t.Helper()
	return c.call(t, "InitiateAuth", object{"ClientId": app, "AuthFlow": "USER_PASSWORD_AUTH",
		"AuthParameters": object{"USERNAME": name, "PASSWORD": password}})
}

// tokens signs in and returns the access, ID and refresh token.
func (c client) tokens(t testing.TB, app, name string) (access, id, refresh string) {
	t.Helper()
	a := c.signIn(t, app, name, password)
	if a.text("AuthenticationResult", "AccessToken") == "" {
		t.Fatalf("sign-in: %v", a)
	}
	return a.text("AuthenticationResult", "AccessToken"), a.text("AuthenticationResult", "IdToken"), a.text("AuthenticationResult", "RefreshToken")
}

// inbox returns the messages to a user, newest first.
func (c client) inbox(t testing.TB, pool, username string) []serving.Message {
	t.Helper()
	return serving.Inbox(t, c.http, c.url, url.Values{"pool": {pool}, "username": {username}, "wait": {"5s"}})
}

// code returns the code of the newest message to a user.
func (c client) code(t testing.TB, pool, username string) string {
	t.Helper()
	m := c.inbox(t, pool, username)
	if len(m) == 0 || m[0].Code == "" {
		t.Fatalf("no code for %s: %v", username, m)
	}
	return m[0].Code
}

// get fetches a page.
func (c client) get(ctx context.Context, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return "", err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return string(text), err
}
