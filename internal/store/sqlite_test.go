package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cognate/internal/store"
	"cognate/test/patience"
)

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	o := sqliteOptions(t)
	first := open(t, o)
	o.Now = clock
	patience.Extend(&o.StatementTimeout)
	_, err := store.Open(t.Context(), o)
	if !errors.Is(err, store.ErrBusy) || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("a second server: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	o := store.Options{Path: filepath.Join(t.TempDir(), "data", "cognate.db")}
	s := open(t, o)
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.SetMeta(t.Context(), "x", nil) }); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, path string
		mode       os.FileMode
	}{
		{"folder", filepath.Dir(o.Path), 0o700 | os.ModeDir},
		{"database", o.Path, 0o600},
		{"log", o.Path + "-wal", 0o600},
		{"index of the log", o.Path + "-shm", 0o600},
		{"lock", o.Path + ".lock", 0o600},
	} {
		info, err := os.Stat(row.path)
		if err != nil || info.Mode() != row.mode {
			t.Errorf("%s: %v, %v", row.name, info.Mode(), err)
		}
	}
}

// TestClosureEndsItsGoroutine has a closure that never returns, as one that calls FailNow: its neighbours and those
// after it are served.
func TestClosureEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteOptions(t))
	ctx := t.Context()
	for range 3 {
		err := s.Update(ctx, func(tx *store.Tx) error {
			if err := tx.SetMeta(ctx, "x", nil); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
		if err == nil {
			t.Error("answered success")
		}
	}
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "y", nil) }); err != nil {
		t.Error(err)
	}
	if _, err := s.Meta(ctx, "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what the ended closure wrote: %v", err)
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": sqliteOptions, "postgres": postgresOptions} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, options(t))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Meta(t.Context(), "x"); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a read: %v", err)
			}
			err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.SetMeta(t.Context(), "x", nil) })
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("a write: %v", err)
			}
		})
	}
}

// TestLeavingTheQueue cancels an update that waits for its turn: it answers at once, and its closure is never run.
func TestLeavingTheQueue(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteOptions(t))
	running, release := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- s.Update(t.Context(), func(*store.Tx) error {
			close(running)
			<-release
			return nil
		})
	}()
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error)
	go func() {
		second <- s.Update(ctx, func(*store.Tx) error {
			t.Error("a closure was run though its caller had left")
			return nil
		})
	}()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// Readers do not wait for the writer.
	if _, err := s.Meta(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
