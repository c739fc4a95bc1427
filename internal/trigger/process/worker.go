package process

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"time"

	"cognate/internal/trigger"
)

// waitDelay is how long to wait for the end of a killed process's output: another
// process that it started may hold the pipe.
const waitDelay = time.Second

// worker is one process.
type worker struct {
	generation *generation
	secret     string
	cmd        *exec.Cmd
	output     *prefixWriter
	ended      chan struct{} // closed when the process is gone
	starting   *time.Timer

	mu      sync.Mutex
	asked   bool     // has asked for an event
	between bool     // has answered an event, but not asked for the next
	current *job     // nil between events
	failure *outcome // the error that it reported instead of asking for an event
	killed  bool
}

func newWorker(g *generation) *worker {
	return &worker{generation: g, secret: rand.Text(), ended: make(chan struct{})}
}

func (w *worker) start() error {
	g := w.generation
	f, s := g.fn.folder, g.source
	argv := s.command(g.fn.dir, g.binary)
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	w.cmd = exec.Command(program, argv[1:]...) //nolint:gosec,noctx // running the functions of this folder is what it is for; watch kills it
	w.cmd.Dir = g.fn.dir
	w.cmd.Env = f.environment(g.env, map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          f.api.address + "/" + w.secret,
		"_HANDLER":                        s.handler,
		"LAMBDA_TASK_ROOT":                g.fn.dir,
		"LAMBDA_RUNTIME_DIR":              g.fn.dir,
		"AWS_LAMBDA_FUNCTION_NAME":        g.fn.name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + g.fn.name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_EXECUTION_ENV":               "AWS_Lambda_local",
		"COGNATE_FUNCTION_FILE":           s.file,
		"PYTHONUNBUFFERED":                "1",
		"TZ":                              ":UTC",
	})
	w.output = f.output.prefixed(g.fn.name)
	w.cmd.Stdout, w.cmd.Stderr = w.output, w.output
	w.cmd.WaitDelay = waitDelay
	contain(w.cmd)
	f.api.add(w)
	w.mu.Lock() // The process may ask for events before start returns.
	defer w.mu.Unlock()
	if err := w.cmd.Start(); err != nil {
		f.api.remove(w)
		return err
	}
	w.starting = time.AfterFunc(cmp.Or(f.options.InitTimeout, defaultInitTimeout), func() {
		f.options.Log.Warn("a function did not ask for an event in time", slog.String("function", g.fn.name))
		w.kill()
	})
	return nil
}

// watch waits for the process's end and frees its slot.
func (w *worker) watch() {
	g := w.generation
	f := g.fn.folder
	stop := context.AfterFunc(f.ctx, w.kill)
	err := w.cmd.Wait()
	stop()
	w.starting.Stop()
	f.api.remove(w)
	_ = killGroup(w.cmd.Process) // What it started ends with it.
	w.output.flush()
	if err == nil {
		err = errExit
	}
	w.mu.Lock()
	w.returns(false)
	if !w.killed {
		f.options.Log.Warn("a function's process has ended", slog.String("function", g.fn.name), slog.Any("error", err))
	}
	if w.current != nil {
		w.current.done <- outcome{err: &trigger.InvokeError{Name: nameExit, Err: err}}
		w.current = nil
	}
	if !w.asked && w.failure == nil {
		w.failure = &outcome{err: &trigger.InvokeError{Name: nameExit, Err: fmt.Errorf("before its first event: %w", err)}}
	}
	w.mu.Unlock()
	<-g.slots
	close(w.ended)
}

// startFailure returns the failure of a process that never asked for an event.
func (w *worker) startFailure() (outcome, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == nil {
		return outcome{}, false
	}
	return *w.failure, true
}

// kill ends the process and what it started.
func (w *worker) kill() {
	w.mu.Lock()
	w.killed = true
	w.mu.Unlock()
	_ = killGroup(w.cmd.Process) // It may be gone already.
}

// next waits for an event for the process. It returns false if there will be no
// more events.
func (w *worker) next(gone <-chan struct{}) (*job, bool) {
	g := w.generation
	w.mu.Lock()
	w.asked = true
	w.returns(false)
	w.mu.Unlock()
	w.starting.Stop()
	select {
	case <-g.retired:
		w.kill()
		return nil, false
	default:
	}
	select {
	case j := <-g.jobs:
		j.worker = w
		w.mu.Lock()
		w.current = j
		w.mu.Unlock()
		close(j.taken)
		return j, true
	case <-g.retired:
		w.kill()
		return nil, false
	case <-w.ended:
		return nil, false
	case <-gone:
		return nil, false
	}
}

// busy reports whether the process has an event that it has not answered.
func (w *worker) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current != nil
}

// finish sets the outcome of the event with the id. It returns false if that is not
// the current event.
func (w *worker) finish(id string, out outcome) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.in.ID != id {
		return false
	}
	w.returns(true)
	w.current.done <- out
	w.current = nil
	return true
}

// returns records whether the process is about to ask for the next event.
func (w *worker) returns(soon bool) {
	switch {
	case soon && !w.between:
		w.generation.returning.Add(1)
	case !soon && w.between:
		w.generation.returning.Add(-1)
	}
	w.between = soon
}

// failed records that the process cannot start.
func (w *worker) failed(body []byte) {
	w.mu.Lock()
	if w.failure == nil && !w.asked {
		w.failure = &outcome{result: trigger.Result{Payload: body, Failed: true}}
	}
	w.mu.Unlock()
	w.kill()
}

// traceID is a header that some runtimes want.
func (j *job) traceID() string {
	id := strings.ReplaceAll(j.in.ID, "-", "")
	if len(id) != 32 {
		return ""
	}
	return "Root=1-" + id[:8] + "-" + id[8:] + ";Sampled=0"
}
