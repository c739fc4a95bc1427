package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cognate/test/patience"
	"cognate/test/pgtest"
)

// TestStatementTimeout runs a statement that is longer than the limit. The server ends it, its connection stays, and the
// next one is not refused for it. A transaction that asked for more time gets it, as do migrations.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	o := Options{URL: pgtest.Database(t), MaxConns: 1}
	if err := openForPlans(t, o).Close(); err != nil { // It migrates.
		t.Fatal(err)
	}
	// A slow machine may need several tries to connect within the limit.
	o.Now, o.StatementTimeout = time.Now, 2*time.Second
	var s *Store
	patience.Until(t, "the store opens within its limit", func() bool {
		var err error
		s, err = Open(t.Context(), o)
		return err == nil
	})
	t.Cleanup(func() { _ = s.Close() })
	long := &statement{id: unprepared}
	long.texts[dialectPostgres.index] = "SELECT CAST(1 AS BIGINT) FROM pg_sleep(5)"
	sleep := func(ctx context.Context) func(session) error {
		return func(ses session) error {
			return ses.query(ctx, long, nil, func(row) error { return nil })
		}
	}
	ctx := t.Context()
	// serverEndsIt reports whether the server ended the statement. A slow server may be too late: then the client ends it,
	// closes the connection, and may refuse the next calls until a probe succeeds.
	serverEndsIt := func() bool {
		t.Helper()
		err := s.engine.update(ctx, sleep(ctx))
		if !errors.Is(err, ErrUnavailable) {
			t.Fatalf("a statement longer than the limit: %v", err)
		}
		return isSlow(err) && !errors.Is(err, errNoAnswer)
	}
	patient := WithStatementTimeout(ctx, patience.Limit)
	patience.Until(t, "the server ends a long statement before and after those that may be long", func() bool {
		if !serverEndsIt() {
			return false
		}
		for _, err := range []error{s.engine.update(patient, sleep(patient)), s.engine.script(ctx, sleep(ctx))} {
			switch {
			case errors.Is(err, errNoAnswer):
				return false
			case err != nil:
				t.Fatalf("a statement with a limit of its own, or of a migration: %v", err)
			}
		}
		// The limit was the transaction's, not the connection's: there is only one.
		return serverEndsIt()
	})
}

// TestStalledWriter holds SQLite's writer, as a disk that does not answer does. Whoever waits for a turn gives up, others
// are refused at once, and both end with the stall.
func TestStalledWriter(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "cognate.db")})
	writer := s.engine.(*sqliteEngine).writer
	ctx := t.Context()
	stall, stalled := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(stall) })
	t.Cleanup(goOn) // before the store's Close, which waits for the writer
	held := make(chan error, 1)
	go func() {
		held <- s.Update(ctx, func(*Tx) error {
			close(stalled)
			<-stall
			return nil
		})
	}()
	<-stalled
	writer.wait = 100 * time.Millisecond // Only now: a migration and the held job may wait for longer.
	nothing := func(*Tx) error { return nil }
	if err := s.Update(ctx, nothing); !errors.Is(err, errNoAnswer) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("a write behind a stalled one: %v", err)
	}
	for range 1000 { // 100 ms each would take minutes.
		if err := s.Update(ctx, nothing); !errors.Is(err, errNoAnswer) {
			t.Fatalf("a write behind a stalled one: %v", err)
		}
	}
	if err := s.Ping(ctx); !errors.Is(err, errNoAnswer) {
		t.Errorf("ping while the writer is stalled: %v", err)
	}
	if _, err := s.Meta(ctx, "nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a read while the writer is stalled: %v", err)
	}
	goOn()
	if err := <-held; err != nil {
		t.Error(err)
	}
	writer.wait = patience.Limit
	if err := s.Update(ctx, nothing); err != nil {
		t.Errorf("a write after the stall: %v", err)
	}
	if err := s.Ping(ctx); err != nil {
		t.Errorf("ping after the stall: %v", err)
	}
}
