// Package fresh makes what the tests of a service start from: an empty store and a ring of new data keys. It imports
// nothing above those two, so that packages can use it in their own tests.
package fresh

import (
	"bytes"
	"testing"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/patience"
)

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

// Ring returns a ring of new data keys and their records.
func Ring(t testing.TB, now func() time.Time) (*keys.Ring, []keys.WrappedKey) {
	t.Helper()
	return OpenRing(t, nil, now)
}

// OpenRing returns another ring of the records that Ring returned, as a second server has it.
func OpenRing(t testing.TB, records []keys.WrappedKey, now func() time.Time) (*keys.Ring, []keys.WrappedKey) {
	t.Helper()
	kek, err := keys.NewKEK(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	ring, added, err := keys.OpenRing(t.Context(), kek, records, now())
	if err != nil {
		t.Fatal(err)
	}
	return ring, added
}
