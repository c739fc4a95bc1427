package store

import (
	"context"
	"slices"
	"time"
)

const messageColumns = "pool_id, id, user_id, username, medium, recipient, state, attempts, next_at, created_at, expires_at, last_error, body"

const messageFilter = "(username = ? OR ? = '') AND (recipient = ? OR ? = '') AND (medium = ? OR ? = '') ORDER BY created_at DESC, id DESC LIMIT {limit}"

var (
	messageInsert = prepare("INSERT INTO messages (" + messageColumns + ", queued, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	messageClaim  = prepare("WITH due AS MATERIALIZED (SELECT pool_id, id FROM messages WHERE queued = 1 AND due_at <= ? ORDER BY due_at LIMIT {limit}{skip_locked}) " +
		"UPDATE messages SET attempts = attempts + 1, next_at = ?, due_at = ? WHERE (pool_id, id) IN (SELECT pool_id, id FROM due) RETURNING " + messageColumns)
	messageFinish = prepare("UPDATE messages SET state = ?, last_error = ?, queued = 0, due_at = expires_at WHERE pool_id = ? AND id = ?")
	messageRetry  = prepare("UPDATE messages SET state = '" + MessageQueued + "', last_error = ?, queued = 1, next_at = ?, due_at = ? WHERE pool_id = ? AND id = ?")
	messagesAll   = prepare("SELECT " + messageColumns + " FROM messages WHERE " + messageFilter)
	messageOfPool = prepare("SELECT " + messageColumns + " FROM messages WHERE pool_id = ? AND " + messageFilter)
)

func scanMessage(r row, m *Message) error {
	return r.scan(&m.PoolID, &m.ID, &m.UserID, &m.Username, &m.Medium, &m.To, &m.State, &m.Attempts, &m.NextAt, &m.CreatedAt, &m.ExpiresAt, &m.LastError, &m.Body)
}

// InsertMessage puts a message into the outbox.
func (tx *Tx) InsertMessage(ctx context.Context, m Message) error {
	queued, due := true, m.NextAt
	switch m.State {
	case "":
		m.State = MessageQueued
	case MessageQueued:
	default:
		queued, due = false, m.ExpiresAt
	}
	return tx.insert(ctx, "message", messageInsert, m.PoolID, m.ID, m.UserID, m.Username, m.Medium, m.To, m.State, m.Attempts,
		m.NextAt, m.CreatedAt, m.ExpiresAt, m.LastError, m.Body, queued, due)
}

// ClaimMessages hands out queued messages that are due and hides them from other claims for the time of the lease.
// Each claim counts as an attempt.
func (tx *Tx) ClaimMessages(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]Message, error) {
	until := now.Add(lease)
	list, err := all(ctx, &tx.Reader, messageClaim, []any{now, limit, until, until}, scanMessage)
	slices.SortFunc(list, func(a, b Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return list, err
}

// FinishMessage ends the work on a message; it is kept until it expires.
func (tx *Tx) FinishMessage(ctx context.Context, poolID, id, state, lastError string) error {
	return tx.change(ctx, ErrNotFound, messageFinish, state, lastError, poolID, id)
}

// RetryMessage queues a message again.
func (tx *Tx) RetryMessage(ctx context.Context, poolID, id string, nextAt time.Time, lastError string) error {
	return tx.change(ctx, ErrNotFound, messageRetry, lastError, nextAt, nextAt, poolID, id)
}

// Messages lists messages, newest first. Without a pool it reads the whole outbox: that is for development.
func (r *Reader) Messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	args := []any{q.Username, q.Username, q.To, q.To, q.Medium, q.Medium, q.Limit}
	if q.PoolID == "" {
		return all(ctx, r, messagesAll, args, scanMessage)
	}
	return all(ctx, r, messageOfPool, append([]any{q.PoolID}, args...), scanMessage)
}
