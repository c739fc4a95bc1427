package store

import (
	"context"
	"strconv"
	"time"
)

// An AuthEvent is a monitored event of a user. Ids begin with a time, so that a list by id is a list by time.
type AuthEvent struct {
	PoolID, UserID, ID string
	ExpiresAt          time.Time
	// Succeeded is true for a sign-in that ended well, unless somebody has said that it was not the user.
	Succeeded bool
	Doc       []byte
}

// A SignInHistory is what is known of a user's earlier sign-ins.
type SignInHistory struct {
	PoolID, UserID string
	Version        int64
	Doc            []byte
}

const authEventColumns = "pool_id, user_id, id, expires_at, succeeded, doc"

var (
	authEventByID   = prepare("SELECT " + authEventColumns + " FROM auth_events WHERE pool_id = ? AND user_id = ? AND id = ?")
	authEventList   = prepare("SELECT " + authEventColumns + " FROM auth_events WHERE pool_id = ? AND user_id = ? AND id < ? ORDER BY id DESC LIMIT {limit}")
	authEventInsert = prepare("INSERT INTO auth_events (" + authEventColumns + ") SELECT pool_id, id, ?, ?, ?, ? FROM users WHERE pool_id = ? AND id = ?{for_key_share} ON CONFLICT (pool_id, user_id, id) DO UPDATE SET succeeded = excluded.succeeded, doc = excluded.doc")
	authEventDecoy  = prepare("INSERT INTO auth_events (" + authEventColumns + ") VALUES (?, '', ?, ?, 0, ?) ON CONFLICT (pool_id, user_id, id) DO UPDATE SET expires_at = excluded.expires_at, doc = excluded.doc")
	authEventUpdate = prepare("UPDATE auth_events SET succeeded = ?, doc = ? WHERE pool_id = ? AND user_id = ? AND id = ?")

	historyGet     = prepare("SELECT pool_id, user_id, version, doc FROM sign_in_histories WHERE pool_id = ? AND user_id = ?")
	historyAndLast = prepare("SELECT '', version, doc FROM sign_in_histories WHERE pool_id = ? AND user_id = ? UNION ALL " +
		"SELECT id, expires_at, doc FROM (SELECT id, expires_at, doc FROM auth_events WHERE pool_id = ? AND user_id = ? AND succeeded = 1 ORDER BY id DESC LIMIT 1) AS found")
	historyInsert = prepare("INSERT INTO sign_in_histories (pool_id, user_id, version, doc) SELECT pool_id, id, 1, ? FROM users WHERE pool_id = ? AND id = ?{for_key_share} ON CONFLICT DO NOTHING")
	historyUpdate = prepare("UPDATE sign_in_histories SET doc = ?, version = version + 1 WHERE pool_id = ? AND user_id = ? AND version = ?")

	userHistoryDelete = prepare("DELETE FROM sign_in_histories WHERE pool_id = ? AND user_id = ?")
	userEventsDelete  = prepare("DELETE FROM auth_events WHERE pool_id = ? AND user_id = ?")
)

func scanAuthEvent(r row, e *AuthEvent) error {
	return r.scan(&e.PoolID, &e.UserID, &e.ID, &e.ExpiresAt, &e.Succeeded, &e.Doc)
}

// AuthEvent reads an event of a user.
func (r *Reader) AuthEvent(ctx context.Context, poolID, userID, id string) (AuthEvent, error) {
	return first(ctx, r, authEventByID, []any{poolID, userID, id}, scanAuthEvent)
}

// AuthEvents lists the events of a user before an id, the newest first. An empty id lists from the newest on.
func (r *Reader) AuthEvents(ctx context.Context, poolID, userID, beforeID string, limit int) ([]AuthEvent, error) {
	if beforeID == "" {
		beforeID = "~" // after each hexadecimal digit
	}
	return all(ctx, r, authEventList, []any{poolID, userID, beforeID, limit}, scanAuthEvent)
}

// PutAuthEvent writes an event, over one of the same id, unless the user was deleted. If the deletion is under way and does not see the event, the
// event stays until it expires; no list shows it.
func (tx *Tx) PutAuthEvent(ctx context.Context, e AuthEvent) error {
	return tx.run(ctx, authEventInsert, e.ID, e.ExpiresAt, e.Succeeded, e.Doc, e.PoolID, e.UserID)
}

// PutDecoyEvent writes as PutAuthEvent does, for a user who does not exist. A pool has one row for each place, so that
// strangers cannot fill the table. No list shows these rows.
func (tx *Tx) PutDecoyEvent(ctx context.Context, poolID string, place uint8, expiresAt time.Time, doc []byte) error {
	return tx.run(ctx, authEventDecoy, poolID, strconv.Itoa(int(place)), expiresAt, doc)
}

// UpdateAuthEvent changes an event; ErrNotFound if it is gone.
func (tx *Tx) UpdateAuthEvent(ctx context.Context, e AuthEvent) error {
	return tx.change(ctx, ErrNotFound, authEventUpdate, e.Succeeded, e.Doc, e.PoolID, e.UserID, e.ID)
}

// SignInHistory reads the history of a user's sign-ins.
func (r *Reader) SignInHistory(ctx context.Context, poolID, userID string) (SignInHistory, error) {
	return first(ctx, r, historyGet, []any{poolID, userID}, func(r row, h *SignInHistory) error {
		return r.scan(&h.PoolID, &h.UserID, &h.Version, &h.Doc)
	})
}

// PastSignIns reads what every sign-in needs in one statement: the history of a user's sign-ins, and the newest sign-in that ended well. The
// history has version 0, and the event has no id, if there is none.
func (r *Reader) PastSignIns(ctx context.Context, poolID, userID string) (SignInHistory, AuthEvent, error) {
	history, last := SignInHistory{PoolID: poolID, UserID: userID}, AuthEvent{PoolID: poolID, UserID: userID, Succeeded: true}
	err := r.session.query(ctx, historyAndLast, []any{poolID, userID, poolID, userID}, func(r row) error {
		var id string
		var number int64
		var doc []byte
		if err := r.scan(&id, &number, &doc); err != nil {
			return err
		}
		if id == "" {
			history.Version, history.Doc = number, doc
		} else {
			last.ID, last.ExpiresAt, last.Doc = id, time.UnixMilli(number), doc
		}
		return nil
	})
	return history, last, err
}

// PutSignInHistory writes a history: a new one if its version is 0. ErrConflict if the history has changed since it was
// read, or if the user was deleted.
func (tx *Tx) PutSignInHistory(ctx context.Context, h SignInHistory) error {
	if h.Version == 0 {
		return tx.change(ctx, ErrConflict, historyInsert, h.Doc, h.PoolID, h.UserID)
	}
	return tx.change(ctx, ErrConflict, historyUpdate, h.Doc, h.PoolID, h.UserID, h.Version)
}
