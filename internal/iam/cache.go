package iam

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
)

// cacheAge is the longest that a revoked key or an old policy may still be used.
const cacheAge = time.Second

// cacheSize bounds a cache. Only what exists is kept.
const cacheSize = 1024

// cache keeps what was read from the store for a second.
type cache[T any] struct {
	now     func() time.Time
	entries *otter.Cache[string, cached[T]]
}

type cached[T any] struct {
	value T
	until time.Time
}

func newCache[T any](now func() time.Time) cache[T] {
	return cache[T]{now, otter.Must(&otter.Options[string, cached[T]]{MaximumSize: cacheSize})}
}

// get returns the value of a key, from load if it is not known or too old.
func (c *cache[T]) get(ctx context.Context, key string, load func(context.Context, string) (T, error)) (T, error) {
	now := c.now()
	e, ok := c.entries.GetIfPresent(key)
	// A clock that was set back must not prolong an entry.
	if ok && now.Before(e.until) && !now.Before(e.until.Add(-cacheAge)) {
		return e.value, nil
	}
	v, err := load(ctx, key)
	if err == nil {
		c.entries.Set(key, cached[T]{v, now.Add(cacheAge)})
	}
	return v, err
}
