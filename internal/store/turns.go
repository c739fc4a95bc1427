package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// PostgreSQL runs a transaction on a snapshot (REPEATABLE READ). It refuses the transaction only if another one wrote the
// same row. It does not notice that another transaction changed a row that this one only read. So a transaction also
// writes the row whose check permits its write: the user or pool by HoldUser or HoldPool, or a turn where there is no row.

var (
	userHold    = prepare("UPDATE users SET version = version WHERE pool_id = ? AND id = ?")
	userPresent = prepare("SELECT COUNT(*) FROM users WHERE pool_id = ? AND id = ?")
	poolHold    = prepare("UPDATE pools SET version = version WHERE id = ?")
	turnTake    = prepare("INSERT INTO turns (pool_id, subject, turns, expires_at) VALUES (?, ?, 1, ?) ON CONFLICT (pool_id, subject) DO UPDATE SET " +
		"turns = turns.turns + 1, expires_at = excluded.expires_at")
)

// turnFor is how long the row of a turn is kept: longer than any transaction.
const turnFor = time.Hour

// HoldUser writes a user's row without a change. Of two transactions that hold, change or delete one user, the later is
// run again and sees the changes of the earlier. It returns ErrNotFound if there is no such user.
func (tx *Tx) HoldUser(ctx context.Context, poolID, id string) error {
	return tx.change(ctx, ErrNotFound, userHold, poolID, id)
}

// HoldPool is HoldUser for a pool.
func (tx *Tx) HoldPool(ctx context.Context, id string) error {
	return tx.change(ctx, ErrNotFound, poolHold, id)
}

// Turn makes the transaction the only one of those that name the subject: of two at once, the later is run again and
// sees the earlier. A subject that belongs to no pool has an empty poolID. The row has a hash of the subject, because many
// subjects are names of people, and a turn must not keep the name of a person who was deleted.
func (tx *Tx) Turn(ctx context.Context, poolID, subject string) error {
	sum := sha256.Sum256([]byte(subject))
	return tx.run(ctx, turnTake, poolID, hex.EncodeToString(sum[:16]), tx.now().Add(turnFor))
}

// TurnOfName takes the turn of a sign-in name. The kinds of names are in different columns, so no index prevents the same
// text under two kinds. A transaction that sets a name takes the name's turn, and looks for the other kinds.
func (tx *Tx) TurnOfName(ctx context.Context, poolID, name string) error {
	return tx.Turn(ctx, poolID, "name "+name)
}

// TurnOfUserSessions takes the turn of a user's sessions. DeleteUser takes it, too.
func (tx *Tx) TurnOfUserSessions(ctx context.Context, poolID, userID string) error {
	return tx.Turn(ctx, poolID, "sessions "+userID)
}
