package process

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/trigger"
)

// Names of the errors of processes, as Lambda has them.
const (
	nameExit       = "Runtime.ExitError"
	nameEntrypoint = "Runtime.InvalidEntrypoint"
)

// returnTime is how long an event waits for a process that is about to ask for the
// next event, before another process is started.
const returnTime = 10 * time.Millisecond

// function is one folder. Its processes belong to one generation: they run the files
// as they were when the generation began.
type function struct {
	folder *Folder
	name   string
	dir    string
	// declared is nil for a function of the folder.
	declared *Function

	mu      sync.Mutex
	current *generation
	closed  bool
	count   int // of generations
}

// generation holds the processes that run one state of the files.
type generation struct {
	fn      *function
	files   [sha256.Size]byte
	source  source
	binary  string
	env     map[string]string
	ready   chan struct{} // closed when err and binary are known: at once, but for Go
	err     error
	retired chan struct{} // closed when the files have changed
	jobs    chan *job     // taken by processes that ask for the next event
	slots   chan struct{} // one for each process

	// returning counts the processes that have answered and are about to ask again.
	returning atomic.Int32

	wg sync.WaitGroup
}

// job is an event with its outcome.
type job struct {
	in     trigger.Invocation
	ctx    context.Context
	worker *worker
	taken  chan struct{} // closed when a process has the event
	done   chan outcome
}

type outcome struct {
	result trigger.Result
	err    error
}

// generation returns the processes for the files as they are now.
func (fn *function) generation(ctx context.Context) (*generation, error) {
	files, err := fingerprint(fn.dir)
	if err != nil {
		if fn.isClosed() { // Its folder may be removed.
			err = errClosed
		}
		return nil, err
	}
	g, err := fn.at(files)
	if err != nil {
		return nil, err
	}
	select {
	case <-g.ready:
		return g, g.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (fn *function) isClosed() bool {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	return fn.closed
}

// at returns the generation of a state of the files. It begins a generation if the
// state is new.
func (fn *function) at(files [sha256.Size]byte) (*generation, error) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	if fn.closed {
		return nil, errClosed
	}
	if fn.current != nil && fn.current.files == files {
		return fn.current, nil
	}
	if fn.current != nil {
		close(fn.current.retired)
		fn.current = nil
		fn.folder.options.Log.Info("a function has changed", slog.String("function", fn.name))
	}
	source, env, err := fn.read()
	if err != nil {
		return nil, err
	}
	fn.count++
	g := &generation{
		fn: fn, files: files, source: source, env: env, ready: make(chan struct{}), retired: make(chan struct{}),
		jobs: make(chan *job), slots: make(chan struct{}, fn.folder.options.Processes),
	}
	fn.current = g
	if source.kind != goModule {
		close(g.ready)
		return g, nil
	}
	name := fmt.Sprintf("%s-%d", fn.name, fn.count)
	g.wg.Go(func() {
		defer close(g.ready)
		if g.binary, g.err = fn.build(name); g.err != nil {
			return
		}
		fn.folder.options.Log.Info("a function is built", slog.String("function", fn.name))
	})
	return g, nil
}

// invoke has a process answer an event. When ctx ends first, the process is killed.
func (fn *function) invoke(ctx context.Context, in trigger.Invocation) (trigger.Result, error) {
	for {
		g, err := fn.generation(ctx)
		switch {
		case ctx.Err() != nil:
			return trigger.Result{}, ctx.Err()
		case err != nil:
			return trigger.Result{}, &trigger.InvokeError{Name: nameEntrypoint, Err: err}
		}
		out, handed := g.invoke(ctx, in)
		if handed {
			return out.result, out.err
		}
	}
}

// invoke hands an event to a waiting process, or starts a process. It returns false
// if the files changed before that.
func (g *generation) invoke(ctx context.Context, in trigger.Invocation) (outcome, bool) {
	j := &job{in: in, ctx: ctx, taken: make(chan struct{}), done: make(chan outcome, 1)}
	select {
	case g.jobs <- j:
		return j.wait(ctx), true
	default:
	}
	if g.returning.Load() > 0 {
		// Another process would take far longer to start.
		pause := time.NewTimer(returnTime)
		defer pause.Stop()
		select {
		case g.jobs <- j:
			return j.wait(ctx), true
		case <-pause.C:
		}
	}
	slots := g.slots
	var started *worker
	var ended <-chan struct{}
	for {
		select {
		case g.jobs <- j:
			return j.wait(ctx), true
		case slots <- struct{}{}:
			w, err := g.start()
			if errors.Is(err, errRetired) {
				<-g.slots
				return outcome{}, false
			}
			if err != nil {
				<-g.slots
				return outcome{err: &trigger.InvokeError{Name: nameEntrypoint, Err: err}}, true
			}
			started, ended, slots = w, w.ended, nil
		case <-ended:
			if out, ok := started.startFailure(); ok {
				return out, true
			}
			started, ended, slots = nil, nil, g.slots // The process served another event, and has died.
		case <-g.retired:
			return outcome{}, false
		case <-ctx.Done():
			// A process that is still starting continues, and serves the next event.
			return outcome{err: ctx.Err()}, true
		}
	}
}

// wait waits for the outcome of a job that a process has taken.
func (j *job) wait(ctx context.Context) outcome {
	select {
	case out := <-j.done:
		return out
	case <-ctx.Done():
	}
	<-j.taken
	j.worker.kill()
	return outcome{err: ctx.Err()}
}

// close ends all processes, and waits.
func (fn *function) close() {
	fn.mu.Lock()
	g := fn.current
	fn.closed = true
	if g != nil {
		close(g.retired)
		fn.current = nil
	}
	fn.mu.Unlock()
	if g != nil {
		g.wg.Wait()
	}
}

// start starts a process. It has a slot already.
func (g *generation) start() (*worker, error) {
	f := g.fn.folder
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	select {
	case <-g.retired: // Its folder may be removed.
		return nil, errRetired
	default:
	}
	w := newWorker(g)
	if err := w.start(); err != nil {
		return nil, err
	}
	f.wg.Go(w.watch)
	return w, nil
}

// errorObject returns an error as functions report it.
func errorObject(kind, message string) []byte {
	text, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // Cannot fail.
	return text
}

var errRetired = errors.New("the function has changed")

var errExit = errors.New("the process ended before it answered")
