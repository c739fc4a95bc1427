package faults_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"cognate/internal/server"
	"cognate/test/rows"
)

// openDatabase looks into a server's database past the server.
func openDatabase(t testing.TB, c server.Config) *sql.DB {
	t.Helper()
	driver, source := "pgx", string(c.Database)
	if source == "" {
		driver = "sqlite"
		source = (&url.URL{Scheme: "file", Path: filepath.Join(c.Data, "cognate.db"), RawQuery: "mode=ro&_pragma=busy_timeout(10000)"}).String()
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// unhurried are tables that the server writes a while after the request, for many requests at once: who was active.
var unhurried = []string{"active_counts", "active_months", "active_users"}

// dump returns what is in each table: the number of rows and a digest.
func dump(t testing.TB, c server.Config, leaveOut ...string) map[string]string {
	t.Helper()
	db := openDatabase(t, c)
	defer db.Close()
	query := "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if c.Database != "" {
		query = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public'"
	}
	out := map[string]string{}
	for _, row := range rows.Of(t, db, query) {
		name := fmt.Sprint(row[0])
		if slices.Contains(leaveOut, name) || slices.Contains(unhurried, name) {
			continue
		}
		var lines []string
		for _, r := range rows.Of(t, db, "SELECT * FROM "+name) {
			lines = append(lines, fmt.Sprintf("%q", r))
		}
		slices.Sort(lines)
		sum := sha256.Sum256(fmt.Append(nil, lines))
		out[name] = fmt.Sprintf("%d rows %s", len(lines), hex.EncodeToString(sum[:8]))
	}
	if len(out) < 10 {
		t.Fatalf("tables: %v", out)
	}
	return out
}

// number reads one number.
func number(t testing.TB, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(context.WithoutCancel(t.Context()), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
