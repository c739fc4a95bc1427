package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cognate/internal/keys"
	"cognate/internal/server/background"
	"cognate/internal/server/datakeys"
	"cognate/internal/server/development"
	"cognate/internal/store"
)

// The handlers of the listeners, by their names in the gate of a development server.
const (
	mainHandler     = "main"
	privateHandler  = "private"
	healthHandler   = "health"
	gatewayHandler  = "gateway"
	operatorHandler = "operator"
)

// handlers returns the handlers of all listeners over the services that the server has now.
func (s *Server) handlers() (map[string]http.Handler, error) {
	h := map[string]http.Handler{
		mainHandler: s.routes(), privateHandler: s.privateRoutes(), healthHandler: s.healthRoutes(),
		operatorHandler: &operator{s.store, s.ring, s.services, s.config.machineNow(), s.config.Now, s.log},
	}
	if s.gatewayTransport != nil {
		var err error
		if h[gatewayHandler], err = s.gatewayRoutes(s.gatewayTransport); err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
	}
	return h, nil
}

// restartTime is the longest that a restart of the services may take.
const restartTime = time.Minute

// A serverState is the state of a development server, which its tools change as a whole.
type serverState struct{ server *Server }

// Reset returns the server to the state of an empty database, and fills it again.
func (c serverState) Reset(ctx context.Context) error {
	sources, err := c.server.contents.Read()
	if err == nil {
		err = c.server.check(ctx, sources)
	}
	if err != nil {
		return err // before anything is deleted
	}
	return c.server.restart(ctx, func(ctx context.Context) error {
		c.server.clock.Reset()
		return c.server.store.Empty(ctx)
	}, func(ctx context.Context) error { return c.server.fill(ctx, sources) })
}

// Snapshot stores a copy of the database under a name.
func (c serverState) Snapshot(ctx context.Context, name string) error {
	s := c.server
	if s.config.Database != "" {
		return store.ErrNotEmbedded
	}
	return s.gate.Replace(ctx, func() (map[string]http.Handler, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTime)
		defer cancel()
		if err := errors.Join(s.services.flush(ctx), s.snapshots().Make()); err != nil {
			return nil, err
		}
		return nil, s.store.Copy(ctx, s.snapshots().File(name))
	})
}

// Restore puts back the database of a snapshot. It returns an error of fs.ErrNotExist if there is
// no such snapshot.
func (c serverState) Restore(ctx context.Context, name string) error {
	s := c.server
	if s.config.Database != "" {
		return store.ErrNotEmbedded
	}
	if _, err := os.Stat(s.snapshots().File(name)); err != nil {
		return err
	}
	// A file for each request: a request that waited here would be one that the restart waits for.
	prepared := s.config.DatabaseFile() + "." + keys.NewUUID()
	defer func() { _ = os.Remove(prepared) }() // It is there only if it was not put back.
	if err := s.prepareSnapshot(ctx, name, prepared); err != nil {
		return fmt.Errorf("%w: %w", development.ErrSnapshot, err)
	}
	return s.restart(ctx, func(ctx context.Context) error {
		err := s.store.Close()
		if err == nil {
			err = development.PutBack(prepared, s.config.DatabaseFile())
		}
		st, openErr := openStore(ctx, &s.config, s.log, s.observe)
		if openErr == nil {
			s.store = st
		}
		return errors.Join(err, openErr)
	}, nil)
}

// prepareSnapshot copies a snapshot to a file, and checks that the server can use it.
func (s *Server) prepareSnapshot(ctx context.Context, name, file string) error {
	kek, err := openKEK(&s.config)
	if err == nil {
		err = s.snapshots().Prepare(name, file)
	}
	if err != nil {
		return err
	}
	return datakeys.CheckCopy(ctx, store.Options{Path: file, Now: s.config.Now, Log: s.log, Migrate: true}, kek)
}

// Snapshots lists the names of the snapshots.
func (c serverState) Snapshots() ([]string, error) { return c.server.snapshots().Names() }

func (s *Server) snapshots() development.Snapshots {
	return development.Snapshots(filepath.Join(s.config.Data, "snapshots"))
}

// restart calls prepare, which may change the database, builds the services again, and calls fill,
// which may be nil. Requests wait until fill returns. If prepare or fill fails, the services go on with
// what is in the database. Functions and listeners stay.
func (s *Server) restart(ctx context.Context, prepare, fill func(context.Context) error) error {
	return s.gate.Replace(ctx, func() (map[string]http.Handler, error) {
		s.restarting.Lock()
		defer s.restarting.Unlock()
		if !s.ready.Load() {
			return nil, errors.New("the server is stopping")
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTime)
		defer cancel()
		s.background.Stop()
		if err := s.services.release(ctx); err != nil {
			s.log.WarnContext(ctx, "some of what was in memory was not stored", "error", err)
		}
		failed := prepare(ctx)
		s.background = background.New(s.log)
		handlers, err := s.composeAgain(ctx)
		if err != nil {
			err = fmt.Errorf("the server cannot go on: %w", errors.Join(failed, err))
			s.failed <- err
			return map[string]http.Handler{}, err
		}
		if fill != nil && failed == nil {
			failed = fill(ctx)
		}
		s.startBackground()
		return handlers, failed
	})
}

// composeAgain builds the services over the store, with the functions of the present services.
func (s *Server) composeAgain(ctx context.Context) (map[string]http.Handler, error) {
	kek, err := openKEK(&s.config)
	if err != nil {
		return nil, err
	}
	if s.ring, err = datakeys.OpenRing(ctx, s.store, kek, configuredKEK(&s.config), s.config.machineNow()); err != nil {
		return nil, err
	}
	if s.services, err = compose(ctx, &s.config, s.store, s.ring, s.keys, s.services.metrics, s.services.triggers, s.log); err != nil {
		return nil, err
	}
	return s.handlers()
}
