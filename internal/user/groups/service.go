// Package groups keeps the groups of a user pool and who is a member of them.
//
// It may import package user and what user may import; user must not import it.
// It resolves the users that requests name only through package user, and writes
// groups and memberships only through store. It issues no token: Groups returns
// what tokens say of a user's groups.
package groups

import (
	"time"

	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Deps is what the service works with.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	Users *user.Service
	Now   func() time.Time
}

// Service does the operations on groups. Its methods are the operations of
// idp.Service that it owns, and what sign-in needs to know of a user's groups.
type Service struct {
	deps   Deps
	groups *pool.Items[group]
}

// New builds the service.
func New(d Deps) *Service { return &Service{deps: d, groups: pool.NewItems[group](d.Pools, groupKind)} }
