package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestTraces: a server sends the spans of its requests, and its metrics name the routes as
// they do without traces.
func TestTraces(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	names := map[string]bool{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in tracepb.TracesData
		if err := proto.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, of := range in.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					names[s.Name] = true
				}
			}
		}
	}))
	defer collector.Close()
	c := serving.Dev(t)
	c.TracesEndpoint, c.TracesRatio = server.Secret(collector.URL), new(1.0)
	r := serving.Start(t, c)
	pool := serving.NewPool(t, r)
	serving.Get(t, r.URL()+"/"+pool+"/.well-known/openid-configuration")
	_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
	wantMetric(t, metrics, `cognate_requests_total{code="",operation="CreateUserPool"} 1`)
	wantMetric(t, metrics, `cognate_requests_total{code="",operation="GET /{pool}/.well-known/openid-configuration"} 1`)
	if err := r.Close(); err != nil { // The end sends what was recorded.
		t.Fatal(err)
	}
	for _, name := range []string{"CreateUserPool", "GET /{pool}/.well-known/openid-configuration", "database update", "database read"} {
		if !names[name] {
			t.Errorf("no span %s in %v", name, names)
		}
	}
}
