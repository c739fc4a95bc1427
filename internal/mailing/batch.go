package mailing

import (
	"context"
	"html"
	"time"

	"cognate/internal/api"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// settleTime is the limit for storing a function's answer about a message.
const settleTime = 10 * time.Second

// A Recipient receives a message.
type Recipient struct {
	UserID, Username string
	// DisplayName is the name by which a message addresses the person.
	DisplayName string
	// EventName and EventAttributes describe the person in the events of the pool's
	// functions. They are used only if there is a function.
	EventName       string
	EventAttributes func() map[string]string
	// Nowhere is true if the person does not exist: nothing is sent, at the same cost.
	Nowhere bool
}

// A Batch holds the messages of one operation: their occasion, for the events of the
// pool's functions, and the messages whose text a function has yet to provide.
type Batch struct {
	Pool     *pool.Snapshot
	Occasion string // one of trigger's
	ClientID string // "" is an administrator
	// Metadata is the caller's metadata for CustomMessage, and ToSender that for the
	// functions that send. Not all operations pass it to both.
	Metadata, ToSender map[string]string

	waiting []waitingMessage
}

// waitingMessage waits in the outbox for its text.
type waitingMessage struct {
	message message.Message
	to      Recipient
	code    string
	link    confirmationLink
}

// Reset empties the batch. Call it first in a transaction, which may run again.
func (b *Batch) Reset() { b.waiting = nil }

// UpdateAndSend runs fn in a transaction, which may run more than once. Then it has the
// messages sent that fn enqueued. If a function fails, the changes of fn stay.
func (s *Service) UpdateAndSend(ctx context.Context, mail *Batch, fn func(tx *store.Tx) error) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		mail.Reset()
		return fn(tx)
	}, store.Retry)
	if err != nil {
		return err
	}
	return s.Dispatch(ctx, mail)
}

// EnqueueCode puts a code that proves an address, or recovers an account, into the
// outbox of the transaction.
func (s *Service) EnqueueCode(ctx context.Context, tx *store.Tx, mail *Batch, to Recipient, d Delivery, code string, expires time.Time) error {
	subject, body := mail.Pool.VerificationMessage(d.Medium)
	link, err := s.linkFor(mail, to, d, code)
	if err != nil {
		return err
	}
	if link.used {
		subject, body = mail.Pool.LinkMessage()
	}
	return s.enqueue(ctx, tx, mail, to, d, template{subject, body, link}, code, expires)
}

// EnqueueInvitation puts the invitation of a new user into the outbox of the transaction,
// with the temporary password or its replacement.
func (s *Service) EnqueueInvitation(ctx context.Context, tx *store.Tx, mail *Batch, to Recipient, d Delivery, password string, expires time.Time) error {
	subject, body := mail.Pool.InviteMessage(d.Medium)
	return s.enqueue(ctx, tx, mail, to, d, template{subject: subject, body: body}, password, expires)
}

// enqueue puts a message to the person into the outbox of the transaction.
// secret is the code or temporary password within it.
func (s *Service) enqueue(ctx context.Context, tx *store.Tx, mail *Batch, to Recipient, d Delivery, text template, secret string, expires time.Time) error {
	sn := mail.Pool
	m := message.Message{
		PoolID: sn.ID, UserID: to.UserID, Username: to.Username,
		Medium: d.Medium, To: d.To, Code: secret, ExpiresAt: expires, Nowhere: to.Nowhere,
	}
	text.apply(&m, to)
	if c := sn.Config.EmailConfiguration; c != nil && d.Medium == message.Email {
		m.From, m.ReplyTo = api.Val(c.From), api.Val(c.ReplyToEmailAddress)
	}
	var err error
	if m.Function, err = senderOf(ctx, mail, to, d.Medium); err != nil {
		return err
	}
	m.Held = m.Function == nil && !to.Nowhere && sn.Triggers().CustomMessage != nil
	if err := s.deps.Messages.Enqueue(ctx, tx, &m); err != nil {
		return undeliverable(d.Medium, err)
	}
	if m.Held {
		mail.waiting = append(mail.waiting, waitingMessage{m, to, secret, text.link})
	}
	return nil
}

// A template is the text of a message before its placeholders are filled in.
type template struct {
	subject, body string
	link          confirmationLink
}

// apply sets the subject and the body of a message.
func (t template) apply(m *message.Message, to Recipient) {
	shown, name := m.Code, to.DisplayName
	if m.Medium == message.Email {
		// A mail's body is HTML. Anyone may sign up with another person's address, under a
		// name that is a link. And a tag in a password would not be visible.
		shown, name = html.EscapeString(shown), html.EscapeString(name)
	}
	m.Subject, m.Body = t.subject, message.Render(t.body, message.Values{Code: shown, Username: name, Link: t.link.url})
}

// Dispatch asks the pool's function for the texts of the waiting messages, and wakes the
// outbox. It is called after the commit, so that a function never keeps a transaction
// open, and no code goes to a user who was not stored.
func (s *Service) Dispatch(ctx context.Context, mail *Batch) error {
	defer s.deps.Messages.WakeSoon()
	var failed error
	for len(mail.waiting) > 0 {
		// One call serves the same code over both media (Cognito: the answer has a
		// text for each).
		var same, rest []waitingMessage
		for _, h := range mail.waiting {
			if h.code == mail.waiting[0].code {
				same = append(same, h)
			} else {
				rest = append(rest, h)
			}
		}
		mail.waiting = rest
		if err := s.customize(ctx, mail, same); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// customize asks the function for the texts of messages with one code. If the function
// fails, it drops the messages and returns the error.
func (s *Service) customize(ctx context.Context, mail *Batch, list []waitingMessage) error {
	to := list[0].to
	answer, err := s.deps.Triggers.CustomMessage(ctx, *mail.Pool.Triggers().CustomMessage,
		mail.Pool.Event(trigger.SourceCustomMessage+mail.Occasion, to.EventName, mail.ClientID),
		trigger.CustomMessageRequest{UserAttributes: to.EventAttributes(), ClientMetadata: mail.Metadata, CodeLength: len(list[0].code), Link: list[0].link.used})
	// If the caller has gone meanwhile, the code is still sent, with the pool's own text.
	gone := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for _, h := range list {
		settle := s.deps.Messages.Release
		switch {
		case err != nil && !gone:
			settle = s.deps.Messages.Drop
		case err == nil:
			h.customize(&h.message, answer)
		}
		if settled := settle(ctx, &h.message); settled != nil && err == nil {
			err = settled
		}
	}
	return err
}

// customize replaces the pool's text of the message by the function's. The parts that the
// function left out stay the pool's.
func (w waitingMessage) customize(m *message.Message, answer trigger.CustomMessageResponse) {
	if m.Medium == message.SMS {
		if answer.SMSMessage != "" {
			template{body: answer.SMSMessage}.apply(m, w.to)
		}
		return
	}
	if answer.EmailMessage != "" {
		template{m.Subject, answer.EmailMessage, w.link}.apply(m, w.to)
	}
	if answer.EmailSubject != "" {
		m.Subject = answer.EmailSubject
	}
}
