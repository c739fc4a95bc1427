package trail

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/audit/intake"
	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rig is a database with the keys of its records.
type rig struct {
	store *store.Store
	ring  *keys.Ring
	clock *clock
	log   *strings.Builder
	db    *sql.DB // beside the store, as somebody who tampers has it
	nodes []*Trail
}

// engines runs a test with each engine.
func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "x.db")
		test(t, newRig(t, store.Options{Path: path}, "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := pgtest.Database(t)
		test(t, newRig(t, store.Options{URL: url}, "pgx", url))
	})
}

func newRig(t *testing.T, o store.Options, driver, dsn string) *rig {
	t.Helper()
	r := &rig{clock: &clock{now: time.UnixMilli(1_790_000_000_000)}, log: &strings.Builder{}}
	o.Now, o.Migrate, o.RunTwice = time.Now, true, o.Path != ""
	patience.Extend(&o.StatementTimeout)
	var err error
	if r.store, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.store.Close() })
	if r.db, err = sql.Open(driver, dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.db.Close() })
	kek, err := keys.ParseKEK(keys.GenerateKEK())
	if err != nil {
		t.Fatal(err)
	}
	if r.ring, _, err = keys.OpenRing(t.Context(), kek, nil, r.clock.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// node returns the trail of a process. It ends with the test.
func (r *rig) node(t *testing.T) *Trail {
	t.Helper()
	log := slog.New(slog.NewTextHandler(&lockedWriter{w: r.log}, nil))
	in := intake.New(r.store, "audit trail", log)
	n := New(Deps{
		Store: r.store, Ring: r.ring, Intake: in, AccountID: "123456789012", Now: r.clock.Now, Patience: time.Minute,
		Retention: 48 * time.Hour, Log: log,
	})
	t.Cleanup(func() { _ = in.Close(context.WithoutCancel(t.Context())) })
	r.nodes = append(r.nodes, n)
	return n
}

type lockedWriter struct {
	mu sync.Mutex
	w  *strings.Builder
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

// exec runs SQL text behind the store's back.
func (r *rig) exec(t *testing.T, format string, args ...any) {
	t.Helper()
	if _, err := r.db.ExecContext(t.Context(), fmt.Sprintf(format, args...)); err != nil {
		t.Fatal(err)
	}
}

const pool = "us-east-1_pool"

// call records an operation about a user.
func (r *rig) call(n *Trail, op, sub string) error {
	request := &api.Request{ID: keys.NewUUID(), Time: r.clock.Now(), SourceIP: "192.0.2.7", UserAgent: "agent/1", Host: "id.example.com", Region: "us-east-1"}
	ctx, event := audit.With(api.WithRequest(context.Background(), request))
	event.SetPool(pool)
	event.SetTarget(sub)
	return n.RecordCall(ctx, &Call{
		Operation: idp.Operations[op], Input: &idp.AdminGetUserRequest{UserPoolId: pool, Username: "alice"},
		Caller: Caller{Type: CallerUser, ID: "AIDA", ARN: "arn:aws:iam::123456789012:user/ops", Name: "ops", AccessKey: "AKIAAAAAAAAAAAAAAAAA"},
	})
}

// calls records n operations.
func (r *rig) calls(t *testing.T, node *Trail, n int) {
	t.Helper()
	for range n {
		if err := r.call(node, "AdminDeleteUser", "sub-1"); err != nil {
			t.Fatal(err)
		}
	}
}

// verify returns the findings as kind, chain's number and records.
func (r *rig) verify(t *testing.T, n *Trail, outside *Checkpoint) (string, *Report) {
	t.Helper()
	report, err := n.Verify(t.Context(), outside)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintf(&b, "%s %d %d; ", f.Kind, f.From, f.To)
	}
	return strings.TrimSuffix(b.String(), "; "), report
}
