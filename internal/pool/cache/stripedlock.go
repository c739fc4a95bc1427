package cache

import (
	"context"
	"hash/maphash"
)

// A StripedLock makes this process's changes of one pool run one after another. The
// database alone also keeps concurrent changes apart, but it rejects all but one of
// them. Pools that share a stripe only wait for each other.
type StripedLock struct {
	seed    maphash.Seed
	stripes [64]chan struct{}
}

// NewStripedLock makes the lock.
func NewStripedLock() *StripedLock {
	l := &StripedLock{seed: maphash.MakeSeed()}
	for i := range l.stripes {
		l.stripes[i] = make(chan struct{}, 1)
	}
	return l
}

// Lock waits for the pool's stripe. The caller must call unlock.
func (l *StripedLock) Lock(ctx context.Context, poolID string) (unlock func(), err error) {
	stripe := l.stripes[maphash.String(l.seed, poolID)%uint64(len(l.stripes))]
	select {
	case stripe <- struct{}{}:
		return func() { <-stripe }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
