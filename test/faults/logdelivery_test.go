package faults_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// TestLogsAfterCrash: a server is killed after sign-ins were answered and before their records were sent. The next process
// sends each of them once, in order.
func TestLogsAfterCrash(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var got []string
			bucket := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				z, err := gzip.NewReader(r.Body)
				if err != nil {
					t.Error(err)
					return
				}
				for d := json.NewDecoder(z); d.More(); {
					var in struct {
						Message struct{ UserName, EventResponse string }
					}
					if err := d.Decode(&in); err != nil {
						t.Error(err)
						return
					}
					got = append(got, in.Message.UserName+" "+in.Message.EventResponse)
				}
			}))
			t.Cleanup(bucket.Close)
			c := server.Config{Data: t.TempDir()}
			if engine == "postgres" {
				c.Database = server.Secret(pgtest.Database(t))
			}
			args := func(wait string) []string {
				return append(programArgs(c), "--log-delivery-s3", bucket.URL+"?path-style=true&wait="+wait)
			}
			p := launch(t, "", args("1h")...)
			pool := p.must(t, "CreateUserPool", object{"PoolName": "people", "UserPoolAddOns": object{"AdvancedSecurityMode": "AUDIT"}}).text("UserPool", "Id")
			app := p.newApp(t, pool)
			p.must(t, "SetLogDeliveryConfiguration", object{"UserPoolId": pool, "LogConfigurations": []object{{
				"EventSource": "userAuthEvents", "LogLevel": "INFO", "S3Configuration": object{"BucketArn": "arn:aws:s3:::people-logs"},
			}}})
			var want []string
			for i := range 5 {
				name := fmt.Sprint("user", i)
				p.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": name, "MessageAction": "SUPPRESS"})
				p.must(t, "AdminSetUserPassword", object{"UserPoolId": pool, "Username": name, "Password": password, "Permanent": true})
				if a := p.signIn(t, app, name, password); a.Err != nil || a.Status != http.StatusOK {
					t.Fatal(a)
				}
				want = append(want, name+" Pass")
			}
			p.kill(t)
			mu.Lock()
			if len(got) != 0 {
				t.Errorf("sent before the crash: %v", got)
			}
			mu.Unlock()
			again := launch(t, "", args("0s")...)
			patience.Until(t, "the records", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(got) >= len(want)
			})
			again.stop(t)
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			again.noPanic(t)
		})
	}
}
