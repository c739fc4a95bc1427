package store_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

func clock() time.Time { return storetest.Now }

func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o.Now, o.Migrate = clock, true
	patience.Extend(&o.StatementTimeout)
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sqliteOptions(t testing.TB) store.Options {
	return store.Options{Path: filepath.Join(t.TempDir(), "cognate.db")}
}

func postgresOptions(t testing.TB) store.Options { return store.Options{URL: pgtest.Database(t)} }

// TestEngines runs the suite on both engines, and once more with every transaction run twice, as a serialization
// failure makes it.
func TestEngines(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": sqliteOptions, "postgres": postgresOptions} {
		for _, twice := range []bool{false, true} {
			if twice {
				name += " twice"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				storetest.Run(t, func(t *testing.T) *store.Store {
					o := options(t)
					o.RunTwice = twice
					return open(t, o)
				})
			})
		}
	}
}

// TestOverlappingTransactions runs transactions of which each began before the other one ended.
func TestOverlappingTransactions(t *testing.T) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": sqliteOptions, "postgres": postgresOptions} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunSkew(t, func(t *testing.T, afterSnapshot func(context.Context)) *store.Store {
				o := options(t)
				o.AfterSnapshot = afterSnapshot
				return open(t, o)
			})
		})
	}
}
