package message

import (
	"context"
	"time"

	"cognate/internal/store"
)

// MaxWait bounds how long one look into the inbox may wait for a message.
const MaxWait = 30 * time.Second

// inboxLimit is how many messages one look shows.
const inboxLimit = 100

// Query chooses messages of the inbox; empty members choose all.
type Query struct {
	PoolID, Username, To, Medium string
	// Wait is how long to wait for a first message that fits, up to MaxWait.
	Wait time.Duration
}

// List shows the newest messages first. A message is there as soon as the call
// that caused it has answered; Wait is for those that a background task sends.
func (s *Service) List(ctx context.Context, q Query) ([]Message, error) {
	ctx, cancel := context.WithTimeout(ctx, min(q.Wait, MaxWait)+sendTimeout)
	defer cancel()
	deadline := time.NewTimer(min(q.Wait, MaxWait))
	defer deadline.Stop()
	for {
		news := s.changed()
		rows, err := s.Store.Messages(ctx, store.MessageQuery{
			PoolID: q.PoolID, Username: q.Username, To: q.To, Medium: q.Medium, Limit: inboxLimit,
		})
		if err != nil {
			return nil, err
		}
		messages := make([]Message, 0, len(rows))
		for _, r := range rows {
			if r.Attempts == 0 && r.NextAt.After(s.Now()) {
				continue // held: its text is being asked for
			}
			m, err := s.open(r)
			if err != nil {
				return nil, err
			}
			messages = append(messages, m)
		}
		if len(messages) > 0 {
			return messages, nil
		}
		select {
		case <-news:
		case <-deadline.C:
			return messages, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
