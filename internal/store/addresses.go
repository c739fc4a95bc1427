package store

import (
	"context"
	"slices"
	"time"
)

// A KnownAddress is an address that a user has signed in from, by its keyed hash.
type KnownAddress struct {
	PoolID, UserID string
	Hash           [32]byte
	SeenAt         time.Time
}

// defaultKeepAddresses is how long an address stays known after the user's last sign-in from it.
const defaultKeepAddresses = 90 * 24 * time.Hour

var (
	addressGet    = prepare("SELECT pool_id, user_id, hash, seen_at FROM known_addresses WHERE pool_id = ? AND user_id = ? AND hash = ?")
	addressList   = prepare("SELECT pool_id, user_id, hash, seen_at FROM known_addresses WHERE pool_id = ? AND user_id = ? LIMIT 100")
	addressPut    = prepare("INSERT INTO known_addresses (pool_id, user_id, hash, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT (pool_id, user_id, hash) DO UPDATE SET seen_at = excluded.seen_at")
	addressDelete = prepare("DELETE FROM known_addresses WHERE pool_id = ? AND user_id = ? AND hash = ?")

	userAddressesDelete = prepare("DELETE FROM known_addresses WHERE pool_id = ? AND user_id = ?")
	staleAddresses      = sweepExpired("known_addresses", "pool_id, user_id, hash", "seen_at <= ?")
)

func scanAddress(r row, a *KnownAddress) error {
	return r.scan(&a.PoolID, &a.UserID, &a.Hash, &a.SeenAt)
}

// KnownAddress reads an address of the user; ErrNotFound if the user has not signed in from it for long.
func (r *Reader) KnownAddress(ctx context.Context, poolID, userID string, hash [32]byte) (KnownAddress, error) {
	return first(ctx, r, addressGet, []any{poolID, userID, hash}, scanAddress)
}

// PutKnownAddress stores an address of a user. Of the user's addresses it keeps the last keep, by their last sign-in.
func (tx *Tx) PutKnownAddress(ctx context.Context, a KnownAddress, keep int) error {
	if err := tx.run(ctx, addressPut, a.PoolID, a.UserID, a.Hash, a.SeenAt); err != nil {
		return err
	}
	list, err := all(ctx, &tx.Reader, addressList, []any{a.PoolID, a.UserID}, scanAddress)
	if err != nil || len(list) <= keep {
		return err
	}
	slices.SortFunc(list, func(x, y KnownAddress) int { return y.SeenAt.Compare(x.SeenAt) })
	for _, old := range list[keep:] {
		if old.Hash == a.Hash { // The clock of another node is ahead.
			continue
		}
		if err := tx.run(ctx, addressDelete, old.PoolID, old.UserID, old.Hash); err != nil {
			return err
		}
	}
	return nil
}
