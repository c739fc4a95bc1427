package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// TestDatabaseAway crashes PostgreSQL under load and starts it again, twice. The
// server stays as it is.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Start(t)
	c := dev(t)
	c.Database = server.Secret(cluster.URL)
	c.RequestTimeout = 30 * time.Second // the clients wait for more
	n := start(t, c)
	pool := n.newPool(t)
	app := n.newApp(t, pool)
	n.newUser(t, pool, "alice")

	var mu sync.Mutex
	var promised []string
	var good, bad atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				name := fmt.Sprintf("u%d-%d", i, k)
				a := n.call(t, "SignUp", object{"ClientId": app, "Username": name, "Password": password})
				switch {
				case a.Err != nil:
					t.Errorf("the server does not answer while its database is away: %v", a)
					return
				case a.Status == http.StatusOK:
					mu.Lock()
					promised = append(promised, name)
					mu.Unlock()
					good.Add(1)
				case a.Status == http.StatusInternalServerError && a.Code == "InternalErrorException":
					bad.Add(1)
				default:
					t.Errorf("%s: %v", name, a)
				}
			}
		})
	}
	more := func(n *atomic.Int64) func() bool {
		from := n.Load()
		return func() bool { return n.Load() >= from+20 }
	}
	for range 2 {
		patience.Until(t, "sign-ups", more(&good))
		if err := cluster.Kill(); err != nil {
			t.Fatal(err)
		}
		patience.Until(t, "errors while the database is away", more(&bad))
		if text, err := n.get(t.Context(), "/_cognate/health"); err != nil || text == `{"status":"ok"}`+"\n" {
			t.Errorf("health while the database is away: %s %v", text, err)
		}
		if err := cluster.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		patience.Until(t, "sign-ups again", more(&good))
	}
	cancel()
	running.Wait()
	for _, name := range promised {
		n.must(t, "AdminGetUser", object{"UserPoolId": pool, "Username": name})
	}
	n.tokens(t, app, "alice")
	if text, err := n.get(t.Context(), "/_cognate/health"); err != nil || text != `{"status":"ok"}`+"\n" {
		t.Errorf("health: %s %v", text, err)
	}
	t.Logf("%d sign-ups, %d refused", len(promised), bad.Load())
}
