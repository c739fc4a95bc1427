package storetest

import (
	"testing"
	"time"

	"cognate/internal/store"
)

// testIdentityPools: identity pools are listed by Region and changed by compare and set.
func testIdentityPools(t *testing.T, s *store.Store) {
	ctx := t.Context()
	pool := func(id, region string, at time.Time) store.IdentityPool {
		return store.IdentityPool{ID: id, Region: region, Name: "n", Version: 1, CreatedAt: at, ModifiedAt: at, Doc: []byte("{}")}
	}
	a, b := pool("r:a", "r", Now), pool("r:b", "r", Now.Add(time.Second))
	for _, p := range []store.IdentityPool{b, a, pool("q:c", "q", Now)} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertIdentityPool(ctx, p) })
	}
	list, err := s.IdentityPools(ctx, "r", store.PoolCursor{}, 10)
	same(t, []store.IdentityPool{a, b}, list, err)
	list, err = s.IdentityPools(ctx, "r", store.PoolCursor{CreatedAt: a.CreatedAt, ID: a.ID}, 10)
	same(t, []store.IdentityPool{b}, list, err)
	a.Doc = []byte("new")
	update(t, s, func(tx *store.Tx) error { return tx.UpdateIdentityPool(ctx, a) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateIdentityPool(ctx, a) })
	a.Version = 2
	got, err := s.IdentityPool(ctx, "r:a")
	same(t, a, got, err)

	update(t, s, func(tx *store.Tx) error {
		return tx.InsertPoolIdentity(ctx, store.PoolIdentity{ID: "i", PoolID: "r:a", CreatedAt: Now, ModifiedAt: Now})
	})
	update(t, s, func(tx *store.Tx) error { return tx.DeleteIdentityPool(ctx, "r:a") })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.HoldIdentityPool(ctx, "r:a") })
	if _, err := s.Sweep(ctx, Now, 100); err != nil {
		t.Fatal(err)
	}
	_, err = s.PoolIdentity(ctx, "i")
	missing(t, 0, err)
}

// testPoolIdentities: a login leads to one identity, and a merge takes the logins along.
func testPoolIdentities(t *testing.T, s *store.Store) {
	ctx := t.Context()
	login := func(n byte, identity string) store.IdentityLogin {
		return store.IdentityLogin{PoolID: "p", Hash: [32]byte{n}, IdentityID: identity, Provider: "x", Subject: string('a' + rune(n)), CreatedAt: Now}
	}
	for _, id := range []string{"a", "b", "c"} {
		update(t, s, func(tx *store.Tx) error {
			return tx.InsertPoolIdentity(ctx, store.PoolIdentity{ID: id, PoolID: "p", CreatedAt: Now, ModifiedAt: Now})
		})
	}
	update(t, s, func(tx *store.Tx) error { return tx.InsertIdentityLogin(ctx, login(1, "a")) })
	update(t, s, func(tx *store.Tx) error { return tx.InsertIdentityLogin(ctx, login(2, "b")) })
	existing(t, s, "identity-login", func(tx *store.Tx) error { return tx.InsertIdentityLogin(ctx, login(1, "b")) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.InsertIdentityLogin(ctx, login(3, "nobody")) })

	update(t, s, func(tx *store.Tx) error { return tx.MergePoolIdentity(ctx, "b", "a", Now) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.MergePoolIdentity(ctx, "b", "c", Now) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.InsertIdentityLogin(ctx, login(3, "b")) })
	owner, err := s.IdentityOfLogin(ctx, "p", [32]byte{2})
	same(t, "a", owner, err)
	merged, err := s.PoolIdentity(ctx, "b")
	same(t, "a", merged.Parent, err)
	update(t, s, func(tx *store.Tx) error { return tx.MergePoolIdentity(ctx, "a", "c", Now) })
	merged, err = s.PoolIdentity(ctx, "b")
	same(t, "c", merged.Parent, err)
	logins, err := s.IdentityLogins(ctx, "c")
	same(t, []store.IdentityLogin{login(1, "c"), login(2, "c")}, logins, err)
	list, err := s.PoolIdentities(ctx, "p", "", false, 10)
	same(t, 3, len(list), err)
	list, err = s.PoolIdentities(ctx, "p", "", true, 10)
	same(t, 1, len(list), err)
	list, err = s.PoolIdentities(ctx, "p", "a", false, 1)
	same(t, "b", list[0].ID, err)

	update(t, s, func(tx *store.Tx) error { return tx.DeleteIdentityLogin(ctx, "p", [32]byte{1}, "c") })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteIdentityLogin(ctx, "p", [32]byte{1}, "c") })
	update(t, s, func(tx *store.Tx) error { return tx.DeletePoolIdentity(ctx, "c") })
	for _, id := range []string{"a", "b", "c"} {
		_, err = s.PoolIdentity(ctx, id)
		missing(t, 0, err)
	}
	_, err = s.IdentityOfLogin(ctx, "p", [32]byte{2})
	missing(t, 0, err)
}
