// Package risk limits guessing. It counts the failed password attempts of a user and
// locks the user for a growing time. It also counts what a user may do only so often
// in an hour.
//
// The package may read and write lock-out rows and counters only. It sees no password
// and no request. Failures are gathered in memory and written in batches. A lock is
// written before the attempt that caused it is answered.
//
// Anyone can fail in a user's name. So a locked user may still try from a known
// place: a remembered device, or an address of former sign-ins. Each known place has
// failures and locks of its own.
package risk

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/store"
)

const (
	// threshold is the number of failures in a row that causes the first lock.
	threshold = 5
	// longest is the longest lock, and also the time without failures after which
	// earlier failures are forgotten.
	longest = 15 * time.Minute
	// maxWaiting is how many attempts for one user may wait for others to end.
	maxWaiting = 128
	// batch is how many users one flush transaction writes.
	batch = 256
)

var (
	// ErrLocked means that the user is locked: the password must not be checked.
	ErrLocked = errors.New("risk: password attempts exceeded")
	// ErrBusy means that too many attempts for this user are under way at once.
	ErrBusy = errors.New("risk: too many concurrent attempts")
)

// Deps are what Lockouts is built from.
type Deps struct {
	Store *store.Store
	Now   func() time.Time
}

// Lockouts counts failed attempts. Callers call Begin before they check a password,
// and end the attempt with Failed, Succeeded or Release.
type Lockouts struct {
	deps  Deps
	locks atomic.Int64 // what Locks returns

	// flushing is held while gathered failures are written. Clear holds it, so that no failure of
	// the user is written after it.
	flushing sync.Mutex

	mu      sync.Mutex
	entries map[key]*entry
}

// key names a row. user is the user's id. For a known place, a slash and the name of
// the place follow.
type key struct{ pool, user string }

// A Place returns the name of the known place that an attempt comes from, or "" for
// any other place. Names are short and have no slash. It is called only for locked
// users, so that other attempts do not pay for it.
type Place func(ctx context.Context) (string, error)

// Anywhere is the Place of attempts whose origin is not known.
func Anywhere(context.Context) (string, error) { return "", nil }

// entry is what this node knows of a user beyond the row. It lives while an attempt
// holds it, or while it has failures that the row does not count yet.
type entry struct {
	holders  int // attempts between Begin's first step and their end
	waiting  int // of the holders, those that wait for a place
	inflight int // of the holders, those admitted
	pending  int // failures not written yet
	moving   int // failures that a flush is writing
	lastAt   time.Time
	// generation changes when failures moved from memory to the row. A row that was
	// read in an earlier generation is stale.
	generation uint64
	changed    chan struct{} // closed when a place may be free; nil if none waits
}

// New builds the counter. The process calls Flush every few seconds, and once more
// before it ends.
func New(d Deps) *Lockouts {
	return &Lockouts{deps: d, entries: map[key]*entry{}}
}

// lockFor returns the lock after n failures in a row: 2^(n-5) seconds, at most 15
// minutes.
func lockFor(n int) time.Duration {
	switch {
	case n < threshold:
		return 0
	case n-threshold >= 10:
		return longest
	}
	return min(time.Second<<(n-threshold), longest)
}

// currentFailures returns the row as it counts now. After 15 minutes without a failure or a
// lock it counts nothing.
func currentFailures(row store.Lockout, now time.Time) store.Lockout {
	quietSince := row.LastAt
	if row.LockedUntil.After(quietSince) {
		quietSince = row.LockedUntil
	}
	if now.Sub(quietSince) >= longest {
		row.Failures, row.LockedUntil = 0, time.Time{}
	}
	return row
}

// An Attempt is one check of a password.
type Attempt struct {
	l      *Lockouts
	k      key
	e      *entry
	base   store.Lockout
	hasRow bool
	ended  bool
}

// Begin admits an attempt, or returns ErrLocked or ErrBusy. If the user is locked, or
// too many attempts are under way, an attempt from a known place is judged by the
// failures of that place only.
func (l *Lockouts) Begin(ctx context.Context, poolID, userID string, from Place) (*Attempt, error) {
	a, err := l.begin(ctx, key{poolID, userID})
	if !errors.Is(err, ErrLocked) && !errors.Is(err, ErrBusy) {
		return a, err
	}
	place, unknown := from(ctx)
	switch {
	case unknown != nil:
		return nil, unknown
	case place == "":
		return nil, err
	}
	return l.begin(ctx, placeKey(poolID, userID, place))
}

func placeKey(poolID, userID, place string) key { return key{poolID, userID + "/" + place} }

// begin admits an attempt. Attempts under way count as failures until they end:
// otherwise a thousand guesses sent at once would all pass. Attempts beyond the
// threshold wait for a place.
func (l *Lockouts) begin(ctx context.Context, k key) (*Attempt, error) {
	a := &Attempt{l: l, k: k}
	a.e = l.hold(a.k)
	for {
		l.mu.Lock()
		generation := a.e.generation
		l.mu.Unlock()
		if err := a.read(ctx); err != nil {
			l.release(a.k, a.e, false)
			return nil, err
		}
		wait, err := a.admit(generation)
		if err != nil {
			l.release(a.k, a.e, false)
			return nil, err
		}
		if wait == nil {
			return a, nil
		}
		select {
		case <-wait:
			err = nil
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		l.mu.Lock()
		a.e.waiting--
		l.mu.Unlock()
		if err != nil {
			l.release(a.k, a.e, false)
			return nil, err
		}
	}
}

func (a *Attempt) read(ctx context.Context) error {
	row, err := a.l.deps.Store.Lockout(ctx, a.k.pool, a.k.user)
	a.hasRow = err == nil
	if errors.Is(err, store.ErrNotFound) {
		row, err = store.Lockout{}, nil
	}
	a.base = row
	return err
}

var closedChannel = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// admit takes a place. If no place is free, it returns a channel to wait for.
func (a *Attempt) admit(generation uint64) (<-chan struct{}, error) {
	l, e := a.l, a.e
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.deps.Now()
	if e.generation != generation {
		e.waiting++ // the caller decrements it
		return closedChannel, nil
	}
	row := currentFailures(a.base, now)
	n := row.Failures + e.pending + e.moving
	until := row.LockedUntil
	if e.pending+e.moving > 0 {
		if u := e.lastAt.Add(lockFor(n)); n >= threshold && u.After(until) {
			until = u
		}
	}
	if until.After(now) {
		return nil, ErrLocked
	}
	if places := max(threshold-n, 1); e.inflight < places {
		e.inflight++
		return nil, nil
	}
	if e.waiting >= maxWaiting {
		return nil, ErrBusy
	}
	e.waiting++
	if e.changed == nil {
		e.changed = make(chan struct{})
	}
	return e.changed, nil
}

// Failed counts the attempt. If it causes a lock, the lock is in the store when
// Failed returns.
func (a *Attempt) Failed(ctx context.Context) error {
	if a.ended {
		return nil
	}
	a.ended = true
	l, e := a.l, a.e
	l.mu.Lock()
	now := l.deps.Now()
	e.lastAt = now
	if currentFailures(a.base, now).Failures+e.pending+e.moving+1 < threshold {
		e.pending++
		l.mu.Unlock()
		l.release(a.k, e, true)
		return nil
	}
	taken := e.pending + 1
	e.pending = 0
	e.moving += taken
	l.mu.Unlock()

	// The guess counts, even if its client has gone.
	ctx = context.WithoutCancel(ctx)
	err := l.write(ctx, []store.Lockout{{PoolID: a.k.pool, UserID: a.k.user, Failures: taken, LastAt: now}})
	l.mu.Lock()
	e.moving -= taken
	if err != nil {
		e.pending += taken
	}
	e.generation++
	l.mu.Unlock()
	l.release(a.k, e, true)
	return err
}

// Succeeded forgets the earlier failures.
func (a *Attempt) Succeeded(ctx context.Context) error {
	if a.ended {
		return nil
	}
	a.ended = true
	var err error
	if a.hasRow {
		err = a.l.clearRow(ctx, a.k)
	}
	a.l.mu.Lock()
	a.e.pending = 0
	a.e.generation++
	a.l.mu.Unlock()
	a.l.release(a.k, a.e, true)
	return err
}

// Release ends an attempt that revealed nothing about the password. It does nothing
// after Failed or Succeeded, so that it can be deferred.
func (a *Attempt) Release() {
	if !a.ended {
		a.ended = true
		a.l.release(a.k, a.e, true)
	}
}

// Clear forgets a user's failures, also those of known places. It is called when the
// user's password was replaced.
func (l *Lockouts) Clear(ctx context.Context, poolID, userID string) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	failed, err := l.deps.Store.HasLockout(ctx, poolID, userID)
	if err == nil && failed {
		err = l.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.ClearLockout(ctx, poolID, userID) })
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, e := range l.entries {
		if k.pool == poolID && (k.user == userID || strings.HasPrefix(k.user, userID+"/")) {
			e.pending = 0
			e.generation++
			l.dropIdle(k, e)
		}
	}
	return err
}

func (l *Lockouts) clearRow(ctx context.Context, k key) error {
	return l.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.ForgetLockout(ctx, k.pool, k.user) })
}

// Locked reports whether the user is locked at the place that the call comes from.
func (l *Lockouts) Locked(ctx context.Context, poolID, userID string, from Place) (bool, error) {
	locked, err := l.locked(ctx, key{poolID, userID})
	if err != nil || !locked {
		return false, err
	}
	place, err := from(ctx)
	if err != nil || place == "" {
		return true, err
	}
	return l.locked(ctx, placeKey(poolID, userID, place))
}

func (l *Lockouts) locked(ctx context.Context, k key) (bool, error) {
	row, err := l.deps.Store.Lockout(ctx, k.pool, k.user)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return row.LockedUntil.After(l.deps.Now()), err
}

// Locks returns how often this node locked a user.
func (l *Lockouts) Locks() int64 { return l.locks.Load() }

// hold returns the entry and keeps it from being dropped.
func (l *Lockouts) hold(k key) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	if e == nil {
		e = &entry{}
		l.entries[k] = e
	}
	e.holders++
	return e
}

func (l *Lockouts) release(k key, e *entry, admitted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.holders--
	if admitted {
		e.inflight--
	}
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
	l.dropIdle(k, e)
}

func (l *Lockouts) dropIdle(k key, e *entry) {
	if e.holders == 0 && e.pending == 0 && e.moving == 0 && l.entries[k] == e {
		delete(l.entries, k)
	}
}

// Flush writes the gathered failures.
func (l *Lockouts) Flush(ctx context.Context) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	for {
		rows, entries := l.take()
		if len(rows) == 0 {
			return nil
		}
		err := l.write(ctx, rows)
		l.mu.Lock()
		for i, e := range entries {
			e.moving -= rows[i].Failures
			if err != nil {
				e.pending += rows[i].Failures
			}
			e.generation++
			l.dropIdle(key{rows[i].PoolID, rows[i].UserID}, e)
		}
		l.mu.Unlock()
		if err != nil {
			return err
		}
		if len(rows) < batch {
			return nil
		}
	}
}

func (l *Lockouts) take() (rows []store.Lockout, entries []*entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, e := range l.entries {
		if e.pending == 0 {
			continue
		}
		rows = append(rows, store.Lockout{PoolID: k.pool, UserID: k.user, Failures: e.pending, LastAt: e.lastAt})
		entries = append(entries, e)
		e.moving += e.pending
		e.pending = 0
		if len(rows) == batch {
			break
		}
	}
	return rows, entries
}

// write adds failures to their rows, which sums the counts of several nodes, and
// computes the locks.
func (l *Lockouts) write(ctx context.Context, add []store.Lockout) error {
	var locked int64
	err := l.deps.Store.Update(ctx, func(tx *store.Tx) error {
		locked = 0
		rows := make([]store.Lockout, 0, len(add))
		for _, a := range add {
			row, err := tx.Lockout(ctx, a.PoolID, a.UserID)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			row = currentFailures(row, a.LastAt)
			n := row.Failures + a.Failures
			a.Failures, a.LockedUntil = n, row.LockedUntil
			if row.LastAt.After(a.LastAt) {
				a.LastAt = row.LastAt
			}
			if u := a.LastAt.Add(lockFor(n)); n >= threshold && u.After(a.LockedUntil) {
				a.LockedUntil = u
				locked++
			}
			rows = append(rows, a)
		}
		return tx.PutLockouts(ctx, rows)
	})
	if err == nil {
		l.locks.Add(locked)
	}
	return err
}
