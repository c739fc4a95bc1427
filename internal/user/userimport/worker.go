package userimport

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
)

const (
	// batchLines is how many lines one transaction stores at most: about a tenth of
	// a second of SQLite's writer, for which a sign-up may have to wait. While people
	// sign in, it is fewLines.
	batchLines = 1000
	fewLines   = 250
	// batchTime ends a batch that takes long, as it does where the database is far
	// away: first the reading of its lines, then the storing. It is far below a
	// lease.
	batchTime = 500 * time.Millisecond
	// turnTime is how long a worker stays with a job before it looks at who else
	// waits.
	turnTime = 10 * time.Second
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
	if s.deps.Store.Engine() == "sqlite" {
		// Nobody else has the database: what is leased was leased to who died.
		if err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.FreeImports(ctx) }); err != nil && ctx.Err() == nil {
			s.deps.Log.ErrorContext(ctx, "leases of imports not freed", slog.Any("error", err))
		}
	}
	for ctx.Err() == nil {
		worked, err := s.work(ctx)
		wait := idle
		switch {
		case err != nil && ctx.Err() == nil:
			s.deps.Log.ErrorContext(ctx, "import", slog.Any("error", err))
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

// work does a turn of one job, and reports whether there was one.
func (s *Service) work(ctx context.Context) (bool, error) {
	s.called() // whatever it was, it is found below
	if !s.deps.Ring.Usable() {
		return false, nil // what it would store is sealed by stolen keys
	}
	if err := s.putAway(ctx); err != nil {
		return false, err
	}
	j, err := s.claim(ctx)
	if err != nil || j == nil {
		return false, err
	}
	leased, end := s.keep(ctx, j)
	err = s.turn(leased, j)
	if errors.Is(context.Cause(leased), errLost) {
		err = errLost
	}
	end()
	switch {
	case errors.Is(err, errLost), errors.Is(err, store.ErrConflict):
		return true, nil // stopped, or another's: whoever claims it sees
	case err != nil && !errors.Is(err, errFile):
		// The job keeps its place. The lease ends now, so that it goes on as soon as it can.
		return true, errors.Join(err, s.release(ctx, j))
	case err != nil:
		s.deps.Log.ErrorContext(ctx, "import", slog.String("pool", j.rec.PoolID), slog.String("job", j.rec.ID), slog.Any("error", err))
		return true, s.fail(ctx, j, messageNoFile)
	}
	return true, s.release(ctx, j)
}

func (s *Service) fail(ctx context.Context, j *job, message string) error {
	return s.finish(ctx, j, idp.UserImportJobStatusTypeFailed, message)
}

func (s *Service) finish(ctx context.Context, j *job, status idp.UserImportJobStatusType, message string) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		held, err := s.hold(ctx, tx, j)
		if err != nil {
			return err
		}
		return held.end(ctx, tx, status, message, s.now())
	})
	if err == nil {
		s.deps.Log.InfoContext(ctx, "import ended", slog.String("pool", j.rec.PoolID), slog.String("job", j.rec.ID), slog.String("status", string(status)),
			slog.Int64("imported", j.Imported), slog.Int64("skipped", j.Skipped), slog.Int64("failed", j.Failed))
	}
	return err
}

// turn does some batches of a job.
func (s *Service) turn(ctx context.Context, j *job) error {
	file, size, until := s.open(j), batchLines, s.deps.Now().Add(turnTime)
	for first := true; first || s.deps.Now().Before(until); first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		if j.Status == idp.UserImportJobStatusTypeStopping {
			return s.finish(ctx, j, idp.UserImportJobStatusTypeStopped, messageStopped)
		}
		sn, err := s.deps.Pools.Load(ctx, j.rec.PoolID)
		if api.CodeOf(err) == idp.CodeResourceNotFoundException {
			return s.fail(ctx, j, messageNoFile) // its rows are being swept
		}
		if err != nil {
			return err
		}
		if len(sn.AutoVerified) == 0 {
			return s.fail(ctx, j, messageNoVerified)
		}
		if s.came {
			size = min(size, fewLines)
		}
		began := s.deps.Now()
		stored, err := s.batch(ctx, sn, j, file, size)
		if err != nil || stored.ended {
			return err
		}
		j, size = stored.job, stored.nextSize(size)
		s.yield(ctx, s.deps.Now().Sub(began))
		if s.called() {
			return nil
		}
	}
	return nil
}

// called reports whether a job was started or stopped here since the last look: it
// does not have to wait for the end of a turn.
func (s *Service) called() bool {
	select {
	case <-s.wake:
		return true
	default:
		return false
	}
}

// yield leaves the processors to sign-ins where there are any: after a batch
// during which some came, as long as the batch took, and longer where they have
// to wait.
func (s *Service) yield(ctx context.Context, took time.Duration) {
	if s.deps.Gate == nil {
		return
	}
	entered := s.deps.Gate.Entered()
	s.came = entered != s.entered
	s.entered = entered
	if !s.came || took <= 0 {
		return
	}
	if s.deps.Gate.Waiting() > 0 {
		took *= 3
	}
	t := time.NewTimer(min(took, time.Second))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
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
	due, err := s.deps.Store.ImportsDue(ctx, s.now(), dueAtOnce)
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
			err = s.deps.Store.DeleteImportJob(ctx, rec.PoolID, rec.ID)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *Service) expire(ctx context.Context, rec store.ImportJob) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
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
