package keys

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// follower reads the records again, for the ring of a running process.
type follower struct {
	// turn has room for one load: the older of two parallel loads could end last.
	turn    chan struct{}
	read    func(context.Context) ([]WrappedKey, error)
	kek     func() (*KEK, error)
	now     func() time.Time
	started time.Time     // of the last load that an unknown key caused
	failed  error         // of the last load
	begun   atomic.Uint64 // loads
	wait    func(context.Context, time.Duration) error
}

const (
	// reloadInterval is the shortest time between two loads that values of strangers
	// cause.
	reloadInterval = time.Second
	// reloadLimit is the limit of a load that a value caused. The load goes on when the
	// client that sent the value has gone: others wait for it.
	reloadLimit = 2 * time.Second
	// maxAhead is how many keys other processes can have added since the last
	// load. An id beyond that never existed, and causes no load.
	maxAhead = 16
)

// Follow sets the function that reads the records. From then on [Ring.Refresh] loads
// them, and so does a value that names an unknown data key. kek, if it is not nil,
// returns the key-encryption key that is configured now. It is called if another
// key-encryption key wraps the records. Call Follow before any concurrent use.
func (r *Ring) Follow(read func(context.Context) ([]WrappedKey, error), kek func() (*KEK, error), now func() time.Time) {
	r.follow.read, r.follow.kek, r.follow.now = read, kek, now
}

// Refresh loads the records again. It must run more often than SealDelay, and often
// enough to notice a retirement in time.
func (r *Ring) Refresh(ctx context.Context) error {
	if err := r.follow.take(ctx); err != nil {
		return err
	}
	defer r.follow.leave()
	return r.refresh(ctx)
}

func (f *follower) take(ctx context.Context) error {
	select {
	case f.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *follower) leave() { <-f.turn }

// refresh loads the records. The caller has the turn.
func (r *Ring) refresh(ctx context.Context) error {
	r.follow.begun.Add(1)
	r.follow.failed = r.reload(ctx)
	return r.follow.failed
}

func (r *Ring) reload(ctx context.Context) error {
	records, err := r.follow.read(ctx)
	if err != nil {
		return err
	}
	err = r.Load(ctx, records, r.follow.now())
	if !errors.Is(err, ErrWrongKEK) || r.follow.kek == nil {
		return err
	}
	configured, kekErr := r.follow.kek()
	if kekErr != nil {
		return errors.Join(err, kekErr)
	}
	before := r.kek.Load()
	if configured.id == before.id {
		return err
	}
	r.kek.Store(configured)
	if err = r.Load(ctx, records, r.follow.now()); errors.Is(err, ErrWrongKEK) {
		r.kek.Store(before)
	}
	return err
}

// UseKEK makes the ring unwrap and wrap with another key-encryption key.
func (r *Ring) UseKEK(kek *KEK) { r.kek.Store(kek) }

// find returns a key. If the key is unknown, it loads the records, or waits for a load
// that others cause. So forged values cause few loads, and are not mistaken for a fault
// of the server. The error is errOpen if there is no such key, and ErrUnknownKey if that
// is not known.
func (r *Ring) find(ctx context.Context, ref keyRef) (heldKey, error) {
	state := r.state.Load()
	if held, ok := state.open[ref]; ok {
		return held, nil
	}
	newest := state.newest[ref.purpose]
	if newest == 0 || ref.id <= newest || ref.id-newest > maxAhead {
		return heldKey{}, errOpen
	}
	f := &r.follow
	if f.read == nil {
		return heldKey{}, ErrUnknownKey
	}
	before := f.begun.Load()
	if err := f.take(ctx); err != nil {
		return heldKey{}, errors.Join(ErrUnknownKey, err)
	}
	defer f.leave()
	if held, ok := r.state.Load().open[ref]; ok {
		return held, nil
	}
	if f.begun.Load() == before {
		if err := f.pause(ctx); err != nil {
			return heldKey{}, errors.Join(ErrUnknownKey, err)
		}
		f.started = f.now()
		loading, cancel := context.WithTimeout(context.WithoutCancel(ctx), reloadLimit)
		defer cancel()
		_ = r.refresh(loading)
	}
	// The value existed before the load began, and its key before the value. So a key
	// that is still missing never existed.
	held, ok := r.state.Load().open[ref]
	switch {
	case ok:
		return held, nil
	case f.failed != nil:
		return heldKey{}, errors.Join(ErrUnknownKey, f.failed)
	}
	return heldKey{}, errOpen
}

// pause waits until a value may cause a load again.
func (f *follower) pause(ctx context.Context) error {
	rest := reloadInterval - f.now().Sub(f.started)
	if rest <= 0 || rest > reloadInterval {
		return nil
	}
	return f.wait(ctx, rest)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
