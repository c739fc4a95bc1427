// Package clients_test runs the clients that nobody here wrote against the
// real binary, on both engines: the suites of test/js and test/python, and the
// README's AWS CLI lines as they are printed.
package clients_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cognate/test/pgtest"
)

// engines are the databases that every client meets.
var engines = []struct {
	name string
	args func(t *testing.T) []string
}{
	{"sqlite", func(*testing.T) []string { return nil }},
	{"postgres", func(t *testing.T) []string { return []string{"--database", pgtest.Database(t)} }},
}

// eachEngine runs a test beside a server of its own on each engine.
func eachEngine(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			test(t, startServer(t, engine.args(t)...))
		})
	}
}

func TestIdentityJS(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "identity-js.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

func TestIdentityJSMFA(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "identity-js-mfa.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

func TestIdentityJSDevice(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "identity-js-device.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

func TestSDKv3(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "sdk-v3.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

// TestAmplify runs Amplify in Chromium, with the browser's virtual authenticator.
func TestAmplify(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "amplify.test.mjs", "COGNATE_ENDPOINT="+endpoint, chromium())
	})
}

// TestLoginPages goes through the login pages in Chromium.
func TestLoginPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "login-pages.test.mjs", "COGNATE_ENDPOINT="+endpoint, chromium())
	})
}

// TestLoginPageStates opens every state of every login page in Chromium. No state depends on the
// engine.
func TestLoginPageStates(t *testing.T) {
	t.Parallel()
	node(t, "pages.test.mjs", "COGNATE_ENDPOINT="+startServer(t), chromium())
}

// TestExample goes through the example relying party in Chromium.
func TestExample(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		port := freePort(t)
		node(t, "example.test.mjs", "COGNATE_ENDPOINT="+endpoint, "COGNATE_APPLICATION_PORT="+port, chromium())
	})
}

// TestOpenIDClient runs openid-client and oauth4webapi.
func TestOpenIDClient(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "relying-party.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

// TestRegistration runs openid-client and oauth4webapi as clients that register themselves.
func TestRegistration(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "registration.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

func TestPassport(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "passport.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

func TestAuthJS(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "authjs.test.mjs", "COGNATE_ENDPOINT="+endpoint)
	})
}

// TestOIDCClientTS runs oidc-client-ts in Chromium.
func TestOIDCClientTS(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		node(t, "oidc-client.test.mjs", "COGNATE_ENDPOINT="+endpoint, chromium())
	})
}

// chromium returns the setting that names the browser.
func chromium() string {
	return "COGNATE_TEST_CHROMIUM=" + cmp.Or(os.Getenv("COGNATE_TEST_CHROMIUM"), "/usr/bin/chromium")
}

func TestJWTVerify(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		// CognitoJwtVerifier takes Cognito's own issuer and no other.
		aws := startServer(t, "--issuer-base", "aws")
		node(t, "jwt-verify.test.mjs", "COGNATE_ENDPOINT="+endpoint, "COGNATE_AWS_ISSUER_ENDPOINT="+aws)
	})
}

func TestBoto3(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		python(t, "test_boto3", "COGNATE_ENDPOINT="+endpoint)
	})
}

func TestAuthlib(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		python(t, "test_authlib", "COGNATE_ENDPOINT="+endpoint)
	})
}

// TestReadme runs the README's AWS CLI lines as they are printed, but for the
// address of the server.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "<!-- walk-through: run by the tests -->")
	section, _, ends := strings.Cut(rest, "<!-- end of walk-through -->")
	if !found || !ends {
		t.Fatal("README.md has lost the marks around its walk-through")
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
		script.WriteString(block[1])
	}
	const address = "http://localhost:9229"
	if !strings.Contains(script.String(), address) {
		t.Fatalf("the README's lines do not use %s", address)
	}
	eachEngine(t, func(t *testing.T, endpoint string) {
		dir := t.TempDir()
		linkTool(t, dir, "aws", awsProgram())
		lines := strings.ReplaceAll(script.String(), address, endpoint)
		out := run(t, dir, []string{"PATH=" + dir + ":/usr/bin:/bin", "AWS_PAGER="}, "bash", "-euxo", "pipefail", "-c", lines)
		for _, want := range []string{`"UserConfirmed": false`, `"Value": "alice@example.com"`, `"email_verified"`, `"TokenType": "Bearer"`} {
			if !strings.Contains(out, want) {
				t.Errorf("the output lacks %s:\n%s", want, out)
			}
		}
	})
}

// TestIAMPage runs the commands of docs/iam.md.
func TestIAMPage(t *testing.T) {
	runPage(t, "iam.md", "role/uploads", `"sts:AssumeRoleWithWebIdentity"`, `"EvalDecision": "implicitDeny"`, `"cognito-identity.amazonaws.com:sub"`, `"SecretAccessKey"`)
}

// TestSTSPage runs the commands of docs/sts.md.
func TestSTSPage(t *testing.T) {
	runPage(t, "sts.md", `"Arn": "arn:aws:sts::123456789012:assumed-role/readers/try"`, `"UserPools": []`, `\"explicitDeny\":false`,
		`"Provider": "cognito-identity.amazonaws.com"`, `"Arn": "arn:aws:sts::123456789012:assumed-role/guests/web"`)
}

// runPage runs the commands of a page as they are printed, but for the address of the server.
func runPage(t *testing.T, name string, wants ...string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		script.WriteString(block[1])
	}
	eachEngine(t, func(t *testing.T, endpoint string) {
		dir := t.TempDir()
		linkTool(t, dir, "aws", awsProgram())
		lines := strings.ReplaceAll(script.String(), "http://localhost:9229", endpoint)
		out := run(t, dir, []string{"PATH=" + dir + ":/usr/bin:/bin", "AWS_PAGER="}, "bash", "-euxo", "pipefail", "-c", lines)
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("the output lacks %s:\n%s", want, out)
			}
		}
	})
}

// awsProgram is Debian's AWS CLI, whatever else is in PATH.
func awsProgram() string { return cmp.Or(os.Getenv("COGNATE_TEST_AWS"), "/usr/bin/aws") }

// node runs one suite of test/js and makes sure that it tested something.
func node(t *testing.T, suite string, env ...string) {
	t.Helper()
	out := run(t, filepath.Join("..", "js"), env, nodeProgram(t), "--test", "--test-reporter=spec", suite)
	wantCount(t, out, regexp.MustCompile(`(?m)^ℹ pass (\d+)$`))
	if !strings.Contains(out, "ℹ skipped 0\n") {
		t.Errorf("%s skipped tests:\n%s", suite, out)
	}
}

// nodeProgram is Node.js as it is in PATH.
func nodeProgram(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("%v: the README says what the tests need", err)
	}
	return path
}

// pythonProgram is Debian's Python, whatever else is in PATH.
func pythonProgram() string { return cmp.Or(os.Getenv("COGNATE_TEST_PYTHON"), "/usr/bin/python3") }

// python runs one suite of test/python and makes sure that it tested something.
func python(t *testing.T, suite string, env ...string) {
	t.Helper()
	out := run(t, filepath.Join("..", "python"), env, pythonProgram(), "-m", "unittest", "-v", suite)
	wantCount(t, out, regexp.MustCompile(`Ran (\d+) tests? in`))
}

func wantCount(t *testing.T, out string, count *regexp.Regexp) {
	t.Helper()
	m := count.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no count of tests in:\n%s", out)
	}
	if n, err := strconv.Atoi(m[1]); err != nil || n == 0 {
		t.Fatalf("%s tests ran:\n%s", m[1], out)
	}
	t.Logf("%s tests passed", m[1])
}

// linkTool puts one program into a folder under the name that a script calls
// it by.
func linkTool(t *testing.T, dir, name, program string) {
	t.Helper()
	if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}
