package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/keys"
)

// Config holds the settings of the edge.
type Config struct {
	// Proxies are the address blocks of the trusted proxies in front.
	Proxies []netip.Prefix
	// RequireTLS refuses requests that came to a plain listener, except from
	// Proxies and, with AllowLoopback, from this machine.
	RequireTLS, AllowLoopback bool
	// Development says that this is a development server.
	Development bool
	// HealthPath is the path that proxies may read over plain HTTP.
	HealthPath string
	// MaxBytes is the largest body of a request, and Timeout its longest time. 0 is no
	// limit.
	MaxBytes int64
	Timeout  time.Duration
	// Uploads are the requests with limits of their own.
	Uploads Uploads

	Now     func() time.Time
	Log     *slog.Logger
	Metrics *audit.Metrics
	// Active gets each finished request, to find the active users of the month; nil: none.
	Active func(*api.Request, *audit.Facts)
}

// Uploads are requests that may be larger and take longer than others.
type Uploads struct {
	Match    func(*http.Request) bool // nil matches nothing
	MaxBytes int64
	Timeout  time.Duration
}

// edge bounds and describes every request, gives it a wide event, and logs it once.
type edge struct {
	Config

	next    http.Handler
	proxies proxies
}

// Wrap returns a handler that passes requests on to next within the limits of c.
func Wrap(next http.Handler, c Config) http.Handler {
	return &edge{Config: c, next: next, proxies: c.Proxies}
}

// ServeHTTP implements http.Handler.
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := e.proxies.client(r)
	request := &api.Request{
		ID: keys.NewUUID(), Time: e.Now(), SourceIP: client.address, UserAgent: r.UserAgent(),
		Scheme: client.scheme(), Host: cmp.Or(client.host, r.Host), Proxied: client.proxied, Development: e.Development,
	}
	ctx, event := audit.With(api.WithRequest(r.Context(), request))
	maxBytes, timeout := e.MaxBytes, e.Timeout
	if u := e.Uploads; u.Match != nil && u.Match(r) {
		maxBytes, timeout = u.MaxBytes, u.Timeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	r = r.WithContext(ctx)
	r.Host = request.Host // Signatures and login domains use the name that the client used.
	body := &countingBody{ReadCloser: r.Body}
	if maxBytes > 0 {
		body.ReadCloser = http.MaxBytesReader(w, r.Body, maxBytes)
	}
	if r.Body != http.NoBody {
		r.Body = body
	}
	if len(r.TransferEncoding) > 0 {
		// The request may also have had a Content-Length, which net/http drops in
		// silence. A proxy that used it would take the rest for another request
		// (RFC 9112 §6.1: close the connection after responding to such a request).
		w.Header().Set("Connection", "close")
	}
	rec := &recorder{ResponseWriter: w}
	e.Metrics.Started()
	// A deferred call of its own: recovered may panic again.
	defer func() { e.finish(rec, r, event, body.n) }()
	defer func() { e.recovered(rec, r, recover()) }()
	if !e.admits(client, r) {
		http.Error(rec, "This server is reached through its proxy, over HTTPS, of which the proxy says X-Forwarded-Proto: https.", http.StatusForbidden)
		return
	}
	e.next.ServeHTTP(rec, r)
}

// admits rejects requests that would carry passwords without TLS. On a plain listener
// only the trusted proxies and, with AllowLoopback, this machine may send requests. A
// proxy must say for each request that its client used TLS: a proxy without that header
// may speak plain HTTP with its clients. Health checks of proxies are exempt, since they
// carry no secret, and some proxies cannot add a header to them.
func (e *edge) admits(c client, r *http.Request) bool {
	switch {
	case c.proxied:
		return c.secure || r.Method == http.MethodGet && r.URL.Path == e.HealthPath
	case !e.RequireTLS || c.secure:
		return true
	}
	return e.AllowLoopback && c.loopback
}

// recovered answers after a panic. The connection goes on if nothing was written.
func (e *edge) recovered(w *recorder, r *http.Request, p any) {
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		w.aborted = true
		panic(p)
	}
	e.Log.ErrorContext(r.Context(), "panic", slog.String("requestId", api.RequestFrom(r.Context()).ID),
		slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // Half an answer must not look like a whole one.
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", api.CodeInternalError+":")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `{"__type":%q}`, api.CodeInternalError)
}

// finish writes the request's line of the log and counts the request.
func (e *edge) finish(w *recorder, r *http.Request, event *audit.Event, bytesIn int64) {
	request := api.RequestFrom(r.Context())
	took, status := e.Now().Sub(request.Time), w.code()
	facts, operation := event.Facts(), request.Operation
	if facts.Code == "" && status >= http.StatusInternalServerError && audit.ClientLeft(r.Context()) {
		facts.Code = audit.CodeClientGone // of a route that has no operation
		event.SetCode(facts.Code)
	}
	if facts.Code == audit.CodeClientGone {
		status = statusClientGone
	}
	if operation == "" {
		// The route's pattern, never the path: a client must not make new series.
		operation = r.Pattern
	}
	if operation == "" {
		operation = "none"
	}
	e.Metrics.Finished(operation, facts.Code, took)
	e.Metrics.Observe(request, &facts)
	if e.Active != nil {
		e.Active(request, &facts)
	}
	if facts.Reason != "" && facts.Code != "" {
		e.Metrics.Refused(operation, string(facts.Reason))
	}
	attrs := append([]slog.Attr{
		slog.String("requestId", request.ID),
		slog.String("method", r.Method),
		slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("ip", request.SourceIP),
		slog.Int64("bytesIn", bytesIn),
		slog.Int64("bytesOut", w.n),
		slog.String("userAgent", Clip(request.UserAgent, 200)),
	}, event.Attrs()...)
	if r.URL.Path != "/" {
		attrs = append(attrs, slog.String("path", Clip(r.URL.Path, 200)))
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError || w.aborted && status != statusClientGone {
		level = slog.LevelError
	}
	if h := e.Log.Handler(); h.Enabled(r.Context(), level) {
		// Not by e.Log: finding out who calls costs a stack walk.
		line := slog.NewRecord(request.Time.Add(took), level, "request", 0)
		line.AddAttrs(attrs...)
		_ = h.Handle(r.Context(), line)
	}
}

// statusClientGone is the status that proxies log for a client that went away.
const statusClientGone = 499

// Clip returns the first n bytes of s at most.
func Clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// recorder records the status and the size of the answer.
type recorder struct {
	http.ResponseWriter
	status int
	n      int64
	// aborted is true if only a part of the answer was sent.
	aborted bool
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.n += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
