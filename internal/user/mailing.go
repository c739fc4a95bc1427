package user

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// settleTime is how long the outbox may take to note what a function said of a
// message.
const settleTime = 10 * time.Second

// mailing is the messages of one operation: on what occasion they go out, which
// the pool's functions are told, and those whose text a function is yet to give.
type mailing struct {
	sn       *pool.Snapshot
	occasion string // one of trigger's
	clientID string // "" is an administrator
	// metadata is what the caller gave for CustomMessage, and toSender what it
	// gave for the functions that send: not all operations hand it to both.
	metadata, toSender map[string]string

	held []heldMessage
}

// heldMessage waits in the outbox for its text.
type heldMessage struct {
	message message.Message
	user    *User
	code    string
}

// mailed runs fn in a transaction, as update does, and then has the messages
// leave that it enqueued. What fn stored stays if a function fails.
func (s *Service) mailed(ctx context.Context, mail *mailing, fn func(tx *store.Tx) error) error {
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
		mail.held = nil
		return fn(tx)
	}, store.Retry)
	if err != nil {
		return err
	}
	return s.dispatch(ctx, mail)
}

// enqueue puts a message to the user into the outbox of the transaction.
// secret is the code or temporary password within it.
func (s *Service) enqueue(ctx context.Context, tx *store.Tx, mail *mailing, u *User, d delivery, subject, body, secret string, expires time.Time) error {
	sn := mail.sn
	m := message.Message{
		PoolID: sn.ID, UserID: u.ID(), Username: u.Username(),
		Medium: d.Medium, To: d.To, Code: secret, ExpiresAt: expires, Nowhere: u.decoy,
	}
	write(&m, sn, u, subject, body)
	if c := sn.Config.EmailConfiguration; c != nil && d.Medium == message.Email {
		m.From, m.ReplyTo = api.Val(c.From), api.Val(c.ReplyToEmailAddress)
	}
	var err error
	if m.Function, err = senderOf(ctx, mail, u, d.Medium); err != nil {
		return err
	}
	m.Held = m.Function == nil && !u.decoy && sn.Triggers().CustomMessage != nil
	if err := s.d.Messages.Enqueue(ctx, tx, &m); err != nil {
		return undeliverable(d.Medium, err)
	}
	if m.Held {
		mail.held = append(mail.held, heldMessage{m, u, secret})
	}
	return nil
}

func undeliverable(medium string, err error) error {
	if errors.Is(err, message.ErrNoSender) {
		return idp.CodeDeliveryFailureException("No sender is configured for " + medium + " messages.").WithCause(err)
	}
	return err
}

// write fills in a template.
func write(m *message.Message, sn *pool.Snapshot, u *User, subject, body string) {
	shown, name := m.Code, u.DisplayName(sn)
	if m.Medium == message.Email {
		// A mail's body is HTML, and anybody may sign up with somebody else's address
		// under a name that is a link; a password with a tag in it would not be seen.
		shown, name = html.EscapeString(shown), html.EscapeString(name)
	}
	m.Subject, m.Body = subject, message.Render(body, shown, name)
}

// dispatch asks the pool's function for the texts of the messages that wait for
// one, and wakes the outbox. It is called after the commit: a function never
// keeps a transaction open, and no code goes to a user who was not stored.
func (s *Service) dispatch(ctx context.Context, mail *mailing) error {
	defer s.d.Messages.WakeSoon()
	var failed error
	for len(mail.held) > 0 {
		// One call serves the same code over both media (Cognito: the answer has a
		// text for each).
		var same, rest []heldMessage
		for _, h := range mail.held {
			if h.code == mail.held[0].code {
				same = append(same, h)
			} else {
				rest = append(rest, h)
			}
		}
		mail.held = rest
		if err := s.customize(ctx, mail, same); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// customize gives messages with one code the function's texts. If the function
// fails none is sent, and the caller is told.
func (s *Service) customize(ctx context.Context, mail *mailing, list []heldMessage) error {
	u := list[0].user
	answer, err := s.d.Triggers.CustomMessage(ctx, *mail.sn.Triggers().CustomMessage,
		mail.sn.Event(trigger.SourceCustomMessage+mail.occasion, u.EventName(), mail.clientID),
		trigger.CustomMessageRequest{UserAttributes: u.EventAttributes(mail.sn), ClientMetadata: mail.metadata, CodeLength: len(list[0].code)})
	// A caller that has gone away meanwhile is no reason to lose a code: it leaves
	// with the pool's own text.
	gone := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	for _, h := range list {
		settle := s.d.Messages.Release
		switch {
		case err != nil && !gone:
			settle = s.d.Messages.Drop
		case err == nil:
			customText(&h.message, mail.sn, u, answer)
		}
		if settled := settle(ctx, &h.message); settled != nil && err == nil {
			err = settled
		}
	}
	return err
}

// customText puts the function's text in the place of the pool's; what it left
// out stays the pool's.
func customText(m *message.Message, sn *pool.Snapshot, u *User, answer trigger.CustomMessageResponse) {
	if m.Medium == message.SMS {
		if answer.SMSMessage != "" {
			write(m, sn, u, "", answer.SMSMessage)
		}
		return
	}
	if answer.EmailMessage != "" {
		write(m, sn, u, m.Subject, answer.EmailMessage)
	}
	if answer.EmailSubject != "" {
		m.Subject = answer.EmailSubject
	}
}

// functionCall is what a function that sends messages is called with: it is kept with
// the message, sealed, until a worker of the outbox calls the function.
type functionCall struct {
	ARN            string            `json:"arn"`
	KMSKeyID       string            `json:"kmsKeyId"`
	Envelope       trigger.Envelope  `json:"envelope"`
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata"`
}

// senderFunction is the pool's function that sends messages of the medium; ""
// for none.
func senderFunction(sn *pool.Snapshot, medium string) (arn string) {
	t := sn.Triggers()
	switch {
	case medium == message.Email && t.CustomEmailSender != nil:
		return t.CustomEmailSender.LambdaArn
	case medium == message.SMS && t.CustomSMSSender != nil:
		return t.CustomSMSSender.LambdaArn
	}
	return ""
}

// senderOf makes the call of the pool's function that sends messages of the
// medium; nil where the server sends them.
func senderOf(ctx context.Context, mail *mailing, u *User, medium string) (json.RawMessage, error) {
	arn := senderFunction(mail.sn, medium)
	if arn == "" {
		return nil, nil
	}
	source := trigger.SourceCustomEmailSender
	if medium == message.SMS {
		source = trigger.SourceCustomSMSSender
	}
	call := functionCall{
		ARN: arn, KMSKeyID: api.Val(mail.sn.Triggers().KMSKeyID),
		Envelope:       mail.sn.Event(source+mail.occasion, u.EventName(), mail.clientID),
		UserAttributes: u.EventAttributes(mail.sn), ClientMetadata: mail.toSender,
	}
	call.Envelope.SDKVersion = trigger.SDKVersion(api.RequestFrom(ctx).UserAgent)
	return json.Marshal(call)
}

// FunctionSender hands messages to functions of their pools, which send them.
type FunctionSender struct{ Triggers *trigger.Service }

// failures is how often a function may fail that had the message: it may have
// sent it before (Lambda: an asynchronous event is tried three times).
const failures = 3

// Send implements message.Sender.
func (f FunctionSender) Send(ctx context.Context, m message.Message) error {
	var call functionCall
	if err := json.Unmarshal(m.Function, &call); err != nil {
		return message.PermanentError{Err: err}
	}
	send := f.Triggers.CustomEmailSender
	if m.Medium == message.SMS {
		send = f.Triggers.CustomSMSSender
	}
	err := send(ctx, call.ARN, call.Envelope, trigger.CustomSenderRequest{
		UserAttributes: call.UserAttributes, ClientMetadata: call.ClientMetadata, Code: m.Code, KMSKeyID: call.KMSKeyID,
	})
	if err != nil && m.Attempts >= failures && !notRun(err) {
		return message.PermanentError{Err: err}
	}
	return err
}

// notRun tells whether the function cannot have had the message: that may be
// mended while the message is still of use.
func notRun(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || api.CodeOf(err) == idp.CodeUserLambdaValidationException {
		return false
	}
	return true
}

// FunctionOf names the function that a message was handed to; "" for none.
func FunctionOf(m message.Message) string {
	var call functionCall
	if m.Function == nil || json.Unmarshal(m.Function, &call) != nil {
		return ""
	}
	return call.ARN
}
