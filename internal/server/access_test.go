package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// TestServeTakesOnlyKnownSignatures is what production stands on.
func TestServeTakesOnlyKnownSignatures(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Serve(t))
	id, secret := serving.NewKey(t, r, "alice", "admin") // The server is running: through its socket.
	if err := serving.ListPools(t, r.Client(id, secret)); err != nil {
		t.Fatalf("the right key: %v", err)
	}
	serving.Want(t, serving.ListPools(t, r.Client(id, secret[:39]+"!")), "InvalidSignatureException")
	serving.Want(t, serving.ListPools(t, r.Client("AKIAAAAAAAAAAAAAAAAA", secret)), "UnrecognizedClientException")
	serving.Want(t, serving.ListPools(t, r.Client("dev", "dev")), "UnrecognizedClientException")
	serving.Want(t, serving.ListPools(t, r.Client(id, secret), func(o *cip.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(id, secret, "a-session-token")
	}), "UnrecognizedClientException")

	status, body := call(t, r, "ListUserPools", `{"MaxResults":10}`, nil)
	if status != http.StatusBadRequest || body["__type"] != "MissingAuthenticationTokenException" {
		t.Errorf("unsigned: %d %v", status, body)
	}

	out, _ := serving.Run(t, nil, "admin", "keys", "list", "--data", r.Config.Data)
	if !strings.Contains(out, id) || !strings.Contains(out, "user/alice") || strings.Contains(out, secret) {
		t.Errorf("list: %s", out)
	}
	serving.Run(t, nil, "admin", "keys", "revoke", "--data", r.Config.Data, id)
	serving.Want(t, serving.ListPools(t, r.Client(id, secret)), "UnrecognizedClientException")
	if log := r.Log.String(); strings.Contains(log, secret) {
		t.Error("the log tells the secret")
	}
}

// TestServeRefusesOldSignatures moves the server's clock past the five minutes
// that a signature is good for.
func TestServeRefusesOldSignatures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		by   time.Duration
		code string
	}{
		{"a little late", 4 * time.Minute, ""},
		{"too late", 6 * time.Minute, "InvalidSignatureException"},
		{"too early", -6 * time.Minute, "InvalidSignatureException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serving.Serve(t)
			c.Now = func() time.Time { return time.Now().Add(tt.by) }
			r := serving.Start(t, c)
			id, secret := serving.NewKey(t, r, "alice", "admin")
			// The SDK would correct its clock by the answer's Date and try again.
			serving.Want(t, serving.ListPools(t, r.Client(id, secret)), tt.code)
		})
	}
}

func TestPolicyOnOnePool(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Serve(t))
	admin := r.Client(serving.NewKey(t, r, "root", "admin"))
	create := func(name string) string {
		out, err := admin.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String(name)})
		return *serving.Must(t, out, err).UserPool.Id
	}
	mine, other := create("mine"), create("other")
	file := filepath.Join(t.TempDir(), "support.json")
	policy := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["cognito-idp:Describe*","cognito-idp:List*"],"Resource":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/` + mine + `"},
		{"Effect":"Deny","Action":"cognito-idp:ListUserPoolClients","Resource":"*"}]}`
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	c := r.Client(serving.NewKey(t, r, "support", file))
	describe := func(id string) error {
		_, err := c.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &id})
		return err
	}
	serving.Want(t, describe(mine), "")
	err := describe(other)
	serving.Want(t, err, "AccessDeniedException")
	text := "User: arn:aws:iam::123456789012:user/support is not authorized to perform: cognito-idp:DescribeUserPool on resource: " +
		"arn:aws:cognito-idp:us-east-1:123456789012:userpool/" + other +
		" because no identity-based policy allows the cognito-idp:DescribeUserPool action"
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want the text %q", err, text)
	}
	_, err = c.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &mine})
	serving.Want(t, err, "AccessDeniedException")
	_, err = c.ListUserPoolClients(t.Context(), &cip.ListUserPoolClientsInput{UserPoolId: &mine})
	if err == nil || !strings.Contains(err.Error(), "with an explicit deny in an identity-based policy") {
		t.Errorf("denied: %v", err)
	}
	serving.Want(t, serving.ListPools(t, c), "AccessDeniedException") // about no pool
	serving.Want(t, describe(mine), "")
}

// TestPolicyOnTags asks for a tag of the pool. A request that names the pool in
// another Region passes the policy, and the operation refuses it.
func TestPolicyOnTags(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Serve(t))
	admin := r.Client(serving.NewKey(t, r, "root", "admin"))
	create := func(stage string) *string {
		out, err := admin.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String(stage), UserPoolTags: map[string]string{"stage": stage}})
		return serving.Must(t, out, err).UserPool.Id
	}
	file := filepath.Join(t.TempDir(), "testers.json")
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/stage":"test"}}}]}`
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	c := r.Client(serving.NewKey(t, r, "tester", file))
	tagged, other := create("test"), create("production")
	for _, tt := range []struct {
		name   string
		pool   *string
		region string
		code   string
	}{
		{"tagged", tagged, "us-east-1", ""},
		{"tagged otherwise", other, "us-east-1", "AccessDeniedException"},
		{"in another Region", tagged, "eu-central-1", "ResourceNotFoundException"},
		{"tagged otherwise, in another Region", other, "eu-central-1", "AccessDeniedException"},
	} {
		_, err := c.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: tt.pool}, func(o *cip.Options) { o.Region = tt.region })
		if got := serving.Code(err); got != tt.code {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.code)
		}
	}
	identities := func(id, secret string) *ci.Client {
		return ci.New(ci.Options{
			BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
			HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
		})
	}
	owner, tester := identities(serving.NewKey(t, r, "owner", "admin")), identities(serving.NewKey(t, r, "examiner", file))
	for stage, code := range map[string]string{"test": "", "production": "AccessDeniedException"} {
		made, err := owner.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{IdentityPoolName: &stage, IdentityPoolTags: map[string]string{"stage": stage}})
		id := serving.Must(t, made, err).IdentityPoolId
		_, err = tester.DescribeIdentityPool(t.Context(), &ci.DescribeIdentityPoolInput{IdentityPoolId: id})
		if got := serving.Code(err); got != code {
			t.Errorf("identity pool %s: %q, want %q", stage, got, code)
		}
	}
}

func TestDevTakesAnySignature(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	serving.Want(t, serving.ListPools(t, r.Dev()), "")
	status, body := call(t, r, "ListUserPools", `{"MaxResults":10}`, nil)
	if status != http.StatusBadRequest || body["__type"] != "MissingAuthenticationTokenException" {
		t.Errorf("unsigned: %d %v", status, body)
	}
	c := serving.Dev(t)
	c.AllowUnsigned = true
	status, body = call(t, serving.Start(t, c), "ListUserPools", `{"MaxResults":10}`, nil)
	if status != http.StatusOK {
		t.Errorf("unsigned, with --allow-unsigned: %d %v", status, body)
	}
}

// TestUnimplementedOperation checks the answer of operations that are not available.
func TestUnimplementedOperation(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.AllowUnsigned = true
	r := serving.Start(t, c)
	status, body := call(t, r, "ListUserPoolReplicas", `{"UserPoolId":"us-east-1_x"}`, nil)
	if status != http.StatusBadRequest || body["__type"] != "UnsupportedOperationException" ||
		body["message"] != "ListUserPoolReplicas is not available in this version of Cognate" {
		t.Errorf("%d %v", status, body)
	}
}

// TestServeOnPostgres runs two servers on one database: a key that one knows the
// other knows too, and a sign-in that begins on one ends on the other.
func TestServeOnPostgres(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	c.Data, c.Database = "", server.Secret(pgtest.Database(t))
	if s, err := server.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "cognate migrate") {
		if err == nil {
			_ = s.Close()
		}
		t.Fatalf("not migrated: %v", err)
	}
	env := map[string]string{"COGNATE_DATABASE": string(c.Database), "COGNATE_KEK_FILE": c.KEKFile}
	serving.Run(t, env, "migrate")
	first, second := serving.Start(t, c), serving.Start(t, c)
	out, _ := serving.Run(t, env, "admin", "keys", "create", "--name", "ops", "--policy", "admin")
	values := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[name] = value
	}
	id, secret := values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"]
	a, b := first.Client(id, secret), second.Client(id, secret)
	created, err := a.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	pool := serving.Must(t, created, err).UserPool.Id
	app, err := b.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: pool, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	client := serving.Must(t, app, err).UserPoolClient.ClientId
	_, err = a.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: pool, Username: aws.String("bob"), TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress,
	})
	serving.Want(t, err, "")
	begun, err := signIn(t, first, *client, "bob", password)
	ended, err := second.Dev().RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
		ClientId: client, ChallengeName: serving.Must(t, begun, err).ChallengeName, Session: begun.Session,
		ChallengeResponses: map[string]string{"USERNAME": "bob", "NEW_PASSWORD": password + "2"},
	})
	tokens := serving.Must(t, ended, err).AuthenticationResult
	_, err = first.Dev().GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken})
	serving.Want(t, err, "")
	_, report, _ := serving.Command(t, env, "doctor", "--plain-http", "--issuer-base", c.IssuerBase, "--listen", "127.0.0.1:0", "--private-listen", "off")
	// The cluster of the tests may run without fsync, to be faster.
	if faults := strings.Count(report, "FAIL") - strings.Count(report, "FAIL  fsync"); faults > 0 || !strings.Contains(report, "clock          agrees") {
		t.Errorf("doctor:\n%s", report)
	}
}
