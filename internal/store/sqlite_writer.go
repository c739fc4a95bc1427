package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A batch of the group commit ends after this many closures or this time.
const (
	batchClosures = 128
	batchTime     = 10 * time.Millisecond
)

// errDamaged ends a batch: the transaction and all its changes are lost.
var errDamaged = errors.New("store: the transaction was lost")

// sqliteWriter is the one goroutine that writes. It takes all closures that wait, runs them one after the other in one
// transaction, and commits once: while the disk works, the next closures gather.
//
// A batch is run without savepoints, which cost as much as the writes themselves. If a closure fails after it wrote
// something, all is rolled back and the batch is run again, now with a savepoint around each closure.
type sqliteWriter struct {
	conn     *sqliteConn
	now      func() time.Time
	runTwice bool
	wait     time.Duration // longest that a job waits for its turn
	jobs     chan *job
	batch    []*job // being done
	stopped  chan struct{}
	mu       sync.RWMutex // held by senders, so that jobs is closed after the last
	closed   bool
	// stalled is set when a job has waited for too long: a commit waits for the disk. Until it ends, jobs are refused.
	stalled atomic.Bool
}

// A job is a closure that waits for its turn. The writer and a caller that stops waiting race for state.
type job struct {
	ctx   context.Context
	fn    func(session) error
	state atomic.Int32
	err   error
	done  chan struct{}
}

const (
	jobWaits = iota
	jobTaken
	jobLeft
)

func startSQLiteWriter(conn *sqliteConn, o Options) *sqliteWriter {
	w := &sqliteWriter{
		conn: conn, now: o.Now, runTwice: o.RunTwice, wait: o.StatementTimeout,
		jobs: make(chan *job, 4*batchClosures), stopped: make(chan struct{}),
	}
	go w.loop()
	return w
}

// stop runs the jobs that wait, and ends the writer.
func (w *sqliteWriter) stop() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	close(w.jobs)
	w.mu.Unlock()
	<-w.stopped
	return w.conn.close()
}

func (w *sqliteWriter) update(ctx context.Context, fn func(session) error) error {
	if w.stalled.Load() {
		return noAnswer()
	}
	patience := time.NewTimer(w.wait)
	defer patience.Stop()
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.send(j, patience.C); err != nil {
		return err
	}
	var late error
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		late = ctx.Err()
	case <-patience.C:
		late = noAnswer()
	}
	if !j.state.CompareAndSwap(jobWaits, jobLeft) {
		<-j.done // its turn has come: what the closure hands out must not change after we return
		return j.err
	}
	if ctx.Err() == nil {
		w.stalled.Store(true)
	}
	return late
}

func (w *sqliteWriter) send(j *job, late <-chan time.Time) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fmt.Errorf("%w: closed", ErrUnavailable)
	}
	select {
	case w.jobs <- j:
		return nil
	case <-j.ctx.Done():
		return j.ctx.Err()
	case <-late:
		w.stalled.Store(true)
		return noAnswer()
	}
}

func (w *sqliteWriter) loop() {
	ended := false
	defer func() {
		if ended {
			close(w.stopped)
			return
		}
		// A closure has ended its goroutine (runtime.Goexit, as testing's FailNow does). Let another take over.
		w.rollback()
		w.fail(errors.New("store: a transaction's closure ended its goroutine"))
		w.answer()
		go w.loop()
	}()
	for j := range w.jobs {
		w.batch = append(w.batch, j)
		w.run()
		w.answer()
	}
	ended = true
}

func (w *sqliteWriter) answer() {
	w.stalled.Store(false)
	for _, j := range w.batch {
		close(j.done)
	}
	clear(w.batch)
	w.batch = w.batch[:0]
}

// run does a batch that begins with one job and takes others as it goes. Every job has its answer afterwards.
func (w *sqliteWriter) run() {
	if err := w.begin(); err != nil {
		w.fail(err)
		return
	}
	start := w.now()
	for i := 0; i < len(w.batch); i++ { //nolint:intrange // the batch grows
		if !w.runPlain(w.batch[i]) {
			w.rollback()
			w.again()
			return
		}
		if i == len(w.batch)-1 && len(w.batch) < batchClosures && w.now().Sub(start) < batchTime {
			w.takeNext()
		}
	}
	if err := w.commit(); err != nil {
		w.fail(err)
	}
}

// takeNext adds a job if one waits. The callers that the last commit has just answered may be about to send their next job.
// Waiting for them makes batches half as large again under load, and costs nothing when there are no callers.
func (w *sqliteWriter) takeNext() {
	for range 2 {
		select {
		case j, ok := <-w.jobs:
			if ok {
				w.batch = append(w.batch, j)
			}
			return
		default:
			runtime.Gosched()
		}
	}
}

// runPlain runs a closure without a savepoint and reports whether the transaction can go on.
func (w *sqliteWriter) runPlain(j *job) bool {
	if !w.turn(j) {
		return true
	}
	if w.runTwice {
		return false
	}
	ses := &writeSession{conn: w.conn}
	if j.err = guard(j.fn, ses); j.err == nil {
		j.err = ses.broken
	}
	return j.err == nil || !ses.wrote && ses.broken == nil
}

// turn reports whether a closure is to be run: not if its caller has stopped waiting.
func (w *sqliteWriter) turn(j *job) bool {
	if j.state.CompareAndSwap(jobWaits, jobTaken) {
		if j.err = j.ctx.Err(); j.err != nil {
			j.state.Store(jobLeft)
		}
	}
	return j.state.Load() == jobTaken
}

// again runs a batch with a savepoint around each closure.
func (w *sqliteWriter) again() {
	if err := w.begin(); err != nil {
		w.fail(err)
		return
	}
	for _, j := range w.batch {
		if !w.turn(j) {
			continue
		}
		if err := w.runInSavepoint(j); err != nil {
			w.rollback()
			w.fail(err)
			return
		}
	}
	if err := w.commit(); err != nil {
		w.fail(err)
	}
}

// runInSavepoint runs a closure within a savepoint. It returns an error if the whole transaction is lost.
func (w *sqliteWriter) runInSavepoint(j *job) error {
	if w.runTwice {
		if err := w.step(savepoint); err != nil {
			return err
		}
		_ = guard(j.fn, &writeSession{conn: w.conn})
		if err := w.step(rollbackTo, release); err != nil {
			return err
		}
	}
	if err := w.step(savepoint); err != nil {
		return err
	}
	ses := &writeSession{conn: w.conn}
	if j.err = guard(j.fn, ses); j.err == nil {
		j.err = ses.broken
	}
	if j.err == nil {
		return w.step(release)
	}
	if err := w.step(rollbackTo, release); err != nil {
		// The engine ends the transaction by itself when the disk is full or fails: that is the error of every job.
		if ses.broken != nil {
			return ses.broken
		}
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

func (w *sqliteWriter) step(list ...*statement) error {
	for _, st := range list {
		if _, err := w.conn.exec(context.Background(), st, nil); err != nil {
			return err
		}
	}
	return nil
}

func (w *sqliteWriter) begin() error { return w.step(beginImmediate) }

func (w *sqliteWriter) commit() error {
	err := w.step(commit)
	if err != nil {
		w.rollback()
	}
	return err
}

// rollback ignores the error: the engine may have rolled back already.
func (w *sqliteWriter) rollback() { _ = w.step(rollback) }

// fail ends all jobs of the batch with the same error, since nothing of theirs was stored.
func (w *sqliteWriter) fail(err error) {
	for _, j := range w.batch {
		if w.turn(j) {
			j.err = err
		}
	}
}

// writeSession notes whether a closure wrote, and whether the engine failed.
type writeSession struct {
	conn   *sqliteConn
	wrote  bool
	broken error
}

func (s *writeSession) exec(ctx context.Context, st *statement, args []any) (int64, error) {
	n, err := s.conn.exec(ctx, st, args)
	return n, s.note(st, n > 0, err)
}

func (s *writeSession) execDeferred(ctx context.Context, st *statement, args []any) error {
	_, err := s.exec(ctx, st, args)
	return err
}

func (s *writeSession) query(ctx context.Context, st *statement, args []any, each func(row) error) error {
	return s.note(st, true, s.conn.query(ctx, st, args, each))
}

func (s *writeSession) note(st *statement, wrote bool, err error) error {
	s.wrote = s.wrote || wrote && !st.reads
	if errors.Is(err, ErrFull) || errors.Is(err, ErrUnavailable) {
		s.broken = err
	}
	return err
}
