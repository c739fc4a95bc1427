package process_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"cognate/internal/trigger"
	"cognate/internal/trigger/process"
	"cognate/test/leaks"
	"cognate/test/patience"
)

// TestMain is also the function that the tests run, over AWS's own runtime for
// Go, and the server that one of them kills.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("AWS_LAMBDA_RUNTIME_API") != "":
		if _, err := os.Stat("refuse-to-start"); err == nil {
			os.Exit(3)
		}
		lambda.Start(handle)
	case os.Getenv("TEST_SERVER_DIR") != "":
		serveUntilKilled()
	default:
		os.Exit(leaks.Run(m))
	}
}

type order struct{ Do, Value string }

func handle(ctx context.Context, o order) (any, error) {
	switch o.Do {
	case "pid":
		return os.Getpid(), nil
	case "env":
		return os.Getenv(o.Value), nil
	case "file":
		text, err := os.ReadFile(o.Value)
		return string(text), err
	case "throw":
		return nil, errors.New(o.Value)
	case "crash":
		os.Exit(1)
	case "hang":
		select {}
	case "large":
		return strings.Repeat("x", 10<<20), nil
	case "meet": // until another process is there too
		if err := os.WriteFile(o.Value+strconv.Itoa(os.Getpid()), nil, 0o600); err != nil {
			return nil, err
		}
		for met, _ := filepath.Glob(o.Value + "*"); len(met) < 2; met, _ = filepath.Glob(o.Value + "*") {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
		return "met", nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, ok := ctx.Deadline()
		return fmt.Sprint(lc.InvokedFunctionArn, " ", ok && time.Until(deadline) > time.Minute), nil
	case "child": // which would outlive its parent
		cmd := exec.Command("sleep", "600")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return cmd.Process.Pid, nil
	case "intrude":
		return intrude()
	}
	return o.Value, nil
}

// intrude asks for events as a process that does not know the secret.
func intrude() (any, error) {
	host, _, _ := strings.Cut(os.Getenv("AWS_LAMBDA_RUNTIME_API"), "/")
	res, err := http.Get("http://" + host + "/guess/2018-06-01/runtime/invocation/next")
	if err != nil {
		return nil, err
	}
	return res.StatusCode, res.Body.Close()
}

const arn = "arn:aws:lambda:us-east-1:123456789012:function:f"

// folder makes a folder with the one function f.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "f"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "f", "bootstrap"), "#!/bin/sh\nexec '"+exe+"'\n", 0o700)
	return dir
}

func write(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, o process.Options) *process.Folder {
	t.Helper()
	o.Environ = append(os.Environ(), o.Environ...)
	patience.Extend(&o.InitTimeout)
	f, err := process.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

var ids struct {
	sync.Mutex
	n int
}

// invoke has the function do something within a time.
func invoke(t testing.TB, f *process.Folder, within time.Duration, do, value string) (string, bool, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	payload, _ := json.Marshal(order{do, value})
	ids.Lock()
	ids.n++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", ids.n)
	ids.Unlock()
	res, err := f.Invoke(ctx, trigger.Invocation{ID: id, ARN: arn, Payload: payload})
	return string(res.Payload), res.Failed, err
}

func must(t testing.TB, f *process.Folder, do, value string) string {
	t.Helper()
	out, failed, err := invoke(t, f, patience.Limit, do, value)
	if failed || err != nil {
		t.Fatalf("%s: %s, %v", do, out, err)
	}
	return out
}

func name(err error) string {
	if e, ok := errors.AsType[*trigger.InvokeError](err); ok {
		return e.Name
	}
	return fmt.Sprint(err)
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, filepath.Join(dir, "f", ".env"), "# remark\nTABLE=people\nexport QUOTED=\"a b\"\n", 0o600)
	f := open(t, process.Options{
		Dir: dir, Environ: []string{"COGNATE_KEK=secret", "GIVEN=outside"}, Env: map[string]string{"GIVEN": "default", "MISSING": "default"},
	})
	for _, tt := range []struct{ do, value, want string }{
		{"echo", "hi", `"hi"`},
		{"context", "", `"` + arn + ` true"`},
		{"env", "_HANDLER", `"bootstrap"`},
		{"env", "AWS_LAMBDA_FUNCTION_NAME", `"f"`},
		{"env", "LAMBDA_TASK_ROOT", `"` + filepath.Join(dir, "f") + `"`},
		{"env", "COGNATE_KEK", `""`},
		{"env", "GIVEN", `"outside"`},
		{"env", "MISSING", `"default"`},
		{"env", "TABLE", `"people"`},
		{"env", "QUOTED", `"a b"`},
		{"intrude", "", `403`},
	} {
		if got := must(t, f, tt.do, tt.value); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.do, tt.value, got, tt.want)
		}
	}
	if a, b := must(t, f, "pid", ""), must(t, f, "pid", ""); a != b {
		t.Errorf("two processes %s and %s for one event after another", a, b)
	}
	out, failed, err := invoke(t, f, patience.Limit, "throw", "no entry")
	if !failed || err != nil || !strings.Contains(out, `"errorMessage":"no entry"`) {
		t.Errorf("%s, %v, %v", out, failed, err)
	}
	if _, err := f.Invoke(t.Context(), trigger.Invocation{ARN: strings.Replace(arn, ":f", ":g", 1)}); name(err) != trigger.NameNotFound {
		t.Errorf("a function that is not there: %v", err)
	}
}

// TestFaults wants each fault's name, and a function that answers again after it.
func TestFaults(t *testing.T) {
	t.Parallel()
	f := open(t, process.Options{Dir: folder(t), Processes: 1})
	before := must(t, f, "pid", "")
	for _, tt := range []struct {
		do, want string
		within   time.Duration
		dies     bool
	}{
		{"crash", "Runtime.ExitError", patience.Limit, true},
		{"large", trigger.NameResponseTooLarge, patience.Limit, false},
		{"hang", context.DeadlineExceeded.Error(), 5 * time.Second, true},
	} {
		if _, _, err := invoke(t, f, tt.within, tt.do, ""); name(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.do, err, tt.want)
		}
		after := must(t, f, "pid", "")
		if tt.dies && after == before {
			t.Errorf("%s: process %s is still there", tt.do, before)
		}
		before = after
	}
}

// TestStartTakesTooLong ends a process that does not ask for an event in time.
func TestStartTakesTooLong(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, filepath.Join(dir, "f", "bootstrap"), "#!/bin/sh\nexec sleep 600\n", 0o700)
	f := open(t, process.Options{Dir: dir, InitTimeout: 100 * time.Millisecond})
	if _, _, err := invoke(t, f, patience.Limit, "pid", ""); name(err) != "Runtime.ExitError" || !strings.Contains(err.Error(), "before its first event") {
		t.Errorf("got %v", err)
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	f := open(t, process.Options{Dir: folder(t), Processes: 2})
	room := filepath.Join(t.TempDir(), "at-")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if out, failed, err := invoke(t, f, patience.Limit, "meet", room); failed || err != nil {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
	wg.Wait()
	for range 20 { // More than there are processes.
		wg.Go(func() {
			if out, failed, err := invoke(t, f, patience.Limit, "echo", "x"); out != `"x"` || failed || err != nil {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
	wg.Wait()
}

func TestHotReload(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	f := open(t, process.Options{Dir: dir})
	file := filepath.Join(dir, "f", "data.txt")
	write(t, file, "one", 0o600)
	first := must(t, f, "pid", "")
	if got := must(t, f, "file", "data.txt"); got != `"one"` {
		t.Error(got)
	}
	write(t, file, "two, later", 0o600)
	if second := must(t, f, "pid", ""); second == first {
		t.Error("the process outlived a change of its files")
	}
	if got := must(t, f, "file", "data.txt"); got != `"two, later"` {
		t.Error(got)
	}
	write(t, filepath.Join(dir, "f", "refuse-to-start"), "", 0o600)
	if _, _, err := invoke(t, f, patience.Limit, "pid", ""); name(err) != "Runtime.ExitError" {
		t.Errorf("a function that cannot start: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "f", "refuse-to-start")); err != nil {
		t.Fatal(err)
	}
	must(t, f, "pid", "")
	if err := os.Remove(filepath.Join(dir, "f", "bootstrap")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := invoke(t, f, patience.Limit, "pid", ""); name(err) != "Runtime.InvalidEntrypoint" {
		t.Errorf("a folder without a function: %v", err)
	}
}

// TestGoneWithTheServer kills a server and wants its functions to die with it,
// and those of a server that is closed, with what they started.
func TestGoneWithTheServer(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "TEST_SERVER_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatal("the function does not run")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitGone(t, pid)

	f := open(t, process.Options{Dir: dir})
	child, err := strconv.Atoi(must(t, f, "child", ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, child)
	if _, _, err := invoke(t, f, patience.Limit, "pid", ""); err == nil {
		t.Error("a closed folder runs functions")
	}
}

// alive reports whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	for alive(pid) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// serveUntilKilled runs the function once, says its process id, and waits.
func serveUntilKilled() {
	f, err := process.Open(process.Options{Dir: os.Getenv("TEST_SERVER_DIR"), Environ: os.Environ(), InitTimeout: patience.Limit, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		panic(err)
	}
	res, err := f.Invoke(context.Background(), trigger.Invocation{ID: "1", ARN: arn, Payload: []byte(`{"Do":"pid"}`)})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(res.Payload))
	_, _ = io.Copy(io.Discard, os.Stdin)
	select {}
}

func BenchmarkInvoke(b *testing.B) {
	f := open(b, process.Options{Dir: folder(b)})
	must(b, f, "echo", "x")
	for b.Loop() {
		must(b, f, "echo", "x")
	}
}
