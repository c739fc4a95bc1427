package cache

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

// Cache keeps loaded settings by id. Reading a fresh value takes no lock and allocates
// nothing. Concurrent readers of a stale value share one check, and a value is loaded
// again only if its version has changed. Ids without settings are not kept.
type Cache[T any] struct {
	now     func() time.Time
	entries *otter.Cache[string, *entry[T]]
	// load returns the value, or old itself if it is still current.
	load func(ctx context.Context, id string, old *T) (*T, error)

	hits, misses atomic.Uint64
}

// entry is the cached value of one id.
type entry[T any] struct {
	current atomic.Pointer[checkedValue[T]]
	// generation counts this process's writes. A value that was loaded before a write is
	// never used after it.
	generation atomic.Uint64

	mu      sync.Mutex
	pending *pendingCheck[T]
}

// checkedValue is a value with the time at which its check started.
type checkedValue[T any] struct {
	value      *T
	at         time.Time
	generation uint64
}

// pendingCheck is a check that has not finished.
type pendingCheck[T any] struct {
	generation uint64
	done       chan struct{}
	value      *T
	err        error
}

// New returns a cache of up to size values. load returns the value of an id. If it gets
// the old value and that is still current, it returns old itself.
func New[T any](size int, now func() time.Time, load func(context.Context, string, *T) (*T, error)) *Cache[T] {
	return &Cache[T]{
		now:     now,
		entries: otter.Must(&otter.Options[string, *entry[T]]{MaximumSize: size}),
		load:    load,
	}
}

// Get returns the value of id, from memory where it is fresh.
func (c *Cache[T]) Get(ctx context.Context, id string) (*T, error) {
	e, ok := c.entries.GetIfPresent(id)
	if ok {
		if v := e.fresh(c.now()); v != nil {
			c.hits.Add(1)
			return v, nil
		}
	} else {
		e, _ = c.entries.SetIfAbsent(id, &entry[T]{})
	}
	c.misses.Add(1)
	return c.check(ctx, id, e)
}

// Stats returns how many reads memory answered and how many needed a check, and how many
// values there are.
func (c *Cache[T]) Stats() (hits, misses uint64, entries int) {
	return c.hits.Load(), c.misses.Load(), c.entries.EstimatedSize()
}

// fresh returns the value if it may still be used. A clock that was set back does
// not make an old value young.
func (e *entry[T]) fresh(now time.Time) *T {
	k := e.current.Load()
	if k == nil || k.generation != e.generation.Load() {
		return nil
	}
	if age := now.Sub(k.at); age < 0 || age >= maxAge {
		return nil
	}
	return k.value
}

// check updates the entry, or waits for the pending check.
func (c *Cache[T]) check(ctx context.Context, id string, e *entry[T]) (*T, error) {
	for {
		e.mu.Lock()
		if v := e.fresh(c.now()); v != nil {
			e.mu.Unlock()
			return v, nil
		}
		f := e.pending
		if f == nil {
			f = &pendingCheck[T]{generation: e.generation.Load(), done: make(chan struct{})}
			e.pending = f
			e.mu.Unlock()
			return c.runCheck(ctx, id, e, f)
		}
		e.mu.Unlock()

		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		// A check that started before the last write does not count, and neither does a
		// check that was canceled by the reader that started it.
		if f.generation != e.generation.Load() || canceled(f.err) {
			continue
		}
		return f.value, f.err
	}
}

// runCheck runs the check for all readers that wait for it.
func (c *Cache[T]) runCheck(ctx context.Context, id string, e *entry[T], f *pendingCheck[T]) (*T, error) {
	f.err = errUnfinished // Stays only if load panics; then no reader may wait for ever.
	defer func() {
		e.mu.Lock()
		e.pending = nil
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
		e.current.Store(&checkedValue[T]{value: f.value, at: at, generation: f.generation})
	case errors.Is(f.err, store.ErrNotFound):
		c.entries.Invalidate(id)
	}
	return f.value, f.err
}

var errUnfinished = errors.New("pool: loading settings did not finish")

func canceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Invalidate makes a write of this process visible to its next read.
func (c *Cache[T]) Invalidate(id string) {
	if e, ok := c.entries.GetIfPresent(id); ok {
		e.generation.Add(1)
	}
}
