package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bySweepUploads is the one table whose rows mark nothing: it holds what is left of files.
const bySweepUploads = "import_uploads"

// TestRowsOutliveTheirTime asks the schema for the tables whose rows expire: a sweep by a clock that is minutes ahead
// leaves each of their rows, and a later one removes it. A new table is in this test when it has its column.
func TestRowsOutliveTheirTime(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	texts := func(text string, args ...any) (list []string) {
		t.Helper()
		err := s.engine.view(t.Context(), func(ses session) error {
			return ses.query(t.Context(), prepareOnce(text, dialectSQLite), args, func(r row) error {
				list = append(list, fmt.Sprint(r[0]))
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	at := time.UnixMilli(1_750_000_000_000)
	tables := texts("SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'expires_at' ORDER BY 1")
	for _, known := range []string{"spent", "rotated", "families", "counters", "codes", "passkey_challenges", "sign_in_states", "forgotten_devices", "user_sessions"} {
		if !strings.Contains(" "+strings.Join(tables, " ")+" ", " "+known+" ") {
			t.Errorf("the test does not find %s among %v", known, tables)
		}
	}
	for _, table := range tables {
		if table == bySweepUploads {
			continue
		}
		t.Run(table, func(t *testing.T) {
			columns := texts("SELECT type || ' ' || name FROM pragma_table_info(?)", table)
			args := make([]any, len(columns))
			for i, c := range columns {
				switch args[i] = 0; {
				case strings.HasSuffix(c, "_at"):
					args[i] = at.UnixMilli()
				case strings.HasPrefix(c, "BLOB"):
					args[i] = []byte{1}
				case strings.HasPrefix(c, "TEXT"):
					args[i] = "x"
				}
			}
			insert := "INSERT INTO " + table + " VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
			if err := s.Update(t.Context(), func(tx *Tx) error {
				_, err := tx.session.exec(t.Context(), prepareOnce(insert, dialectSQLite), args)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for _, sweep := range []struct {
				after time.Duration
				want  string
			}{{5 * time.Second, "1"}, {10 * time.Minute, "1"}, {SpentRoom - time.Millisecond, "1"}, {SpentRoom, "0"}} {
				if _, err := s.Sweep(t.Context(), at.Add(sweep.after), 1000); err != nil {
					t.Fatal(err)
				}
				if got := texts("SELECT COUNT(*) FROM " + table); got[0] != sweep.want {
					t.Errorf("%s rows are left %v after their time, want %s", got[0], sweep.after, sweep.want)
				}
			}
		})
	}
}

// TestSweepGoesOn: rows that cannot be removed do not keep the other kinds from their turn.
func TestSweepGoesOn(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	ctx, at := t.Context(), time.UnixMilli(1_750_000_000_000)
	if err := s.Update(ctx, func(tx *Tx) error {
		trigger := "CREATE TRIGGER stuck BEFORE DELETE ON codes BEGIN SELECT RAISE(ABORT, 'stuck'); END"
		if _, err := tx.session.exec(ctx, prepareOnce(trigger, dialectSQLite), nil); err != nil {
			return err
		}
		return errors.Join(tx.PutCode(ctx, Code{PoolID: "p", UserID: "u", Purpose: "x", ExpiresAt: at}), tx.Spend(ctx, "p", [32]byte{1}, at))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sweep(ctx, at.Add(SpentRoom), 1000); err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("the fault is not told: %v", err)
	}
	if spent, err := s.Spent(ctx, "p", [32]byte{1}); spent || err != nil {
		t.Errorf("a later kind of rows was not swept: %v", err)
	}
}
