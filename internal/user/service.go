// Package user keeps the people of a user pool: it signs them up, confirms
// them, holds their attributes to the pool's schema, verifies their addresses,
// keeps their passwords and recovers their accounts.
//
// It is the core that the packages below it share, and imports none of them. What
// they begin with is in request.go (who a request is about) and edit.go (a user who
// is changed in a transaction). A part of a person that has rows and operations of
// its own belongs in a package below.
//
// It reads a pool's settings only through pool's snapshots and writes people
// only through store. It issues no token and proves no sign-in; it asks token
// who bears an access token. Every message that it causes goes through mailing, in
// the transaction of the change that caused it, so that no code goes to a user who
// was not stored. Passwords, verifiers and codes never appear in a log, an error or
// a trace.
package user

import (
	"log/slog"
	"sync/atomic"
	"time"

	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
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
	Pages    *keys.PageTokens
	Now      func() time.Time
	Log      *slog.Logger
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
	return &Service{
		deps: d, foreign: newForeignGate(),
		codes: codes.New(codes.Deps{Ring: d.Ring, Mail: d.Mail, Now: d.Now}),
	}
}
