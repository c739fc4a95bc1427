package store

import (
	"context"
	"time"
)

// Kept so long after the deletion of a pool or group, for what a request that was under way may still write.
const doomedFor = time.Hour

// One transaction of a sweep removes so many rows at most: the writer is soon free again for a sign-up.
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
		sweepExpired("forgotten_devices", "pool_id, user_id, id", "expires_at <= ?"),
		sweepExpired("user_sessions", "pool_id, user_id, id", "expires_at <= ?"),
		sweepExpired("user_session_turns", "pool_id, user_id", "expires_at <= ?"),
	}
	staleLockouts = sweepExpired("lockouts", "pool_id, user_id", "last_at <= ?")
	staleMessages = sweepExpired("messages", "pool_id, id", "queued = 1 AND created_at >= 0 AND lane = ? AND due_at <= ?")

	doomedList   = prepare("SELECT pool_id, group_uid, doomed_at FROM doomed ORDER BY pool_id, group_uid LIMIT 100")
	doomedGroup  = sweepExpired("members", "pool_id, group_uid, user_id", "pool_id = ? AND group_uid = ?")
	doomedDelete = prepare("DELETE FROM doomed WHERE pool_id = ? AND group_uid = ?")
	doomedPool   = []*statement{
		sweepExpired("clients", "pool_id, id", "pool_id = ?"),
		sweepExpired("domains", "domain", "pool_id = ?"),
		sweepExpired("items", "pool_id, kind, item_key", "pool_id = ?"),
		sweepExpired("members", "pool_id, group_uid, user_id", "pool_id = ?"),
		sweepExpired("codes", "pool_id, user_id, purpose", "pool_id = ?"),
		sweepExpired("counters", "pool_id, subject, kind", "pool_id = ?"),
		sweepExpired("lockouts", "pool_id, user_id", "pool_id = ?"),
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
		sweepExpired("user_session_turns", "pool_id, user_id", "pool_id = ?"),
		sweepExpired("import_jobs", "pool_id, id", "pool_id = ?"),
		sweepExpired("import_beats", "pool_id, job_id", "pool_id = ?"),
		sweepExpired("import_uploads", "pool_id, id", "pool_id = ?"),
		sweepExpired("import_chunks", "pool_id, upload_id, seq", "pool_id = ?"),
		sweepExpired("import_log", "pool_id, job_id, seq", "pool_id = ?"),
		sweepExpired("users", "pool_id, id", "pool_id = ?"),
	}
)

// Sweep removes what has expired and what is left of deleted pools and groups, up to about batch rows, in small
// transactions. If it answers less than batch, nothing was left.
func (s *Store) Sweep(ctx context.Context, now time.Time, batch int) (deleted int, err error) {
	for _, st := range expired {
		if err := s.sweep(ctx, &deleted, batch, st, now); err != nil {
			return deleted, err
		}
	}
	// Nobody has failed to sign in for a day: Cognito's longest lock is 15 minutes.
	if err := s.sweep(ctx, &deleted, batch, staleLockouts, now.Add(-24*time.Hour)); err != nil {
		return deleted, err
	}
	// No worker took them for a week: whoever waited for them does no longer.
	for _, lane := range Lanes() {
		if err := s.sweep(ctx, &deleted, batch, staleMessages, lane, now.Add(-7*24*time.Hour)); err != nil {
			return deleted, err
		}
	}
	if err := s.sweepUploads(ctx, &deleted, batch, now); err != nil {
		return deleted, err
	}
	return deleted, s.sweepDoomed(ctx, &deleted, batch, now)
}

type doomedRow struct {
	poolID, groupUID string
	at               time.Time
}

func (s *Store) sweepDoomed(ctx context.Context, deleted *int, batch int, now time.Time) error {
	list, err := all(ctx, &s.Reader, doomedList, nil, func(r row, d *doomedRow) error {
		return r.scan(&d.poolID, &d.groupUID, &d.at)
	})
	if err != nil {
		return err
	}
	for _, d := range list {
		before := *deleted
		if d.groupUID != "" {
			if err := s.sweep(ctx, deleted, batch, doomedGroup, d.poolID, d.groupUID); err != nil {
				return err
			}
		} else {
			for _, st := range doomedPool {
				if err := s.sweep(ctx, deleted, batch, st, d.poolID); err != nil {
					return err
				}
			}
		}
		if *deleted == before && *deleted < batch && now.Sub(d.at) > doomedFor {
			if err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, doomedDelete, d.poolID, d.groupUID) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep runs one statement until it finds no more rows or the batch is full.
func (s *Store) sweep(ctx context.Context, deleted *int, batch int, st *statement, args ...any) error {
	for *deleted < batch {
		limit := min(sweepBatch, batch-*deleted)
		var n int64
		err := s.Update(ctx, func(tx *Tx) (err error) {
			n, err = tx.session.exec(ctx, st, append(args[:len(args):len(args)], limit))
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
