package edge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// leastRate is how many bytes a second a client of a paced handler must send or take, on
// average over the time that the server waits for the client.
const leastRate = 1 << 10

// Paced returns a handler without a limit on the time of a whole request, for large
// transfers. It cuts off a client that sends or takes nothing for the time wait, or that is
// slower than leastRate. The time in which the handler does not wait for the client does not
// count. The clock must be the one of the network.
func Paced(next http.Handler, wait time.Duration, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &transfer{control: http.NewResponseController(w), wait: wait, now: now}
		// An earlier request of the connection has left a deadline.
		_ = t.control.SetWriteDeadline(now().Add(wait))
		defer t.finish()
		r = r.WithContext(context.WithValue(r.Context(), transferKey{}, t))
		if r.Body == http.NoBody {
			t.read.Store(true)
		} else {
			r.Body = &pacedBody{r.Body, t}
		}
		next.ServeHTTP(&pacedWriter{w, t}, r)
	})
}

// A transfer is the client's side of a paced request. Errors of deadlines are ignored: a
// connection without deadlines has no limit.
type transfer struct {
	control *http.ResponseController
	wait    time.Duration
	now     func() time.Time

	in, out direction
	// read is true when the whole body was read.
	read       atomic.Bool
	slow, gone atomic.Bool
}

// A direction counts the waits for a client that sends, or for one that takes.
type direction struct {
	waited time.Duration
	bytes  int64
}

// deadline returns when the next wait must end.
func (d *direction) deadline(now time.Time, wait time.Duration) time.Time {
	earned := time.Duration(float64(d.bytes) / leastRate * float64(time.Second))
	return now.Add(min(wait, wait+earned-d.waited))
}

// ended counts a wait.
func (t *transfer) ended(d *direction, took time.Duration, n int, err error) {
	d.waited += took
	d.bytes += int64(n)
	switch {
	case err == nil || errors.Is(err, io.EOF):
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.slow.Store(true)
	default:
		t.gone.Store(true)
	}
}

// finish limits what the server does after the handler: it reads the rest of the body, and
// sends the rest of the answer.
func (t *transfer) finish() {
	deadline := t.now().Add(t.wait)
	_ = t.control.SetWriteDeadline(deadline)
	if !t.read.Load() {
		_ = t.control.SetReadDeadline(deadline)
	}
}

type transferKey struct{}

// TooSlow reports whether the client of a paced request was cut off.
func TooSlow(ctx context.Context) bool {
	t, ok := ctx.Value(transferKey{}).(*transfer)
	return ok && t.slow.Load()
}

// Gone reports whether the client of a paced request ended its connection.
func Gone(ctx context.Context) bool {
	t, ok := ctx.Value(transferKey{}).(*transfer)
	return ok && t.gone.Load()
}

// A pacedBody is the body of a paced request.
type pacedBody struct {
	io.ReadCloser

	transfer *transfer
}

// Read implements io.Reader.
func (b *pacedBody) Read(p []byte) (int, error) {
	t := b.transfer
	began := t.now()
	_ = t.control.SetReadDeadline(t.in.deadline(began, t.wait))
	n, err := b.ReadCloser.Read(p)
	t.ended(&t.in, t.now().Sub(began), n, err)
	if errors.Is(err, io.EOF) {
		// From here on the server only looks whether the client is still there.
		t.read.Store(true)
		_ = t.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// A pacedWriter writes the answer to a paced request.
type pacedWriter struct {
	http.ResponseWriter

	transfer *transfer
}

// Write implements io.Writer.
func (w *pacedWriter) Write(p []byte) (int, error) {
	t := w.transfer
	began := t.now()
	_ = t.control.SetWriteDeadline(t.out.deadline(began, t.wait))
	n, err := w.ResponseWriter.Write(p)
	t.ended(&t.out, t.now().Sub(began), n, err)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
