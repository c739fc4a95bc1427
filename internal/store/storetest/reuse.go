package storetest

import (
	"testing"
	"time"

	"cognate/internal/store"
)

// testReuseID: a pool may have the id of a deleted pool when no row of that pool remains, and
// keeps its own rows then.
func testReuseID(t *testing.T, s *store.Store) {
	ctx := t.Context()
	insert := func(tx *store.Tx) error {
		if err := tx.ReuseID(ctx, "p"); err != nil {
			return err
		}
		return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", Version: 7})
	}
	if err := s.ClearDeleted(ctx, "p"); err != nil {
		t.Error(err)
	}
	update(t, s, insert)
	p, err := s.Pool(ctx, "p")
	same(t, 7, p.Version, err)
	existing(t, s, "pool", insert)
	addUsers(t, s, newUser("p", 1), newUser("p", 2))

	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	refused(t, s, store.ErrConflict, insert)
	if err := s.ClearDeleted(ctx, "p"); err != nil {
		t.Error(err)
	}
	n, err := s.EstimateUsers(ctx, "p")
	same(t, 0, n, err)
	update(t, s, insert)
	addUsers(t, s, newUser("p", 3))
	swept, err := s.Sweep(ctx, Now.Add(2*time.Hour), 100)
	same(t, 0, swept, err)
	n, err = s.EstimateUsers(ctx, "p")
	same(t, 1, n, err)
}
