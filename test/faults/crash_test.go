package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/rows"
)

// load is people and an administrator at work, and what they were promised.
type load struct {
	client
	pool, app string

	mu        sync.Mutex
	attempted map[string]bool   // users that may be there
	promised  map[string]string // users that must be there, with their least status
	nicknames map[string]int    // the last value that was acknowledged
	tried     map[string]int    // the last value that was sent
	done      int
	enough    chan struct{} // closed when there is something to lose
}

const (
	workers    = 32
	enoughWork = 240
)

func newLoad(t *testing.T, c client) *load {
	t.Helper()
	l := &load{client: c, attempted: map[string]bool{}, promised: map[string]string{}, nicknames: map[string]int{}, tried: map[string]int{}, enough: make(chan struct{})}
	l.pool = c.must(t, "CreateUserPool", object{"PoolName": "people", "AutoVerifiedAttributes": []string{"email"}, "AliasAttributes": []string{"email"}}).text("UserPool", "Id")
	l.app = c.newApp(t, l.pool)
	return l
}

// work goes on until ctx ends or the server is gone.
func (l *load) work(ctx context.Context, t *testing.T, i int) {
	person := fmt.Sprintf("w%d", i)
	if !l.step(t, "AdminCreateUser", object{"UserPoolId": l.pool, "Username": person, "MessageAction": "SUPPRESS"}, person, "FORCE_CHANGE_PASSWORD") ||
		!l.step(t, "AdminSetUserPassword", object{"UserPoolId": l.pool, "Username": person, "Password": password, "Permanent": true}, person, "CONFIRMED") {
		return
	}
	a := l.signIn(t, l.app, person, password)
	token := a.text("AuthenticationResult", "AccessToken")
	if a.Err != nil {
		return
	}
	for k := 1; ctx.Err() == nil; k++ {
		name, made := fmt.Sprintf("u%d-%d", i, k), fmt.Sprintf("a%d-%d", i, k)
		email := []object{{"Name": "email", "Value": name + "@example.com"}}
		if !l.step(t, "SignUp", object{"ClientId": l.app, "Username": name, "Password": password, "UserAttributes": email}, name, "UNCONFIRMED") {
			return
		}
		code, ok := l.mailed(ctx, t, name)
		if !ok || !l.step(t, "ConfirmSignUp", object{"ClientId": l.app, "Username": name, "ConfirmationCode": code}, name, "CONFIRMED") ||
			!l.step(t, "AdminCreateUser", object{"UserPoolId": l.pool, "Username": made, "TemporaryPassword": password, "MessageAction": "SUPPRESS"}, made, "FORCE_CHANGE_PASSWORD") {
			return
		}
		l.note(func() { l.tried[person] = k })
		a := l.call(t, "UpdateUserAttributes", object{"AccessToken": token, "UserAttributes": []object{{"Name": "nickname", "Value": fmt.Sprint(k)}}})
		if !l.fine(t, "UpdateUserAttributes", a) {
			return
		}
		l.note(func() { l.nicknames[person] = k })
	}
}

func (l *load) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// step is one call about a user; it reports whether it was acknowledged.
func (l *load) step(t *testing.T, operation string, in object, name, status string) bool {
	l.note(func() { l.attempted[name] = true })
	if !l.fine(t, operation, l.call(t, operation, in)) {
		return false
	}
	l.note(func() {
		l.promised[name] = status
		if l.done++; l.done == enoughWork {
			close(l.enough)
		}
	})
	return true
}

// fine tells success from a server that is gone; an answer that is a refusal is
// a fault.
func (l *load) fine(t *testing.T, operation string, a answer) bool {
	if a.Err == nil && a.Status != http.StatusOK {
		t.Errorf("%s under load: %v", operation, a)
	}
	return a.Err == nil && a.Status == http.StatusOK
}

// mailed waits for a person's code.
func (l *load) mailed(ctx context.Context, t *testing.T, name string) (string, bool) {
	res, err := l.get(ctx, "/_cognate/inbox?wait=5s&pool="+l.pool+"&username="+name)
	if err != nil {
		return "", false
	}
	_, rest, found := strings.Cut(res, `"code":"`)
	code, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Errorf("%s has no mail: %s", name, res)
	}
	return code, found
}

// kept checks the promises, and that what was not promised is whole or not there.
func (l *load) kept(t *testing.T, c client, config server.Config) {
	t.Helper()
	if len(l.promised) < enoughWork/4 {
		t.Fatalf("only %d users", len(l.promised))
	}
	rank := map[string]int{"UNCONFIRMED": 1, "FORCE_CHANGE_PASSWORD": 1, "CONFIRMED": 2}
	for name, status := range l.promised {
		a := c.call(t, "AdminGetUser", object{"UserPoolId": l.pool, "Username": name})
		if got := a.text("UserStatus"); rank[got] < rank[status] {
			t.Errorf("%s was promised to be %s: %v", name, status, a)
		}
	}
	for person, least := range l.nicknames {
		a := c.call(t, "AdminGetUser", object{"UserPoolId": l.pool, "Username": person})
		ok := false
		for v := least; v <= l.tried[person]; v++ {
			ok = ok || strings.Contains(a.Text, fmt.Sprintf(`"nickname","Value":"%d"`, v))
		}
		if !ok {
			t.Errorf("%s was promised nickname %d: %v", person, least, a)
		}
	}
	// One confirmed person signs in by the alias that the confirmation gave.
	tries := 0
	for name, status := range l.promised {
		if status == "CONFIRMED" && name[0] == 'u' && tries < 5 {
			tries++
			if a := c.signIn(t, l.app, name+"@example.com", password); a.Status != http.StatusOK {
				t.Errorf("sign-in by the alias of %s: %v", name, a)
			}
		}
	}
	db := openDatabase(t, config)
	if n := number(t, db, "SELECT COUNT(*) FROM users"); n < len(l.promised) || n > len(l.attempted) {
		t.Errorf("%d users; %d were promised and %d tried", n, len(l.promised), len(l.attempted))
	}
	if n := number(t, db, "SELECT COUNT(*) FROM messages WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.pool_id = messages.pool_id AND users.id = messages.user_id)"); n != 0 {
		t.Errorf("%d messages to nobody", n)
	}
	signedUp := "SELECT COUNT(*) FROM users WHERE username_key LIKE 'u%'"
	if n := number(t, db, signedUp+" AND (SELECT COUNT(*) FROM messages WHERE users.pool_id = messages.pool_id AND users.id = messages.user_id) <> 1"); n != 0 {
		t.Errorf("%d people signed up without their one message", n)
	}
	if n := number(t, db, signedUp+" AND (status = 'CONFIRMED') <> (alias_email IS NOT NULL)"); n != 0 {
		t.Errorf("%d people are half confirmed: status and alias differ", n)
	}
	if config.Database == "" {
		if got := fmt.Sprint(rows.Of(t, db, "PRAGMA integrity_check")); got != "[[ok]]" {
			t.Errorf("integrity: %s", got)
		}
	}
}

// programArgs is a development server as a program of its own.
func programArgs(c server.Config) []string {
	args := []string{"dev", "--listen", "127.0.0.1:0", "--private-listen", "off", "--allow-unsigned", "--log-level", "warn",
		"--issuer-base", "http://localhost", "--data", c.Data}
	args = append(args, patience.Flags()...)
	if c.Database != "" {
		args = append(args, "--database", string(c.Database))
	}
	return args
}

// TestCrashUnderLoad kills the program in the middle of its work, and TestStop…
// asks it to end.
func TestCrashUnderLoad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		postgres bool
		end      func(p *process, t testing.TB)
	}{
		{"kill, sqlite", false, (*process).kill},
		{"kill, postgres", true, (*process).kill},
		{"terminate, sqlite", false, (*process).stop},
		{"terminate, postgres", true, (*process).stop},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := server.Config{Data: t.TempDir()}
			if tt.postgres {
				c.Database = server.Secret(pgtest.Database(t))
			}
			p := launch(t, "", programArgs(c)...)
			l := newLoad(t, p.client)
			var running sync.WaitGroup
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for i := range workers {
				running.Go(func() { l.work(ctx, t, i) })
			}
			stopped := make(chan struct{})
			go func() {
				running.Wait()
				close(stopped)
			}()
			select {
			case <-l.enough:
			case <-stopped:
			}
			tt.end(p, t)
			cancel()
			<-stopped
			p.noPanic(t)
			again := launch(t, "", programArgs(c)...)
			l.kept(t, again.client, c)
			again.stop(t)
		})
	}
}
