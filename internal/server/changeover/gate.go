// Package changeover replaces the handlers of a running server by others, between two
// requests. A development server uses it to empty its database, or to put back a snapshot.
package changeover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"cognate/internal/server/edge"
)

// ErrReplaced is the cause with which Replace cancels the context of a request that is still
// running.
var ErrReplaced = errors.New("the server is being emptied or put back to a snapshot")

// ErrBusy means that requests did not end, although their contexts had ended.
var ErrBusy = errors.New("running requests did not end")

// DefaultPatience is the patience of a gate that sets no other.
const DefaultPatience = 2 * time.Second

// A Gate passes requests on to handlers that can be replaced together.
type Gate struct {
	// patience is how long Replace waits for running requests, before and after it ends their
	// contexts.
	patience time.Duration
	// replacing is held by Replace, so that replacements come one after the other.
	replacing chan struct{}

	mu       sync.Mutex
	handlers map[string]http.Handler
	running  map[*visit]struct{}
	open     chan struct{} // closed while requests may pass
	idle     chan struct{} // not nil while Replace waits: closed when no request is running
}

// A visit is a running request.
type visit struct {
	cancel  context.CancelCauseFunc
	waiting bool // set by Wait
}

// NewGate returns a gate without handlers. It passes no request on before Set. A patience of 0
// is DefaultPatience.
func NewGate(patience time.Duration) *Gate {
	return &Gate{patience: cmp.Or(patience, DefaultPatience), replacing: make(chan struct{}, 1), running: map[*visit]struct{}{}, open: make(chan struct{})}
}

// Set sets the first handlers, by name, and opens the gate.
func (g *Gate) Set(handlers map[string]http.Handler) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handlers = maps.Clone(handlers)
	close(g.open)
}

type visitKey struct{}

// Handler returns a handler that passes requests on to the handler of that name. While the
// handlers are being replaced, requests wait.
func (g *Gate) Handler(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		v := &visit{cancel: cancel}
		h := g.enter(ctx, v, name)
		if h == nil {
			edge.WriteStatus(w, http.StatusServiceUnavailable, "the server is being emptied or put back to a snapshot, or could not go on after that; its log says why")
			return
		}
		defer g.leave(v)
		h.ServeHTTP(w, r.WithContext(context.WithValue(ctx, visitKey{}, v)))
	})
}

// enter waits until the gate is open. It returns nil if ctx ends first, or there is no handler.
func (g *Gate) enter(ctx context.Context, v *visit, name string) http.Handler {
	for {
		g.mu.Lock()
		open := g.open
		select {
		case <-open:
			defer g.mu.Unlock()
			h := g.handlers[name]
			if h != nil {
				g.running[v] = struct{}{}
			}
			return h
		default:
		}
		g.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return nil
		}
	}
}

// Wait marks the request of ctx as one that only waits for something. Replace cancels the context of
// such a request at once.
func (g *Gate) Wait(ctx context.Context) {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	v.waiting = true
	select {
	case <-g.open:
	default:
		v.cancel(ErrReplaced)
	}
}

func (g *Gate) leave(v *visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, v)
	if g.idle != nil && len(g.running) == 0 {
		close(g.idle)
		g.idle = nil
	}
}

// Replace closes the gate, waits for the running requests, calls change, and opens the gate with
// the handlers that change returns. With nil handlers the gate keeps the handlers that it has. Replace
// does not wait for the request whose context is ctx.
func (g *Gate) Replace(ctx context.Context, change func() (map[string]http.Handler, error)) error {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		g.leave(v)
	}
	select {
	case g.replacing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-g.replacing }()
	g.mu.Lock()
	g.open = make(chan struct{})
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		close(g.open)
	}()
	if err := g.waitIdle(); err != nil {
		return err
	}
	handlers, err := change()
	if handlers != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.handlers = maps.Clone(handlers)
	}
	return err
}

// waitIdle waits until no request is running. After the patience it cancels
// their contexts, and waits for the patience again.
func (g *Gate) waitIdle() error {
	g.mu.Lock()
	if len(g.running) == 0 {
		g.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	g.idle = idle
	for v := range g.running {
		if v.waiting {
			v.cancel(ErrReplaced)
		}
	}
	g.mu.Unlock()
	for range 2 {
		t := time.NewTimer(g.patience)
		select {
		case <-idle:
			t.Stop()
			return nil
		case <-t.C:
		}
		g.mu.Lock()
		for v := range g.running {
			v.cancel(ErrReplaced)
		}
		g.mu.Unlock()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.idle = nil
	if n := len(g.running); n > 0 {
		return fmt.Errorf("%w: %d", ErrBusy, n)
	}
	return nil
}
