package trail

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"cognate/internal/audit/intake"
	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// BenchmarkRecords stores records of concurrent requests. It reports the records of a second and
// how many records share a transaction.
func BenchmarkRecords(b *testing.B) {
	for name, options := range map[string]func(testing.TB) store.Options{
		"sqlite":   func(b testing.TB) store.Options { return store.Options{Path: filepath.Join(b.TempDir(), "x.db")} },
		"postgres": func(b testing.TB) store.Options { return store.Options{URL: pgtest.Database(b)} },
	} {
		b.Run(name, func(b *testing.B) {
			o := options(b)
			o.Now, o.Migrate = time.Now, true
			patience.Extend(&o.StatementTimeout)
			st, err := store.Open(b.Context(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = st.Close() }()
			kek, err := keys.ParseKEK(keys.GenerateKEK())
			if err != nil {
				b.Fatal(err)
			}
			r := &rig{store: st, clock: &clock{now: time.Now()}}
			if r.ring, _, err = keys.OpenRing(b.Context(), kek, nil, time.Now()); err != nil {
				b.Fatal(err)
			}
			log := slog.New(slog.DiscardHandler)
			in := intake.New(st, "audit trail", log)
			n := New(Deps{Store: st, Ring: r.ring, Intake: in, AccountID: "123456789012", Now: r.clock.Now, Patience: time.Minute, Retention: time.Hour, Log: log})
			defer func() { _ = in.Close(context.WithoutCancel(b.Context())) }()
			next := make(chan struct{})
			var wg sync.WaitGroup
			for range 256 {
				wg.Go(func() {
					for range next {
						if err := r.call(n, "AdminDeleteUser", "sub-1"); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ReportAllocs()
			before := cpuTime()
			for b.Loop() {
				next <- struct{}{}
			}
			close(next)
			wg.Wait()
			// The database's own time is in it for SQLite, and not for PostgreSQL.
			b.ReportMetric(float64((cpuTime()-before).Microseconds())/float64(b.N), "cpu-µs/record")
			b.ReportMetric(float64(in.Rows())/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(in.Rows())/float64(in.Batches()), "records/batch")
		})
	}
}

// cpuTime returns the CPU time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkRecord makes a record, and stores nothing.
func BenchmarkRecord(b *testing.B) {
	e := &store.AuditEvent{At: time.Now(), Kind: KindCall, Source: "cognito-idp.amazonaws.com", Name: "InitiateAuth", PoolID: pool, Sub: "sub-1"}
	b.ReportAllocs()
	var end position
	for b.Loop() {
		seal(e, &details{Account: "123456789012"}, &personal{SourceIP: "192.0.2.7"})
		end = appendRecord(end, e)
	}
}
