package storetest

import (
	"context"
	"testing"

	"cognate/internal/store"
)

// testIdentities: an identity has one user, and goes with the user.
func testIdentities(t *testing.T, s *store.Store) {
	ctx := t.Context()
	hash := func(n byte) [32]byte { return [32]byte{n} }
	owner := func(n byte) string {
		id, err := s.IdentityOwner(ctx, "p", hash(n))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	insert := func(n byte, user string) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.InsertIdentity(ctx, "p", hash(n), user) }
	}
	addUsers(t, s, calledUser("u"), calledUser("v"))
	update(t, s, insert(1, "u"))
	update(t, s, insert(2, "u"))
	update(t, s, insert(3, "v"))
	existing(t, s, "identity", insert(1, "v"))
	refused(t, s, store.ErrNotFound, insert(4, "nobody"))
	same(t, []string{"u", "u", "v"}, []string{owner(1), owner(2), owner(3)}, nil)
	_, err := s.IdentityOwner(ctx, "another pool", hash(1))
	missing(t, 0, err)

	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteIdentity(ctx, "p", hash(1), "v") })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteIdentity(ctx, "p", hash(1), "u") })
	_, err = s.IdentityOwner(ctx, "p", hash(1))
	missing(t, 0, err)
	update(t, s, insert(1, "v"))
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	_, err = s.IdentityOwner(ctx, "p", hash(2))
	missing(t, 0, err)
	same(t, "v", owner(1), nil)
}

func insertIdentity(ctx context.Context, tx *store.Tx) error {
	return tx.InsertIdentity(ctx, "p", [32]byte{7}, "u")
}
