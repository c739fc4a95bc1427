package server

import (
	"context"
	"errors"
	"fmt"

	"cognate/internal/seed"
)

// SeedSettings are the settings of seeds.
type SeedSettings struct {
	Seed string `group:"Development" placeholder:"FILE" help:"Bring dev into the state that a YAML or JSON file describes before it answers: user pools, app clients, users, identity pools, roles. docs/seeds.md."`

	SeedCognitoLocal string `group:"Development" placeholder:"DIR" help:"As --seed, from the folder of cognito-local (.cognito): its user pools, app clients and users with their passwords."`
}

// readSeed reads the seed of the configuration. It returns nil if there is no seed.
func (s *Server) readSeed() (file *seed.File, err error) {
	switch {
	case s.config.Seed != "":
		file, err = seed.Read(s.config.Seed)
	case s.config.SeedCognitoLocal != "":
		file, err = seed.ReadCognitoLocal(s.config.SeedCognitoLocal)
	}
	if err != nil {
		return nil, fmt.Errorf("seed:\n%w", err)
	}
	return file, nil
}

// applySeed applies a seed, which may be nil. No request is answered before.
func (s *Server) applySeed(ctx context.Context, file *seed.File) (err error) {
	if file == nil {
		return nil
	}
	if s.seeded, err = s.services.seeds.Apply(ctx, file); err != nil {
		return fmt.Errorf("seed:\n%w", err)
	}
	return nil
}

// exportSeed returns the state of a development server as a seed.
func (o *operator) exportSeed(ctx context.Context, in ControlRequest) (ControlResponse, error) {
	if o.services.seeds == nil {
		return ControlResponse{}, errors.New("only cognate dev exports its state as a seed")
	}
	text, err := o.services.seeds.Export(ctx, in.Secrets)
	return ControlResponse{Text: string(text)}, err
}
