package user

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user/codes"
)

// Deps is what the service works with.
type Deps struct {
	Store  *store.Store
	Pools  *pool.Service
	Ring   *keys.Ring
	Gate   *keys.Gate
	Tokens *token.Service
	Mail   *mailing.Service
	// Triggers call the pool's own functions.
	Triggers *trigger.Service
	// Lockouts forgets a user's failed sign-ins when a password is set again.
	Lockouts *risk.Lockouts
	// NewPasswords refuses passwords that attackers know, where threat protection is on. It may
	// be nil.
	NewPasswords NewPasswordChecker
	// Protection records what happens to accounts. It may be nil.
	Protection *protection.Service
	Pages      *keys.PageTokens
	// Deleted removes, in the transaction that deletes a user, the user's rows of services
	// that this package does not know. It may be nil.
	Deleted func(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) error
	// Admit counts an operation on a user, and refuses it beyond the limits of the user.
	// nil admits all.
	Admit func(ctx context.Context, userID string) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Service does the operations on people. Its methods are the operations of
// idp.Service that it owns, and what sign-in needs to know of a user.
type Service struct {
	deps    Deps
	codes   *codes.Service
	foreign *keys.Gate // before the hashes of other programs
	sample  atomic.Pointer[sample]
}

// New builds the service.
func New(d Deps) *Service {
	if d.Admit == nil {
		d.Admit = func(context.Context, string) error { return nil }
	}
	return &Service{
		deps: d, foreign: newForeignGate(),
		codes: codes.New(codes.Deps{Ring: d.Ring, Mail: d.Mail, Now: d.Now}),
	}
}
