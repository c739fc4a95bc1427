package userimport

import (
	"context"
	"errors"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

const (
	// lease is how long the worker of a job may be silent before another worker takes the job.
	lease = 10 * time.Second
	// beatEvery is how often a worker stores that it is alive.
	beatEvery = lease / 5
	// lookEvery is how often a worker checks that the job is still its own, even during a
	// batch.
	lookEvery = time.Second
	// maxHeld bounds how many jobs of other workers are watched. Each worker has one job.
	maxHeld = 200
)

// errLost says that the job was stopped, or that another worker has it now.
var errLost = errors.New("userimport: the job is not this worker's any more")

// A jobKey names a job.
type jobKey struct{ poolID, id string }

// An observation is the state of another worker's job, and since when this process has
// seen that state, by its own clock.
type observation struct {
	version, beat int64
	since         time.Time
}

// claim claims the job that has waited longest. If no job waits, it claims a job whose
// worker has been silent for a lease.
//
// Clocks of different nodes are never compared. Each node measures the silence by its own clock, and a worker that was
// only slow cannot do harm: claiming raises the job's generation, and no batch of an older generation is stored.
func (s *Service) claim(ctx context.Context) (*job, error) {
	rec, err := s.deps.Store.WaitingImport(ctx)
	if errors.Is(err, store.ErrNotFound) {
		rec, err = s.findAbandoned(ctx)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // the usual case writes nothing
	}
	if err != nil {
		return nil, err
	}
	var j *job
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		j = nil
		now, err := tx.ImportJob(ctx, rec.PoolID, rec.ID)
		if err != nil {
			return err
		}
		if !now.Active || now.Version != rec.Version {
			return store.ErrConflict
		}
		found, err := openJob(now)
		if err != nil {
			return err
		}
		if found.Status == idp.UserImportJobStatusTypePending {
			found.Status = idp.UserImportJobStatusTypeInProgress
		}
		found.rec.Owner = s.owner
		found.Generation++
		if err := found.write(ctx, tx); err != nil {
			return err
		}
		j = found
		return nil
	})
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		return nil, nil // another worker was faster, or the old one lives
	}
	return j, err
}

// findAbandoned returns a job whose worker has been silent for a lease, or that this worker
// failed to release.
func (s *Service) findAbandoned(ctx context.Context) (store.ImportJob, error) {
	held, err := s.deps.Store.HeldImports(ctx, maxHeld)
	if err != nil {
		return store.ImportJob{}, err
	}
	now, seen := s.deps.Now(), make(map[jobKey]observation, len(held))
	var found *store.ImportJob
	for i := range held {
		h := &held[i]
		key := jobKey{h.PoolID, h.ID}
		last, known := s.observed[key]
		// A clock that was set back cannot measure: the silence starts again.
		if !known || last.version != h.Version || last.beat != h.Beat || now.Before(last.since) {
			last = observation{h.Version, h.Beat, now}
		}
		seen[key] = last
		if found == nil && (h.Owner == s.owner || now.Sub(last.since) >= lease) {
			found = &h.ImportJob
		}
	}
	s.observed = seen
	if found == nil {
		return store.ImportJob{}, store.ErrNotFound
	}
	return *found, nil
}

// owns reports whether a record of the job still belongs to this worker's claim of it.
func (s *Service) owns(j, now *job) bool {
	return now.rec.Active && now.rec.Owner == s.owner && now.Generation == j.Generation
}

// readOwn reads the job in a transaction. It returns errLost if the job is not this
// worker's any more.
func (s *Service) readOwn(ctx context.Context, tx *store.Tx, old *job) (*job, error) {
	rec, err := tx.ImportJob(ctx, old.rec.PoolID, old.rec.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errLost // deleted with its pool
	}
	if err != nil {
		return nil, err
	}
	now, err := openJob(rec)
	if err == nil && !s.owns(old, now) {
		err = errLost
	}
	return now, err
}

// release puts the job at the end of the queue, for any worker.
func (s *Service) release(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		held, err := s.readOwn(ctx, tx, j)
		if err != nil {
			return err
		}
		held.rec.Owner, held.rec.Waiting = "", s.now()
		return held.write(ctx, tx)
	})
	if errors.Is(err, errLost) || errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

// renewLease renews the lease of a job while the caller works on it. The context that it
// returns ends when the job is stopped or another worker has it, even during a batch. end
// stops the renewal.
func (s *Service) renewLease(ctx context.Context, j *job) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		look := time.NewTicker(s.lookEvery)
		defer look.Stop()
		beaten := s.deps.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
			lost, err := s.isLost(ctx, j)
			if lost {
				cancel(errLost)
				return
			}
			now := s.deps.Now()
			if err != nil || now.Sub(beaten) < beatEvery && !now.Before(beaten) {
				continue
			}
			// An error is no reason to stop: the next commit decides.
			if s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.BeatImport(ctx, j.rec.PoolID, j.rec.ID) }) == nil {
				beaten = now
			}
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-ended
	}
}

// isLost reports whether the job was stopped or another worker has it.
func (s *Service) isLost(ctx context.Context, j *job) (bool, error) {
	rec, err := s.deps.Store.ImportJob(ctx, j.rec.PoolID, j.rec.ID)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	now, err := openJob(rec)
	return err == nil && !s.owns(j, now), err
}
