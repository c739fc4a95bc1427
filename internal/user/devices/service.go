// Package devices keeps the devices that users sign in from: it makes their keys,
// registers, lists and forgets them.
//
// It may import package user and what user may import; user must not import it.
// It resolves the users that requests name only through package user, and writes
// devices only through store. It proves no device: signin does that, with the
// verifier that a Device holds. Verifiers and salts never appear in a log, an
// error or a trace.
package devices

import (
	"time"

	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Deps is what the service works with.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	Ring  *keys.Ring
	Users *user.Service
	Now   func() time.Time
}

// Service does the operations on devices. Its methods are the operations of
// idp.Service that it owns, and what sign-in needs to know of a device.
type Service struct {
	deps Deps
}

// New builds the service.
func New(d Deps) *Service { return &Service{deps: d} }
