package server

import (
	"fmt"
	"log/slog"

	"cognate/internal/server/development"
)

// announce prints where the server listens. The first line is for programs that wait
// for it.
func (s *Server) announce() {
	out := s.config.Out
	fmt.Fprintf(out, "listening on %s\n", s.URL())
	s.log.Info("listening", slog.String("main", s.Addr()), slog.String("private", s.PrivateAddr()), slog.String("health", s.HealthAddr()), slog.String("gateway", s.GatewayAddr()),
		slog.String("engine", s.store.Engine()), slog.String("version", s.config.Version))
	if s.config.Mode != Dev {
		return
	}
	a := development.Announcement{
		URL: s.URL(), Issuer: s.services.issuerBase("<region>") + "/<pool id>", AllowUnsigned: s.config.AllowUnsigned,
		HTTPSAddr: s.HTTPSAddr(), AuthorityFile: s.authorityFile, GatewayAddr: s.GatewayAddr(),
	}
	if f := s.services.triggers.folder; f != nil {
		for _, name := range f.Names() {
			a.Functions = append(a.Functions, "arn:aws:lambda:us-east-1:"+s.config.AccountID+":function:"+name)
		}
	}
	a.Write(out)
	s.contents.Print(out)
}
