package fetch

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"cognate/internal/outbound"
)

const (
	// maxCached limits what all documents of the cache weigh, in bytes of their texts.
	maxCached = 64 << 20
	// minWeight is what a document weighs at least: its place in the cache.
	minWeight = 1 << 10
	// maxStale is how long a document serves after its age, while its server fails.
	maxStale = 24 * time.Hour
	// retryAfter is the pause after a failure, while an older copy serves.
	retryAfter = 30 * time.Second
	// forceAfter is the time between two forced refreshes of a URL.
	forceAfter = time.Minute
)

// Kind is a kind of document that is fetched by GET, parsed, and cached by its URL.
type Kind[T any] struct {
	// Name is the call's name in metrics and errors.
	Name string
	// Age is how long a copy serves.
	Age time.Duration
	// Accept is the media type that is asked for.
	Accept string
	// Parse reads the document. A copy that it refuses never takes the place of a good one.
	Parse func([]byte) (T, error)
	// AgeOf returns the age of one document, if it is not Age; 0 means that it is Age.
	AgeOf func(T) time.Duration
}

// Load returns the document at a URL, from the cache while the copy is young enough. If the
// server fails, an older copy serves for a day. Calls for the same document share one fetch.
func (k *Kind[T]) Load(ctx context.Context, c *Client, provider, url string) (T, error) {
	v, _, err := k.load(ctx, c, provider, url, false)
	return v, err
}

// Refresh fetches the document although a copy is there, at most once a minute for each URL.
// It reports whether the document is newer than the copy that Load returned before.
func (k *Kind[T]) Refresh(ctx context.Context, c *Client, provider, url string) (T, bool, error) {
	return k.load(ctx, c, provider, url, true)
}

func (k *Kind[T]) load(ctx context.Context, c *Client, provider, url string, force bool) (T, bool, error) {
	e := c.documents.entry(k.Name + " " + url)
	v, fresh, err := e.value(ctx, c, force, func(ctx context.Context) (any, int, time.Duration, error) {
		return k.fetch(ctx, c, provider, url)
	})
	if err != nil {
		var zero T
		return zero, false, err
	}
	doc, ok := v.(T)
	if !ok {
		return doc, false, fmt.Errorf("fetch: two kinds of document are named %q", k.Name)
	}
	return doc, fresh, nil
}

// fetch gets and parses a document, and returns its weight and age.
func (k *Kind[T]) fetch(ctx context.Context, c *Client, provider, url string) (any, int, time.Duration, error) {
	resp, err := c.Do(ctx, Request{Provider: provider, Call: k.Name, URL: url, Accept: k.Accept, Redirects: true})
	if err != nil {
		return nil, 0, 0, err
	}
	if resp.Status != 200 {
		return nil, 0, 0, fmt.Errorf("%s of %s: %w", k.Name, outbound.Address(url), &StatusError{resp.Status})
	}
	v, err := k.Parse(resp.Body)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("%s of %s: %w", k.Name, outbound.Address(url), err)
	}
	age := k.Age
	if k.AgeOf != nil {
		if own := k.AgeOf(v); own > 0 {
			age = own
		}
	}
	return v, len(resp.Body), age, nil
}

// documents is the cache of all kinds: the least recently used document leaves it first.
type documents struct {
	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent list.List // of *document, the most recently used first
	weight int
}

// document is a place in the cache. Its fields belong to the mutex of the cache.
type document struct {
	cache  *documents
	key    string
	weight int

	content any
	found   bool
	until   time.Time // content is young enough
	stale   time.Time // content serves while the server fails
	forced  time.Time // the last forced refresh
	pending *pending
}

// pending is a fetch that is still running.
type pending struct {
	done    chan struct{}
	content any
	fresh   bool
	err     error
}

// entry returns the place of a document, and makes it if there is none.
func (d *documents) entry(key string) *document {
	d.mu.Lock()
	defer d.mu.Unlock()
	if el, ok := d.byKey[key]; ok {
		d.recent.MoveToFront(el)
		return el.Value.(*document)
	}
	if d.byKey == nil {
		d.byKey = map[string]*list.Element{}
	}
	doc := &document{cache: d, key: key}
	d.byKey[key] = d.recent.PushFront(doc)
	d.weigh(doc, minWeight)
	return doc
}

// weigh sets a document's weight and makes room for it.
func (d *documents) weigh(doc *document, weight int) {
	if _, ok := d.byKey[doc.key]; !ok {
		return // it has left the cache meanwhile
	}
	d.weight += weight - doc.weight
	doc.weight = weight
	for d.weight > maxCached && d.recent.Len() > 1 {
		last := d.recent.Back()
		old := d.recent.Remove(last).(*document)
		delete(d.byKey, old.key)
		d.weight -= old.weight
	}
}

// fetcher returns a document with its weight and age.
type fetcher func(context.Context) (any, int, time.Duration, error)

// value returns the document, and reports whether this call or one beside it fetched it.
func (e *document) value(ctx context.Context, c *Client, force bool, fetch fetcher) (any, bool, error) {
	e.cache.mu.Lock()
	now := c.now()
	young := e.found && now.Before(e.until)
	if young && (!force || now.Before(e.forced.Add(forceAfter))) {
		defer e.cache.mu.Unlock()
		return e.content, false, nil
	}
	if force {
		e.forced = now
	}
	p := e.pending
	if p == nil {
		p = &pending{done: make(chan struct{})}
		e.pending = p
		// The fetch does not end with its first caller, because others wait for it.
		c.running.Go(func() { e.run(c, p, fetch) })
	}
	e.cache.mu.Unlock()
	select {
	case <-p.done:
		return p.content, p.fresh, p.err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// run fetches the document. If that fails, the copy serves on until it is too old.
func (e *document) run(c *Client, p *pending, fetch fetcher) {
	content, weight, age, err := safely(c.ctx, fetch)
	e.cache.mu.Lock()
	defer e.cache.mu.Unlock()
	now := c.now()
	switch {
	case err == nil:
		e.content, e.found = content, true
		e.until = now.Add(age)
		e.stale = e.until.Add(maxStale)
		e.cache.weigh(e, max(weight, minWeight))
		p.fresh = true
	case e.found && now.Before(e.stale):
		content, err = e.content, nil
		e.until = later(e.until, now.Add(retryAfter))
	default:
		e.content, e.found = nil, false
	}
	p.content, p.err = content, err
	e.pending = nil
	close(p.done)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// safely turns a panic of a parser into an error: no handler's recover is above it.
func safely(ctx context.Context, fetch fetcher) (content any, weight int, age time.Duration, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("fetch: panic: %v", r)
		}
	}()
	return fetch(ctx)
}
