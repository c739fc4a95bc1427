package store

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"cognate/test/pgtest"
)

// TestStatementTimeout runs a statement that is longer than the limit. The server ends it, its connection stays, and the
// next one is not refused for it. A transaction that asked for more time gets it, as do migrations.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	// A fifth of the limit is the time that a probe of the server may take: a busy machine needs it.
	s := openForPlans(t, Options{URL: pgtest.Database(t), StatementTimeout: 2 * time.Second, MaxConns: 1})
	long := &statement{id: unprepared}
	long.texts[dialectPostgres.index] = "SELECT CAST(1 AS BIGINT) FROM pg_sleep(5)"
	sleep := func(ctx context.Context) func(session) error {
		return func(ses session) error {
			return ses.query(ctx, long, nil, func(row) error { return nil })
		}
	}
	ctx := t.Context()
	if err := s.engine.update(ctx, sleep(ctx)); !errors.Is(err, ErrUnavailable) || errors.Is(err, errNoAnswer) {
		t.Errorf("a statement longer than the limit: %v", err)
	}
	patient := WithStatementTimeout(ctx, time.Minute)
	if err := s.engine.update(patient, sleep(patient)); err != nil {
		t.Errorf("a statement with a limit of its own: %v", err)
	}
	if err := s.engine.script(ctx, sleep(ctx)); err != nil {
		t.Errorf("a statement of a migration: %v", err)
	}
	// The limit was the transaction's, not the connection's: there is only one.
	if err := s.engine.update(ctx, sleep(ctx)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a statement longer than the limit, later: %v", err)
	}
}

// TestStalledWriter holds SQLite's writer, as a disk that does not answer does. Whoever waits for a turn gives up, others
// are refused at once, and both end with the stall.
func TestStalledWriter(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "cognate.db"), StatementTimeout: 100 * time.Millisecond})
	ctx := t.Context()
	stall, stalled := make(chan struct{}), make(chan struct{})
	held := make(chan error)
	go func() {
		held <- s.Update(ctx, func(*Tx) error {
			close(stalled)
			<-stall
			return nil
		})
	}()
	<-stalled
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
	close(stall)
	if err := <-held; err != nil {
		t.Error(err)
	}
	for s.Update(ctx, nothing) != nil {
		// The writer has answered, and is about to forget the stall.
	}
	if err := s.Ping(ctx); err != nil {
		t.Errorf("ping after the stall: %v", err)
	}
}
