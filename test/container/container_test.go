// Package container_test follows the Containerfile without a container engine: its steps make a folder, which becomes
// the root of a server.
package container_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"cognate/test/patience"
	"cognate/test/proxies"
)

// image is what a Containerfile says, as far as ours says it.
type image struct {
	copies     [][2]string // from the stage before, to here
	env        []string
	user       string
	entrypoint []string
	health     []string
}

// follow runs the steps of the first stage below work, and reads the second. The paths /src and /out of the stage are
// folders of this machine.
func follow(t *testing.T, source, work string) image {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(source, "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var in image
	stage := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		list := func(text string) (words []string) {
			if err := json.Unmarshal([]byte(text), &words); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return words
		}
		switch {
		case line == "" || strings.HasPrefix(line, "#") || word == "WORKDIR" || word == "VOLUME" || word == "EXPOSE" || word == "CMD":
		case word == "FROM":
			stage++
		case stage == 1 && word == "COPY": // The source is here already.
		case stage == 1 && word == "RUN":
			cmd := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(rest, "/out", work+"/out"))
			cmd.Dir = source
			if os.Getuid() != 0 {
				cmd.Args[2] = strings.ReplaceAll(cmd.Args[2], "chown 65532:65532", "ls -d")
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, out)
			}
		case stage == 2 && word == "COPY":
			words := strings.Fields(rest)
			if len(words) != 3 || words[0] != "--from=build" {
				t.Fatalf("the test does not know %s", line)
			}
			in.copies = append(in.copies, [2]string(words[1:]))
		case stage == 2 && word == "ENV":
			in.env = append(in.env, rest)
		case stage == 2 && word == "USER":
			in.user = rest
		case stage == 2 && word == "ENTRYPOINT":
			in.entrypoint = list(rest)
		case stage == 2 && word == "HEALTHCHECK":
			_, cmd, _ := strings.Cut(rest, "CMD ")
			in.health = list(cmd)
		default:
			t.Fatalf("the test does not know %s", line)
		}
	}
	return in
}

// TestContainer runs servers in what the image holds, as the image's user, and asks them by the image's health check: one
// for production, and the development server of examples/compose.
func TestContainer(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	in := follow(t, source, work)
	if in.user != "65532:65532" {
		t.Fatalf("the image's user is %s", in.user)
	}
	t.Run("serve", func(t *testing.T) {
		t.Parallel()
		c := in.create(t, work)
		main := freeAddress(t)
		c.env = append(c.env, "COGNATE_KEK="+"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "COGNATE_ISSUER_BASE=http://"+main,
			"COGNATE_LISTEN="+main, "COGNATE_PRIVATE_LISTEN="+freeAddress(t), "COGNATE_PLAIN_HTTP=true")
		for _, words := range [][]string{{"migrate"}, {"admin", "keys", "create", "--name", "ops", "--policy", "admin"}} {
			if out, err := c.command(append(in.entrypoint, words...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", words, err, out)
			}
		}
		stop := c.start(t, "serve")
		res, err := http.Post("http://"+main+"/", "application/x-amz-json-1.1", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("an empty request is answered %s", res.Status)
		}
		stop()
	})
	t.Run("dev", func(t *testing.T) {
		t.Parallel()
		c := in.create(t, work)
		example := read(t, filepath.Join(source, "examples", "compose", "compose.yaml"), nil)
		service, api := example.Services["cognate"], example.Services["api"]
		main := freeAddress(t)
		c.env = append(c.env, "COGNATE_PRIVATE_LISTEN="+freeAddress(t))
		c.health = service.HealthCheck.Test[1:]
		for _, v := range service.Volumes {
			copyFile(t, v.Source, filepath.Join(c.root, v.Target))
		}
		command := slices.Clone([]string(service.Command))
		command[slices.Index(command, "--listen")+1] = main
		stop := c.start(t, command...)
		// The API asks for this document by the service's name, and verifies tokens by its issuer.
		issuer := *api.Environment["ISSUER"]
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+main+strings.TrimPrefix(issuer, "http://cognate:9229")+"/.well-known/openid-configuration", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"cognate:9229", "localhost:9229"} {
			r.Host = host
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var document struct{ Issuer string }
			if err := json.NewDecoder(res.Body).Decode(&document); err != nil || document.Issuer != issuer {
				t.Errorf("the discovery document at %s is for %q, want %q: %v", host, document.Issuer, issuer, err)
			}
		}
		if got := api.DependsOn[service.Name].Condition; got != types.ServiceConditionHealthy {
			t.Errorf("the API waits for the condition %q", got)
		}
		stop()
	})
}

// A container is a folder with the files of the image.
type container struct {
	root       string
	env        []string
	entrypoint []string
	health     []string
}

// create makes a container of the image, whose first stage was built below work.
func (in image) create(t *testing.T, work string) *container {
	t.Helper()
	c := &container{root: t.TempDir(), env: slices.Clone(in.env), entrypoint: in.entrypoint, health: in.health}
	if err := os.Chmod(c.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, pair := range in.copies {
		c.copy(t, strings.Replace(pair[0], "/out/", work+"/out/", 1), pair[1])
	}
	return c
}

// copy copies a folder's content or a file, as engines do: folders on the way are new, and belong to root.
func (c *container) copy(t *testing.T, from, to string) {
	t.Helper()
	to = filepath.Join(c.root, to)
	sources := []string{from}
	folder := filepath.Dir(to)
	if entries, err := os.ReadDir(from); err == nil {
		sources, folder = nil, to
		for _, e := range entries {
			sources = append(sources, filepath.Join(from, e.Name()))
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if len(sources) == 0 {
		return
	}
	if out, err := exec.CommandContext(t.Context(), "cp", append([]string{"-a"}, append(sources, to)...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// command returns a command in the container.
func (c *container) command(words ...string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env, cmd.Dir = c.env, "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		return cmd
	}
	// Only root may change the root.
	cmd.Path, cmd.Env = filepath.Join(c.root, words[0]), append(slices.Clip(c.env), "COGNATE_DATA="+filepath.Join(c.root, "data"))
	if i := slices.Index(cmd.Args, "--seed"); i > 0 {
		cmd.Args[i+1] = filepath.Join(c.root, cmd.Args[i+1])
	}
	return cmd
}

// start starts a server in the container and waits until its health check succeeds. The function that it returns stops
// the server.
func (c *container) start(t *testing.T, words ...string) (stop func()) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	said := func() string {
		text, _ := os.ReadFile(log.Name())
		return string(text)
	}
	server := c.command(append(slices.Clip(c.entrypoint), words...)...)
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	t.Cleanup(func() { _ = server.Process.Kill() })
	for end := time.Now().Add(patience.Limit); c.command(c.health...).Run() != nil; {
		select {
		case err := <-ended:
			t.Fatalf("the server ended with %v:\n%s", err, said())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("the health check never succeeded:\n%s", said())
		}
	}
	return func() {
		t.Helper()
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v:\n%s", err, said())
		}
		if out, err := c.command(c.health...).CombinedOutput(); err == nil {
			t.Errorf("the health check of a stopped server succeeds: %s", out)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns an address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := proxies.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + port
}
