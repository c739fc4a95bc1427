package token

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/pool"
	"cognate/internal/store"
)

// node is a second server on the same store.
func (r *rig) node() *rig { return &rig{Service: New(r.deps), deps: r.deps, clock: r.clock} }

func (r *rig) kids(t testing.TB, poolID string) []string {
	t.Helper()
	b, err := r.JWKS(t.Context(), poolID)
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct{ Alg, E, Kid, Kty, N, Use string }
	}
	if err := json.Unmarshal(b, &set); err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, k := range set.Keys {
		if k.Alg != "RS256" || k.E != "AQAB" || k.Kty != "RSA" || k.Use != "sig" || len(k.N) != 342 {
			t.Errorf("%+v", k)
		}
		kids = append(kids, k.Kid)
	}
	slices.Sort(kids)
	return kids
}

func kidOf(t testing.TB, token string) string {
	t.Helper()
	var header struct{ Kid string }
	if err := json.Unmarshal(part(t, token, 0), &header); err != nil {
		t.Fatal(err)
	}
	return header.Kid
}

// TestFirstKeys: nodes that need a new pool's keys at once come to one pair.
func TestFirstKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		got := make([][]string, 3)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = r.node().kids(t, sn.ID) })
		}
		wg.Wait()
		if len(got[0]) != 2 || got[0][0] == got[0][1] {
			t.Errorf("keys %v", got[0])
		}
		for _, other := range got[1:] {
			if diff := cmp.Diff(got[0], other); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestRotate(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		c := r.client(t, sn, nil)
		u := r.user(t, sn, "alice")
		far := r.node()
		old := r.issue(t, r.grant(t, sn, c, u))
		first := r.kids(t, sn.ID)
		if diff := cmp.Diff(first, far.kids(t, sn.ID)); diff != "" {
			t.Fatal(diff)
		}

		var wg sync.WaitGroup
		for range 2 { // two administrators at once start one exchange
			wg.Go(func() {
				if err := r.node().Rotate(t.Context(), sn.ID); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := r.Rotate(t.Context(), sn.ID); err != nil {
			t.Fatal(err)
		}
		published := r.kids(t, sn.ID)
		if len(published) != 4 {
			t.Fatalf("published %v", published)
		}
		if kid := kidOf(t, r.issue(t, r.grant(t, sn, c, u)).AccessToken); !slices.Contains(first, kid) {
			t.Errorf("signed by %s before it was published for long", kid)
		}

		// Every node publishes the new keys long before any signs with them.
		r.clock.Pass(keySetAge)
		if diff := cmp.Diff(published, far.kids(t, sn.ID)); diff != "" {
			t.Error(diff)
		}
		r.clock.Pass(publishLead)
		r.step(t)
		set := far.issue(t, r.grant(t, sn, c, u))
		for _, token := range []string{set.AccessToken, set.IDToken} {
			if kid := kidOf(t, token); slices.Contains(first, kid) || !slices.Contains(published, kid) {
				t.Errorf("signed by %s", kid)
			}
		}
		if kidOf(t, set.AccessToken) == kidOf(t, set.IDToken) {
			t.Error("one key for both uses")
		}
		wantStates(t, r, sn, "active", "active", "retired", "retired")

		// The last token of the old keys ends a day after they retired.
		if _, err := r.Authenticate(t.Context(), set.AccessToken); err != nil {
			t.Error(err)
		}
		if _, err := far.Authenticate(t.Context(), old.AccessToken); says(err) != sayExpired {
			t.Errorf("token of the old key: %v", err)
		}
		r.clock.Pass(24 * time.Hour)
		if diff := cmp.Diff(published, r.kids(t, sn.ID)); diff != "" {
			t.Error(diff)
		}
		r.clock.Pass(2 * time.Hour)
		r.step(t)
		if kids := far.kids(t, sn.ID); len(kids) != 2 || slices.Contains(first, kids[0]) || slices.Contains(first, kids[1]) {
			t.Errorf("published at the end: %v", kids)
		}
		wantStates(t, r, sn, "active", "active")
		if _, err := far.Authenticate(t.Context(), old.AccessToken); says(err) != sayExpired && says(err) != sayInvalid {
			t.Errorf("token of a dropped key: %v", err)
		}
	})
}

func (r *rig) step(t testing.TB) {
	t.Helper()
	for range 2 {
		if err := r.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func wantStates(t *testing.T, r *rig, sn *pool.Snapshot, want ...string) {
	t.Helper()
	rows, err := r.deps.Store.SigningKeys(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, row.State)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestUnknownKID: a node that has not read a key yet asks for it.
func TestUnknownKID(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.client(t, sn, nil)
	u := r.user(t, sn, "alice")
	far := r.node()
	if len(far.kids(t, sn.ID)) != 2 {
		t.Fatal("no keys")
	}
	// An exchange whose keys sign at once, as after a clock that jumped.
	if err := r.Rotate(t.Context(), sn.ID); err != nil {
		t.Fatal(err)
	}
	rows, err := r.deps.Store.SigningKeys(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	r.update(t, func(tx *store.Tx) error {
		for _, row := range rows {
			if row.State == stateNext {
				row.ActivatesAt = r.now()
				if err := tx.UpdateSigningKey(t.Context(), row); err != nil {
					return err
				}
			}
		}
		return nil
	})
	near := r.node()
	set := near.issue(t, r.grant(t, sn, c, u))
	r.clock.Pass(2 * time.Second)
	if _, err := far.Authenticate(t.Context(), set.AccessToken); err != nil {
		t.Error(err)
	}
}

func TestSealedKeys(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	a, b := r.pool(t), r.pool(t)
	r.kids(t, a.ID)
	rows, err := r.deps.Store.SigningKeys(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	row := rows[0]
	row.PoolID = b.ID // moved to another pool's rows it does not open
	if _, err := r.open(&signingKey{row: row}); err == nil {
		t.Error("a key opens in another pool's row")
	}
}

// TestRetiredKeys: what was signed by a stolen key counts no more, though the node
// has seen it, and the pool gets new keys.
func TestRetiredKeys(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		c := r.client(t, sn, nil)
		u := r.user(t, sn, "alice")
		old := r.issue(t, r.grant(t, sn, c, u))
		if _, err := r.Authenticate(t.Context(), old.AccessToken); err != nil { // The node remembers it.
			t.Fatal(err)
		}
		first := r.kids(t, sn.ID)
		if err := r.Rotate(t.Context(), sn.ID); err != nil {
			t.Fatal(err)
		}
		r.retire(t)
		_, err := r.Authenticate(t.Context(), old.AccessToken)
		wantSays(t, err, sayInvalid)
		if _, err := r.OpenRefresh(t.Context(), sn, c, old.RefreshToken); !errors.Is(err, ErrRefresh) {
			t.Errorf("the refresh token: %v", err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := r.node().Renew(t.Context(), sn.ID); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		kids := r.kids(t, sn.ID)
		if len(kids) != 2 || slices.ContainsFunc(kids, func(kid string) bool { return slices.Contains(first, kid) }) {
			t.Errorf("published %v, before %v", kids, first)
		}
		wantStates(t, r, sn, "active", "active")
		fresh := r.issue(t, r.grant(t, sn, c, u))
		if _, err := r.Authenticate(t.Context(), fresh.AccessToken); err != nil {
			t.Error(err)
		}
		r.retire(t)
		if again := r.kids(t, sn.ID); len(again) != 2 || slices.Contains(kids, again[0]) {
			t.Errorf("published after the second time %v, before %v", again, kids)
		}
	})
}

// retire retires the ring's keys.
func (r *rig) retire(t testing.TB) {
	t.Helper()
	var err error
	if r.records, err = r.deps.Ring.Retire(t.Context(), nil, r.records, r.now()); err == nil {
		err = r.deps.Ring.Load(t.Context(), r.records, r.now())
	}
	if err != nil {
		t.Fatal(err)
	}
}
