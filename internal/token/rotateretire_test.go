package token

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// another returns the service of a second server with the same store and data keys. It loads the records of data keys by load.
func (r *rig) another(t testing.TB, load func(context.Context) ([]keys.WrappedKey, error)) *Service {
	t.Helper()
	deps := r.deps
	deps.Ring, _ = fresh.OpenRing(t, r.records, r.now)
	deps.Ring.Follow(load, nil, r.now)
	return New(deps)
}

// TestRotateAfterRetirement: a process that has not noticed a retirement cannot
// exchange a pool's keys for stillborn ones, which its data key seals. The pool
// would be left without keys when those that they replace are dropped.
func TestRotateAfterRetirement(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		c := r.client(t, sn, nil)
		u := r.user(t, sn, "alice")
		r.issue(t, r.grant(t, sn, c, u))
		before := r.records
		late := r.another(t, func(context.Context) ([]keys.WrappedKey, error) { return before, nil })

		r.retire(t)
		r.update(t, func(tx *store.Tx) error {
			var rows []store.DataKey
			for _, w := range r.records {
				rows = append(rows, store.DataKey{Purpose: string(w.Purpose), ID: strconv.Itoa(int(w.ID)), Wrapped: w.Wrapped, CreatedAt: w.CreatedAt, RetiredAt: w.RetiredAt})
			}
			return tx.ReplaceDataKeys(t.Context(), rows)
		})
		r.issue(t, r.grant(t, sn, c, u))
		if err := late.Rotate(t.Context(), sn.ID); !errors.Is(err, errSealRetired) {
			t.Errorf("keys that are sealed by a retired data key took the place of others: %v", err)
		}
		for range 3 {
			r.clock.Pass(10 * time.Hour)
			if err := r.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		access := r.issue(t, r.grant(t, sn, c, u)).AccessToken
		if _, err := r.Authenticate(t.Context(), access); err != nil {
			t.Error(err)
		}
		if err := r.Rotate(t.Context(), sn.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestTokenAfterRetirement: a node that has not noticed a retirement is shown an
// access token that another node has issued since. It is good.
func TestTokenAfterRetirement(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		c := r.client(t, sn, nil)
		u := r.user(t, sn, "alice")
		r.issue(t, r.grant(t, sn, c, u))
		late := r.another(t, func(context.Context) ([]keys.WrappedKey, error) { return r.records, nil })
		if _, err := late.signing.of(t.Context(), sn.ID); err != nil {
			t.Fatal(err)
		}
		r.clock.Pass(time.Minute)
		r.retire(t)
		access := r.issue(t, r.grant(t, sn, c, u)).AccessToken
		if _, err := late.Authenticate(t.Context(), access); err != nil {
			t.Error(err)
		}
	})
}
