//go:build linux

package faults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/rows"
)

// TestNoSpaceDuringImport lets a server's files grow no further while people are
// imported. The job waits, and ends as exactly as any other when there is space.
func TestNoSpaceDuringImport(t *testing.T) {
	t.Parallel()
	c := server.Config{Data: t.TempDir()}
	p := launch(t, "", programArgs(c)...)
	pool := p.newPool(t)
	app := p.newApp(t, pool)
	p.newUser(t, pool, "alice")
	space := func(bytes uint64) {
		limit := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
			t.Fatal(err)
		}
	}
	job := p.startImport(t, pool, importRows)
	stuck := func() importCounts {
		// Where it stands still, there is no space: no other batch can be smaller.
		last := p.imported(t, pool, job)
		for same := 0; same < 20; {
			now := p.imported(t, pool, job)
			if same++; now != last {
				last, same = now, 0
			}
			p.tokens(t, app, "alice") // sign-ins go on
		}
		return last
	}
	patience.Until(t, "some lines are read", func() bool { return p.imported(t, pool, job).Users[0] > 500 })
	size := uint64(0)
	for _, name := range []string{"cognate.db", "cognate.db-wal"} {
		info, err := os.Stat(filepath.Join(c.Data, name))
		if err != nil {
			t.Fatal(err)
		}
		size = max(size, uint64(info.Size()))
	}
	space(size + 64<<10)
	at := stuck()
	if at.Status != "InProgress" || at.Users[0] >= importRows*9/10 {
		t.Fatalf("without space: %v", at)
	}
	p.refused(t, "UserImportInProgressException", "DeleteUserPool", object{"UserPoolId": pool})
	space(unix.RLIM_INFINITY)
	p.awaitImport(t, pool, job, importRows)
	if users := number(t, openDatabase(t, c), "SELECT COUNT(*) FROM users"); users != importRows*9/10+1 {
		t.Errorf("%d users", users)
	}
	p.stop(t)
	p.noPanic(t)
	again := launch(t, "", programArgs(c)...)
	if got := fmt.Sprint(rows.Of(t, openDatabase(t, c), "PRAGMA integrity_check")); got != "[[ok]]" {
		t.Errorf("integrity: %s", got)
	}
	again.stop(t)
}
