package pool

import (
	"context"
	"hash/maphash"
)

// turns lets this process's changes of one pool go one after another. The
// database alone would keep them apart, but only by refusing all but one of
// those that meet; here they need not meet. Pools that share a place merely wait.
type turns struct {
	seed   maphash.Seed
	places [64]chan struct{}
}

func newTurns() *turns {
	t := &turns{seed: maphash.MakeSeed()}
	for i := range t.places {
		t.places[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the pool's turn. What it gives must be called to end the turn.
func (t *turns) take(ctx context.Context, poolID string) (end func(), err error) {
	place := t.places[maphash.String(t.seed, poolID)%uint64(len(t.places))]
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
