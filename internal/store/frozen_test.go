package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cognate/internal/store"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// generous is a time that no machine needs for anything in these tests, and that is much less than what they would take
// without a deadline for each statement.
const generous = 2 * time.Minute

// inTime fails the test if f does not return.
func inTime(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(generous):
		t.Fatalf("after %v still not: %s", generous, what)
	}
}

// TestFrozenServer stops PostgreSQL where it is, with connections open. Nobody waits for it for long, and after the
// first few nobody waits at all.
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	ctx := t.Context()
	if err := open(t, store.Options{URL: cluster.URL}).Close(); err != nil { // It migrates.
		t.Fatal(err)
	}
	// A slow machine may need several tries to connect and to answer within the limit.
	var s *store.Store
	patience.Until(t, "the store opens within its limit", func() bool {
		var err error
		s, err = store.Open(ctx, store.Options{URL: cluster.URL, Now: clock, MaxConns: 4, StatementTimeout: 2 * time.Second})
		return err == nil
	})
	t.Cleanup(func() { _ = s.Close() })
	read := func() error {
		_, err := s.Meta(ctx, "nothing")
		return err
	}
	write := func() error {
		return s.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(ctx, "k", []byte("v")) })
	}
	patience.Until(t, "the server answers within the limit", func() bool { return s.Ping(ctx) == nil && write() == nil })
	for range 2 { // What one freeze leaves behind must not spoil the next.
		if err := cluster.Freeze(); err != nil {
			t.Fatal(err)
		}
		inTime(t, "ping ends with its context", func() {
			soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			if err := s.Ping(soon); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("ping of a frozen server: %v", err)
			}
		})
		// Many more than there are connections: one after the other they would take minutes.
		inTime(t, "the calls that met the frozen server end", func() {
			var calls sync.WaitGroup
			for i := range 400 {
				calls.Go(func() {
					f := []func() error{read, write}[i%2]
					if err := f(); !errors.Is(err, store.ErrUnavailable) {
						t.Errorf("a call to a frozen server: %v", err)
					}
				})
			}
			calls.Wait()
		})
		inTime(t, "calls are refused at once", func() {
			for range 200 {
				if err := read(); !errors.Is(err, store.ErrUnavailable) {
					t.Errorf("a call to a frozen server: %v", err)
				}
			}
		})
		if err := s.Ping(ctx); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("ping of a frozen server: %v", err)
		}
		if err := cluster.Thaw(); err != nil {
			t.Fatal(err)
		}
		inTime(t, "the server is found again", func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for write() != nil || s.Ping(ctx) != nil {
				<-tick.C
			}
		})
	}
	// Closing waits for a frozen server no longer than for any other.
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	inTime(t, "the store is closed", func() { _ = s.Close() })
	if err := cluster.Thaw(); err != nil {
		t.Fatal(err)
	}
}
