package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cognate/test/patience"
	"cognate/test/pgtest"
)

var engineOptions = map[string]func(testing.TB) Options{
	"sqlite": func(t testing.TB) Options {
		return Options{Path: filepath.Join(t.TempDir(), "x.db"), Now: time.Now, StatementTimeout: patience.Limit}
	},
	"postgres": func(t testing.TB) Options {
		return Options{URL: pgtest.Database(t), Now: time.Now, StatementTimeout: patience.Limit}
	},
}

func TestSchema(t *testing.T) {
	t.Parallel()
	for name, options := range engineOptions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, o := t.Context(), options(t)
			s, err := Open(ctx, o)
			if !errors.Is(err, ErrSchemaOld) || s == nil {
				t.Fatalf("an empty database: %v", err)
			}
			for range 2 {
				if err := s.Migrate(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Update(ctx, func(tx *Tx) error { return tx.SetMeta(ctx, "x", nil) }); err != nil {
				t.Fatal(err)
			}
			alter := func(text string) {
				t.Helper()
				st := &statement{id: unprepared, texts: [2]string{text, text}}
				if err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, st) }); err != nil {
					t.Fatal(err)
				}
			}
			reopen := func(want error) {
				t.Helper()
				for _, o.Migrate = range []bool{false, true} {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					again, err := Open(ctx, o)
					if !errors.Is(err, want) {
						t.Errorf("opened with %v, want %v", err, want)
					}
					o := o
					o.Migrate = false
					if again == nil {
						// Go on with the store, past the check.
						again = &Store{now: o.Now}
						if o.Path != "" {
							again.engine, err = openSQLite(ctx, o)
						} else {
							again.engine, err = openPostgres(ctx, o)
						}
						if err != nil {
							t.Fatal(err)
						}
						again.session = again.engine
					}
					s = again
				}
			}
			reopen(nil)
			alter("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (9999, '9999_future', '', 0)")
			reopen(ErrSchemaNew)
			alter("DELETE FROM schema_migrations WHERE version = 9999")
			alter("UPDATE schema_migrations SET checksum = 'other' WHERE version = 1")
			reopen(ErrSchemaChanged)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMigrateAtOnce starts several servers on one empty PostgreSQL.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	o := engineOptions["postgres"](t)
	o.Migrate = true
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestMigrationIsAtomic breaks a migration in its middle: nothing of it stays.
func TestMigrationIsAtomic(t *testing.T) {
	t.Parallel()
	for name, options := range engineOptions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, o := t.Context(), options(t)
			o.Migrate = true
			s, err := Open(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			broken := migration{text: "CREATE TABLE half (a {int});\nCREATE TABLE half (a {int});\n"}
			err = s.engine.script(ctx, func(ses session) error { return applyMigration(ctx, ses, s.engine.dialect(), broken) })
			if err == nil {
				t.Error("a broken migration succeeded")
			}
			half := &statement{id: unprepared, text: "SELECT a FROM half", texts: [2]string{"SELECT a FROM half", "SELECT a FROM half"}}
			err = s.engine.query(context.WithoutCancel(ctx), half, nil, func(row) error { return nil })
			if !isNoTable(err) {
				t.Errorf("the table of the broken migration: %v", err)
			}
		})
	}
}

// TestAccessKeysGetUsers migrates a database with access keys that are older than users. Keys whose names differ only by
// case share a user.
func TestAccessKeysGetUsers(t *testing.T) {
	t.Parallel()
	for name, options := range engineOptions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s, err := Open(ctx, options(t))
			if !errors.Is(err, ErrSchemaOld) || s == nil {
				t.Fatalf("an empty database: %v", err)
			}
			defer func() { _ = s.Close() }()
			known, err := migrations()
			if err != nil {
				t.Fatal(err)
			}
			d := s.engine.dialect()
			upTo := func(keep func(version int) bool) {
				err := s.engine.script(ctx, func(ses session) error {
					for _, m := range known {
						if !keep(m.version) {
							continue
						}
						if err := applyMigration(ctx, ses, d, m); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			upTo(func(version int) bool { return version < 150 })
			const insert = "INSERT INTO access_keys (id, principal_arn, name, version, secret, doc, created_at) VALUES (?, 'arn:1', ?, 1, ?, ?, 1000)"
			old := &statement{id: unprepared, texts: [2]string{dialectSQLite.sql(insert), dialectPostgres.sql(insert)}}
			for id, name := range map[string]string{"AKIABBBBBBBBBBBBBBBB": "ci", "AKIAAAAAAAAAAAAAAAAA": "CI", "AKIACCCCCCCCCCCCCCCC": "ops"} {
				if err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, old, id, name, []byte{1}, []byte("{}")) }); err != nil {
					t.Fatal(err)
				}
			}
			upTo(func(version int) bool { return version >= 150 })
			users, err := s.IAMEntities(ctx, IAMUser, "", 10)
			if err != nil || len(users) != 2 || users[0].Key != "ci" || users[0].ID != "AIDAAAAAAAAAAAAAAAAA" || users[0].Name != "CI" || users[1].Name != "ops" {
				t.Errorf("users: %+v, %v", users, err)
			}
			list, err := s.AccessKeysOf(ctx, "ci", 10)
			if err != nil || len(list) != 2 {
				t.Errorf("keys: %+v, %v", list, err)
			}
		})
	}
}
