package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/audit"
	"cognate/internal/audit/tracing"
	"cognate/internal/iam/gateway"
	"cognate/internal/keys"
	"cognate/internal/server/background"
	"cognate/internal/server/certificate"
	"cognate/internal/server/changeover"
	"cognate/internal/server/contents"
	"cognate/internal/server/datakeys"
	"cognate/internal/server/development"
	"cognate/internal/server/drain"
	"cognate/internal/store"
)

// Server is a running Cognate.
type Server struct {
	config     Config
	log        *slog.Logger
	store      *store.Store
	services   *services
	ring       *keys.Ring
	keys       *keys.SigningKeyPool
	background *background.Tasks
	tracer     *tracing.Tracer          // nil if no traces are sent
	cert       *certificate.Certificate // nil without TLS
	clock      *development.Clock       // nil in serve
	devTLS     *tls.Config              // nil without the listener of --https
	// authorityFile is the certificate that clients of that listener must trust.
	authorityFile string

	// In dev all requests pass the gate, and the services behind it can be replaced. It is nil in
	// serve.
	gate             *changeover.Gate
	gatewayTransport *http.Transport // nil without the gateway
	observe          store.Observer
	restarting       sync.Mutex // held while the services are replaced, and while they are closed

	private, health, https *http.Server // nil without that listener
	main, gateway          *drain.Server
	operator               *http.Server // nil with PostgreSQL
	addrs                  addresses
	contents               *contents.Contents
	serving                sync.WaitGroup
	failed                 chan error

	ready   atomic.Bool
	closing sync.Once
	closed  error
}

// readyKeys is how many signing keys are made in advance: enough for two pools.
const readyKeys = 4

// Start opens the database and the listeners, and returns when requests are answered.
// Keys and tables are made later, in the background.
func Start(ctx context.Context, c Config) (_ *Server, err error) {
	c = c.WithDefaults()
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("the configuration has problems:\n%w", err)
	}
	s := &Server{failed: make(chan error, 5)}
	if c.Mode == Dev {
		s.clock = development.NewClock(c.Now)
		c.machine, c.Now, c.totp = c.Now, s.clock.Now, s.clock.TOTP
	}
	s.config, s.log = c, c.Logger()
	for _, w := range c.Warnings {
		s.log.Warn("the environment has a variable that nothing reads", slog.String("variable", w))
	}
	s.background = background.New(s.log)
	defer func() {
		if err != nil {
			s.closeAfterFailure()
		}
	}()
	l, err := s.listen(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, l.close())
	}
	s.contents = contents.New(c.ContentSettings, c.AccountID, s.URL(), cmp.Or(s.HTTPSAddr(), s.Addr()), c.Out, s.log)
	sources, err := s.contents.Read()
	if err == nil {
		err = s.fill(ctx, sources)
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	front, err := s.front(l)
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	s.serve(l, front)
	if err := s.serveOperator(ctx, front(operatorHandler)); err != nil {
		// Commands still work while the server is stopped.
		s.log.Warn("commands cannot reach this server", slog.Any("error", err))
	}
	s.ready.Store(true)
	s.startBackground()
	s.announce()
	return s, nil
}

// open opens the database and the keys, and builds the services.
func (s *Server) open(ctx context.Context) error {
	c := &s.config
	if c.TLSCert != "" {
		var err error
		if s.cert, err = certificate.New(c.TLSCert, c.TLSKey, c.machineNow(), s.log); err != nil {
			return err
		}
	}
	kek, err := openKEK(c)
	if err != nil {
		return fmt.Errorf("key-encryption key: %w", err)
	}
	metrics := audit.NewMetrics(c.Version)
	observe := databaseObserver(metrics)
	if s.tracer, err = newTracer(c, s.log); err != nil {
		return err
	}
	if s.tracer != nil {
		observe = s.tracer.Database(observe)
	}
	s.observe = observe
	if s.store, err = openStore(ctx, c, s.log, observe); err != nil {
		return err
	}
	if c.HTTPS { // The store holds the folder for this process.
		if err := s.openHTTPS(); err != nil {
			return err
		}
	}
	s.ring, err = datakeys.OpenRing(ctx, s.store, kek, configuredKEK(c), c.machineNow())
	if err != nil {
		return err
	}
	if c.IssuerBase == "" { // Only in dev: serve requires it.
		c.IssuerBase, c.ownIssuer = s.URL(), true
	}
	c.url = s.URL()
	s.keys = keys.NewSigningKeyPool(readyKeys)
	if s.services, err = compose(ctx, c, s.store, s.ring, s.keys, metrics, nil, s.log); err != nil {
		return err
	}
	if s.cert != nil {
		s.services.metrics.Gauge("cognate_tls_certificate_expiry_timestamp_seconds", "When the certificate of the main listener expires, in Unix time.",
			func() float64 { return float64(s.cert.Expires().Unix()) })
	}
	return nil
}

// Limits on what a connection may cost before a request is even read.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute // longer than load balancers keep theirs
	// A header may hold an access token, beside the others.
	maxHeaderBytes = keys.MaxJWS + 8<<10
)

// front returns the handlers of the listeners by name. In dev they are those of the gate.
func (s *Server) front(l listeners) (func(name string) http.Handler, error) {
	if l.gateway != nil {
		s.gatewayTransport = gateway.NewTransport()
	}
	if s.config.Mode == Dev {
		s.gate = changeover.NewGate(s.config.RestartPatience)
	}
	handlers, err := s.handlers()
	if err != nil {
		return nil, err
	}
	if s.gate == nil {
		return func(name string) http.Handler { return handlers[name] }, nil
	}
	s.gate.Set(handlers)
	return s.gate.Handler, nil
}

func (s *Server) serve(l listeners, front func(name string) http.Handler) {
	quiet := slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	main := &http.Server{
		Handler:           front(mainHandler),
		ReadHeaderTimeout: min(readHeaderTimeout, s.config.RequestTimeout),
		ReadTimeout:       s.config.RequestTimeout,
		WriteTimeout:      2 * s.config.RequestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          quiet,
	}
	if s.cert != nil {
		main.TLSConfig = s.cert.Config()
		main.TLSConfig.NextProtos = []string{"h2", "http/1.1"}
	}
	s.main = drain.Serve(main, l.main, func() <-chan struct{} { return s.run("main", main, l.main) })
	if l.ipv6 != nil {
		s.runAs("main (IPv6)", main, l.ipv6, s.cert != nil)
	}
	if l.gateway != nil {
		h := s.newGatewayServer(front(gatewayHandler), quiet)
		s.gateway = drain.Serve(h, l.gateway, func() <-chan struct{} { return s.run("gateway", h, l.gateway) })
	}
	if l.https != nil {
		s.https = &http.Server{
			Handler: main.Handler, ReadHeaderTimeout: main.ReadHeaderTimeout, ReadTimeout: main.ReadTimeout, WriteTimeout: main.WriteTimeout,
			IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: quiet, TLSConfig: s.devTLS,
		}
		s.run("https", s.https, l.https)
	}
	// The client chooses how long a profile takes, so there is no time limit.
	inside := func(name string, listener net.Listener, routes http.Handler) *http.Server {
		if listener == nil {
			return nil
		}
		h := &http.Server{
			Handler: routes, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: maxHeaderBytes, ErrorLog: quiet,
		}
		s.run(name, h, listener)
		return h
	}
	s.private = inside("private", l.private, front(privateHandler))
	s.health = inside("health", l.health, front(healthHandler))
}

// run serves until the listener is closed, and closes the channel then.
func (s *Server) run(name string, h *http.Server, l net.Listener) <-chan struct{} {
	return s.runAs(name, h, l, h.TLSConfig != nil)
}

// runAs is run for a server that another listener may already use: Serve sets its TLSConfig.
func (s *Server) runAs(name string, h *http.Server, l net.Listener, encrypted bool) <-chan struct{} {
	ended := make(chan struct{})
	s.serving.Go(func() {
		defer close(ended)
		serve := h.Serve
		if encrypted {
			serve = func(l net.Listener) error { return h.ServeTLS(l, "", "") }
		}
		err := serve(l)
		if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.failed <- fmt.Errorf("%s listener: %w", name, err)
		}
	})
	return ended
}

// URL returns the URL by which a client on this machine reaches the main listener.
func (s *Server) URL() string {
	scheme := "http://"
	if s.cert != nil {
		scheme = "https://"
	}
	host, p, _ := net.SplitHostPort(s.Addr())
	if ip := net.ParseIP(host); s.config.Mode == Dev && (ip == nil || ip.IsUnspecified() || ip.Equal(net.IPv4(127, 0, 0, 1))) {
		host = "localhost"
	} else if ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, p)
}

// Failed returns the error of a listener that ended by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Reload reads the TLS certificate again.
func (s *Server) Reload(ctx context.Context) error {
	if s.cert == nil {
		return nil
	}
	return s.cert.Refresh(ctx)
}

// Close ends the server in order, within DrainDelay and ShutdownTimeout.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), *s.config.DrainDelay+s.config.ShutdownTimeout)
	defer cancel()
	return s.Shutdown(ctx)
}

// Shutdown ends the server in order. Readiness turns to no, load balancers get time to
// notice, running requests end, counts in memory are written, and the database is
// closed. Work that has not ended with ctx is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closing.Do(func() { s.closed = s.shutdown(ctx) })
	return s.closed
}

func (s *Server) shutdown(ctx context.Context) error {
	s.ready.Store(false)
	if delay := *s.config.DrainDelay; delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	var draining sync.WaitGroup
	for _, d := range []*drain.Server{s.main, s.gateway} {
		if d != nil {
			draining.Go(func() { d.Drain(ctx) })
		}
	}
	draining.Wait()
	var errs []error
	for _, h := range []*http.Server{s.main.HTTP(), s.gateway.HTTP(), s.https, s.operator} {
		if h == nil {
			continue
		}
		if err := h.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests were cut off: %w", err), h.Close())
		}
	}
	for _, h := range []*http.Server{s.private, s.health} {
		if h != nil { // A profile is not waited for.
			errs = append(errs, h.Close())
		}
	}
	s.serving.Wait()
	s.restarting.Lock()
	defer s.restarting.Unlock()
	// From here on a database or a sender that does not answer must not delay the end
	// beyond ctx. Even with no time left, the counts in memory get a moment to be
	// written.
	last, cancel := atLeast(ctx, lastWritesTime)
	defer cancel()
	errs = append(errs,
		runUntil(last, "background tasks", func() error { s.background.Stop(); return nil }),
		runUntil(last, "the last messages and counts", func() error { s.keys.Close(); return s.services.close(last) }),
		runUntil(last, "the database", s.store.Close),
	)
	if s.tracer != nil {
		errs = append(errs, runUntil(last, "traces", func() error { return s.tracer.Close(last) }))
	}
	s.log.Info("stopped")
	return errors.Join(errs...)
}

// lastWritesTime is how much longer than its time a shutdown may take.
const lastWritesTime = 5 * time.Second

// atLeast returns a context that ends with ctx's deadline, but not before d has
// passed.
func atLeast(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(d)
	if later, ok := ctx.Deadline(); ok && later.After(deadline) {
		deadline = later
	}
	return context.WithDeadline(context.WithoutCancel(ctx), deadline)
}

// runUntil calls f and returns its error, or an error when ctx ends before f does.
func runUntil(ctx context.Context, what string, f func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended: // both at once
		return err
	case <-time.After(100 * time.Millisecond):
		return fmt.Errorf("%s did not end in time", what)
	}
}

// closeAfterFailure closes everything that a failed start has opened.
func (s *Server) closeAfterFailure() {
	s.background.Stop()
	if s.keys != nil {
		s.keys.Close()
	}
	if s.store != nil {
		_ = s.store.Close()
	}
	if s.tracer != nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel() // Nothing is sent.
		_ = s.tracer.Close(ended)
	}
}
