package process

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"

	"cognate/internal/trigger"
)

// runtimeAPI is the server's side of the Lambda Runtime API. All processes share
// its listener; the path of each begins with a secret of its own, so that no
// other process of the machine gets at events.
type runtimeAPI struct {
	address string
	server  *http.Server
	serving sync.WaitGroup

	mu      sync.Mutex
	workers map[string]*worker
}

// maxErrorObject is the largest error object that a function may send.
const maxErrorObject = 256 << 10

func newRuntimeAPI() (*runtimeAPI, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{address: listener.Addr().String(), workers: map[string]*worker{}}
	mux := http.NewServeMux()
	const base = "/{secret}/2018-06-01/runtime/"
	mux.HandleFunc("GET "+base+"invocation/next", a.of(a.next))
	mux.HandleFunc("POST "+base+"invocation/{id}/response", a.of(a.response))
	mux.HandleFunc("POST "+base+"invocation/{id}/error", a.of(a.failure))
	mux.HandleFunc("POST "+base+"init/error", a.of(a.initFailure))
	a.server = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)} //nolint:gosec // functions wait for events without limit
	a.serving.Go(func() { _ = a.server.Serve(listener) })
	return a, nil
}

func (a *runtimeAPI) add(w *worker) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.workers[w.secret] = w
}

func (a *runtimeAPI) remove(w *worker) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.workers, w.secret)
}

// dirs returns the folders in which processes run.
func (a *runtimeAPI) dirs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, w := range a.workers {
		out = append(out, w.generation.fn.dir)
	}
	return out
}

func (a *runtimeAPI) close() error {
	err := a.server.Close()
	a.serving.Wait()
	return err
}

// of returns a handler that finds the calling process.
func (a *runtimeAPI) of(h func(http.ResponseWriter, *http.Request, *worker)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		w := a.workers[r.PathValue("secret")]
		a.mu.Unlock()
		if w == nil {
			say(rw, http.StatusForbidden, errorObject("AccessDenied", "no such process"))
			return
		}
		h(rw, r, w)
	}
}

func say(rw http.ResponseWriter, status int, body []byte) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = rw.Write(body)
}

func (a *runtimeAPI) next(rw http.ResponseWriter, r *http.Request, w *worker) {
	if w.busy() {
		say(rw, http.StatusForbidden, errorObject("InvalidStateTransition", "the last event is not answered"))
		return
	}
	j, ok := w.next(r.Context().Done())
	if !ok {
		say(rw, http.StatusGone, errorObject("Shutdown", "there are no more events"))
		return
	}
	h := rw.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", j.in.ID)
	h.Set("Lambda-Runtime-Invoked-Function-Arn", j.in.ARN)
	h.Set("Lambda-Runtime-Trace-Id", j.traceID())
	if deadline, ok := j.ctx.Deadline(); ok {
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	}
	h.Set("Content-Length", strconv.Itoa(len(j.in.Payload)))
	_, _ = rw.Write(j.in.Payload) // A process that does not read the event dies, or runs out of time.
}

func (a *runtimeAPI) response(rw http.ResponseWriter, r *http.Request, w *worker) {
	body, err := read(rw, r, trigger.MaxPayload)
	out := outcome{result: trigger.Result{Payload: body}}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		out = outcome{err: &trigger.InvokeError{Name: trigger.NameResponseTooLarge, Err: err}}
	} else if err != nil {
		return // The process is going, or gone; its end is noticed.
	}
	switch {
	case !w.finish(r.PathValue("id"), out):
		say(rw, http.StatusBadRequest, errorObject("InvalidRequestID", "Invalid request ID"))
	case out.err != nil:
		say(rw, http.StatusRequestEntityTooLarge, errorObject("RequestEntityTooLarge", "the answer has more than 6 MiB"))
	default:
		say(rw, http.StatusAccepted, []byte(`{"status":"OK"}`))
	}
}

func (a *runtimeAPI) failure(rw http.ResponseWriter, r *http.Request, w *worker) {
	body, err := read(rw, r, maxErrorObject)
	if err != nil {
		body = errorObject("Runtime.Error", "the error is too long")
	}
	if !w.finish(r.PathValue("id"), outcome{result: trigger.Result{Payload: body, Failed: true}}) {
		say(rw, http.StatusBadRequest, errorObject("InvalidRequestID", "Invalid request ID"))
		return
	}
	say(rw, http.StatusAccepted, []byte(`{"status":"OK"}`))
}

func (a *runtimeAPI) initFailure(rw http.ResponseWriter, r *http.Request, w *worker) {
	body, err := read(rw, r, maxErrorObject)
	if err != nil {
		body = errorObject("Runtime.Error", "the error is too long")
	}
	say(rw, http.StatusAccepted, []byte(`{"status":"OK"}`))
	w.failed(body)
}

func read(rw http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(rw, r.Body, limit))
}
