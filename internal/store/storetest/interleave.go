package storetest

import (
	"context"
	"testing"
)

// An Interleaving runs two things at once in a fixed order, with a store that was opened with its AfterSnapshot.
type Interleaving struct{}

type pauseKey struct{}

// A pause holds up one transaction: it says that it has its snapshot, and waits.
type pause struct {
	reached, release chan struct{}
	skip             int
}

// AfterSnapshot is for the store's Options.
func (Interleaving) AfterSnapshot(ctx context.Context) {
	p, ok := ctx.Value(pauseKey{}).(*pause)
	switch {
	case !ok:
	case p.skip > 0:
		p.skip--
	case p.skip == 0:
		p.skip--
		close(p.reached)
		<-p.release
	}
}

// Run begins the later of two changes, does the whole of the earlier when the later's transaction has its snapshot, and
// then lets the later go on. nth says which of the later's transactions waits, from 1. On an engine that runs one
// transaction after the other the later is done first.
func (Interleaving) Run(t *testing.T, nth int, later, earlier func(ctx context.Context) error) (laterErr, earlierErr error) {
	t.Helper()
	p := &pause{reached: make(chan struct{}), release: make(chan struct{}), skip: nth - 1}
	done := make(chan struct{})
	go func() {
		defer close(done)
		laterErr = later(context.WithValue(t.Context(), pauseKey{}, p))
	}()
	select {
	case <-p.reached:
	case <-done:
	}
	earlierErr = earlier(t.Context())
	close(p.release)
	<-done
	return laterErr, earlierErr
}
