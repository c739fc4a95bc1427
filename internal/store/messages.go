package store

import (
	"context"
	"errors"
	"slices"
	"time"
)

const messageColumns = "pool_id, id, user_id, username, medium, lane, recipient, state, attempts, next_at, created_at, expires_at, last_error, body"

const messageFilter = "lane <> '" + LaneNowhere + "' AND (username = ? OR ? = '') AND (recipient = ? OR ? = '') AND (medium = ? OR ? = '') ORDER BY created_at DESC, id DESC LIMIT {limit}"

var (
	messageInsert = prepare("INSERT INTO messages (" + messageColumns + ", queued, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	messageClaim  = prepare("WITH due AS MATERIALIZED (SELECT pool_id, id FROM messages WHERE queued = 1 AND lane = ? AND pool_id = ? AND due_at <= ? ORDER BY due_at LIMIT {limit}{skip_locked}) " +
		"UPDATE messages SET attempts = attempts + 1, next_at = ?, due_at = ? WHERE (pool_id, id) IN (SELECT pool_id, id FROM due) RETURNING " + messageColumns)
	messageFinish  = prepare("UPDATE messages SET state = ?, last_error = ?, queued = 0, due_at = ? WHERE pool_id = ? AND id = ?")
	messageRetry   = prepare("UPDATE messages SET state = '" + MessageQueued + "', last_error = ?, queued = 1, next_at = ?, due_at = ? WHERE pool_id = ? AND id = ?")
	messageRelease = prepare("UPDATE messages SET body = ?, next_at = ?, due_at = CASE WHEN queued = 1 THEN ? ELSE due_at END WHERE pool_id = ? AND id = ? AND attempts = 0")
	messageDelete  = prepare("DELETE FROM messages WHERE pool_id = ? AND id = ? AND attempts = 0")
	messagesAll    = prepare("SELECT " + messageColumns + " FROM messages WHERE " + messageFilter)
	messageOfPool  = prepare("SELECT " + messageColumns + " FROM messages WHERE created_at >= 0 AND pool_id = ? AND " + messageFilter)

	messageFirst = prepare("SELECT pool_id FROM messages WHERE queued = 1 AND created_at >= 0 AND lane = ? AND due_at <= ? ORDER BY due_at LIMIT 1")
	// The first message of the next pool that has any in the lane.
	messageTurn = prepare("SELECT pool_id, due_at FROM messages WHERE queued = 1 AND lane = ? AND pool_id > ? ORDER BY pool_id, due_at LIMIT 1")
)

func scanMessage(r row, m *Message) error {
	return r.scan(&m.PoolID, &m.ID, &m.UserID, &m.Username, &m.Medium, &m.Lane, &m.To, &m.State, &m.Attempts, &m.NextAt, &m.CreatedAt, &m.ExpiresAt, &m.LastError, &m.Body)
}

// InsertMessage puts a message into the outbox.
func (tx *Tx) InsertMessage(ctx context.Context, m Message) error {
	queued, due := true, m.NextAt
	if m.Lane == "" {
		m.Lane = m.Medium
	}
	switch m.State {
	case "":
		m.State = MessageQueued
	case MessageQueued:
	default:
		queued, due = false, m.ExpiresAt
	}
	return tx.insert(ctx, "message", messageInsert, m.PoolID, m.ID, m.UserID, m.Username, m.Medium, m.Lane, m.To, m.State, m.Attempts,
		m.NextAt, m.CreatedAt, m.ExpiresAt, m.LastError, m.Body, queued, due)
}

// A MessageClaim asks for messages of one lane that are due.
type MessageClaim struct {
	Lane       string
	Now        time.Time
	Lease      time.Duration // how long the messages are hidden from other claims
	Limit      int
	AfterPool  string                  // whose turn was last: the pools after it come first
	RoomOfPool func(poolID string) int // how many more of a pool may be handed out; nil: any number
}

// poolsLookedAt is how many pools one claim looks at. All messages of a pool may be leased or wait for another attempt.
// The next claim goes on where this one ended.
const poolsLookedAt = 64

// ClaimMessages hands out messages. Each claim counts as an attempt. The pools with due messages take turns and share the
// claim. Its cost grows with the claim, not with the queue. It returns the pool that had the last turn.
func (tx *Tx) ClaimMessages(ctx context.Context, c MessageClaim) (list []Message, lastPool string, err error) {
	pools, last, err := tx.poolsInTurn(ctx, c)
	if err != nil || len(pools) == 0 {
		return nil, last, err
	}
	for i, pool := range pools {
		left := c.Limit - len(list)
		share := (left + len(pools) - i - 1) / (len(pools) - i)
		if n := min(share, c.room(pool)); n > 0 {
			claimed, err := tx.claimOf(ctx, c, pool, n)
			if err != nil {
				return nil, "", err
			}
			list = append(list, claimed...)
		}
	}
	slices.SortStableFunc(list, func(a, b Message) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return list, last, nil
}

func (c *MessageClaim) room(pool string) int {
	if c.RoomOfPool == nil {
		return c.Limit
	}
	return c.RoomOfPool(pool)
}

func (tx *Tx) claimOf(ctx context.Context, c MessageClaim, pool string, n int) ([]Message, error) {
	until := c.Now.Add(c.Lease)
	return all(ctx, &tx.Reader, messageClaim, []any{c.Lane, pool, c.Now, n, until, until}, scanMessage)
}

// poolsInTurn lists up to Limit pools that have due messages and room for them. It begins after AfterPool and wraps around.
func (tx *Tx) poolsInTurn(ctx context.Context, c MessageClaim) (pools []string, last string, err error) {
	last = c.AfterPool
	around := false
	for range poolsLookedAt {
		var pool string
		var due time.Time
		err := tx.one(ctx, messageTurn, []any{c.Lane, last}, &pool, &due)
		ended := errors.Is(err, ErrNotFound)
		switch {
		case err != nil && !ended:
			return nil, "", err
		case ended && around || !ended && around && pool > c.AfterPool:
			return pools, last, nil
		case ended:
			around, last = true, ""
			continue
		}
		last = pool
		if !due.After(c.Now) && c.room(pool) > 0 {
			if pools = append(pools, pool); len(pools) == c.Limit {
				return pools, last, nil
			}
		}
	}
	if len(pools) > 0 {
		return pools, last, nil
	}
	// So many pools wait for another attempt that none came up: then the message that has been due the longest.
	pool, err := tx.longestDue(ctx, c.Lane, c.Now)
	if err == nil && pool != "" && c.room(pool) > 0 {
		pools = append(pools, pool)
	}
	return pools, last, err
}

// longestDue returns the pool of the message that has been due the longest; "" where none is due.
func (r *Reader) longestDue(ctx context.Context, lane string, now time.Time) (pool string, err error) {
	err = r.one(ctx, messageFirst, []any{lane, now}, &pool)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return pool, err
}

// MessagesDue reports whether a claim of the lane would find messages. It writes nothing.
func (r *Reader) MessagesDue(ctx context.Context, lane string, now time.Time) (bool, error) {
	pool, err := r.longestDue(ctx, lane, now)
	return pool != "", err
}

// FinishMessage ends the work on a message, which is kept until a time.
func (tx *Tx) FinishMessage(ctx context.Context, poolID, id, state, lastError string, keepUntil time.Time) error {
	return tx.change(ctx, ErrNotFound, messageFinish, state, lastError, keepUntil, poolID, id)
}

// RetryMessage queues a message again.
func (tx *Tx) RetryMessage(ctx context.Context, poolID, id string, nextAt time.Time, lastError string) error {
	return tx.change(ctx, ErrNotFound, messageRetry, lastError, nextAt, nextAt, poolID, id)
}

// ReleaseMessage sets the final body and time of a message. It returns ErrNotFound if the message is gone, or a worker
// has tried to send it.
func (tx *Tx) ReleaseMessage(ctx context.Context, poolID, id string, body []byte, at time.Time) error {
	return tx.change(ctx, ErrNotFound, messageRelease, body, at, at, poolID, id)
}

// DropMessage removes a message. It returns ErrNotFound if the message is gone, or a worker has tried to send it.
func (tx *Tx) DropMessage(ctx context.Context, poolID, id string) error {
	return tx.change(ctx, ErrNotFound, messageDelete, poolID, id)
}

// Messages lists messages, newest first. Without a pool it reads the whole outbox: that is for development.
func (r *Reader) Messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	args := []any{q.Username, q.Username, q.To, q.To, q.Medium, q.Medium, q.Limit}
	if q.PoolID == "" {
		return all(ctx, r, messagesAll, args, scanMessage)
	}
	return all(ctx, r, messageOfPool, append([]any{q.PoolID}, args...), scanMessage)
}
