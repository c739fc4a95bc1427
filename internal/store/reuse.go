package store

import (
	"context"
	"errors"
)

// Ids of pools are random, so an id is used once. On a development server a request may choose
// the id, and then a deleted pool's id may come again while rows of the deleted pool remain.

var (
	deletedMark = prepare("SELECT 1 FROM doomed WHERE pool_id = ? AND group_uid = ?")
	deletedFree = prepare("INSERT INTO doomed (pool_id, group_uid, doomed_at) VALUES (?, '', ?) ON CONFLICT DO NOTHING")
)

// isDeleted reports whether a pool with the id was deleted and its rows may remain.
func (r *Reader) isDeleted(ctx context.Context, poolID string) (bool, error) {
	var one int64
	err := r.one(ctx, deletedMark, []any{poolID, ""}, &one)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ClearDeleted removes all rows of a deleted user pool or identity pool, so that a new pool can
// have its id. It does nothing if no pool with the id was deleted. Requests that were under way
// when the pool was deleted may still write a row: only development servers may use an id again.
func (s *Store) ClearDeleted(ctx context.Context, poolID string) error {
	const batch = 1000
	for {
		marked, err := s.isDeleted(ctx, poolID)
		if err != nil || !marked {
			return err
		}
		removed := 0
		now := s.now()
		if err := s.sweepOne(ctx, &removed, batch, deletedOwner{poolID: poolID, at: now}, now); err != nil {
			return err
		}
		if removed == 0 {
			return s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, deletedDone, poolID, "") })
		}
	}
}

// ReuseID must precede the insertion of a pool whose id was chosen, in its transaction. It
// returns ErrConflict if rows of a deleted pool with the id may remain: see ClearDeleted.
func (tx *Tx) ReuseID(ctx context.Context, poolID string) error {
	// The mark is written, not only read: so a deletion at the same time is noticed.
	if err := tx.change(ctx, ErrConflict, deletedFree, poolID, tx.now()); err != nil {
		return err
	}
	return tx.run(ctx, deletedDone, poolID, "")
}
