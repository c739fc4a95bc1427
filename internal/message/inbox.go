package message

import (
	"cmp"
	"context"
	"html"
	"slices"
	"strings"
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

// OfUser returns the messages to a user, the oldest first, with what became of each. Codes, temporary
// passwords and links are taken out of the texts. The text of a message that no key opens is
// empty.
func (s *Service) OfUser(ctx context.Context, r *store.Reader, poolID, userID string) ([]SentMessage, error) {
	rows, err := r.MessagesOfUser(ctx, poolID, userID)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b store.Message) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	list := make([]SentMessage, 0, len(rows))
	for _, row := range rows {
		sent := SentMessage{
			Medium: row.Medium, To: row.To, State: row.State, CreatedAt: row.CreatedAt, ExpiresAt: row.ExpiresAt,
			Attempts: row.Attempts, LastError: row.LastError,
		}
		if m, err := s.open(row); err == nil {
			sent.Subject, sent.Body = m.withoutSecrets(m.Subject), m.withoutSecrets(m.Body)
		}
		list = append(list, sent)
	}
	return list, nil
}

// A SentMessage is a message as an export of a person's data shows it.
type SentMessage struct {
	Medium    string    `json:"medium"`
	To        string    `json:"to"`
	Subject   string    `json:"subject,omitempty"`
	Body      string    `json:"body,omitempty"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	LastError string    `json:"lastError,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"deletedAfter"`
}

// withoutSecrets takes the code, or temporary password, the link and the token out of a text.
func (m Message) withoutSecrets(text string) string {
	for _, secret := range []string{m.Link, m.Code, m.Token} {
		if secret != "" {
			text = strings.NewReplacer(secret, "******", html.EscapeString(secret), "******").Replace(text)
		}
	}
	return text
}
