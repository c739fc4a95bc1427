package faults_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"cognate/internal/server"
	"cognate/test/pgtest"
)

// eventID returns the id of the event of a sign-in, from its access token.
func eventID(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", token)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Event string `json:"event_id"`
	}
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil || claims.Event == "" {
		t.Fatalf("no event in %s: %v", body, err)
	}
	return claims.Event
}

// TestEventsSurviveCrash kills the program while people sign in. The event of each sign-in that was answered, rightly or
// wrongly, is there afterwards.
func TestEventsSurviveCrash(t *testing.T) {
	t.Parallel()
	for _, postgres := range []bool{false, true} {
		t.Run(fmt.Sprintf("postgres %v", postgres), func(t *testing.T) {
			t.Parallel()
			c := server.Config{Data: t.TempDir()}
			if postgres {
				c.Database = server.Secret(pgtest.Database(t))
			}
			p := launch(t, "", programArgs(c)...)
			const people, enough = 16, 120
			pool := p.must(t, "CreateUserPool", object{"PoolName": "people", "UserPoolTier": "PLUS", "UserPoolAddOns": object{"AdvancedSecurityMode": "AUDIT"}}).text("UserPool", "Id")
			app := p.newApp(t, pool)
			for i := range people {
				p.newUser(t, pool, fmt.Sprint("person", i))
			}
			var (
				mu       sync.Mutex
				promised = map[string][]string{} // the events of each person that were answered
				failed   = map[string]int{}      // how many wrong passwords were answered
				done     int
				reached  = make(chan struct{})
				running  sync.WaitGroup
			)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for i := range people {
				running.Go(func() {
					name := fmt.Sprint("person", i)
					for k := 0; ctx.Err() == nil; k++ {
						typed := password
						if k == 1 || k == 2 { // A few wrong passwords lock nobody out.
							typed = "Wr0ng!password"
						}
						a := p.signIn(t, app, name, typed)
						if a.Err != nil {
							return
						}
						mu.Lock()
						switch {
						case a.Status == http.StatusOK:
							promised[name] = append(promised[name], eventID(t, a.text("AuthenticationResult", "AccessToken")))
						case typed != password:
							failed[name]++
						default:
							t.Errorf("%v", a)
						}
						if done++; done == enough {
							close(reached)
						}
						mu.Unlock()
					}
				})
			}
			<-reached
			p.kill(t)
			cancel()
			running.Wait()
			p.noPanic(t)
			again := launch(t, "", programArgs(c)...)
			for name, ids := range promised {
				known, wrong := map[string]bool{}, 0
				for in := (object{"UserPoolId": pool, "Username": name}); ; {
					a := again.must(t, "AdminListUserAuthEvents", in)
					var page struct {
						AuthEvents []struct{ EventId, EventResponse string }
						NextToken  string
					}
					if err := json.Unmarshal([]byte(a.Text), &page); err != nil {
						t.Fatal(err)
					}
					for _, e := range page.AuthEvents {
						known[e.EventId] = e.EventResponse == "Pass"
						if e.EventResponse == "Fail" {
							wrong++
						}
					}
					if page.NextToken == "" {
						break
					}
					in["NextToken"] = page.NextToken
				}
				for _, id := range ids {
					if !known[id] {
						t.Errorf("the sign-in %s of %s was answered and has no event", id, name)
					}
				}
				if wrong < failed[name] {
					t.Errorf("%s has %d events of the %d wrong passwords that were answered", name, wrong, failed[name])
				}
			}
			again.stop(t)
		})
	}
}
