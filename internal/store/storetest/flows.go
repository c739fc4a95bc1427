package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cognate/internal/store"
)

func testCodes(t *testing.T, s *store.Store) {
	ctx := t.Context()
	c := store.Code{PoolID: "p", UserID: "u", Purpose: "verify", Hash: [32]byte{1}, Target: "email", Value: "x", Attempts: 2, CreatedAt: Now, ExpiresAt: Now.Add(time.Hour)}
	update(t, s, func(tx *store.Tx) error { return tx.PutCode(ctx, c) })
	got, err := s.Code(ctx, "p", "u", "verify")
	same(t, c, got, err)
	c.Hash, c.Attempts = [32]byte{2}, 0
	update(t, s, func(tx *store.Tx) error { return tx.PutCode(ctx, c) }) // replaces
	got, err = s.Code(ctx, "p", "u", "verify")
	same(t, c, got, err)
	var n int
	update(t, s, func(tx *store.Tx) (err error) { n, err = tx.MissCode(ctx, "p", "u", "verify"); return err })
	same(t, 1, n, nil)
	spend := func(hash [32]byte) (spent bool) {
		update(t, s, func(tx *store.Tx) (err error) { spent, err = tx.SpendCode(ctx, "p", "u", "verify", hash); return err })
		return spent
	}
	same(t, []bool{false, true, false}, []bool{spend([32]byte{1}), spend([32]byte{2}), spend([32]byte{2})}, nil)
	got, err = s.Code(ctx, "p", "u", "verify")
	missing(t, got, err)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { _, err := tx.MissCode(ctx, "p", "u", "verify"); return err })
	update(t, s, func(tx *store.Tx) error { return tx.PutCode(ctx, c) })
	update(t, s, func(tx *store.Tx) error { return tx.DropCode(ctx, "p", "u", "verify") })
	update(t, s, func(tx *store.Tx) error { return tx.DropCode(ctx, "p", "u", "verify") })
	got, err = s.Code(ctx, "p", "u", "verify")
	missing(t, got, err)
}

func testCounters(t *testing.T, s *store.Store) {
	ctx := t.Context()
	count := func(at time.Duration, by int) (n int, ends time.Time) {
		update(t, s, func(tx *store.Tx) (err error) {
			n, ends, err = tx.Count(ctx, "p", "u", "sms", Now.Add(at), time.Minute, by)
			return err
		})
		return n, ends
	}
	for _, row := range []struct {
		at   time.Duration
		by   int
		want int
		ends time.Duration
	}{
		{0, 1, 1, time.Minute},
		{30 * time.Second, 2, 3, time.Minute},
		{59 * time.Second, 1, 4, time.Minute},
		{time.Minute, 5, 5, 2 * time.Minute}, // a new window
	} {
		n, ends := count(row.at, row.by)
		same(t, row.want, n, nil)
		same(t, Now.Add(row.ends), ends, nil)
	}
	n, err := s.Counter(ctx, "p", "u", "sms", Now.Add(90*time.Second))
	same(t, 5, n, err)
	n, err = s.Counter(ctx, "p", "u", "sms", Now.Add(2*time.Minute))
	same(t, 0, n, err)
	update(t, s, func(tx *store.Tx) error { return tx.ResetCounter(ctx, "p", "u", "sms") })
	n, err = s.Counter(ctx, "p", "u", "sms", Now)
	same(t, 0, n, err)
}

func testLockouts(t *testing.T, s *store.Store) {
	ctx := t.Context()
	a := store.Lockout{PoolID: "p", UserID: "a", Failures: 5, LastAt: Now, LockedUntil: Now.Add(time.Second)}
	b := store.Lockout{PoolID: "p", UserID: "b", Failures: 1, LastAt: Now}
	update(t, s, func(tx *store.Tx) error { return tx.PutLockouts(ctx, []store.Lockout{a, b}) })
	a.Failures = 6
	update(t, s, func(tx *store.Tx) error { return tx.PutLockouts(ctx, []store.Lockout{a}) })
	got, err := s.Lockout(ctx, "p", "a")
	same(t, a, got, err)
	update(t, s, func(tx *store.Tx) error { return tx.ClearLockout(ctx, "p", "a") })
	got, err = s.Lockout(ctx, "p", "a")
	missing(t, got, err)
	got, err = s.Lockout(ctx, "p", "b")
	same(t, b, got, err)
}

func message(i int) store.Message {
	return store.Message{ID: fmt.Sprintf("m%02d", i), PoolID: "p", UserID: "u", Username: "alice", Medium: "EMAIL", Lane: "EMAIL", To: "alice@example.com", Body: []byte{byte(i)},
		State: store.MessageQueued, NextAt: Now, CreatedAt: Now.Add(time.Duration(i) * time.Second), ExpiresAt: Now.Add(time.Hour)}
}

func testMessages(t *testing.T, s *store.Store) {
	ctx := t.Context()
	m := []store.Message{message(0), message(1), message(2), message(3)}
	m[1].To, m[1].Username, m[1].Medium = "+15550100", "bob", "SMS"
	m[2].NextAt = Now.Add(time.Minute)
	m[1].Lane = "SMS"
	m[3].PoolID, m[3].State = "q", "inbox"
	update(t, s, func(tx *store.Tx) error {
		for _, m := range m {
			if err := tx.InsertMessage(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	existing(t, s, "message", func(tx *store.Tx) error { return tx.InsertMessage(ctx, m[0]) })
	for _, row := range []struct {
		name string
		q    store.MessageQuery
		want []store.Message
	}{
		{"pool", store.MessageQuery{PoolID: "p", Limit: 10}, []store.Message{m[2], m[1], m[0]}},
		{"limit", store.MessageQuery{PoolID: "p", Limit: 1}, []store.Message{m[2]}},
		{"username", store.MessageQuery{PoolID: "p", Username: "bob", Limit: 10}, []store.Message{m[1]}},
		{"to", store.MessageQuery{PoolID: "p", To: "alice@example.com", Limit: 10}, []store.Message{m[2], m[0]}},
		{"medium", store.MessageQuery{PoolID: "p", Medium: "SMS", Limit: 10}, []store.Message{m[1]}},
		{"all pools", store.MessageQuery{Limit: 2}, []store.Message{m[3], m[2]}},
		{"none", store.MessageQuery{PoolID: "p", To: "nobody", Limit: 10}, nil},
	} {
		got, err := s.Messages(ctx, row.q)
		t.Log(row.name)
		same(t, row.want, got, err)
	}
	claim := func(at time.Duration) (list []store.Message) {
		update(t, s, func(tx *store.Tx) (err error) {
			list = nil
			for _, lane := range store.Lanes() {
				claimed, _, err := tx.ClaimMessages(ctx, store.MessageClaim{Lane: lane, Now: Now.Add(at), Lease: time.Second, Limit: 10})
				if err != nil {
					return err
				}
				list = append(list, claimed...)
			}
			return err
		})
		return list
	}
	leased := func(m store.Message, attempts int, at time.Duration) store.Message {
		m.Attempts, m.NextAt = attempts, Now.Add(at)
		return m
	}
	same(t, []store.Message{leased(m[0], 1, time.Second), leased(m[1], 1, time.Second)}, claim(0), nil)
	same(t, nil, claim(time.Second-time.Millisecond), nil)
	update(t, s, func(tx *store.Tx) error {
		return tx.FinishMessage(ctx, "p", "m01", store.MessageSent, "", m[1].ExpiresAt)
	})
	same(t, []store.Message{leased(m[0], 2, 2*time.Second)}, claim(time.Second), nil) // the lease ran out
	update(t, s, func(tx *store.Tx) error { return tx.RetryMessage(ctx, "p", "m00", Now.Add(time.Hour), "refused") })
	same(t, []store.Message{leased(m[2], 1, time.Minute+time.Second)}, claim(time.Minute), nil)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.FinishMessage(ctx, "p", "none", "sent", "", Now) })
}

// testMessageTurns makes sure that a pool with a long queue takes no turn from another.
func testMessageTurns(t *testing.T, s *store.Store) {
	ctx := t.Context()
	update(t, s, func(tx *store.Tx) error {
		for i := range 40 {
			m := message(i)
			m.PoolID = "a"
			if err := tx.InsertMessage(ctx, m); err != nil {
				return err
			}
		}
		for i, pool := range []string{"b", "b", "c", "d"} {
			m := message(100 + i)
			m.PoolID = pool
			if pool == "d" { // waits for another attempt
				m.NextAt = Now.Add(time.Minute)
			}
			if err := tx.InsertMessage(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	last := ""
	claim := func(limit int, room func(string) int) map[string]int {
		var list []store.Message
		var turn string
		update(t, s, func(tx *store.Tx) (err error) {
			list, turn, err = tx.ClaimMessages(ctx, store.MessageClaim{
				Lane: "EMAIL", Now: Now, Lease: time.Hour, Limit: limit, AfterPool: last, RoomOfPool: room,
			})
			return err
		})
		last = turn
		counts := map[string]int{}
		for _, m := range list {
			counts[m.PoolID]++
		}
		return counts
	}
	same(t, map[string]int{"a": 1}, claim(1, nil), nil)
	same(t, map[string]int{"b": 1}, claim(1, nil), nil)
	same(t, map[string]int{"c": 1}, claim(1, nil), nil)
	same(t, map[string]int{"a": 1}, claim(1, nil), nil) // d has nothing due
	same(t, map[string]int{"a": 7, "b": 1}, claim(8, nil), nil)
	same(t, map[string]int{"a": 3}, claim(8, func(string) int { return 3 }), nil)
	same(t, map[string]int{}, claim(8, func(string) int { return 0 }), nil)
	same(t, map[string]int{"a": 28}, claim(100, nil), nil)
	n, oldest, err := s.LaneDepth(ctx, "EMAIL")
	same(t, 44, n, err) // leased ones wait as well
	same(t, message(0).CreatedAt, oldest, nil)
}

// testMessageTurnsWithManyWaiting has more pools that wait for another attempt than one claim looks at.
func testMessageTurnsWithManyWaiting(t *testing.T, s *store.Store) {
	ctx := t.Context()
	update(t, s, func(tx *store.Tx) error {
		for i := range 200 {
			m := message(i)
			m.PoolID = fmt.Sprintf("p%03d", i)
			m.NextAt = Now.Add(time.Hour)
			if i == 150 {
				m.NextAt = Now
			}
			if err := tx.InsertMessage(ctx, m); err != nil {
				return err
			}
		}
		return nil
	})
	due, err := s.MessagesDue(ctx, "EMAIL", Now)
	same(t, true, due, err)
	due, err = s.MessagesDue(ctx, "SMS", Now)
	same(t, false, due, err)
	update(t, s, func(tx *store.Tx) error {
		list, last, err := tx.ClaimMessages(ctx, store.MessageClaim{Lane: "EMAIL", Now: Now, Lease: time.Hour, Limit: 8})
		if err == nil && (len(list) != 1 || list[0].PoolID != "p150" || last != "p063") {
			t.Errorf("claimed %d after %s", len(list), last)
		}
		return err
	})
}

// testMessageHeld sets a message's text after the message was written. That works until a worker has taken the message.
func testMessageHeld(t *testing.T, s *store.Store) {
	ctx := t.Context()
	held, dropped := message(0), message(1)
	held.NextAt, dropped.NextAt = Now.Add(time.Minute), Now.Add(time.Minute)
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.InsertMessage(ctx, held), tx.InsertMessage(ctx, dropped))
	})
	claim := func(at time.Time) (list []store.Message) {
		update(t, s, func(tx *store.Tx) (err error) {
			list, _, err = tx.ClaimMessages(ctx, store.MessageClaim{Lane: "EMAIL", Now: at, Lease: time.Second, Limit: 10})
			return err
		})
		return list
	}
	same(t, 0, len(claim(Now)), nil)
	update(t, s, func(tx *store.Tx) error { return tx.ReleaseMessage(ctx, "p", "m00", []byte("text"), Now) })
	update(t, s, func(tx *store.Tx) error { return tx.DropMessage(ctx, "p", "m01") })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DropMessage(ctx, "p", "m01") })
	list := claim(Now)
	if len(list) != 1 || string(list[0].Body) != "text" {
		t.Errorf("claimed %v", list)
	}
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.ReleaseMessage(ctx, "p", "m00", nil, Now) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.DropMessage(ctx, "p", "m00") })
}

func testSingleUse(t *testing.T, s *store.Store) {
	ctx := t.Context()
	hash := [32]byte{7}
	spend := func(tx *store.Tx) error { return tx.Spend(ctx, "p", hash, Now.Add(time.Hour)) }
	spent, err := s.Spent(ctx, "p", hash)
	same(t, false, spent, err)
	update(t, s, spend)
	refused(t, s, store.ErrSpent, spend)
	spent, err = s.Spent(ctx, "p", hash)
	same(t, true, spent, err)
	update(t, s, func(tx *store.Tx) error { return tx.Spend(ctx, "q", hash, Now) })
}

func testFamilies(t *testing.T, s *store.Store) {
	ctx := t.Context()
	revoke := func(d time.Duration) {
		update(t, s, func(tx *store.Tx) error { return tx.RevokeFamily(ctx, "p", "u", "f", Now.Add(d)) })
	}
	revoke(2 * time.Hour)
	revoke(time.Hour) // an earlier end does not shorten it
	n, err := s.Sweep(ctx, Now.Add(time.Hour+store.SpentRoom), 10)
	same(t, 0, n, err)
	revoked, err := s.FamilyRevoked(ctx, "p", "f")
	same(t, true, revoked, err)
	revoked, err = s.FamilyRevoked(ctx, "p", "g")
	same(t, false, revoked, err)

	rotate := func(at time.Duration) (when time.Time, first bool) {
		update(t, s, func(tx *store.Tx) (err error) {
			when, first, err = tx.RotateOut(ctx, "p", "g", "t", Now.Add(at), Now.Add(time.Hour))
			return err
		})
		return when, first
	}
	when, first := rotate(0)
	same(t, Now, when, nil)
	same(t, true, first, nil)
	when, first = rotate(time.Minute)
	same(t, Now, when, nil)
	same(t, false, first, nil)
}

func testText(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, bad := range []string{"a\x00b", "\xff", "a\xc0\x80"} {
		u := newUser("p", 1)
		u.UsernameKey = bad
		refused(t, s, store.ErrText, func(tx *store.Tx) error { return tx.InsertUser(ctx, u, nil) })
		_, err := s.UserByUsername(ctx, "p", bad)
		missing(t, 0, err)
		_, _, err = s.LookupUser(ctx, "p", bad, bad)
		missing(t, 0, err)
		list, err := s.ListUsers(ctx, "p", store.UserQuery{Attr: "email", Op: "^=", Value: bad, Limit: 10})
		same(t, nil, list, err)
	}
	// The refusal comes before the engine sees the text: the transaction goes on.
	update(t, s, func(tx *store.Tx) error {
		if err := tx.SetMeta(ctx, "\x00", nil); err == nil {
			t.Error("a NUL was stored")
		}
		return tx.SetMeta(ctx, "fine", nil)
	})
	got, err := s.Meta(ctx, "fine")
	same(t, nil, got, err)
}
