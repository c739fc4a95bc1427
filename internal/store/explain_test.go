package store

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cognate/test/pgtest"
)

// whole are the statements that may read a whole table: one that is small, or has no index on purpose.
var whole = map[*statement]bool{
	customDomainCount: true, accessKeyList: true, dataKeyList: true, dataKeyClear: true, doomedList: true, migrationList: true, migrationWait: true, messagesAll: true,
	// Cut by primary key or by few rows of a pool and put into order then.
	memberGroups: true,
}

func openForPlans(t *testing.T, o Options) *Store {
	t.Helper()
	o.Now, o.Migrate = func() time.Time { return time.UnixMilli(1_750_000_000_000) }, true
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func planned(st *statement) bool {
	word, _, _ := strings.Cut(st.text, " ")
	return (word == "SELECT" || word == "WITH" || word == "UPDATE" || word == "DELETE") && st != pingStatement && !whole[st]
}

// TestPlansSQLite asks for the plan of every statement: none scans a table, none sorts more than a page.
func TestPlansSQLite(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	err := s.engine.view(t.Context(), func(ses session) error {
		for _, st := range registry {
			if !planned(st) {
				continue
			}
			text := st.texts[dialectSQLite.index]
			args := make([]any, strings.Count(text, "?"))
			for i := range args {
				args[i] = 1
			}
			if err := ses.query(t.Context(), prepareOnce("EXPLAIN QUERY PLAN "+text, dialectSQLite), args, func(r row) error {
				step, _ := r[3].(string)
				scan := strings.HasPrefix(step, "SCAN") && !few.MatchString(step)
				if scan || strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
					t.Errorf("%s\n\t%s", step, text)
				}
				return nil
			}); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// few are the names of subqueries that end by a LIMIT, and what SQLite calls a subquery without a name.
var few = regexp.MustCompile(`^SCAN (CONSTANT ROW|sample|queue|due|\(subquery)`)

func prepareOnce(text string, d *dialect) *statement {
	st := &statement{id: unprepared, text: text, reads: true}
	st.texts[d.index] = text
	return st
}

// TestPlansPostgres does the same with the plan that serves every value of the parameters. The tables are empty: even
// then no plan may depend on that.
func TestPlansPostgres(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{URL: pgtest.Database(t)})
	db := s.engine.(*postgresEngine).db
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx := context.WithoutCancel(t.Context())
	if _, err := conn.ExecContext(ctx, "SET plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for i, st := range registry {
		if !planned(st) {
			continue
		}
		text := st.texts[dialectPostgres.index]
		name := fmt.Sprintf("plan_%d", i)
		if _, err := conn.ExecContext(ctx, "PREPARE "+name+" AS "+text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		explain := "EXPLAIN EXECUTE " + name
		if n := strings.Count(st.text, "?") + strings.Count(st.text, "{limit}"); n > 0 {
			explain += "(" + strings.TrimSuffix(strings.Repeat("'1', ", n), ", ") + ")"
		}
		rows, err := conn.QueryContext(ctx, explain)
		if err != nil {
			t.Fatalf("%s: %v", explain, err)
		}
		var plan []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "\n")
		if strings.Contains(all, "Seq Scan") || strings.Contains(all, "Sort Key") {
			t.Errorf("%s\n%s", text, all)
		}
	}
}
