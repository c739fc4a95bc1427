package server_test

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/leaks"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

func TestMain(m *testing.M) {
	os.Exit(leaks.Run(m, leaks.IdleConnections()...))
}

// engines runs a test on a development server with each database. The changes are for its
// configuration.
func engines(t *testing.T, f func(t *testing.T, r serving.Rig), change ...func(c *server.Config)) {
	start := func(t *testing.T, database string) serving.Rig {
		c := serving.Dev(t)
		c.Database = server.Secret(database)
		for _, f := range change {
			f(&c)
		}
		return serving.Start(t, c)
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, start(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, start(t, pgtest.Database(t)))
	})
}

// waitClosed waits until nothing takes connections at the address.
func waitClosed(t *testing.T, addr string) {
	t.Helper()
	patience.Until(t, "nothing takes connections at "+addr, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return true
		}
		_ = conn.Close()
		return false
	})
}

// call is one request as no SDK would write it.
func call(t *testing.T, r serving.Rig, operation, body string, header http.Header) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	maps.Copy(req.Header, header)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%d %s: %v", res.StatusCode, text, err)
		}
	}
	return res.StatusCode, out
}

const password = "Correct-horse-1"

// newClient makes a public client that takes passwords.
func newClient(t *testing.T, r serving.Rig, pool string) string {
	t.Helper()
	out, err := r.Dev().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth,
			types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	})
	return *serving.Must(t, out, err).UserPoolClient.ClientId
}

// newUser makes a confirmed user with a password.
func newUser(t *testing.T, r serving.Rig, pool, name string) {
	t.Helper()
	_, err := r.Dev().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String(name + "@example.com")},
			{Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Dev().AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &name, Password: aws.String(password), Permanent: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func signIn(t *testing.T, r serving.Rig, client, name, password string) (*cip.InitiateAuthOutput, error) {
	t.Helper()
	return r.Dev().InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
}
