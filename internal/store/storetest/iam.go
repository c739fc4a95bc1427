package storetest

import (
	"testing"

	"cognate/internal/store"
)

// testIAMEntities: names are unique for their kind, a rename moves the references, and a delete leaves none.
func testIAMEntities(t *testing.T, s *store.Store) {
	ctx := t.Context()
	role := store.IAMEntity{Kind: store.IAMRole, Key: "app", ID: "AROA1", Name: "App", Path: "/", Version: 1, CreatedAt: Now, Doc: []byte("{}")}
	insert := func(tx *store.Tx) error { return tx.InsertIAMEntity(ctx, role) }
	update(t, s, insert)
	existing(t, s, "iam-entity", insert)
	user := store.IAMEntity{Kind: store.IAMUser, Key: "app", ID: "AIDA1", Name: "app", Path: "/", Version: 1, CreatedAt: Now}
	group := store.IAMEntity{Kind: store.IAMGroup, Key: "g", ID: "AGPA1", Name: "g", Path: "/", Version: 1, CreatedAt: Now}
	key := store.AccessKey{ID: "AKIA9", PrincipalARN: "arn:9", Name: "app", UserKey: "app", Version: 1, Secret: []byte{9}, Doc: []byte("{}"), CreatedAt: Now}
	member := store.IAMLink{Kind: user.Kind, Key: user.Key, Link: store.IAMMember, Target: "g"}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.TurnOfIAM(ctx); err != nil {
			return err
		}
		for _, e := range []store.IAMEntity{user, group} {
			if err := tx.InsertIAMEntity(ctx, e); err != nil {
				return err
			}
		}
		if err := tx.InsertAccessKey(ctx, key); err != nil {
			return err
		}
		if err := tx.AddIAMLink(ctx, member); err != nil {
			return err
		}
		return tx.AddIAMLink(ctx, member)
	})
	got, err := s.IAMEntity(ctx, role.Kind, role.Key)
	same(t, role, got, err)

	update(t, s, func(tx *store.Tx) error { return tx.MoveIAMLinks(ctx, store.IAMGroup, "g", "h", store.IAMMember) })
	update(t, s, func(tx *store.Tx) error { return tx.MoveIAMLinks(ctx, store.IAMUser, "app", "b", "") })
	update(t, s, func(tx *store.Tx) error { return tx.MoveAccessKeys(ctx, "app", "b", "B", "arn:b") })
	moved := store.IAMLink{Kind: user.Kind, Key: "b", Link: store.IAMMember, Target: "h"}
	links, err := s.IAMLinksTo(ctx, store.IAMMember, "h")
	same(t, []store.IAMLink{moved}, links, err)
	links, err = s.IAMLinks(ctx, user.Kind, "b", store.IAMMember)
	same(t, []store.IAMLink{moved}, links, err)
	n, err := s.CountIAMLinksTo(ctx, store.IAMMember, "h")
	same(t, 1, n, err)
	key.UserKey, key.Name, key.PrincipalARN, key.Version = "b", "B", "arn:b", 2
	list, err := s.AccessKeysOf(ctx, "b", 10)
	same(t, []store.AccessKey{key}, list, err)

	renamed := user
	renamed.Key, renamed.Name, renamed.Path, renamed.Doc = "b", "B", "/x/", []byte("{}")
	update(t, s, func(tx *store.Tx) error { return tx.UpdateIAMEntity(ctx, renamed, "app") })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateIAMEntity(ctx, renamed, "app") })
	renamed.Version = 2
	entities, err := s.IAMEntities(ctx, store.IAMUser, "", 10)
	same(t, []store.IAMEntity{renamed}, entities, err)
	n, err = s.CountIAMEntities(ctx, store.IAMRole)
	same(t, 1, n, err)

	update(t, s, func(tx *store.Tx) error { return tx.RemoveIAMLink(ctx, moved) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.RemoveIAMLink(ctx, moved) })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteIAMEntity(ctx, role.Kind, role.Key) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteIAMEntity(ctx, role.Kind, role.Key) })
	got, err = s.IAMEntity(ctx, role.Kind, role.Key)
	missing(t, got, err)
}
