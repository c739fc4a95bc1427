package codes

import (
	"time"

	"cognate/internal/keys"
	"cognate/internal/mailing"
)

// Deps is what the service works with.
type Deps struct {
	Ring *keys.Ring
	Mail *mailing.Service
	Now  func() time.Time
}

// Service keeps the verification codes of users. It has no state of its own.
type Service struct {
	deps Deps
}

// New builds the service.
func New(d Deps) *Service { return &Service{deps: d} }
