// Package fresh makes what the tests of a service start from: a clock, an empty
// database of each engine, a ring of new data keys, user pools and app clients. It
// imports nothing above package pool, so that the packages above it can use it in
// their own tests.
package fresh

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// A Clock is a clock that only the test moves.
type Clock struct{ nanos atomic.Int64 }

// NewClock returns a clock that stands at a time.
func NewClock(at time.Time) *Clock {
	c := &Clock{}
	c.Set(at)
	return c
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time { return time.Unix(0, c.nanos.Load()).UTC() }

// Pass moves the clock forward, or back where d is negative.
func (c *Clock) Pass(d time.Duration) { c.nanos.Add(int64(d)) }

// Set moves the clock to a time.
func (c *Clock) Set(at time.Time) { c.nanos.Store(at.UnixNano()) }

// Engines runs a test on an empty database of each engine. SQLite runs every
// transaction's closure twice, as a retry would.
func Engines(t *testing.T, test func(t *testing.T, o store.Options)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		o := SQLite(t)
		o.RunTwice = true
		test(t, o)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, store.Options{URL: pgtest.Database(t)})
	})
}

// Overlapping runs a test on an empty database of each engine, with transactions
// that the test can make overlap.
func Overlapping(t *testing.T, test func(t *testing.T, o store.Options, i storetest.Interleaving)) {
	i := storetest.Interleaving{}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		o := SQLite(t)
		o.AfterSnapshot = i.AfterSnapshot
		test(t, o, i)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, store.Options{URL: pgtest.Database(t), AfterSnapshot: i.AfterSnapshot}, i)
	})
}

// SQLite returns the options of an empty SQLite database, for tests that do not
// depend on the engine. The database has its tables: with the race detector a
// migration takes half a second of CPU time, so that each process migrates once.
func SQLite(t testing.TB) store.Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cognate.db")
	content, err := migrated()
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return store.Options{Path: path}
}

// migrated returns the file of an empty SQLite database that has its tables.
var migrated = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "cognate-fresh-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o := store.Options{Path: filepath.Join(dir, "cognate.db"), Now: time.Now, Migrate: true}
	patience.Extend(&o.StatementTimeout)
	st, err := store.Open(context.Background(), o)
	if err != nil {
		return nil, err
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(o.Path)
})

// Store opens a store by the options, migrates it and closes it at the test's end.
func Store(t testing.TB, o store.Options, now func() time.Time) *store.Store {
	t.Helper()
	o.Now, o.Migrate = now, true
	patience.Extend(&o.StatementTimeout)
	st, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// KEK returns the key-encryption key of the rings.
func KEK(t testing.TB) *keys.KEK {
	t.Helper()
	kek, err := keys.NewKEK(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return kek
}

// Ring returns a ring of new data keys and their records.
func Ring(t testing.TB, now func() time.Time) (*keys.Ring, []keys.WrappedKey) {
	t.Helper()
	return OpenRing(t, nil, now)
}

// OpenRing returns another ring of the records that Ring returned, as a second server has it.
func OpenRing(t testing.TB, records []keys.WrappedKey, now func() time.Time) (*keys.Ring, []keys.WrappedKey) {
	t.Helper()
	ring, added, err := keys.OpenRing(t.Context(), KEK(t), records, now())
	if err != nil {
		t.Fatal(err)
	}
	return ring, added
}

// Gate returns a gate that lets as much through at a time as there are processors.
func Gate() *keys.Gate { return keys.NewGate(runtime.GOMAXPROCS(0), 10_000) }

// PageTokens returns page tokens under a key that all test servers share.
func PageTokens() *keys.PageTokens {
	return keys.NewPageTokens(func() [32]byte { return [32]byte{} })
}

// Pool makes a user pool and returns its snapshot. A change that is nil changes nothing.
func Pool(t testing.TB, pools *pool.Service, changes ...func(*idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	in := &idp.CreateUserPoolRequest{PoolName: "people"}
	for _, change := range changes {
		if change != nil {
			change(in)
		}
	}
	out, err := pools.CreateUserPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	sn, err := pools.Load(t.Context(), *out.UserPool.Id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

// Client makes an app client and returns it. A change that is nil changes nothing.
func Client(t testing.TB, pools *pool.Service, sn *pool.Snapshot, changes ...func(*idp.CreateUserPoolClientRequest)) *pool.Client {
	t.Helper()
	in := &idp.CreateUserPoolClientRequest{UserPoolId: sn.ID, ClientName: "app"}
	for _, change := range changes {
		if change != nil {
			change(in)
		}
	}
	out, err := pools.CreateUserPoolClient(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sn.Client(t.Context(), *out.UserPoolClient.ClientId)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
