package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/store"
)

func userSession(user, id string) store.UserSession {
	return store.UserSession{
		PoolID: "p", UserID: user, ID: id, Kind: store.SessionToken, ClientID: "c", Family: "f-" + id, TokenEpoch: 7, Tracking: 2,
		CreatedAt: Now, ActiveAt: Now, ExpiresAt: Now.Add(time.Hour), Device: "Firefox 140 / Linux", Address: "192.0.2.1",
	}
}

func userSessions(t *testing.T, s *store.Store, user string) []store.UserSession {
	t.Helper()
	list, err := s.UserSessions(t.Context(), "p", user)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b store.UserSession) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func testUserSessions(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a, b, other := userSession("u", "a"), userSession("u", "b"), userSession("v", "a")
	b.Kind, b.Family, b.Parent = store.SessionSSO, "", "sso"
	b.ExpiresAt = Now.Add(2 * time.Hour)
	addUsers(t, s, calledUser("u"), calledUser("v"))
	for _, session := range []store.UserSession{a, b, other} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertUserSession(ctx, session) })
	}
	existing(t, s, "user-session", func(tx *store.Tx) error { return tx.InsertUserSession(ctx, a) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.InsertUserSession(ctx, userSession("nobody", "a")) })
	same(t, []store.UserSession{a, b}, userSessions(t, s, "u"), nil)

	update(t, s, func(tx *store.Tx) error {
		return tx.TouchUserSession(ctx, "p", "u", "a", Now.Add(time.Minute), "Chrome 140 / Windows", "2001:db8::1")
	})
	update(t, s, func(tx *store.Tx) error { return tx.TouchUserSession(ctx, "p", "u", "none", Now, "", "") })
	a.ActiveAt, a.Device, a.Address = Now.Add(time.Minute), "Chrome 140 / Windows", "2001:db8::1"
	same(t, []store.UserSession{a, b}, userSessions(t, s, "u"), nil)
	same(t, []store.UserSession{other}, userSessions(t, s, "v"), nil)

	if _, err := s.Sweep(ctx, Now.Add(time.Hour+store.SpentRoom), 100); err != nil {
		t.Fatal(err)
	}
	same(t, []store.UserSession{b}, userSessions(t, s, "u"), nil)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUserSession(ctx, "p", "u", "b") })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUserSession(ctx, "p", "u", "b") })
	same(t, nil, userSessions(t, s, "u"), nil)
}

// testUserSessionsGo: what belongs to a user goes with the user, and with the pool.
func testUserSessionsGo(t *testing.T, s *store.Store) {
	ctx := t.Context()
	update(t, s, func(tx *store.Tx) error { return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now}) })
	have := func(i int) string {
		u := newUser("p", i)
		update(t, s, func(tx *store.Tx) error {
			if err := tx.TurnOfUserSessions(ctx, "p", u.ID); err != nil {
				return err
			}
			if err := tx.InsertUser(ctx, u, nil); err != nil {
				return err
			}
			return tx.InsertUserSession(ctx, userSession(u.ID, "a"))
		})
		return u.ID
	}
	first, second, third := have(1), have(2), have(3)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", first) })
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUserSessions(ctx, "p", second) })
	left := func() (n []int) {
		for _, user := range []string{first, second, third} {
			n = append(n, len(userSessions(t, s, user)))
		}
		return n
	}
	same(t, []int{0, 0, 1}, left(), nil)
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	if _, err := s.Sweep(ctx, Now, 1000); err != nil {
		t.Fatal(err)
	}
	same(t, []int{0, 0, 0}, left(), nil)
}

// testUserSessionRaces: who takes turns never finds the same number as somebody else did.
func testUserSessionRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	const limit = 5
	addUsers(t, s, calledUser("u"))
	errs := race(racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			if err := tx.TurnOfUserSessions(ctx, "p", "u"); err != nil {
				return err
			}
			list, err := tx.UserSessions(ctx, "p", "u")
			if err != nil || len(list) >= limit {
				return err
			}
			return tx.InsertUserSession(ctx, userSession("u", fmt.Sprint(i)))
		})
	})
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	same(t, limit, len(userSessions(t, s, "u")), nil)
}
