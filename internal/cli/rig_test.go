package cli_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
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
	"go.uber.org/goleak"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/commands"
	"cognate/test/patience"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of the default transport, which SDK clients share.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	)
}

// logBuffer keeps a server's log for the test to look into.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a running server and what belongs to it.
type rig struct {
	*server.Server
	config server.Config
	log    *logBuffer
}

// dev is a configuration for a development server of the test's own.
func dev(t *testing.T) server.Config {
	t.Helper()
	return server.Config{
		Mode: server.Dev, Listen: "127.0.0.1:0", PrivateListen: "127.0.0.1:0", Data: t.TempDir(), LogLevel: "debug",
	}
}

// serve is a configuration for production, migrated and with a key-encryption
// key. Plain HTTP on loopback is the one thing that it relaxes.
func serve(t *testing.T) server.Config {
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
	run(t, nil, "migrate", "--data", c.Data, "--kek-file", kek)
	return c
}

func start(t *testing.T, c server.Config) rig {
	t.Helper()
	r := rig{config: c, log: &logBuffer{}}
	c.LogTo = r.log
	patience.Extend(&c.ShutdownTimeout)
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
			t.Log(r.log.String())
		}
	})
	r.Server = s
	return r
}

// client is the SDK's own, unmodified.
func (r rig) client(id, secret string, change ...func(*cip.Options)) *cip.Client {
	return cip.New(cip.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""), RetryMaxAttempts: 1,
	}, change...)
}

func (r rig) dev() *cip.Client { return r.client("dev", "dev") }

func get(t *testing.T, url string) (*http.Response, string) {
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

// run is one command of the program; it gives what the command wrote.
func run(t *testing.T, env map[string]string, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := command(t, env, args...)
	if code != 0 {
		t.Fatalf("cognate %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout, stderr
}

func command(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return commands.Run(t.Context(), env, args...)
}

// code returns the wire code of an SDK's error.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// want fails unless err has this code ("" for none).
func want(t *testing.T, err error, is string) {
	t.Helper()
	if got := code(err); got != is {
		t.Errorf("got %q (%v), want %q", got, err, is)
	}
}

func must[T any](t *testing.T, out T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// newKey asks the operator's command for a key, as a person would.
func newKey(t *testing.T, r rig, name string, policies ...string) (id, secret string) {
	t.Helper()
	args := []string{"admin", "keys", "create", "--data", r.config.Data, "--kek-file", r.config.KEKFile, "--name", name}
	for _, p := range policies {
		args = append(args, "--policy", p)
	}
	out, _ := run(t, nil, args...)
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

func list(t *testing.T, c *cip.Client, change ...func(*cip.Options)) error {
	t.Helper()
	_, err := c.ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)}, change...)
	return err
}

// newPool makes a pool that verifies e-mail addresses.
func newPool(t *testing.T, r rig) string {
	t.Helper()
	out, err := r.dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("people"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	return *must(t, out, err).UserPool.Id
}
