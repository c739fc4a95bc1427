// Package factors keeps what a user proves a sign-in with besides the password: the
// preference among second factors, authenticator apps, and the list of all factors
// that a user has.
//
// It may import package user, user/passkeys and what user may import; user must not
// import it. It resolves the users that requests name, and stores them, only through
// package user. It proves no sign-in: signin asks it whether a code is right, and
// has it used up. Secrets of apps are sealed, and never appear in a log, an error or
// a trace.
package factors

import (
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/passkeys"
)

// Names of the attributes that codes of second factors go to.
const (
	attrEmail = "email"
	attrPhone = "phone_number"
)

// Deps is what the service works with.
type Deps struct {
	Store    *store.Store
	Ring     *keys.Ring
	Users    *user.Service
	Passkeys *passkeys.Service
	Now      func() time.Time
	// Machine is the clock that authenticator apps are compared with; nil is Now.
	Machine func() time.Time
}

// Service does the operations on factors. Its methods are the operations of
// idp.Service that it owns, and what sign-in needs to know of an app's codes.
type Service struct {
	deps Deps
}

// New builds the service.
func New(d Deps) *Service {
	if d.Machine == nil {
		d.Machine = d.Now
	}
	return &Service{deps: d}
}
