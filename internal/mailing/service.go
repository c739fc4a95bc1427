// Package mailing decides how a message reaches a person: by which medium, with which of
// the pool's templates, and worded or sent by which of the pool's functions.
//
// It does not import package user: a person is a Recipient. It puts messages into the
// outbox of the caller's transaction, so that no code goes to a user who was not stored.
// It calls a function only after the commit. It does not decide who may have a code, or
// how often, and it stores no code. Codes and passwords never appear in a log or an error.
package mailing

import (
	"cognate/internal/keys"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// Deps are what the service is built from.
type Deps struct {
	Store    *store.Store
	Messages *message.Service
	// Triggers calls the pool's own functions.
	Triggers *trigger.Service
	// DomainBase returns the base URL of a pool's domain, for links in messages. It returns
	// "" for a pool without a domain. If it is nil, no pool has a domain.
	DomainBase func(*pool.Snapshot) string
	// NewCode draws a code of that many digits; nil is [keys.NewCode]. A development server can
	// send a fixed code.
	NewCode func(digits int) string
}

// Service sends messages to people.
type Service struct {
	deps Deps
}

// New builds the service.
func New(d Deps) *Service {
	if d.DomainBase == nil {
		d.DomainBase = func(*pool.Snapshot) string { return "" }
	}
	if d.NewCode == nil {
		d.NewCode = keys.NewCode
	}
	return &Service{deps: d}
}

// NewCode returns a code of that many digits for a message.
func (s *Service) NewCode(digits int) string { return s.deps.NewCode(digits) }
