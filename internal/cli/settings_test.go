package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/test/serving"
)

// TestConfigReference holds docs/configuration.md to the struct.
func TestConfigReference(t *testing.T) {
	t.Parallel()
	want, _ := serving.Run(t, nil, "config-reference")
	is, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(is)); d != "" {
		t.Errorf("docs/configuration.md is not current: go generate ./internal/cli\n%s", d)
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
		_, _, stderr := serving.Command(t, env, append([]string{"version"}, args...)...)
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
			code, _, stderr := serving.Command(t, nil, "version", "--config", file)
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
	if code, _, stderr := serving.Command(t, nil, "version", "--config", file); code != 0 {
		t.Errorf("exit %d: %s", code, stderr)
	}
	// That each has arrived, doctor says.
	_, out, _ := serving.Command(t, nil, "doctor", "--config", file, "--data", t.TempDir())
	if !strings.Contains(out, "--allow-unsigned: is only for cognate dev") || strings.Contains(out, "account-id") || strings.Contains(out, "trusted-proxy") {
		t.Error(out)
	}
}
