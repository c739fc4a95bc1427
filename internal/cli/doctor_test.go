package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// doctorOf returns what doctor says. It has all the time it needs, unless args have another limit.
func doctorOf(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	_, out, stderr := serving.Command(t, env, append([]string{
		"doctor", "--issuer-base", "https://id.example.com", "--listen", "127.0.0.1:0", "--private-listen", "off", "--plain-http",
		"--database-timeout", patience.Limit.String(), "--request-timeout", (2 * patience.Limit).String(),
	}, args...)...)
	return out + stderr
}

func TestDoctorOnPostgres(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	database := pgtest.Database(t)
	with := func(parameter string) string {
		if strings.Contains(database, "?") {
			return database + "&" + parameter
		}
		return database + "?" + parameter
	}
	check := func(name, out string, want ...string) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s: no %q in\n%s", name, text, out)
			}
		}
	}
	args := []string{"--kek-file", c.KEKFile, "--database"}
	out := doctorOf(t, nil, append(args, database)...)
	check("empty", out, "FAIL  schema         the database is empty; run cognate migrate", "fsync", "synchronous_commit is", "connections")
	if strings.Contains(out, "older version") {
		t.Errorf("an empty database is called old:\n%s", out)
	}
	serving.Run(t, nil, "migrate", "--database", database, "--kek-file", c.KEKFile)
	check("asynchronous commits", doctorOf(t, nil, append(args, with("synchronous_commit=off"))...),
		"warn  sync. commit   synchronous_commit is off: a crash loses the last acknowledged writes")
	check("synchronous commits", doctorOf(t, nil, append(args, with("synchronous_commit=on"))...), "ok    sync. commit   synchronous_commit is on")
	check("too many connections", doctorOf(t, nil, append(args, database, "--database-connections", "100000")...),
		"FAIL  connections    this server uses up to 100001, PostgreSQL allows")
	check("few connections", doctorOf(t, nil, append(args, database, "--database-connections", "4")...), "ok    connections    this server uses up to 5")
}

func TestDoctorOnEncryption(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	for _, tt := range []struct{ name, database, want string }{
		{"none", "postgres://u:p@db.invalid/x", "warn  sslmode        is not in the database URL"},
		{"prefer", "postgres://u:p@db.invalid/x?sslmode=prefer", "warn  sslmode        prefer allows unencrypted connections"},
		{"disable", "postgres://u:p@localhost,db.invalid/x?sslmode=disable", "warn  sslmode        disable allows unencrypted connections"},
		{"require", "postgres://u:p@db.invalid:5433/x?sslmode=require", "warn  sslmode        require encrypts, but does not verify"},
		{"verify-ca", "postgres://u:p@db.invalid/x?sslmode=verify-ca", "warn  sslmode        verify-ca accepts the certificate of any host"},
		{"verify-full", "postgres://u:p@db.invalid/x?sslmode=verify-full", "ok    sslmode        connections are encrypted"},
		{"this machine", "postgres://u:p@127.0.0.1:1/x", ""},
		{"a socket", "postgres:///x?host=/nonexistent", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// Nothing answers there, so that the limit is short.
			out := doctorOf(t, nil, "--kek-file", c.KEKFile, "--database", tt.database, "--database-timeout", "2s")
			if tt.want != "" && !strings.Contains(out, tt.want) || tt.want == "" && strings.Contains(out, "sslmode ") {
				t.Errorf("want %q in\n%s", tt.want, out)
			}
		})
	}
}

// TestDoctorOnGateway asks the store with the gateway's key.
func TestDoctorOnGateway(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=known/") {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<Error><Code>InvalidAccessKeyId</Code></Error>")
		}
	}))
	t.Cleanup(store.Close)
	services := filepath.Join(t.TempDir(), "services.yaml")
	if err := os.WriteFile(services, []byte("sqs: {url: '"+store.URL+"', access-key: a, secret-key: b}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key, url string
		want     []string
	}{
		{"known", store.URL, []string{"ok    gateway-store  the store answers", "ok    gateway sqs    127.0.0.1 answers", "ok    gateway-listen 127.0.0.1:0 is free"}},
		{"other", store.URL, []string{"warn  gateway-store  the store answers 403 InvalidAccessKeyId"}},
		{"known", "http://127.0.0.1:1", []string{"warn  gateway-store  dial tcp 127.0.0.1:1", "connection refused"}},
		{"known", "ftp://a", []string{"FAIL  configuration  --gateway-store: must be an http or https URL"}},
	} {
		out := doctorOf(t, map[string]string{"COGNATE_GATEWAY_SECRET_KEY": "very-secret"}, "--kek-file", c.KEKFile, "--data", c.Data,
			"--gateway-listen", "127.0.0.1:0", "--gateway-store", tt.url, "--gateway-access-key", tt.key, "--gateway-services", services)
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s, %s: no %q in\n%s", tt.key, tt.url, want, out)
			}
		}
		if strings.Contains(out, "very-secret") {
			t.Errorf("doctor prints the secret:\n%s", out)
		}
	}
}

// TestUnknownVariables warns of a misspelt setting, in doctor and at the start.
func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	env := map[string]string{"COGNATE_LOGLEVEL": "debug", "COGNATE_LOG_FORMAT": "json", "COGNATE_TEST_POSTGRES": "x", "COGNATE_KEK": "", "OTHER": "x"}
	const want = "COGNATE_LOGLEVEL is no setting; did you mean COGNATE_LOG_LEVEL?"
	out := doctorOf(t, env, "--kek-file", c.KEKFile, "--data", c.Data)
	if !strings.Contains(out, want) || strings.Count(out, "is no setting") != 1 {
		t.Errorf("doctor:\n%s", out)
	}
	// A start that fails, so that it ends: the listener's address is none.
	code, _, stderr := serving.Command(t, env, "serve", "--kek-file", c.KEKFile, "--data", c.Data, "--issuer-base", c.IssuerBase,
		"--plain-http", "--listen", "127.0.0.1:99999")
	if code == 0 || !strings.Contains(stderr, want) || strings.Count(stderr, "is no setting") != 1 || !strings.Contains(stderr, `"level":"WARN"`) {
		t.Errorf("serve: exit %d\n%s", code, stderr)
	}
}
