package faults_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgcluster"
)

// replicated makes a primary and a standby that follows it.
func replicated(t *testing.T) (primary, standby *pgcluster.Cluster) {
	t.Helper()
	closed := func(c *pgcluster.Cluster, err error) *pgcluster.Cluster {
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	primary = closed(pgcluster.New(t.Context(), pgcluster.Replicated))
	return primary, closed(primary.Standby(t.Context()))
}

// countOn runs a query that counts on one cluster.
func countOn(t *testing.T, c *pgcluster.Cluster, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFailover freezes the primary and promotes its standby. The server finds the standby although the old primary still
// takes connections, and stays there.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary, standby := replicated(t)
	c := dev(t)
	c.Database, c.DatabaseTimeout = server.Secret(pgcluster.HostsURL(primary, standby)), 4*time.Second
	n := start(t, c)
	pool := n.newPool(t)
	app := n.newApp(t, pool)
	n.newUser(t, pool, "alice")
	n.tokens(t, app, "alice")
	patience.Until(t, "the standby has all", func() bool {
		return countOn(t, primary, "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()") == 1
	})

	if err := primary.Freeze(); err != nil {
		t.Fatal(err)
	}
	if a := n.signIn(t, app, "alice", password); a.Code != "InternalErrorException" {
		t.Errorf("a sign-in while the primary is frozen: %v", a)
	}
	if err := standby.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	patience.Until(t, "sign-ins on the promoted standby", func() bool { return n.signIn(t, app, "alice", password).Status == http.StatusOK })
	n.newUser(t, pool, "bob")
	n.tokens(t, app, "bob")
	if got := countOn(t, standby, "SELECT count(*) FROM users"); got != 2 {
		t.Errorf("%d users on the promoted standby, want 2", got)
	}
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	n.tokens(t, app, "alice")
}
