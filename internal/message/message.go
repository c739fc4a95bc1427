package message

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// Delivery media, in the words of CodeDeliveryDetailsType.DeliveryMedium.
const (
	Email = "EMAIL"
	SMS   = "SMS"
)

// stateInbox marks a row that is only shown: development without a sender.
const stateInbox = "inbox"

// inboxLife is how long the development inbox shows a message at least, so
// that a code which has run out can still be looked at.
const inboxLife = 24 * time.Hour

// hold is how long a held message waits for its text, before it leaves as it is.
const hold = time.Minute

// ErrNoSender says that nothing is configured that could deliver the medium.
// Callers answer CodeDeliveryFailureException.
var ErrNoSender = errors.New("no sender is configured for this medium")

// Message is one mail or SMS. Subject, Body, Code, Link and From are sealed in
// the database, since they carry codes and temporary passwords.
type Message struct {
	ID       string // set by Enqueue
	PoolID   string
	UserID   string
	Username string
	Medium   string // Email or SMS
	To       string // address, or E.164 phone number
	From     string // mail only; "" is the sender's default
	ReplyTo  string // mail only; may be ""
	Subject  string // mail only
	Body     string
	// Code is the code or temporary password within Body, for the inbox.
	Code string
	// Link is the confirmation link within Body, for the inbox.
	Link string
	// Function is what a function of the pool needs to send the message in place of
	// the server's sender of the medium; nil for the latter. Only Deps.Functions
	// reads it.
	Function json.RawMessage
	// Held messages wait for Release or Drop, since their text is yet to be asked
	// for. If neither comes they leave as they are.
	Held bool
	// Nowhere messages are for nobody: they are written as others are, and neither
	// sent nor shown.
	Nowhere bool
	// CreatedAt is set by Enqueue.
	CreatedAt time.Time
	// Attempts counts those to send it, the present one included.
	Attempts int
	// ExpiresAt ends the retries: the end of the code's life.
	ExpiresAt time.Time
}

// LogValue keeps everything that a person could sign in with out of the logs.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID), slog.String("pool", m.PoolID),
		slog.String("user", m.UserID), slog.String("medium", m.Medium))
}

// Sender delivers one message, or says why not. An error is temporary unless
// it is (or wraps) a [PermanentError].
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// PermanentError is a refusal that a later attempt cannot change.
type PermanentError struct{ Err error }

func (e PermanentError) Error() string { return e.Err.Error() }
func (e PermanentError) Unwrap() error { return e.Err }

// Deps are what a Service is built from.
type Deps struct {
	Store *store.Store
	Ring  *keys.Ring
	Now   func() time.Time
	Log   *slog.Logger
	// Mail and SMS deliver; nil where none is configured.
	Mail, SMS Sender
	// Functions has functions of pools send the messages that name one.
	Functions Sender
	// Inbox keeps messages readable (development): also those that have no sender.
	Inbox bool
	// Rest is how long Run leaves a message alone after it is due. The work of sending
	// it must not delay the answer of the call that stored it, nor that of the next
	// call: their time would tell that there is a message.
	Rest time.Duration
}

// Service is the outbox, its worker and the development inbox.
type Service struct {
	Deps

	mu   sync.Mutex
	news chan struct{} // closed and replaced by Wake
}

// New builds a Service; Run starts its worker.
func New(d Deps) *Service {
	return &Service{Deps: d, news: make(chan struct{})}
}

// sealed is the secret part of a message as the outbox row holds it.
type sealed struct {
	From     string          `json:"from,omitempty"`
	ReplyTo  string          `json:"replyTo,omitempty"`
	Subject  string          `json:"subject,omitempty"`
	Body     string          `json:"body"`
	Code     string          `json:"code,omitempty"`
	Link     string          `json:"link,omitempty"`
	Function json.RawMessage `json:"function,omitempty"`
}

// Reaches reports whether messages of the medium can leave: ErrNoSender if not.
func (s *Service) Reaches(medium string) error {
	if s.sender(medium) == nil && !s.Inbox {
		return ErrNoSender
	}
	return nil
}

// Enqueue writes m to the outbox within the caller's transaction. Call Wake
// once that transaction is committed. ErrNoSender says that m could never
// leave; nothing is written then.
func (s *Service) Enqueue(ctx context.Context, tx *store.Tx, m *Message) error {
	state, lane := store.MessageQueued, m.lane()
	switch {
	case m.Function != nil && s.Functions == nil:
		return ErrNoSender
	case m.Function == nil && s.sender(m.Medium) == nil:
		if !s.Inbox {
			return ErrNoSender
		}
		state = stateInbox
	}
	if m.Nowhere {
		lane = store.LaneNowhere
	}
	m.ID, m.CreatedAt = keys.NewUUID(), s.Now()
	expires, next := m.ExpiresAt, m.CreatedAt
	if kept := m.CreatedAt.Add(inboxLife); s.Inbox && expires.Before(kept) {
		expires = kept
	}
	if m.Held {
		next = next.Add(hold)
	}
	body, err := s.seal(m)
	if err != nil {
		return err
	}
	return tx.InsertMessage(ctx, store.Message{
		ID: m.ID, PoolID: m.PoolID, UserID: m.UserID, Username: m.Username,
		Medium: m.Medium, Lane: lane, To: m.To, State: state, NextAt: next, CreatedAt: m.CreatedAt, ExpiresAt: expires, Body: body,
	})
}

// Release gives a held message its text and lets it leave. One that has left
// already stays as it was.
func (s *Service) Release(ctx context.Context, m *Message) error {
	body, err := s.seal(m)
	if err != nil {
		return err
	}
	return s.settle(ctx, func(tx *store.Tx) error { return tx.ReleaseMessage(ctx, m.PoolID, m.ID, body, s.Now()) })
}

// Drop takes a held message back.
func (s *Service) Drop(ctx context.Context, m *Message) error {
	return s.settle(ctx, func(tx *store.Tx) error { return tx.DropMessage(ctx, m.PoolID, m.ID) })
}

func (s *Service) settle(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := s.Store.Update(ctx, fn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// lane is by which way the message leaves.
func (m *Message) lane() string {
	switch {
	case m.Function == nil:
		return m.Medium
	case m.Medium == SMS:
		return store.LaneSMSFunction
	}
	return store.LaneEmailFunction
}

// seal makes the secret part of the message's row.
func (s *Service) seal(m *Message) ([]byte, error) {
	body, err := json.Marshal(sealed{m.From, m.ReplyTo, m.Subject, m.Body, m.Code, m.Link, m.Function})
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return s.Ring.Seal(keys.PurposeMessage, rowAD(m.PoolID, m.ID), body), nil
}

// Wake tells the worker and waiting readers of the inbox that the outbox has
// changed. It never blocks.
func (s *Service) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.news)
	s.news = make(chan struct{})
}

// AnswerTime is longer than an answer takes from its commit to its client, and the
// client's next call after that.
const AnswerTime = 100 * time.Millisecond

// WakeSoon is Wake when a message that was just stored may leave, after Deps.Rest.
func (s *Service) WakeSoon() { time.AfterFunc(s.Rest, s.Wake) }

// changed returns a channel that is closed by the next Wake.
func (s *Service) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}

func (s *Service) sender(medium string) Sender {
	switch medium {
	case Email:
		return s.Mail
	case SMS:
		return s.SMS
	}
	return nil
}

// open turns a row back into the message.
func (s *Service) open(r store.Message) (Message, error) {
	plain, err := s.Ring.Open(keys.PurposeMessage, rowAD(r.PoolID, r.ID), r.Body)
	if err != nil {
		return Message{}, fmt.Errorf("message %s: %w", r.ID, err)
	}
	var b sealed
	if err := json.Unmarshal(plain, &b); err != nil {
		return Message{}, fmt.Errorf("message %s: %w", r.ID, err)
	}
	return Message{
		ID: r.ID, PoolID: r.PoolID, UserID: r.UserID, Username: r.Username, Medium: r.Medium, To: r.To,
		From: b.From, ReplyTo: b.ReplyTo, Subject: b.Subject, Body: b.Body, Code: b.Code, Link: b.Link,
		Function: b.Function, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Attempts: r.Attempts,
	}, nil
}

func rowAD(poolID, id string) []byte { return []byte("messages\x00" + poolID + "\x00" + id) }
