package store

import (
	"context"
	"time"
)

const codeColumns = "pool_id, user_id, purpose, hash, target, value, attempts, created_at, expires_at"

var (
	codeGet = prepare("SELECT " + codeColumns + " FROM codes WHERE pool_id = ? AND user_id = ? AND purpose = ?")
	codePut = prepare("INSERT INTO codes (" + codeColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pool_id, user_id, purpose) DO UPDATE SET " +
		"hash = excluded.hash, target = excluded.target, value = excluded.value, attempts = excluded.attempts, created_at = excluded.created_at, expires_at = excluded.expires_at")
	codeSpend = prepare("DELETE FROM codes WHERE pool_id = ? AND user_id = ? AND purpose = ? AND hash = ?")
	codeMiss  = prepare("UPDATE codes SET attempts = attempts + 1 WHERE pool_id = ? AND user_id = ? AND purpose = ? RETURNING attempts")
	codeDrop  = prepare("DELETE FROM codes WHERE pool_id = ? AND user_id = ? AND purpose = ?")

	spentInsert   = prepare("INSERT INTO spent (pool_id, hash, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
	spentGet      = prepare("SELECT COUNT(*) FROM spent WHERE pool_id = ? AND hash = ?")
	familyRevoke  = prepare("INSERT INTO families (pool_id, family, user_id, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (pool_id, family) DO UPDATE SET expires_at = excluded.expires_at WHERE families.expires_at < excluded.expires_at")
	familyGet     = prepare("SELECT COUNT(*) FROM families WHERE pool_id = ? AND family = ?")
	rotatedInsert = prepare("INSERT INTO rotated (pool_id, family, token_id, rotated_at, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	rotatedGet    = prepare("SELECT rotated_at FROM rotated WHERE pool_id = ? AND family = ? AND token_id = ?")
)

func scanCode(r row, c *Code) error {
	return r.scan(&c.PoolID, &c.UserID, &c.Purpose, &c.Hash, &c.Target, &c.Value, &c.Attempts, &c.CreatedAt, &c.ExpiresAt)
}

// Code reads a code; the caller judges its expiry.
func (r *Reader) Code(ctx context.Context, poolID, userID, purpose string) (Code, error) {
	return first(ctx, r, codeGet, []any{poolID, userID, purpose}, scanCode)
}

// PutCode stores a code in place of a former one for the same purpose.
func (tx *Tx) PutCode(ctx context.Context, c Code) error {
	return tx.run(ctx, codePut, c.PoolID, c.UserID, c.Purpose, c.Hash, c.Target, c.Value, c.Attempts, c.CreatedAt, c.ExpiresAt)
}

// SpendCode removes a code if it has this hash, and reports whether it did: true for one caller only.
func (tx *Tx) SpendCode(ctx context.Context, poolID, userID, purpose string, hash [32]byte) (bool, error) {
	n, err := tx.session.exec(ctx, codeSpend, []any{poolID, userID, purpose, hash})
	return n == 1, err
}

// MissCode counts a wrong guess and answers how many there were.
func (tx *Tx) MissCode(ctx context.Context, poolID, userID, purpose string) (attempts int, err error) {
	err = tx.one(ctx, codeMiss, []any{poolID, userID, purpose}, &attempts)
	return attempts, err
}

// DropCode removes a code; it is no error if there is none.
func (tx *Tx) DropCode(ctx context.Context, poolID, userID, purpose string) error {
	return tx.run(ctx, codeDrop, poolID, userID, purpose)
}

// Spend records that something single-use was used; ErrSpent if it was before. The row is kept until it expires.
func (tx *Tx) Spend(ctx context.Context, poolID string, hash [32]byte, expires time.Time) error {
	return tx.change(ctx, ErrSpent, spentInsert, poolID, hash, expires)
}

// Spent reports whether something was spent.
func (r *Reader) Spent(ctx context.Context, poolID string, hash [32]byte) (spent bool, err error) {
	err = r.one(ctx, spentGet, []any{poolID, hash}, &spent)
	return spent, err
}

// RevokeFamily revokes a family of refresh tokens; the row is kept until all of them have expired.
func (tx *Tx) RevokeFamily(ctx context.Context, poolID, userID, family string, expires time.Time) error {
	return tx.run(ctx, familyRevoke, poolID, family, userID, expires)
}

// FamilyRevoked reports whether a family was revoked.
func (r *Reader) FamilyRevoked(ctx context.Context, poolID, family string) (revoked bool, err error) {
	err = r.one(ctx, familyGet, []any{poolID, family}, &revoked)
	return revoked, err
}

// RotateOut records that a refresh token was exchanged. first is true for one caller only; the others learn when that
// was.
func (tx *Tx) RotateOut(ctx context.Context, poolID, family, tokenID string, now, expires time.Time) (rotatedAt time.Time, first bool, err error) {
	n, err := tx.session.exec(ctx, rotatedInsert, []any{poolID, family, tokenID, now, expires})
	if err != nil {
		return time.Time{}, false, err
	}
	if n == 1 {
		return fromMillis(millis(now)), true, nil
	}
	err = tx.one(ctx, rotatedGet, []any{poolID, family, tokenID}, &rotatedAt)
	return rotatedAt, false, err
}
