package clients_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cognate/test/pgtest"
)

// TestServe goes the README's way into production, on both engines: migrate,
// make an administrator's key, serve. Only what that key signs is let in.
func TestServe(t *testing.T) {
	t.Parallel()
	for _, engine := range []struct {
		name string
		args func(t *testing.T) []string
	}{
		{"sqlite", func(t *testing.T) []string { return []string{"--data", t.TempDir()} }},
		{"postgres", func(t *testing.T) []string { return []string{"--database", pgtest.Database(t)} }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			kek := filepath.Join(t.TempDir(), "kek")
			key := make([]byte, 32)
			rand.Read(key)
			if err := os.WriteFile(kek, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			settings := slices.Clip(append(engine.args(t), "--kek-file", kek))
			cognate(t, append([]string{"migrate"}, settings...)...)
			id, secret := createKey(t, append(settings, "--name", "ops", "--policy", "admin"))
			viewerID, viewerSecret := createKey(t, append(settings, "--name", "viewer", "--policy", writePolicy(t)))
			endpoint := launch(t, append([]string{"serve"}, append(settings, "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0",
				"--plain-http", "--issuer-base", "https://id.example.com")...)...)

			create := []string{"cognito-idp", "create-user-pool", "--pool-name", "shop"}
			out, err := awsCLI(t, endpoint, id, secret, create...)
			if err != nil {
				t.Fatalf("the administrator is refused: %v: %s", err, out)
			}
			var made struct{ UserPool struct{ ID string } }
			if err := json.Unmarshal([]byte(out), &made); err != nil || made.UserPool.ID == "" {
				t.Fatalf("create-user-pool printed %s: %v", out, err)
			}
			describe := []string{"cognito-idp", "describe-user-pool", "--user-pool-id", made.UserPool.ID}
			if out, err := awsCLI(t, endpoint, viewerID, viewerSecret, describe...); err != nil {
				t.Errorf("the viewer's policy allows describe-user-pool: %v: %s", err, out)
			}
			refused := []struct {
				name, id, secret string
				args             []string
				want             string
			}{
				{"wrong secret", id, secret + "x", create, "InvalidSignatureException"},
				{"unknown key", "AKIAIOSFODNN7EXAMPLE", secret, create, "UnrecognizedClientException"},
				{"not allowed", viewerID, viewerSecret, create, "AccessDeniedException"},
				{"unsigned", "", "", create, "MissingAuthenticationTokenException"},
			}
			for _, row := range refused {
				out, err := awsCLI(t, endpoint, row.id, row.secret, row.args...)
				if err == nil || !strings.Contains(out, "("+row.want+")") {
					t.Errorf("%s: %v, want %s: %s", row.name, err, row.want, out)
				}
			}
		})
	}
}

// cognate runs one of the binary's commands to its end.
func cognate(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, t.TempDir(), nil, program, args...)
}

func createKey(t *testing.T, settings []string) (id, secret string) {
	t.Helper()
	out := cognate(t, append([]string{"admin", "keys", "create"}, settings...)...)
	m := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\s+AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no access key in %q", out)
	}
	return m[1], m[2]
}

func writePolicy(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "viewer.json")
	const policy = `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["cognito-idp:Describe*", "cognito-idp:List*"], "Resource": "*"}]}`
	if err := os.WriteFile(path, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// awsCLI runs the AWS CLI with an access key, or unsigned without one.
func awsCLI(t *testing.T, endpoint, id, secret string, args ...string) (string, error) {
	t.Helper()
	args = append([]string{"--endpoint-url", endpoint, "--region", "us-east-1", "--output", "json"}, args...)
	env := environment(t)
	if id == "" {
		args = append([]string{"--no-sign-request"}, args...)
	} else {
		env = append(env, "AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret)
	}
	cmd := exec.CommandContext(t.Context(), awsProgram(), args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
