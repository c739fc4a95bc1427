package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
	"strconv"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/server/edge"
	"cognate/internal/token"
	"cognate/internal/user/imports"
)

// routes is the whole of the main listener.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()

	// AWS operations, by X-Amz-Target. Package wire authenticates each as its
	// operation says.
	mux.Handle("/{$}", s.parts.wire)

	// Issuers. Public, and readable from pages of any origin.
	mux.HandleFunc("GET /{pool}/.well-known/openid-configuration", s.document((*token.Service).Discovery))
	mux.HandleFunc("GET /{pool}/.well-known/jwks.json", s.document((*token.Service).JWKS))

	// Cognate's own.
	mux.HandleFunc("GET "+healthPath, s.readyz)
	mux.HandleFunc("PUT "+imports.UploadPath, s.parts.imports.Upload)
	if s.config.Mode == Dev {
		// Everyone's mail: never in serve.
		mux.HandleFunc("GET /_cognate/inbox", s.inbox)
		// And never in serve: everybody's time.
		mux.HandleFunc("GET /_cognate/clock", s.showClock)
		mux.HandleFunc("POST /_cognate/clock", s.setClock)
		mux.HandleFunc("PUT /_cognate/clock", s.setClock)
		mux.HandleFunc("GET "+imports.UploadPath+"/log", s.importLog)
	}

	trusted, _ := s.config.trustedProxies() // checked by Check
	return edge.Wrap(s.guarded(s.refuseRetired(mux)), edge.Config{
		Proxies: trusted, RequireTLS: s.config.Mode == Serve && s.cert == nil, AllowLoopback: s.config.PlainHTTP,
		HealthPath: healthPath, MaxBytes: s.config.MaxRequestBytes, Timeout: s.config.RequestTimeout,
		Uploads: edge.Uploads{Match: imports.IsUpload, MaxBytes: s.parts.imports.MaxBytes(), Timeout: importTime},
		Now:     s.config.machineNow(), Log: s.log, Metrics: s.parts.metrics,
	})
}

// privateRoutes is the whole of the private listener. It asks nobody who they
// are: it must be reachable from inside only.
func (s *Server) privateRoutes() http.Handler {
	mux := s.healthMux()
	mux.Handle("GET /metrics", s.parts.metrics.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return s.guarded(mux)
}

// healthRoutes is the whole of the listener for health checks.
func (s *Server) healthRoutes() http.Handler { return s.guarded(s.healthMux()) }

func (s *Server) healthMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	return mux
}

// guarded keeps other hosts' names away from a development server.
func (s *Server) guarded(next http.Handler) http.Handler {
	if s.config.Mode == Dev {
		return originPolicy(&s.config).Guard(next, s.log)
	}
	return next
}

// healthPath is /readyz on the main listener.
const healthPath = "/_cognate/health"

// refuseRetired answers 503 while the server has no keys but retired ones: what it
// would accept may be forged.
func (s *Server) refuseRetired(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.ring.Usable() || r.URL.Path == healthPath {
			next.ServeHTTP(w, r)
			return
		}
		audit.From(r.Context()).SetCode(codeUnavailable)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-Errortype", codeUnavailable+":")
		w.Header().Set("X-Amzn-Requestid", api.RequestFrom(r.Context()).ID)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, `{"__type":%q}`, codeUnavailable)
	})
}

const codeUnavailable = "ServiceUnavailableException"

// readyTimeout is how long /readyz waits for the database. Load balancers wait for
// a second or two.
const readyTimeout = 800 * time.Millisecond

// readyz says whether this node should get requests, within a second.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	switch {
	case !s.ready.Load():
		answer(w, http.StatusServiceUnavailable, "stopping")
	case !s.ring.Usable():
		answer(w, http.StatusServiceUnavailable, "the data keys were retired, and this server lacks the new key-encryption key")
	case s.store.Ping(ctx) != nil:
		answer(w, http.StatusServiceUnavailable, "database unavailable")
	default:
		answer(w, http.StatusOK, "ok")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text})
}

// documentFunc makes a document of a pool.
type documentFunc func(s *token.Service, ctx context.Context, poolID string) ([]byte, error)

// document answers one of an issuer's public documents.
func (s *Server) document(of documentFunc) http.HandlerFunc {
	maxAge := "public, max-age=" + strconv.Itoa(int(token.DocumentMaxAge.Seconds()))
	return func(w http.ResponseWriter, r *http.Request) {
		poolID := r.PathValue("pool")
		audit.From(r.Context()).SetPool(edge.Clip(poolID, 64))
		body, err := of(s.parts.tokens, r.Context(), poolID)
		if err != nil {
			s.documentError(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", maxAge)
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body)
	}
}

func (s *Server) documentError(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, "Something went wrong"
	if code := api.CodeOf(err); code == "ResourceNotFoundException" {
		status, text = http.StatusNotFound, "User pool not found"
	} else {
		audit.From(r.Context()).SetCause(err)
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	answer(w, status, text)
}
