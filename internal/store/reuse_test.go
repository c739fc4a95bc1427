package store

import (
	"path/filepath"
	"testing"
	"time"
)

// TestSweepLeavesReusedIDs: a sweep that listed a deleted pool leaves the rows of a new pool that
// has the id since.
func TestSweepLeavesReusedIDs(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	item := Item{PoolID: "p", Kind: KindGroup, Key: "g", Doc: []byte("{}")}
	if err := s.Update(ctx, func(tx *Tx) error { return tx.InsertItem(ctx, item) }); err != nil {
		t.Fatal(err)
	}
	sweep := func() (n int) {
		t.Helper()
		if err := s.sweepOne(ctx, &n, 100, deletedOwner{poolID: "p", at: time.UnixMilli(1)}, s.now()); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := sweep(); n != 0 {
		t.Errorf("removed %d rows of a pool that was not deleted", n)
	}
	if err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, markDeleted, "p", "", tx.now()) }); err != nil {
		t.Fatal(err)
	}
	if n := sweep(); n != 1 {
		t.Errorf("removed %d rows of a deleted pool, want 1", n)
	}
}
