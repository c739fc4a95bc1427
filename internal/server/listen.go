package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"

	"cognate/internal/server/drain"
)

// listeners are the listeners of a server. Only main is always there.
// ipv6 is the loopback address ::1 for the main listener of dev: many clients try it first for
// localhost.
type listeners struct{ main, ipv6, private, health, https, gateway net.Listener }

// addresses are the addresses of the listeners.
type addresses struct{ main, private, health, https, gateway string }

func (l listeners) close() error {
	var errs []error
	for _, one := range []net.Listener{l.main, l.ipv6, l.private, l.health, l.https, l.gateway} {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}

// listen opens the listeners, before the database is opened. So a second server that is
// started by mistake fails without touching the database.
func (s *Server) listen(ctx context.Context) (l listeners, err error) {
	for _, one := range []struct {
		name, addr string
		listener   *net.Listener
		at         *string
	}{
		{"main", s.config.Listen, &l.main, &s.addrs.main},
		{"private", s.config.PrivateListen, &l.private, &s.addrs.private},
		{"health", s.config.HealthListen, &l.health, &s.addrs.health},
		{"https", s.config.HTTPSListen, &l.https, &s.addrs.https},
		{"gateway", s.config.GatewayListen, &l.gateway, &s.addrs.gateway},
	} {
		if one.addr == "" || one.addr == ListenerOff {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", one.addr)
		if err != nil {
			return listeners{}, errors.Join(fmt.Errorf("%s listener: %w", one.name, err), l.close())
		}
		*one.listener = &drain.Listener{TCPListener: listener.(*net.TCPListener)}
		*one.at = listener.Addr().String()
	}
	if host, port, err := net.SplitHostPort(s.addrs.main); err == nil && s.config.Mode == Dev && host == "127.0.0.1" {
		// A machine without IPv6 has no such address. Clients then use the other.
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("::1", port))
		switch {
		case err == nil:
			l.ipv6 = listener
		case errors.Is(err, syscall.EADDRINUSE):
			s.log.Warn("another program has this port at ::1, and clients that say localhost may reach it instead", slog.String("port", port))
		}
	}
	return l, nil
}

// Addr returns the address of the main listener, "127.0.0.1:9229".
func (s *Server) Addr() string { return s.addrs.main }

// PrivateAddr returns the address of the private listener, or "".
func (s *Server) PrivateAddr() string { return s.addrs.private }

// HealthAddr returns the address of the listener for health checks, or "".
func (s *Server) HealthAddr() string { return s.addrs.health }

// HTTPSAddr returns the address of the TLS listener of cognate dev, or "".
func (s *Server) HTTPSAddr() string { return s.addrs.https }

// GatewayAddr returns the address of the gateway, or "".
func (s *Server) GatewayAddr() string { return s.addrs.gateway }
