package keys

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// ErrBusy means that too many callers wait at a [Gate] already.
var ErrBusy = errors.New("keys: too much cryptography is waiting")

// A Gate lets a few callers at a time do heavy cryptography. Others wait in order of
// arrival, so that a burst of sign-ins queues for the cores and does not overload them.
// Callers beyond the queue's length are refused at once. A caller that finds a free
// place allocates nothing.
type Gate struct {
	mu      sync.Mutex
	free    int
	queue   int
	entered uint64
	refused uint64
	waiters list.List // of chan struct{}
}

// NewGate returns a gate with that many places and that long a queue.
func NewGate(places, queue int) *Gate {
	if places < 1 {
		panic("keys: a gate needs a place")
	}
	return &Gate{free: places, queue: queue}
}

// Do runs f in a place of the gate. It returns ErrBusy if the queue is full, or the
// context's error if the context ends first. With an error, f has not run.
func (g *Gate) Do(ctx context.Context, f func()) error {
	if err := g.Acquire(ctx); err != nil {
		return err
	}
	defer g.Release()
	f()
	return nil
}

// Acquire takes a place, which the caller must give back with Release.
func (g *Gate) Acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	g.entered++
	if g.free > 0 { // then no caller waits
		g.free--
		g.mu.Unlock()
		return nil
	}
	if g.waiters.Len() >= g.queue {
		g.refused++
		g.mu.Unlock()
		return ErrBusy
	}
	turn := make(chan struct{})
	waiter := g.waiters.PushBack(turn)
	g.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	select {
	case <-turn: // the place came at the same moment: pass it on
		g.release()
	default:
		g.waiters.Remove(waiter)
	}
	g.mu.Unlock()
	return ctx.Err()
}

// Release frees a place for the caller who has waited longest.
func (g *Gate) Release() {
	g.mu.Lock()
	g.release()
	g.mu.Unlock()
}

func (g *Gate) release() {
	if first := g.waiters.Front(); first != nil {
		close(g.waiters.Remove(first).(chan struct{}))
		return
	}
	g.free++
}

// Waiting returns how many callers wait now.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiters.Len()
}

// Entered returns how many callers have come so far. Work that can wait uses it to see
// whether there is urgent work.
func (g *Gate) Entered() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entered
}

// Refused returns how many callers were refused because the queue was full.
func (g *Gate) Refused() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}
