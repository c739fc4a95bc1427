package store

import (
	"context"
	"time"
)

// An AuthorizationCode is what an authorization code stands for, sealed.
type AuthorizationCode struct {
	PoolID    string
	Hash      [32]byte
	Used      bool
	Sealed    []byte
	ExpiresAt time.Time
}

var (
	authCodeInsert = prepare("INSERT INTO authorization_codes (pool_id, hash, used, sealed, expires_at) VALUES (?, ?, 0, ?, ?)")
	authCodeByHash = prepare("SELECT used, sealed, expires_at FROM authorization_codes WHERE pool_id = ? AND hash = ?")
	authCodeUse    = prepare("UPDATE authorization_codes SET used = 1 WHERE pool_id = ? AND hash = ? AND used = 0")
)

// InsertAuthorizationCode stores a code that was not used yet.
func (tx *Tx) InsertAuthorizationCode(ctx context.Context, c AuthorizationCode) error {
	return tx.run(ctx, authCodeInsert, c.PoolID, c.Hash, c.Sealed, c.ExpiresAt)
}

// AuthorizationCode reads a code; the caller judges its expiry and whether it was used.
func (r *Reader) AuthorizationCode(ctx context.Context, poolID string, hash [32]byte) (AuthorizationCode, error) {
	return first(ctx, r, authCodeByHash, []any{poolID, hash}, func(r row, c *AuthorizationCode) error {
		c.PoolID, c.Hash = poolID, hash
		return r.scan(&c.Used, &c.Sealed, &c.ExpiresAt)
	})
}

// UseAuthorizationCode marks a code as used; ErrSpent if it was used before or is gone.
func (tx *Tx) UseAuthorizationCode(ctx context.Context, poolID string, hash [32]byte) error {
	return tx.change(ctx, ErrSpent, authCodeUse, poolID, hash)
}
