package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrNotEmbedded means that PostgreSQL cannot do what only the embedded database can.
var ErrNotEmbedded = errors.New("only the embedded database can do this, not PostgreSQL")

// tableList lists the tables with data, by dialect.
var tableList = [2]string{
	"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations'",
	"SELECT CAST(tablename AS TEXT) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename <> 'schema_migrations'",
}

// Empty deletes every row of every table, in one transaction. The schema stays. It is for development servers.
func (s *Store) Empty(ctx context.Context) error {
	d := s.engine.dialect()
	once := func(text string) *statement {
		st := &statement{id: unprepared}
		st.texts[d.index] = text
		return st
	}
	return s.engine.script(ctx, func(ses session) error {
		var tables []string
		if err := ses.query(ctx, once(tableList[d.index]), nil, func(r row) error {
			var name string
			err := r.scan(&name)
			tables = append(tables, name)
			return err
		}); err != nil {
			return err
		}
		for _, name := range tables {
			if _, err := ses.exec(ctx, once(`DELETE FROM "`+name+`"`), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// quickCheck answers ok for a whole file.
var quickCheck = prepare("PRAGMA quick_check(1)")

// Verify reports what is wrong with the file of the embedded database. It reads the whole file.
func (s *Store) Verify(ctx context.Context) error {
	e := s.engine
	if o, ok := e.(*observed); ok {
		e = o.engine
	}
	if _, ok := e.(*sqliteEngine); !ok {
		return ErrNotEmbedded
	}
	return e.query(ctx, quickCheck, nil, func(r row) error {
		var answer string
		if err := r.scan(&answer); err != nil || answer == "ok" {
			return err
		}
		return errors.New("the file of the database is damaged: " + answer)
	})
}

// copyInto writes a copy of the database to a new file.
var copyInto = prepare("VACUUM INTO ?")

// Copy writes a copy of the embedded database to a new file, which has no log of its own. Reads go on, and
// changes wait until it ends. The copy replaces a file of that name in one step.
func (s *Store) Copy(ctx context.Context, path string) (err error) {
	e := s.engine
	if o, ok := e.(*observed); ok {
		e = o.engine
	}
	embedded, ok := e.(*sqliteEngine)
	if !ok {
		return ErrNotEmbedded
	}
	c, err := newSQLiteConn(ctx, embedded.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	unfinished := path + ".new"
	if err := os.Remove(unfinished); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := c.exec(ctx, copyInto, []any{unfinished}); err != nil {
		return fmt.Errorf("the database was not copied: %w", err)
	}
	if err := os.Chmod(unfinished, 0o600); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}
