package storetest

import (
	"context"
	"errors"
	"testing"

	"cognate/internal/store"
)

// RunSkew runs the tests of transactions that overlap. open answers an empty, migrated store that was opened with
// afterSnapshot, and closes it at the end of the test.
func RunSkew(t *testing.T, open func(t *testing.T, afterSnapshot func(context.Context)) *store.Store) {
	for _, row := range []struct {
		name string
		// Each is one transaction. Only one of the two may take effect, or the later after the earlier.
		earlier, later func(ctx context.Context, tx *store.Tx) error
		want           error // of the later, where transactions overlap
		check          func(t *testing.T, s *store.Store)
	}{
		{name: "device of a deleted user", earlier: deleteU, later: func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertDevice(ctx, aDevice("u", "new"))
		}, want: store.ErrNotFound, check: nothingOfU},
		{name: "user with a new device deleted", earlier: func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertDevice(ctx, aDevice("u", "new"))
		}, later: deleteU, check: nothingOfU},
		{name: "auth event of a deleted user", earlier: deleteU, later: func(ctx context.Context, tx *store.Tx) error {
			return tx.PutAuthEvent(ctx, store.AuthEvent{PoolID: "p", UserID: "u", ID: "1"})
		}, check: nothingOfU},
		{name: "history of a deleted user", earlier: deleteU, later: func(ctx context.Context, tx *store.Tx) error {
			return tx.PutSignInHistory(ctx, store.SignInHistory{PoolID: "p", UserID: "u"})
		}, want: store.ErrConflict, check: nothingOfU},
		{name: "passkey of a deleted user", earlier: deleteU, later: insertPasskey, want: store.ErrNotFound, check: nothingOfU},
		{name: "user with a new passkey deleted", earlier: insertPasskey, later: deleteU, check: nothingOfU},
		{name: "identity of a deleted user", earlier: deleteU, later: insertIdentity, want: store.ErrNotFound, check: nothingOfU},
		{name: "user with a new identity deleted", earlier: insertIdentity, later: deleteU, check: nothingOfU},
		{name: "directory resource of a deleted user", earlier: deleteU, later: insertResource, want: store.ErrNotFound, check: nothingOfU},
		{name: "user with a new directory resource deleted", earlier: insertResource, later: deleteU, check: nothingOfU},
		{name: "member who is deleted", earlier: deleteU, later: addMember, want: store.ErrNotFound, check: nothingOfU},
		{name: "user in a new group deleted", earlier: addMember, later: deleteU, check: nothingOfU},
		{name: "session of a deleted user", earlier: deleteU, later: insertSession, want: store.ErrNotFound, check: nothingOfU},
		{name: "user with a new session deleted", earlier: insertSession, later: deleteU, check: nothingOfU},
		{name: "device that is forgotten", earlier: forgetOld, later: confirmOld, want: errOwn, check: oldIsForgotten},
		{name: "data key that is added while all are wrapped again", earlier: func(ctx context.Context, tx *store.Tx) error {
			return tx.InsertDataKey(ctx, store.DataKey{Purpose: "x", ID: "2", Wrapped: []byte("old"), CreatedAt: Now})
		}, later: rewrap, check: allWrappedAgain},
		{name: "name that becomes a username", earlier: claimName("u", "boss"), later: claimUsername("boss"), want: errOwn, check: oneBoss},
		{name: "username that becomes a name", earlier: claimUsername("boss"), later: claimName("u", "boss"), want: errOwn, check: oneBoss},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			i := Interleaving{}
			s := open(t, i.AfterSnapshot)
			skewScene(t, s)
			run := func(fn func(ctx context.Context, tx *store.Tx) error) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					return s.Update(ctx, func(tx *store.Tx) error { return fn(ctx, tx) })
				}
			}
			later, earlier := i.Run(t, 1, run(row.later), run(row.earlier))
			if s.Engine() == "postgres" && (earlier != nil || !errors.Is(later, row.want)) {
				t.Errorf("earlier %v, later %v, want %v", earlier, later, row.want)
			}
			row.check(t, s)
		})
	}
}

// skewScene has a user with a device, a group and a directory.
func skewScene(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	addUsers(t, s, calledUser("u"))
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(
			tx.InsertDevice(ctx, aDevice("u", "old")),
			tx.InsertItem(ctx, store.Item{PoolID: "p", Kind: store.KindGroup, Key: "g", CreatedAt: Now, ModifiedAt: Now}),
			tx.InsertDataKey(ctx, store.DataKey{Purpose: "x", ID: "1", Wrapped: []byte("old"), CreatedAt: Now}),
			tx.InsertDirectory(ctx, directory("d", "Corp")),
		)
	})
}

func deleteU(ctx context.Context, tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") }

func insertPasskey(ctx context.Context, tx *store.Tx) error {
	return tx.InsertPasskey(ctx, store.Passkey{PoolID: "p", UserID: "u", ID: "new", CreatedAt: Now})
}

func addMember(ctx context.Context, tx *store.Tx) error { return tx.AddMember(ctx, "p", "g", "u") }

func insertSession(ctx context.Context, tx *store.Tx) error {
	if err := tx.TurnOfUserSessions(ctx, "p", "u"); err != nil {
		return err
	}
	return tx.InsertUserSession(ctx, userSession("u", "new"))
}

func nothingOfU(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	_, err := s.User(ctx, "p", "u")
	missing(t, 0, err)
	devices, err := s.Devices(ctx, "p", "u")
	same(t, nil, devices, err)
	passkeys, err := s.Passkeys(ctx, "p", "u")
	same(t, nil, passkeys, err)
	_, err = s.IdentityOwner(ctx, "p", [32]byte{7})
	missing(t, 0, err)
	_, err = s.Resource(ctx, "p", "d", store.ResourceUser, "u")
	missing(t, 0, err)
	groups, err := s.GroupsOf(ctx, "p", "u")
	same(t, nil, groups, err)
	same(t, nil, userSessions(t, s, "u"), nil)
	events, err := s.AuthEvents(ctx, "p", "u", "", 9)
	same(t, nil, events, err)
	_, err = s.SignInHistory(ctx, "p", "u")
	missing(t, 0, err)
}

func forgetOld(ctx context.Context, tx *store.Tx) error {
	return tx.ForgetDevice(ctx, "p", "u", "old", Now.Add(1<<40))
}

// confirmOld is what a confirmation of a device does: a key that was forgotten is refused.
func confirmOld(ctx context.Context, tx *store.Tx) error {
	gone, err := tx.DeviceForgotten(ctx, "p", "u", "old")
	if err == nil && gone {
		err = errOwn
	}
	if err != nil {
		return err
	}
	return tx.InsertDevice(ctx, aDevice("u", "old"))
}

func oldIsForgotten(t *testing.T, s *store.Store) {
	t.Helper()
	devices, err := s.Devices(t.Context(), "p", "u")
	same(t, nil, devices, err)
}

func rewrap(ctx context.Context, tx *store.Tx) error {
	list, err := tx.DataKeys(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Wrapped = []byte("new")
	}
	return tx.ReplaceDataKeys(ctx, list)
}

func allWrappedAgain(t *testing.T, s *store.Store) {
	t.Helper()
	list, err := s.DataKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Engine() == "sqlite" { // The key came after all were wrapped: its process still has the old key.
		return
	}
	for _, k := range list {
		same(t, "new", string(k.Wrapped), nil)
	}
	same(t, 2, len(list), nil)
}

// claimName sets a name of a user. No user may have it as the username.
func claimName(user, name string) func(ctx context.Context, tx *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		if err := tx.TurnOfName(ctx, "p", name); err != nil {
			return err
		}
		_, err := tx.UserByUsername(ctx, "p", name)
		if err == nil {
			return errOwn
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.PutName(ctx, "p", user, store.Name{Kind: store.NamePreferredUsername, Value: name})
	}
}

// claimUsername adds a user under a name by which nobody else signs in.
func claimUsername(name string) func(ctx context.Context, tx *store.Tx) error {
	return func(ctx context.Context, tx *store.Tx) error {
		if err := tx.TurnOfName(ctx, "p", name); err != nil {
			return err
		}
		_, err := tx.NameOwner(ctx, "p", store.NamePreferredUsername, name)
		if err == nil {
			return errOwn
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.InsertUser(ctx, calledUser(name), nil)
	}
}

func oneBoss(t *testing.T, s *store.Store) {
	t.Helper()
	_, byUsername := s.UserByUsername(t.Context(), "p", "boss")
	_, byName := s.NameOwner(t.Context(), "p", store.NamePreferredUsername, "boss")
	if (byUsername == nil) == (byName == nil) {
		t.Errorf("as a username %v, as a name %v", byUsername, byName)
	}
}
