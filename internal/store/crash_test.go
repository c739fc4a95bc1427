package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cognate/internal/store"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// crashEnv makes the test binary the process that is killed: it names the database.
const crashEnv = "COGNATE_STORE_TEST_CRASH"

func TestMain(m *testing.M) {
	if target := os.Getenv(crashEnv); target != "" {
		if err := writeUntilKilled(target); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func crashOptions(target string) store.Options {
	if strings.HasPrefix(target, "postgres:") {
		return store.Options{URL: target, Now: clock, Migrate: true}
	}
	return store.Options{Path: target, Now: clock, Migrate: true}
}

// pair writes two rows that belong together.
func pair(ctx context.Context, s *store.Store, id string) error {
	return s.Update(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.SetMeta(ctx, "a"+id, []byte(id)), tx.SetMeta(ctx, "b"+id, []byte(id)))
	})
}

// writeUntilKilled prints the number of each pair once it is acknowledged.
func writeUntilKilled(target string) error {
	ctx := context.Background()
	o := crashOptions(target)
	patience.Extend(&o.StatementTimeout)
	s, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	var next atomic.Int64
	failed := make(chan error)
	var out sync.Mutex
	for range 8 {
		go func() {
			for {
				id := fmt.Sprint(next.Add(1))
				if err := pair(ctx, s, id); err != nil {
					failed <- err
					return
				}
				out.Lock()
				_, err := fmt.Println(id)
				out.Unlock()
				if err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// TestKilled kills a server under load with SIGKILL: nothing that it acknowledged is lost, nothing is half done.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]func(testing.TB) store.Options{"sqlite": sqliteOptions, "postgres": postgresOptions} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			target := o.Path + o.URL
			last := 0
			for round := range 3 {
				acknowledged := killUnderLoad(t, target, 300)
				s := open(t, crashOptions(target))
				for _, id := range acknowledged {
					if v, err := s.Meta(t.Context(), "b"+id); err != nil || string(v) != id {
						t.Fatalf("round %d: pair %s was acknowledged: %q, %v", round, id, v, err)
					}
				}
				for i := range len(acknowledged) + 100 {
					_, errA := s.Meta(t.Context(), fmt.Sprint("a", i))
					_, errB := s.Meta(t.Context(), fmt.Sprint("b", i))
					if (errA == nil) != (errB == nil) {
						t.Fatalf("pair %d is half done: %v, %v", i, errA, errB)
					}
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				last += len(acknowledged)
			}
			t.Logf("%d acknowledged", last)
		})
	}
}

// killUnderLoad runs this binary as the writer, kills it after so many acknowledgements, and answers all there were.
func killUnderLoad(t *testing.T, target string, after int) (acknowledged []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+target)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n') // what the pipe still holds at the end was acknowledged, too
		if err != nil {
			break
		}
		if acknowledged = append(acknowledged, strings.TrimSuffix(line, "\n")); len(acknowledged) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); len(acknowledged) < after {
		t.Fatalf("the writer ended early: %v\n%s", err, complaint.String())
	}
	return acknowledged
}

// TestServerOutage crashes PostgreSQL itself under load and starts it again: errors while it is away, recovery by
// itself, and nothing lost that was acknowledged.
func TestServerOutage(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	s := open(t, store.Options{URL: cluster.URL})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var next, acknowledged atomic.Int64
	var seen sync.Map
	refused := make(chan error, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				id := fmt.Sprint(next.Add(1))
				switch err := pair(ctx, s, id); {
				case err == nil:
					seen.Store(id, true)
					acknowledged.Add(1)
				case ctx.Err() != nil:
				case errors.Is(err, store.ErrUnavailable):
					select {
					case refused <- err:
					default:
					}
				default:
					t.Errorf("during the outage: %v", err)
				}
			}
		})
	}
	await := func(n int64) {
		for from := acknowledged.Load(); acknowledged.Load() < from+n && ctx.Err() == nil; {
			if err := s.Ping(ctx); err != nil {
				t.Errorf("ping: %v", err)
				return
			}
		}
	}
	await(100)
	for _, away := range []func() error{func() error { return cluster.Stop(ctx) }, cluster.Kill} {
		select {
		case <-refused:
		default:
		}
		if err := away(); err != nil {
			t.Fatal(err)
		}
		<-refused
		if err := s.Ping(ctx); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("ping while the server is away: %v", err)
		}
		if err := cluster.Start(ctx); err != nil {
			t.Fatal(err)
		}
		await(100)
	}
	cancel()
	wg.Wait()
	seen.Range(func(id, _ any) bool {
		for _, half := range []string{"a", "b"} {
			if _, err := s.Meta(t.Context(), fmt.Sprint(half, id)); err != nil {
				t.Errorf("pair %s was acknowledged: %v", id, err)
			}
		}
		return !t.Failed()
	})
}
