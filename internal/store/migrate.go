package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// A migration is a file migrations/NNNN_title.sql. Once released it is never changed: its checksum is remembered.
type migration struct {
	version  int
	name     string
	checksum string
	text     string
}

func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var list []migration
	last := 0
	for _, path := range names {
		text, err := migrationFiles.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		version, err := strconv.Atoi(name[:4])
		if err != nil || version <= last { // There may be gaps.
			return nil, fmt.Errorf("store: %s is out of sequence", path)
		}
		last = version
		sum := sha256.Sum256(text)
		list = append(list, migration{version, name, hex.EncodeToString(sum[:]), string(text)})
	}
	return list, nil
}

var (
	// Version 0 is no migration: its row is what servers that start together queue at.
	migrationTable  = prepare("CREATE TABLE IF NOT EXISTS schema_migrations (version {int} NOT NULL PRIMARY KEY, name {text} NOT NULL, checksum {text} NOT NULL, applied_at {int} NOT NULL){table}")
	migrationQueue  = prepare("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (0, 'queue', '', 0) ON CONFLICT DO NOTHING")
	migrationWait   = prepare("SELECT version FROM schema_migrations WHERE version = 0{for_update}")
	migrationList   = prepare("SELECT version, name, checksum FROM schema_migrations WHERE version > 0 ORDER BY version")
	migrationInsert = prepare("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)")
)

func scanMigration(r row, m *migration) error { return r.scan(&m.version, &m.name, &m.checksum) }

// checkSchema compares what the database has seen with what this program knows.
func (s *Store) checkSchema(ctx context.Context) error {
	known, err := migrations()
	if err != nil {
		return err
	}
	applied, err := all(ctx, &s.Reader, migrationList, nil, scanMigration)
	if isNoTable(err) {
		return fmt.Errorf("%w: %w", ErrSchemaOld, ErrEmpty)
	}
	if err != nil {
		return err
	}
	pending, err := pendingMigrations(known, applied)
	if err == nil && len(pending) > 0 {
		err = fmt.Errorf("%w: %d of %d migrations are missing", ErrSchemaOld, len(pending), len(known))
	}
	return err
}

func pendingMigrations(known, applied []migration) ([]migration, error) {
	for i, a := range applied {
		if i >= len(known) {
			return nil, fmt.Errorf("%w: it has migration %s, this program ends at %d", ErrSchemaNew, a.name, known[len(known)-1].version)
		}
		if a.version != known[i].version || a.checksum != known[i].checksum {
			return nil, fmt.Errorf("%w: %s", ErrSchemaChanged, a.name)
		}
	}
	return known[len(applied):], nil
}

// Migrate brings the schema up to date, in one transaction. Servers that start together do it one after the other.
func (s *Store) Migrate(ctx context.Context) error {
	known, err := migrations()
	if err != nil {
		return err
	}
	if err := s.checkSchema(ctx); !errors.Is(err, ErrSchemaOld) {
		return err
	}
	d := s.engine.dialect()
	if err := s.engine.script(ctx, func(ses session) error {
		if _, err := ses.exec(ctx, migrationTable, nil); err != nil {
			return err
		}
		_, err := ses.exec(ctx, migrationQueue, nil)
		return err
	}); err != nil {
		return err
	}
	applied := 0
	err = s.engine.script(ctx, func(ses session) error {
		r := &Reader{session: ses}
		var version int
		if err := r.one(ctx, migrationWait, nil, &version); err != nil {
			return err
		}
		seen, err := all(ctx, r, migrationList, nil, scanMigration)
		if err != nil {
			return err
		}
		pending, err := pendingMigrations(known, seen)
		if err != nil {
			return err
		}
		for _, m := range pending {
			if err := applyMigration(ctx, ses, d, m); err != nil {
				return fmt.Errorf("store: migration %s: %w", m.name, err)
			}
			if _, err := ses.exec(ctx, migrationInsert, []any{m.version, m.name, m.checksum, s.now()}); err != nil {
				return err
			}
		}
		applied = len(pending)
		return nil
	})
	if err == nil {
		s.log.InfoContext(ctx, "database migrated", "engine", s.Engine(), "migrations", applied, "version", len(known))
	}
	return err
}

// applyMigration runs a file's statements, each of which ends with a semicolon at the end of a line.
func applyMigration(ctx context.Context, ses session, d *dialect, m migration) error {
	for text := range strings.SplitSeq(m.text, ";\n") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		st := &statement{id: unprepared}
		st.texts[d.index] = d.sql(text)
		if _, err := ses.exec(ctx, st, nil); err != nil {
			return err
		}
	}
	return nil
}
