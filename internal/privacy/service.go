// Package privacy answers for the data of one person: it exports what is held about a user of a
// user pool, and erases it.
//
// It may read and delete the rows of a user in every table. registry.go has the one list of tables,
// which a test compares with the schema. The package hands out no secret: neither
// passwords nor codes. Only an operator on the machine can call it. No operation of
// the AWS API leads here.
package privacy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cognate/internal/audit/trail"
	"cognate/internal/keys"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Deps is what the service works with.
type Deps struct {
	Store    *store.Store
	Pools    *pool.Service
	Users    *user.Service
	Messages *message.Service
	Lockouts *risk.Lockouts
	Trail    *trail.Trail
	Now      func() time.Time
}

// Service exports and erases the data of people.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// ErrNoUser means that the pool has no user of the name.
var ErrNoUser = errors.New("the user pool has no such user")

// A person is the user whose data is read. user is nil if the user was deleted, and only rows of the
// user may be left.
type person struct {
	pool *pool.Snapshot
	id   string
	user *user.User
}

// find returns the user of a sign-in name or a sub. A sub is the sub of a user who may be gone.
func (s *Service) find(ctx context.Context, poolID, name string) (*person, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, err
	}
	if keys.IsUUID(name) {
		// The sub comes first: another user may have chosen it as a username.
		p := &person{pool: sn, id: name}
		rec, err := s.deps.Store.User(ctx, sn.ID, name)
		switch {
		case err == nil:
			p.user, err = user.FromRecord(sn, rec)
			return p, err
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
	}
	u, err := s.deps.Users.Resolve(ctx, sn, name)
	switch {
	case err == nil:
		return &person{pool: sn, id: u.ID(), user: u}, nil
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	case keys.IsUUID(name):
		return &person{pool: sn, id: name}, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNoUser, poolID)
}
