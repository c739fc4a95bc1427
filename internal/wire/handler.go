package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"

	"cognate/internal/api"
	"cognate/internal/api/awsquery"
	"cognate/internal/audit"
	"cognate/internal/iam"
	"cognate/internal/iam/sigv4"
)

// Handler answers AWS JSON 1.1 and AWS Query.
type Handler struct {
	config  Config
	targets map[string]*api.Binding
	// versions are the operations of the Query protocol, by the service's version and their name.
	versions map[string]map[string]*api.Binding
	buffers  sync.Pool
}

// New returns a handler. It panics if two operations have the same target.
func New(c Config) *Handler {
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.Limits == nil {
		c.Limits = noLimits{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{config: c, targets: map[string]*api.Binding{}, versions: map[string]map[string]*api.Binding{}}
	h.buffers.New = func() any { return new([]byte) }
	for i := range c.Bindings {
		b := &c.Bindings[i]
		if b.Service.Protocol == "query" {
			h.bindQuery(b)
			continue
		}
		for _, prefix := range targetPrefixes(b.Service.TargetPrefix) {
			target := prefix + "." + b.Name
			if h.targets[target] != nil {
				panic("wire: two operations for " + target)
			}
			h.targets[target] = b
		}
	}
	return h
}

// targetPrefixes returns the prefixes that clients send. CloudTrail's has a namespace, which the
// SDKs made from Smithy models leave out.
func targetPrefixes(prefix string) []string {
	if i := strings.LastIndexByte(prefix, '.'); i >= 0 {
		return []string{prefix, prefix[i+1:]}
	}
	return []string{prefix}
}

// Mount adds the route of all operations. The X-Amz-Target names the operation, and the
// operation defines how its requests are authenticated.
func (h *Handler) Mount(mux *http.ServeMux) { mux.Handle("/{$}", h) }

// exchange is one request and its response.
type exchange struct {
	*Handler
	w       http.ResponseWriter
	r       *http.Request
	request *api.Request
	event   *audit.Event
	binding *api.Binding
	// form has the parameters of a request in the Query protocol; nil in AWS JSON.
	form *awsquery.Form
	// query is true in the Query protocol.
	query bool
	// principal signed the request. in and out are the structures of the operation.
	principal *iam.Principal
	in, out   any
	// resource is the resource that the input names.
	resource api.Resource
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	x := &exchange{Handler: h, w: w, r: r, request: api.RequestFrom(r.Context()), event: audit.From(r.Context())}
	x.request.AccountID = h.config.AccountID
	out, err := x.run()
	x.respond(out, err)
	if out != nil {
		h.recycle(out)
	}
}

// run does everything up to the response. A panic becomes an error.
func (x *exchange) run() (out *[]byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does: it is panicked with bare
				panic(p)
			}
			x.config.Log.ErrorContext(x.r.Context(), "panic", slog.String("requestId", x.request.ID), slog.String("stack", string(debug.Stack())))
			out, err = nil, panicError{p}
		}
	}()
	x.query = isQuery(x.r)
	if !x.query {
		if err := x.route(); err != nil {
			return nil, err
		}
		if err := x.config.Limits.Arrived(x.r.Context(), x.binding.Operation); err != nil {
			return nil, err
		}
	}
	body, err := x.read()
	if err != nil {
		return nil, err
	}
	defer x.recycle(body)
	if x.query {
		if err := x.routeQuery(*body); err != nil {
			return nil, err
		}
		if err := x.config.Limits.Arrived(x.r.Context(), x.binding.Operation); err != nil {
			return nil, err
		}
	}
	principal, err := x.authenticate(*body)
	if err != nil {
		x.event.SetClaimedKey(sigv4.ClaimedKey(x.r.Header))
		return nil, x.frontEndError(x.countFailure(err))
	}
	x.principal = principal
	in, err := x.decode(*body)
	if err != nil {
		return nil, err
	}
	x.in = in
	if err := x.authorize(in, principal); err != nil {
		return nil, x.frontEndError(err)
	}
	if err := x.config.Trail.Admit(x.binding.Operation); err != nil {
		return nil, err
	}
	ctx := x.r.Context()
	if err := x.config.Limits.Called(ctx, x.binding.Operation, in, x.resource); err != nil {
		return nil, err
	}
	if principal != nil {
		ctx = iam.WithPrincipal(ctx, principal)
	}
	return x.call(ctx, in)
}

// panicError is a panic of an operation.
type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprintf("wire: panic: %v", e.value) }

var errUnknownOperation = &api.Error{Code: api.CodeUnknownOperation}

// route finds the operation.
func (x *exchange) route() error {
	target := x.r.Header.Values("X-Amz-Target")
	if x.r.Method != http.MethodPost || len(target) != 1 {
		return errUnknownOperation
	}
	if !isAWSJSON(x.r.Header.Get("Content-Type")) {
		return errUnknownOperation
	}
	x.binding = x.targets[target[0]]
	if x.binding == nil {
		return errUnknownOperation
	}
	x.request.Service, x.request.Operation = x.binding.Service.Name, x.binding.Name
	return nil
}

// isAWSJSON reports whether a Content-Type is AWS JSON 1.1, with parameters or without.
func isAWSJSON(header string) bool {
	if header == contentType {
		return true
	}
	kind, _, err := mime.ParseMediaType(header)
	return err == nil && kind == contentType
}

// read returns the body in a buffer that is reused later: decoding copies the values that
// it keeps.
func (x *exchange) read() (*[]byte, error) {
	limit := x.config.MaxBody
	if x.r.ContentLength > limit {
		return nil, errTooLarge
	}
	buf := x.buffers.Get().(*[]byte)
	b := (*buf)[:0]
	// The Content-Length is only a promise: do not reserve much memory for it.
	if n := int(min(x.r.ContentLength, maxRecycled-1)); n >= cap(b) {
		b = make([]byte, 0, n+1)
	}
	src := io.LimitReader(x.r.Body, limit+1)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := src.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			x.recycle(&b)
			return nil, readError(err)
		}
	}
	*buf = b
	if int64(len(b)) > limit {
		return nil, errTooLarge
	}
	return buf, nil
}

var errTooLarge = &api.Error{
	Code: "RequestEntityTooLargeException", Message: "Request size exceeds the limit.", Status: http.StatusRequestEntityTooLarge,
}

func readError(err error) error {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return errTooLarge
	}
	return api.SerializationError("The request body could not be read").WithCause(err)
}

// maxRecycled is the size up to which buffers are reused.
const maxRecycled = 64 << 10

func (h *Handler) recycle(b *[]byte) {
	if cap(*b) <= maxRecycled {
		clear((*b)[:cap(*b)]) // Passwords and tokens were in it.
		*b = (*b)[:0]
		h.buffers.Put(b)
	}
}

// call runs the operation and encodes its output.
func (x *exchange) call(ctx context.Context, in any) (*[]byte, error) {
	out, err := x.binding.Call(ctx, in)
	if err != nil {
		if api.ReasonOf(err) == api.ReasonBadAccessToken {
			err = x.config.Limits.Failed(ctx, err)
		}
		return nil, err
	}
	x.out = out
	if !x.binding.HasOutput && !x.query {
		return nil, nil
	}
	buf := x.buffers.Get().(*[]byte)
	if x.query {
		*buf = x.appendResult((*buf)[:0], out)
	} else {
		*buf = x.binding.Encode((*buf)[:0], out)
	}
	return buf, nil
}

// decode reads the operation's input.
func (x *exchange) decode(body []byte) (any, error) {
	if x.form == nil {
		return x.binding.Decode(body)
	}
	document, err := x.form.JSON()
	if err != nil {
		return nil, err
	}
	return x.binding.Decode(document)
}
