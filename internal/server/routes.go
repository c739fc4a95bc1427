package server

import (
	"fmt"
	"net/http"
	"net/http/pprof"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/login"
	"cognate/internal/server/development"
	"cognate/internal/server/edge"
	"cognate/internal/user/userimport"
)

// routes returns the handler of the main listener. Each package adds its own routes.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	s.services.wire.Mount(mux)
	s.services.tokens.Mount(mux)
	s.services.imports.Mount(mux)
	s.services.branding.Mount(mux)
	s.services.scim.Mount(mux)
	s.services.identityPools.Mount(mux, identityPath)
	s.services.credentials.Mount(mux, callerPath)
	s.healthProbes().mountMain(mux)
	if s.config.Mode == Dev {
		// The tools show the mail of all users and set the clock: never in serve.
		development.New(development.Deps{
			Messages: s.services.messages, Imports: s.services.imports, Clock: s.clock, State: serverState{s}, Waits: s.gate.Wait, OriginPolicy: originPolicy(&s.config),
			RequestTimeout: s.config.RequestTimeout, Log: s.log, Store: s.store, Operations: s.services.wire, Version: s.config.Version, URL: s.URL(), IssuerBase: s.services.issuerBase("us-east-1"),
		}).Mount(mux)
		login.NewPreview(s.services.login, s.services.pools).Mount(mux)
	}

	domain := http.NewServeMux()
	s.services.oauth.Mount(domain)
	s.services.login.Mount(domain)

	trusted, _ := s.config.trustedProxies() // checked by Check
	var handler http.Handler = mux
	if s.config.ownIssuer {
		handler = development.Discovery(s.config.IssuerBase, mux)
	}
	handler = s.guarded(s.refuseRetired(s.services.oauth.Route(domain, handler)))
	if s.tracer != nil {
		handler = s.tracer.Handler(handler)
	}
	return edge.Wrap(handler, edge.Config{
		Proxies: trusted, RequireTLS: s.config.Mode == Serve && s.cert == nil, AllowLoopback: s.config.PlainHTTP,
		Development: s.config.Mode == Dev, HealthPath: healthPath, MaxBytes: s.config.MaxRequestBytes, Timeout: s.config.RequestTimeout,
		Uploads: edge.Uploads{Match: userimport.IsUpload, MaxBytes: s.services.imports.MaxBytes(), Timeout: importTime},
		Now:     s.config.machineNow(), Log: s.log, Metrics: s.services.metrics, Active: s.services.activity.Observe,
	})
}

// privateRoutes returns the handler of the private listener. The listener does not
// authenticate requests: it must be reachable only from inside.
func (s *Server) privateRoutes() http.Handler {
	mux := http.NewServeMux()
	s.healthProbes().mount(mux)
	mux.Handle("GET /metrics", s.services.metrics.Handler())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return s.guarded(mux)
}

// healthRoutes returns the handler of the listener for health checks.
func (s *Server) healthRoutes() http.Handler {
	mux := http.NewServeMux()
	s.healthProbes().mount(mux)
	return s.guarded(mux)
}

// guarded rejects requests for other hosts' names to a development server.
func (s *Server) guarded(next http.Handler) http.Handler {
	if s.config.Mode == Dev {
		return originPolicy(&s.config).Guard(next, s.log)
	}
	return next
}

// refuseRetired answers 503 while the server has only retired keys: the values that it
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
