package keys

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestGateIsFairAndBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(1, 3)
		ctx := t.Context()
		if err := g.Acquire(ctx); err != nil {
			t.Fatal(err)
		}
		var order []int
		for i := range 3 {
			go func() {
				if err := g.Do(ctx, func() { order = append(order, i) }); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		if g.Waiting() != 3 {
			t.Errorf("%d wait, want 3", g.Waiting())
		}
		ran := false
		if err := g.Do(ctx, func() { ran = true }); !errors.Is(err, ErrBusy) || ran {
			t.Errorf("queue is full: %v, ran %v", err, ran)
		}
		g.Release()
		synctest.Wait()
		if len(order) != 3 || order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Errorf("order %v", order)
		}
		if err := g.Do(ctx, func() { ran = true }); err != nil || !ran {
			t.Errorf("gate is free again: %v", err)
		}
	})
}

func TestGateGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(1, 10)
		if err := g.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- g.Do(ctx, func() { t.Error("runs") }) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
		if g.Waiting() != 0 {
			t.Error("still in the queue")
		}
		if err := g.Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
		g.Release()
		if err := g.Do(t.Context(), func() {}); err != nil {
			t.Error(err)
		}
	})
}

func TestGateUnderLoad(t *testing.T) {
	t.Parallel()
	const places = 3
	g := NewGate(places, 1000)
	var inside, most, done atomic.Int32
	var wg sync.WaitGroup
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		if i%5 == 0 {
			go cancel()
		}
		wg.Go(func() {
			defer cancel()
			_ = g.Do(ctx, func() {
				n := inside.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				inside.Add(-1)
				done.Add(1)
			})
		})
	}
	wg.Wait()
	if most.Load() > places || done.Load() < 160 {
		t.Errorf("%d inside at once, %d done", most.Load(), done.Load())
	}
	if g.free != places || g.Waiting() != 0 {
		t.Errorf("%d places free of %d, %d wait", g.free, places, g.Waiting())
	}
}

func TestGateReleasesOnPanic(t *testing.T) {
	t.Parallel()
	g := NewGate(1, 0)
	func() {
		defer func() { _ = recover() }()
		_ = g.Do(t.Context(), func() { panic("x") })
	}()
	if err := g.Do(t.Context(), func() {}); err != nil {
		t.Error(err)
	}
}

func TestGateAllocatesNothing(t *testing.T) {
	g, ctx, n := NewGate(1, 1), t.Context(), 0
	if got := testing.AllocsPerRun(100, func() {
		if err := g.Do(ctx, func() { n++ }); err != nil {
			t.Error(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
