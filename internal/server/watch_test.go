package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestMetricsOfTheMachine wants what an operator is warned by, on both engines.
func TestMetricsOfTheMachine(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		pool := serving.NewPool(t, r)
		client := newClient(t, r, pool)
		newUser(t, r, pool, "alice")
		for range 5 {
			_, _ = signIn(t, r, client, "alice", "Wrong-password-1")
		}
		_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
		want := []string{
			`cognate_database_connections_max [1-9]`, `cognate_database_connections\{state="idle"\} \d`, `cognate_database_connections\{state="in_use"\} \d`,
			`cognate_database_connections\{state="(idle|in_use)"\} [1-9]`, // Background tasks may use all at this moment.
			`cognate_database_connection_waits_total \d`, `cognate_database_connection_wait_seconds_total \d`,
			`cognate_lockouts_total 1`, `cognate_refusals_total\{operation="InitiateAuth",reason="wrong_password"\} 5`,
		}
		if r.Config.Database == "" {
			want = append(want, `cognate_data_free_bytes [1-9]`)
		}
		for _, line := range want {
			if !regexp.MustCompile(`(?m)^` + line).MatchString(metrics) {
				t.Errorf("the metrics have no %s", line)
			}
		}
	})
}

// TestClientThatGoesAway counts one who hangs up as such, not as a fault.
func TestClientThatGoesAway(t *testing.T) {
	t.Parallel()
	called := make(chan struct{})
	function := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // Only then net/http notices who hangs up.
		close(called)
		<-r.Context().Done() // The server hangs up in its turn.
	}))
	defer function.Close()
	c := serving.Dev(t)
	c.LogFormat, c.LogLevel, c.TriggerEndpoint = "json", "info", server.Secret(function.URL)
	r := serving.Start(t, c)
	pool := serving.NewPool(t, r)
	client := newClient(t, r, pool)
	newUser(t, r, pool, "alice")
	_, err := r.Dev().UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &pool, LambdaConfig: &types.LambdaConfigType{
		PreAuthentication: aws.String("arn:aws:lambda:us-east-1:123456789012:function:slow"),
	}})
	serving.Want(t, err, "")

	ctx, hangUp := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.Dev().InitiateAuth(ctx, &cip.InitiateAuthInput{
			ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
	}()
	<-called
	hangUp()
	<-done

	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n"+
		"X-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\nContent-Length: 100\r\n\r\n{\"half\":")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the server has given up
	_ = conn.Close()
	if err := r.Close(); err != nil { // waits for both
		t.Fatal(err)
	}
	for _, operation := range []string{"InitiateAuth", "SignUp"} {
		line := regexp.MustCompile(`.*"msg":"request".*"operation":"` + operation + `".*`).FindString(r.Log.String())
		if !strings.Contains(line, `"status":499`) || !strings.Contains(line, `"code":"ClientClosedRequest"`) || !strings.Contains(line, `"level":"INFO"`) {
			t.Errorf("%s: %s", operation, line)
		}
	}
}

// TestAccessKeysInTheLog wants who was let in and shut out, without secrets.
func TestAccessKeysInTheLog(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	c.LogFormat, c.LogLevel = "json", "info"
	r := serving.Start(t, c)
	id, secret := serving.NewKey(t, r, "alice", "admin")
	serving.Run(t, nil, "admin", "keys", "list", "--data", c.Data)
	serving.Run(t, nil, "admin", "keys", "revoke", "--data", c.Data, id)
	_, _, _ = serving.Command(t, nil, "admin", "keys", "revoke", "--data", c.Data, id)
	var lines []string
	for line := range strings.Lines(r.Log.String()) {
		if strings.Contains(line, `"msg":"operator"`) {
			lines = append(lines, line)
		}
	}
	want := []string{
		`"level":"INFO","msg":"operator","do":"create-key","accessKey":"` + id + `","principal":"arn:aws:iam::123456789012:user/alice","policies":["admin"]`,
		`"level":"INFO","msg":"operator","do":"revoke-key","accessKey":"` + id + `"`,
		`"level":"ERROR","msg":"operator","do":"revoke-key","accessKey":"` + id + `","error":"iam: no such access key"`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), strings.Join(lines, ""))
	}
	for i, text := range want {
		if !strings.Contains(lines[i], text) {
			t.Errorf("line %d: %s, want %s", i+1, lines[i], text)
		}
	}
	if strings.Contains(r.Log.String(), secret) {
		t.Error("the log tells the secret")
	}
}
