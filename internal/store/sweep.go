package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

// deletedFor is how long a deleted pool, group or directory stays marked: a request that was under way may still write rows of it.
const deletedFor = time.Hour

// SpentRoom is how much longer than its time a row is kept, by the clock of the node that sweeps. A row that marks a
// code, token or session as used, revoked or counted must outlive that value on every node: also if the sweeping node's
// clock is minutes ahead, or the clock of the node that accepts the value is behind.
const SpentRoom = 15 * time.Minute

// sweepBatch is how many rows one transaction of a sweep removes at most, so that the writer is soon free for a sign-up.
const sweepBatch = 100

func sweepExpired(table, key, condition string) *statement {
	return prepare("DELETE FROM " + table + " WHERE (" + key + ") IN (SELECT " + key + " FROM " + table + " WHERE " + condition + " LIMIT {limit})")
}

var (
	expired = []*statement{
		sweepExpired("codes", "pool_id, user_id, purpose", "expires_at <= ?"),
		sweepExpired("counters", "pool_id, subject, kind", "expires_at <= ?"),
		sweepExpired("spent", "pool_id, hash", "expires_at <= ?"),
		sweepExpired("families", "pool_id, family", "expires_at <= ?"),
		sweepExpired("rotated", "pool_id, family, token_id", "expires_at <= ?"),
		sweepExpired("messages", "pool_id, id", "queued = 0 AND due_at <= ?"),
		sweepExpired("passkey_challenges", "pool_id, user_id, client_id", "expires_at <= ?"),
		sweepExpired("sign_in_states", "pool_id, user_id, hash", "expires_at <= ?"),
		sweepExpired("authorization_codes", "pool_id, hash", "expires_at <= ?"),
		sweepExpired("forgotten_devices", "pool_id, user_id, id", "expires_at <= ?"),
		sweepExpired("user_sessions", "pool_id, user_id, id", "expires_at <= ?"),
		sweepExpired("turns", "pool_id, subject", "expires_at <= ?"),
		sweepExpired("rate_reports", "node", "expires_at <= ?"),
		sweepExpired("directory_tokens", "pool_id, hash", "expires_at > 0 AND expires_at <= ?"),
		sweepExpired("auth_events", "pool_id, user_id, id", "expires_at <= ?"),
	}
	// Of a destination that was removed.
	staleDeliveries = sweepExpired("deliveries", "destination, stream", "lease_until <= ?")
	staleLockouts   = sweepExpired("lockouts", "pool_id, user_id", "last_at <= ?")
	staleMessages   = sweepExpired("messages", "pool_id, id", "queued = 1 AND created_at >= 0 AND lane = ? AND due_at <= ?")

	deletedList     = prepare("SELECT pool_id, group_uid, doomed_at FROM doomed ORDER BY pool_id, group_uid LIMIT 100")
	deletedMembers  = sweepExpired("members", "pool_id, group_uid, user_id", "pool_id = ? AND group_uid = ?")
	deletedDone     = prepare("DELETE FROM doomed WHERE pool_id = ? AND group_uid = ?")
	deletedPoolRows = []*statement{
		sweepExpired("clients", "pool_id, id", "pool_id = ?"),
		sweepExpired("domains", "domain", "pool_id = ?"),
		sweepExpired("items", "pool_id, kind, item_key", "pool_id = ?"),
		sweepExpired("login_images", "pool_id, owner, id", "pool_id = ?"),
		sweepExpired("members", "pool_id, group_uid, user_id", "pool_id = ?"),
		sweepExpired("codes", "pool_id, user_id, purpose", "pool_id = ?"),
		sweepExpired("counters", "pool_id, subject, kind", "pool_id = ?"),
		sweepExpired("lockouts", "pool_id, user_id", "pool_id = ?"),
		sweepExpired("known_addresses", "pool_id, user_id, hash", "pool_id = ?"),
		sweepExpired("authorization_codes", "pool_id, hash", "pool_id = ?"),
		sweepExpired("spent", "pool_id, hash", "pool_id = ?"),
		sweepExpired("families", "pool_id, family", "pool_id = ?"),
		sweepExpired("rotated", "pool_id, family, token_id", "pool_id = ?"),
		sweepExpired("messages", "pool_id, id", "pool_id = ?"),
		sweepExpired("signing_keys", "pool_id, kid", "pool_id = ?"),
		sweepExpired("passkeys", "pool_id, user_id, id", "pool_id = ?"),
		sweepExpired("passkey_challenges", "pool_id, user_id, client_id", "pool_id = ?"),
		sweepExpired("sign_in_states", "pool_id, user_id, hash", "pool_id = ?"),
		sweepExpired("devices", "pool_id, user_id, id", "pool_id = ?"),
		sweepExpired("forgotten_devices", "pool_id, user_id, id", "pool_id = ?"),
		sweepExpired("user_sessions", "pool_id, user_id, id", "pool_id = ?"),
		sweepExpired("identities", "pool_id, hash", "pool_id = ?"),
		sweepExpired("pool_identities", "id", "pool_id = ?"),
		sweepExpired("identity_logins", "pool_id, hash", "pool_id = ?"),
		sweepExpired("directories", "pool_id, id", "pool_id = ?"),
		sweepExpired("directory_tokens", "pool_id, hash", "pool_id = ?"),
		sweepExpired("directory_resources", "pool_id, directory_id, kind, id", "pool_id = ?"),
		sweepExpired("turns", "pool_id, subject", "pool_id = ?"),
		sweepExpired("auth_events", "pool_id, user_id, id", "pool_id = ?"),
		sweepExpired("sign_in_histories", "pool_id, user_id", "pool_id = ?"),
		sweepExpired("log_records", "pool_id, source, at, id", "pool_id = ?"),
		sweepExpired("import_jobs", "pool_id, id", "pool_id = ?"),
		sweepExpired("import_beats", "pool_id, job_id", "pool_id = ?"),
		sweepExpired("import_uploads", "pool_id, id", "pool_id = ?"),
		sweepExpired("import_chunks", "pool_id, upload_id, seq", "pool_id = ?"),
		sweepExpired("import_log", "pool_id, job_id, seq", "pool_id = ?"),
		sweepExpired("active_users", "pool_id, month, user_id, client_id", "pool_id = ?"),
		sweepExpired("users", "pool_id, id", "pool_id = ?"),
	}
)

// Sweep removes the rows that expired more than SpentRoom ago, and the remaining rows of deleted pools and groups. It
// removes up to about batch rows, in small transactions. If it returns less than batch and no error, nothing was left. If
// rows of one table cannot be removed, it goes on with the other tables.
func (s *Store) Sweep(ctx context.Context, now time.Time, batch int) (deleted int, err error) {
	over := now.Add(-SpentRoom)
	var f failures
	for _, st := range expired {
		f.try(func() error { return s.sweep(ctx, &deleted, batch, st, over) })
	}
	// No failed sign-in for a day: Cognito's longest lock is 15 minutes.
	f.try(func() error { return s.sweep(ctx, &deleted, batch, staleLockouts, now.Add(-24*time.Hour)) })
	f.try(func() error { return s.sweep(ctx, &deleted, batch, staleMessages, LaneNowhere, over) })
	f.try(func() error { return s.sweep(ctx, &deleted, batch, staleDeliveries, now.Add(-deliveryLife)) })
	f.try(func() error { return s.sweep(ctx, &deleted, batch, staleAddresses, now.Add(-s.keepAddresses)) })
	// No worker took these messages for a week: their recipients no longer wait.
	for _, lane := range Lanes() {
		f.try(func() error { return s.sweep(ctx, &deleted, batch, staleMessages, lane, now.Add(-7*24*time.Hour)) })
	}
	f.try(func() error { return s.sweepUploads(ctx, &deleted, batch, now) })
	f.try(func() error { return s.sweepDeleted(ctx, &deleted, batch, now) })
	f.try(func() error { return s.sweepMonths(ctx, &deleted, batch, now) })
	return deleted, f.err()
}

// failures collects the errors of tasks. A task that fails does not stop the others.
type failures struct {
	errs  []error
	ended bool
}

// try does a task, unless an earlier task found the database unavailable.
func (f *failures) try(task func() error) {
	if f.ended {
		return
	}
	if err := task(); err != nil {
		f.errs = append(f.errs, err)
		f.ended = errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	}
}

func (f *failures) err() error { return errors.Join(f.errs...) }

type deletedOwner struct {
	poolID, groupUID string
	at               time.Time
}

func (s *Store) sweepDeleted(ctx context.Context, deleted *int, batch int, now time.Time) error {
	list, err := all(ctx, &s.Reader, deletedList, nil, func(r row, d *deletedOwner) error {
		return r.scan(&d.poolID, &d.groupUID, &d.at)
	})
	if err != nil {
		return err
	}
	var f failures
	for _, d := range list {
		f.try(func() error { return s.sweepOne(ctx, deleted, batch, d, now) })
	}
	return f.err()
}

// sweepOne removes the remaining rows of one pool, or of one group or directory.
func (s *Store) sweepOne(ctx context.Context, deleted *int, batch int, d deletedOwner, now time.Time) error {
	before := *deleted
	var f failures
	if d.groupUID != "" {
		for _, st := range []*statement{deletedMembers, deletedResources} {
			f.try(func() error { return s.sweep(ctx, deleted, batch, st, d.poolID, d.groupUID) })
		}
	} else {
		for _, st := range deletedPoolRows {
			f.try(func() error { return s.sweepMarked(ctx, deleted, batch, st, d.poolID) })
		}
	}
	if len(f.errs) == 0 && *deleted == before && *deleted < batch && now.Sub(d.at) > deletedFor {
		f.try(func() error {
			return s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, deletedDone, d.poolID, d.groupUID) })
		})
	}
	return f.err()
}

// sweep runs one statement until it finds no more rows or the batch is full.
func (s *Store) sweep(ctx context.Context, deleted *int, batch int, st *statement, args ...any) error {
	return s.sweepWhile(ctx, nil, deleted, batch, st, args...)
}

// sweepMarked is sweep for the rows of a deleted pool. It stops when another pool has the id.
func (s *Store) sweepMarked(ctx context.Context, deleted *int, batch int, st *statement, poolID string) error {
	marked := func(tx *Tx) (bool, error) { return tx.isDeleted(ctx, poolID) }
	return s.sweepWhile(ctx, marked, deleted, batch, st, poolID)
}

// sweepWhile is sweep with a condition, which each transaction checks. Nil is always true.
func (s *Store) sweepWhile(ctx context.Context, condition func(tx *Tx) (bool, error), deleted *int, batch int, st *statement, args ...any) error {
	for *deleted < batch {
		limit := min(sweepBatch, batch-*deleted)
		var n int64
		err := s.Update(ctx, func(tx *Tx) (err error) {
			n = 0
			if condition != nil {
				if ok, err := condition(tx); err != nil || !ok {
					return err
				}
			}
			n, err = tx.session.exec(ctx, st, append(slices.Clip(args), limit))
			return err
		})
		if err != nil {
			return err
		}
		*deleted += int(n)
		if n < int64(limit) {
			return nil
		}
	}
	return nil
}
