package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/audit/sink"
	"cognate/internal/store"
)

const (
	// sendTimeout is the longest that a destination may take for a batch.
	sendTimeout = 30 * time.Second
	// leaseTime is longer, so that a process that still sends keeps its lease.
	leaseTime = 2 * sendTimeout
	// maxBackoff is the longest wait between two attempts.
	maxBackoff = time.Minute
)

// A Source has records in streams. The order of a stream's records is fixed.
type Source interface {
	// Streams returns the streams that have records.
	Streams(ctx context.Context) ([]Stream, error)
	// Sink returns where a stream goes, or nil if nobody wants it any longer.
	Sink(ctx context.Context, stream string) (sink.Sink, error)
	// Read returns the first records of a stream after a position, within the limits of a
	// batch. A record that exceeds the limits alone is a batch of its own.
	Read(ctx context.Context, stream string, after int64, limits sink.Batch) (Records, error)
	// Sent is called in the transaction that moves the position behind the records.
	Sent(ctx context.Context, tx *store.Tx, stream string, r Records) error
}

// A Stream is a name, and the position of the last record. The position is -1 if it is not known.
type Stream struct {
	Name string
	End  int64
}

// Records are consecutive records of a stream.
type Records struct {
	List []sink.Record
	// Position is that of the last record.
	Position int64
	// Full reports that more records wait.
	Full bool
	// Missed counts the records before these that the store no longer has. There may be no others.
	Missed int64
	// Last is for the source.
	Last any
}

// Deps are what a Worker is built from.
type Deps struct {
	Store *store.Store
	Log   *slog.Logger
	// Now is the clock of the records.
	Now func() time.Time
	// Owner names the process, among those on the same database.
	Owner string
}

// A Worker sends the streams of one source to one destination.
type Worker struct {
	deps        Deps
	destination string
	source      Source

	mu      sync.Mutex // held by Turn
	streams map[string]*progress

	sent, failed, missed atomic.Int64
	waitingSince         atomic.Int64 // Unix milliseconds; 0: nothing waits
}

// progress is what a process remembers of a stream.
type progress struct {
	lease store.Delivery
	// reached is the last known position, by this process or another one.
	reached  int64
	failures int
	retryAt  time.Time
}

// New returns a worker. destination names the place in the store: a worker with another name
// begins with the oldest records.
func New(d Deps, destination string, source Source) *Worker {
	return &Worker{deps: d, destination: destination, source: source, streams: map[string]*progress{}}
}

// Sent returns how many records the destination has got.
func (w *Worker) Sent() int64 { return w.sent.Load() }

// Failed returns how many attempts to send have failed.
func (w *Worker) Failed() int64 { return w.failed.Load() }

// Missed returns how many records the store no longer had when they could be sent.
func (w *Worker) Missed() int64 { return w.missed.Load() }

// Lag returns the age of the oldest record that this process has tried to send and could not.
func (w *Worker) Lag() time.Duration {
	since := w.waitingSince.Load()
	if since == 0 {
		return 0
	}
	return max(w.deps.Now().Sub(time.UnixMilli(since)), 0)
}

// Turn sends what waits, and returns when nothing is left or nothing can be sent. Attempts that
// fail are repeated by later turns, after a wait that grows.
func (w *Worker) Turn(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	streams, err := w.source.Streams(ctx)
	if err != nil {
		return err
	}
	current := make(map[string]*progress, len(streams))
	var errs []error
	oldest := int64(0)
	for _, st := range streams {
		s := w.streams[st.Name]
		if s == nil {
			s = &progress{}
		}
		current[st.Name] = s
		if st.End >= 0 && s.reached >= st.End {
			continue
		}
		since, err := w.drain(ctx, st.Name, s)
		if err != nil {
			errs = append(errs, err)
		}
		if since != 0 && (oldest == 0 || since < oldest) {
			oldest = since
		}
	}
	w.streams = current
	w.waitingSince.Store(oldest)
	return errors.Join(errs...)
}

// drain sends the records of a stream. It returns the time of the first record that a failure
// has left, or 0.
func (w *Worker) drain(ctx context.Context, name string, s *progress) (since int64, err error) {
	to, err := w.source.Sink(ctx, name)
	if err != nil || to == nil {
		return 0, err
	}
	for {
		position, begun, err := w.position(ctx, name, s)
		if err != nil {
			return 0, err
		}
		limits := to.Batch()
		r, err := w.source.Read(ctx, name, position, limits)
		if err != nil {
			return 0, err
		}
		if len(r.List) == 0 {
			return 0, w.skip(ctx, name, s, position, begun, r)
		}
		now := w.deps.Now()
		first := r.List[0].At
		if !r.Full && now.Sub(first) < limits.Wait {
			return 0, nil
		}
		if now.Before(s.retryAt) {
			return first.UnixMilli(), nil
		}
		if err := w.lease(ctx, name, s, position); err != nil {
			if errors.Is(err, store.ErrLeased) {
				return 0, nil
			}
			return 0, err
		}
		if sent, err := w.send(ctx, name, s, to, r); !sent || err != nil {
			return first.UnixMilli(), err
		}
		if !r.Full {
			return 0, nil
		}
	}
}

// position returns how far the stream has gone, and whether the destination has ever been sent records of it.
func (w *Worker) position(ctx context.Context, name string, s *progress) (at int64, begun bool, err error) {
	if w.holds(s) {
		return s.lease.Position, true, nil
	}
	d, err := w.deps.Store.Delivery(ctx, w.destination, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, false, err
	}
	s.reached = d.Position
	return d.Position, err == nil, nil
}

// skip moves the position behind records that the store no longer has, and counts them. They do not count if the destination
// is new to the stream.
func (w *Worker) skip(ctx context.Context, name string, s *progress, position int64, begun bool, r Records) error {
	if r.Missed == 0 {
		return nil
	}
	if !begun {
		s.reached = r.Position
		return nil
	}
	if err := w.lease(ctx, name, s, position); err != nil {
		if errors.Is(err, store.ErrLeased) {
			return nil
		}
		return err
	}
	if err := w.move(ctx, name, s, r); err != nil {
		return err
	}
	w.noteMissed(name, r)
	return nil
}

// holds reports whether the lease lasts longer than one attempt.
func (w *Worker) holds(s *progress) bool {
	return s.lease.LeaseUntil.Sub(w.deps.Now()) > sendTimeout
}

// lease makes sure that this process may send the records after a position.
func (w *Worker) lease(ctx context.Context, name string, s *progress, position int64) error {
	if w.holds(s) {
		return nil
	}
	now := w.deps.Now()
	err := w.deps.Store.Update(ctx, func(tx *store.Tx) (err error) {
		s.lease, err = tx.TakeDelivery(ctx, w.destination, name, w.deps.Owner, now, now.Add(leaseTime))
		return err
	}, store.Retry)
	if err == nil && s.lease.Position != position {
		return store.ErrLeased // Another process has sent these records meanwhile. The next turn reads again.
	}
	return err
}

// send sends a batch and notes that it is done. It reports whether the destination has it.
func (w *Worker) send(ctx context.Context, name string, s *progress, to sink.Sink, r Records) (bool, error) {
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := to.Send(sending, r.List); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		w.noteFailure(name, s, err)
		return false, nil
	}
	w.noteSuccess(name, s, r)
	return true, w.move(ctx, name, s, r)
}

// move notes that the destination needs no records up to the position of these.
func (w *Worker) move(ctx context.Context, name string, s *progress, r Records) error {
	next := s.lease
	next.Position, next.LeaseUntil = r.Position, w.deps.Now().Add(leaseTime)
	// The destination has the records, even if this process is about to stop.
	ctx = context.WithoutCancel(ctx)
	err := w.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := w.source.Sent(ctx, tx, name, r); err != nil {
			return err
		}
		return tx.MoveDelivery(ctx, next)
	}, store.Retry)
	if err != nil {
		s.lease = store.Delivery{} // The next turn takes the lease again, and reads the position.
		return err
	}
	s.lease, s.reached = next, next.Position
	return nil
}

// noteFailure sets the time of the next attempt. The first of several failures is logged.
func (w *Worker) noteFailure(stream string, s *progress, err error) {
	w.failed.Add(1)
	s.retryAt = w.deps.Now().Add(min(time.Second<<min(s.failures, 10), maxBackoff))
	s.failures++
	if s.failures == 1 {
		w.deps.Log.Warn("records cannot be delivered; they wait in the database", slog.String("destination", w.destination), slog.String("stream", stream), slog.Any("error", err))
	}
}

func (w *Worker) noteSuccess(stream string, s *progress, r Records) {
	if s.failures > 0 {
		w.deps.Log.Info("records are delivered again", slog.String("destination", w.destination), slog.String("stream", stream), slog.Int("attempts", s.failures+1))
		s.failures, s.retryAt = 0, time.Time{}
	}
	w.noteMissed(stream, r)
	w.sent.Add(int64(len(r.List)))
}

func (w *Worker) noteMissed(stream string, r Records) {
	if r.Missed > 0 {
		w.missed.Add(r.Missed)
		w.deps.Log.Error("the database no longer had records that were not delivered", slog.String("destination", w.destination), slog.String("stream", stream), slog.Int64("records", r.Missed))
	}
}

// Stop ends the leases, so that another process can go on at once.
func (w *Worker) Stop(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.deps.Now()
	return w.deps.Store.Update(ctx, func(tx *store.Tx) error {
		for _, s := range w.streams {
			if s.lease.Owner == "" {
				continue
			}
			if err := tx.FreeDelivery(ctx, s.lease, now); err != nil {
				return err
			}
		}
		return nil
	}, store.Retry)
}
