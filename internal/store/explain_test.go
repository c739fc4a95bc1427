package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/test/patience"
	"cognate/test/pgtest"
)

// whole are the statements that may read a whole table: one that is small, or has no index on purpose.
var whole = map[*statement]bool{
	customDomainCount: true, accessKeyList: true, dataKeyList: true, dataKeyClear: true, deletedList: true, migrationList: true, migrationWait: true, messagesAll: true,
	// Cut by primary key or by few rows of a pool and put into order then.
	memberGroups: true,
	// Quotas of the account keep entities and their links few.
	iamEntityCount: true,
	// The categories of operations are few.
	provisionedList: true,
}

// poolWalks are the statements that may read a pool's rows from the newest on and leave some out: the inbox of
// development.
var poolWalks = map[*statement]bool{messageOfPool: true}

// fewPerPool are the tables of which quotas keep a pool's rows few.
var fewPerPool = []string{"clients", "domains", "items", "pools", "signing_keys", "import_jobs", "directories", "directory_tokens"}

// postgresOnly are the statements that SQLite does not know.
var postgresOnly = map[*statement]bool{serverSettings: true}

// unplanned are the first words of statements that have no plan.
var unplanned = []string{"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "CREATE", "VACUUM"}

func openForPlans(t *testing.T, o Options) *Store {
	t.Helper()
	o.Now, o.Migrate = func() time.Time { return time.UnixMilli(1_750_000_000_000) }, true
	patience.Extend(&o.StatementTimeout)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// planned returns the statements that have a plan: all of the registry but those of transactions and of the schema.
func planned(t *testing.T) []*statement {
	t.Helper()
	var list []*statement
	for _, st := range registry {
		word, _, _ := strings.Cut(st.text, " ")
		switch {
		case slices.Contains(unplanned, word) || st == pingStatement:
		case slices.Contains([]string{"SELECT", "WITH", "INSERT", "UPDATE", "DELETE"}, word):
			list = append(list, st)
		default:
			t.Errorf("no plan is known for statements such as %s", st.text)
		}
	}
	return list
}

// TestPlansSQLite asks for the plan of every statement: none scans a table, none sorts more than a page.
func TestPlansSQLite(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	statements := planned(t)
	err := s.engine.view(t.Context(), func(ses session) error {
		for _, st := range statements {
			if whole[st] || postgresOnly[st] {
				continue
			}
			text := st.texts[dialectSQLite.index]
			args := make([]any, strings.Count(text, "?"))
			for i := range args {
				args[i] = 1
			}
			if err := ses.query(t.Context(), prepareOnce("EXPLAIN QUERY PLAN "+text, dialectSQLite), args, func(r row) error {
				step, _ := r[3].(string)
				if fault := faultOfStep(st, step); fault != "" {
					t.Errorf("%s: %s\n\t%s", fault, step, text)
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

// few are the names of subqueries that have few rows, and what SQLite calls a subquery without a name.
var few = regexp.MustCompile(`^SCAN (CONSTANT ROW|\d+-ROW VALUES CLAUSE|sample|taken|queue|due|found|names|\(subquery)`)

func faultOfStep(_ *statement, step string) string {
	switch {
	case strings.HasPrefix(step, "SCAN") && !few.MatchString(step):
		return "reads a whole table"
	case strings.Contains(step, "TEMP B-TREE"), strings.Contains(step, "AUTOMATIC"):
		return "sorts"
	}
	return ""
}

func prepareOnce(text string, d *dialect) *statement {
	st := &statement{id: unprepared, text: text, reads: true}
	st.texts[d.index] = text
	return st
}

// TestPlansPostgres does the same with the plan that serves every value of the parameters: when the tables are empty,
// and with the statistics of tables of which one pool has almost all rows.
func TestPlansPostgres(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{URL: pgtest.Database(t)})
	statements := planned(t)
	conn, err := s.engine.(*postgresEngine).db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	indexes := readIndexes(t, conn)
	checkPlans(t, conn, statements, indexes, "empty")
	fillTables(t, conn)
	checkPlans(t, conn, statements, indexes, "full")
}

func checkPlans(t *testing.T, conn *sql.Conn, statements []*statement, indexes map[string]index, tables string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for i, st := range statements {
		text := st.texts[dialectPostgres.index]
		name := fmt.Sprintf("plan_%s_%d", tables, i)
		if _, err := conn.ExecContext(ctx, "PREPARE "+name+" AS "+text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		explain := "EXPLAIN (FORMAT JSON) EXECUTE " + name
		if n := strings.Count(st.text, "?") + strings.Count(st.text, "{limit}"); n > 0 {
			explain += "(" + strings.TrimSuffix(strings.Repeat("'1', ", n), ", ") + ")"
		}
		var plan string
		if err := conn.QueryRowContext(ctx, explain).Scan(&plan); err != nil {
			t.Fatalf("%s: %v", explain, err)
		}
		var parsed []struct{ Plan planNode }
		if err := json.Unmarshal([]byte(plan), &parsed); err != nil {
			t.Fatal(err)
		}
		if whole[st] {
			continue
		}
		for _, fault := range parsed[0].Plan.faults(indexes, false) {
			if !poolWalks[st] {
				t.Errorf("%s tables: %s\n\t%s", tables, fault, text)
			}
		}
	}
}

// A planNode is a step of PostgreSQL's plan.
type planNode struct {
	NodeType  string `json:"Node Type"`
	Relation  string `json:"Relation Name"`
	Index     string `json:"Index Name"`
	IndexCond string `json:"Index Cond"`
	Filter    string
	Plans     []planNode
}

// faults lists what makes a plan's cost grow with the size of a pool. A LIMIT above a step bounds the rows that the step
// hands on, but not the rows that its filter leaves out.
func (n *planNode) faults(indexes map[string]index, limited bool) []string {
	var list []string
	switch n.NodeType {
	case "Index Scan", "Index Only Scan":
		if fault := n.indexFault(indexes[n.Index], limited); fault != "" {
			list = append(list, fmt.Sprintf("%s: %s by %s, filter %s", fault, n.Index, n.IndexCond, n.Filter))
		}
	case "Seq Scan", "Sort", "Incremental Sort", "Hash", "Bitmap Heap Scan", "Bitmap Index Scan":
		list = append(list, n.NodeType+" "+n.Relation)
	}
	for i := range n.Plans {
		list = append(list, n.Plans[i].faults(indexes, limited || n.NodeType == "Limit")...)
	}
	return list
}

// indexFault judges the walk of an index. Its condition must bind the first columns of the index without a gap, to more
// than the pool alone.
func (n *planNode) indexFault(i index, limited bool) string {
	bound, ranged := 0, false
	for bound < len(i.columns) && !ranged {
		column := i.columns[bound]
		equal := strings.Contains(n.IndexCond, "("+column+" = ")
		ranged = !equal && regexp.MustCompile(`\(`+column+` (<|>|<=|>=) |\(ROW\(`+column+`, `).MatchString(n.IndexCond)
		if !equal && !ranged {
			break
		}
		bound++
	}
	columns := i.columns[:bound]
	fewRows := i.unique && bound == len(i.columns) && !ranged || // one row
		slices.Contains(columns, "user_id") || slices.Contains(fewPerPool, n.Relation)
	switch {
	case fewRows:
		return ""
	case n.Filter != "" && !harmless.MatchString(n.Filter):
		return "leaves out rows that it has read"
	case slices.ContainsFunc(i.columns[bound:], func(c string) bool { return strings.Contains(n.IndexCond, "("+c+" ") }):
		return "leaves out entries between those that it wants"
	case !limited && (bound == 0 || slices.Equal(columns, []string{"pool_id"})):
		return "reads a whole pool"
	}
	return ""
}

// harmless are filters that leave out few rows: the condition of the index itself, which a statement that locks checks
// again, and the rest of a comparison of rows of which the index has the first column.
var harmless = regexp.MustCompile(`^(\(queued = 1\)|\(ROW\(username_key, id\) > ROW\(\$2, \$3\)\))$`)

// An index is what pg_indexes says of it.
type index struct {
	unique  bool
	columns []string
}

func readIndexes(t *testing.T, conn *sql.Conn) map[string]index {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	definition := regexp.MustCompile(`^CREATE( UNIQUE)? INDEX .* USING btree \(([a-z_, ]+)\)`)
	list := map[string]index{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		parts := definition.FindStringSubmatch(text)
		if parts == nil {
			t.Fatalf("index %s is not understood: %s", name, text)
		}
		list[name] = index{unique: parts[1] != "", columns: strings.Split(parts[2], ", ")}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

// fillTables puts some thousand rows into every table, almost all of one pool, and lets PostgreSQL count them.
func fillTables(t *testing.T, conn *sql.Conn) {
	t.Helper()
	const fill = `SELECT 'INSERT INTO ' || table_name || ' (' || string_agg(column_name, ', ') || ') SELECT ' || string_agg(
		CASE WHEN column_name = 'pool_id' THEN 'CASE WHEN g % 20 > 0 THEN ''big'' ELSE g::text END'
			WHEN column_name IN ('enabled', 'queued') THEN 'g % 2'
			WHEN column_name = 'active' THEN '0'
			WHEN column_name IN ('status', 'kind', 'lane', 'medium', 'purpose', 'state') THEN '(g % 3)::text'
			WHEN data_type = 'bytea' THEN 'decode(md5(g::text), ''hex'')'
			WHEN data_type = 'bigint' THEN 'g'
			ELSE 'md5(g::text)' END, ', ') || ' FROM generate_series(1000, 3000) AS g'
		FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migrations' GROUP BY table_name`
	ctx := context.WithoutCancel(t.Context())
	rows, err := conn.QueryContext(ctx, fill)
	if err != nil {
		t.Fatal(err)
	}
	var inserts []string
	for rows.Next() {
		var insert string
		if err := rows.Scan(&insert); err != nil {
			t.Fatal(err)
		}
		inserts = append(inserts, insert)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, text := range append(inserts, "ANALYZE") {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// TestEveryStatementIsPlanned finds no statement that the registry does not have. Migrations change the schema only.
func TestEveryStatementIsPlanned(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	maySay := map[string]string{"prepare": "dialect.go", "applyMigration": "migrate.go", "Empty": "empty.go"} // Empty is for development servers.
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, _ := d.(*ast.FuncDecl)
			if fn != nil && maySay[fn.Name.Name] == name {
				continue
			}
			ast.Inspect(d, func(n ast.Node) bool {
				literal, _ := n.(*ast.CompositeLit)
				if literal == nil {
					return true
				}
				if made, ok := literal.Type.(*ast.Ident); ok && made.Name == "statement" {
					t.Errorf("%s makes a statement that TestPlansPostgres does not know", name)
				}
				return true
			})
		}
	}
}
