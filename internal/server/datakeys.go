package server

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

// openKEK reads the key-encryption key. Only dev makes one where there is none:
// a production key that appears by itself is one that nobody has kept.
func openKEK(c *Config) (*keys.KEK, error) {
	if c.KEK != "" {
		return keys.ParseKEK(string(c.KEK))
	}
	if c.Mode == Serve {
		return keys.ReadKEKFile(c.KEKFile)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	k, _, err := keys.EnsureKEKFile(c.KEKFile)
	return k, err
}

// openRing unwraps the data keys, and makes and stores those that are missing.
// configured returns the key-encryption key as it is configured at that time; it
// may be nil.
func openRing(ctx context.Context, s *store.Store, kek *keys.KEK, configured func() (*keys.KEK, error), now func() time.Time) (*keys.Ring, error) {
	records, err := dataKeys(ctx, s)
	if err != nil {
		return nil, err
	}
	ring, added, err := keys.OpenRing(ctx, kek, records, now())
	if err != nil {
		return nil, fmt.Errorf("data keys: %w", err)
	}
	ring.Follow(func(ctx context.Context) ([]keys.WrappedKey, error) { return dataKeys(ctx, s) }, configured, now)
	if len(added) == 0 {
		return ring, nil
	}
	err = insertDataKeys(ctx, s, added)
	if errors.Is(err, store.ErrExists) {
		// Another node came first; its keys are the ones that count.
		err = ring.Refresh(ctx)
	}
	return ring, err
}

// configuredKEK reads the key-encryption key's file again: a new key takes effect
// without a restart. It is nil where the key is not in a file.
func configuredKEK(c *Config) func() (*keys.KEK, error) {
	if c.KEK != "" {
		return nil
	}
	return func() (*keys.KEK, error) { return keys.ReadKEKFile(c.KEKFile) }
}

// keyWatch takes up data keys that other nodes have made or retired.
type keyWatch struct {
	ring  *keys.Ring
	log   *slog.Logger
	now   func() time.Time
	said  string // the last failure that was logged
	at    time.Time
	epoch uint32
}

// sayAgain is how often a failure that goes on is logged.
const sayAgain = time.Minute

func (w *keyWatch) refresh(ctx context.Context) error {
	err := w.ring.Refresh(ctx)
	if epoch := w.ring.Epoch(); epoch != w.epoch {
		w.epoch = epoch
		w.log.WarnContext(ctx, "all keys of before are retired", slog.Bool("usable", w.ring.Usable()))
	}
	if err == nil {
		w.said = ""
		return nil
	}
	if now := w.now(); err.Error() != w.said || now.Sub(w.at) >= sayAgain {
		w.said, w.at = err.Error(), now
		return err
	}
	return nil
}

func dataKeys(ctx context.Context, s *store.Store) ([]keys.WrappedKey, error) {
	rows, err := s.DataKeys(ctx)
	if err != nil {
		return nil, err
	}
	return wrappedKeys(rows)
}

func wrappedKeys(rows []store.DataKey) ([]keys.WrappedKey, error) {
	records := make([]keys.WrappedKey, 0, len(rows))
	for _, r := range rows {
		id, err := strconv.ParseUint(r.ID, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("data key %s/%s: its id is no number", r.Purpose, r.ID)
		}
		records = append(records, keys.WrappedKey{Purpose: keys.Purpose(r.Purpose), ID: uint32(id), Wrapped: r.Wrapped, CreatedAt: r.CreatedAt, RetiredAt: r.RetiredAt})
	}
	return records, nil
}

func insertDataKeys(ctx context.Context, s *store.Store, added []keys.WrappedKey) error {
	rows := dataKeyRows(added)
	return s.Update(ctx, func(tx *store.Tx) error {
		for _, r := range rows {
			if err := tx.InsertDataKey(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func dataKeyRows(records []keys.WrappedKey) []store.DataKey {
	rows := make([]store.DataKey, 0, len(records))
	for _, w := range records {
		rows = append(rows, store.DataKey{
			Purpose: string(w.Purpose), ID: strconv.FormatUint(uint64(w.ID), 10), Wrapped: w.Wrapped, CreatedAt: w.CreatedAt, RetiredAt: w.RetiredAt,
		})
	}
	return rows
}
