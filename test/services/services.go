// Package services builds the services that package user works with, on an empty
// store, for the tests of user and of the packages above it. It imports nothing
// above package token.
package services

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/test/fresh"
	"cognate/test/lambdas"
)

// A Base is the services below package user, on one store.
type Base struct {
	Store *store.Store
	Ring  *keys.Ring
	// Records are the data keys that the ring began with.
	Records    []keys.WrappedKey
	Gate       *keys.Gate
	PageTokens *keys.PageTokens
	Now        func() time.Time
	Pools      *pool.Service
	Tokens     *token.Service
	// Messages keeps what it sends in its inbox.
	Messages    *message.Service
	MessageDeps message.Deps // of Messages
	Mail        *mailing.Service
	Lockouts    *risk.Lockouts
	Functions   *lambdas.Server
	Triggers    *trigger.Service
}

// New builds the services on the store of the options.
func New(t testing.TB, o store.Options, now func() time.Time) *Base {
	t.Helper()
	b := &Base{Store: fresh.Store(t, o, now), Functions: lambdas.New(t)}
	b.Ring, b.Records = fresh.Ring(t, now)
	return b.Node(t, b.Ring, now)
}

// Node builds the services of another server on the same store, with its own ring
// and clock.
func (b *Base) Node(t testing.TB, ring *keys.Ring, now func() time.Time) *Base {
	t.Helper()
	n := &Base{
		Store: b.Store, Ring: ring, Records: b.Records, Gate: fresh.Gate(), PageTokens: fresh.PageTokens(), Now: now,
		Functions: b.Functions, Triggers: b.Functions.Service(nil),
	}
	senders := senderKeys(t)
	n.Pools = pool.New(pool.Deps{Store: n.Store, Ring: ring, Pages: n.PageTokens, Now: now, SenderKeys: senders})
	n.Tokens = token.New(token.Deps{Store: n.Store, Pools: n.Pools, Ring: ring, Gate: n.Gate, Now: now, Triggers: n.Triggers})
	n.MessageDeps = message.Deps{
		Store: n.Store, Ring: ring, Now: now, Inbox: true, Log: slog.New(slog.DiscardHandler),
		Functions: mailing.FunctionSender{Triggers: n.Functions.Service(senders)},
	}
	n.Messages = message.New(n.MessageDeps)
	n.Mail = mailing.New(mailing.Deps{Store: n.Store, Messages: n.Messages, Triggers: n.Triggers})
	n.Lockouts = risk.New(risk.Deps{Store: n.Store, Now: now})
	return n
}

// OpenRing returns another ring of the records, as another server has it.
func (b *Base) OpenRing(t testing.TB, records []keys.WrappedKey) *keys.Ring {
	t.Helper()
	ring, _ := fresh.OpenRing(t, records, b.Now)
	return ring
}

// Pool makes a user pool and returns its snapshot.
func (b *Base) Pool(t testing.TB, changes ...func(*idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	return fresh.Pool(t, b.Pools, changes...)
}

// Client makes an app client and returns it.
func (b *Base) Client(t testing.TB, sn *pool.Snapshot, changes ...func(*idp.CreateUserPoolClientRequest)) *pool.Client {
	t.Helper()
	return fresh.Client(t, b.Pools, sn, changes...)
}

// Inbox lists messages, the newest first.
func (b *Base) Inbox(t testing.TB, q message.Query) []message.Message {
	t.Helper()
	list, err := b.Messages.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Code returns the code of the newest message.
func (b *Base) Code(t testing.TB, q message.Query) string {
	t.Helper()
	list := b.Inbox(t, q)
	if len(list) == 0 {
		t.Fatal("no message was sent")
	}
	return list[0].Code
}

// OtherCode returns a code that has as many digits and is wrong.
func OtherCode(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// SenderKeyID is the KMSKeyID whose key the services have for custom senders.
const SenderKeyID = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

func senderKeys(t testing.TB) *trigger.SenderKeys {
	t.Helper()
	secret := trigger.Secret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32)))
	k, err := trigger.NewSenderKeys(map[string]trigger.Key{SenderKeyID: {AES256: secret}}, trigger.KMSOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}
