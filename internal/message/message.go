package message

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cognate/internal/audit"
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

// inboxLife is how long the development inbox shows a message at least, so that an
// expired code can still be read.
const inboxLife = 24 * time.Hour

// holdTime is how long a held message waits for its text. After that it is sent as it is.
const holdTime = time.Minute

// ErrNoSender means that no sender is configured for the medium. Callers answer
// CodeDeliveryFailureException.
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
	// Token is a token within Body by which a page knows the person. Exports leave it out.
	Token string
	// Function is the input of the pool's function that sends the message. Nil: the
	// server's sender of the medium sends it. Only Deps.Functions reads it.
	Function json.RawMessage
	// Held messages wait for Release or Drop, since a function has yet to provide
	// their text. Without either they are sent as they are.
	Held bool
	// Nowhere messages are for users who do not exist: they are written as others are,
	// and neither sent nor shown.
	Nowhere bool
	// CreatedAt is set by Enqueue.
	CreatedAt time.Time
	// Attempts counts the attempts to send the message, the present one included.
	Attempts int
	// ExpiresAt ends the retries: the end of the code's life.
	ExpiresAt time.Time
}

// LogValue keeps codes, links and temporary passwords out of the logs.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID), slog.String("pool", m.PoolID),
		slog.String("user", m.UserID), slog.String("medium", m.Medium))
}

// A Sender delivers one message. An error is temporary unless it is (or wraps) a
// [PermanentError].
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
	// Mail and SMS deliver the media. Nil: no sender is configured.
	Mail, SMS Sender
	// Functions sends messages by functions of pools.
	Functions Sender
	// Inbox keeps messages readable for development, also those without a sender.
	Inbox bool
	// Rest is how long Run waits after a message is due. The work of sending must not
	// delay the answer of the call that stored the message, nor of the next call: their
	// time would reveal that there is a message.
	Rest time.Duration
	// Metrics counts what is sent; may be nil.
	Metrics *audit.Metrics
	// Failed returns a write that joins the transaction in which a message is given up. The write is nil if there is none.
	// Failed itself may be nil. details says why the message is given up, and does not have the code of the message.
	Failed func(ctx context.Context, at time.Time, poolID, userID, details string) (func(ctx context.Context, tx *store.Tx) error, error)
	// Keep is how long a message is kept after it was sent or given up, at most until its
	// code expires. Zero: until its code expires.
	Keep time.Duration
}

// Service is the outbox, its worker and the development inbox.
type Service struct {
	deps Deps

	mu   sync.Mutex
	news chan struct{} // closed and replaced by Wake
}

// New builds a Service; Run starts its worker.
func New(d Deps) *Service {
	return &Service{deps: d, news: make(chan struct{})}
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
	Token    string          `json:"token,omitempty"`
}

// Reaches returns ErrNoSender if messages of the medium cannot be sent.
func (s *Service) Reaches(medium string) error {
	if s.sender(medium) == nil && !s.deps.Inbox {
		return ErrNoSender
	}
	return nil
}

// Enqueue writes m to the outbox within the caller's transaction. Call Wake after
// the commit. It returns ErrNoSender, and writes nothing, if m could never be sent.
func (s *Service) Enqueue(ctx context.Context, tx *store.Tx, m *Message) error {
	state, lane := store.MessageQueued, m.lane()
	switch {
	case m.Function != nil && s.deps.Functions == nil:
		return ErrNoSender
	case m.Function == nil && s.sender(m.Medium) == nil:
		if !s.deps.Inbox {
			return ErrNoSender
		}
		state = stateInbox
	}
	if m.Nowhere {
		lane = store.LaneNowhere
	}
	m.ID, m.CreatedAt = keys.NewUUID(), s.deps.Now()
	expires, next := m.ExpiresAt, m.CreatedAt
	if kept := m.CreatedAt.Add(inboxLife); s.deps.Inbox && expires.Before(kept) {
		expires = kept
	}
	if m.Held {
		next = next.Add(holdTime)
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

// Release sets the text of a held message and has it sent. A message that was sent
// already stays as it was.
func (s *Service) Release(ctx context.Context, m *Message) error {
	body, err := s.seal(m)
	if err != nil {
		return err
	}
	return s.settle(ctx, func(tx *store.Tx) error { return tx.ReleaseMessage(ctx, m.PoolID, m.ID, body, s.deps.Now()) })
}

// Drop deletes a held message.
func (s *Service) Drop(ctx context.Context, m *Message) error {
	return s.settle(ctx, func(tx *store.Tx) error { return tx.DropMessage(ctx, m.PoolID, m.ID) })
}

func (s *Service) settle(ctx context.Context, fn func(tx *store.Tx) error) error {
	err := s.deps.Store.Update(ctx, fn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// lane returns the lane that sends the message.
func (m *Message) lane() string {
	switch {
	case m.Function == nil:
		return m.Medium
	case m.Medium == SMS:
		return store.LaneSMSFunction
	}
	return store.LaneEmailFunction
}

// seal returns the secret part of the message's row.
func (s *Service) seal(m *Message) ([]byte, error) {
	body, err := json.Marshal(sealed{m.From, m.ReplyTo, m.Subject, m.Body, m.Code, m.Link, m.Function, m.Token})
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return s.deps.Ring.Seal(keys.PurposeMessage, rowAD(m.PoolID, m.ID), body), nil
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

// WakeSoon calls Wake after Deps.Rest, when a message that was just stored may be
// sent.
func (s *Service) WakeSoon() { time.AfterFunc(s.deps.Rest, s.Wake) }

// changed returns a channel that is closed by the next Wake.
func (s *Service) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}

func (s *Service) sender(medium string) Sender {
	switch medium {
	case Email:
		return s.deps.Mail
	case SMS:
		return s.deps.SMS
	}
	return nil
}

// open returns the message of a row.
func (s *Service) open(r store.Message) (Message, error) {
	plain, err := s.deps.Ring.Open(keys.PurposeMessage, rowAD(r.PoolID, r.ID), r.Body)
	if err != nil {
		return Message{}, fmt.Errorf("message %s: %w", r.ID, err)
	}
	var b sealed
	if err := json.Unmarshal(plain, &b); err != nil {
		return Message{}, fmt.Errorf("message %s: %w", r.ID, err)
	}
	return Message{
		ID: r.ID, PoolID: r.PoolID, UserID: r.UserID, Username: r.Username, Medium: r.Medium, To: r.To,
		From: b.From, ReplyTo: b.ReplyTo, Subject: b.Subject, Body: b.Body, Code: b.Code, Link: b.Link, Token: b.Token,
		Function: b.Function, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Attempts: r.Attempts,
	}, nil
}

func rowAD(poolID, id string) []byte { return []byte("messages\x00" + poolID + "\x00" + id) }
