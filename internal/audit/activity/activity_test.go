package activity

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/fresh"
)

const pool = "us-east-1_AbCdEf123"

type rig struct {
	*fresh.Clock
	store *store.Store
}

func (r *rig) node() *Service { return New(Deps{Store: r.store, Now: r.Now}) }

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC))
	return &rig{c, fresh.Store(t, o, c.Now)}
}

// users inserts users with these ids.
func (r *rig) users(t testing.TB, ids ...string) {
	t.Helper()
	err := r.store.Update(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			u := store.User{PoolID: pool, ID: id, Username: id, UsernameKey: id, Status: "CONFIRMED", Enabled: true, CreatedAt: r.Now(), ModifiedAt: r.Now()}
			if err := tx.InsertUser(t.Context(), u, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// does is a successful request of a user.
func does(s *Service, operation, user, client string, note ...func(*audit.Event)) {
	request := &api.Request{Service: "cognito-idp", Operation: operation}
	_, e := audit.With(api.WithRequest(context.Background(), request))
	e.SetClient(pool, client)
	e.SetUser(user)
	for _, f := range note {
		f(e)
	}
	facts := e.Facts()
	s.Observe(request, &facts)
}

func flush(t *testing.T, nodes ...*Service) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// want compares the counts of a month with "all/federated".
func (r *rig) want(t *testing.T, month store.Month, client, want string) {
	t.Helper()
	c, err := r.store.ActiveUsers(t.Context(), pool, month, client)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%d/%d", c.Users, c.Federated); got != want {
		t.Errorf("%d, client %q: %s, want %s", month, client, got, want)
	}
}

// TestCountedOnce: a user counts once in a month, on whichever server, and once by each
// app client.
func TestCountedOnce(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		r := newRig(t, o)
		r.users(t, "alice", "bob")
		a, b := r.node(), r.node()
		for range 3 {
			for _, n := range []*Service{a, b} {
				does(n, "GetUser", "alice", "one")
				does(n, "ChangePassword", "bob", "one")
			}
			does(b, "UpdateUserAttributes", "alice", "two")
			flush(t, a, b)
		}
		r.want(t, 202611, "", "2/0")
		r.want(t, 202611, "one", "2/0")
		r.want(t, 202611, "two", "1/0")
		r.want(t, 202612, "", "0/0")
		does(a, "GetUser", "alice", "one") // known to the filter: nothing is gathered
		if n, _ := a.Waiting(); n != 0 {
			t.Errorf("%d entries wait", n)
		}
		// A server that starts again asks the store.
		n := r.node()
		does(n, "GetUser", "alice", "one")
		if waiting, _ := n.Waiting(); waiting != 2 {
			t.Errorf("%d entries wait, want 2", waiting)
		}
		flush(t, n)
		r.want(t, 202611, "", "2/0")
	})
}

// TestMonths: in a new month everybody is counted again, by the time of the activity and not
// of the flush.
func TestMonths(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		r := newRig(t, o)
		r.users(t, "alice", "bob")
		n := r.node()
		does(n, "GetUser", "alice", "one")
		r.Pass(2 * time.Minute)
		does(n, "GetUser", "alice", "one")
		does(n, "GetUser", "bob", "one")
		flush(t, n)
		r.want(t, 202611, "", "1/0")
		r.want(t, 202612, "", "2/0")
		// The rows of a past month go, and its counts stay.
		r.Pass(10 * 24 * time.Hour)
		for {
			deleted, err := r.store.Sweep(t.Context(), r.Now(), 100)
			if err != nil {
				t.Fatal(err)
			}
			if deleted == 0 {
				break
			}
		}
		r.want(t, 202611, "", "1/0")
		// What is gathered for a month without rows must not be counted twice.
		n.gathered[entry{pool: pool, user: "alice", month: 202611}] = false
		does(n, "GetUser", "alice", "one")
		flush(t, n)
		r.want(t, 202611, "", "1/0")
		r.want(t, 202612, "", "2/0")
	})
}

// TestFederated: users of SAML and OpenID Connect providers are counted separately, also
// those who are known in the month already.
func TestFederated(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		r := newRig(t, o)
		r.users(t, "alice")
		err := r.store.Update(t.Context(), func(tx *store.Tx) error {
			for id, name := range map[string]string{"carol": "Corp_carol", "dan": "Google_dan", "eve": "SignInWithApple_eve"} {
				u := store.User{PoolID: pool, ID: id, Username: name, UsernameKey: name, Status: "EXTERNAL_PROVIDER", Enabled: true, CreatedAt: r.Now(), ModifiedAt: r.Now()}
				if err := tx.InsertUser(t.Context(), u, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		n := r.node()
		for _, user := range []string{"alice", "carol", "dan", "eve"} {
			does(n, "GetUser", user, "one")
		}
		flush(t, n)
		r.want(t, 202611, "", "4/1")
		does(n, "GetUser", "alice", "one", (*audit.Event).SetFederated) // a linked user
		flush(t, n)
		does(r.node(), "GetUser", "alice", "one", (*audit.Event).SetFederated)
		flush(t, n)
		r.want(t, 202611, "", "4/2")
		r.want(t, 202611, "one", "4/2")
	})
}

// TestDeletedUser: a deletion is an activity, the row with the user's id goes, and what
// another server has gathered does not count the user again.
func TestDeletedUser(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		r := newRig(t, o)
		r.users(t, "alice", "bob")
		a, b := r.node(), r.node()
		does(a, "GetUser", "alice", "one")
		flush(t, a)
		does(b, "GetUser", "alice", "one")
		does(b, "GetUser", "bob", "one")
		for _, user := range []string{"alice", "bob"} {
			if err := r.store.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), pool, user) }, store.Retry); err != nil {
				t.Fatal(err)
			}
		}
		flush(t, b)
		r.want(t, 202611, "", "2/0")
		r.want(t, 202611, "one", "1/0")
	})
}

// TestDeletedMeanwhile: a user who is deleted while a server counts the user is counted once,
// and no row stays, whichever of the two transactions commits first.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	fresh.Overlapping(t, func(t *testing.T, o store.Options, i storetest.Interleaving) {
		r := newRig(t, o)
		r.users(t, "alice", "bob")
		counted := 0
		for _, user := range []string{"alice", "bob"} {
			count := func(ctx context.Context) error {
				s := r.node()
				does(s, "GetUser", user, "")
				return s.Flush(ctx)
			}
			remove := func(ctx context.Context) error {
				return r.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteUser(ctx, pool, user) }, store.Retry)
			}
			later, earlier := count, remove
			if user == "bob" {
				later, earlier = remove, count
			}
			if a, b := i.Run(t, 1, later, earlier); a != nil || b != nil {
				t.Fatal(a, b)
			}
			counted++
			r.want(t, 202611, "", fmt.Sprintf("%d/0", counted))
			// A row that stayed would keep a user of this id from being counted.
			r.users(t, user)
			if err := count(t.Context()); err != nil {
				t.Fatal(err)
			}
			counted++
			r.want(t, 202611, "", fmt.Sprintf("%d/0", counted))
		}
	})
}

// TestWhatCounts: refusals, users who do not exist, first steps of a sign-in and lists make
// nobody active.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	for _, tt := range []struct {
		name, operation, user string
		note                  func(*audit.Event)
		counts                bool
	}{
		{"an operation of the user", "GetUser", "alice", nil, true},
		{"an administrator's", "AdminGetUser", "", func(e *audit.Event) { e.SetTarget("alice") }, true},
		{"a challenge", "InitiateAuth", "alice", func(e *audit.Event) { e.Begin(audit.SignIn) }, false},
		{"a sign-in", "RespondToAuthChallenge", "alice", func(e *audit.Event) { e.End(audit.SignIn, true) }, true},
		{"a refused operation", "GetUser", "alice", func(e *audit.Event) { e.SetAnswer("NotAuthorizedException") }, false},
		{"nobody", "AdminGetUser", "", func(e *audit.Event) { e.SetTarget(audit.NoUser) }, false},
		{"a stranger's request for a code", "ForgotPassword", "alice", nil, false},
		{"a list", "AdminListGroupsForUser", "", func(e *audit.Event) { e.SetTarget("alice") }, false},
		{"a request of the domain", "", "alice", (*audit.Event).SetActive, true},
	} {
		s := r.node()
		does(s, tt.operation, tt.user, "one", func(e *audit.Event) {
			if tt.note != nil {
				tt.note(e)
			}
		})
		if n, _ := s.Waiting(); n > 0 != tt.counts {
			t.Errorf("%s: %d entries", tt.name, n)
		}
	}
}

// TestBounds: the filter forgets, what waits is bounded, and neither loses a user whose
// next activity can be written.
func TestBounds(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	var ids []string
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("user-%d", i))
	}
	r.users(t, ids...)
	s := r.node()
	s.seen.limit, s.limit = 3, 8
	for range 2 { // first with a database that is away
		for _, id := range ids {
			does(s, "GetUser", id, "")
		}
	}
	waiting, dropped := s.Waiting()
	if waiting != 8 || dropped == 0 || len(s.seen.newer)+len(s.seen.before) > 6 {
		t.Errorf("%d wait, %d dropped, %d in the filter", waiting, dropped, len(s.seen.newer)+len(s.seen.before))
	}
	for range 4 {
		for _, id := range ids {
			does(s, "GetUser", id, "")
			if n, _ := s.Waiting(); n >= 5 {
				flush(t, s)
			}
		}
	}
	flush(t, s)
	r.want(t, 202611, "", "20/0")
}

// TestFlushFails: what could not be written waits for the next flush.
func TestFlushFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	r.users(t, "alice")
	s := r.node()
	does(s, "GetUser", "alice", "one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(ctx); err == nil {
		t.Fatal("written with a context that has ended")
	}
	if n, _ := s.Waiting(); n != 2 {
		t.Errorf("%d entries wait, want 2", n)
	}
	flush(t, s)
	r.want(t, 202611, "", "1/0")
}

func BenchmarkObserve(b *testing.B) {
	r := newRig(b, fresh.SQLite(b))
	s := r.node()
	request := &api.Request{Service: "cognito-idp", Operation: "GetUser"}
	facts := audit.Facts{Pool: pool, AppClient: "one", User: "alice"}
	b.ReportAllocs()
	for b.Loop() {
		s.Observe(request, &facts)
	}
}
