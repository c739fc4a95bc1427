package faults_test

import (
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgcluster"
	"cognate/test/pgtest"
)

// onCluster starts a development server with a private listener on a cluster that the test may stop.
func onCluster(t *testing.T, limit time.Duration) (*node, client, *pgcluster.Cluster) {
	t.Helper()
	cluster := pgtest.Start(t)
	c := dev(t)
	c.Database, c.DatabaseTimeout, c.PrivateListen = server.Secret(cluster.URL), limit, "127.0.0.1:0"
	c.RequestTimeout = 4 * limit
	n := start(t, c)
	return n, newClient(t, "http://"+n.PrivateAddr()), cluster
}

// status fetches a page and returns the status of its answer.
func (c client) status(t testing.TB, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if err := res.Write(&text); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, text.String()
}

// TestProbesOfAFrozenDatabase stops PostgreSQL where it is. The probes answer while a sign-in still waits for it.
func TestProbesOfAFrozenDatabase(t *testing.T) {
	t.Parallel()
	n, private, cluster := onCluster(t, 25*time.Second)
	pool := n.newPool(t)
	app := n.newApp(t, pool)
	n.newUser(t, pool, "alice")
	patience.Until(t, "the server is ready", func() bool { code, _ := private.status(t, "/readyz"); return code == http.StatusOK })
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.signIn(t, app, "alice", password)
	}()
	for range 3 {
		if code, text := private.status(t, "/readyz"); code != http.StatusServiceUnavailable {
			t.Errorf("readyz while the database is frozen: %d %s", code, text)
		}
		if code, _ := private.status(t, "/healthz"); code != http.StatusOK {
			t.Errorf("healthz while the database is frozen: %d", code)
		}
		if _, text := private.status(t, "/metrics"); !strings.Contains(text, "cognate_database_gauges_age_seconds") || !strings.Contains(text, "cognate_outbox_messages 0") {
			t.Errorf("metrics while the database is frozen: %.300s", text)
		}
	}
	select {
	case <-ended:
		t.Error("a sign-in ended before the probes did")
	default:
	}
	if err := cluster.Thaw(); err != nil {
		t.Fatal(err)
	}
	<-ended
	patience.Until(t, "sign-ins again", func() bool { return n.signIn(t, app, "alice", password).Status == http.StatusOK })
	patience.Until(t, "the server is ready again", func() bool { code, _ := private.status(t, "/readyz"); return code == http.StatusOK })
}

// TestRequestsOfAFrozenDatabase has many more requests than connections meet a frozen PostgreSQL: they end soon, those
// after them at once, and a stop waits neither for the database nor for a profile.
func TestRequestsOfAFrozenDatabase(t *testing.T) {
	t.Parallel()
	n, private, cluster := onCluster(t, 2*time.Second)
	pool := n.newPool(t)
	app := n.newApp(t, pool)
	n.newUser(t, pool, "alice")
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		if a := n.signIn(t, app, "alice", password); a.Code != "InternalErrorException" {
			t.Errorf("a sign-in while the database is frozen: %v", a)
		}
	}
	// One connection after the other, each for 2 s, these would take minutes.
	began := time.Now()
	var requests sync.WaitGroup
	for range 300 {
		requests.Go(refused)
	}
	requests.Wait()
	for range 100 {
		refused()
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("400 sign-ins were refused after %v", took)
	}
	if !strings.Contains(n.log.String(), "the database does not answer") {
		t.Error("the log does not say that the database does not answer")
	}
	patience.Until(t, "the metrics say that the database does not answer", func() bool {
		_, text := private.status(t, "/metrics")
		return strings.Contains(text, "cognate_database_up 0")
	})
	if err := cluster.Thaw(); err != nil {
		t.Fatal(err)
	}
	patience.Until(t, "sign-ins again", func() bool { return n.signIn(t, app, "alice", password).Status == http.StatusOK })

	profile := make(chan error, 1)
	go func() {
		_, err := private.get(t.Context(), "/debug/pprof/goroutine?seconds=50")
		profile <- err
	}()
	patience.Until(t, "the profile is being made", func() bool {
		_, text := private.status(t, "/debug/pprof/goroutine?debug=1")
		return strings.Contains(text, "net/http/pprof.collectProfile") || strings.Contains(text, "serveDeltaProfile")
	})
	if err := n.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if <-profile == nil {
		t.Error("the server waited for a profile")
	}
}

// TestStopWithAFrozenDatabase ends a server by SIGTERM while a request waits for a frozen PostgreSQL, whose statements
// may take longer than the server's end.
func TestStopWithAFrozenDatabase(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	p := launch(t, "", "dev", "--database", cluster.URL, "--listen", "127.0.0.1:0", "--private-listen", "off", "--allow-unsigned",
		"--database-timeout", "2m", "--request-timeout", "5m", "--shutdown-timeout", "1s")
	pool := p.newPool(t)
	app := p.newApp(t, pool)
	p.newUser(t, pool, "alice")
	p.signIn(t, app, "alice", "wrong") // a count that is only in memory
	if err := cluster.Freeze(); err != nil {
		t.Fatal(err)
	}
	var requests sync.WaitGroup
	requests.Go(func() { p.signIn(t, app, "alice", password) })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(time.Minute):
		t.Errorf("a minute after SIGTERM the server is still there\n%s", p.out)
		p.kill(t)
	}
	requests.Wait()
	if err := cluster.Thaw(); err != nil {
		t.Fatal(err)
	}
}
