package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cognate/internal/store"
)

func testUsers(t *testing.T, s *store.Store) {
	ctx := t.Context()
	u := newUser("p", 1)
	u.Email, u.PhoneNumber, u.Name = new("a@example.com"), new("+15550100"), new("Zoë")
	u.GivenName, u.FamilyName, u.PreferredUsername = new(""), new("é"), new("pref")
	u.TokensValidAfter = Now.Add(-time.Hour)
	if err := insertUser(ctx, s, u, store.Name{Kind: store.NameEmail, Value: "a@example.com"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.User(ctx, "p", u.ID)
	same(t, u, got, err)
	got, err = s.UserByUsername(ctx, "p", "user1")
	same(t, u, got, err)
	got, err = s.User(ctx, "q", u.ID)
	missing(t, got, err)

	// Which key is taken.
	same := func(change func(u *store.User)) store.User { v := newUser("p", 2); change(&v); return v }
	byID, byName, byAlias := same(func(v *store.User) { v.ID = u.ID }), same(func(v *store.User) { v.UsernameKey = u.UsernameKey }), newUser("p", 3)
	existing(t, s, "username", func(tx *store.Tx) error { return tx.InsertUser(ctx, byID, nil) })
	existing(t, s, "username", func(tx *store.Tx) error { return tx.InsertUser(ctx, byName, nil) })
	existing(t, s, "name", func(tx *store.Tx) error {
		return tx.InsertUser(ctx, byAlias, []store.Name{{Kind: store.NameEmail, Value: "a@example.com"}})
	})
	// The same keys are free in another pool, and the transaction can go on after the refusal.
	update(t, s, func(tx *store.Tx) error {
		if err := tx.InsertUser(ctx, byName, nil); err == nil {
			t.Error("inserted a taken username")
		}
		v := u
		v.PoolID = "q"
		return tx.InsertUser(ctx, v, []store.Name{{Kind: store.NameEmail, Value: "a@example.com"}})
	})

	changed := u
	changed.Status, changed.Enabled, changed.Email, changed.Profile = "RESET_REQUIRED", false, nil, []byte("[]")
	update(t, s, func(tx *store.Tx) error { return tx.UpdateUser(ctx, changed) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateUser(ctx, changed) })
	changed.Version = 2
	got, err = s.UserByName(ctx, "p", []string{store.NamePhoneNumber, store.NameEmail}, "a@example.com")
	sameUser(t, changed, got, err)

	update(t, s, func(tx *store.Tx) error {
		if err := tx.PutCode(ctx, store.Code{PoolID: "p", UserID: u.ID, Purpose: "x", ExpiresAt: Now}); err != nil {
			return err
		}
		return tx.PutLockouts(ctx, []store.Lockout{{PoolID: "p", UserID: u.ID, Failures: 3, LastAt: Now}})
	})
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", u.ID) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", u.ID) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateUser(ctx, changed) })
	got, err = s.User(ctx, "p", u.ID)
	missing(t, got, err)
	owner, err := s.NameOwner(ctx, "p", store.NameEmail, "a@example.com")
	missing(t, owner, err)
	code, err := s.Code(ctx, "p", u.ID, "x")
	missing(t, code, err)
	lockout, err := s.Lockout(ctx, "p", u.ID)
	missing(t, lockout, err)
	if _, err = s.User(ctx, "q", u.ID); err != nil {
		t.Errorf("the user of the other pool: %v", err)
	}
}

func sameUser(t *testing.T, want, got store.User, err error) { t.Helper(); same(t, want, got, err) }

func testLongAttributes(t *testing.T, s *store.Store) {
	ctx := t.Context()
	u := newUser("p", 1)
	// 2,048 characters of three bytes that do not compress: longer than an index entry of PostgreSQL may be.
	var b strings.Builder
	for i := range 2048 {
		b.WriteRune(rune(0x3000 + i*2654435761%0x4000))
	}
	u.Name, u.Profile = new(b.String()), []byte(strings.Repeat("x", 100_000))
	addUsers(t, s, u)
	got, err := s.User(ctx, "p", u.ID)
	if err != nil || len(got.Profile) != 100_000 || len(*got.Name) > 2048 || !strings.HasPrefix(b.String(), *got.Name) {
		t.Errorf("profile of %d bytes, name of %d, %v", len(got.Profile), len(*got.Name), err)
	}
	prefix := string([]rune(b.String())[:200])
	list, err := s.ListUsers(ctx, "p", store.UserQuery{Attr: "name", Op: "^=", Value: prefix, Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("%d users have the prefix, %v", len(list), err)
	}
	list, err = s.ListUsers(ctx, "p", store.UserQuery{Attr: "name", Op: "=", Value: prefix, Limit: 10})
	if err != nil || len(list) != 0 {
		t.Errorf("%d users have the value, %v", len(list), err)
	}
}

func testNames(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a, b := newUser("p", 1), newUser("p", 2)
	addUsers(t, s, a, b)
	email := store.Name{Kind: store.NameEmail, Value: "x@example.com"}
	phone := store.Name{Kind: store.NamePhoneNumber, Value: "+15550100"}
	put := func(id string, n store.Name) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.PutName(ctx, "p", id, n) }
	}
	update(t, s, put(a.ID, email))
	update(t, s, put(a.ID, email)) // again is no error
	update(t, s, put(a.ID, phone))
	existing(t, s, "name", put(b.ID, email))
	refused(t, s, store.ErrNotFound, put("nobody", store.Name{Kind: store.NameEmail, Value: "free@example.com"}))
	names, err := s.NamesOf(ctx, "p", a.ID)
	same(t, []store.Name{email, phone}, names, err)

	take := func(id, want string) {
		t.Helper()
		var from string
		update(t, s, func(tx *store.Tx) (err error) {
			from, err = tx.TakeName(ctx, "p", id, email)
			return err
		})
		same(t, want, from, nil)
		owner, err := s.NameOwner(ctx, "p", email.Kind, email.Value)
		same(t, id, owner, err)
	}
	take(b.ID, a.ID)
	take(b.ID, "")
	names, err = s.NamesOf(ctx, "p", a.ID)
	same(t, []store.Name{phone}, names, err)
	update(t, s, func(tx *store.Tx) error { return tx.DropName(ctx, "p", b.ID, email.Kind) })
	update(t, s, func(tx *store.Tx) error { return tx.DropName(ctx, "p", b.ID, email.Kind) })
	take(a.ID, "")
	update(t, s, put(a.ID, store.Name{Kind: store.NameEmail, Value: "new@example.com"})) // replaces
	owner, err := s.NameOwner(ctx, "p", email.Kind, email.Value)
	missing(t, owner, err)
	got, err := s.User(ctx, "p", a.ID)
	same(t, a, got, err) // names do not touch the version
	refused(t, s, store.ErrText, put(a.ID, store.Name{Kind: store.NameEmail, Value: strings.Repeat("x", 2049)}))
	refused(t, s, store.ErrText, put(a.ID, store.Name{Kind: store.NameEmail}))
}

func testLookup(t *testing.T, s *store.Store) {
	ctx := t.Context()
	// Each of four users answers to "same" in another way.
	users := []store.User{newUser("p", 4), newUser("p", 3), newUser("p", 2), newUser("p", 1)}
	users[0].UsernameKey = "same"
	kinds := []string{store.NameUsername, store.NameEmail, store.NamePhoneNumber, store.NamePreferredUsername}
	for i, u := range users {
		var names []store.Name
		if i > 0 {
			names = []store.Name{{Kind: kinds[i], Value: "same"}}
		}
		if err := insertUser(ctx, s, u, names...); err != nil {
			t.Fatal(err)
		}
	}
	for i, u := range users {
		got, kind, err := s.LookupUser(ctx, "p", "same", "same")
		same(t, u, got, err)
		same(t, kinds[i], kind, nil)
		got, err = s.LookupUserOrNext(ctx, "p", "same", "same", users[0].ID)
		same(t, u, got, err)
		update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", u.ID) })
	}
	_, _, err := s.LookupUser(ctx, "p", "same", "same")
	missing(t, 0, err)
	addUsers(t, s, users[0])
	_, _, err = s.LookupUser(ctx, "p", "other", "same")
	missing(t, 0, err) // a username is no alias
	got, kind, err := s.LookupUser(ctx, "p", "same", "")
	same(t, users[0], got, err)
	same(t, store.NameUsername, kind, nil)
	got, err = s.LookupUserOrNext(ctx, "p", "same", "", users[0].ID)
	same(t, users[0], got, err)

	// Where no user has the name, the next one is read: of this pool only.
	for _, aliasKey := range []string{"", "other"} {
		got, err = s.LookupUserOrNext(ctx, "p", "other", aliasKey, users[0].ID)
		same(t, users[0], got, nil)
		same(t, true, errors.Is(err, store.ErrNotFound), nil)
		got, err = s.LookupUserOrNext(ctx, "p", "other", aliasKey, users[0].ID+"0")
		same(t, store.User{}, got, nil)
		same(t, true, errors.Is(err, store.ErrNotFound), nil)
	}
}

func testUserForToken(t *testing.T, s *store.Store) {
	ctx := t.Context()
	u := newUser("p", 1)
	addUsers(t, s, u)
	got, revoked, err := s.UserForToken(ctx, "p", u.ID, "f")
	same(t, u, got, err)
	same(t, false, revoked, nil)
	update(t, s, func(tx *store.Tx) error { return tx.RevokeFamily(ctx, "p", u.ID, "f", Now.Add(time.Hour)) })
	got, revoked, err = s.UserForToken(ctx, "p", u.ID, "f")
	same(t, u, got, err)
	same(t, true, revoked, nil)
	_, _, err = s.UserForToken(ctx, "p", "none", "f")
	missing(t, 0, err)
}

func testGroups(t *testing.T, s *store.Store) {
	ctx := t.Context()
	users := []store.User{newUser("p", 1), newUser("p", 2), newUser("p", 3)}
	addUsers(t, s, users...)
	group := func(key string) store.Item {
		return store.Item{PoolID: "p", Kind: store.KindGroup, Key: key, Version: 1, CreatedAt: Now, ModifiedAt: Now, Doc: []byte(key)}
	}
	add := func(key, user string) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.AddMember(ctx, "p", key, user) }
	}
	for _, key := range []string{"b", "a"} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertItem(ctx, group(key)) })
		for _, u := range users {
			update(t, s, add(key, u.ID))
			update(t, s, add(key, u.ID)) // idempotent
		}
	}
	refused(t, s, store.ErrNotFound, add("none", users[0].ID))
	refused(t, s, store.ErrNotFound, add("a", userID(4)))
	groups, err := s.GroupsOf(ctx, "p", users[0].ID)
	same(t, []store.Item{group("a"), group("b")}, groups, err)
	members, err := s.MembersOf(ctx, "p", "a", "", 2)
	same(t, users[:2], members, err)
	members, err = s.MembersOf(ctx, "p", "a", users[1].ID, 2)
	same(t, users[2:], members, err)
	update(t, s, func(tx *store.Tx) error { return tx.RemoveMember(ctx, "p", "a", users[0].ID) })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", users[1].ID) })
	members, err = s.MembersOf(ctx, "p", "a", "", 10)
	same(t, users[2:], members, err)

	// A group's end is its memberships' end, also if it comes back under its name before the sweep.
	update(t, s, func(tx *store.Tx) error { return tx.DeleteItem(ctx, "p", store.KindGroup, "a") })
	update(t, s, func(tx *store.Tx) error { return tx.InsertItem(ctx, group("a")) })
	members, err = s.MembersOf(ctx, "p", "a", "", 10)
	same(t, nil, members, err)
	update(t, s, func(tx *store.Tx) error { return tx.RemoveMembers(ctx, "p", "b") })
	groups, err = s.GroupsOf(ctx, "p", users[2].ID)
	same(t, nil, groups, err)
	n, err := s.Sweep(ctx, Now, 100)
	same(t, 3, n, err) // one left in the former a, two in the former b
	update(t, s, add("b", users[2].ID))
	groups, err = s.GroupsOf(ctx, "p", users[2].ID)
	same(t, []store.Item{group("b")}, groups, err)
	_, err = s.MembersOf(ctx, "p", "none", "", 10)
	missing(t, 0, err)
}
