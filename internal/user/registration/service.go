package registration

import (
	"time"

	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// Deps is what the service works with.
type Deps struct {
	Store *store.Store
	Ring  *keys.Ring
	Users *user.Service
	Mail  *mailing.Service
	// Triggers call the pool's own functions.
	Triggers *trigger.Service
	Now      func() time.Time
}

// Service does the operations on accounts that are not proven yet. Its methods are the
// operations of idp.Service that it owns, and what sign-in needs of them.
type Service struct {
	deps  Deps
	codes *codes.Service
}

// New builds the service.
func New(d Deps) *Service {
	return &Service{deps: d, codes: codes.New(codes.Deps{Ring: d.Ring, Mail: d.Mail, Now: d.Now})}
}
