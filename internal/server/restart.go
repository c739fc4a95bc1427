package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"cognate/internal/server/background"
	"cognate/internal/server/datakeys"
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

// Limits of a restart of the services.
const (
	// restartPatience is how long running requests may go on, before and after their contexts end.
	restartPatience = 2 * time.Second
	restartTime     = time.Minute
)

// A wholeState is the state of a development server, which its tools change as a whole.
type wholeState struct{ server *Server }

// Reset returns the server to the state of an empty database, and applies the server's seed.
func (c wholeState) Reset(ctx context.Context) error {
	return c.server.restart(ctx, func(ctx context.Context) error {
		c.server.clock.Reset()
		return c.server.store.Empty(ctx)
	}, c.server.applySeed)
}

// Snapshot stores a copy of the database under a name.
func (c wholeState) Snapshot(ctx context.Context, name string) error {
	s := c.server
	if s.config.Database != "" {
		return store.ErrNotEmbedded
	}
	return s.gate.Replace(ctx, func() (map[string]http.Handler, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTime)
		defer cancel()
		if err := errors.Join(s.services.flush(ctx), os.MkdirAll(s.snapshotFolder(), 0o700)); err != nil {
			return nil, err
		}
		return nil, s.store.Copy(ctx, s.snapshotFile(name))
	})
}

// Restore puts back the database of a snapshot. It returns an error of fs.ErrNotExist if there is
// no such snapshot.
func (c wholeState) Restore(ctx context.Context, name string) error {
	s := c.server
	if s.config.Database != "" {
		return store.ErrNotEmbedded
	}
	if _, err := os.Stat(s.snapshotFile(name)); err != nil {
		return err
	}
	return s.restart(ctx, func(ctx context.Context) error {
		err := s.store.Close()
		if err == nil {
			err = replaceDatabase(s.snapshotFile(name), s.config.DatabaseFile())
		}
		st, openErr := openStore(ctx, &s.config, s.log, s.observe)
		if openErr == nil {
			s.store = st
		}
		return errors.Join(err, openErr)
	}, nil)
}

// Snapshots lists the names of the snapshots.
func (c wholeState) Snapshots() ([]string, error) {
	files, err := filepath.Glob(c.server.snapshotFile("*"))
	names := make([]string, 0, len(files))
	for _, f := range files {
		name := filepath.Base(f)
		names = append(names, name[:len(name)-len(snapshotSuffix)])
	}
	return names, err
}

const snapshotSuffix = ".db"

func (s *Server) snapshotFolder() string { return filepath.Join(s.config.Data, "snapshots") }

func (s *Server) snapshotFile(name string) string {
	return filepath.Join(s.snapshotFolder(), name+snapshotSuffix)
}

// replaceDatabase writes a copy of a snapshot over the file of a closed database.
func replaceDatabase(snapshot, database string) error {
	content, err := os.ReadFile(snapshot)
	if err != nil {
		return err
	}
	unfinished := database + ".new"
	if err := os.WriteFile(unfinished, content, 0o600); err != nil {
		return err
	}
	// The log belongs to the old file.
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(database + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(unfinished, database)
}

// restart builds the services again over the database that prepare leaves. Requests wait
// meanwhile, also for what fill does with the new services; it may be nil. If prepare or fill fails,
// the services go on with what is in the database. Functions and listeners stay.
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
