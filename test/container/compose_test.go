package container_test

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/commands"
	"cognate/test/pgtest"
)

// composed reads compose.yaml as Docker Compose does, with the variables that its head asks for.
func composed(t *testing.T) *types.Project {
	t.Helper()
	return read(t, filepath.Join("..", "..", "compose.yaml"), types.Mapping{"COGNATE_ISSUER_BASE": "https://id.example.com", "DATABASE_PASSWORD": "0123456789abcdef"})
}

// read reads a file as Docker Compose does.
func read(t *testing.T, name string, environment types.Mapping) *types.Project {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: filepath.Dir(path), ConfigFiles: types.ToConfigFiles([]string{path}), Environment: environment,
	}, func(o *loader.Options) { o.SetProjectName("cognate", true) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// imageEnv returns the environment that the Containerfile sets.
func imageEnv(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if pair, ok := strings.CutPrefix(line, "ENV "); ok {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			env[name] = value
		}
	}
	return env
}

// TestCompose reads compose.yaml as Docker Compose does, and runs the commands of its services with their environment.
// Only what belongs to another machine is replaced: the database, the key and the port.
func TestCompose(t *testing.T) {
	t.Parallel()
	p := composed(t)
	kek := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	replaced := map[string]string{"COGNATE_DATABASE": pgtest.Start(t).URL, "COGNATE_KEK_FILE": kek, "COGNATE_LISTEN": "127.0.0.1:0"}
	for _, row := range []struct{ service, command, run string }{
		{"migrate", "migrate", "migrate"},
		{"cognate", "serve", "doctor"}, // checks what serve needs
	} {
		s := p.Services[row.service]
		if got := strings.Join(s.Command, " "); got != row.command {
			t.Errorf("%s runs %q, want %q", row.service, got, row.command)
		}
		env := imageEnv(t)
		for name, value := range s.Environment {
			env[name] = *value
		}
		for name, value := range replaced {
			if env[name] == "" {
				t.Errorf("%s has no %s", row.service, name)
			}
			env[name] = value
		}
		env["COGNATE_PRIVATE_LISTEN"] = "127.0.0.1:0"
		code, stdout, stderr := commands.Run(t.Context(), env, row.run)
		if code != 0 || strings.Contains(stdout+stderr, "is no setting") {
			t.Errorf("cognate %s: exit %d\n%s%s", row.run, code, stdout, stderr)
		}
	}
}

// TestComposedServices checks that the services of compose.yaml fit together.
func TestComposedServices(t *testing.T) {
	t.Parallel()
	p := composed(t)
	s, database := p.Services["cognate"], p.Services["database"]
	env := func(s types.ServiceConfig, name string) string {
		t.Helper()
		if s.Environment[name] == nil {
			t.Fatalf("%s has no %s", s.Name, name)
		}
		return *s.Environment[name]
	}
	u, err := url.Parse(env(s, "COGNATE_DATABASE"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	for _, row := range []struct{ name, got, want string }{
		{"database host", u.Host, database.Name},
		{"database user", u.User.Username(), env(database, "POSTGRES_USER")},
		{"database password", password, env(database, "POSTGRES_PASSWORD")},
		{"database name", u.Path, "/" + env(database, "POSTGRES_DB")},
		{"key file", env(s, "COGNATE_KEK_FILE"), s.Secrets[0].Target},
	} {
		if row.got != row.want {
			t.Errorf("%s is %q, want %q", row.name, row.got, row.want)
		}
	}
	_, port, err := net.SplitHostPort(env(s, "COGNATE_LISTEN"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Ports) != 1 || s.Ports[0].HostIP != "127.0.0.1" || s.Ports[0].Published != port {
		t.Errorf("ports %+v, want %s on loopback", s.Ports, port)
	}
	c := server.Config{Mode: server.Serve, TrustedProxy: []string{env(s, "COGNATE_TRUSTED_PROXY")}}.WithDefaults()
	if least := *c.DrainDelay + c.ShutdownTimeout + 5*time.Second; s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < least {
		t.Errorf("the grace period is %v, shorter than %v", s.StopGracePeriod, least)
	}
}

// TestComposeExample checks what examples/compose names in other folders.
func TestComposeExample(t *testing.T) {
	t.Parallel()
	p := read(t, filepath.Join("..", "..", "examples", "compose", "compose.yaml"), nil)
	for _, s := range p.Services {
		if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is published to other machines: %+v", s.Name, port)
			}
		}
	}
	folder := p.Services["api"].Build.Context
	text, err := os.ReadFile(filepath.Join(folder, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "COPY" {
			continue
		}
		for _, name := range words[1 : len(words)-1] {
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				t.Error(err)
			}
		}
	}
}
