package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

const (
	// batchLines is how many lines one transaction stores: about a tenth of a second
	// of SQLite's writer, for which a sign-up may have to wait. While people sign
	// in, it is fewLines.
	batchLines = 1000
	fewLines   = 250
	// lease is how long a job is left to a worker that says nothing.
	lease = 10 * time.Second
	// turn is how many batches a worker does before it looks at who else waits.
	turn = 100
	// idle bounds the sleep between looks at the jobs: those that another node
	// started or left are found then.
	idle = 5 * time.Second
	// again is how long a worker waits after an error, such as a full disk.
	again = 3 * time.Second
	// dueAtOnce is how many old jobs are put away at a time.
	dueAtOnce = 50
)

// Run works on jobs until ctx ends. Several nodes may run it on one database: a
// job is leased to one of them, and a batch is stored only by the one that has
// the lease.
func (s *Service) Run(ctx context.Context) error {
	if s.d.Store.Engine() == "sqlite" {
		// Nobody else has the database: what is leased was leased to who died.
		if err := s.d.Store.Update(ctx, func(tx *store.Tx) error { return tx.FreeImports(ctx) }); err != nil && ctx.Err() == nil {
			s.d.Log.ErrorContext(ctx, "leases of imports not freed", slog.Any("error", err))
		}
	}
	for ctx.Err() == nil {
		worked, err := s.work(ctx)
		wait := idle
		switch {
		case err != nil && ctx.Err() == nil:
			s.d.Log.ErrorContext(ctx, "import", slog.Any("error", err))
			wait = again
		case worked:
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

func (s *Service) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// work does a turn of one job, and tells whether there was one.
func (s *Service) work(ctx context.Context) (bool, error) {
	if err := s.putAway(ctx); err != nil {
		return false, err
	}
	j, err := s.claim(ctx)
	if err != nil || j == nil {
		return false, err
	}
	err = s.turn(ctx, j)
	switch {
	case errors.Is(err, errLost), errors.Is(err, store.ErrConflict):
		return true, nil // stopped, or another's: whoever claims it sees
	case err != nil && !errors.Is(err, errFile):
		// The job keeps its place. The lease ends now, so that it goes on as soon as it can.
		return true, errors.Join(err, s.release(ctx, j))
	case err != nil:
		s.d.Log.ErrorContext(ctx, "import", slog.String("pool", j.rec.PoolID), slog.String("job", j.rec.ID), slog.Any("error", err))
		return true, s.fail(ctx, j, messageNoFile)
	}
	return true, s.release(ctx, j)
}

// claim takes the job that has waited longest.
func (s *Service) claim(ctx context.Context) (*job, error) {
	now := s.now()
	if _, err := s.d.Store.WaitingImport(ctx, now); errors.Is(err, store.ErrNotFound) {
		return nil, nil // the usual case writes nothing
	} else if err != nil {
		return nil, err
	}
	var j *job
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
		j = nil
		rec, err := tx.WaitingImport(ctx, now)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found, err := openJob(rec)
		if err != nil {
			return err
		}
		if found.Status == idp.UserImportJobStatusTypePending {
			found.Status = idp.UserImportJobStatusTypeInProgress
		}
		found.rec.Owner, found.rec.LeaseUntil = s.owner, now.Add(lease)
		if err := found.write(ctx, tx); err != nil {
			return err
		}
		j = found
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, nil // another was faster
	}
	return j, err
}

// errLost says that the job is not this worker's any more.
var errLost = errors.New("imports: the job is another worker's")

// hold reads the job in a transaction, if it is still this worker's.
func (s *Service) hold(ctx context.Context, tx *store.Tx, old *job) (*job, error) {
	rec, err := tx.ImportJob(ctx, old.rec.PoolID, old.rec.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errLost // deleted with its pool
	}
	if err != nil {
		return nil, err
	}
	if !rec.Active || rec.Owner != s.owner {
		return nil, errLost
	}
	return openJob(rec)
}

// release lets others have the job: it goes to the end of the queue.
func (s *Service) release(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
		held, err := s.hold(ctx, tx, j)
		if err != nil {
			return err
		}
		held.rec.LeaseUntil = s.now()
		return held.write(ctx, tx)
	})
	if errors.Is(err, errLost) || errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

func (s *Service) fail(ctx context.Context, j *job, message string) error {
	return s.finish(ctx, j, idp.UserImportJobStatusTypeFailed, message)
}

func (s *Service) finish(ctx context.Context, j *job, status idp.UserImportJobStatusType, message string) error {
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
		held, err := s.hold(ctx, tx, j)
		if err != nil {
			return err
		}
		return held.end(ctx, tx, status, message, s.now())
	})
	if err == nil {
		s.d.Log.InfoContext(ctx, "import ended", slog.String("pool", j.rec.PoolID), slog.String("job", j.rec.ID), slog.String("status", string(status)),
			slog.Int64("imported", j.Imported), slog.Int64("skipped", j.Skipped), slog.Int64("failed", j.Failed))
	}
	return err
}

// turn does some batches of a job.
func (s *Service) turn(ctx context.Context, j *job) error {
	file := s.open(j)
	for range turn {
		if err := ctx.Err(); err != nil {
			return err
		}
		if j.Status == idp.UserImportJobStatusTypeStopping {
			return s.finish(ctx, j, idp.UserImportJobStatusTypeStopped, messageStopped)
		}
		sn, err := s.d.Pools.Load(ctx, j.rec.PoolID)
		if api.CodeOf(err) == idp.CodeResourceNotFoundException {
			return s.fail(ctx, j, messageNoFile) // its rows are being swept
		}
		if err != nil {
			return err
		}
		if len(sn.AutoVerified) == 0 {
			return s.fail(ctx, j, messageNoVerified)
		}
		began := s.d.Now()
		var ended bool
		if j, ended, err = s.batch(ctx, sn, j, file); err != nil || ended {
			return err
		}
		s.yield(ctx, s.d.Now().Sub(began))
	}
	return nil
}

// yield leaves the processors to sign-ins where there are any: after a batch
// during which some came, as long as the batch took, and longer where they have
// to wait.
func (s *Service) yield(ctx context.Context, took time.Duration) {
	if s.d.Gate == nil {
		return
	}
	entered := s.d.Gate.Entered()
	s.came = entered != s.entered
	s.entered = entered
	if !s.came || took <= 0 {
		return
	}
	if s.d.Gate.Waiting() > 0 {
		took *= 3
	}
	t := time.NewTimer(min(took, time.Second))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// line is one line of a batch, and what is to become of it.
type line struct {
	number int64
	blank  bool
	person *user.Imported
	fault  error // user.ImportFault or user.ErrImportExists
}

// batch reads, prepares and stores some lines.
func (s *Service) batch(ctx context.Context, sn *pool.Snapshot, j *job, file *source) (_ *job, ended bool, err error) {
	next := *j // as the job is after this batch
	if next.Offset == 0 {
		text, err := file.line(ctx)
		if err != nil && !errors.Is(err, io.EOF) {
			return j, false, err
		}
		columns, ok := header(sn, j.Algorithm, text)
		if !ok {
			return j, true, s.fail(ctx, j, messageNoHeader)
		}
		next.Columns, next.Line = columns, 1
	}
	size := batchLines
	if s.came {
		size = fewLines
	}
	lines := make([]line, 0, size)
	for range size {
		text, err := file.line(ctx)
		if errors.Is(err, io.EOF) {
			ended = true
			break
		}
		if err != nil {
			return j, false, err
		}
		next.Line++
		l := line{number: next.Line, blank: text == ""}
		if l.blank {
			lines = append(lines, l)
			continue
		}
		if l.person, err = s.person(sn, &next, text); err != nil {
			if _, ok := errors.AsType[user.ImportFault](err); !ok {
				return j, false, fmt.Errorf("imports: line %d: %w", l.number, err)
			}
			l.fault = err
		}
		lines = append(lines, l)
	}
	next.Offset = file.next
	stored, err := s.store(ctx, sn, j, &next, lines)
	if err != nil {
		return j, false, err
	}
	if ended {
		return stored, true, s.succeed(ctx, stored)
	}
	return stored, false, nil
}

// batchStatement bounds a statement of a batch: its writes travel together, and
// take longer than those of a request may.
const batchStatement = 30 * time.Second

// store commits a batch: the people, the log of their lines and the job's
// progress, all or nothing.
func (s *Service) store(ctx context.Context, sn *pool.Snapshot, j, next *job, lines []line) (*job, error) {
	var stored *job
	ctx = store.WithStatementTimeout(ctx, batchStatement)
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
		held, err := s.hold(ctx, tx, j)
		if err != nil {
			return err
		}
		if held.Offset != j.Offset || held.Status != idp.UserImportJobStatusTypeInProgress {
			stored = held
			return errLost
		}
		log := newEntry(j.Line+1, next.Line)
		for _, l := range lines {
			if l.blank {
				log.Blank = append(log.Blank, l.number)
				continue
			}
			fault := l.fault
			if fault == nil {
				fault = s.d.Users.StoreImported(ctx, tx, sn, l.person)
			}
			if err := held.count(log, l.number, fault); err != nil {
				return err
			}
		}
		held.Columns, held.Line, held.Offset = next.Columns, next.Line, next.Offset
		held.Batch++
		held.rec.LeaseUntil = s.now().Add(lease)
		if err := log.write(ctx, tx, held); err != nil {
			return err
		}
		if err := held.write(ctx, tx); err != nil {
			return err
		}
		held.rec.Version++
		stored = held
		return nil
	})
	return stored, err
}

// count notes what became of a line.
func (j *job) count(log *entry, number int64, fault error) error {
	because, refused := errors.AsType[user.ImportFault](fault)
	switch {
	case fault == nil:
		j.Imported++
	case refused:
		j.Failed++
		log.Failed[string(because)] = append(log.Failed[string(because)], number)
	case errors.Is(fault, user.ErrImportExists):
		j.Skipped++
		log.Skipped = append(log.Skipped, number)
		return nil
	default:
		return fault
	}
	return nil
}

// succeed ends a job whose file is read. One that imported nobody although the
// file had lines has failed.
func (s *Service) succeed(ctx context.Context, j *job) error {
	if j.Imported == 0 && j.Skipped+j.Failed > 0 {
		return s.fail(ctx, j, messageTooMany)
	}
	return s.finish(ctx, j, idp.UserImportJobStatusTypeSucceeded, messageSucceeded)
}

// putAway notes that jobs have expired, and forgets those of long ago.
func (s *Service) putAway(ctx context.Context) error {
	due, err := s.d.Store.ImportsDue(ctx, s.now(), dueAtOnce)
	if err != nil {
		return err
	}
	var errs []error
	for _, rec := range due {
		j, err := openJob(rec)
		switch {
		case err != nil:
		case j.Status == idp.UserImportJobStatusTypeCreated:
			err = s.expire(ctx, rec)
		default:
			err = s.d.Store.DeleteImportJob(ctx, rec.PoolID, rec.ID)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *Service) expire(ctx context.Context, rec store.ImportJob) error {
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
		j, err := openJob(rec)
		if err != nil {
			return err
		}
		return j.end(ctx, tx, idp.UserImportJobStatusTypeExpired, "", s.now())
	})
	if errors.Is(err, store.ErrConflict) {
		return nil // started, or noted by another node
	}
	return err
}
