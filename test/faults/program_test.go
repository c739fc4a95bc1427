package faults_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cognate/test/patience"
)

// program builds the server's binary once, when a test first needs it.
// COGNATE_TEST_PROGRAM names another, to try a release.
var program = sync.OnceValues(func() (string, error) {
	if p := os.Getenv("COGNATE_TEST_PROGRAM"); p != "" {
		return p, nil
	}
	dir, err := os.MkdirTemp("", "cognate-faults-")
	if err != nil {
		return "", err
	}
	programDir = dir
	path := filepath.Join(dir, "cognate")
	build := exec.Command("go", "build", "-o", path, "cognate/cmd/cognate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // As `make build` does.
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return path, nil
})

var programDir string

func removeProgram() {
	if programDir != "" {
		_ = os.RemoveAll(programDir)
	}
}

// process is a server as a program of its own.
type process struct {
	client
	cmd   *exec.Cmd
	out   *transcript
	ended chan struct{}
	err   error // of the end, once ended is closed
}

// launch runs the program and waits until it listens. before are shell commands
// that set limits for it.
func launch(t testing.TB, before string, args ...string) *process {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{out: &transcript{ready: make(chan string, 1)}, ended: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	if before != "" {
		p.cmd = exec.Command("/bin/sh", append([]string{"-c", before + `; exec "$0" "$@"`, path}, args...)...)
	}
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.cmd.Dir, "LANG=C.UTF-8"}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.kill(t) })
	select {
	case base := <-p.out.ready:
		p.client = newClient(t, base)
	case <-p.ended:
		t.Fatalf("cognate %v ended before it listened: %v\n%s", args, p.err, p.out)
	case <-time.After(patience.Limit):
		t.Fatalf("cognate %v does not say that it listens\n%s", args, p.out)
	}
	return p
}

// kill ends the program as a crash would.
func (p *process) kill(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-p.ended
}

// stop ends the program as an operator would, and holds it to that.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-p.ended:
		if p.err != nil {
			t.Errorf("the server ended with %v\n%s", p.err, p.out)
		}
	case <-time.After(patience.Limit):
		t.Errorf("the server does not stop within %v of SIGTERM\n%s", patience.Limit, p.out)
		p.kill(t)
	}
}

// noPanic looks for one in what the program said.
func (p *process) noPanic(t testing.TB) {
	t.Helper()
	if text := p.out.String(); strings.Contains(text, "panic") || strings.Contains(text, "does not list") {
		t.Errorf("the server said:\n%s", text)
	}
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// transcript keeps what a program prints and watches for the ready line.
type transcript struct {
	mu    sync.Mutex
	text  bytes.Buffer
	line  []byte
	ready chan string
	found bool
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	o.line = append(o.line, p...)
	for !o.found {
		n, line, err := bufio.ScanLines(o.line, false)
		if err != nil || n == 0 {
			break // Only whole lines: the URL may come in two pieces.
		}
		if m := listening.FindSubmatch(line); m != nil {
			o.found = true
			o.ready <- string(m[1])
		}
		o.line = o.line[n:]
	}
	return len(p), nil
}

// String returns the end of what was said.
func (o *transcript) String() string {
	const most = 16 << 10
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.text.Bytes()
	return string(b[max(0, len(b)-most):])
}
