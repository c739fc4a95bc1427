package identitypool_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idptypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

const (
	developer = "login.example.app"
	password  = "Passw0rd!one"
	authRole  = "arn:aws:iam::123456789012:role/authenticated"
	guestRole = "arn:aws:iam::123456789012:role/guest"
)

// A rig is a development server with a user pool, an app client of it, and the SDK's clients.
type rig struct {
	serving.Rig
	idp      *cip.Client
	sdk      *ci.Client
	userPool string
	client   string
	admin    aws.CredentialsProvider
	skew     *atomic.Int64 // by which the server's clock is ahead
}

// pass moves the server's clock.
func (r *rig) pass(d time.Duration) { r.skew.Add(int64(d)) }

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, ""))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newRig(t, pgtest.Database(t)))
	})
}

func newRig(t *testing.T, database string) *rig {
	t.Helper()
	c := serving.Dev(t)
	c.Database = server.Secret(database)
	r := &rig{skew: &atomic.Int64{}}
	r.start(t, c)
	r.use(t, credentials.NewStaticCredentialsProvider("dev", "dev", ""))
	return r
}

// production runs a test with servers that check the policies of their callers.
func production(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := serving.Serve(t)
			if engine == "postgres" {
				c.Data, c.Database = "", server.Secret(pgtest.Database(t))
				serving.Run(t, nil, "migrate", "--database", string(c.Database), "--kek-file", c.KEKFile)
			}
			r := &rig{skew: &atomic.Int64{}}
			r.start(t, c)
			id, secret := serving.NewKey(t, r.Rig, "admin", "admin")
			r.use(t, credentials.NewStaticCredentialsProvider(id, secret, ""))
			test(t, r)
		})
	}
}

func (r *rig) start(t *testing.T, c server.Config) {
	t.Helper()
	c.Now = func() time.Time { return time.Now().Add(time.Duration(r.skew.Load())) }
	r.Rig = serving.Start(t, c)
}

// use makes the clients with an administrator's credentials, and a user pool.
func (r *rig) use(t *testing.T, admin aws.CredentialsProvider) {
	t.Helper()
	r.admin = admin
	r.idp = cip.New(cip.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: admin,
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	})
	r.sdk = ci.New(ci.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: admin,
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	})
	made, err := r.idp.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: new("people")})
	r.userPool = *serving.Must(t, made, err).UserPool.Id
	r.client = r.addClient(t)
}

func (r *rig) addClient(t *testing.T) string {
	t.Helper()
	out, err := r.idp.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &r.userPool, ClientName: new("app"), ExplicitAuthFlows: []idptypes.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	})
	return *serving.Must(t, out, err).UserPoolClient.ClientId
}

// signIn makes a user if there is none, and signs in.
func (r *rig) signIn(t *testing.T, name string) *idptypes.AuthenticationResultType {
	t.Helper()
	_, _ = r.idp.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &r.userPool, Username: &name, MessageAction: "SUPPRESS"})
	_, err := r.idp.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &r.userPool, Username: &name, Password: new(password), Permanent: true})
	serving.Want(t, err, "")
	out, err := r.idp.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: "USER_PASSWORD_AUTH", ClientId: &r.client, AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
	return serving.Must(t, out, err).AuthenticationResult
}

// key is Cognito's name of the user pool.
func (r *rig) key() string { return "cognito-idp.us-east-1.amazonaws.com/" + r.userPool }

// logins returns the login of a user of the user pool.
func (r *rig) logins(t *testing.T, name string) map[string]string {
	t.Helper()
	return map[string]string{r.key(): *r.signIn(t, name).IdToken}
}

// pool makes an identity pool with guests, the basic flow, a developer provider and the user pool.
func (r *rig) pool(t *testing.T, change ...func(in *ci.CreateIdentityPoolInput)) string {
	t.Helper()
	in := &ci.CreateIdentityPoolInput{
		IdentityPoolName: new("people"), AllowUnauthenticatedIdentities: true, AllowClassicFlow: new(true), DeveloperProviderName: new(developer),
		CognitoIdentityProviders: []types.CognitoIdentityProvider{{ProviderName: new(r.key()), ClientId: &r.client}},
	}
	for _, f := range change {
		f(in)
	}
	out, err := r.sdk.CreateIdentityPool(t.Context(), in)
	return *serving.Must(t, out, err).IdentityPoolId
}

func (r *rig) id(t *testing.T, pool string, logins map[string]string) string {
	t.Helper()
	out, err := r.sdk.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	return *serving.Must(t, out, err).IdentityId
}

// open returns the identity and the token's claims of GetOpenIdToken.
func (r *rig) open(t *testing.T, id string, logins map[string]string) (string, map[string]any) {
	t.Helper()
	out, err := r.sdk.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
	return *serving.Must(t, out, err).IdentityId, claimsOf(t, *out.Token)
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// wantText fails unless the error has the code and the text.
func wantText(t *testing.T, err error, code, text string) {
	t.Helper()
	serving.Want(t, err, code)
	if err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("%v, want %q", err, text)
	}
}
