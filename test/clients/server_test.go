package clients_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"cognate/test/patience"
	"cognate/test/providers"
	"cognate/test/proxies"
)

// buildDex builds Dex once, and returns the program's path.
var buildDex func() (string, error)

// program is the path of the server's binary: built for this run, or the one
// that COGNATE_TEST_PROGRAM names, to try a release.
var program = os.Getenv("COGNATE_TEST_PROGRAM")

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cognate-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	buildDex = sync.OnceValues(func() (string, error) {
		return providers.BuildDex(context.Background(), filepath.Join("..", "..", "tools"), dir)
	})
	if program != "" {
		return m.Run()
	}
	program = filepath.Join(dir, "cognate")
	build := exec.Command("go", "build", "-o", program, "cognate/cmd/cognate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // As `make build` does.
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// startServer runs `cognate dev` until the test has ended and returns its URL.
func startServer(t *testing.T, args ...string) string {
	t.Helper()
	return startServerWith(t, nil, args...)
}

// startServerWith is startServer with more in the server's environment.
func startServerWith(t *testing.T, env []string, args ...string) string {
	t.Helper()
	return launchWith(t, env, append([]string{
		"dev", "--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--data", t.TempDir(),
	}, append(patience.Flags(), args...)...)...)
}

// freePort returns a port for a program that must be told one.
func freePort(t *testing.T) string {
	t.Helper()
	port, err := proxies.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// launch runs a server's command until the test has ended and returns its URL.
// Its output is shown if the test fails.
func launch(t *testing.T, args ...string) string {
	t.Helper()
	return launchWith(t, nil, args...)
}

func launchWith(t *testing.T, env []string, args ...string) string {
	t.Helper()
	return launchUntil(t, listening, env, args...)
}

// launchUntil starts a server like launchWith. It returns the group of the first line of the output that matches.
func launchUntil(t *testing.T, line *regexp.Regexp, env []string, args ...string) string {
	t.Helper()
	return launchProgram(t, program, line, env, args...)
}

// launchProgram is launchUntil for any program that ends well on SIGTERM.
func launchProgram(t *testing.T, program string, line *regexp.Regexp, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(environment(t), env...)
	out := &transcript{line: line, ready: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stopServer(t, cmd, ended, out) })
	select {
	case found := <-out.ready:
		return found
	case err := <-ended:
		ended <- err
		t.Fatalf("cognate %v ended before it printed %s: %v", args, line, err)
	case <-time.After(patience.Limit):
		t.Fatalf("cognate %v does not print %s", args, line)
	}
	return ""
}

// stopServer ends the server as an operator would, and holds it to that.
func stopServer(t *testing.T, cmd *exec.Cmd, ended chan error, out *transcript) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(patience.Limit):
		t.Error("the server does not stop within 10 minutes of SIGTERM")
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		<-ended
	}
	if t.Failed() {
		t.Logf("the server said:\n%s", out.tail())
	}
}

// transcript keeps what a program prints and watches for one line.
type transcript struct {
	line  *regexp.Regexp
	mu    sync.Mutex
	text  []byte
	ready chan string
	found bool
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if !o.found {
		// Only whole lines: the URL may come in two pieces.
		for from := 0; ; {
			n, line, err := bufio.ScanLines(o.text[from:], false)
			if err != nil || n == 0 {
				break
			}
			from += n
			if m := o.line.FindSubmatch(line); m != nil {
				o.found = true
				o.ready <- string(m[1])
				break
			}
		}
	}
	return len(p), nil
}

func (o *transcript) tail() string {
	const most = 16 << 10
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text[max(0, len(o.text)-most):])
}

// environment is what servers and clients get to see: nothing of the
// developer's AWS or Cognate settings.
func environment(t *testing.T) []string {
	t.Helper()
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + t.TempDir(),
		"TMPDIR=" + os.TempDir(),
		"LANG=C.UTF-8",
		"NO_PROXY=*",
		"AWS_EC2_METADATA_DISABLED=true",
		"PYTHONDONTWRITEBYTECODE=1",
	}
}

// run executes a client's suite and returns what it printed, as the test's
// log if it failed.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience.Limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(environment(t), env...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
