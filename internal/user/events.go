package user

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/protection/origin"
	"cognate/internal/store"
)

// signUpEvent labels the hash from which the id of a sign-up's event is derived.
const signUpEvent keys.Purpose = "sign-up event"

// signUpEventID returns the id of the event of a user's sign-up. It is a function of the user, so that the confirmation
// finds the event.
func (s *Service) signUpEventID(u *User) string {
	return keys.DerivedTimeUUID(u.Rec.CreatedAt, s.deps.Ring.Hash(signUpEvent, []byte(u.Rec.PoolID), []byte(u.ID())))
}

// Observe describes a request about a user's account to threat protection. typed is the name in the request. It returns nil
// if the pool has no threat protection. The caller writes the event, in the transaction of the operation if there is one.
func (s *Service) Observe(ctx context.Context, event idp.EventType, sn *pool.Snapshot, client *pool.Client, u *User, typed string, from origin.Client) (*protection.Event, error) {
	return s.observe(ctx, from, &protection.Operation{Pool: sn, Client: client, Type: event}, u, typed)
}

// ObserveSignUp is Observe for the sign-up of a new user.
func (s *Service) ObserveSignUp(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, typed string, from origin.Client) (*protection.Event, error) {
	return s.observe(ctx, from, &protection.Operation{Pool: sn, Client: client, Type: idp.EventTypeSignUp, EventID: s.signUpEventID(u), IsNew: true}, u, typed)
}

// ObserveConfirmation is Observe for the confirmation of a sign-up. It goes on with the event of the sign-up.
func (s *Service) ObserveConfirmation(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, typed string, from origin.Client) (*protection.Event, error) {
	return s.observe(ctx, from, &protection.Operation{Pool: sn, Client: client, Type: idp.EventTypeSignUp, Continues: s.signUpEventID(u)}, u, typed)
}

// SignUpEvent returns the event of the user's sign-up, nil if there is none.
func (s *Service) SignUpEvent(ctx context.Context, sn *pool.Snapshot, u *User) (*protection.Event, error) {
	if s.deps.Protection == nil || !protection.On(sn, false) {
		return nil, nil
	}
	return s.deps.Protection.Read(ctx, sn, u.ID(), s.signUpEventID(u))
}

func (s *Service) observe(ctx context.Context, from origin.Client, op *protection.Operation, u *User, typed string) (*protection.Event, error) {
	if s.deps.Protection == nil {
		return nil, nil
	}
	op.UserID, op.Username, op.Decoy, op.Names = u.ID(), u.Username(), u.IsDecoy(), from.Names(typed, u.Username(), u.Attributes)
	op.Source = from.Source(ctx, from.Address(ctx), false)
	return s.deps.Protection.Observe(ctx, op)
}

// RecordFailure writes the event of an operation that failed without a transaction of its own. It returns the error of the
// operation.
func (s *Service) RecordFailure(ctx context.Context, e *protection.Event, failure error) error {
	if e == nil {
		return failure
	}
	e.End(false)
	if err := s.deps.Protection.Record(ctx, e); err != nil {
		return err
	}
	return failure
}

// WriteEnd writes the event of an operation that ends with the transaction. It returns the error of the operation. An error
// that rolls the transaction back leaves no event.
func WriteEnd(ctx context.Context, tx *store.Tx, e *protection.Event, failure error) error {
	if e == nil || failure != nil && !store.Commits(failure) {
		return failure
	}
	e.End(failure == nil)
	if err := e.Write(ctx, tx); err != nil {
		return err
	}
	return failure
}
