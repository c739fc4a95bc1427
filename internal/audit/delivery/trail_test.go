package delivery

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"cognate/internal/audit/intake"
	"cognate/internal/audit/sink"
	"cognate/internal/audit/trail"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestChainRemoved: while a destination is away, the retention removes a chain whole. Its records count as missed, once. A
// destination that is new has missed nothing, and later records of the chain arrive.
func TestChainRemoved(t *testing.T) {
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		c := fresh.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		db := fresh.Store(t, o, c.Now)
		ring, _ := fresh.Ring(t, c.Now)
		log := slog.New(slog.DiscardHandler)
		in := intake.New(db, "audit trail", log)
		t.Cleanup(func() { _ = in.Close(context.WithoutCancel(t.Context())) })
		tr := trail.New(trail.Deps{Store: db, Ring: ring, Intake: in, AccountID: "123456789012", Now: c.Now, Patience: time.Minute, Retention: 48 * time.Hour, Log: log})
		record := func(n int) {
			t.Helper()
			for range n {
				if err := tr.RecordCommand(t.Context(), &trail.Command{Name: "RotateDataKeys", At: c.Now()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		d := &destination{err: errors.New("away"), batch: sink.Batch{Records: 3, Bytes: 1 << 20}}
		worker := func(name string) *Worker {
			return New(Deps{Store: db, Log: log, Now: c.Now, Owner: name}, name, Trail(tr, d))
		}
		w := worker("archive")
		record(3) // and the record that begins the chain
		turn(t, w)
		c.Pass(72 * time.Hour)
		if err := tr.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := worker("new")
		for range 3 {
			turn(t, w)
			turn(t, other)
			c.Pass(time.Second)
		}
		if w.Missed() != 4 || other.Missed() != 0 {
			t.Errorf("%d missed, want 4; a new destination %d", w.Missed(), other.Missed())
		}
		d.err = nil
		record(1)
		turn(t, w)
		if len(d.got) != 1 || w.Missed() != 4 {
			t.Errorf("after it came back: %v, %d missed", d.got, w.Missed())
		}
	})
}
