// Package people has the service of package user with the real ones that it works
// with, for the tests of the packages below user and of package signin. It may
// import everything below those, and nothing but tests imports it.
package people

import (
	"context"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
	"cognate/internal/protection"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/internal/user"
	"cognate/test/fresh"
	"cognate/test/lambdas"
	"cognate/test/services"
)

// Rig is the service of users and those that it is built from.
type Rig struct {
	*services.Base
	Users *user.Service
	Clock *fresh.Clock
	// Protection is threat protection without data files.
	Protection *protection.Service
}

// Engines runs a test on both databases.
func Engines(t *testing.T, test func(t *testing.T, r *Rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, New(t, o)) })
}

// Overlapping runs a test on both engines, with transactions that can be made to overlap.
func Overlapping(t *testing.T, test func(t *testing.T, r *Rig, i storetest.Interleaving)) {
	fresh.Overlapping(t, func(t *testing.T, o store.Options, i storetest.Interleaving) { test(t, New(t, o), i) })
}

// SQLite builds a rig for tests that do not depend on the engine.
func SQLite(t testing.TB) *Rig {
	t.Helper()
	return New(t, fresh.SQLite(t))
}

// New builds a rig on a store.
func New(t testing.TB, o store.Options) *Rig {
	t.Helper()
	clock := fresh.NewClock(time.UnixMilli(1_800_000_000_250))
	b := services.New(t, o, clock.Now)
	return over(b, clock, protect(t, b))
}

// Node builds a rig of another server on the same store, with its own ring and clock.
func (r *Rig) Node(t testing.TB, ring *keys.Ring, now func() time.Time) *Rig {
	t.Helper()
	b := r.Base.Node(t, ring, now)
	return over(b, r.Clock, protect(t, b))
}

func over(b *services.Base, clock *fresh.Clock, engine *protection.Service) *Rig {
	return &Rig{Base: b, Clock: clock, Protection: engine, Users: user.New(user.Deps{
		Store: b.Store, Pools: b.Pools, Ring: b.Ring, Gate: b.Gate, Tokens: b.Tokens, Pages: b.PageTokens, Now: b.Now,
		Lockouts: b.Lockouts, Triggers: b.Triggers, Mail: b.Mail, Protection: engine,
	})}
}

// protect builds threat protection.
func protect(t testing.TB, b *services.Base) *protection.Service {
	engine := protection.New(protection.Deps{
		Store: b.Store, Settings: risksettings.New(risksettings.Deps{Store: b.Store, Pools: b.Pools}), Ring: b.Ring, Now: b.Now, Mail: b.Mail,
	})
	t.Cleanup(func() { _ = engine.Close(context.Background()) })
	return engine
}

// WithMail builds a rig of another server on the same store, whose messages go through
// another service.
func (r *Rig) WithMail(m *mailing.Service) *Rig {
	b := *r.Base
	b.Mail = m
	return over(&b, r.Clock, r.Protection)
}

// User makes a confirmed user.
func (r *Rig) User(t testing.TB, sn *pool.Snapshot, name string) *user.User {
	t.Helper()
	_, err := r.Users.AdminCreateUser(t.Context(), &idp.AdminCreateUserRequest{UserPoolId: sn.ID, Username: name, MessageAction: idp.MessageActionTypeSuppress})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Users.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: name, Password: "Passw0rd!one", Permanent: new(true)})
	if err != nil {
		t.Fatal(err)
	}
	u, err := r.Users.Resolve(t.Context(), sn, name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// WantError compares an error with "Code: text", or "" for none.
func WantError(t testing.TB, err error, want string) {
	t.Helper()
	if got := lambdas.Says(err); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
