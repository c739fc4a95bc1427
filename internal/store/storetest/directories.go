package storetest

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"cognate/internal/store"
)

func directory(id, provider string) store.Directory {
	return store.Directory{PoolID: "p", ID: id, Provider: provider, CreatedAt: Now, Doc: []byte("settings of " + id)}
}

func directoryToken(directoryID, id string, hash byte) store.DirectoryToken {
	return store.DirectoryToken{PoolID: "p", DirectoryID: directoryID, ID: id, Hash: [32]byte{hash}, CreatedAt: Now, ExpiresAt: Now.Add(time.Hour)}
}

func resource(kind, id, name string) store.Resource {
	return store.Resource{
		PoolID: "p", DirectoryID: "d", Kind: kind, ID: id, Target: id, NameKey: name, CreatedAt: Now, ModifiedAt: Now, Doc: []byte("doc of " + id),
	}
}

func addDirectory(t *testing.T, s *store.Store) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error { return tx.InsertDirectory(t.Context(), directory("d", "Corp")) })
}

// testDirectories: a provider has one directory, which ends with its provider and takes its tokens along.
func testDirectories(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addDirectory(t, s)
	existing(t, s, "directory", func(tx *store.Tx) error { return tx.InsertDirectory(ctx, directory("e", "Corp")) })
	update(t, s, func(tx *store.Tx) error { return tx.InsertDirectory(ctx, directory("e", "Other")) })
	got, err := s.DirectoryOf(ctx, "p", "Corp")
	same(t, directory("d", "Corp"), got, err)
	changed := directory("d", "Corp")
	changed.Doc, changed.Closed = []byte("new"), true
	update(t, s, func(tx *store.Tx) error { return tx.UpdateDirectory(ctx, changed) })
	got, err = s.Directory(ctx, "p", "d")
	same(t, changed, got, err)
	list, err := s.Directories(ctx, "p", 10)
	same(t, []store.Directory{changed, directory("e", "Other")}, list, err)

	token := directoryToken("d", "t", 1)
	update(t, s, func(tx *store.Tx) error { return tx.InsertDirectoryToken(ctx, token) })
	update(t, s, func(tx *store.Tx) error { return tx.InsertDirectoryToken(ctx, directoryToken("d", "u", 2)) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.InsertDirectoryToken(ctx, directoryToken("gone", "t", 3)) })
	read, err := s.DirectoryToken(ctx, "p", [32]byte{1})
	same(t, token, read, err)
	read, err = s.DirectoryToken(ctx, "another pool", [32]byte{1})
	missing(t, read, err)
	tokens, err := s.DirectoryTokens(ctx, "p", "d")
	same(t, 2, len(tokens), err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteDirectoryToken(ctx, "p", "d", "u") })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteDirectoryToken(ctx, "p", "d", "u") })

	provider := store.Item{PoolID: "p", Kind: store.KindIdentityProvider, Key: "Corp", CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}
	addUsers(t, s, calledUser("u"))
	update(t, s, func(tx *store.Tx) error {
		if err := tx.InsertItem(ctx, provider); err != nil {
			return err
		}
		return tx.InsertResource(ctx, resource(store.ResourceUser, "u", "u"))
	})
	update(t, s, func(tx *store.Tx) error { return tx.DeleteItem(ctx, "p", store.KindIdentityProvider, "Corp") })
	_, err = s.Directory(ctx, "p", "d")
	missing(t, 0, err)
	_, err = s.DirectoryToken(ctx, "p", [32]byte{1})
	missing(t, 0, err)
	if _, err := s.Sweep(ctx, Now, 100); err != nil {
		t.Fatal(err)
	}
	_, err = s.Resource(ctx, "p", "d", store.ResourceUser, "u")
	missing(t, 0, err)
	_, err = s.User(ctx, "p", "u")
	same(t, true, true, err) // The user of the pool stays.
}

// placesOf returns the ids of a directory's users by place.
func placesOf(t *testing.T, s *store.Store) []string {
	t.Helper()
	list, err := s.ResourcesFrom(t.Context(), "p", "d", store.ResourceUser, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i, r := range list {
		if r.Place != i+1 {
			t.Errorf("%s is at place %d, want %d", r.ID, r.Place, i+1)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// testResources: resources are found by name, by the directory's own id, by address and by place.
func testResources(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addDirectory(t, s)
	addUsers(t, s, calledUser("a"), calledUser("b"), calledUser("c"), calledUser("d"))
	a := resource(store.ResourceUser, "a", "anna")
	a.ExternalID, a.EmailKey = new("x1"), new("anna@example.com")
	for _, r := range []store.Resource{a, resource(store.ResourceUser, "b", "bert"), resource(store.ResourceUser, "c", "carl"), resource(store.ResourceGroup, "g", "anna")} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertResource(ctx, r) })
	}
	for _, r := range []store.Resource{resource(store.ResourceUser, "a", "dora"), resource(store.ResourceUser, "d", "anna")} {
		existing(t, s, "resource", func(tx *store.Tx) error { return tx.InsertResource(ctx, r) })
	}
	a.Place, a.Version = 1, 1 // The user is disabled, as calledUser makes it.
	got, err := s.Resource(ctx, "p", "d", store.ResourceUser, "a")
	same(t, a, got, err)
	got, err = s.ResourceByName(ctx, "p", "d", store.ResourceUser, "anna")
	same(t, a, got, err)
	list, err := s.ResourcesByExternalID(ctx, "p", "d", store.ResourceUser, "x1", 10)
	same(t, []store.Resource{a}, list, err)
	list, err = s.ResourcesByEmail(ctx, "p", "d", store.ResourceUser, "anna@example.com", 10)
	same(t, []store.Resource{a}, list, err)
	list, err = s.ResourcesFrom(ctx, "p", "d", store.ResourceUser, 2, 1)
	same(t, 1, len(list), err)
	same(t, "b", list[0].ID, nil)
	d, err := s.Directory(ctx, "p", "d")
	same(t, []int{3, 1}, []int{d.Users, d.Groups}, err)

	changed := a
	changed.NameKey, changed.Doc, changed.ModifiedAt = "anne", []byte("new"), Now.Add(time.Second)
	update(t, s, func(tx *store.Tx) error { return tx.UpdateResource(ctx, changed) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateResource(ctx, changed) })
	changed.Version = 2
	got, err = s.ResourceByName(ctx, "p", "d", store.ResourceUser, "anne")
	same(t, changed, got, err)
	changed.NameKey = "bert"
	existing(t, s, "resource", func(tx *store.Tx) error { return tx.UpdateResource(ctx, changed) })

	enabled, err := s.User(ctx, "p", "b")
	if err != nil {
		t.Fatal(err)
	}
	enabled.Enabled = true
	update(t, s, func(tx *store.Tx) error { return tx.UpdateUser(ctx, enabled) })
	got, err = s.Resource(ctx, "p", "d", store.ResourceUser, "b")
	same(t, true, got.Enabled, err)

	update(t, s, func(tx *store.Tx) error { return tx.DeleteResource(ctx, "p", "d", store.ResourceUser, "a") })
	same(t, []string{"c", "b"}, placesOf(t, s), nil)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteResource(ctx, "p", "d", store.ResourceUser, "b") })
	same(t, []string{"c"}, placesOf(t, s), nil)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteResource(ctx, "p", "d", store.ResourceUser, "b") })
	d, err = s.Directory(ctx, "p", "d")
	same(t, []int{1, 1}, []int{d.Users, d.Groups}, err)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error {
		r := resource(store.ResourceUser, "b", "bert")
		r.DirectoryID = "gone"
		return tx.InsertResource(ctx, r)
	})
}

// testResourcesGo: a resource goes with its user or group, and members are those that the directory has made.
func testResourcesGo(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addDirectory(t, s)
	addUsers(t, s, calledUser("a"), calledUser("b"), calledUser("c"))
	group := store.Item{PoolID: "p", Kind: store.KindGroup, Key: "g", CreatedAt: Now, ModifiedAt: Now, Doc: []byte("{}")}
	update(t, s, func(tx *store.Tx) error {
		if err := tx.InsertItem(ctx, group); err != nil {
			return err
		}
		for _, r := range []store.Resource{resource(store.ResourceUser, "a", "a"), resource(store.ResourceUser, "b", "b"), resource(store.ResourceGroup, "g", "g")} {
			if err := tx.InsertResource(ctx, r); err != nil {
				return err
			}
		}
		for _, id := range []string{"a", "b", "c"} {
			if err := tx.AddMember(ctx, "p", "g", id); err != nil {
				return err
			}
		}
		return nil
	})
	members, err := s.ResourceMembers(ctx, "p", "d", "g", "", 10)
	same(t, []string{"a", "b"}, members, err)
	members, err = s.ResourceMembers(ctx, "p", "d", "g", "a", 1)
	same(t, []string{"b"}, members, err)
	groups, err := s.ResourceGroupsOf(ctx, "p", "d", "a")
	same(t, 1, len(groups), err)
	same(t, "g", groups[0].ID, nil)
	is, err := s.IsMember(ctx, "p", "g", "a")
	same(t, true, is, err)
	is, err = s.IsMember(ctx, "p", "g", "nobody")
	same(t, false, is, err)

	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "a") })
	same(t, []string{"b"}, placesOf(t, s), nil)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteItem(ctx, "p", store.KindGroup, "g") })
	_, err = s.Resource(ctx, "p", "d", store.ResourceGroup, "g")
	missing(t, 0, err)
	d, err := s.Directory(ctx, "p", "d")
	same(t, []int{1, 0}, []int{d.Users, d.Groups}, err)
}

// testResourceRaces: places stay without gaps when many add and remove resources at once.
func testResourceRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addDirectory(t, s)
	var users []store.User
	for i := range racers {
		users = append(users, calledUser("u"+strconv.Itoa(i)))
	}
	addUsers(t, s, users...)
	for i, err := range race(racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			return tx.InsertResource(ctx, resource(store.ResourceUser, users[i].ID, fmt.Sprint("name", i)))
		})
	}) {
		if err != nil {
			t.Errorf("insert %d: %v", i, err)
		}
	}
	same(t, racers, len(placesOf(t, s)), nil)
	for i, err := range race(racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			if i%2 == 0 {
				return tx.DeleteUser(ctx, "p", users[i].ID)
			}
			return tx.DeleteResource(ctx, "p", "d", store.ResourceUser, users[i].ID)
		})
	}) {
		if err != nil {
			t.Errorf("delete %d: %v", i, err)
		}
	}
	same(t, 0, len(placesOf(t, s)), nil)
	d, err := s.Directory(ctx, "p", "d")
	same(t, 0, d.Users, err)
}

func insertResource(ctx context.Context, tx *store.Tx) error {
	return tx.InsertResource(ctx, resource(store.ResourceUser, "u", "u"))
}
