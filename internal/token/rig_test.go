package token

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/fresh"
	"cognate/test/lambdas"
)

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

// rig is the service on a real store, with a clock that the test sets.
type rig struct {
	*Service
	deps    Deps
	clock   *fresh.Clock
	records []keys.WrappedKey
	lambdas *lambdas.Server
}

func (r *rig) now() time.Time { return r.clock.Now() }

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.UnixMilli(1_800_000_000_250))
	st := fresh.Store(t, o, c.Now)
	ring, records := fresh.Ring(t, c.Now)
	pools := pool.New(pool.Deps{Store: st, Ring: ring, Pages: fresh.PageTokens(), Now: c.Now})
	functions := lambdas.New(t)
	d := Deps{Store: st, Pools: pools, Ring: ring, Gate: fresh.Gate(), Now: c.Now, Triggers: functions.Service(nil)}
	return &rig{Service: New(d), deps: d, clock: c, records: records, lambdas: functions}
}

// sqlite is a rig for tests that do not depend on the engine.
func sqlite(t testing.TB) *rig {
	t.Helper()
	return newRig(t, fresh.SQLite(t))
}

func (r *rig) pool(t testing.TB) *pool.Snapshot {
	t.Helper()
	return fresh.Pool(t, r.deps.Pools)
}

func (r *rig) client(t testing.TB, sn *pool.Snapshot, change func(*idp.CreateUserPoolClientRequest)) *pool.Client {
	t.Helper()
	return fresh.Client(t, r.deps.Pools, sn, change)
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
