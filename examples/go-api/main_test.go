package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

const (
	poolID   = "us-east-1_shop1"
	clientID = "shopweb"
	password = "Correct-horse-1"
)

// TestAPI calls the API as its users do. Sign-ups, mail and tokens are those of a real server.
func TestAPI(t *testing.T) {
	endpoint := startCognate(t)
	users := idp.New(idp.Options{Region: "us-east-1", BaseEndpoint: &endpoint})
	handler, err := newAPI(t.Context(), endpoint+"/"+poolID, clientID)
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(handler)
	t.Cleanup(api.Close)

	t.Run("a new user signs up, confirms the address and reads the own orders", func(t *testing.T) {
		const username = "carol"
		_, err := users.SignUp(t.Context(), &idp.SignUpInput{
			ClientId: aws.String(clientID), Username: aws.String(username), Password: aws.String(password),
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("carol@example.com")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = users.InitiateAuth(t.Context(), signIn(username))
		if _, ok := errors.AsType[*types.UserNotConfirmedException](err); !ok {
			t.Fatalf("a sign-in before the confirmation: %v", err)
		}
		_, err = users.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpInput{
			ClientId: aws.String(clientID), Username: aws.String(username), ConfirmationCode: aws.String(newestCode(t, endpoint, username)),
		})
		if err != nil {
			t.Fatal(err)
		}
		status, body := call(t, api.URL+"/orders", *tokensOf(t, users, username).AccessToken)
		if status != http.StatusOK || body["user"] != username {
			t.Errorf("%d, %v", status, body)
		}
	})

	t.Run("without an access token the API answers 401", func(t *testing.T) {
		tokens := tokensOf(t, users, "ann")
		altered := (*tokens.AccessToken)[:len(*tokens.AccessToken)-12] + "AAAAAAAAAAAA"
		for name, token := range map[string]string{"none": "", "no token": "x", "ID token": *tokens.IdToken, "altered": altered} {
			if status, _ := call(t, api.URL+"/orders", token); status != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, status)
			}
		}
	})

	t.Run("only staff reads the report", func(t *testing.T) {
		for username, want := range map[string]int{"ann": http.StatusOK, "bob": http.StatusForbidden} {
			if status, _ := call(t, api.URL+"/report", *tokensOf(t, users, username).AccessToken); status != want {
				t.Errorf("%s: %d, want %d", username, status, want)
			}
		}
	})
}

// listening matches the line that `cognate dev` prints when it is ready.
var listening = regexp.MustCompile(`^listening on http:.*:(\d+)$`)

// startCognate runs `cognate dev` with the seed on a free port until the test has ended. It returns its URL, whose host is
// that of the issuer. The variable COGNATE names the program. Without it the program is built.
func startCognate(t *testing.T) string {
	t.Helper()
	program := os.Getenv("COGNATE")
	if program == "" {
		program = filepath.Join(t.TempDir(), "cognate")
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "cognate/cmd/cognate").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	server := exec.CommandContext(ctx, program, "dev", "--seed", "seed.yaml", "--data", t.TempDir(),
		"--listen", "127.0.0.1:0", "--private-listen", "off", "--log-level", "warn")
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	limit := time.AfterFunc(time.Minute, cancel)
	port := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer close(port)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				port <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-drained
		_ = server.Wait()
	})
	found, ok := <-port
	if !ok {
		t.Fatal("cognate dev ended before it listened")
	}
	endpoint := "http://localhost:" + found
	for get(t, endpoint+"/_cognate/health", "").StatusCode != http.StatusOK {
		continue // A busy machine is ready a little later.
	}
	limit.Stop()
	return endpoint
}

func signIn(username string) *idp.InitiateAuthInput {
	return &idp.InitiateAuthInput{
		ClientId: aws.String(clientID), AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password},
	}
}

func tokensOf(t *testing.T, users *idp.Client, username string) *types.AuthenticationResultType {
	t.Helper()
	out, err := users.InitiateAuth(t.Context(), signIn(username))
	if err != nil {
		t.Fatal(err)
	}
	return out.AuthenticationResult
}

// newestCode returns the code in the newest mail to a user. `cognate dev` shows the mail that it would have sent.
func newestCode(t *testing.T, endpoint, username string) string {
	t.Helper()
	res := get(t, endpoint+"/_cognate/inbox?"+url.Values{"pool": {poolID}, "username": {username}, "wait": {"10s"}}.Encode(), "")
	var inbox struct{ Messages []struct{ Code string } }
	if err := json.NewDecoder(res.Body).Decode(&inbox); err != nil || len(inbox.Messages) == 0 {
		t.Fatalf("the inbox: %v, %v", inbox, err)
	}
	return inbox.Messages[0].Code
}

func call(t *testing.T, address, token string) (status int, body map[string]any) {
	t.Helper()
	res := get(t, address, token)
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

func get(t *testing.T, address, token string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}
