package credentials_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	citypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idptypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

const (
	account  = "123456789012"
	password = "Passw0rd!one"
	roleARN  = "arn:aws:iam::" + account + ":role/"
)

// A rig is a development server with the SDK's clients of its root user.
type rig struct {
	serving.Rig
	iam      *iam.Client
	identity *ci.Client
	idp      *cip.Client
	ahead    *atomic.Int64 // what the server's clock is ahead, in nanoseconds
}

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

func newRig(t *testing.T, database string, change ...func(c *server.Config)) *rig {
	t.Helper()
	c := serving.Dev(t)
	c.Database = server.Secret(database)
	for _, f := range change {
		f(&c)
	}
	ahead := new(atomic.Int64)
	c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	r := &rig{Rig: serving.Start(t, c), ahead: ahead}
	s := r.settings(credentials.NewStaticCredentialsProvider("dev", "dev", ""))
	r.iam, r.identity, r.idp = iam.NewFromConfig(s), ci.NewFromConfig(s), cip.NewFromConfig(s)
	return r
}

func (r *rig) settings(c aws.CredentialsProvider) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(r.URL()), Credentials: c,
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	}
}

// sts returns STS for a caller.
func (r *rig) sts(c aws.CredentialsProvider) *sts.Client {
	return sts.NewFromConfig(r.settings(c))
}

func (r *rig) root() *sts.Client {
	return r.sts(credentials.NewStaticCredentialsProvider("dev", "dev", ""))
}

func (r *rig) anybody() *sts.Client { return r.sts(aws.AnonymousCredentials{}) }

// of returns temporary credentials as the SDK signs with them.
func of(c *ststypes.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// user makes a user with a policy and returns its credentials.
func (r *rig) user(t *testing.T, name, statements string) aws.CredentialsProvider {
	t.Helper()
	_, err := r.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name})
	check(t, err)
	if statements != "" {
		_, err = r.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: new("p"), PolicyDocument: document(statements)})
		check(t, err)
	}
	key, err := r.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	check(t, err)
	return credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

// role makes a role with a policy.
func (r *rig) role(t *testing.T, name, trust, statements string) {
	t.Helper()
	_, err := r.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: document(trust)})
	check(t, err)
	_, err = r.iam.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: new("p"), PolicyDocument: document(statements)})
	check(t, err)
}

// pools reports whether credentials may list user pools: "" or the code of the refusal.
func (r *rig) pools(t *testing.T, c aws.CredentialsProvider) string {
	t.Helper()
	_, err := cip.NewFromConfig(r.settings(c)).ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
	return serving.Code(err)
}

func document(statements string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
}

func allow(actions string) string {
	return `{"Effect":"Allow","Action":"` + actions + `","Resource":"*"}`
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want checks the code and the text of a refusal. A text with a "…" at its end is the beginning.
func want(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
		return
	}
	if begin, cut := strings.CutSuffix(text, "…"); cut && strings.HasPrefix(e.ErrorMessage(), begin) {
		return
	}
	if text != "" && e.ErrorMessage() != text {
		t.Errorf("got  %s\nwant %s", e.ErrorMessage(), text)
	}
}

// userPool makes a user pool with an app client and a user, and returns the pool, the client and
// the tokens of the user.
func (r *rig) userPool(t *testing.T) (pool, client string, tokens *idptypes.AuthenticationResultType) {
	t.Helper()
	pool = serving.NewPool(t, r.Rig)
	made, err := r.idp.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: new("app"), ExplicitAuthFlows: []idptypes.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	})
	check(t, err)
	client = *made.UserPoolClient.ClientId
	_, err = r.idp.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &pool, Username: new("dora"), MessageAction: "SUPPRESS"})
	check(t, err)
	_, err = r.idp.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: new("dora"), Password: new(password), Permanent: true})
	check(t, err)
	out, err := r.idp.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: "USER_PASSWORD_AUTH", ClientId: &client, AuthParameters: map[string]string{"USERNAME": "dora", "PASSWORD": password},
	})
	check(t, err)
	return pool, client, out.AuthenticationResult
}

// identityToken returns an identity pool, an identity of it and the identity's token.
func (r *rig) identityToken(t *testing.T, tags map[string]string) (pool, id, token string) {
	t.Helper()
	made, err := r.identity.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{
		IdentityPoolName: new("people"), AllowUnauthenticatedIdentities: true, AllowClassicFlow: new(true), DeveloperProviderName: new("login.example.app"),
		CognitoIdentityProviders: []citypes.CognitoIdentityProvider{},
	})
	check(t, err)
	pool = *made.IdentityPoolId
	out, err := r.identity.GetOpenIdTokenForDeveloperIdentity(t.Context(), &ci.GetOpenIdTokenForDeveloperIdentityInput{
		IdentityPoolId: &pool, Logins: map[string]string{"login.example.app": "dora"}, PrincipalTags: tags,
	})
	check(t, err)
	return pool, *out.IdentityId, *out.Token
}
