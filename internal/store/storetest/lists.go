package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/store"
)

// walk reads a query to its end in pages and answers what pick makes of each user.
func walk(t *testing.T, s *store.Store, q store.UserQuery, pick func(store.User) string) (list []string) {
	t.Helper()
	for range 1000 {
		page, err := s.ListUsers(t.Context(), "p", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page {
			list = append(list, pick(u))
		}
		if len(page) < q.Limit {
			return list
		}
		// As it travels in a page token.
		if q.After, err = store.ParseUserCursor(q.Cursor(page[len(page)-1]).Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the list has no end")
	return nil
}

func testCollation(t *testing.T, s *store.Store) {
	words := []string{"", " ", "A", "Z", "Za", "a", "aa", "a-b", "a b", "ab", "é", "e\u0301", "z", "zz", "ÿ", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff",
		"\U00010000", "😀", "😀😀", "\U0010ffff", "\U0010ffff\U0010ffff", "_", "%", "a%", "a_b", "'", `"`, `\`}
	var users []store.User
	for i, w := range words {
		u := newUser("p", i)
		u.Name, u.UsernameKey = new(w), "k"+w
		users = append(users, u)
	}
	users = append(users, newUser("p", len(words))) // has no name
	addUsers(t, s, users...)
	sorted := slices.Sorted(slices.Values(words))
	name := func(u store.User) string { return *u.Name }
	for _, limit := range []int{1, 3, 100} {
		got := walk(t, s, store.UserQuery{Attr: "name", Op: "^=", Limit: limit}, name)
		same(t, sorted, got, nil)
	}
	for _, w := range append(words, "b", "zzz", "😁") {
		var want []string
		for _, v := range sorted {
			if strings.HasPrefix(v, w) {
				want = append(want, v)
			}
		}
		got := walk(t, s, store.UserQuery{Attr: "name", Op: "^=", Value: w, Limit: 2}, name)
		same(t, want, got, nil)
		got = walk(t, s, store.UserQuery{Attr: "username", Op: "^=", Value: "k" + w, Limit: 2}, func(u store.User) string { return u.UsernameKey[1:] })
		same(t, want, got, nil)
	}
}

func testFilters(t *testing.T, s *store.Store) {
	var users []store.User
	statuses := []string{"CONFIRMED", "UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "CONFIRMED"}
	for i := range 40 {
		u := newUser("p", i)
		u.Status, u.Enabled = statuses[i%4], i%5 != 0
		u.CreatedAt = Now.Add(time.Duration(i*7%4) * time.Second)
		if i%3 == 0 {
			u.Email, u.FamilyName = new(fmt.Sprintf("%d@example.com", i%2)), new("Smith")
		}
		users = append(users, u)
	}
	addUsers(t, s, users...)
	other := newUser("other", 1)
	other.Email, other.FamilyName = new("0@example.com"), new("Smith")
	addUsers(t, s, other)
	state := func(u store.User) string { return u.Status + u.CreatedAt.String() }
	for _, row := range []struct {
		attr, op, value string
		fold            bool
		match           func(u store.User) bool
		order           func(u store.User) string
	}{
		{"", "", "", false, func(store.User) bool { return true }, nil},
		{"sub", "=", userID(7), false, func(u store.User) bool { return u.ID == userID(7) }, nil},
		{"sub", "=", userID(99), false, func(store.User) bool { return false }, nil},
		{"sub", "^=", "0000001", false, func(u store.User) bool { return strings.HasPrefix(u.ID, "0000001") }, nil},
		{"sub", "^=", "", false, func(store.User) bool { return true }, nil},
		{"username", "=", "user7", false, func(u store.User) bool { return u.UsernameKey == "user7" }, nil},
		{"username", "=", "User7", false, func(store.User) bool { return false }, nil},
		{"username", "^=", "USER1", true, func(u store.User) bool { return strings.HasPrefix(u.UsernameKey, "user1") }, func(u store.User) string { return u.UsernameKey }},
		{"email", "=", "0@example.com", false, func(u store.User) bool { return u.Email != nil && *u.Email == "0@example.com" }, nil},
		{"email", "^=", "", false, func(u store.User) bool { return u.Email != nil }, func(u store.User) string { return *u.Email }},
		{"email", "^=", "1@", false, func(u store.User) bool { return u.Email != nil && *u.Email == "1@example.com" }, nil},
		{"family_name", "=", "smith", false, func(store.User) bool { return false }, nil},
		{"family_name", "^=", "Smi", false, func(u store.User) bool { return u.FamilyName != nil }, nil},
		{"cognito:user_status", "=", "confirmed", true, func(u store.User) bool { return u.Status == "CONFIRMED" }, state},
		{"cognito:user_status", "=", "confirmed", false, func(store.User) bool { return false }, nil},
		{"cognito:user_status", "^=", "", true, func(store.User) bool { return true }, state},
		{"cognito:user_status", "^=", "un", true, func(u store.User) bool { return u.Status == "UNCONFIRMED" }, state},
		{"status", "=", "Enabled", false, func(u store.User) bool { return u.Enabled }, state},
		{"status", "=", "Disabled", false, func(u store.User) bool { return !u.Enabled }, state},
		{"status", "=", "enabled", false, func(store.User) bool { return false }, nil},
		{"status", "^=", "", false, func(store.User) bool { return true }, func(u store.User) string { return fmt.Sprint(u.Enabled, state(u)) }},
		{"status", "^=", "En", false, func(u store.User) bool { return u.Enabled }, state},
	} {
		t.Run(fmt.Sprint(row.attr, row.op, row.value, row.fold), func(t *testing.T) {
			var match []store.User
			for _, u := range users {
				if row.match(u) {
					match = append(match, u)
				}
			}
			slices.SortFunc(match, func(a, b store.User) int {
				if row.order != nil && row.order(a) != row.order(b) {
					return strings.Compare(row.order(a), row.order(b))
				}
				return strings.Compare(a.ID, b.ID)
			})
			var want []string
			for _, u := range match {
				want = append(want, u.ID)
			}
			for _, limit := range []int{1, 3, 60} {
				q := store.UserQuery{Attr: row.attr, Op: row.op, Value: row.value, FoldCase: row.fold, Limit: limit}
				same(t, want, walk(t, s, q, func(u store.User) string { return u.ID }), nil)
			}
		})
	}
	for _, q := range []store.UserQuery{{Attr: "custom:x", Op: "="}, {Attr: "email", Op: "<"}, {Attr: "email", Op: "=", FoldCase: true}} {
		if _, err := s.ListUsers(t.Context(), "p", q); !errors.Is(err, store.ErrFilter) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// testPagingUnderInserts reads pages while others sign up and leave: who was there all the time is seen exactly once.
func testPagingUnderInserts(t *testing.T, s *store.Store) {
	var stay []store.User
	for i := range 60 {
		u := newUser("p", i*10)
		u.Name = new(fmt.Sprintf("%03d", 600-i*10))
		stay = append(stay, u)
	}
	addUsers(t, s, stay...)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() {
		for i := 0; ; i++ {
			u := newUser("p", i%600/10*10+1+i%9)
			u.Name = new(fmt.Sprintf("%03d", i*7%600))
			u.UsernameKey = fmt.Sprint("guest", i)
			err := s.Update(ctx, func(tx *store.Tx) error {
				if err := tx.InsertUser(ctx, u, nil); !errors.Is(err, store.ErrExists) {
					return err
				}
				return tx.DeleteUser(ctx, u.PoolID, u.ID)
			})
			if ctx.Err() != nil {
				err = nil
			}
			if err != nil || ctx.Err() != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 5 {
		for _, q := range []store.UserQuery{{Limit: 7}, {Attr: "name", Op: "^=", Limit: 7}, {Attr: "status", Op: "=", Value: "Enabled", Limit: 7}} {
			seen := map[string]int{}
			for _, id := range walk(t, s, q, func(u store.User) string { return u.ID }) {
				seen[id]++
			}
			for _, u := range stay {
				if seen[u.ID] != 1 {
					t.Errorf("%s: user %s was seen %d times", q.Attr, u.ID, seen[u.ID])
				}
			}
		}
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// manyUsers returns users with random-looking ids, spread as random ones are.
func manyUsers(pool string, n int) func(yield func(store.LoadUser) bool) {
	return func(yield func(store.LoadUser) bool) {
		x := uint64(1)
		for i := range n {
			u := newUser(pool, i)
			x = x*6364136223846793005 + 1442695040888963407
			u.ID = fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(x>>32), uint16(x>>16), i)
			u.Email = new(fmt.Sprintf("user%d@example.com", i))
			if !yield(store.LoadUser{User: u, Names: []store.Name{{Kind: store.NameEmail, Value: *u.Email}}}) {
				return
			}
		}
	}
}

func testEstimate(t *testing.T, s *store.Store) {
	ctx := t.Context()
	n, err := s.EstimateUsers(ctx, "p")
	same(t, 0, n, err)
	for _, want := range []int64{1, 50, 6000} {
		pool := fmt.Sprint("p", want)
		if _, err := s.BulkUsers(ctx, manyUsers(pool, int(want))); err != nil {
			t.Fatal(err)
		}
		n, err := s.EstimateUsers(ctx, pool)
		if err != nil || want < 2048 && n != want || n < want*90/100 || n > want*110/100 {
			t.Errorf("estimate of %d: %d, %v", want, n, err)
		}
	}
}

func testBulk(t *testing.T, s *store.Store) {
	ctx := t.Context()
	n, err := s.BulkUsers(ctx, manyUsers("p", 2500))
	same(t, 2500, n, err)
	u, kind, err := s.LookupUser(ctx, "p", "none", "user2400@example.com")
	if err != nil || kind != store.NameEmail || u.UsernameKey != "user2400" || string(u.Profile) != `{"a":1}` || u.Version != 1 || !u.Enabled {
		t.Errorf("%+v %q %v", u, kind, err)
	}
	flatLookups(t, s, u)
	// A taken key ends it, and nothing of its batch is stored.
	taken := newUser("p", 9_000_000)
	taken.UsernameKey = "user7"
	n, err = s.BulkUsers(ctx, func(yield func(store.LoadUser) bool) {
		_ = yield(store.LoadUser{User: newUser("p", 9_000_001)}) && yield(store.LoadUser{User: taken})
	})
	if n != 0 || !errors.Is(err, store.ErrExists) {
		t.Errorf("%d stored, %v", n, err)
	}
	_, err = s.User(ctx, "p", userID(9_000_001))
	missing(t, 0, err)
}

// flatLookups compares the statements that look for a name and may read the next user:
// none of them reads more of a large pool than the plain look-up does. A plan does not
// show that: SQLite walks a pool whose every row a constant condition refuses. The fastest
// of many runs counts, which other work of the machine does not change.
func flatLookups(t *testing.T, s *store.Store, u store.User) {
	t.Helper()
	ctx := t.Context()
	ignoreNotFound := func(err error) error { // for names that nobody has
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	}
	fastest := func(lookup func() error) time.Duration {
		best := time.Hour
		for range 50 {
			begin := time.Now()
			if err := lookup(); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(begin))
		}
		return best
	}
	plain := fastest(func() error { _, _, err := s.LookupUser(ctx, "p", u.UsernameKey, "no@example.com"); return err })
	for name, lookup := range map[string]func() error{
		"a username":          func() error { _, err := s.LookupUserOrNext(ctx, "p", u.UsernameKey, "", ""); return err },
		"a username or alias": func() error { _, err := s.LookupUserOrNext(ctx, "p", u.UsernameKey, "no@example.com", ""); return err },
		"a name of nobody": func() error {
			_, err := s.LookupUserOrNext(ctx, "p", "no", "no@example.com", "")
			return ignoreNotFound(err)
		},
	} {
		if took := fastest(lookup); took > 8*plain {
			t.Errorf("%s: %s, a plain look-up takes %s", name, took, plain)
		}
	}
}

func testDeletePool(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, pool := range []string{"p", "q"} {
		update(t, s, func(tx *store.Tx) error {
			return errors.Join(
				tx.InsertPool(ctx, store.Pool{ID: pool}),
				tx.InsertClient(ctx, store.Client{PoolID: pool, ID: pool + "-client"}),
				tx.InsertDomain(ctx, store.Domain{PoolID: pool, Domain: pool + "-domain"}),
				tx.InsertItem(ctx, store.Item{PoolID: pool, Kind: store.KindGroup, Key: "g"}),
				tx.InsertLoginImage(ctx, store.LoginImage{PoolID: pool, Owner: "ALL", ID: "i", Content: []byte{1}}),
				tx.InsertUser(ctx, newUser(pool, 1), nil),
				tx.InsertUser(ctx, newUser(pool, 2), nil),
				tx.AddMember(ctx, pool, "g", userID(1)),
				tx.InsertSigningKey(ctx, store.SigningKey{PoolID: pool, KID: "k"}),
				tx.PutCode(ctx, store.Code{PoolID: pool, UserID: userID(1), ExpiresAt: Now.Add(48 * time.Hour)}),
			)
		})
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	_, err := s.Pool(ctx, "p")
	missing(t, 0, err)
	_, err = s.ClientByID(ctx, "p-client")
	missing(t, 0, err)
	_, err = s.Domain(ctx, "p-domain")
	missing(t, 0, err)
	update(t, s, func(tx *store.Tx) error { return tx.InsertDomain(ctx, store.Domain{PoolID: "q", Domain: "p-domain"}) })
	swept := 0
	for range 100 { // batches of two rows
		n, err := s.Sweep(ctx, Now, 2)
		if err != nil || n > 2 {
			t.Fatal(n, err)
		}
		if swept += n; n < 2 {
			break
		}
	}
	same(t, 7, swept, nil)
	if n, err := s.EstimateUsers(ctx, "p"); n != 0 || err != nil {
		t.Errorf("%d users left, %v", n, err)
	}
	// A request that was under way writes into the deleted pool: a later sweep finds it.
	addUsers(t, s, newUser("p", 3))
	n, err := s.Sweep(ctx, Now.Add(2*time.Hour), 100)
	same(t, 1, n, err)
	n, err = s.Sweep(ctx, Now.Add(2*time.Hour), 100)
	same(t, 0, n, err)
	if _, err := s.Pool(ctx, "q"); err != nil {
		t.Error(err)
	}
	if n, err := s.EstimateUsers(ctx, "q"); n != 2 || err != nil {
		t.Errorf("%d users in the other pool, %v", n, err)
	}
}

// testEachPool: a pool that fails does not keep the others from their turn, and a database that has gone ends it.
func testEachPool(t *testing.T, s *store.Store) {
	ctx := t.Context()
	update(t, s, func(tx *store.Tx) error {
		for i := range 120 { // more than a page
			if err := tx.InsertPool(ctx, store.Pool{ID: fmt.Sprintf("p%03d", i), Region: "r", CreatedAt: Now}); err != nil {
				return err
			}
		}
		return nil
	})
	broken := errors.New("broken")
	for _, row := range []struct {
		fails error
		seen  int
	}{{nil, 120}, {broken, 120}, {store.ErrUnavailable, 3}, {context.Canceled, 3}} {
		seen := 0
		err := s.EachPool(ctx, func(id string) error {
			seen++
			if id == "p002" {
				return row.fails
			}
			return nil
		})
		if seen != row.seen || !errors.Is(err, row.fails) {
			t.Errorf("%v: %d pools, %v", row.fails, seen, err)
		}
	}
}

func testSweep(t *testing.T, s *store.Store) {
	ctx := t.Context()
	rows := func(tx *store.Tx, id string, expires time.Time) error {
		m := message(0)
		m.ID, m.ExpiresAt, m.State = id, expires, store.MessageSent
		_, _, countErr := tx.Count(ctx, "p", id, "x", expires.Add(-time.Minute), time.Minute, 1)
		_, _, rotateErr := tx.RotateOut(ctx, "p", "f", id, Now, expires)
		return errors.Join(countErr, rotateErr,
			tx.PutCode(ctx, store.Code{PoolID: "p", UserID: id, Purpose: "x", ExpiresAt: expires}),
			tx.Spend(ctx, "p", [32]byte{id[0]}, expires),
			tx.RevokeFamily(ctx, "p", "u", id, expires),
			tx.InsertMessage(ctx, m),
		)
	}
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(rows(tx, "a", Now), rows(tx, "b", Now.Add(time.Millisecond)),
			tx.PutLockouts(ctx, []store.Lockout{{PoolID: "p", UserID: "a", LastAt: Now.Add(-25 * time.Hour)}, {PoolID: "p", UserID: "b", LastAt: Now}}))
	})
	over := Now.Add(store.SpentRoom)
	n, err := s.Sweep(ctx, over, 1000)
	same(t, 7, n, err)
	n, err = s.Sweep(ctx, over, 1000)
	same(t, 0, n, err)
	_, err = s.Code(ctx, "p", "b", "x")
	same(t, 0, 0, err)
	_, err = s.Lockout(ctx, "p", "b")
	same(t, 0, 0, err)
	_, err = s.Lockout(ctx, "p", "a")
	missing(t, 0, err)
	n, err = s.Sweep(ctx, over.Add(time.Millisecond), 1000)
	same(t, 6, n, err)
}
