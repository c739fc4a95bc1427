package audit_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/audit"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	ctx, e := audit.With(t.Context())
	audit.From(ctx).Set("name", "a")
	audit.From(ctx).Set("n", 3)
	audit.From(context.WithoutCancel(ctx)).Set("name", "b")
	audit.From(ctx).SetReason("locked")
	audit.From(ctx).SetUser(audit.Nobody)
	audit.From(ctx).SetTarget("t")
	audit.From(ctx).SetPool("x")
	audit.From(ctx).SetClient("p", "c")
	var got []string
	for _, a := range e.Attrs() {
		got = append(got, a.String())
	}
	if d := cmp.Diff([]string{"pool=p", "appClient=c", "user=none", "target=t", "reason=locked", "name=b", "n=3"}, got); d != "" {
		t.Error(d)
	}
	if e.Text("name") != "b" || e.Text("n") != "" || e.Text("none") != "" {
		t.Error("Text does not return what was set")
	}
	if e.Reason() != "locked" {
		t.Errorf("Reason() = %q", e.Reason())
	}
	audit.From(t.Context()).Set("nowhere", 1) // Without an event nothing happens.
}

func TestEventTakesSeveralWriters(t *testing.T) {
	t.Parallel()
	ctx, e := audit.With(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { audit.From(ctx).Set(string(rune('a'+i)), i) })
	}
	wg.Wait()
	if n := len(e.Attrs()); n != 8 {
		t.Errorf("%d values, want 8", n)
	}
}

// TestEventKeepsLogValuers shows that a type that hides itself stays hidden.
func TestEventKeepsLogValuers(t *testing.T) {
	t.Parallel()
	_, e := audit.With(t.Context())
	e.Set("x", hidden("s3cr3t"))
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).LogAttrs(t.Context(), slog.LevelInfo, "m", e.Attrs()...)
	if strings.Contains(b.String(), "s3cr3t") {
		t.Error(b.String())
	}
}

type hidden string

func (hidden) LogValue() slog.Value { return slog.StringValue("[redacted]") }

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := audit.NewMetrics("v1")
	m.Gauge("cognate_depth", "Depth.", func() float64 { return 7 })
	m.Started()
	m.Started()
	m.Finished("SignUp", "", 3*time.Millisecond)
	m.Refused("InitiateAuth", "wrong_password")
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	body, _ := io.ReadAll(rec.Body)
	for _, line := range []string{
		`cognate_build_info{version="v1"} 1`, `cognate_depth 7`, `cognate_requests_in_flight 1`,
		`cognate_requests_total{code="",operation="SignUp"} 1`,
		`cognate_refusals_total{operation="InitiateAuth",reason="wrong_password"} 1`, `cognate_request_duration_seconds_bucket{operation="SignUp",le="0.005"} 1`,
	} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}
