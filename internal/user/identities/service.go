package identities

import (
	"log/slog"
	"time"

	"cognate/internal/pool"
	"cognate/internal/pool/providers"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/groups"
)

// Deps is what the service works with.
type Deps struct {
	Store     *store.Store
	Pools     *pool.Service
	Users     *user.Service
	Groups    *groups.Service
	Providers *providers.Service
	Triggers  *trigger.Service
	Now       func() time.Time
	Log       *slog.Logger
}

// Service signs in people of other providers. Its methods are the operations of idp.Service
// that it owns, and SignIn.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }
