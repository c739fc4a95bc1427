package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"cognate/internal/keys"
	"cognate/internal/server/edge"
	"cognate/internal/store"
)

// healthProbes answer whether the process is alive, and whether it should get requests.
type healthProbes struct {
	ready *atomic.Bool
	ring  *keys.Ring
	store *store.Store
}

func (s *Server) healthProbes() *healthProbes { return &healthProbes{&s.ready, s.ring, s.store} }

// healthPath is the path of /readyz on the main listener.
const healthPath = "/_cognate/health"

// mount adds the routes of the private listener and of the one for health checks.
func (h *healthProbes) mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { edge.WriteStatus(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", h.readyz)
}

// mountMain adds the route of the main listener.
func (h *healthProbes) mountMain(mux *http.ServeMux) { mux.HandleFunc("GET "+healthPath, h.readyz) }

// readyTimeout is how long /readyz waits for the database. Load balancers wait for
// a second or two.
const readyTimeout = 800 * time.Millisecond

// readyz answers, within a second, whether this node should get requests.
func (h *healthProbes) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	switch {
	case !h.ready.Load():
		edge.WriteStatus(w, http.StatusServiceUnavailable, "stopping")
	case !h.ring.Usable():
		edge.WriteStatus(w, http.StatusServiceUnavailable, "the data keys were retired, and this server lacks the new key-encryption key")
	case h.store.Ping(ctx) != nil:
		edge.WriteStatus(w, http.StatusServiceUnavailable, "database unavailable")
	default:
		edge.WriteStatus(w, http.StatusOK, "ok")
	}
}
