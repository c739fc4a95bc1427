package edge_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cognate/internal/audit"
	"cognate/internal/server/edge"
)

// TestPanic answers a panic with status 500. If half of an answer was written, the
// connection ends instead. Both have their line in the log, and end for the metrics.
func TestPanic(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	metrics := audit.NewMetrics("test")
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		panic("a fault")
	})
	server := httptest.NewUnstartedServer(edge.Wrap(next, edge.Config{
		MaxBytes: 1 << 20, Timeout: time.Hour, Now: time.Now, Metrics: metrics, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	for _, tt := range []struct {
		path   string
		status int
		whole  bool
	}{
		{"/whole", http.StatusInternalServerError, true},
		{"/half", http.StatusOK, false},
	} {
		res, err := server.Client().Get(server.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != tt.status || (err == nil) != tt.whole {
			t.Errorf("%s: status %d, then %v", tt.path, res.StatusCode, err)
		}
	}
	server.Close() // waits for both requests
	if n := strings.Count(log.String(), "msg=request "); n != 2 {
		t.Errorf("the log has %d lines of requests, want 2:\n%s", n, log.String())
	}
	rec := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(rec.Body.String(), "cognate_requests_in_flight 0") {
		t.Error("a request that panicked is still in flight for the metrics")
	}
}
