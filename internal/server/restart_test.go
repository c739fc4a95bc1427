package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// post sends a request to a development tool and returns the status and the body.
func post(t *testing.T, r serving.Rig, path, body string, header http.Header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// wantPost fails the test unless a development tool answers with the status.
func wantPost(t *testing.T, r serving.Rig, path, body string, want int) {
	t.Helper()
	if status, text := post(t, r, path, body, nil); status != want {
		t.Errorf("%s %s: %d %s, want %d", path, body, status, text, want)
	}
}

// newPool makes a user pool with a client and the user alice.
func newPool(t *testing.T, r serving.Rig) (pool, client string) {
	t.Helper()
	out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	pool = *serving.Must(t, out, err).UserPool.Id
	client = newClient(t, r, pool)
	newUser(t, r, pool, "alice")
	return pool, client
}

// TestReset empties a server that has been used, three times.
func TestReset(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		for range 3 {
			pool, client := newPool(t, r)
			out, err := signIn(t, r, client, "alice", password)
			token := serving.Must(t, out, err).AuthenticationResult.AccessToken
			wantPost(t, r, "/_cognate/clock", `{"advance":"10m"}`, http.StatusOK)
			wantPost(t, r, "/_cognate/reset", "", http.StatusOK)

			list, err := r.Dev().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)})
			if n := len(serving.Must(t, list, err).UserPools); n != 0 {
				t.Errorf("%d user pools are left", n)
			}
			_, err = r.Dev().ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &pool})
			serving.Want(t, err, "ResourceNotFoundException")
			_, err = signIn(t, r, client, "alice", password)
			serving.Want(t, err, "ResourceNotFoundException")
			_, err = r.Dev().GetUser(t.Context(), &cip.GetUserInput{AccessToken: token})
			serving.Want(t, err, "NotAuthorizedException")
			var clock struct{ Offset string }
			if err := json.Unmarshal([]byte(page(t, r.URL()+"/_cognate/clock")), &clock); err != nil || clock.Offset != "0s" {
				t.Errorf("clock %+v, %v", clock, err)
			}
			if metrics := page(t, "http://"+r.Server.PrivateAddr()+"/metrics"); !strings.Contains(metrics, "cognate_crypto_waiting 0") {
				t.Error("no metrics after the reset")
			}
		}
	})
}

// page returns the body of a page that must be there.
func page(t *testing.T, url string) string {
	t.Helper()
	res, text := serving.Get(t, url)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d", url, res.StatusCode)
	}
	return text
}

// TestResetUnderLoad resets while clients make pools and users and wait for mail. Each of their
// requests gets an answer of Cognito's, and no pool is left after the last reset.
func TestResetUnderLoad(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		stop := make(chan struct{})
		waited := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
					if err != nil {
						t.Errorf("CreateUserPool: %v", err)
						return
					}
					_, err = r.Dev().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: out.UserPool.Id, Username: aws.String("alice")})
					if err != nil && !strings.Contains(err.Error(), "ResourceNotFoundException") {
						t.Errorf("AdminCreateUser: %v", err)
					}
				}
			})
		}
		wg.Go(func() { // waits for mail that never comes, until the reset ends the wait
			defer close(waited)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+"/_cognate/inbox?to=nobody@example.com&wait=20s", nil)
			if err != nil {
				t.Error(err)
				return
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Errorf("inbox: %v", err)
				return
			}
			_ = res.Body.Close()
			if res.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("inbox: %d", res.StatusCode)
			}
		})
		for range 5 {
			wantPost(t, r, "/_cognate/reset", "{}", http.StatusOK)
		}
		patience.Until(t, "a reset ends the wait for mail", func() bool { // It may begin late.
			wantPost(t, r, "/_cognate/reset", "{}", http.StatusOK)
			select {
			case <-waited:
				return true
			default:
				return false
			}
		})
		close(stop)
		wg.Wait()
		wantPost(t, r, "/_cognate/reset", "", http.StatusOK)
		list, err := r.Dev().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)})
		if n := len(serving.Must(t, list, err).UserPools); n != 0 {
			t.Errorf("%d user pools are left", n)
		}
	})
}

// TestSnapshots puts a server back to an earlier state, more than once.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	pool, client := newPool(t, r)
	out, err := signIn(t, r, client, "alice", password)
	token := serving.Must(t, out, err).AuthenticationResult.AccessToken
	wantPost(t, r, "/_cognate/snapshot", `{"name":"alice"}`, http.StatusOK)
	for range 2 {
		_, err := r.Dev().AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: aws.String("alice")})
		serving.Must(t, &struct{}{}, err)
		newUser(t, r, pool, "bob")
		wantPost(t, r, "/_cognate/restore", `{"name":"alice"}`, http.StatusOK)
		user, err := r.Dev().GetUser(t.Context(), &cip.GetUserInput{AccessToken: token})
		if name := *serving.Must(t, user, err).Username; name != "alice" {
			t.Errorf("the token is for %s", name)
		}
		_, err = signIn(t, r, client, "alice", password)
		serving.Must(t, &struct{}{}, err)
		_, err = r.Dev().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: aws.String("bob")})
		serving.Want(t, err, "UserNotFoundException")
	}
	wantPost(t, r, "/_cognate/reset", "", http.StatusOK)
	wantPost(t, r, "/_cognate/restore", `{"name":"alice"}`, http.StatusOK)
	_, err = signIn(t, r, client, "alice", password)
	serving.Must(t, &struct{}{}, err)

	// Requests at the same time come one after the other.
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() { wantPost(t, r, "/_cognate/restore", `{"name":"alice"}`, http.StatusOK) })
	}
	wg.Wait()
	_, err = signIn(t, r, client, "alice", password)
	serving.Must(t, &struct{}{}, err)
	if left, err := filepath.Glob(r.Config.DatabaseFile() + ".*"); err != nil || len(left) != 1 { // the lock
		t.Errorf("files are left: %v, %v", left, err)
	}

	// A snapshot that cannot be used leaves everything as it is.
	folder := filepath.Join(r.Config.Data, "snapshots")
	good, err := os.ReadFile(filepath.Join(folder, "alice.db"))
	if err != nil {
		t.Fatal(err)
	}
	other := serving.Start(t, serving.Dev(t))
	wantPost(t, other, "/_cognate/snapshot", `{"name":"other"}`, http.StatusOK)
	foreign, err := os.ReadFile(filepath.Join(other.Config.Data, "snapshots", "other.db"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"cut": good[:len(good)*2/3], "empty": nil, "text": []byte("no database"), "foreign": foreign} {
		file := filepath.Join(folder, name+".db")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		wantPost(t, r, "/_cognate/restore", `{"name":"`+name+`"}`, http.StatusUnprocessableEntity)
		_, err := signIn(t, r, client, "alice", password)
		serving.Must(t, &struct{}{}, err)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}

	if text := page(t, r.URL()+"/_cognate/snapshot"); strings.TrimSpace(text) != `{"snapshots":["alice"]}` {
		t.Errorf("snapshots: %s", text)
	}
	for _, row := range []struct {
		name, path, body string
		header           http.Header
		want             int
	}{
		{"unknown", "restore", `{"name":"other"}`, nil, http.StatusNotFound},
		{"no default yet", "restore", "", nil, http.StatusNotFound},
		{"path", "snapshot", `{"name":"../x"}`, nil, http.StatusBadRequest},
		{"empty name", "snapshot", `{"name":""}`, nil, http.StatusBadRequest},
		{"unknown member", "snapshot", `{"names":"x"}`, nil, http.StatusBadRequest},
		{"no JSON", "reset", `all`, nil, http.StatusBadRequest},
		{"page of another machine", "reset", "", http.Header{"Origin": {"https://attacker.example"}}, http.StatusForbidden},
	} {
		t.Run(row.name, func(t *testing.T) {
			if status, text := post(t, r, "/_cognate/"+row.path, row.body, row.header); status != row.want {
				t.Errorf("%d %s, want %d", status, text, row.want)
			}
		})
	}
}

// TestSnapshotsNeedTheEmbeddedDatabase wants a clear refusal with PostgreSQL.
func TestSnapshotsNeedTheEmbeddedDatabase(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.Database = server.Secret(pgtest.Database(t))
	r := serving.Start(t, c)
	for _, path := range []string{"/_cognate/snapshot", "/_cognate/restore"} {
		if status, text := post(t, r, path, "", nil); status != http.StatusNotImplemented || !strings.Contains(text, "embedded") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// TestStateToolsAreForDevelopment wants none of them in production.
func TestStateToolsAreForDevelopment(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Serve(t))
	for _, path := range []string{"/_cognate/reset", "/_cognate/snapshot", "/_cognate/restore", "/_localstack/state/reset", "/moto-api/reset"} {
		if status, _ := post(t, r, path, "", nil); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}
