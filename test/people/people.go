// Package people has the service of package user with the real ones that it works
// with, for the tests of the packages below user. It may import everything, and
// nothing but tests imports it.
package people

import (
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/test/fresh"
	"cognate/test/lambdas"
	"cognate/test/pgtest"
)

// Rig is the service of users and what it is built from.
type Rig struct {
	Store  *store.Store
	Ring   *keys.Ring
	Pools  *pool.Service
	Tokens *token.Service
	Users  *user.Service
	Clock  *Clock
}

// Clock is a clock that tests move.
type Clock struct{ ms atomic.Int64 }

// Now returns the clock's time.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.ms.Load()).UTC() }

// Pass moves the clock forward.
func (c *Clock) Pass(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// Engines runs a test on both databases. SQLite runs every transaction's closure
// twice, as a retry would.
func Engines(t *testing.T, test func(t *testing.T, r *Rig)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, New(t, store.Options{Path: filepath.Join(t.TempDir(), "cognate.db"), RunTwice: true}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, New(t, store.Options{URL: pgtest.Database(t)}))
	})
}

// Overlapping runs a test on both engines, with transactions that can be made to overlap.
func Overlapping(t *testing.T, test func(t *testing.T, r *Rig, i storetest.Interleaving)) {
	i := storetest.Interleaving{}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, New(t, store.Options{Path: filepath.Join(t.TempDir(), "cognate.db"), AfterSnapshot: i.AfterSnapshot}), i)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, New(t, store.Options{URL: pgtest.Database(t), AfterSnapshot: i.AfterSnapshot}), i)
	})
}

// New builds a rig on a store.
func New(t testing.TB, o store.Options) *Rig {
	t.Helper()
	c := &Clock{}
	c.ms.Store(1_800_000_000_000)
	st := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	gate := keys.NewGate(runtime.GOMAXPROCS(0), 10_000)
	pages := keys.NewPageTokens(func() [32]byte { return [32]byte{} })
	triggers := lambdas.New(t).Service(nil)
	log := slog.New(slog.DiscardHandler)
	pools := pool.New(pool.Deps{Store: st, Ring: ring, Pages: pages, Now: c.Now})
	tokens := token.New(token.Deps{Store: st, Pools: pools, Ring: ring, Gate: gate, Now: c.Now, Triggers: triggers})
	return &Rig{Store: st, Ring: ring, Pools: pools, Tokens: tokens, Clock: c, Users: user.New(user.Deps{
		Store: st, Pools: pools, Ring: ring, Gate: gate, Tokens: tokens, Pages: pages, Now: c.Now, Log: log, Triggers: triggers,
		Mail: mailing.New(mailing.Deps{
			Store: st, Messages: message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Inbox: true, Log: log}), Triggers: triggers,
		}),
		Lockouts: risk.New(risk.Deps{Store: st, Now: c.Now}),
	})}
}

// Pool makes a user pool; change may be nil.
func (r *Rig) Pool(t testing.TB, change func(in *idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	in := &idp.CreateUserPoolRequest{PoolName: "people"}
	if change != nil {
		change(in)
	}
	out, err := r.Pools.CreateUserPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	sn, err := r.Pools.Load(t.Context(), *out.UserPool.Id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
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

// Client makes an app client and returns its id.
func (r *Rig) Client(t testing.TB, sn *pool.Snapshot) string {
	t.Helper()
	out, err := r.Pools.CreateUserPoolClient(t.Context(), &idp.CreateUserPoolClientRequest{UserPoolId: sn.ID, ClientName: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPoolClient.ClientId
}

// WantError compares an error with "Code: text", or "" for none.
func WantError(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	if e, ok := errors.AsType[*api.Error](err); ok {
		got = e.Code + ": " + e.Message
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
