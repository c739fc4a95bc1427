package mailing

import (
	"context"
	"time"

	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// A SignInCode is a code for an address of a person who signs in.
type SignInCode struct {
	Delivery
	Code      string
	ExpiresAt time.Time

	batch *Batch
}

// TriggerContext describes a sign-in to the pool's functions that word or send its code.
type TriggerContext struct {
	ClientID string
	// Metadata is for CustomMessage, ToSender for the functions that send.
	Metadata, ToSender map[string]string
}

// NewSignInCode returns the message of a code for a sign-in.
func NewSignInCode(sn *pool.Snapshot, to Delivery, code string, expires time.Time, tc TriggerContext) SignInCode {
	return SignInCode{Delivery: to, Code: code, ExpiresAt: expires, batch: &Batch{
		Pool: sn, Occasion: trigger.OccasionAuthentication, ClientID: tc.ClientID, Metadata: tc.Metadata, ToSender: tc.ToSender,
	}}
}

// Destination returns the masked address, for the person who signs in.
func (c SignInCode) Destination() string { return *c.Details().Destination }

// EnqueueSignInCode puts a code into the outbox of the transaction. For a person who does
// not exist it does work of the same cost and sends nothing. Call DispatchSignInCode after
// the commit. A transaction may send one code.
func (s *Service) EnqueueSignInCode(ctx context.Context, tx *store.Tx, to Recipient, c SignInCode) error {
	c.batch.Reset()
	if err := s.CheckDeliverable(c.batch.Pool, c.Medium); err != nil {
		return AdminDelivery(err)
	}
	subject, body := c.batch.Pool.AuthenticationMessage(c.Medium)
	return AdminDelivery(s.enqueue(ctx, tx, c.batch, to, c.Delivery, template{subject: subject, body: body}, c.Code, c.ExpiresAt))
}

// DispatchSignInCode has a code sent, after the commit of its transaction. If the pool's
// function that words the code fails, it returns the error, and the code is not sent.
func (s *Service) DispatchSignInCode(ctx context.Context, c SignInCode) error {
	return s.Dispatch(ctx, c.batch)
}
