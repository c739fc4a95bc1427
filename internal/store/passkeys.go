package store

import (
	"context"
	"time"
)

// A Passkey is a WebAuthn credential of a user. ID is its id in base64url without padding, unique in the pool. Doc holds
// its public key and what is shown of it.
type Passkey struct {
	PoolID, UserID, ID string
	SignCount          int64
	CreatedAt          time.Time
	Doc                []byte
}

// A PasskeyChallenge is what the authenticator must sign to register with an app client.
type PasskeyChallenge struct {
	PoolID, UserID, ClientID string
	Hash                     [32]byte
	ExpiresAt                time.Time
}

var (
	passkeyInsert = prepare("INSERT INTO passkeys (pool_id, user_id, id, sign_count, created_at, doc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	passkeyList   = prepare("SELECT pool_id, user_id, id, sign_count, created_at, doc FROM passkeys WHERE pool_id = ? AND user_id = ?")
	passkeyCount  = prepare("UPDATE passkeys SET sign_count = ? WHERE pool_id = ? AND user_id = ? AND id = ? AND sign_count < ?")
	passkeyDelete = prepare("DELETE FROM passkeys WHERE pool_id = ? AND user_id = ? AND id = ?")

	challengePut = prepare("INSERT INTO passkey_challenges (pool_id, user_id, client_id, hash, expires_at) VALUES (?, ?, ?, ?, ?) " +
		"ON CONFLICT (pool_id, user_id, client_id) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at")
	challengeList  = prepare("SELECT pool_id, user_id, client_id, hash, expires_at FROM passkey_challenges WHERE pool_id = ? AND user_id = ?")
	challengeSpend = prepare("DELETE FROM passkey_challenges WHERE pool_id = ? AND user_id = ? AND client_id = ? AND hash = ?")

	userPasskeysDelete   = prepare("DELETE FROM passkeys WHERE pool_id = ? AND user_id = ?")
	userChallengesDelete = prepare("DELETE FROM passkey_challenges WHERE pool_id = ? AND user_id = ?")
)

// InsertPasskey adds a passkey, and holds the user. ErrNotFound if the user is gone; ExistsError says "passkey" where
// the pool has the id.
func (tx *Tx) InsertPasskey(ctx context.Context, k Passkey) error {
	if err := tx.HoldUser(ctx, k.PoolID, k.UserID); err != nil {
		return err
	}
	return tx.insert(ctx, "passkey", passkeyInsert, k.PoolID, k.UserID, k.ID, k.SignCount, k.CreatedAt, k.Doc)
}

// Passkeys lists a user's passkeys, in no order.
func (r *Reader) Passkeys(ctx context.Context, poolID, userID string) ([]Passkey, error) {
	return all(ctx, r, passkeyList, []any{poolID, userID}, func(r row, k *Passkey) error {
		return r.scan(&k.PoolID, &k.UserID, &k.ID, &k.SignCount, &k.CreatedAt, &k.Doc)
	})
}

// CountPasskey moves a passkey's counter up; ErrConflict where it is that high already or the passkey is gone.
func (tx *Tx) CountPasskey(ctx context.Context, poolID, userID, id string, count int64) error {
	return tx.change(ctx, ErrConflict, passkeyCount, count, poolID, userID, id, count)
}

// DeletePasskey removes a passkey; ErrNotFound if the user has no passkey with this id.
func (tx *Tx) DeletePasskey(ctx context.Context, poolID, userID, id string) error {
	return tx.change(ctx, ErrNotFound, passkeyDelete, poolID, userID, id)
}

// PutPasskeyChallenge stores a challenge in place of the former one of the user and client.
func (tx *Tx) PutPasskeyChallenge(ctx context.Context, c PasskeyChallenge) error {
	return tx.run(ctx, challengePut, c.PoolID, c.UserID, c.ClientID, c.Hash, c.ExpiresAt)
}

// PasskeyChallenges lists a user's challenges, one for each client; the caller judges their expiry.
func (r *Reader) PasskeyChallenges(ctx context.Context, poolID, userID string) ([]PasskeyChallenge, error) {
	return all(ctx, r, challengeList, []any{poolID, userID}, func(r row, c *PasskeyChallenge) error {
		return r.scan(&c.PoolID, &c.UserID, &c.ClientID, &c.Hash, &c.ExpiresAt)
	})
}

// SpendPasskeyChallenge removes a challenge; ErrSpent if it is gone or another one took its place.
func (tx *Tx) SpendPasskeyChallenge(ctx context.Context, c PasskeyChallenge) error {
	return tx.change(ctx, ErrSpent, challengeSpend, c.PoolID, c.UserID, c.ClientID, c.Hash)
}
