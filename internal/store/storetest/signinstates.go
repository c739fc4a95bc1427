package storetest

import (
	"errors"
	"testing"
	"time"

	"cognate/internal/store"
)

// testSignInStates: states are read by their whole key, counted while they last,
// and go with their expiry, their user and their pool.
func testSignInStates(t *testing.T, s *store.Store) {
	ctx := t.Context()
	state := func(user string, n byte) store.SignInState {
		return store.SignInState{PoolID: "p", UserID: user, Hash: [32]byte{n}, Sealed: []byte{n, 0}, ExpiresAt: Now.Add(time.Duration(n) * time.Minute)}
	}
	update(t, s, func(tx *store.Tx) error {
		for _, user := range []string{"u", "v"} {
			u := store.User{PoolID: "p", ID: user, Username: user, UsernameKey: user, Status: "CONFIRMED", CreatedAt: Now, Profile: []byte("{}")}
			if err := tx.InsertUser(ctx, u, nil); err != nil {
				return err
			}
		}
		return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now})
	})
	for _, st := range []store.SignInState{state("u", 1), state("u", 2), state("v", 3), state("v", 4)} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertSignInState(ctx, st) })
	}
	got, err := s.SignInState(ctx, "p", "u", [32]byte{2})
	same(t, state("u", 2), got, err)
	count := func(user string, want int) {
		t.Helper()
		n, err := s.CountSignInStates(ctx, "p", user, Now.Add(time.Minute))
		same(t, want, n, err)
	}
	gone := func(user string, n byte) {
		t.Helper()
		if _, err := s.SignInState(ctx, "p", user, [32]byte{n}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s %d: %v", user, n, err)
		}
	}
	count("u", 1)
	gone("v", 2)
	if _, err := s.Sweep(ctx, Now.Add(time.Minute+store.SpentRoom), 100); err != nil {
		t.Fatal(err)
	}
	gone("u", 1)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteSignInState(ctx, "p", "v", [32]byte{3}) })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteSignInState(ctx, "p", "v", [32]byte{3}) })
	count("v", 1)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	gone("u", 2)
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	if _, err := s.Sweep(ctx, Now, 1000); err != nil {
		t.Fatal(err)
	}
	gone("v", 4)
}
