package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cognate/internal/store"
)

// testAuthEvents: events are listed from the newest on, and go with their expiry, their user and their pool.
func testAuthEvents(t *testing.T, s *store.Store) {
	ctx := t.Context()
	event := func(user string, n int, succeeded bool) store.AuthEvent {
		return store.AuthEvent{PoolID: "p", UserID: user, ID: fmt.Sprintf("%03d", n), ExpiresAt: Now.Add(time.Duration(n) * time.Minute), Succeeded: succeeded, Doc: []byte{byte(n)}}
	}
	addUsers(t, s, calledUser("u"), calledUser("v"))
	update(t, s, func(tx *store.Tx) error { return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now}) })
	insert := func(events ...store.AuthEvent) {
		t.Helper()
		for _, e := range events {
			update(t, s, func(tx *store.Tx) error { return tx.PutAuthEvent(ctx, e) })
		}
	}
	insert(event("u", 1, false), event("u", 2, true), event("u", 4, false), event("u", 3, true), event("v", 5, false), event("nobody", 6, true))
	list := func(user, before string, limit int, want ...store.AuthEvent) {
		t.Helper()
		got, err := s.AuthEvents(ctx, "p", user, before, limit)
		same(t, want, got, err)
	}
	list("u", "", 2, event("u", 4, false), event("u", 3, true))
	list("u", "003", 9, event("u", 2, true), event("u", 1, false))
	list("nobody", "", 9)
	history, last, err := s.PastSignIns(ctx, "p", "u")
	same(t, event("u", 3, true), last, err)
	same(t, store.SignInHistory{PoolID: "p", UserID: "u"}, history, err)
	_, last, err = s.PastSignIns(ctx, "p", "v")
	same(t, store.AuthEvent{PoolID: "p", UserID: "v", Succeeded: true}, last, err)

	changed := event("u", 4, true)
	changed.Doc = []byte("new")
	update(t, s, func(tx *store.Tx) error { return tx.UpdateAuthEvent(ctx, changed) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.UpdateAuthEvent(ctx, event("u", 9, true)) })
	insert(event("u", 4, false), changed)
	got, err := s.AuthEvent(ctx, "p", "u", "004")
	same(t, changed, got, err)
	_, last, err = s.PastSignIns(ctx, "p", "u")
	same(t, changed, last, err)

	for i := range 3 {
		update(t, s, func(tx *store.Tx) error {
			return tx.PutDecoyEvent(ctx, "p", 7, Now.Add(time.Duration(i)*time.Hour), []byte("x"))
		})
	}
	list("", "", 9, store.AuthEvent{PoolID: "p", ID: "7", ExpiresAt: Now.Add(2 * time.Hour), Doc: []byte("x")})

	sweep := func(at time.Time) {
		t.Helper()
		if _, err := s.Sweep(ctx, at, 1000); err != nil {
			t.Fatal(err)
		}
	}
	sweep(Now.Add(2*time.Minute + store.SpentRoom))
	list("u", "", 9, changed, event("u", 3, true))

	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	list("u", "", 9)
	sweep(Now)
	list("v", "", 9, event("v", 5, false))
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	sweep(Now)
	list("v", "", 9)
	list("", "", 9)
}

// testSignInHistories: a history is changed only as it was read, and goes with its user.
func testSignInHistories(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addUsers(t, s, calledUser("u"))
	h := store.SignInHistory{PoolID: "p", UserID: "u", Doc: []byte("1")}
	put := func(tx *store.Tx) error { return tx.PutSignInHistory(ctx, h) }
	_, err := s.SignInHistory(ctx, "p", "u")
	missing(t, 0, err)
	update(t, s, put)
	refused(t, s, store.ErrConflict, put)
	h.Version, h.Doc = 1, []byte("2")
	update(t, s, put)
	refused(t, s, store.ErrConflict, put)
	got, err := s.SignInHistory(ctx, "p", "u")
	h.Version = 2
	same(t, h, got, err)
	got, last, err := s.PastSignIns(ctx, "p", "u")
	same(t, h, got, err)
	same(t, store.AuthEvent{PoolID: "p", UserID: "u", Succeeded: true}, last, err)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	if _, err := s.SignInHistory(ctx, "p", "u"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	h.Version = 0
	refused(t, s, store.ErrConflict, put)
}

// testLogRecords: records are listed in the order of their times, and go with their user and their pool. None is added about a
// user who is gone.
func testLogRecords(t *testing.T, s *store.Store) {
	ctx := t.Context()
	addUsers(t, s, calledUser("u"))
	update(t, s, func(tx *store.Tx) error { return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now}) })
	record := func(source, user string, n int) store.LogRecord {
		return store.LogRecord{PoolID: "p", Source: source, At: Now.Add(time.Duration(n/10) * time.Millisecond), ID: fmt.Sprint(n), UserID: user, Body: []byte{byte(n)}}
	}
	put := func(list ...store.LogRecord) {
		t.Helper()
		for _, l := range list {
			update(t, s, func(tx *store.Tx) error { return tx.PutLogRecord(ctx, l) })
		}
	}
	list := func(source string, want ...store.LogRecord) {
		t.Helper()
		got, err := s.LogRecords(ctx, "p", source, 9)
		same(t, want, got, err)
	}
	put(record("a", "", 21), record("a", "u", 11), record("a", "u", 20), record("b", "u", 10), record("b", "gone", 12), record("a", "u", 11))
	list("a", record("a", "u", 11), record("a", "u", 20), record("a", "", 21))
	streams, err := s.LogStreams(ctx, store.LogStream{}, 9)
	same(t, []store.LogStream{{PoolID: "p", Source: "a", First: record("a", "", 11).At}, {PoolID: "p", Source: "b", First: record("b", "", 10).At}}, streams, err)
	streams, err = s.LogStreams(ctx, streams[0], 1)
	same(t, []store.LogStream{{PoolID: "p", Source: "b", First: record("b", "", 10).At}}, streams, err)

	at, err := s.LogRecordBeyond(ctx, "p", "a", 2)
	same(t, record("a", "", 11).At, at, err)
	_, err = s.LogRecordBeyond(ctx, "p", "a", 3)
	missing(t, 0, err)
	n, err := s.DropLogRecords(ctx, "p", "a", record("a", "", 11).At)
	same(t, 1, n, err)
	for range 2 {
		update(t, s, func(tx *store.Tx) error { return tx.DeleteLogRecord(ctx, record("a", "", 21)) })
		update(t, s, func(tx *store.Tx) error { return tx.PutLogOfNobody(ctx, "p", 7, []byte("x")) })
	}
	list("a", record("a", "u", 20))
	list(store.LogsOfNobody, store.LogRecord{PoolID: "p", Source: store.LogsOfNobody, ID: "7", Body: []byte("x")})
	of, err := s.LogRecordsOfUser(ctx, "p", "u")
	same(t, 2, len(of), err)

	update(t, s, func(tx *store.Tx) error { return tx.DeleteUser(ctx, "p", "u") })
	put(record("a", "u", 30))
	list("a")
	list("b")
	put(record("a", "", 31))
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	if _, err := s.Sweep(ctx, Now, 1000); err != nil {
		t.Fatal(err)
	}
	list("a")
	list(store.LogsOfNobody)
}
