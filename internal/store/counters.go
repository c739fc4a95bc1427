package store

import (
	"context"
	"errors"
	"time"
)

var (
	counterAdd = prepare("INSERT INTO counters (pool_id, subject, kind, count, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (pool_id, subject, kind) DO UPDATE SET " +
		"count = CASE WHEN counters.expires_at <= ? THEN excluded.count ELSE counters.count + excluded.count END, " +
		"expires_at = CASE WHEN counters.expires_at <= ? THEN excluded.expires_at ELSE counters.expires_at END RETURNING count, expires_at")
	counterGet   = prepare("SELECT count FROM counters WHERE pool_id = ? AND subject = ? AND kind = ? AND expires_at > ?")
	counterReset = prepare("DELETE FROM counters WHERE pool_id = ? AND subject = ? AND kind = ?")

	lockoutPut = prepare("INSERT INTO lockouts (pool_id, user_id, failures, last_at, locked_until) VALUES (?, ?, ?, ?, ?) ON CONFLICT (pool_id, user_id) DO UPDATE SET " +
		"failures = excluded.failures, last_at = excluded.last_at, locked_until = excluded.locked_until")
	lockoutGet    = prepare("SELECT pool_id, user_id, failures, last_at, locked_until FROM lockouts WHERE pool_id = ? AND user_id = ?")
	lockoutAny    = prepare("SELECT 1 FROM lockouts WHERE pool_id = ? AND user_id >= ? AND user_id < ? LIMIT 1")
	lockoutForget = prepare("DELETE FROM lockouts WHERE pool_id = ? AND user_id = ?")
	lockoutClear  = prepare("DELETE FROM lockouts WHERE pool_id = ? AND user_id >= ? AND user_id < ?")
)

// Count adds to a counter of a fixed window, which begins again with the first event after its end.
func (tx *Tx) Count(ctx context.Context, poolID, subject, kind string, now time.Time, window time.Duration, by int) (count int, windowEnds time.Time, err error) {
	err = tx.one(ctx, counterAdd, []any{poolID, subject, kind, by, now.Add(window), now, now}, &count, &windowEnds)
	return count, windowEnds, err
}

// Counter reads a counter; 0 after its window.
func (r *Reader) Counter(ctx context.Context, poolID, subject, kind string, now time.Time) (count int, err error) {
	err = r.one(ctx, counterGet, []any{poolID, subject, kind, now}, &count)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return count, err
}

// ResetCounter sets a counter to 0.
func (tx *Tx) ResetCounter(ctx context.Context, poolID, subject, kind string) error {
	return tx.run(ctx, counterReset, poolID, subject, kind)
}

// PutLockouts stores how often users failed to sign in.
func (tx *Tx) PutLockouts(ctx context.Context, lockouts []Lockout) error {
	for _, l := range lockouts {
		if err := tx.run(ctx, lockoutPut, l.PoolID, l.UserID, l.Failures, l.LastAt, l.LockedUntil); err != nil {
			return err
		}
	}
	return nil
}

func scanLockout(r row, l *Lockout) error {
	return r.scan(&l.PoolID, &l.UserID, &l.Failures, &l.LastAt, &l.LockedUntil)
}

// Lockout reads a user's failures; ErrNotFound if there were none.
func (r *Reader) Lockout(ctx context.Context, poolID, userID string) (Lockout, error) {
	return first(ctx, r, lockoutGet, []any{poolID, userID}, scanLockout)
}

// HasLockout reports whether the user has failures, also from known places.
func (r *Reader) HasLockout(ctx context.Context, poolID, userID string) (bool, error) {
	var one int64
	err := r.one(ctx, lockoutAny, []any{poolID, userID, userID + string('/'+1)}, &one)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ClearLockout forgets a user's failures, also from known places. The key of a known place's row is the user's id, a
// slash and the place.
func (tx *Tx) ClearLockout(ctx context.Context, poolID, userID string) error {
	return tx.run(ctx, lockoutClear, poolID, userID, userID+string('/'+1))
}

// ForgetLockout forgets the failures of one row.
func (tx *Tx) ForgetLockout(ctx context.Context, poolID, subject string) error {
	return tx.run(ctx, lockoutForget, poolID, subject)
}
