package faults_test

import (
	"cmp"
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// guesses tries wrong codes, 32 at once, and counts what was answered.
func guesses(t *testing.T, c client, operation string, in func(code string) object, right string, from, n int) map[string]int {
	t.Helper()
	var mu sync.Mutex
	got := map[string]int{}
	next := make(chan string)
	go func() {
		defer close(next)
		for i := range n {
			code := fmt.Sprintf("%06d", from+i)
			if code == right {
				code = "999999"
			}
			next <- code
		}
	}()
	atOnce(32, func(int) {
		for code := range next {
			a := c.call(t, operation, in(code))
			mu.Lock()
			got[a.Code]++
			if a.Status != http.StatusBadRequest {
				t.Errorf("%s %s: %v", operation, code, a)
			}
			mu.Unlock()
		}
	})
	return got
}

// mostGuesses is the most wrong codes that are looked at in an hour: of a
// million codes, that leaves a guesser 1 in 50,000.
const mostGuesses = 20

// TestGuessedCodes guesses, restarts the server, and goes on guessing: the right
// code is of no use by then.
func TestGuessedCodes(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := dev(t)
			c.IssuerBase = "http://localhost" // The port changes with the restart.
			if engine == "postgres" {
				c = onPostgres(t, c)
			}
			n := start(t, c)
			pool := n.newPool(t)
			app := n.newApp(t, pool)
			n.must(t, "SignUp", object{"ClientId": app, "Username": "alice", "Password": password, "UserAttributes": []object{{"Name": "email", "Value": "alice@example.com"}}})
			n.newUser(t, pool, "bob")
			n.must(t, "ForgotPassword", object{"ClientId": app, "Username": "bob"})
			n.newUser(t, pool, "carol")
			token, _, _ := n.tokens(t, app, "carol")
			n.must(t, "GetUserAttributeVerificationCode", object{"AccessToken": token, "AttributeName": "email"})
			rows := []struct {
				operation, right string
				in               func(code string) object
			}{
				{"ConfirmSignUp", n.code(t, pool, "alice"), func(code string) object {
					return object{"ClientId": app, "Username": "alice", "ConfirmationCode": code}
				}},
				{"ConfirmForgotPassword", n.code(t, pool, "bob"), func(code string) object {
					return object{"ClientId": app, "Username": "bob", "ConfirmationCode": code, "Password": password + "2"}
				}},
				{"VerifyUserAttribute", n.code(t, pool, "carol"), func(code string) object {
					return object{"AccessToken": token, "AttributeName": "email", "Code": code}
				}},
				// Nobody of that name: the answers must not tell it.
				{"ConfirmForgotPassword", "", func(code string) object {
					return object{"ClientId": app, "Username": "nobody", "ConfirmationCode": code, "Password": password + "2"}
				}},
			}
			looked := make([]int, len(rows))
			for i, r := range rows {
				looked[i] += guesses(t, n.client, r.operation, r.in, r.right, 0, 8)["CodeMismatchException"]
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			n = start(t, c)
			for i, r := range rows {
				got := guesses(t, n.client, r.operation, r.in, r.right, 100, 64)
				looked[i] += got["CodeMismatchException"]
				if looked[i] > mostGuesses || got["LimitExceededException"] == 0 {
					t.Errorf("%s: %d guesses were looked at; after the restart %v", r.operation, looked[i], got)
				}
				n.refused(t, "LimitExceededException", r.operation, r.in(cmp.Or(r.right, "123456")))
			}
			n.quiet(t)
		})
	}
}
