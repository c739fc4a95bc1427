package store

import "context"

var (
	identityInsert = prepare("INSERT INTO identities (pool_id, hash, user_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
	identityOwner  = prepare("SELECT user_id FROM identities WHERE pool_id = ? AND hash = ?")
	identityDelete = prepare("DELETE FROM identities WHERE pool_id = ? AND hash = ? AND user_id = ?")

	userIdentitiesDelete = prepare("DELETE FROM identities WHERE pool_id = ? AND user_id = ?")
)

// InsertIdentity adds an identity of the user at a provider, and holds the user. ErrNotFound if the user is gone;
// ExistsError says "identity" if a user has it already.
func (tx *Tx) InsertIdentity(ctx context.Context, poolID string, hash [32]byte, userID string) error {
	if err := tx.HoldUser(ctx, poolID, userID); err != nil {
		return err
	}
	return tx.insert(ctx, "identity", identityInsert, poolID, hash, userID)
}

// IdentityOwner returns the id of the user who signs in by the identity; ErrNotFound if nobody does.
func (r *Reader) IdentityOwner(ctx context.Context, poolID string, hash [32]byte) (userID string, err error) {
	err = r.one(ctx, identityOwner, []any{poolID, hash}, &userID)
	return userID, err
}

// DeleteIdentity takes an identity from the user; ErrNotFound if the user does not have it.
func (tx *Tx) DeleteIdentity(ctx context.Context, poolID string, hash [32]byte, userID string) error {
	return tx.change(ctx, ErrNotFound, identityDelete, poolID, hash, userID)
}
