package message

import (
	"context"
	"time"

	"cognate/internal/store"
)

// MaxWait is the longest that List waits for a message.
const MaxWait = 30 * time.Second

// inboxLimit is how many messages List returns.
const inboxLimit = 100

// A Query chooses messages of the inbox. Empty members choose all messages.
type Query struct {
	PoolID, Username, To, Medium string
	// Wait is how long to wait for a first matching message, up to MaxWait.
	Wait time.Duration
}

// List returns the newest messages first. A message is in the list as soon as the
// call that caused it has answered. Wait is for messages of background tasks.
func (s *Service) List(ctx context.Context, q Query) ([]Message, error) {
	ctx, cancel := context.WithTimeout(ctx, min(q.Wait, MaxWait)+sendTimeout)
	defer cancel()
	deadline := time.NewTimer(min(q.Wait, MaxWait))
	defer deadline.Stop()
	for {
		news := s.changed()
		rows, err := s.deps.Store.Messages(ctx, store.MessageQuery{
			PoolID: q.PoolID, Username: q.Username, To: q.To, Medium: q.Medium, Limit: inboxLimit,
		})
		if err != nil {
			return nil, err
		}
		messages := make([]Message, 0, len(rows))
		for _, r := range rows {
			if r.Attempts == 0 && r.NextAt.After(s.deps.Now()) {
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
