package risk

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/store"
	"cognate/test/fresh"
)

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

type rig struct {
	*Lockouts
	*fresh.Clock
}

func (r *rig) node() *Lockouts { return New(Deps{Store: r.deps.Store, Now: r.Now}) }
func (r *rig) rows(t *testing.T, user string) store.Lockout {
	t.Helper()
	row, err := r.deps.Store.Lockout(t.Context(), pool, user)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return row
}

const pool = "us-east-1_AbCdEf123"

func newRig(t testing.TB, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.UnixMilli(1_800_000_000_000))
	return &rig{Clock: c, Lockouts: New(Deps{Store: fresh.Store(t, o, c.Now), Now: c.Now})}
}

// guess makes one attempt: "locked", "failed" or "in".
func guess(t *testing.T, l *Lockouts, user string, right bool) string {
	t.Helper()
	a, err := l.Begin(t.Context(), pool, user, Anywhere)
	if errors.Is(err, ErrLocked) {
		return "locked"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	if right {
		if err := a.Succeeded(t.Context()); err != nil {
			t.Fatal(err)
		}
		return "in"
	}
	if err := a.Failed(t.Context()); err != nil {
		t.Fatal(err)
	}
	return "failed"
}

// TestClock is the table of locks: 1, 2, 4 … seconds from the fifth failure in a
// row, 15 minutes at most.
func TestClock(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		want := []int{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900}
		for i, seconds := range want {
			if got := guess(t, r.Lockouts, "alice", false); got != "failed" {
				t.Fatalf("guess %d: %s", i+1, got)
			}
			if seconds == 0 {
				continue
			}
			lock := time.Duration(seconds) * time.Second
			for range 2 { // neither counted nor longer for it, the right password included
				if got := guess(t, r.Lockouts, "alice", true); got != "locked" {
					t.Errorf("after failure %d: %s", i+1, got)
				}
			}
			r.Pass(lock - time.Millisecond)
			if got := guess(t, r.node(), "alice", true); got != "locked" {
				t.Errorf("a moment before the lock of failure %d ends: %s", i+1, got)
			}
			r.Pass(time.Millisecond)
		}
		if got := guess(t, r.Lockouts, "alice", true); got != "in" {
			t.Errorf("after the last lock: %s", got)
		}
		for i := range 4 {
			if got := guess(t, r.Lockouts, "alice", false); got != "failed" {
				t.Errorf("failure %d after a success: %s", i+1, got)
			}
		}
		if got := guess(t, r.Lockouts, "alice", true); got != "in" {
			t.Errorf("four failures after a success: %s", got)
		}
	})
}

func TestQuietForgets(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for range 4 {
			guess(t, r.Lockouts, "alice", false)
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.Pass(longest - time.Millisecond)
		if got := guess(t, r.Lockouts, "alice", false); got != "failed" {
			t.Fatal(got)
		}
		if got := guess(t, r.Lockouts, "alice", true); got != "locked" {
			t.Errorf("fifth failure within the quarter of an hour: %s", got)
		}
		r.Pass(time.Second + longest)
		for i := range 4 {
			if got := guess(t, r.Lockouts, "alice", false); got != "failed" {
				t.Errorf("failure %d after a quiet time: %s", i+1, got)
			}
		}
		if got := guess(t, r.Lockouts, "alice", true); got != "in" {
			t.Errorf("after four: %s", got)
		}
	})
}

// TestNodes: failures that one node wrote count on the others, sums of several
// nodes count, and a lock holds everywhere at once.
func TestNodes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		a, b := r.node(), r.node()
		for range 2 {
			guess(t, a, "alice", false)
			guess(t, b, "alice", false)
		}
		if got := r.rows(t, "alice"); got.Failures != 0 {
			t.Errorf("%d failures written one by one", got.Failures)
		}
		for _, n := range []*Lockouts{a, b} {
			if err := n.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.rows(t, "alice"); got.Failures != 4 {
			t.Errorf("%d failures, want the sum of two nodes, 4", got.Failures)
		}
		guess(t, b, "alice", false)
		if got := guess(t, a, "alice", true); got != "locked" {
			t.Errorf("the lock of another node: %s", got)
		}
		if got := guess(t, r.node(), "alice", true); got != "locked" { // as after a restart
			t.Errorf("a new node: %s", got)
		}
		if got := guess(t, a, "bob", true); got != "in" {
			t.Errorf("somebody else: %s", got)
		}
		if err := a.Clear(t.Context(), pool, "alice"); err != nil {
			t.Fatal(err)
		}
		if got := guess(t, b, "alice", true); got != "in" {
			t.Errorf("after Clear on another node: %s", got)
		}
		if len(a.entries)+len(b.entries) != 0 {
			t.Errorf("%d entries stay in memory", len(a.entries)+len(b.entries))
		}
	})
}

// TestConcurrentGuesses: a thousand guesses at once are no more than five.
func TestConcurrentGuesses(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		var looked, locked atomic.Int32
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 100 {
			wg.Go(func() {
				<-start
				a, err := r.Begin(t.Context(), pool, "alice", Anywhere)
				if errors.Is(err, ErrLocked) {
					locked.Add(1)
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				looked.Add(1)
				if err := a.Failed(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if looked.Load() != threshold || locked.Load() != 100-threshold {
			t.Errorf("%d passwords looked at, %d locked out", looked.Load(), locked.Load())
		}
		if got := r.rows(t, "alice"); got.Failures != threshold {
			t.Errorf("%d failures in the row", got.Failures)
		}
	})
}

// TestConcurrentSuccess: many right passwords at once all get in.
func TestConcurrentSuccess(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for range 3 {
			guess(t, r.Lockouts, "alice", false)
		}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				a, err := r.Begin(t.Context(), pool, "alice", Anywhere)
				if err != nil {
					t.Error(err)
					return
				}
				defer a.Release()
				if err := a.Succeeded(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(r.entries) != 0 {
			t.Errorf("%d entries stay in memory", len(r.entries))
		}
	})
}

// TestWaiting: a place that is never given back does not hold callers for ever,
// and not too many of them.
func TestWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	for range threshold {
		a, err := r.Begin(t.Context(), pool, "alice", Anywhere)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Release()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var busy, gone atomic.Int32
	for range maxWaiting + 10 {
		wg.Go(func() {
			switch _, err := r.Begin(ctx, pool, "alice", Anywhere); {
			case errors.Is(err, ErrBusy):
				if busy.Add(1) == 10 {
					cancel()
				}
			case errors.Is(err, context.Canceled):
				gone.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	cancel()
	if busy.Load() != 10 || gone.Load() != maxWaiting {
		t.Errorf("%d busy, %d gone", busy.Load(), gone.Load())
	}
}

func BenchmarkSuccess(b *testing.B) {
	l := newRig(b, fresh.SQLite(b))
	b.ReportAllocs()
	for b.Loop() {
		a, err := l.Begin(b.Context(), pool, "alice", Anywhere)
		if err != nil {
			b.Fatal(err)
		}
		if err := a.Succeeded(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// at is a known place.
func at(place string) Place { return func(context.Context) (string, error) { return place, nil } }

func guessFrom(t *testing.T, l *Lockouts, from Place, right bool) string {
	t.Helper()
	a, err := l.Begin(t.Context(), pool, "alice", from)
	if errors.Is(err, ErrLocked) {
		return "locked"
	}
	if err != nil {
		t.Fatal(err)
	}
	end := a.Failed
	if right {
		end = a.Succeeded
	}
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	return map[bool]string{true: "in", false: "failed"}[right]
}

// TestKnownPlaces: strangers lock no place where the user is known, each such place
// has locks of its own, and all guesses together stay bounded, whichever node
// they are sent to.
func TestKnownPlaces(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		nodes := []*Lockouts{r.node(), r.node()}
		looked := 0
		strangers := func() {
			for i := range 40 {
				if guessFrom(t, nodes[i%2], Anywhere, false) == "failed" {
					looked++
				}
				for _, n := range nodes {
					if err := n.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		strangers()
		if looked != threshold {
			t.Errorf("%d guesses of strangers were looked at, want %d", looked, threshold)
		}
		if got := guessFrom(t, nodes[0], Anywhere, true); got != "locked" {
			t.Errorf("the right password from elsewhere: %s", got)
		}
		for i, place := range []string{"home", "phone"} {
			if got := guessFrom(t, nodes[i], at(place), true); got != "in" {
				t.Errorf("at %s: %s", place, got)
			}
			if locked, err := nodes[i].Locked(t.Context(), pool, "alice", at(place)); err != nil || locked {
				t.Errorf("at %s: locked %v, %v", place, locked, err)
			}
		}
		if got := guessFrom(t, nodes[1], Anywhere, true); got != "locked" {
			t.Errorf("a sign-in at home unlocks strangers: %s", got)
		}
		// Whoever guesses at a known place locks that place, on every node.
		for i := range threshold {
			if got := guessFrom(t, nodes[0], at("home"), false); got != "failed" {
				t.Fatalf("guess %d at home: %s", i+1, got)
			}
		}
		for place, want := range map[string]string{"home": "locked", "phone": "in"} {
			if got := guessFrom(t, nodes[1], at(place), true); got != want {
				t.Errorf("after guesses at home, at %s: %s", place, got)
			}
		}
		if locked, err := nodes[1].Locked(t.Context(), pool, "alice", at("home")); err != nil || !locked {
			t.Errorf("at home: locked %v, %v", locked, err)
		}
		if err := nodes[0].Clear(t.Context(), pool, "alice"); err != nil {
			t.Fatal(err)
		}
		for _, from := range []Place{Anywhere, at("home")} {
			if got := guessFrom(t, nodes[1], from, true); got != "in" {
				t.Errorf("after Clear: %s", got)
			}
		}
		// A sign-in that no place is known for ends what counts against strangers, and
		// leaves what counts at home for Clear.
		for range 2 * threshold { // those of strangers, then those of the place
			guessFrom(t, nodes[0], at("home"), false)
		}
		r.Pass(time.Second)
		if got := guessFrom(t, nodes[0], Anywhere, true); got != "in" {
			t.Errorf("after the lock: %s", got)
		}
		if err := nodes[0].Clear(t.Context(), pool, "alice"); err != nil {
			t.Fatal(err)
		}
		if left, err := r.deps.Store.HasLockout(t.Context(), pool, "alice"); err != nil || left {
			t.Errorf("after Clear there are failures: %v, %v", left, err)
		}
	})
}

// TestOneGuessAQuarter: a wrong password in each lock keeps strangers out for ever,
// and nobody else.
func TestOneGuessAQuarter(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for range 30 {
			guessFrom(t, r.Lockouts, Anywhere, false)
			if got := guessFrom(t, r.Lockouts, at("home"), true); got != "in" {
				t.Fatalf("the owner at home: %s", got)
			}
			r.Pass(longest - time.Second)
		}
	})
}
