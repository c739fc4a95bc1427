package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"cognate/internal/audit/sink"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// source is a stream of n records. The first kept is that of position first.
type source struct {
	first, n int64
	to       sink.Sink
	clock    *fresh.Clock
}

func (s *source) Streams(context.Context) ([]Stream, error)              { return []Stream{{"s", s.n}}, nil }
func (s *source) Sink(context.Context, string) (sink.Sink, error)        { return s.to, nil }
func (s *source) Sent(context.Context, *store.Tx, string, Records) error { return nil }

func (s *source) Read(_ context.Context, _ string, after int64, limits sink.Batch) (Records, error) {
	var r Records
	from := max(after+1, s.first)
	r.Missed = from - after - 1
	for i := from; i <= s.n; i++ {
		if len(r.List) == limits.Records {
			r.Full = true
			break
		}
		r.List = append(r.List, sink.Record{ID: fmt.Sprint(i), At: s.clock.Now()})
		r.Position = i
	}
	return r, nil
}

// destination is a sink that remembers what it has, and fails if it is told so.
type destination struct {
	got   []string
	err   error
	calls int
	batch sink.Batch
}

func (d *destination) Send(_ context.Context, list []sink.Record) error {
	d.calls++
	if d.err != nil {
		return d.err
	}
	for _, r := range list {
		d.got = append(d.got, r.ID)
	}
	return nil
}
func (d *destination) Batch() sink.Batch { return d.batch }
func (d *destination) Close() error      { return nil }

type rig struct {
	*source
	*destination
	db    *store.Store
	clock *fresh.Clock
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		c := fresh.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		d := &destination{batch: sink.Batch{Records: 3, Bytes: 1 << 20}}
		test(t, &rig{&source{1, 0, d, c}, d, fresh.Store(t, o, c.Now), c})
	})
}

func (r *rig) worker(owner string) *Worker {
	return New(Deps{Store: r.db, Log: slog.New(slog.DiscardHandler), Now: r.clock.Now, Owner: owner}, "archive", r.source)
}

func turn(t *testing.T, w *Worker) {
	t.Helper()
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// numbers returns the ids from first to last.
func numbers(first, last int) []string {
	var list []string
	for i := first; i <= last; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

func (r *rig) want(t *testing.T, ids []string) {
	t.Helper()
	if !slices.Equal(r.got, ids) {
		t.Fatalf("the destination has %v, want %v", r.got, ids)
	}
}

// TestInOrder: all records arrive once and in order, in batches, over a restart.
func TestInOrder(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		w := r.worker("a")
		r.n = 7
		turn(t, w)
		r.want(t, numbers(1, 7))
		turn(t, w)
		if r.calls != 3 {
			t.Errorf("%d calls for 7 records in batches of 3", r.calls)
		}
		r.n = 8
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		turn(t, r.worker("b")) // at once, without waiting for the lease to end
		r.want(t, numbers(1, 8))
	})
}

// TestAway: while a destination is away, attempts become rare. Then it gets everything in order.
func TestAway(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		w := r.worker("a")
		r.n, r.err = 5, errors.New("away")
		for range 3600 { // an hour of turns
			turn(t, w)
			r.clock.Pass(time.Second)
		}
		if r.calls < 60 || r.calls > 80 {
			t.Errorf("%d attempts in an hour", r.calls)
		}
		if w.Lag() < time.Second || w.Failed() != int64(r.calls) {
			t.Errorf("lag %s, %d failed", w.Lag(), w.Failed())
		}
		r.n, r.err = 1000, nil
		r.clock.Pass(time.Minute)
		turn(t, w)
		r.want(t, numbers(1, 1000))
		if w.Lag() != 0 || w.Sent() != 1000 {
			t.Errorf("lag %s, %d sent", w.Lag(), w.Sent())
		}
	})
}

// TestOneSends: of two processes one sends. If it is killed, the other one goes on when the lease
// has ended, and sends again what may have been lost.
func TestOneSends(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		a, b := r.worker("a"), r.worker("b")
		r.n = 3
		turn(t, a)
		r.n = 4
		turn(t, b)
		r.want(t, numbers(1, 3))
		r.clock.Pass(leaseTime)
		turn(t, b)
		r.want(t, numbers(1, 4))
		// The lease is another's now: a process that was stopped for a while notices that.
		r.n = 6
		turn(t, a)
		r.want(t, numbers(1, 4))
		turn(t, b)
		r.want(t, numbers(1, 6))
	})
}

// TestKilled: a process that ends between sending and noting sends the records again.
func TestKilled(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		w := r.worker("a")
		r.n = 2
		turn(t, w)
		r.n = 3
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Turn(stopped); !errors.Is(err, context.Canceled) {
			t.Logf("a turn of a process that stops: %v", err)
		}
		r.clock.Pass(leaseTime)
		turn(t, r.worker("b"))
		if last := r.got[len(r.got)-1]; last != "3" {
			t.Errorf("the destination has %v", r.got)
		}
	})
}

// TestWait: records wait for others if the destination wants large batches.
func TestWait(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		r.batch.Wait = time.Minute
		w := r.worker("a")
		at := r.clock.Now()
		r.source.clock = fresh.NewClock(at)
		r.n = 2
		turn(t, w)
		r.want(t, nil)
		r.clock.Pass(time.Minute)
		turn(t, w)
		r.want(t, numbers(1, 2))
		r.n = 6 // more than a batch does not wait
		r.source.clock = r.clock
		turn(t, w)
		r.want(t, numbers(1, 5))
	})
}

// TestMissed: records that the store no longer has are counted and do not stop the others.
func TestMissed(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		w := r.worker("a")
		r.first, r.n = 5, 6
		turn(t, w)
		r.want(t, numbers(5, 6))
		if w.Missed() != 4 {
			t.Errorf("%d missed", w.Missed())
		}
	})
}
