package token

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/fresh"
	"cognate/test/lambdas"
	"cognate/test/pgtest"
)

// engines runs a test on both databases; SQLite runs every closure twice.
func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, store.Options{Path: filepath.Join(t.TempDir(), "cognate.db"), RunTwice: true}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, store.Options{URL: pgtest.Database(t)}))
	})
}

// rig is the service on a real store, with a clock that the test sets.
type rig struct {
	*Service
	deps    Deps
	clock   *clock
	records []keys.WrappedKey
	lambdas *lambdas.Server
}

type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time       { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func (r *rig) now() time.Time { return r.clock.now() }

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := &clock{}
	c.ms.Store(1_800_000_000_250)
	st := fresh.Store(t, o, c.now)
	ring, records := fresh.Ring(t, c.now)
	pools := pool.New(pool.Deps{Store: st, Ring: ring, Pages: keys.NewPageTokens(func() [32]byte { return [32]byte{} }), Now: c.now})
	functions := lambdas.New(t)
	d := Deps{Store: st, Pools: pools, Ring: ring, Gate: keys.NewGate(runtime.GOMAXPROCS(0), 10_000), Now: c.now, Triggers: functions.Service(nil)}
	return &rig{Service: New(d), deps: d, clock: c, records: records, lambdas: functions}
}

// sqlite is a rig for tests that do not depend on the engine.
func sqlite(t testing.TB) *rig {
	return newRig(t, store.Options{Path: filepath.Join(t.TempDir(), "cognate.db")})
}

func (r *rig) pool(t testing.TB) *pool.Snapshot {
	t.Helper()
	out, err := r.deps.Pools.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{PoolName: "people"})
	if err != nil {
		t.Fatal(err)
	}
	sn, err := r.deps.Pools.Load(t.Context(), *out.UserPool.Id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

func (r *rig) client(t testing.TB, sn *pool.Snapshot, change func(*idp.CreateUserPoolClientRequest)) *pool.Client {
	t.Helper()
	in := &idp.CreateUserPoolClientRequest{UserPoolId: sn.ID, ClientName: "app"}
	if change != nil {
		change(in)
	}
	out, err := r.deps.Pools.CreateUserPoolClient(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sn.Client(t.Context(), *out.UserPoolClient.ClientId)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// user stores somebody.
func (r *rig) user(t testing.TB, sn *pool.Snapshot, name string) store.User {
	t.Helper()
	u := store.User{
		PoolID: sn.ID, ID: keys.NewUUID(), Username: name, UsernameKey: name, Status: "CONFIRMED", Enabled: true,
		CreatedAt: r.now(), ModifiedAt: r.now(), Profile: []byte(`{"v":1}`), Credential: []byte{},
	}
	r.update(t, func(tx *store.Tx) error { return tx.InsertUser(t.Context(), u, nil) })
	return r.read(t, u)
}

func (r *rig) read(t testing.TB, u store.User) store.User {
	t.Helper()
	u, err := r.deps.Store.User(t.Context(), u.PoolID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (r *rig) update(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := r.deps.Store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// change stores a change of the user's row.
func (r *rig) change(t testing.TB, u store.User, fn func(*store.User)) {
	t.Helper()
	r.update(t, func(tx *store.Tx) error {
		rec, err := tx.User(t.Context(), u.PoolID, u.ID)
		if err != nil {
			return err
		}
		fn(&rec)
		return tx.UpdateUser(t.Context(), rec)
	})
}

// grant signs the user in, as its row is now.
func (r *rig) grant(t testing.TB, sn *pool.Snapshot, c *pool.Client, u store.User) Grant {
	t.Helper()
	u = r.read(t, u)
	return Grant{
		Pool: sn, Client: c, WithRefresh: true,
		Subject: Subject{UserID: u.ID, Username: u.Username, TokensValidAfter: u.TokensValidAfter},
	}
}

func (r *rig) issue(t testing.TB, g Grant) *Set {
	t.Helper()
	set, err := r.Issue(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// part decodes one part of a token.
func part(t testing.TB, token string, n int) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func claimsOf(t testing.TB, token string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(part(t, token, 1), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func says(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func wantSays(t testing.TB, err error, want string) {
	t.Helper()
	if got := says(err); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
