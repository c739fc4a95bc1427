package userimport

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/test/fresh"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// A world is the time that nodes share. It passes as their database calls go
// over the network, and at once where every node waits.
type world struct {
	mu      sync.Mutex
	changed *sync.Cond
	at      time.Time
	nodes   int
	waiting int
}

func newWorld(nodes int) *world {
	w := &world{at: time.Unix(1_800_000_000, 0).UTC(), nodes: nodes}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
	w.changed.Broadcast()
}

// wait returns when the time has passed.
func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	until := w.at.Add(d)
	w.waiting++
	for w.at.Before(until) {
		if w.waiting == w.nodes { // nothing else happens
			w.at = until
			w.changed.Broadcast()
			break
		}
		w.changed.Wait()
	}
	w.waiting--
}

// leave takes a node out of those that wait is about.
func (w *world) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes--
	w.changed.Broadcast()
}

// TestTwoNodesFarFromTheDatabase: two nodes work on one job, and each call of
// the database takes 100 ms. A batch of batchLines would take longer than the
// lease. Each line counts once, and no node takes the job from one that works.
func TestTwoNodesFarFromTheDatabase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		apart time.Duration // the nodes' clocks
	}{{"the same time", 0}, {"10 s apart", 10 * time.Second}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			farNodes(t, test.apart)
		})
	}
}

func farNodes(t *testing.T, apart time.Duration) {
	database := pgtest.Database(t)
	w, slow := newWorld(2), new(atomic.Bool)
	far := func() store.Options {
		return store.Options{URL: pgtest.Proxy(t, database, func([]byte) {
			if slow.Load() {
				w.pass(100 * time.Millisecond)
			}
		})}
	}
	a := newRigAt(t, far(), func() time.Time { return w.now().Add(-apart / 2) })
	b := a.another()
	b.deps.Now = func() time.Time { return w.now().Add(apart / 2) }
	b.deps.Store = fresh.Store(t, far(), b.deps.Now)
	const n = 1200
	id := a.begin(t, a.rows(t, n))
	slow.Store(true)
	began := w.now()
	var turns atomic.Int64
	var nodes sync.WaitGroup
	for _, s := range []*Service{a.Service, b} {
		nodes.Go(func() {
			defer w.leave()
			for {
				if w.now().Sub(began) > 15*time.Minute { // one node alone needs three
					t.Error("the nodes take the job from each other for ever")
					return
				}
				worked, err := s.work(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				rec, err := s.deps.Store.ImportJob(t.Context(), a.pool, id)
				if err != nil {
					t.Error(err)
					return
				}
				switch {
				case worked:
					turns.Add(1)
				case !rec.Active:
					return
				default:
					w.wait(pollInterval)
				}
			}
		})
	}
	nodes.Wait()
	slow.Store(false)
	a.want(t, id, shows{"Succeeded", n * 9 / 10, 0, 0, messageSucceeded})
	// Turns that follow each other are no more than there is time for.
	if took := w.now().Sub(began); turns.Load() > int64(took/sliceTime)+1 {
		t.Errorf("%d turns in %v", turns.Load(), took)
	}
}

// stuck is a worker whose database stands still in the middle of a batch.
type stuck struct {
	*rig
	id    string
	other *Service
	in    chan struct{} // closed when it stands still
	goOn  func()
	ended chan error // of its work
}

// getStuck begins a job on one node and holds back one connection of that node
// while a batch is being stored.
func getStuck(t *testing.T) *stuck {
	t.Helper()
	database := pgtest.Database(t)
	s := &stuck{in: make(chan struct{}), ended: make(chan error, 1)}
	held := make(chan struct{})
	s.goOn = sync.OnceFunc(func() { close(held) })
	hold := sync.OnceFunc(func() {
		close(s.in)
		<-held
	})
	far := pgtest.Proxy(t, database, func(piece []byte) {
		if bytes.Contains(piece, []byte("user150@")) || bytes.Contains(piece, []byte("user150\x00")) {
			hold()
		}
	})
	s.rig = newRig(t, store.Options{URL: far})
	t.Cleanup(s.goOn) // before the database is closed
	s.other = s.another()
	s.other.deps.Store = fresh.Store(t, store.Options{URL: database}, s.deps.Now)
	s.id = s.begin(t, s.rows(t, 2000))
	s.lookEvery, s.batchStatement = time.Millisecond, patience.Limit
	go func() {
		_, err := s.work(context.WithoutCancel(t.Context()))
		s.ended <- err
	}()
	<-s.in
	return s
}

// beats waits until the worker has shown that it lives.
func (s *stuck) beats(t *testing.T, last int64) int64 {
	t.Helper()
	for {
		held, err := s.other.deps.Store.HeldImports(t.Context(), 1)
		if err != nil || len(held) != 1 {
			t.Fatalf("%v %v", held, err)
		}
		if held[0].Beat > last {
			return held[0].Beat
		}
	}
}

// TestLeaseIsRenewed: a worker that waits for the database in the middle of a
// batch keeps its job for many times the lease.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	s := getStuck(t)
	beat := int64(0)
	for range 15 {
		s.Pass(beatEvery)
		beat = s.beats(t, beat)
		if j, err := s.other.claim(t.Context()); err != nil || j != nil {
			t.Fatalf("another worker took the job: %v %v", j, err)
		}
	}
	s.goOn()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	for {
		worked, err := s.work(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			break
		}
	}
	s.want(t, s.id, shows{"Succeeded", 1800, 0, 0, messageSucceeded})
}

// TestStopInTheMiddleOfABatch: the worker lets go of a batch that is being
// stored, however long the database takes, and nothing of it is stored.
func TestStopInTheMiddleOfABatch(t *testing.T) {
	t.Parallel()
	s := getStuck(t)
	before := s.other.job(t, s.pool, s.id)
	if _, err := s.other.StopUserImportJob(t.Context(), &idp.StopUserImportJobRequest{UserPoolId: s.pool, JobId: s.id}); err != nil {
		t.Fatal(err)
	}
	if err := <-s.ended; err != nil { // the database still stands still
		t.Fatal(err)
	}
	works(t, s.other)
	before.Status, before.Message = "Stopped", messageStopped
	if d := cmp.Diff(before, s.other.job(t, s.pool, s.id)); d != "" {
		t.Error(d)
	}
}

// TestGeneration: a worker that lost its job and got it again stores nothing of
// what it prepared before.
func TestGeneration(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		id := r.begin(t, r.rows(t, 100))
		first, err := r.claim(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.release(ctx, first); err != nil {
			t.Fatal(err)
		}
		if again, err := r.claim(ctx); err != nil || again.Generation != first.Generation+1 {
			t.Fatalf("%+v %v", again, err)
		}
		sn, err := r.deps.Pools.Load(ctx, r.pool)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.batch(ctx, sn, first, r.open(first), batchLines); !errors.Is(err, errLost) {
			t.Errorf("stored by an old claim: %v", err)
		}
		r.want(t, id, shows{Status: "InProgress"})
	})
}
