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
	// batchLines is how many lines one transaction stores at most. This takes SQLite's
	// writer about a tenth of a second, for which a sign-up may have to wait. While users
	// sign in, the limit is busyBatchLines.
	batchLines     = 1000
	busyBatchLines = 250
	// batchTime ends a batch that takes long, for example because the database is far away.
	// It bounds the reading of the lines, and then the storing. It is much shorter than a
	// lease.
	batchTime = 500 * time.Millisecond
	// sliceTime is how long a worker works on a job before it looks for waiting jobs.
	sliceTime = 10 * time.Second
	// pollInterval is how often a worker without a job looks for one: jobs that another
	// node started or left are found then.
	pollInterval = 5 * time.Second
	// retryAfter is how long a worker waits after an error, such as a full disk.
	retryAfter = 3 * time.Second
	// cleanUpBatch is how many old jobs are cleaned up at a time.
	cleanUpBatch = 50
)

// Run works on jobs until ctx ends. Several nodes may run it on one database: a
// job is leased to one of them, and a batch is stored only by the one that has
// the lease.
func (s *Service) Run(ctx context.Context) error {
	if s.deps.Store.Engine() == "sqlite" {
		// No other process has the database: every lease is of a process that died.
		if err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.FreeImports(ctx) }); err != nil && ctx.Err() == nil {
			s.deps.Log.ErrorContext(ctx, "leases of imports not freed", slog.Any("error", err))
		}
	}
	for ctx.Err() == nil {
		worked, err := s.work(ctx)
		wait := pollInterval
		switch {
		case err != nil && ctx.Err() == nil:
			s.deps.Log.ErrorContext(ctx, "import", slog.Any("error", err))
			wait = retryAfter
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

// work works on one job for a slice of time, and reports whether there was a job.
func (s *Service) work(ctx context.Context) (bool, error) {
	s.wasWoken() // The job is found below.
	if !s.deps.Ring.Usable() {
		return false, nil // It would seal with keys that are retired.
	}
	if err := s.cleanUp(ctx); err != nil {
		return false, err
	}
	j, err := s.claim(ctx)
	if err != nil || j == nil {
		return false, err
	}
	leased, end := s.renewLease(ctx, j)
	err = s.runSlice(leased, j)
	if errors.Is(context.Cause(leased), errLost) {
		err = errLost
	}
	end()
	switch {
	case errors.Is(err, errLost), errors.Is(err, store.ErrConflict):
		return true, nil // The job was stopped, or another worker has it.
	case err != nil && !errors.Is(err, errFile):
		// The job keeps its position. The lease ends now, so that the job can continue soon.
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
		held, err := s.readOwn(ctx, tx, j)
		if err != nil {
			return err
		}
		return held.end(ctx, tx, status, message, s.now(), s.keep())
	})
	if err == nil {
		s.deps.Log.InfoContext(ctx, "import ended", slog.String("pool", j.rec.PoolID), slog.String("job", j.rec.ID), slog.String("status", string(status)),
			slog.Int64("imported", j.Imported), slog.Int64("skipped", j.Skipped), slog.Int64("failed", j.Failed))
	}
	return err
}

// runSlice stores batches of a job for sliceTime.
func (s *Service) runSlice(ctx context.Context, j *job) error {
	file, size, until := s.open(j), batchLines, s.deps.Now().Add(sliceTime)
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
		if s.sawSignIns {
			size = min(size, busyBatchLines)
		}
		began := s.deps.Now()
		stored, err := s.batch(ctx, sn, j, file, size)
		if err != nil || stored.ended {
			return err
		}
		j, size = stored.job, stored.nextSize(size)
		s.yieldToSignIns(ctx, s.deps.Now().Sub(began))
		if s.wasWoken() {
			return nil
		}
	}
	return nil
}

// wasWoken reports whether a job was started or stopped on this node since the last look.
// Then the worker does not wait for the end of a slice.
func (s *Service) wasWoken() bool {
	select {
	case <-s.wake:
		return true
	default:
		return false
	}
}

// yieldToSignIns leaves the processors to sign-ins, after a batch during which users signed
// in. It waits as long as the batch took, and longer if sign-ins wait at the gate.
func (s *Service) yieldToSignIns(ctx context.Context, took time.Duration) {
	if s.deps.Gate == nil {
		return
	}
	entered := s.deps.Gate.Entered()
	s.sawSignIns = entered != s.entered
	s.entered = entered
	if !s.sawSignIns || took <= 0 {
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

// succeed ends a job whose file was read to the end. The job has failed if the file had
// lines and no user was imported.
func (s *Service) succeed(ctx context.Context, j *job) error {
	if j.Imported == 0 && j.Skipped+j.Failed > 0 {
		return s.fail(ctx, j, messageTooMany)
	}
	return s.finish(ctx, j, idp.UserImportJobStatusTypeSucceeded, messageSucceeded)
}

// cleanUp stores that jobs have expired, and deletes jobs that are older than Deps.Keep.
func (s *Service) cleanUp(ctx context.Context) error {
	due, err := s.deps.Store.ImportsDue(ctx, s.now(), cleanUpBatch)
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
		return j.end(ctx, tx, idp.UserImportJobStatusTypeExpired, "", s.now(), s.keep())
	})
	if errors.Is(err, store.ErrConflict) {
		return nil // started, or noted by another node
	}
	return err
}
