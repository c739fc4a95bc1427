package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"cognate/internal/keys"
	"cognate/internal/server/datakeys"
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

// configuredKEK returns a function that reads the key-encryption key's file again, so
// that a new key takes effect without a restart. It returns nil if the key is not in a
// file.
func configuredKEK(c *Config) func() (*keys.KEK, error) {
	if c.KEK != "" {
		return nil
	}
	return func() (*keys.KEK, error) { return keys.ReadKEKFile(c.KEKFile) }
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
		records, err := datakeys.Records(rows)
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
		return tx.ReplaceDataKeys(ctx, datakeys.Rows(records))
	})
	if err != nil {
		return "", 0, err
	}
	return to.ID(), len(changed), nil
}
