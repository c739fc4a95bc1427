package clients_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"go.yaml.in/yaml/v3"
	"golang.org/x/oauth2"
)

// TestVitestExample runs the tests of examples/node-vitest.
func TestVitestExample(t *testing.T) {
	t.Parallel()
	out := run(t, copyExample(t, "node-vitest"), []string{"COGNATE=" + program, "CI=true", "NO_COLOR=1"}, nodeProgram(t), "node_modules/vitest/vitest.mjs", "run",
		"--testTimeout=600000", "--hookTimeout=600000")
	wantCount(t, out, regexp.MustCompile(`(?m)^ +Tests +(\d+) passed`))
}

// TestPytestExample runs the tests of examples/python-pytest.
func TestPytestExample(t *testing.T) {
	t.Parallel()
	out := run(t, copyExample(t, "python-pytest"), []string{"COGNATE=" + program}, pythonProgram(), "-m", "pytest", "-p", "no:cacheprovider")
	wantCount(t, out, regexp.MustCompile(`(\d+) passed`))
}

// TestAmplifyExample runs the tests of examples/amplify, and uses its page in Chromium.
func TestAmplifyExample(t *testing.T) {
	t.Parallel()
	t.Run("tests", func(t *testing.T) {
		t.Parallel()
		out := run(t, copyExample(t, "amplify"), []string{"COGNATE=" + program}, nodeProgram(t), "--test", "--test-reporter=spec", "test/session.test.mjs")
		wantCount(t, out, regexp.MustCompile(`(?m)^ℹ pass (\d+)$`))
	})
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		dir := copyExample(t, "amplify")
		endpoint := startServer(t, "--seed", filepath.Join(dir, "seed.yaml"))
		node(t, "amplify-example.test.mjs", "COGNATE_ENDPOINT="+endpoint, "COGNATE_EXAMPLE="+dir, chromium())
	})
}

// TestSpringExample signs a person in with the settings of examples/spring, as Spring Security does with them.
func TestSpringExample(t *testing.T) {
	t.Parallel()
	dir := copyExample(t, "spring")
	endpoint := startServer(t, "--seed", filepath.Join(dir, "seed.yaml"))
	var settings struct {
		Shop struct {
			Issuer   string
			ClientID string `yaml:"client-id"`
		}
		Spring struct {
			Security struct {
				OAuth2 struct {
					ResourceServer struct {
						JWT struct {
							Issuer string `yaml:"issuer-uri"`
						}
					} `yaml:"resourceserver"`
					Client struct {
						Registration map[string]struct {
							ClientID    string `yaml:"client-id"`
							Secret      string `yaml:"client-secret"`
							RedirectURI string `yaml:"redirect-uri"`
							Scope       []string
						}
						Provider map[string]struct {
							Issuer string `yaml:"issuer-uri"`
							Name   string `yaml:"user-name-attribute"`
						}
					}
				}
			}
		}
	}
	readYAML(t, filepath.Join(dir, "application.yaml"), &settings)
	own := func(text string) string {
		text = strings.NewReplacer("${shop.issuer}", settings.Shop.Issuer, "${shop.client-id}", settings.Shop.ClientID).Replace(text)
		return strings.Replace(text, "http://localhost:9229", strings.Replace(endpoint, "127.0.0.1", "localhost", 1), 1)
	}
	oauth := settings.Spring.Security.OAuth2
	client, named := oauth.Client.Registration["cognate"], oauth.Client.Provider["cognate"]
	if own(oauth.ResourceServer.JWT.Issuer) != own(named.Issuer) {
		t.Errorf("issuers %q and %q", oauth.ResourceServer.JWT.Issuer, named.Issuer)
	}
	provider, err := oidc.NewProvider(t.Context(), own(named.Issuer)) // It compares the issuer with the one of the document.
	if err != nil {
		t.Fatal(err)
	}
	party := oauth2.Config{
		ClientID: own(client.ClientID), ClientSecret: client.Secret, Endpoint: provider.Endpoint(), Scopes: client.Scope,
		RedirectURL: strings.NewReplacer("{baseUrl}", "http://localhost:8080", "{registrationId}", "cognate").Replace(client.RedirectURI),
	}
	verifier := oauth2.GenerateVerifier()
	tokens, err := party.Exchange(t.Context(), codeAt(t, party.RedirectURL, party.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), "ann"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := tokens.Extra("id_token").(string)
	claims := func(token string, config *oidc.Config) (c map[string]any) {
		verified, err := provider.Verifier(config).Verify(t.Context(), token)
		if err == nil {
			err = verified.Claims(&c)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if id := claims(text, &oidc.Config{ClientID: party.ClientID}); id[named.Name] != "ann" {
		t.Errorf("%s of the ID token is %v", named.Name, id[named.Name])
	}
	access := claims(tokens.AccessToken, &oidc.Config{SkipClientIDCheck: true})
	if groups, _ := access["cognito:groups"].([]any); access["client_id"] != party.ClientID || access["token_use"] != "access" || !slices.Contains(groups, any("staff")) {
		t.Errorf("SecurityConfiguration.java does not fit an access token with the claims %v", access)
	}
	parseJava(t, filepath.Join(dir, "SecurityConfiguration.java"))
}

// TestActionsExample runs the steps of examples/github-actions that start Cognate. In place of docker the program starts.
func TestActionsExample(t *testing.T) {
	t.Parallel()
	dir := copyExample(t, "github-actions")
	var workflow struct {
		Env  map[string]string
		Jobs map[string]struct {
			Steps []struct{ Name, Uses, Run string }
		}
	}
	readYAML(t, filepath.Join(dir, "test.yaml"), &workflow)
	for _, job := range []string{"program", "container"} {
		t.Run(job, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			temp := t.TempDir()
			linkTool(t, temp, "cognate", program)
			const docker = `#!/bin/bash
[ "$1" = run ] || exit 1
while [ "$1" != dev ]; do shift; done
"$RUNNER_TEMP/cognate" "$@" --data "$RUNNER_TEMP/data" >"$RUNNER_TEMP/cognate.log" 2>&1 &
`
			if err := os.WriteFile(filepath.Join(temp, "docker"), []byte(docker), 0o700); err != nil {
				t.Fatal(err)
			}
			started := false
			for _, step := range workflow.Jobs[job].Steps {
				if step.Name != "Start Cognate" {
					continue
				}
				started = true
				cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", strings.NewReplacer("9229", port, " --seed /seed.yaml", " --seed seed.yaml").Replace(step.Run))
				cmd.Dir = dir
				cmd.Env = append(environment(t), "RUNNER_TEMP="+temp, "PATH="+temp+":/usr/bin:/bin", "COGNATE_LISTEN=127.0.0.1:"+port, "COGNATE_PRIVATE_LISTEN=off")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				out, err := cmd.CombinedOutput()
				// The server stays in the group of the step, as it stays in the job.
				defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }()
				if err != nil {
					log, _ := os.ReadFile(filepath.Join(temp, "cognate.log"))
					t.Fatalf("%v\n%s%s", err, out, log)
				}
			}
			endpoint := strings.Replace(workflow.Env["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"], "9229", port, 1)
			if !started || endpoint == "" {
				t.Fatal("the workflow starts no server, or the SDKs are not led to it")
			}
			signIn(t, goSDK(endpoint), "shopweb", "ann")
		})
	}
}

// TestTestcontainersExample starts Cognate with the command that the files of examples/testcontainers name, and
// verifies a token as they do. The files themselves need a container engine.
func TestTestcontainersExample(t *testing.T) {
	t.Parallel()
	dir := copyExample(t, "testcontainers")
	var commands []string
	for _, name := range []string{"go/cognate_test.go", "node/cognate.test.mjs", "java/CognateTest.java"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		commands = append(commands, strings.ReplaceAll(regexp.MustCompile(`["']dev["'].*/seed.yaml["']`).FindString(string(text)), "'", `"`))
	}
	if commands[0] == "" || commands[0] != commands[1] || commands[0] != commands[2] {
		t.Fatalf("the commands differ: %q", commands)
	}
	var args []string
	if err := json.Unmarshal([]byte("["+commands[0]+"]"), &args); err != nil {
		t.Fatal(err)
	}
	for i, arg := range args {
		switch arg {
		case ":9229":
			args[i] = "127.0.0.1:0"
		case "/seed.yaml":
			args[i] = filepath.Join(dir, "seed.yaml")
		}
	}
	endpoint := launch(t, append(args, "--private-listen", "off", "--data", t.TempDir())...)
	keys := oidc.NewRemoteKeySet(t.Context(), endpoint+"/us-east-1_shop1/.well-known/jwks.json")
	verifier := oidc.NewVerifier("http://localhost:9229/us-east-1_shop1", keys, &oidc.Config{ClientID: "shopweb"})
	if _, err := verifier.Verify(t.Context(), signIn(t, goSDK(endpoint), "shopweb", "ann")); err != nil {
		t.Error(err)
	}
	run(t, dir, nil, nodeProgram(t), "--check", "node/cognate.test.mjs")
	vet := exec.CommandContext(t.Context(), "go", "vet", "./...")
	vet.Dir = filepath.Join("..", "..", "examples", "testcontainers", "go") // a module of its own
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	parseJava(t, filepath.Join(dir, "java", "CognateTest.java"))
}

// copyExample copies a folder of examples without what its user has installed, and lends it the modules of test/js.
func copyExample(t *testing.T, name string) string {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = fs.WalkDir(os.DirFS(source), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"node_modules", ".venv", ".cognate"}, d.Name()):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, path), 0o700)
		}
		text, err := os.ReadFile(filepath.Join(source, path))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	linkTool(t, dir, "node_modules", filepath.Join(source, "..", "..", "test", "js", "node_modules"))
	return dir
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// parseJava checks the form of a Java file. A compiler of Java is no part of what the tests need. Its libraries are not here.
func parseJava(t *testing.T, path string) {
	t.Helper()
	javac, err := exec.LookPath("javac")
	if err != nil {
		t.Logf("not parsed: javac must be on the PATH for %s", filepath.Base(path))
		return
	}
	run(t, filepath.Dir(path), nil, javac, "--should-stop=ifNoError=PARSE", "-proc:none", filepath.Base(path))
}
