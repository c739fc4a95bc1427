package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/store"
)

var errOwn = errors.New("the closure's own error")

func testRollback(t *testing.T, s *store.Store) {
	ctx := t.Context()
	refused(t, s, errOwn, func(tx *store.Tx) error {
		if err := tx.SetMeta(ctx, "x", []byte("1")); err != nil {
			return err
		}
		if _, err := tx.Meta(ctx, "x"); err != nil {
			t.Errorf("a transaction does not see its own write: %v", err)
		}
		return errOwn
	})
	_, err := s.Meta(ctx, "x")
	missing(t, 0, err)
}

func testCommitWith(t *testing.T, s *store.Store) {
	ctx := t.Context()
	first := true
	err := s.Update(ctx, func(tx *store.Tx) error {
		if err := tx.SetMeta(ctx, "x", []byte("1")); err != nil {
			return err
		}
		return fmt.Errorf("closure: %w", store.CommitWith(errOwn))
	})
	if err != errOwn || store.Commits(err) || !store.Commits(store.CommitWith(err)) { //nolint:errorlint // the answer itself
		t.Errorf("Update returned %v", err)
	}
	got, err := s.Meta(ctx, "x")
	same(t, "1", string(got), err)
	// The answer of a run that is done over is forgotten.
	err = s.Update(ctx, func(*store.Tx) error {
		if first {
			first = false
			return fmt.Errorf("%w, and another came between: %w", errOwn, store.ErrConflict)
		}
		return nil
	}, store.Retry)
	if err != nil {
		t.Errorf("Update returned %v", err)
	}
}

// testRetry loses a compare-and-set: the transaction runs again with Retry, and not without it.
func testRetry(t *testing.T, s *store.Store) {
	ctx := t.Context()
	u := newUser("p", 1)
	addUsers(t, s, u)
	runs := 0
	change := func(tx *store.Tx) error {
		read, err := tx.User(ctx, "p", u.ID)
		if err != nil {
			return err
		}
		if runs++; runs < 3 {
			read.Version--
		}
		return tx.UpdateUser(ctx, read)
	}
	refused(t, s, store.ErrConflict, change)
	if err := s.Update(ctx, change, store.Retry); err != nil || runs < 3 {
		t.Errorf("Update returned %v after %d runs", err, runs)
	}
	gone, cancel := context.WithCancel(ctx)
	err := store.Again(gone, func() error { cancel(); return store.ErrConflict })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Again returned %v after the context's end", err)
	}
	runs = 0
	err = store.Again(ctx, func() error { runs++; return store.ErrConflict })
	if !errors.Is(err, store.ErrConflict) || runs < 2 {
		t.Errorf("Again returned %v after %d runs", err, runs)
	}
}

// testNeighbours runs good and failing transactions at once, which share commits on SQLite.
func testNeighbours(t *testing.T, s *store.Store) {
	ctx := t.Context()
	errs := race(4*racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			if err := tx.SetMeta(ctx, fmt.Sprint("m", i), []byte("1")); err != nil {
				return err
			}
			if i%3 == 0 {
				return errOwn
			}
			return nil
		})
	})
	for i, err := range errs {
		_, read := s.Meta(ctx, fmt.Sprint("m", i))
		if i%3 == 0 && (!errors.Is(err, errOwn) || !errors.Is(read, store.ErrNotFound)) || i%3 != 0 && (err != nil || read != nil) {
			t.Errorf("%d: update %v, read %v", i, err, read)
		}
	}
}

func testCancelled(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(context.WithoutCancel(ctx), "x", nil) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update answered %v", err)
	}
	_, err = s.Meta(t.Context(), "x")
	missing(t, 0, err)
	if _, err := s.Meta(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("Meta answered %v", err)
	}
	if err := s.View(ctx, func(*store.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View answered %v", err)
	}
}

func testPanic(t *testing.T, s *store.Store) {
	ctx := t.Context()
	errs := race(racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			if err := tx.SetMeta(ctx, fmt.Sprint("m", i), nil); err != nil {
				return err
			}
			if i == 7 {
				panic("oops")
			}
			return nil
		})
	})
	for i, err := range errs {
		if i == 7 && (err == nil || !strings.Contains(err.Error(), "oops")) || i != 7 && err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	_, err := s.Meta(ctx, "m7")
	missing(t, 0, err)
	if err := s.View(ctx, func(*store.Reader) error { panic("oops") }); err == nil {
		t.Error("View hid a panic")
	}
	if _, err := s.Meta(ctx, "m8"); err != nil {
		t.Error(err)
	}
}

func testInsertRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	t.Run("username", func(t *testing.T) {
		oneWinner(t, race(racers, func(i int) error {
			u := newUser("p", i)
			u.UsernameKey = "same"
			return insertUser(ctx, s, u)
		}), store.ErrExists)
	})
	t.Run("name", func(t *testing.T) {
		oneWinner(t, race(racers, func(i int) error {
			return insertUser(ctx, s, newUser("q", i), store.Name{Kind: store.NameEmail, Value: "same"})
		}), store.ErrExists)
	})
	t.Run("domain", func(t *testing.T) {
		oneWinner(t, race(racers, func(i int) error {
			return s.Update(ctx, func(tx *store.Tx) error {
				return tx.InsertDomain(ctx, store.Domain{PoolID: fmt.Sprint(i), Domain: "same"})
			})
		}), store.ErrExists)
	})
}

func testNameRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for i := range racers {
		addUsers(t, s, newUser("p", i))
	}
	name := store.Name{Kind: store.NameEmail, Value: "same"}
	oneWinner(t, race(racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error { return tx.PutName(ctx, "p", userID(i), name) })
	}), store.ErrExists)
	for i, err := range race(8, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error { _, err := tx.TakeName(ctx, "p", userID(i), name); return err })
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	owners := 0
	for i := range racers {
		names, err := s.NamesOf(ctx, "p", userID(i))
		if err != nil {
			t.Fatal(err)
		}
		owners += len(names)
	}
	same(t, 1, owners, nil)
}

func testUpdateRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	u := newUser("p", 1)
	addUsers(t, s, u)
	oneWinner(t, race(racers, func(i int) error {
		changed := u
		changed.Profile = []byte(fmt.Sprint(i))
		return s.Update(ctx, func(tx *store.Tx) error { return tx.UpdateUser(ctx, changed) })
	}), store.ErrConflict)
	// Read and write in one transaction loses nothing.
	for i, err := range race(8, func(int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			u, err := tx.User(ctx, "p", u.ID)
			if err != nil {
				return err
			}
			return tx.UpdateUser(ctx, u)
		})
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	got, err := s.User(ctx, "p", u.ID)
	same(t, 10, got.Version, err)
}

func testCounterRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for i, err := range race(8, func(int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			_, _, err := tx.Count(ctx, "p", "u", "x", Now, time.Hour, 1)
			return err
		})
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	n, err := s.Counter(ctx, "p", "u", "x", Now)
	same(t, 8, n, err)
}

// testHotRow: however many change one row all the time, each gets its turn.
func testHotRow(t *testing.T, s *store.Store) {
	ctx := t.Context()
	const each = 12
	for i, err := range race(racers, func(int) error {
		for range each {
			if err := s.Update(ctx, func(tx *store.Tx) error {
				if err := tx.TurnOfUserSessions(ctx, "p", "u"); err != nil {
					return err
				}
				_, _, err := tx.Count(ctx, "p", "u", "x", Now, time.Hour, 1)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	n, err := s.Counter(ctx, "p", "u", "x", Now)
	same(t, racers*each, n, err)
}

func testSpendRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	hash := [32]byte{1}
	update(t, s, func(tx *store.Tx) error {
		return tx.PutCode(ctx, store.Code{PoolID: "p", UserID: "u", Purpose: "x", Hash: hash, ExpiresAt: Now})
	})
	oneWinner(t, race(racers, func(int) error {
		return s.Update(ctx, func(tx *store.Tx) error { return tx.Spend(ctx, "p", hash, Now) })
	}), store.ErrSpent)
	oneWinner(t, race(racers, func(int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			spent, err := tx.SpendCode(ctx, "p", "u", "x", hash)
			if err == nil && !spent {
				err = store.ErrSpent
			}
			return err
		})
	}), store.ErrSpent)
}

func testRotateRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	oneWinner(t, race(racers, func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			_, first, err := tx.RotateOut(ctx, "p", "f", "t", Now.Add(time.Duration(i)), Now)
			if err == nil && !first {
				err = store.ErrSpent
			}
			return err
		})
	}), store.ErrSpent)
}

func testClaimRaces(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for i := range racers {
		update(t, s, func(tx *store.Tx) error { return tx.InsertMessage(ctx, message(i)) })
	}
	claimed := make([][]store.Message, 8)
	for i, err := range race(len(claimed), func(i int) error {
		return s.Update(ctx, func(tx *store.Tx) (err error) {
			claimed[i], _, err = tx.ClaimMessages(ctx, store.MessageClaim{Lane: "EMAIL", Now: Now, Lease: time.Hour, Limit: racers})
			return err
		})
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	seen := map[string]int{}
	for _, list := range claimed {
		for _, m := range list {
			seen[m.ID]++
		}
	}
	for i := range racers {
		if id := message(i).ID; seen[id] != 1 {
			t.Errorf("%s was claimed %d times", id, seen[id])
		}
	}
}

// testSnapshot writes pairs that agree, and reads them.
func testSnapshot(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var rounds atomic.Int64
	write := func() error {
		n := []byte(fmt.Sprint(rounds.Add(1)))
		return s.Update(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.SetMeta(ctx, "a", n), tx.SetMeta(ctx, "b", n))
		})
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			_ = write()
		}
	}()
	for range 200 {
		err := s.View(ctx, func(r *store.Reader) error {
			a, err := r.Meta(ctx, "a")
			if err != nil {
				return err
			}
			b, err := r.Meta(ctx, "b")
			if err == nil && string(a) != string(b) {
				err = fmt.Errorf("a is of round %s, b of %s", a, b)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-stopped
}
