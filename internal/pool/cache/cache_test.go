package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cognate/internal/store"
)

// gatedCache returns a cache whose loads wait until the test calls open. A load returns its
// own number. loads counts the loads.
func gatedCache() (c *Cache[int64], loads *atomic.Int64, open func()) {
	loads = new(atomic.Int64)
	gate := make(chan struct{})
	c = New(16, time.Now, func(ctx context.Context, _ string, _ *int64) (*int64, error) {
		n := loads.Add(1)
		select {
		case <-gate:
			return &n, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	return c, loads, func() { close(gate) }
}

func TestReadersShareOneCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, loads, open := gatedCache()
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				if v, err := c.Get(t.Context(), "a"); err != nil || *v != 1 {
					t.Errorf("%v, %v", v, err)
				}
			})
		}
		synctest.Wait()
		open()
		wg.Wait()
		if n := loads.Load(); n != 1 {
			t.Errorf("%d loads", n)
		}
		time.Sleep(maxAge)
		if v, err := c.Get(t.Context(), "a"); err != nil || *v != 2 {
			t.Errorf("after a second: %v, %v", v, err)
		}
	})
}

// TestWriteDuringLoad: who reads after a write never gets what was loaded before it.
func TestWriteDuringLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, open := gatedCache()
		first := make(chan int64, 1)
		go func() {
			v, _ := c.Get(t.Context(), "a")
			first <- *v
		}()
		synctest.Wait()
		c.Invalidate("a")
		second := make(chan int64, 1)
		go func() {
			v, _ := c.Get(t.Context(), "a")
			second <- *v
		}()
		synctest.Wait()
		open()
		if a, b := <-first, <-second; a != 1 || b != 2 {
			t.Errorf("before the write %d, after it %d; want loads 1 and 2", a, b)
		}
	})
}

// TestLeaderGivesUp: one caller's cancellation is not another's.
func TestLeaderGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _, open := gatedCache()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Get(ctx, "a"); !errors.Is(err, context.Canceled) {
				t.Errorf("the leader: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if v, err := c.Get(t.Context(), "a"); err != nil || *v != 2 {
				t.Errorf("the follower: %v, %v", v, err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		open()
		wg.Wait()
	})
}

func TestUnknownIsNotRemembered(t *testing.T) {
	t.Parallel()
	known := false
	c := New(16, func() time.Time { return time.Unix(1, 0) }, func(context.Context, string, *int) (*int, error) {
		if !known {
			return nil, store.ErrNotFound
		}
		return new(7), nil
	})
	if _, err := c.Get(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if n := c.entries.EstimatedSize(); n != 0 {
		t.Errorf("%d cells for what does not exist", n)
	}
	known = true
	if v, err := c.Get(t.Context(), "a"); err != nil || *v != 7 {
		t.Errorf("%v, %v", v, err)
	}
}

// TestPanickingLoad: nobody waits for ever for a load that panicked.
func TestPanickingLoad(t *testing.T) {
	t.Parallel()
	now, fail := time.Unix(1, 0), true
	c := New(16, func() time.Time { return now }, func(context.Context, string, *int) (*int, error) {
		if fail {
			panic("broken")
		}
		return new(7), nil
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = c.Get(t.Context(), "a")
	}()
	fail = false
	if v, err := c.Get(t.Context(), "a"); err != nil || *v != 7 {
		t.Errorf("%v, %v", v, err)
	}
	now = now.Add(-time.Hour)
	fail = true
	defer func() {
		if recover() == nil {
			t.Error("a clock that was set back made an old value young")
		}
	}()
	_, _ = c.Get(t.Context(), "a")
}
