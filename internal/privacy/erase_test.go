package privacy_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"cognate/internal/privacy"
	"cognate/test/serving"
)

// TestErase erases a person who has used every feature, and searches the whole database: nothing of
// the person is left, and everything of other people is.
func TestErase(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		l := r.live(t)
		others := []string{r.liveOther(t, l)}
		before, _ := r.search(t, others)
		out, errs := serving.Run(t, nil, r.command("user", "erase", "--pool", l.pool, "--user", username, "--yes")...)
		for _, want := range []string{l.sub, "devices", "messages", "authorization_codes", "people (Created)", "backups"} {
			if !strings.Contains(out, want) {
				t.Errorf("the output lacks %q:\n%s", want, out)
			}
		}
		r.wantGone(t, l)
		after, examples := r.search(t, others)
		for table, n := range before {
			if after[table] < n { // Counts that were in memory may have been added.
				t.Errorf("%s had %d rows of the other person, and has %d: %s", table, n, after[table], examples[table])
			}
		}
		// Without the embedded database, the command does the work and logs it.
		if log := r.Log.String() + errs; !strings.Contains(log, "erase-user") || strings.Contains(log, username) || strings.Contains(log, email) {
			t.Error("the log has the name of the person, or no line of the erasure")
		}
		// It can be run again by the sub, and finds nothing.
		again, _ := serving.Run(t, nil, r.command("user", "erase", "--pool", l.pool, "--user", l.sub, "--yes")...)
		if !strings.Contains(again, "users") {
			t.Errorf("again: %s", again)
		}
		code, _, refused := serving.Command(t, nil, r.command("user", "erase", "--pool", l.pool, "--user", username, "--yes")...)
		if code == 0 || !strings.Contains(refused, privacy.ErrNoUser.Error()) {
			t.Errorf("exit %d, %s", code, refused)
		}
	})
}

// wantGone fails if the database, or a file of the embedded one, has what identifies the person.
func (r *rig) wantGone(t *testing.T, l *life) {
	t.Helper()
	found, examples := r.search(t, l.terms)
	for table, n := range found {
		t.Errorf("%s has %d rows of the person: %s", table, n, examples[table])
	}
	if r.Config.Database != "" {
		return
	}
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(r.Config.Data + "/cognate.db" + suffix)
		if err != nil && (suffix == "" || !errors.Is(err, os.ErrNotExist)) {
			t.Fatal(err)
		}
		content = bytes.ToLower(content)
		for _, term := range l.terms {
			if term == address { // of administrators, too
				continue
			}
			if at := bytes.Index(content, []byte(strings.ToLower(term))); at >= 0 {
				t.Errorf("cognate.db%s has %q at %d", suffix, term, at)
			}
		}
	}
}

// liveOther makes another person with a device session, an identity and a message, and returns the
// sub.
func (r *rig) liveOther(t *testing.T, l *life) string {
	t.Helper()
	elsewhere := *r // Events keep the address of the request.
	elsewhere.client = clientAt(t, "127.203.0.114")
	r = &elsewhere
	sub, tokens := r.other(t, l, "somebody", "email", "somebody@example.com", "email_verified", "true")
	r.call("AWSCognitoIdentityService.GetId", object{"IdentityPoolId": l.identityPool, "Logins": object{l.provider(): text(tokens, "IdToken")}})
	r.call("ForgotPassword", object{"ClientId": l.client, "Username": "somebody"})
	return sub
}

// TestEraseNeedsYes shows what would be erased, and erases nothing.
func TestEraseNeedsYes(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	pool := serving.NewPool(t, r.Rig)
	r.call("AdminCreateUser", object{"UserPoolId": pool, "Username": "somebody", "MessageAction": "SUPPRESS"})
	code, out, errs := serving.Command(t, nil, r.command("user", "erase", "--pool", pool, "--user", "somebody")...)
	if code == 0 || !strings.Contains(errs, "--yes") || !strings.Contains(out, "users") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	r.call("AdminGetUser", object{"UserPoolId": pool, "Username": "somebody"})
}

// TestDeletionReachesTheSameTables: AdminDeleteUser and DeleteUser leave no row of a person either.
func TestDeletionReachesTheSameTables(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, operation := range []string{"AdminDeleteUser", "DeleteUser"} {
			l := r.live(t)
			if operation == "DeleteUser" {
				r.call(operation, object{"AccessToken": l.access})
			} else {
				r.call(operation, object{"UserPoolId": l.pool, "Username": username})
			}
			found, examples := r.search(t, l.terms)
			delete(found, "audit_events") // Only an erasure changes the trail.
			for table, n := range found {
				t.Errorf("%s left %d rows in %s: %s", operation, n, table, examples[table])
			}
			r.call("DeleteUserPoolDomain", object{"UserPoolId": l.pool, "Domain": "people"})
		}
	})
}

// TestInterruptedErasure ends an erasure that was interrupted between its steps.
func TestInterruptedErasure(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	l := r.live(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// The rows are gone, and the file was not rewritten.
	serving.Run(t, nil, r.command("user", "erase", "--pool", l.pool, "--user", username, "--yes", "--keep-file")...)
	out, _ := serving.Run(t, nil, r.command("user", "erase", "--pool", l.pool, "--user", username, "--yes")...)
	if !strings.Contains(out, "interrupted") {
		t.Errorf("%s", out)
	}
	r.wantGone(t, l)
}
