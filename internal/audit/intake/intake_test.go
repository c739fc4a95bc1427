package intake_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cognate/internal/audit/intake"
	"cognate/internal/store"
	"cognate/test/fresh"
	"cognate/test/patience"
)

// rows stores texts as facts of the installation, and can be told to hold on or to refuse.
type rows struct {
	held    chan struct{} // the first transaction waits for it, if it is not nil
	refused string
	batches [][]string
	errs    []error
}

func (r *rows) Insert(ctx context.Context, tx *store.Tx, list []string) error {
	if r.held != nil {
		<-r.held
	}
	for _, s := range list {
		if s == r.refused {
			return errors.New("refused")
		}
		if err := tx.SetMeta(ctx, s, []byte(s)); err != nil {
			return err
		}
	}
	return nil
}

func (r *rows) Settle(list []string, err error) {
	r.batches = append(r.batches, append([]string(nil), list...))
	r.errs = append(r.errs, err)
}

func openStore(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	o.Migrate, o.Now = true, time.Now
	patience.Extend(&o.StatementTimeout)
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// TestBatches wants the rows that wait for a transaction to share the next one, of each kind in
// order, and every caller to return after its row is stored.
func TestBatches(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		st := openStore(t, o)
		in := intake.New(st, "audit trail", slog.New(slog.DiscardHandler))
		held := make(chan struct{})
		first, second := &rows{held: held}, &rows{held: held} // either kind may come first
		a, b := intake.Register(in, first), intake.Register(in, second)
		var wg sync.WaitGroup
		write := func(k *intake.Kind[string], s string) {
			wg.Go(func() {
				if err := k.Write(t.Context(), s); err != nil {
					t.Error(err)
				}
				if v, err := st.Meta(t.Context(), s); err != nil || string(v) != s {
					t.Errorf("%s is answered and not stored: %q, %v", s, v, err)
				}
			})
		}
		const n = 40
		for i := range n {
			write(a, fmt.Sprint("a", i))
			write(b, fmt.Sprint("b", i))
		}
		patience.Until(t, "all wait", func() bool { return in.Waiting() == 2*n })
		close(held)
		wg.Wait()
		if err := in.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if in.Rows() != 2*n || in.Batches() > 3 || in.Failures() != 0 || in.Waiting() != 0 {
			t.Errorf("%d rows in %d transactions, %d failed, %d wait", in.Rows(), in.Batches(), in.Failures(), in.Waiting())
		}
		if err := a.Write(t.Context(), "late"); !errors.Is(err, intake.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestPause wants transactions to wait for more rows while requests are concurrent, and a client that sends one request after
// the other not to wait.
func TestPause(t *testing.T) {
	t.Parallel()
	options := fresh.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		options.Migrate, options.Now = true, time.Now
		patience.Extend(&options.StatementTimeout)
		st, err := store.Open(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		in := intake.New(st, "audit trail", slog.New(slog.DiscardHandler))
		k := intake.Register(in, &rows{})
		write := func(s string) {
			if err := k.Write(t.Context(), s); err != nil {
				t.Error(err)
			}
		}
		write("first") // starts the writer
		began := time.Now()
		for i := range 20 {
			write(fmt.Sprint("alone", i))
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a client alone waited %v", waited)
		}
		before := in.Batches()
		var wg sync.WaitGroup
		for client := range 8 {
			wg.Go(func() {
				for i := range 20 {
					write(fmt.Sprint("together", client, "-", i))
					time.Sleep(time.Duration(client) * 100 * time.Microsecond)
				}
			})
		}
		wg.Wait()
		if n := in.Batches() - before; n > 60 {
			t.Errorf("160 rows of 8 clients took %d transactions", n)
		}
		if err := in.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestOneBadRow wants a row that cannot be stored not to take the others with it.
func TestOneBadRow(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		st := openStore(t, o)
		in := intake.New(st, "audit trail", slog.New(slog.DiscardHandler))
		w := &rows{held: make(chan struct{}), refused: "bad"}
		k := intake.Register(in, w)
		var wg sync.WaitGroup
		for _, s := range []string{"one", "two", "bad", "three", "four"} {
			wg.Go(func() {
				if err := k.Write(t.Context(), s); (err != nil) != (s == "bad") {
					t.Errorf("%s: %v", s, err)
				}
			})
		}
		patience.Until(t, "all wait", func() bool { return in.Waiting() == 5 })
		close(w.held)
		wg.Wait()
		if err := in.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if in.Rows() != 4 || in.Failures() == 0 {
			t.Errorf("%d rows, %d failures", in.Rows(), in.Failures())
		}
	})
}

// TestWaitEnds wants a caller to stop waiting with its context.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	st := openStore(t, fresh.SQLite(t))
	in := intake.New(st, "audit trail", slog.New(slog.DiscardHandler))
	w := &rows{held: make(chan struct{})}
	k := intake.Register(in, w)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- k.Write(ctx, "x") }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(w.held)
	if err := in.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNothingStarts wants an intake without rows to have no goroutine, as in a command.
func TestNothingStarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := intake.New(nil, "audit trail", slog.New(slog.DiscardHandler))
		intake.Register(in, &rows{})
		// The bubble would not end with a goroutine in it.
		if err := in.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
