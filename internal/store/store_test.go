package store_test

import (
	"context"
	"errors"
	"fmt"
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

// TestManyLostRaces lets another server change a value after a transaction has read it, 40 times in a row. The transaction
// must go on, since the other server's changes succeed.
func TestManyLostRaces(t *testing.T) {
	t.Parallel()
	o := postgresOptions(t)
	one, other := open(t, o), open(t, o)
	ctx := t.Context()
	set := func(s *store.Store, value string, before func()) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			if _, err := tx.Meta(ctx, "x"); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			before()
			return tx.SetMeta(ctx, "x", []byte(value))
		})
	}
	runs := 0
	err := set(one, "last", func() {
		if runs++; runs <= 40 {
			if err := set(other, fmt.Sprint(runs), func() {}); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || runs != 41 {
		t.Errorf("%v after %d runs", err, runs)
	}
	if got, err := other.Meta(ctx, "x"); err != nil || string(got) != "last" {
		t.Errorf("the value is %q, %v", got, err)
	}
}
