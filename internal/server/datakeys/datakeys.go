// Package datakeys keeps the wrapped data keys of an installation in the store, and opens the ring of
// a server over them.
package datakeys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// OpenRing unwraps the data keys, and makes and stores the missing ones. configured
// returns the key-encryption key that is configured at the time of the call; it may be
// nil.
func OpenRing(ctx context.Context, s *store.Store, kek *keys.KEK, configured func() (*keys.KEK, error), now func() time.Time) (*keys.Ring, error) {
	records, err := Load(ctx, s)
	if err != nil {
		return nil, err
	}
	ring, added, err := keys.OpenRing(ctx, kek, records, now())
	if err != nil {
		return nil, fmt.Errorf("data keys: %w", err)
	}
	ring.Follow(func(ctx context.Context) ([]keys.WrappedKey, error) { return Load(ctx, s) }, configured, now)
	if len(added) == 0 {
		return ring, nil
	}
	err = Insert(ctx, s, added)
	if errors.Is(err, store.ErrExists) {
		// Another node came first. Its keys are valid, not ours.
		err = ring.Refresh(ctx)
	}
	return ring, err
}

// RetirementBound is the longest time that a running server takes to notice a
// retirement: Interval and the time of the query.
const RetirementBound = 5 * time.Second

// A Watch takes up data keys that other nodes have made or retired.
type Watch struct {
	ring  *keys.Ring
	log   *slog.Logger
	now   func() time.Time
	said  string // the last failure that was logged
	at    time.Time
	epoch uint32
}

// NewWatch returns a watch of a ring.
func NewWatch(ring *keys.Ring, now func() time.Time, log *slog.Logger) *Watch {
	return &Watch{ring: ring, log: log, now: now, epoch: ring.Epoch()}
}

// Interval is how often a server reads the keys again. It is below RetirementBound and
// keys.SealDelay.
const Interval = 2 * time.Second

// repeatInterval is the interval at which a lasting failure is logged.
const repeatInterval = time.Minute

// Refresh reads the keys again.
func (w *Watch) Refresh(ctx context.Context) error {
	err := w.ring.Refresh(ctx)
	if epoch := w.ring.Epoch(); epoch != w.epoch {
		w.epoch = epoch
		w.log.WarnContext(ctx, "all earlier keys are retired", slog.Bool("usable", w.ring.Usable()))
	}
	if err == nil {
		w.said = ""
		return nil
	}
	if now := w.now(); err.Error() != w.said || now.Sub(w.at) >= repeatInterval {
		w.said, w.at = err.Error(), now
		return err
	}
	return nil
}

// Load returns the wrapped data keys of a database.
func Load(ctx context.Context, s *store.Store) ([]keys.WrappedKey, error) {
	rows, err := s.DataKeys(ctx)
	if err != nil {
		return nil, err
	}
	return Records(rows)
}

// Records returns the keys of rows of the store.
func Records(rows []store.DataKey) ([]keys.WrappedKey, error) {
	records := make([]keys.WrappedKey, 0, len(rows))
	for _, r := range rows {
		id, err := strconv.ParseUint(r.ID, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("data key %s/%s: its id is not a number", r.Purpose, r.ID)
		}
		records = append(records, keys.WrappedKey{Purpose: keys.Purpose(r.Purpose), ID: uint32(id), Wrapped: r.Wrapped, CreatedAt: r.CreatedAt, RetiredAt: r.RetiredAt})
	}
	return records, nil
}

// Insert stores new keys.
func Insert(ctx context.Context, s *store.Store, added []keys.WrappedKey) error {
	rows := Rows(added)
	return s.Update(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			if err := tx.InsertDataKey(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rows returns keys as rows of the store.
func Rows(records []keys.WrappedKey) []store.DataKey {
	rows := make([]store.DataKey, 0, len(records))
	for _, w := range records {
		rows = append(rows, store.DataKey{
			Purpose: string(w.Purpose), ID: strconv.FormatUint(uint64(w.ID), 10), Wrapped: w.Wrapped, CreatedAt: w.CreatedAt, RetiredAt: w.RetiredAt,
		})
	}
	return rows
}

// CheckCopy reports why a copy of an embedded database cannot take the place of the database: it is not
// whole, has no data keys, or another key-encryption key wraps them. It brings the schema of the copy up
// to date.
func CheckCopy(ctx context.Context, o store.Options, kek *keys.KEK) (err error) {
	st, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close(), os.Remove(o.Path+".lock")) }()
	if err := st.Verify(ctx); err != nil {
		return err
	}
	records, err := Load(ctx, st)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return errors.New("it is not the copy of a server's database")
	}
	_, _, err = keys.OpenRing(ctx, kek, records, o.Now())
	return err
}
