package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/store"
)

func testPasskeys(t *testing.T, s *store.Store) {
	ctx := t.Context()
	key := func(user, id string) store.Passkey {
		return store.Passkey{PoolID: "p", UserID: user, ID: id, SignCount: 3, CreatedAt: Now, Doc: []byte("{}")}
	}
	list := func(user string) []store.Passkey {
		keys, err := s.Passkeys(ctx, "p", user)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(keys, func(a, b store.Passkey) int { return strings.Compare(a.ID, b.ID) })
		return keys
	}
	addUsers(t, s, calledUser("u"), calledUser("v"))
	for _, k := range []store.Passkey{key("u", "a"), key("u", "b"), key("v", "c")} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertPasskey(ctx, k) })
	}
	// An authenticator's id is nobody else's in the pool.
	existing(t, s, "passkey", func(tx *store.Tx) error { return tx.InsertPasskey(ctx, key("v", "a")) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.InsertPasskey(ctx, key("nobody", "d")) })
	same(t, []store.Passkey{key("u", "a"), key("u", "b")}, list("u"), nil)

	count := func(n int64) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.CountPasskey(ctx, "p", "u", "a", n) }
	}
	refused(t, s, store.ErrConflict, count(3))
	update(t, s, count(4))
	refused(t, s, store.ErrConflict, count(4))
	counted := key("u", "a")
	counted.SignCount = 4
	same(t, []store.Passkey{counted, key("u", "b")}, list("u"), nil)

	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DeletePasskey(ctx, "p", "v", "a") })
	update(t, s, func(tx *store.Tx) error { return tx.DeletePasskey(ctx, "p", "u", "a") })
	same(t, []store.Passkey{key("u", "b")}, list("u"), nil)
}

func testPasskeyChallenges(t *testing.T, s *store.Store) {
	ctx := t.Context()
	first := store.PasskeyChallenge{PoolID: "p", UserID: "u", ClientID: "c", Hash: [32]byte{1}, ExpiresAt: Now.Add(time.Minute)}
	second := first
	second.Hash, second.ExpiresAt = [32]byte{2}, Now.Add(time.Hour)
	put := func(c store.PasskeyChallenge) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.PutPasskeyChallenge(ctx, c) }
	}
	spend := func(c store.PasskeyChallenge) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.SpendPasskeyChallenge(ctx, c) }
	}
	update(t, s, put(first))
	update(t, s, put(second)) // takes its place
	refused(t, s, store.ErrSpent, spend(first))
	got, err := s.PasskeyChallenges(ctx, "p", "u")
	same(t, []store.PasskeyChallenge{second}, got, err)
	update(t, s, spend(second))
	refused(t, s, store.ErrSpent, spend(second))

	update(t, s, put(first))
	if _, err := s.Sweep(ctx, Now.Add(30*time.Second+store.SpentRoom), 100); err != nil {
		t.Fatal(err)
	}
	got, err = s.PasskeyChallenges(ctx, "p", "u")
	same(t, []store.PasskeyChallenge{first}, got, err)
	if _, err := s.Sweep(ctx, Now.Add(time.Minute+store.SpentRoom), 100); err != nil {
		t.Fatal(err)
	}
	got, err = s.PasskeyChallenges(ctx, "p", "u")
	same(t, []store.PasskeyChallenge(nil), got, err)
}

// testPasskeysGo: what belongs to a user goes with the user, and with the pool.
func testPasskeysGo(t *testing.T, s *store.Store) {
	ctx := t.Context()
	have := func(user string) {
		update(t, s, func(tx *store.Tx) error {
			if err := tx.InsertUser(ctx, calledUser(user), nil); err != nil {
				return err
			}
			if err := tx.InsertPasskey(ctx, store.Passkey{PoolID: "p", UserID: user, ID: "of-" + user, CreatedAt: Now}); err != nil {
				return err
			}
			return tx.PutPasskeyChallenge(ctx, store.PasskeyChallenge{PoolID: "p", UserID: user, ClientID: "c", ExpiresAt: Now.Add(time.Hour)})
		})
	}
	left := func(user string) int {
		keys, err := s.Passkeys(ctx, "p", user)
		if err != nil {
			t.Fatal(err)
		}
		challenges, err := s.PasskeyChallenges(ctx, "p", user)
		if err != nil {
			t.Fatal(err)
		}
		return len(keys) + len(challenges)
	}
	update(t, s, func(tx *store.Tx) error { return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now}) })
	have("u")
	have("v")
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	same(t, []int{0, 2}, []int{left("u"), left("v")}, nil)
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	if _, err := s.Sweep(ctx, Now, 1000); err != nil {
		t.Fatal(err)
	}
	same(t, 0, left("v"), nil)
}
