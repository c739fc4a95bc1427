// Package mailing decides what is sent to a person: by which medium, with which
// of the pool's templates, worded or sent by which of the pool's functions.
//
// It may import what its row of the import table names, and not package user: a
// person is a Recipient. It puts messages into the outbox of the caller's
// transaction, so that no code goes to a user who was not stored, and calls a
// function only after the commit. It decides neither who may have a code nor how
// often, and it keeps no code. Codes and passwords never appear in a log, an error
// or a trace.
package mailing

import (
	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// Deps is what the service works with.
type Deps struct {
	Store    *store.Store
	Messages *message.Service
	// Triggers call the pool's own functions.
	Triggers *trigger.Service
}

// Service sends messages to people.
type Service struct {
	deps Deps
}

// New builds the service.
func New(d Deps) *Service { return &Service{deps: d} }
