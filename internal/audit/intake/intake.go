// Package intake writes rows of concurrent requests together. The requests that wait while a
// transaction commits share the next transaction. So each request is answered after its row is
// stored, and the database commits far less often than there are requests. While requests are
// concurrent, a transaction waits a moment for more rows; a client that sends one request after the other never waits.
//
// The package does not know what the rows are: a [Writer] inserts those of one kind. It changes
// no row and drops none. A request learns whether its row is stored.
package intake

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/store"
)

// Limits of an intake.
const (
	// maxWaiting is how many rows wait for the writer. Further requests wait for a place.
	maxWaiting = 4096
	// maxBatch is how many rows one transaction stores.
	maxBatch = 512
	// pause is how long a transaction waits for more rows, if the one before it had several. It is about the time that an
	// answer takes on one processor.
	pause = 2 * time.Millisecond
)

// ErrClosed means that the server is stopping, and takes no more rows.
var ErrClosed = errors.New("intake: closed")

// A Writer stores the rows of one kind. All its methods are called by one goroutine.
type Writer[R any] interface {
	// Insert writes rows in a transaction, in their order. It may run more than once for the
	// same rows, and must then do the same.
	Insert(ctx context.Context, tx *store.Tx, rows []R) error
	// Settle is called after each transaction, with its error.
	Settle(rows []R, err error)
}

// An Intake gathers rows. Register all kinds before the first row is written.
type Intake struct {
	store   *store.Store
	name    string
	log     *slog.Logger
	queue   chan entry
	kinds   []batch
	start   sync.Once
	ended   chan struct{}
	ctx     context.Context // of the transactions; it ends when the time for Close is over
	cancel  context.CancelFunc
	mu      sync.RWMutex // held by senders, so that the queue is closed after the last
	closed  bool
	failing bool // of the writer's goroutine: the last transaction failed

	waiting                 atomic.Int64
	batches, rows, failures atomic.Uint64
}

// entry is a row that waits.
type entry struct {
	kind int
	row  any
	done chan error
}

// batch is the rows of one kind in the transaction that is being made.
type batch interface {
	add(row any)
	insert(ctx context.Context, tx *store.Tx) error
	settle(err error)
}

// New makes an intake. name says in the log what the rows belong to. Its goroutine starts with the first row.
func New(st *store.Store, name string, log *slog.Logger) *Intake {
	in := &Intake{store: st, name: name, log: log, queue: make(chan entry, maxWaiting), ended: make(chan struct{})}
	in.ctx, in.cancel = context.WithCancel(context.Background())
	return in
}

// A Kind writes rows of one kind.
type Kind[R any] struct {
	intake *Intake
	index  int
}

// Register adds a kind of rows. Rows of kinds that were registered earlier are inserted first.
func Register[R any](in *Intake, w Writer[R]) *Kind[R] {
	in.kinds = append(in.kinds, &typedBatch[R]{writer: w})
	return &Kind[R]{intake: in, index: len(in.kinds) - 1}
}

// Write returns when the row is stored, or was refused. If ctx ends first, the row may be stored
// or not.
func (k *Kind[R]) Write(ctx context.Context, row R) error {
	in := k.intake
	in.waiting.Add(1)
	defer in.waiting.Add(-1)
	e := entry{kind: k.index, row: row, done: make(chan error, 1)}
	if err := in.send(ctx, e); err != nil {
		return err
	}
	select {
	case err := <-e.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (in *Intake) send(ctx context.Context, e entry) error {
	in.mu.RLock()
	defer in.mu.RUnlock()
	if in.closed {
		return ErrClosed
	}
	in.start.Do(func() { go in.loop() })
	select {
	case in.queue <- e:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close stores the rows that wait, and ends the intake. When ctx ends, rows that
// still wait are not stored.
func (in *Intake) Close(ctx context.Context) error {
	defer in.cancel()
	in.mu.Lock()
	if !in.closed {
		in.closed = true
		close(in.queue)
	}
	in.mu.Unlock()
	in.start.Do(func() { close(in.ended) })
	select {
	case <-in.ended:
		return nil
	case <-ctx.Done():
	}
	in.cancel()
	<-in.ended
	return context.Cause(ctx)
}

// Waiting returns how many requests wait for their row to be stored.
func (in *Intake) Waiting() int { return int(in.waiting.Load()) }

// Batches returns how many transactions were committed, and Rows how many rows were in them.
func (in *Intake) Batches() uint64 { return in.batches.Load() }

// Rows returns how many rows were stored.
func (in *Intake) Rows() uint64 { return in.rows.Load() }

// Failures returns how many transactions failed.
func (in *Intake) Failures() uint64 { return in.failures.Load() }

func (in *Intake) loop() {
	defer close(in.ended)
	entries := make([]entry, 0, maxBatch)
	concurrent := false // the last transaction had several rows
	for e := range in.queue {
		entries = append(entries, e)
		if concurrent {
			entries = in.takeComing(entries)
		}
		entries = in.takeWaiting(entries)
		concurrent = len(entries) > 1
		in.storeAll(entries)
		clear(entries)
		entries = entries[:0]
	}
}

// takeComing adds the rows that come within the pause.
func (in *Intake) takeComing(entries []entry) []entry {
	over := time.NewTimer(pause)
	defer over.Stop()
	for len(entries) < maxBatch {
		select {
		case e, ok := <-in.queue:
			if !ok {
				return entries
			}
			entries = append(entries, e)
		case <-over.C:
			return entries
		}
	}
	return entries
}

// takeWaiting adds the rows that wait now.
func (in *Intake) takeWaiting(entries []entry) []entry {
	for len(entries) < maxBatch {
		select {
		case e, ok := <-in.queue:
			if !ok {
				return entries
			}
			entries = append(entries, e)
		default:
			return entries
		}
	}
	return entries
}

// storeAll stores entries in one transaction. If one of them cannot be stored, it must not take the
// others with it: each is tried alone.
func (in *Intake) storeAll(entries []entry) {
	err := in.commit(entries)
	if err != nil && len(entries) > 1 && !isOutage(err) {
		for i := range entries {
			entries[i].done <- in.commit(entries[i : i+1])
		}
		return
	}
	for _, e := range entries {
		e.done <- err
	}
}

// isOutage reports whether every transaction would fail now.
func isOutage(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// commit makes one transaction.
func (in *Intake) commit(entries []entry) error {
	for _, e := range entries {
		in.kinds[e.kind].add(e.row)
	}
	err := in.store.Update(in.ctx, func(tx *store.Tx) error {
		for _, b := range in.kinds {
			if err := b.insert(in.ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	for _, b := range in.kinds {
		b.settle(err)
	}
	if err != nil {
		in.failures.Add(1)
		if !in.failing {
			in.log.Error("rows of the "+in.name+" could not be stored", slog.Int("rows", len(entries)), slog.Any("error", err))
		}
	} else {
		in.batches.Add(1)
		in.rows.Add(uint64(len(entries)))
		if in.failing {
			in.log.Info("rows of the " + in.name + " are stored again")
		}
	}
	in.failing = err != nil
	return err
}

// typedBatch is a batch with the writer of its kind.
type typedBatch[R any] struct {
	writer Writer[R]
	rows   []R
}

func (b *typedBatch[R]) add(row any) { b.rows = append(b.rows, row.(R)) }

func (b *typedBatch[R]) insert(ctx context.Context, tx *store.Tx) error {
	if len(b.rows) == 0 {
		return nil
	}
	return b.writer.Insert(ctx, tx, b.rows)
}

func (b *typedBatch[R]) settle(err error) {
	if len(b.rows) > 0 {
		b.writer.Settle(b.rows, err)
	}
	clear(b.rows)
	b.rows = b.rows[:0]
}
