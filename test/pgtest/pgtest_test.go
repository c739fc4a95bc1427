package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"cognate/test/pgtest"
)

func TestDatabase(t *testing.T) {
	t.Parallel()
	var first, second string
	t.Run("two of them", func(t *testing.T) {
		first, second = pgtest.Database(t), pgtest.Database(t)
		if first == second {
			t.Fatal("two tests share a database")
		}
		for _, u := range []string{first, second} {
			conn, err := pgx.Connect(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			var encoding, collation string
			var tables int
			err = conn.QueryRow(t.Context(), `SELECT pg_encoding_to_char(encoding), datcollate,
				(SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public')
				FROM pg_database WHERE datname = current_database()`).Scan(&encoding, &collation, &tables)
			if err != nil {
				t.Fatal(err)
			}
			if encoding != "UTF8" || collation != "C" || tables != 0 {
				t.Errorf("encoding %s, collation %s, %d tables; want UTF8, C, 0", encoding, collation, tables)
			}
		}
	})
	// The subtest's cleanup has run.
	for _, u := range []string{first, second} {
		if conn, err := pgx.Connect(t.Context(), u); err == nil {
			conn.Close(t.Context())
			t.Errorf("%s was not dropped", u)
		}
	}
}
