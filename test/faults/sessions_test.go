package faults_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// atOnce runs f in n goroutines, as far as can be at the same moment.
func atOnce(n int, f func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	wg.Wait()
}

// tampered returns variants of a sealed text, none of which anybody has sealed.
func tampered(s string) map[string]string {
	out := map[string]string{
		"empty": "", "shorter": s[:len(s)-1], "half": s[:len(s)/2], "a tail cut": s[:len(s)-24], "longer": s + "AAAA", "a head cut": s[4:],
		"twice": s + s, "spaces": strings.Repeat(" ", 40), "letters": strings.Repeat("A", len(s)), "JSON": `{"v":1}` + strings.Repeat(" ", 40),
		"decoded": base64.StdEncoding.EncodeToString([]byte(`{"v":1,"p":"us-east-1_x"}`)), "NUL": s[:20] + "\x00" + s[21:],
	}
	for i := range 12 {
		at := i * (len(s) - 1) / 11
		c := byte('A')
		if s[at] == c {
			c = 'B'
		}
		if at == len(s)-1 && s[at] != '=' {
			continue // Its last bits may mean nothing.
		}
		out[fmt.Sprintf("letter %d", at)] = s[:at] + string(c) + s[at+1:]
	}
	return out
}

// TestSessions takes sessions where they do not belong.
func TestSessions(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		pool, otherPool := n.newPool(t), n.newPool(t)
		app, second, foreign := n.newApp(t, pool), n.newApp(t, pool), n.newApp(t, otherPool)
		session := func(pool, app, name string) string {
			n.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": name, "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
			return n.signIn(t, app, name, password).text("Session")
		}
		mine, hers, theirs := session(pool, app, "alice"), session(pool, app, "bob"), session(otherPool, foreign, "alice")
		srp := newSRPClient(pool)
		n.newUser(t, pool, "carol")
		challenge := n.must(t, "InitiateAuth", srp.start(app, "carol"))
		before := dump(t, n.config)
		wrong := map[string]object{
			"another user's":           newPassword(app, "alice", hers),
			"for another user":         newPassword(app, "bob", mine),
			"another client":           newPassword(second, "alice", mine),
			"another pool's":           newPassword(app, "alice", theirs),
			"in another pool":          newPassword(foreign, "alice", mine),
			"a secret block":           newPassword(app, "carol", challenge.text("ChallengeParameters", "SECRET_BLOCK")),
			"another challenge":        with(newPassword(app, "alice", mine), "ChallengeName", "SMS_MFA"),
			"a session for a block":    {"ClientId": app, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": object{"USERNAME": "alice", "PASSWORD_CLAIM_SECRET_BLOCK": mine, "TIMESTAMP": "Mon Jan 2 15:04:05 UTC 2006", "PASSWORD_CLAIM_SIGNATURE": "AAAA"}},
			"the administrator's step": with(newPassword(app, "nobody", mine), "Session", mine),
		}
		for name, s := range tampered(mine) {
			wrong["tampered: "+name] = newPassword(app, "alice", s)
		}
		right := srp.respond(app, challenge, password, time.Now())
		responses, _ := right["ChallengeResponses"].(object)
		for name, s := range tampered(challenge.text("ChallengeParameters", "SECRET_BLOCK")) {
			wrong["tampered block: "+name] = with(right, "ChallengeResponses", with(responses, "PASSWORD_CLAIM_SECRET_BLOCK", s))
		}
		for name, in := range wrong {
			a := n.call(t, "RespondToAuthChallenge", in)
			if a.Status != http.StatusBadRequest || a.Code == "UserNotFoundException" {
				t.Errorf("%s: %v", name, a)
			}
		}
		a := n.call(t, "AdminRespondToAuthChallenge", with(newPassword(app, "alice", theirs), "UserPoolId", pool))
		if a.Status != http.StatusBadRequest {
			t.Errorf("the administrator with another pool's session: %v", a)
		}
		if diff := cmp.Diff(before, dump(t, n.config, "lockouts", "spent", "counters")); diff != "" && !strings.Contains(diff, "lockouts") {
			t.Errorf("something was stored: %s", diff)
		}
		// After all that they are as good as before; and then they are used up.
		n.must(t, "RespondToAuthChallenge", newPassword(app, "alice", mine))
		n.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", newPassword(app, "alice", mine))
		n.quiet(t)
	})
}

// TestReplaysAtOnce uses one session, one secret block and one code many times
// in the same moment; one of them may win.
func TestReplaysAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		pool := n.newPool(t)
		app := n.newApp(t, pool)
		n.newUser(t, pool, "alice")
		n.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": "bob", "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
		session := n.signIn(t, app, "bob", password).text("Session")
		srp := newSRPClient(pool)
		block := srp.respond(app, n.must(t, "InitiateAuth", srp.start(app, "alice")), password, time.Now())
		n.must(t, "SignUp", object{"ClientId": app, "Username": "carol", "Password": password, "UserAttributes": []object{{"Name": "email", "Value": "carol@example.com"}}})
		confirm := object{"ClientId": app, "Username": "carol", "ConfirmationCode": n.code(t, pool, "carol")}
		n.must(t, "ForgotPassword", object{"ClientId": app, "Username": "alice"})
		reset := object{"ClientId": app, "Username": "alice", "ConfirmationCode": n.code(t, pool, "alice"), "Password": password + "3"}
		for _, tt := range []struct {
			name, operation string
			in              object
		}{
			{"session", "RespondToAuthChallenge", newPassword(app, "bob", session)},
			{"secret block", "RespondToAuthChallenge", block},
			{"sign-up code", "ConfirmSignUp", confirm},
			{"reset code", "ConfirmForgotPassword", reset},
		} {
			var mu sync.Mutex
			won := 0
			atOnce(16, func(int) {
				a := n.call(t, tt.operation, tt.in)
				mu.Lock()
				defer mu.Unlock()
				if a.Status == http.StatusOK {
					won++
				} else if a.Status != http.StatusBadRequest {
					t.Errorf("%s: %v", tt.name, a)
				}
			})
			if won != 1 {
				t.Errorf("%s: %d of 16 succeeded, want 1", tt.name, won)
			}
		}
		n.quiet(t)
	})
}
