package pgcluster_test

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cognate/test/patience"
	"cognate/test/pgcluster"
)

// TestLife drives one cluster through what tests do to it: a crash keeps what
// was committed, a stopped server refuses, Close leaves nothing.
func TestLife(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, err := pgcluster.New(ctx, pgcluster.Durable)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exec1(t, c.URL, "CREATE TABLE kept (n int)")
	exec1(t, c.URL, "INSERT INTO kept VALUES (1)")

	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(ctx); err != nil {
		t.Fatalf("start after a crash: %v", err)
	}
	if got := count(t, c.URL); got != 1 {
		t.Errorf("rows after a crash = %d, want 1", got)
	}
	if err := c.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(ctx, c.URL); err == nil {
		conn.Close(ctx)
		t.Error("a stopped server took a connection")
	}
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if got := count(t, c.URL); got != 1 {
		t.Errorf("rows after a restart = %d, want 1", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(socketDir(t, c.URL)); !os.IsNotExist(err) {
		t.Errorf("the cluster's folder is still there: %v", err)
	}
}

// TestMakerKilled ends the process that made a cluster with SIGKILL: the
// server and its folder must go all the same.
func TestMakerKilled(t *testing.T) {
	if os.Getenv("PGCLUSTER_MAKER") != "" {
		c, err := pgcluster.New(t.Context(), pgcluster.Volatile)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("url=" + c.URL + "\n")
		select {}
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMakerKilled$")
	cmd.Env = append(os.Environ(), "PGCLUSTER_MAKER=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	dir := socketDir(t, strings.TrimSpace(strings.TrimPrefix(string(buf[:n]), "url=")))
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err != nil {
		t.Fatalf("no server runs: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // Its status is our SIGKILL.
	waitGone(t, dir)
}

func waitGone(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience.Limit)
	for {
		select {
		case <-tick.C:
			if _, err := os.Stat(dir); os.IsNotExist(err) {
				return
			}
		case <-late:
			var left []string
			_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
				left = append(left, path)
				return nil
			})
			t.Fatalf("%d files are left in %s", len(left), dir)
		}
	}
}

func socketDir(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	dir := u.Query().Get("host")
	if dir == "" {
		t.Fatalf("no socket folder in %q", rawURL)
	}
	return dir
}

func exec1(t *testing.T, rawURL, statement string) {
	t.Helper()
	conn := connect(t, rawURL)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, rawURL string) int {
	t.Helper()
	conn := connect(t, rawURL)
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM kept").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func connect(t *testing.T, rawURL string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
