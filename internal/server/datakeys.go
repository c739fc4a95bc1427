package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// openKEK reads the key-encryption key. Only dev makes a missing key: in production the
// operator must make the key and keep a copy.
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

// openRing unwraps the data keys, and makes and stores the missing ones. configured
// returns the key-encryption key that is configured at the time of the call; it may be
// nil.
func openRing(ctx context.Context, s *store.Store, kek *keys.KEK, configured func() (*keys.KEK, error), now func() time.Time) (*keys.Ring, error) {
	records, err := DataKeys(ctx, s)
	if err != nil {
		return nil, err
	}
	ring, added, err := keys.OpenRing(ctx, kek, records, now())
	if err != nil {
		return nil, fmt.Errorf("data keys: %w", err)
	}
	ring.Follow(func(ctx context.Context) ([]keys.WrappedKey, error) { return DataKeys(ctx, s) }, configured, now)
	if len(added) == 0 {
		return ring, nil
	}
	err = insertDataKeys(ctx, s, added)
	if errors.Is(err, store.ErrExists) {
		// Another node came first. Its keys are valid, not ours.
		err = ring.Refresh(ctx)
	}
	return ring, err
}

// configuredKEK returns a function that reads the key-encryption key's file again, so
// that a new key takes effect without a restart. It returns nil if the key is not in a
// file.
func configuredKEK(c *Config) func() (*keys.KEK, error) {
	if c.KEK != "" {
		return nil
	}
	return func() (*keys.KEK, error) { return keys.ReadKEKFile(c.KEKFile) }
}

// RetirementBound is the longest time that a running server takes to notice a
// retirement: dataKeysInterval and the time of the query.
const RetirementBound = 5 * time.Second

// keyWatch takes up data keys that other nodes have made or retired.
type keyWatch struct {
	ring  *keys.Ring
	log   *slog.Logger
	now   func() time.Time
	said  string // the last failure that was logged
	at    time.Time
	epoch uint32
}

// repeatInterval is the interval at which a lasting failure is logged.
const repeatInterval = time.Minute

func (w *keyWatch) refresh(ctx context.Context) error {
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

// DataKeys returns the wrapped data keys of a database.
func DataKeys(ctx context.Context, s *store.Store) ([]keys.WrappedKey, error) {
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
			return nil, fmt.Errorf("data key %s/%s: its id is not a number", r.Purpose, r.ID)
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

// RewrapDataKeys replaces the key-encryption key by the key in newKEKFile. It returns
// the id of the new key and how many data keys it wraps now. No server may have the
// embedded database open: a server keeps the old key in its memory.
func RewrapDataKeys(ctx context.Context, c *Config, newKEKFile string) (kek string, n int, err error) {
	from, err := openKEK(c)
	if err != nil {
		return "", 0, fmt.Errorf("key-encryption key: %w", err)
	}
	to, err := keys.ReadKEKFile(newKEKFile)
	if err != nil {
		return "", 0, fmt.Errorf("new key-encryption key: %w", err)
	}
	st, err := openStore(ctx, c, c.Logger(), nil)
	if errors.Is(err, store.ErrBusy) {
		return "", 0, fmt.Errorf("stop the server first, then start it with the new key: %w", err)
	}
	if err != nil {
		return "", 0, err
	}
	defer st.Close()
	var changed []keys.WrappedKey
	err = st.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.DataKeys(ctx)
		if err != nil {
			return err
		}
		records, err := wrappedKeys(rows)
		if err != nil {
			return err
		}
		if c.Database != "" { // other servers may run
			if err := keys.CheckSettled(records, c.Now()); err != nil {
				return fmt.Errorf("%w: a running server may not have loaded it; try again in %s", err, keys.SealDelay)
			}
		}
		if changed, err = keys.Rewrap(ctx, from, to, records); err != nil {
			return err
		}
		for _, w := range changed {
			i := slices.IndexFunc(records, func(r keys.WrappedKey) bool { return r.Purpose == w.Purpose && r.ID == w.ID })
			records[i] = w
		}
		return tx.ReplaceDataKeys(ctx, dataKeyRows(records))
	})
	if err != nil {
		return "", 0, err
	}
	return to.ID(), len(changed), nil
}
