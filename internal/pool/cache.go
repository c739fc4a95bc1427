package pool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/store"
)

// maxAge bounds how long a node may act on settings that another node changed.
const maxAge = time.Second

// cache remembers loaded settings by id. Reading a fresh one takes no lock and
// allocates nothing. Many readers of a stale one share one check, and a value is
// only loaded again when its version has moved. What does not exist is not remembered.
type cache[T any] struct {
	now   func() time.Time
	cells *otter.Cache[string, *cell[T]]
	// load returns the value again, or old itself where it is still current.
	load func(ctx context.Context, id string, old *T) (*T, error)
}

// cell holds what is known of one id.
type cell[T any] struct {
	current atomic.Pointer[checked[T]]
	// generation counts this process's writes, so that a load which began
	// before a write is never taken for what follows it.
	generation atomic.Uint64

	mu     sync.Mutex
	flight *flight[T]
}

// checked is a value with the moment at which its check began.
type checked[T any] struct {
	value      *T
	at         time.Time
	generation uint64
}

// flight is one check that is under way.
type flight[T any] struct {
	generation uint64
	done       chan struct{}
	value      *T
	err        error
}

func newCache[T any](size int, now func() time.Time, load func(context.Context, string, *T) (*T, error)) *cache[T] {
	return &cache[T]{
		now:   now,
		cells: otter.Must(&otter.Options[string, *cell[T]]{MaximumSize: size}),
		load:  load,
	}
}

// get returns the value of id, from memory where it is fresh.
func (c *cache[T]) get(ctx context.Context, id string) (*T, error) {
	e, ok := c.cells.GetIfPresent(id)
	if ok {
		if v := e.fresh(c.now()); v != nil {
			return v, nil
		}
	} else {
		e, _ = c.cells.SetIfAbsent(id, &cell[T]{})
	}
	return c.check(ctx, id, e)
}

// fresh returns the value if it may still be used. A clock that was set back does
// not make an old value young.
func (e *cell[T]) fresh(now time.Time) *T {
	k := e.current.Load()
	if k == nil || k.generation != e.generation.Load() {
		return nil
	}
	if age := now.Sub(k.at); age < 0 || age >= maxAge {
		return nil
	}
	return k.value
}

// check brings the cell up to date, or waits for the check that is under way.
func (c *cache[T]) check(ctx context.Context, id string, e *cell[T]) (*T, error) {
	for {
		e.mu.Lock()
		if v := e.fresh(c.now()); v != nil {
			e.mu.Unlock()
			return v, nil
		}
		f := e.flight
		if f == nil {
			f = &flight[T]{generation: e.generation.Load(), done: make(chan struct{})}
			e.flight = f
			e.mu.Unlock()
			return c.fly(ctx, id, e, f)
		}
		e.mu.Unlock()

		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		// A check that began before the last write says nothing, and the leader's own
		// cancellation is not ours.
		if f.generation != e.generation.Load() || canceled(f.err) {
			continue
		}
		return f.value, f.err
	}
}

// fly runs the check for all who wait for it.
func (c *cache[T]) fly(ctx context.Context, id string, e *cell[T], f *flight[T]) (*T, error) {
	f.err = errUnfinished // Stays only if load panics; then nobody may wait for ever.
	defer func() {
		e.mu.Lock()
		e.flight = nil
		e.mu.Unlock()
		close(f.done)
	}()
	at := c.now()
	var old *T
	if k := e.current.Load(); k != nil {
		old = k.value
	}
	f.value, f.err = c.load(ctx, id, old)
	switch {
	case f.err == nil:
		e.current.Store(&checked[T]{value: f.value, at: at, generation: f.generation})
	case errors.Is(f.err, store.ErrNotFound):
		c.cells.Invalidate(id)
	}
	return f.value, f.err
}

var errUnfinished = errors.New("pool: loading settings did not finish")

func canceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// invalidate makes what this process has just written visible to its next read.
func (c *cache[T]) invalidate(id string) {
	if e, ok := c.cells.GetIfPresent(id); ok {
		e.generation.Add(1)
	}
}
