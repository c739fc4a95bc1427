package ratelimit_test

import (
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/leaks"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

func TestMain(m *testing.M) {
	os.Exit(leaks.Run(m, leaks.IdleConnections()...))
}

// A clock is set by the test.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// limited is a development server with limits by address, on a clock of the test's own.
// Its address has limits only where the test's settings say so.
func limited(t *testing.T, change func(*server.Config)) (serving.Rig, *clock) {
	t.Helper()
	clock, c := newClock(), serving.Dev(t)
	c.Now, c.AddressLimits = clock.now, "on"
	change(&c)
	return serving.Start(t, c), clock
}

// engines runs a test with each database.
func engines(t *testing.T, f func(t *testing.T, change func(*server.Config))) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, func(*server.Config) {})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, func(c *server.Config) { c.Database = server.Secret(pgtest.Database(t)) })
	})
}

// newPool makes a pool with an app client for everything.
func newPool(t *testing.T, r serving.Rig) (pool, client string) {
	t.Helper()
	p, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	pool = *serving.Must(t, p, err).UserPool.Id
	c, err := r.Dev().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"), GenerateSecret: false,
		ExplicitAuthFlows:               []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid"}, CallbackURLs: []string{"https://app.example.com/"}, SupportedIdentityProviders: []string{"COGNITO"},
	})
	return pool, *serving.Must(t, c, err).UserPoolClient.ClientId
}

// signIn tries to sign in a user who does not exist.
func signIn(t *testing.T, c *cip.Client, client string) error {
	t.Helper()
	_, err := c.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": "nobody", "PASSWORD": "Correct-horse-1"},
	})
	return err
}

// exceeded reports whether the SDK got Cognito's error for too many requests.
func exceeded(err error) bool {
	limit, ok := errors.AsType[*types.TooManyRequestsException](err)
	return ok && aws.ToString(limit.Message) == "Rate exceeded"
}

func get(t *testing.T, url string, header http.Header) *http.Response {
	t.Helper()
	return send(t, http.MethodGet, url, "", header)
}
