package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"cognate/internal/store"
)

// databaseFile is the embedded database in the data folder.
const databaseFile = "cognate.db"

// DatabaseFile returns the path of the embedded database.
func (c *Config) DatabaseFile() string { return filepath.Join(c.Data, databaseFile) }

// openStore opens the database. In dev it brings the schema up to date, since no other
// server uses the database. In serve that is left to cognate migrate. observe may be nil.
func openStore(ctx context.Context, c *Config, log *slog.Logger, observe store.Observer) (*store.Store, error) {
	o := store.Options{URL: string(c.Database), Now: c.Now, Log: log, Migrate: c.Mode == Dev, StatementTimeout: c.DatabaseTimeout, KeepAddresses: c.KeepAddresses, Observe: observe}
	if o.URL == "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, err
		}
		o.Path = c.DatabaseFile()
	} else {
		o.MaxConns = c.DatabaseConnections
	}
	st, err := store.Open(ctx, o)
	if errors.Is(err, store.ErrEmpty) {
		return nil, errors.Join(fmt.Errorf("%w: run cognate migrate with the same settings first", store.ErrEmpty), st.Close())
	}
	if errors.Is(err, store.ErrSchemaOld) {
		return nil, errors.Join(fmt.Errorf("%w: run cognate migrate with the same settings first, after a backup", err), st.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return st, nil
}
