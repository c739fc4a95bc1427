package store

import (
	"context"
	"time"
)

// Kinds of user sessions.
const (
	SessionToken = "TOKEN"
	SessionSSO   = "SSO"
)

// A UserSession is a tracked session: a family of refresh tokens, or one browser's SSO session. TokenEpoch is the user's
// token epoch at the session's beginning, in milliseconds. Tracking is the pool's period of tracking.
type UserSession struct {
	PoolID, UserID, ID             string
	Kind, ClientID, Family, Parent string
	TokenEpoch, Tracking           int64
	CreatedAt, ActiveAt, ExpiresAt time.Time
	Device, Address                string
}

const userSessionColumns = "pool_id, user_id, id, kind, client_id, family, parent, mark, tracking, created_at, active_at, expires_at, device, address"

var (
	userSessionList   = prepare("SELECT " + userSessionColumns + " FROM user_sessions WHERE pool_id = ? AND user_id = ?")
	userSessionInsert = prepare("INSERT INTO user_sessions (" + userSessionColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	userSessionTouch  = prepare("UPDATE user_sessions SET active_at = ?, device = ?, address = ? WHERE pool_id = ? AND user_id = ? AND id = ?")
	userSessionDelete = prepare("DELETE FROM user_sessions WHERE pool_id = ? AND user_id = ? AND id = ?")

	userSessionsDelete = prepare("DELETE FROM user_sessions WHERE pool_id = ? AND user_id = ?")
)

// UserSessions lists all that is stored of a user's sessions, in no order; the caller judges which of them count.
func (r *Reader) UserSessions(ctx context.Context, poolID, userID string) ([]UserSession, error) {
	return all(ctx, r, userSessionList, []any{poolID, userID}, func(r row, s *UserSession) error {
		return r.scan(&s.PoolID, &s.UserID, &s.ID, &s.Kind, &s.ClientID, &s.Family, &s.Parent, &s.TokenEpoch, &s.Tracking,
			&s.CreatedAt, &s.ActiveAt, &s.ExpiresAt, &s.Device, &s.Address)
	})
}

// InsertUserSession adds a session, after TurnOfUserSessions. ErrNotFound if the user is gone; ExistsError says
// "user-session" where the user has one of this id.
func (tx *Tx) InsertUserSession(ctx context.Context, s UserSession) error {
	var present bool
	if err := tx.one(ctx, userPresent, []any{s.PoolID, s.UserID}, &present); err != nil {
		return err
	}
	if !present {
		return ErrNotFound
	}
	return tx.insert(ctx, "user-session", userSessionInsert, s.PoolID, s.UserID, s.ID, s.Kind, s.ClientID, s.Family, s.Parent,
		s.TokenEpoch, s.Tracking, s.CreatedAt, s.ActiveAt, s.ExpiresAt, s.Device, s.Address)
}

// TouchUserSession stores when and from where a session was used last. It is no error if there is no such session.
func (tx *Tx) TouchUserSession(ctx context.Context, poolID, userID, id string, at time.Time, device, address string) error {
	return tx.run(ctx, userSessionTouch, at, device, address, poolID, userID, id)
}

// DeleteUserSession removes a session; it is no error if there is none.
func (tx *Tx) DeleteUserSession(ctx context.Context, poolID, userID, id string) error {
	return tx.run(ctx, userSessionDelete, poolID, userID, id)
}

// DeleteUserSessions removes all of a user's sessions.
func (tx *Tx) DeleteUserSessions(ctx context.Context, poolID, userID string) error {
	return tx.run(ctx, userSessionsDelete, poolID, userID)
}
