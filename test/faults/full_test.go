//go:build linux

package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"cognate/internal/server"
	"cognate/test/rows"
)

// TestNoSpace lets a server's files grow no further: the system answers its
// writes with an error, as that of a full disk does. Then there is space again.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	c := server.Config{Data: t.TempDir()}
	p := launch(t, "", programArgs(c)...)
	pool := p.newPool(t)
	app := p.newApp(t, pool)
	p.newUser(t, pool, "alice")
	access, _, _ := p.tokens(t, app, "alice")

	var promised []string
	signUp := func(i int) answer {
		name := fmt.Sprintf("u%d", i)
		a := p.call(t, "SignUp", object{"ClientId": app, "Username": name, "Password": password,
			"UserAttributes": []object{{"Name": "email", "Value": name + "@example.com"}}})
		if a.Status == http.StatusOK {
			promised = append(promised, name)
		}
		return a
	}
	space := func(bytes uint64) {
		limit := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
			t.Fatal(err)
		}
	}
	next := 0
	for range 2 {
		info, err := os.Stat(filepath.Join(c.Data, "cognate.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		space(uint64(info.Size()) + 64<<10)
		refused := 0
		for range 60 {
			next++
			a := signUp(next)
			if a.Status == http.StatusOK {
				if refused > 0 && refused < 3 {
					t.Logf("a smaller write fitted after %d refusals", refused)
				}
				continue
			}
			refused++
			if a.Err != nil || a.Code != "InternalErrorException" {
				t.Fatalf("without space: %v", a)
			}
		}
		if refused == 0 {
			t.Fatal("there was space")
		}
		// What writes nothing goes on.
		p.must(t, "GetUser", object{"AccessToken": access})
		p.must(t, "AdminGetUser", object{"UserPoolId": pool, "Username": "alice"})
		p.tokens(t, app, "alice")
		if text := p.out.String(); !strings.Contains(text, "no space left") && !strings.Contains(text, "disk I/O error") {
			t.Errorf("the log does not say why: %s", text)
		}
		space(unix.RLIM_INFINITY)
		next++
		if a := signUp(next); a.Status != http.StatusOK {
			t.Fatalf("with space again: %v", a)
		}
	}
	users := number(t, openDatabase(t, c), "SELECT COUNT(*) FROM users")
	if users != len(promised)+1 {
		t.Errorf("%d users, promised are %d", users, len(promised)+1)
	}
	p.stop(t)
	p.noPanic(t)
	again := launch(t, "", programArgs(c)...)
	for _, name := range promised {
		again.must(t, "AdminGetUser", object{"UserPoolId": pool, "Username": name})
	}
	if got := fmt.Sprint(rows.Of(t, openDatabase(t, c), "PRAGMA integrity_check")); got != "[[ok]]" {
		t.Errorf("integrity: %s", got)
	}
	again.stop(t)
}
