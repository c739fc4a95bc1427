package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/store"
)

// testRateReports: a server has one report, which is read until it expires and is swept later.
func testRateReports(t *testing.T, s *store.Store) {
	put := func(reports ...store.RateReport) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *store.Tx) error {
			for _, r := range reports {
				if err := tx.PutRateReport(t.Context(), r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	first := store.RateReport{Node: "a", Seq: 1, ExpiresAt: Now.Add(time.Minute), Doc: []byte{1}}
	second := store.RateReport{Node: "a", Seq: 2, ExpiresAt: Now.Add(2 * time.Minute), Doc: []byte{2, 3}}
	other := store.RateReport{Node: "b", Seq: 7, ExpiresAt: Now.Add(time.Minute), Doc: []byte{4}}
	put(first, other)
	put(second)
	for after, want := range map[time.Duration][]store.RateReport{0: {second, other}, time.Minute: {second}, time.Hour: nil} {
		got, err := s.RateReports(t.Context(), Now.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		byNode := map[string]store.RateReport{}
		for _, r := range got {
			byNode[r.Node] = r
		}
		wanted := map[string]store.RateReport{}
		for _, r := range want {
			wanted[r.Node] = r
		}
		if diff := cmp.Diff(wanted, byNode); diff != "" {
			t.Errorf("after %v: %s", after, diff)
		}
	}
	if n, err := s.Sweep(t.Context(), Now.Add(time.Hour), 100); n != 2 || err != nil {
		t.Errorf("Sweep removed %d rows, error %v", n, err)
	}
}
