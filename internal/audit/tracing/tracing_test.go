package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/audit/tracing"
	"cognate/internal/store"
)

// collector is a stand-in for a collector of traces.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	spans []*tracepb.Span
	raw   []byte
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var in tracepb.TracesData // ExportTraceServiceRequest has the same form.
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &in) != nil {
			http.Error(w, "not understood", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body...)
		for _, of := range in.ResourceSpans {
			for _, s := range of.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// one traces a request and returns its spans, by name.
func one(t *testing.T, ratio float64, proxied bool, parent string, serve http.HandlerFunc) map[string]*tracepb.Span {
	t.Helper()
	c := newCollector(t)
	tracer, err := tracing.New(tracing.Deps{Endpoint: c.URL, Ratio: ratio, Version: "v1", Engine: "sqlite", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	observe := tracer.Database(func(ctx context.Context, _ store.Use) (context.Context, func(store.Result)) {
		return ctx, func(store.Result) {}
	})
	request := &api.Request{ID: "id", Time: time.Now(), Proxied: proxied}
	ctx, _ := audit.With(api.WithRequest(t.Context(), request))
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	if parent != "" {
		r.Header.Set("Traceparent", parent)
	}
	tracer.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve(w, r)
		_, end := observe(r.Context(), store.UseRead)
		end(store.ResultOK)
	})).ServeHTTP(httptest.NewRecorder(), r)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"alice", "hunter2"} {
		if bytes.Contains(c.raw, []byte(secret)) {
			t.Errorf("the trace has %q", secret)
		}
	}
	spans := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		spans[s.Name] = s
	}
	return spans
}

func attributes(s *tracepb.Span) map[string]string {
	m := map[string]string{}
	for _, a := range s.GetAttributes() {
		m[a.Key] = a.Value.GetStringValue()
	}
	return m
}

// signIn is a request that is refused.
func signIn(_ http.ResponseWriter, r *http.Request) {
	request := api.RequestFrom(r.Context())
	request.Service, request.Operation = "cognito-idp", "InitiateAuth"
	e := audit.From(r.Context())
	e.SetClient("pool", "client")
	e.SetUser("alice")
	e.SetReason(api.ReasonWrongPassword)
	e.SetAnswer("NotAuthorizedException")
	e.SetCause(errors.New("alice typed hunter2"))
	_, end := audit.Span(r.Context(), "trigger PreAuthentication")
	end(errors.New("alice typed hunter2"))
}

func TestSpans(t *testing.T) {
	t.Parallel()
	spans := one(t, 1, false, "", signIn)
	root := spans["InitiateAuth"]
	if root == nil || len(spans) != 3 {
		t.Fatalf("%v", spans)
	}
	want := map[string]string{
		"cognate.request_id": "id", "cognate.service": "cognito-idp", "cognate.code": "NotAuthorizedException", "cognate.reason": "wrong_password",
		"cognate.pool": "pool", "cognate.client": "client",
	}
	if d := cmp.Diff(want, attributes(root)); d != "" {
		t.Error(d)
	}
	for _, name := range []string{"database read", "trigger PreAuthentication"} {
		if s := spans[name]; s == nil || !bytes.Equal(s.ParentSpanId, root.SpanId) {
			t.Errorf("%s: %v", name, s)
		}
	}
	if s := spans["trigger PreAuthentication"]; s.Status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || s.Status.GetMessage() != "" {
		t.Errorf("status: %v", s.Status)
	}
	if d := cmp.Diff(map[string]string{"db.system.name": "sqlite", "cognate.result": "ok"}, attributes(spans["database read"])); d != "" {
		t.Error(d)
	}
}

// TestParents: only a trusted proxy may say which trace a request belongs to, and that it is
// recorded.
func TestParents(t *testing.T) {
	t.Parallel()
	const recorded, not = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	for _, tt := range []struct {
		name    string
		ratio   float64
		proxied bool
		parent  string
		spans   int
		joined  bool
	}{
		{"a proxy's trace", 0, true, recorded, 3, true},
		{"a proxy's trace that is not recorded", 1, true, not, 0, false},
		{"a stranger's trace", 1, false, recorded, 3, false},
		{"a stranger asks for a record", 0, false, recorded, 0, false},
		{"ratio 0", 0, true, "", 0, false},
		{"not a trace", 1, true, "none of yours", 3, false},
	} {
		spans := one(t, tt.ratio, tt.proxied, tt.parent, signIn)
		if len(spans) != tt.spans {
			t.Errorf("%s: %d spans", tt.name, len(spans))
			continue
		}
		if tt.spans > 0 {
			if joined := spans["InitiateAuth"].TraceId[0] == 0x0a && spans["InitiateAuth"].TraceId[1] == 0xf7 && len(spans["InitiateAuth"].ParentSpanId) > 0; joined != tt.joined {
				t.Errorf("%s: joined: %v", tt.name, joined)
			}
		}
	}
}

// TestRoutes: a request without an operation is named after its route, never after its path.
func TestRoutes(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{name}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /", func(http.ResponseWriter, *http.Request) {})
	spans := one(t, 1, false, "", mux.ServeHTTP)
	if spans["POST /"] == nil {
		t.Errorf("%v", spans)
	}
}

// TestCollectorIsAway: requests go on, and the log says it once a minute, without the secrets
// of the address.
func TestCollectorIsAway(t *testing.T) {
	t.Parallel()
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }))
	defer away.Close()
	var log bytes.Buffer
	tracer, err := tracing.New(tracing.Deps{
		Endpoint: strings.Replace(away.URL, "http://", "http://user:hunter2@", 1) + "/s3cr3t-path", Ratio: 1, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := audit.With(api.WithRequest(t.Context(), &api.Request{Time: time.Now()}))
	h := tracer.Handler(http.HandlerFunc(signIn))
	for range 1000 { // Several batches.
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || strings.Contains(log.String(), "hunter2") || strings.Contains(log.String(), "s3cr3t") {
		t.Errorf("%d lines: %s", n, log.String())
	}
	if _, err := tracing.New(tracing.Deps{Endpoint: "collector:4318"}); err == nil {
		t.Error("an address without a scheme is accepted")
	}
}

// TestOffCostsNothing: without a trace, the parts of a request allocate nothing.
func TestOffCostsNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts the allocations of all goroutines.
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		_, end := audit.Span(ctx, "trigger PreSignUp")
		end(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
