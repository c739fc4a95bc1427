// Package serving starts servers as the commands do, for tests: their
// configurations, clients, access keys and logs. It may import packages server
// and cli.
package serving

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/commands"
	"cognate/test/patience"
)

// A Log keeps a server's log for the test to look into.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns the log so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A Rig is a running server and what belongs to it.
type Rig struct {
	*server.Server
	Config server.Config
	Log    *Log
}

// Dev returns a configuration for a development server of the test's own.
func Dev(t *testing.T) server.Config {
	t.Helper()
	return server.Config{
		Mode: server.Dev, Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", Data: t.TempDir(), LogLevel: "debug",
	}
}

// Serve returns a configuration for production, migrated and with a key-encryption
// key. Plain HTTP on loopback is the one thing that it relaxes.
func Serve(t *testing.T) server.Config {
	t.Helper()
	dir := t.TempDir()
	kek := filepath.Join(dir, "kek")
	if err := os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := server.Config{
		Mode: server.Serve, Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", PlainHTTP: true,
		Data: filepath.Join(dir, "data"), KEKFile: kek, IssuerBase: "https://id.example.com", LogLevel: "debug",
	}
	Run(t, nil, "migrate", "--data", c.Data, "--kek-file", kek)
	return c
}

// Start starts a server, which ends with the test.
func Start(t *testing.T, c server.Config) Rig {
	t.Helper()
	r := Rig{Config: c, Log: &Log{}}
	c.LogTo = r.Log
	patience.Extend(&c.ShutdownTimeout, &c.RestartPatience)
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 2 * patience.Limit
		patience.Extend(&c.DatabaseTimeout, &c.TriggerTimeout)
	}
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if t.Failed() {
			t.Log(r.Log.String())
		}
	})
	r.Server = s
	return r
}

// Client returns the SDK's own, unmodified.
func (r Rig) Client(id, secret string, change ...func(*cip.Options)) *cip.Client {
	return cip.New(cip.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	}, change...)
}

// Dev returns the SDK's client with the credentials that a development server takes.
func (r Rig) Dev() *cip.Client { return r.Client("dev", "dev") }

// Get reads a page.
func Get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// Ready asks a health check until it no longer answers 503, which it does if the database takes longer
// than load balancers wait.
func Ready(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	var res *http.Response
	var text string
	patience.Until(t, url+" no longer answers 503", func() bool {
		res, text = Get(t, url)
		return res.StatusCode != http.StatusServiceUnavailable
	})
	return res, text
}

// A Message is a message in the inbox of a development server.
type Message struct{ ID, PoolID, Username, Medium, To, Subject, Body, Code string }

// Inbox returns the messages of the inbox that match the query, the newest first.
func Inbox(t testing.TB, c *http.Client, base string, query url.Values) []Message {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/_cognate/inbox?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var inbox struct{ Messages []Message }
	if err := json.NewDecoder(res.Body).Decode(&inbox); err != nil {
		t.Fatal(err)
	}
	return inbox.Messages
}

// Run runs one command of the program, which must succeed, and returns what the command wrote.
func Run(t *testing.T, env map[string]string, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := Command(t, env, args...)
	if code != 0 {
		t.Fatalf("cognate %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout, stderr
}

// Command runs one command of the program and returns its exit code, too.
func Command(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return commands.Run(t.Context(), env, args...)
}

// Code returns the wire code of an SDK's error.
func Code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Want fails unless err has this code ("" for none).
func Want(t *testing.T, err error, is string) {
	t.Helper()
	if got := Code(err); got != is {
		t.Errorf("got %q (%v), want %q", got, err, is)
	}
}

// Must returns the value of a call that has to succeed.
func Must[T any](t *testing.T, out T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// NewKey asks the operator's command for a key, as a person would.
func NewKey(t *testing.T, r Rig, name string, policies ...string) (id, secret string) {
	t.Helper()
	args := []string{"admin", "keys", "create", "--kek-file", r.Config.KEKFile, "--name", name}
	if r.Config.Database != "" {
		args = append(args, "--database", string(r.Config.Database))
	} else {
		args = append(args, "--data", r.Config.Data)
	}
	for _, p := range policies {
		args = append(args, "--policy", p)
	}
	out, _ := Run(t, nil, args...)
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_ACCESS_KEY_ID="); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_SECRET_ACCESS_KEY="); ok {
			secret = v
		}
	}
	if id == "" || secret == "" {
		t.Fatalf("no key in %q", out)
	}
	return id, secret
}

// ListPools lists user pools, which needs a signature.
func ListPools(t *testing.T, c *cip.Client, change ...func(*cip.Options)) error {
	t.Helper()
	_, err := c.ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)}, change...)
	return err
}

// NewPool makes a pool that verifies e-mail addresses.
func NewPool(t *testing.T, r Rig) string {
	t.Helper()
	out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("people"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	return *Must(t, out, err).UserPool.Id
}
