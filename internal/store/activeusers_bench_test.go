package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"cognate/test/patience"
)

// BenchmarkActiveUsers reads the number of active users of a pool with many, and counts users of it. COGNATE_BENCH_ACTIVE
// says how many; the default is 100,000.
func BenchmarkActiveUsers(b *testing.B) {
	n := 100_000
	if v, err := strconv.Atoi(os.Getenv("COGNATE_BENCH_ACTIVE")); err == nil {
		n = v
	}
	at := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	s, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "x.db"), Now: func() time.Time { return at }, Migrate: true, StatementTimeout: patience.Limit})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	began := time.Now()
	const part = 250_000
	for from := 0; from < n; from += part {
		fill := prepareOnce(`WITH RECURSIVE g(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM g WHERE i + 1 < ?)
			INSERT INTO active_users (pool_id, month, user_id, client_id, federated)
			SELECT 'us-east-1_Big000000', 202611, printf('%08x-0000-4000-8000-000000000000', i), '', 0 FROM g`, dialectSQLite)
		err := s.engine.update(WithStatementTimeout(b.Context(), time.Hour), func(ses session) error {
			_, err := ses.exec(b.Context(), fill, []any{from, min(from+part, n)})
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Update(b.Context(), func(tx *Tx) error {
		for i := range 3 * activeShards {
			if err := tx.addActive(b.Context(), &ActiveCount{PoolID: "us-east-1_Big000000", Month: 202611, ClientID: []string{"", "a", "b"}[i%3], Users: int64(n / 100)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rows in %s", n, time.Since(began).Round(time.Second))
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if c, err := s.ActiveUsers(b.Context(), "us-east-1_Big000000", 202611, ""); err != nil || c.Users == 0 {
				b.Fatal(c, err)
			}
		}
	})
	b.Run("count 256", func(b *testing.B) {
		i := 0
		for b.Loop() {
			err := s.Update(b.Context(), func(tx *Tx) error {
				for range 256 {
					i += 7919
					id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", i%n)
					if _, _, err := tx.countActive(b.Context(), ActiveUser{PoolID: "us-east-1_Big000000", Month: 202611, UserID: id, Federated: true}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
