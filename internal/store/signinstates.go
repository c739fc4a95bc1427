package store

import (
	"context"
	"time"
)

// A SignInState is the sealed state of a sign-in under way that did not fit into what its client carries.
type SignInState struct {
	PoolID, UserID string
	Hash           [32]byte
	Sealed         []byte
	ExpiresAt      time.Time
}

var (
	stateInsert = prepare("INSERT INTO sign_in_states (pool_id, user_id, hash, sealed, expires_at) VALUES (?, ?, ?, ?, ?)")
	stateByHash = prepare("SELECT pool_id, user_id, hash, sealed, expires_at FROM sign_in_states WHERE pool_id = ? AND user_id = ? AND hash = ?")
	stateDelete = prepare("DELETE FROM sign_in_states WHERE pool_id = ? AND user_id = ? AND hash = ?")
	stateCount  = prepare("SELECT COUNT(*) FROM sign_in_states WHERE pool_id = ? AND user_id = ? AND expires_at > ?")

	userStatesDelete = prepare("DELETE FROM sign_in_states WHERE pool_id = ? AND user_id = ?")
)

// InsertSignInState keeps a state until it expires.
func (tx *Tx) InsertSignInState(ctx context.Context, st SignInState) error {
	return tx.run(ctx, stateInsert, st.PoolID, st.UserID, st.Hash, st.Sealed, st.ExpiresAt)
}

// SignInState reads a state; the caller judges its expiry.
func (r *Reader) SignInState(ctx context.Context, poolID, userID string, hash [32]byte) (SignInState, error) {
	return first(ctx, r, stateByHash, []any{poolID, userID, hash}, func(r row, st *SignInState) error {
		return r.scan(&st.PoolID, &st.UserID, &st.Hash, &st.Sealed, &st.ExpiresAt)
	})
}

// CountSignInStates counts the states of a user that have not expired. A quota keeps them few.
func (r *Reader) CountSignInStates(ctx context.Context, poolID, userID string, now time.Time) (n int, err error) {
	err = r.one(ctx, stateCount, []any{poolID, userID, now}, &n)
	return n, err
}

// DeleteSignInState removes a state, if it is there.
func (tx *Tx) DeleteSignInState(ctx context.Context, poolID, userID string, hash [32]byte) error {
	return tx.run(ctx, stateDelete, poolID, userID, hash)
}
