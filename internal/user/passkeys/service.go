// Package passkeys keeps the passkeys of users: it registers, lists and deletes
// them.
//
// It may import package user and what user may import; user must not import it.
// It resolves the users that requests name only through package user, and writes
// passkeys only through store. What an authenticator answers is judged by
// keys/passkey; it proves no sign-in itself: signin does that, with the keys that
// Usable returns.
package passkeys

import (
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Deps is what the service works with.
type Deps struct {
	Store *store.Store
	Ring  *keys.Ring
	Users *user.Service
	// LoginHost returns the parent host of a Region's prefix domains; "" where they
	// have no name of their own.
	LoginHost func(region string) string
	Now       func() time.Time
}

// Service does the operations on passkeys. Its methods are the operations of
// idp.Service that it owns, and what sign-in needs to know of passkeys.
type Service struct {
	deps Deps
}

// New builds the service.
func New(d Deps) *Service { return &Service{deps: d} }
