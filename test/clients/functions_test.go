package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cognate/test/lambdas"
	"cognate/test/pgtest"
)

const webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// handlers are the functions of test/functions.
var handlers = []string{
	"pre-sign-up", "define-auth-challenge", "create-auth-challenge", "verify-auth-challenge-response", "pre-token-generation", "user-migration",
}

// TestIdentityJSCustom runs one suite over pools whose functions are unmodified
// Lambda handlers: in three languages, and by each way to run them.
func TestIdentityJSCustom(t *testing.T) {
	t.Parallel()
	folder := func(language string) string { return absolute(t, "../functions/"+language) }
	rows := []struct {
		name string
		env  []string
		args func(t *testing.T) []string
	}{
		{"node", nil, func(*testing.T) []string { return []string{"--functions", folder("node")} }},
		{"node on postgres", nil, func(t *testing.T) []string {
			return []string{"--functions", folder("node"), "--database", pgtest.Database(t)}
		}},
		{"python", nil, func(*testing.T) []string { return []string{"--functions", folder("python")} }},
		{"go", nil, func(t *testing.T) []string { return []string{"--functions", goHandlers(t)} }},
		{"webhook", nil, func(t *testing.T) []string {
			at := lambdas.WebhookServer(t, "../functions/webhook/server.mjs", folder("node"), webhookSecret)
			return []string{"--triggers", routes(t, fmt.Sprintf("webhook: %q, secret: %q", at, webhookSecret))}
		}},
		{"Lambda API", []string{"AWS_ACCESS_KEY_ID=AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret"}, func(t *testing.T) []string {
			return []string{"--trigger-endpoint", lambdas.Serve(t, folder("node"))}
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			endpoint := startServerWith(t, row.env, append([]string{"--trigger-attempts", "3"}, row.args(t)...)...)
			node(t, "identity-js-custom.test.mjs", "COGNATE_ENDPOINT="+endpoint)
		})
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// goHandlers builds the handlers in Go as they are deployed: executables that
// are called bootstrap.
func goHandlers(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range handlers {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, name, "bootstrap"), "./"+name)
		cmd.Dir = "../functions/go"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	return dir
}

// routes writes the file of --triggers, which sends every function one way.
func routes(t *testing.T, way string) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("functions:\n")
	for _, name := range handlers {
		fmt.Fprintf(&text, "  %s: {%s}\n", name, way)
	}
	path := filepath.Join(t.TempDir(), "triggers.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
