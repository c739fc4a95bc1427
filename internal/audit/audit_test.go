package audit_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/audit"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	request := &api.Request{ID: "id"}
	ctx, e := audit.With(api.WithRequest(t.Context(), request))
	audit.From(ctx).SetReason(api.ReasonLocked)
	audit.From(context.WithoutCancel(ctx)).SetUser(audit.NoUser)
	audit.From(ctx).SetTarget("t")
	audit.From(ctx).SetPool("x")
	audit.From(ctx).SetClient("p", "c")
	audit.From(ctx).SetCode("Unavailable")
	want := []string{"pool=p", "appClient=c", "user=none", "target=t", "reason=locked", "code=Unavailable"}
	if d := cmp.Diff(want, texts(e)); d != "" {
		t.Error(d)
	}
	request.Operation, request.Region, request.AccessKeyID, request.PrincipalARN = "SignUp", "r", "k", "arn"
	audit.From(ctx).SetAnswer("")
	audit.From(ctx).SetClaimedKey("claimed")
	audit.From(ctx).SetCause(errors.New("disk on fire"))
	audit.From(ctx).SetImportJob("j")
	audit.From(ctx).SetMigrated("m")
	audit.From(ctx).SetWelcome("w")
	audit.From(ctx).TriggerRan("A", time.Second)
	audit.From(ctx).TriggerFailed("A", errors.New("refused"))
	audit.From(ctx).TriggerRan("B", time.Minute)
	audit.From(ctx).TriggerRan("A", 2*time.Second) // in place of the first run
	want = append(want[:5], "operation=SignUp", "code=", "region=r", "accessKey=k", "principal=arn", "claimedAccessKey=claimed",
		"cause=disk on fire", "job=j", "migrated=m", "welcome=w", "trigger.A=2s", "trigger.A.error=refused", "trigger.B=1m0s")
	if d := cmp.Diff(want, texts(e)); d != "" {
		t.Error(d)
	}
	if f := e.Facts(); f.Reason != api.ReasonLocked || !f.Answered || f.Code != "" || f.AppClient != "c" || len(f.Triggers) != 2 {
		t.Errorf("Facts() = %+v", f)
	}
	audit.From(t.Context()).SetPool("nowhere") // Without an event nothing happens.
}

func texts(e *audit.Event) []string {
	var list []string
	for _, a := range e.Attrs() {
		list = append(list, a.String())
	}
	return list
}

func TestEventTakesSeveralWriters(t *testing.T) {
	t.Parallel()
	ctx, e := audit.With(t.Context())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { audit.From(ctx).TriggerRan(string(rune('a'+i)), time.Second) })
	}
	wg.Wait()
	if n := len(e.Attrs()); n != 8 {
		t.Errorf("%d values, want 8", n)
	}
}

// TestCauseHidesAddresses shows that the secrets of an address stay out of the
// line, whoever notes the error that carries it.
func TestCauseHidesAddresses(t *testing.T) {
	t.Parallel()
	_, e := audit.With(t.Context())
	e.SetCause(&url.Error{Op: "Post", URL: "https://hooks.example.com/s3cr3t", Err: errors.New("refused")})
	if got, want := e.Facts().Cause, `Post "https://hooks.example.com": refused`; got != want {
		t.Errorf("cause %q, want %q", got, want)
	}
}

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
