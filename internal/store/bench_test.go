package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cognate/internal/store"
	"cognate/internal/store/storetest"
)

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writes is how often this process has called write.
func writes() (n int64) {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "syscw: %d", &n)
	}
	return n
}

// measure runs fn b.N times by so many goroutines and reports the CPU time of the process for each.
func measure(b *testing.B, clients int, fn func(i int) error) {
	b.Helper()
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	before, written := cpu(), writes()
	done := make(chan error, clients)
	for range clients {
		go func() {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					done <- nil
					return
				}
				if err := fn(int(i)); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	after := writes()
	b.ReportMetric(float64(after-written)/float64(b.N), "writes/op")
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

func engines(b *testing.B, run func(b *testing.B, s *store.Store)) {
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": sqliteOptions, "postgres": postgresOptions} {
		b.Run(name, func(b *testing.B) { run(b, open(b, options(b))) })
	}
}

var profile = []byte(`{"attributes":{"email":"user@example.com","email_verified":"true","given_name":"A","family_name":"B","custom:tenant":"0123456789"}}`)

func benchUser(i int) store.User {
	at := storetest.Now.Add(time.Duration(i) * time.Millisecond)
	u := store.User{
		PoolID: "us-east-1_AbCdEfGhI", ID: fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(i)*2654435761, i&0xffff, i),
		Status: "UNCONFIRMED", Enabled: true, CreatedAt: at, ModifiedAt: at, Email: new(fmt.Sprintf("%08x@example.com", uint32(i)*2654435761)),
		Profile: profile, Credential: make([]byte, 480),
	}
	u.Username = u.ID
	u.UsernameKey = u.ID
	return u
}

func BenchmarkInsert(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			engines(b, func(b *testing.B, s *store.Store) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				measure(b, clients, func(i int) error {
					return s.Update(ctx, func(tx *store.Tx) error {
						return tx.SetMeta(ctx, fmt.Sprintf("%08x", uint32(i)*2654435761), profile)
					})
				})
			})
		})
	}
}

func BenchmarkSignUp(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			engines(b, func(b *testing.B, s *store.Store) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				measure(b, clients, func(i int) error {
					u := benchUser(i)
					return s.Update(ctx, func(tx *store.Tx) error {
						if err := tx.InsertUser(ctx, u, []store.Name{{Kind: store.NameEmail, Value: *u.Email}}); err != nil {
							return err
						}
						if err := tx.PutCode(ctx, store.Code{PoolID: u.PoolID, UserID: u.ID, Purpose: "sign-up", Target: "email", ExpiresAt: u.CreatedAt}); err != nil {
							return err
						}
						return tx.InsertMessage(ctx, store.Message{ID: u.ID, PoolID: u.PoolID, UserID: u.ID, Username: u.Username, Medium: "EMAIL", To: *u.Email,
							Body: profile, NextAt: u.CreatedAt, CreatedAt: u.CreatedAt, ExpiresAt: u.CreatedAt})
					})
				})
			})
		})
	}
}

// users is how many BenchmarkRead reads from: COGNATE_BENCH_USERS, to see that the cost stays flat.
func users(b *testing.B) int {
	text := os.Getenv("COGNATE_BENCH_USERS")
	if text == "" {
		return 1000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func BenchmarkRead(b *testing.B) {
	n := users(b)
	engines(b, func(b *testing.B, s *store.Store) {
		start, before := time.Now(), cpu()
		if _, err := s.BulkUsers(b.Context(), func(yield func(store.LoadUser) bool) {
			for i := range n {
				u := benchUser(i)
				if !yield(store.LoadUser{User: u, Names: []store.Name{{Kind: store.NameEmail, Value: *u.Email}}}) {
					return
				}
			}
		}); err != nil {
			b.Fatal(err)
		}
		b.Logf("%d users loaded in %v, %v of CPU", n, time.Since(start), cpu()-before)
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		for _, row := range []struct {
			name string
			read func(u store.User) error
		}{
			{"point", func(u store.User) error { _, err := s.User(ctx, u.PoolID, u.ID); return err }},
			{"token", func(u store.User) error { _, _, err := s.UserForToken(ctx, u.PoolID, u.ID, u.ID); return err }},
			{"username", func(u store.User) error { _, _, err := s.LookupUser(ctx, u.PoolID, u.UsernameKey, ""); return err }},
			{"alias", func(u store.User) error { _, _, err := s.LookupUser(ctx, u.PoolID, "none", *u.Email); return err }},
			{"list", func(u store.User) error {
				_, err := s.ListUsers(ctx, u.PoolID, store.UserQuery{Attr: "email", Op: "^=", Value: (*u.Email)[:2], Limit: 4})
				return err
			}},
			{"estimate", func(u store.User) error { _, err := s.EstimateUsers(ctx, u.PoolID); return err }},
			{"version", func(store.User) error {
				if _, err := s.PoolVersion(ctx, "none"); err != store.ErrNotFound {
					return err
				}
				return nil
			}},
		} {
			for _, clients := range []int{1, 32} {
				b.Run(fmt.Sprint(row.name, "/", clients), func(b *testing.B) {
					measure(b, clients, func(i int) error { return row.read(benchUser(i * 7919 % n)) })
				})
			}
		}
	})
}
