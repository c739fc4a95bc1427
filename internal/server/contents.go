package server

import (
	"context"
	"errors"

	"cognate/internal/server/contents"
)

// fill fills a development server with what was read. No request is answered before.
func (s *Server) fill(ctx context.Context, sources *contents.Sources) error {
	return s.contents.Apply(ctx, sources, s.services.contents())
}

// check names the problems that fill would find.
func (s *Server) check(ctx context.Context, sources *contents.Sources) error {
	s.restarting.Lock()
	to := s.services.contents()
	s.restarting.Unlock()
	return s.contents.Check(ctx, sources, to)
}

// contents returns what a development server is filled through.
func (v *services) contents() contents.Services {
	return contents.Services{Seeds: v.seeds, Templates: v.templates}
}

// exportSeed returns the state of a development server as a seed.
func (o *operator) exportSeed(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	if o.services.seeds == nil {
		return ControlResponse{}, errors.New("only cognate dev exports its state as a seed")
	}
	text, err := o.services.seeds.Export(ctx, in.Secrets)
	return ControlResponse{Text: string(text)}, err
}
