package server

import (
	"context"
	"errors"
	"fmt"
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
func openRing(ctx context.Context, s *store.Store, kek *keys.KEK, now func() time.Time) (*keys.Ring, error) {
	records, err := dataKeys(ctx, s)
	if err != nil {
		return nil, err
	}
	ring, added, err := keys.OpenRing(ctx, kek, records, now())
	if err != nil {
		return nil, fmt.Errorf("data keys: %w", err)
	}
	if len(added) == 0 {
		return ring, nil
	}
	err = insertDataKeys(ctx, s, added)
	if errors.Is(err, store.ErrExists) {
		// Another node came first; its keys are the ones that count.
		err = loadRing(ctx, s, ring, now)
	}
	return ring, err
}

// loadRing takes up data keys that other nodes have made. It must run more often
// than keys.SealDelay.
func loadRing(ctx context.Context, s *store.Store, ring *keys.Ring, now func() time.Time) error {
	records, err := dataKeys(ctx, s)
	if err != nil {
		return err
	}
	return ring.Load(ctx, records, now())
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
		records = append(records, keys.WrappedKey{Purpose: keys.Purpose(r.Purpose), ID: uint32(id), Wrapped: r.Wrapped, CreatedAt: r.CreatedAt})
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
			Purpose: string(w.Purpose), ID: strconv.FormatUint(uint64(w.ID), 10), Wrapped: w.Wrapped, CreatedAt: w.CreatedAt,
		})
	}
	return rows
}
