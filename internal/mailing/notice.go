package mailing

import (
	"context"
	"errors"
	"html"
	"strings"
	"time"

	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// A Notice tells a person of a sign-in that was risky.
type Notice struct {
	// To is the person's address.
	To            string
	From, ReplyTo string // "" is the sender's default
	// Subject, HTML and Text are templates. Text counts if there is no HTML.
	Subject, HTML, Text string
	// Values are what placeholders stand for, by their names without braces.
	Values map[string]string
	// Token is the value that lets its holder send feedback. Exports of the person's data leave it out.
	Token string
	// Attributes describe the sign-in to the pool's function that sends mail.
	Attributes map[string]string
	ClientID   string
	ExpiresAt  time.Time
}

// EnqueueNotice puts a notice into the outbox of the transaction. Call Wake after the commit. If no mail can be sent, it
// writes nothing: a notice is no condition of the sign-in.
func (s *Service) EnqueueNotice(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, to Recipient, n Notice) error {
	m := message.Message{
		PoolID: sn.ID, UserID: to.UserID, Username: to.Username, Medium: message.Email, To: n.To, From: n.From, ReplyTo: n.ReplyTo, ExpiresAt: n.ExpiresAt,
		Subject: n.render(n.Subject, func(v string) string { return v }), Body: n.body(), Token: n.Token,
	}
	to.EventAttributes = func() map[string]string { return n.Attributes }
	var err error
	if m.Function, err = senderOf(ctx, &Batch{Pool: sn, Occasion: trigger.OccasionAccountTakeOver, ClientID: n.ClientID}, to, m.Medium); err != nil {
		return err
	}
	if err := s.deps.Messages.Enqueue(ctx, tx, &m); err != nil && !errors.Is(err, message.ErrNoSender) {
		return err
	}
	return nil
}

// body returns the message's HTML. A plain text keeps its lines.
func (n *Notice) body() string {
	if n.HTML != "" {
		return n.render(n.HTML, html.EscapeString)
	}
	return strings.ReplaceAll(n.render(html.EscapeString(n.Text), html.EscapeString), "\n", "<br>\n")
}

// render fills in a template in one pass, so that a value that looks like a placeholder stays a value.
func (n *Notice) render(template string, escape func(string) string) string {
	pairs := make([]string, 0, 2*len(n.Values))
	for name, value := range n.Values {
		pairs = append(pairs, "{"+name+"}", escape(value))
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// Wake makes the outbox look for messages, after the commit of EnqueueNotice.
func (s *Service) Wake() { s.deps.Messages.WakeSoon() }
