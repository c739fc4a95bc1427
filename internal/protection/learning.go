package protection

import (
	"context"
	"errors"
	"time"

	"cognate/internal/pool"
	"cognate/internal/risk/score"
	"cognate/internal/store"
)

// maxPools is how many pools' beginnings are kept in memory.
const maxPools = 4096

// scoring returns the thresholds of the levels, and the end of the pool's learning period.
func (s *Service) scoring(ctx context.Context, sn *pool.Snapshot) (score.Settings, error) {
	settings := s.deps.Thresholds
	if s.deps.Learning == 0 {
		return settings, nil
	}
	began, known := s.began.GetIfPresent(sn.ID)
	if !known {
		var err error
		if began, err = s.beginLearning(ctx, sn.ID); err != nil {
			return settings, err
		}
		s.began.Set(sn.ID, began)
	}
	settings.LearningUntil = began.Add(s.deps.Learning)
	return settings, nil
}

// learningKey is the key of the item that says when a pool began to learn.
const learningKey = "began"

// beginLearning returns when the pool began to learn. The first call for a pool stores it.
func (s *Service) beginLearning(ctx context.Context, poolID string) (time.Time, error) {
	item, err := s.deps.Store.Item(ctx, poolID, store.KindLearning, learningKey)
	if !errors.Is(err, store.ErrNotFound) {
		return item.CreatedAt, err
	}
	now := s.now()
	item = store.Item{PoolID: poolID, Kind: store.KindLearning, Key: learningKey, Version: 1, CreatedAt: now, ModifiedAt: now, Doc: []byte("{}")}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.InsertItem(ctx, item) }, store.Retry)
	if _, exists := errors.AsType[*store.ExistsError](err); exists { // Another server was first.
		item, err = s.deps.Store.Item(ctx, poolID, store.KindLearning, learningKey)
	}
	return item.CreatedAt, err
}
