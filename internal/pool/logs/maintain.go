package logs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cognate/internal/store"
)

// settingsAge is more than the age of the settings that a server may know.
const settingsAge = time.Minute

// Dropped returns how many records this process has dropped before they were delivered.
func (s *Service) Dropped() int64 { return s.dropped.Load() }

// Maintain drops the records that nobody wants, that wait for too long, and that are too many.
func (s *Service) Maintain(ctx context.Context) error {
	var errs []error
	for after := (store.LogStream{}); ; {
		list, err := s.deps.Store.LogStreams(ctx, after, maxStreams)
		if err != nil {
			return err
		}
		for _, w := range list {
			errs = append(errs, s.maintain(ctx, w))
		}
		if len(list) < maxStreams {
			return errors.Join(errs...)
		}
		after = list[len(list)-1]
	}
}

func (s *Service) maintain(ctx context.Context, w store.LogStream) error {
	now := s.deps.Now()
	sn, d, err := s.destinationOf(ctx, w.PoolID, w.Source)
	switch {
	case err != nil:
		return err
	case w.Source == store.LogsOfNobody || sn != nil && d == nil:
		// Another server may have just changed the configuration, and written records for it.
		_, err := s.deps.Store.DropLogRecords(ctx, w.PoolID, w.Source, now.Add(-settingsAge))
		return err
	case sn == nil: // Deleted pools are swept with all their rows.
		return nil
	}
	until := now.Add(-s.deps.Keep)
	beyond, err := s.deps.Store.LogRecordBeyond(ctx, w.PoolID, w.Source, s.deps.Most)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if beyond.After(until) {
		until = beyond
	}
	if w.First.After(until) {
		return nil
	}
	return s.drop(ctx, w, until)
}

// drop removes records that were not delivered, up to a time.
func (s *Service) drop(ctx context.Context, w store.LogStream, until time.Time) error {
	n, err := s.deps.Store.DropLogRecords(ctx, w.PoolID, w.Source, until)
	if n > 0 {
		s.dropped.Add(int64(n))
		s.deps.Log.ErrorContext(ctx, "records of a user pool's logs were dropped: their destination was away for too long",
			slog.String("pool", w.PoolID), slog.String("source", w.Source), slog.Int("records", n))
	}
	return err
}
