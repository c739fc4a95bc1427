package trail

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/audit/intake"
	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// crashEnv holds the database and the key-encryption key of a process that records until it is
// killed.
const crashEnv = "COGNATE_TEST_TRAIL"

func TestMain(m *testing.M) {
	if target := os.Getenv(crashEnv); target != "" {
		fmt.Fprintln(os.Stderr, recordForever(target))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func crashOptions(database string) store.Options {
	o := store.Options{Now: time.Now, Migrate: true, Path: database}
	if strings.HasPrefix(database, "postgres") {
		o.Path, o.URL = "", database
	}
	return o
}

// openTrail opens a trail on a database, with keys that need no row.
func openTrail(ctx context.Context, target string) (*Trail, *store.Store, error) {
	database, kekText, _ := strings.Cut(target, "|")
	kek, err := keys.ParseKEK(kekText)
	if err != nil {
		return nil, nil, err
	}
	o := crashOptions(database)
	patience.Extend(&o.StatementTimeout)
	st, err := store.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	records, err := st.DataKeys(ctx)
	if err != nil {
		return nil, nil, err
	}
	var wrapped []keys.WrappedKey
	for _, r := range records {
		wrapped = append(wrapped, keys.WrappedKey{Purpose: keys.Purpose(r.Purpose), ID: 1, Wrapped: r.Wrapped, CreatedAt: r.CreatedAt})
	}
	ring, added, err := keys.OpenRing(ctx, kek, wrapped, time.Now())
	if err != nil {
		return nil, nil, err
	}
	err = st.Update(ctx, func(tx *store.Tx) error {
		for _, w := range added {
			if err := tx.InsertDataKey(ctx, store.DataKey{Purpose: string(w.Purpose), ID: "1", Wrapped: w.Wrapped, CreatedAt: w.CreatedAt}); err != nil {
				return err
			}
		}
		return nil
	})
	log := slog.New(slog.DiscardHandler)
	return New(Deps{
		Store: st, Ring: ring, Intake: intake.New(st, "audit trail", log), AccountID: "123456789012", Now: time.Now, Patience: time.Minute,
		Retention: 24 * time.Hour, Log: log,
	}), st, err
}

// recordForever records, and prints the id of each request after its answer.
func recordForever(target string) error {
	n, _, err := openTrail(context.Background(), target)
	if err != nil {
		return err
	}
	var out sync.Mutex
	failed := make(chan error)
	for range 8 {
		go func() {
			for {
				request := &api.Request{ID: keys.NewUUID(), Time: time.Now(), SourceIP: "192.0.2.7"}
				ctx, _ := audit.With(api.WithRequest(context.Background(), request))
				// A sign-in is answered also if it is lost, so that only an answered change proves it.
				if err := n.RecordCall(ctx, &Call{Operation: idp.Operations["AdminDeleteUser"], Caller: Caller{Type: CallerRoot}}); err != nil {
					failed <- err
					return
				}
				out.Lock()
				fmt.Println(request.ID)
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// TestKilled kills a process that records, and wants the record of every answered request.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]string{"sqlite": t.TempDir() + "/x.db", "postgres": pgtest.Database(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := database + "|" + keys.GenerateKEK()
			for range 2 {
				answered := killAfter(t, target, 200)
				n, st, err := openTrail(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range answered {
					if found, err := n.Search(t.Context(), &Query{RequestID: id}, nil, 2); err != nil || len(found.Events) != 1 {
						t.Fatalf("request %s was answered: %d records, %v", id, len(found.Events), err)
					}
				}
				report, err := n.Verify(t.Context(), nil)
				if err != nil || len(report.Findings) > 0 {
					t.Errorf("%+v, %v", report, err)
				}
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// killAfter runs this binary as a process that records, kills it after so many answers, and
// returns the ids of all answered requests.
func killAfter(t *testing.T, target string, after int) (answered []string) {
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
		line, err := r.ReadString('\n') // What the pipe still holds was answered, too.
		if err != nil {
			break
		}
		if answered = append(answered, strings.TrimSuffix(line, "\n")); len(answered) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); len(answered) < after {
		t.Fatalf("the process ended early: %v\n%s", err, complaint.String())
	}
	return answered
}
