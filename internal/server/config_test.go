package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/server"
)

// TestConfigReference holds docs/configuration.md to the struct.
func TestConfigReference(t *testing.T) {
	t.Parallel()
	want, _ := run(t, nil, "config-reference")
	is, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(is)); d != "" {
		t.Errorf("docs/configuration.md is not current: go generate ./internal/server\n%s", d)
	}
}

// TestPrecedence asks which of four places a setting is taken from: the account
// id, which doctor names when it is wrong.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("account-id: from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	level := func(env map[string]string, args ...string) string {
		_, _, stderr := command(t, env, append([]string{"version"}, args...)...)
		return stderr
	}
	const place = "log-level"
	if err := os.WriteFile(file, []byte(place+": from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"default", nil, nil, ""},
		{"file", nil, []string{"--config", file}, "from-file"},
		{"file with =", nil, []string{"--config=" + file}, "from-file"},
		{"file named by the environment", map[string]string{"COGNATE_CONFIG": file}, nil, "from-file"},
		{"environment before file", map[string]string{"COGNATE_LOG_LEVEL": "from-env"}, []string{"--config", file}, "from-env"},
		{"flag before environment", map[string]string{"COGNATE_LOG_LEVEL": "from-env"}, []string{"--config", file, "--log-level", "from-flag"}, "from-flag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// None of the levels exists, so the refusal says which one was taken.
			if got := level(tt.env, tt.args...); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestConfigFileIsStrict(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"unknown name", "listn: :1\n", "line 1: no such setting: listn; did you mean listen?"},
		{"unknown name in another line", "# comment\nlisten: a\n\nlog_level: debug\n", "line 4: no such setting: log_level; did you mean log-level?"},
		{"not YAML", "listen: a\nlog-level: [\n", "line 2"},
		{"config within config", "config: x\n", "config"},
		{"name twice", "listen: a\nlisten: b\n", "already defined"},
		{"not a mapping", "- a\n", "unmarshal"},
		{"two documents", "listen: a\n---\nlisten: b\n", "one document"},
		{"nested", "log-level: debug\nlisten: {a: b}\n", "line 2: listen"},
		{"a secret that has no name here", "kek: AAAA\n", "kek"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := command(t, nil, "version", "--config", file)
			if code == 0 || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, %q; want a failure that says %q", code, stderr, tt.want)
			}
		})
	}
}

// TestConfigFileTakesTypes reads each kind of value.
func TestConfigFileTakesTypes(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	text := "allow-unsigned: true\nmax-request-bytes: 100000\nrequest-timeout: 5s\ntrusted-proxy:\n  - 10.0.0.0/8\n  - ::1\naccount-id: \"000000000001\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := command(t, nil, "version", "--config", file); code != 0 {
		t.Errorf("exit %d: %s", code, stderr)
	}
	// That each has arrived, doctor says.
	_, out, _ := command(t, nil, "doctor", "--config", file, "--data", t.TempDir())
	if !strings.Contains(out, "--allow-unsigned: is for cognate dev alone") || strings.Contains(out, "account-id") || strings.Contains(out, "trusted-proxy") {
		t.Error(out)
	}
}

// TestRefusedSettings starts servers that must not start.
func TestRefusedSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		mode   server.Mode
		change func(*server.Config)
		want   string
	}{
		{"dev beyond loopback", server.Dev, func(c *server.Config) { c.Listen = "0.0.0.0:0" }, "loopback"},
		{"dev's private listener beyond loopback", server.Dev, func(c *server.Config) { c.PrivateListen = ":0" }, "loopback"},
		{"dev behind a proxy", server.Dev, func(c *server.Config) { c.TrustedProxy = []string{"10.0.0.0/8"} }, "cognate serve"},
		{"account", server.Dev, func(c *server.Config) { c.AccountID = "1" }, "12 digits"},
		{"issuer", server.Dev, func(c *server.Config) { c.IssuerBase = "id.example.com" }, "issuer-base"},
		{"issuer with a query", server.Dev, func(c *server.Config) { c.IssuerBase = "https://id.example.com?x" }, "issuer-base"},
		{"half of TLS", server.Dev, func(c *server.Config) { c.TLSCert = "x" }, "both"},
		{"TLS files that are not there", server.Dev, func(c *server.Config) { c.TLSCert, c.TLSKey = "/nonexistent/c", "/nonexistent/k" }, "no such file"},
		{"proxy", server.Serve, func(c *server.Config) { c.TrustedProxy = []string{"proxy.example.com"} }, "CIDR block"},
		{"database", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "mysql://user:s3cret@host/db" }, "postgres://"},
		{"a blank in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret word@host/db" }, "%20"},
		{"a slash in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret/word@host/db" }, "%2F"},
		{"a number sign in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret#word@host/db" }, "%23"},
		{"a per cent sign in the password", server.Serve, func(c *server.Config) { c.Data, c.Database = "", "postgres://user:s3cret%word@host/db" }, "%25"},
		{"a blank in the mail server's password", server.Serve, func(c *server.Config) {
			c.MailFrom, c.SMTPURL = "a@example.com", "smtp://u:s3cret word@mail.example.com"
		}, "%20"},
		{"unsigned in serve", server.Serve, func(c *server.Config) { c.AllowUnsigned = true }, "cognate dev alone"},
		{"exposed in serve", server.Serve, func(c *server.Config) { c.Expose = true }, "cognate dev alone"},
		{"pages in serve", server.Serve, func(c *server.Config) { c.AllowOrigin = []string{"https://app.example.com"} }, "cognate dev alone"},
		{"every page", server.Dev, func(c *server.Config) { c.AllowOrigin = []string{"*"} }, "allow-origin"},
		{"a page, not an origin", server.Dev, func(c *server.Config) { c.AllowOrigin = []string{"https://app.example.com/x"} }, "has a path"},
		{"serve in the clear", server.Serve, func(c *server.Config) { c.PlainHTTP = false }, "must not travel in the clear"},
		{"plain HTTP beyond loopback", server.Serve, func(c *server.Config) { c.Listen = ":0" }, "loopback"},
		{"no place for data", server.Serve, func(c *server.Config) { c.Data = "" }, "--data"},
		{"two places for data", server.Serve, func(c *server.Config) { c.Database = "postgres://localhost/x" }, "not both"},
		{"no key-encryption key", server.Serve, func(c *server.Config) { c.KEKFile = "" }, "COGNATE_KEK"},
		{"key-encryption key that is not there", server.Serve, func(c *server.Config) { c.KEKFile += "x" }, "no such file"},
		{"no issuer", server.Serve, func(c *server.Config) { c.IssuerBase = "" }, "issuer-base"},
		{"not migrated", server.Serve, func(c *server.Config) { c.Data = filepath.Join(c.Data, "new") }, "the database is empty: run cognate migrate"},
		{"webhook without a secret", server.Serve, func(c *server.Config) { c.SMSWebhookURL = "https://sms.example.com" }, "sms-webhook-secret"},
		{"mail without a sender", server.Serve, func(c *server.Config) { c.SMTPURL = "smtp://u:s3cret@mail.example.com" }, "sender"},
		{"small requests", server.Serve, func(c *server.Config) { c.MaxRequestBytes = 10 }, "max-request-bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := dev(t)
			if tt.mode == server.Serve {
				c = serve(t)
			}
			tt.change(&c)
			s, err := server.Start(t.Context(), c)
			if err == nil {
				_ = s.Close()
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %q, want %q in it, and no secret", err, tt.want)
			}
		})
	}
}
