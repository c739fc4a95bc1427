package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cognate/internal/outbound"
	"cognate/test/serving"
)

// TestGatewaySessions uses the credentials of an identity pool at the gateway: each identity has
// a folder of its own.
func TestGatewaySessions(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	r := serving.Start(t, before(serving.Dev(t), store.URL))
	ctx := t.Context()
	dev := credentials.NewStaticCredentialsProvider("dev", "dev", "")
	pools := ci.New(ci.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: dev,
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	})
	made, err := pools.CreateIdentityPool(ctx, &ci.CreateIdentityPoolInput{IdentityPoolName: aws.String("people"), AllowUnauthenticatedIdentities: true})
	pool := serving.Must(t, made, err).IdentityPoolId
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
		"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + *pool + `"}}}}`
	role, err := iamClient(r, "dev", "dev").CreateRole(ctx, &awsiam.CreateRoleInput{RoleName: aws.String("guests"), AssumeRolePolicyDocument: &trust})
	arn := serving.Must(t, role, err).Role.Arn
	_, err = iamClient(r, "dev", "dev").PutRolePolicy(ctx, &awsiam.PutRolePolicyInput{
		RoleName: aws.String("guests"), PolicyName: aws.String("folder"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{
			"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::data/${cognito-identity.amazonaws.com:sub}/*"}}`),
	})
	serving.Want(t, err, "")
	_, err = pools.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: pool, Roles: map[string]string{"unauthenticated": *arn}})
	serving.Want(t, err, "")
	guest := func() (string, *types.Credentials) {
		id, err := pools.GetId(ctx, &ci.GetIdInput{IdentityPoolId: pool})
		name := serving.Must(t, id, err).IdentityId
		out, err := pools.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: name})
		return *name, serving.Must(t, out, err).Credentials
	}
	with := func(key, secret, token string) *s3.Client {
		return s3.New(s3Client(r, key, secret).Options(), func(o *s3.Options) {
			o.Credentials = credentials.NewStaticCredentialsProvider(key, secret, token)
		})
	}
	annID, a := guest()
	bobID, b := guest()
	ann, bob := with(*a.AccessKeyId, *a.SecretKey, *a.SessionToken), with(*b.AccessKeyId, *b.SecretKey, *b.SessionToken)
	serving.Want(t, put(t, ann, annID+"/a.txt", "hello"), "")
	if body, err := get(t, ann, annID+"/a.txt"); err != nil || body != "hello" {
		t.Errorf("get: %q, %v", body, err)
	}
	_, err = get(t, bob, annID+"/a.txt")
	serving.Want(t, err, "AccessDenied")
	serving.Want(t, put(t, bob, annID+"/b.txt", "x"), "AccessDenied")
	serving.Want(t, put(t, ann, bobID+"/a.txt", "x"), "AccessDenied")

	for _, tt := range []struct{ name, secret, token, want string }{
		{"another secret", *b.SecretKey, *a.SessionToken, "SignatureDoesNotMatch"},
		{"another token", *a.SecretKey, *b.SessionToken, "InvalidToken"},
		{"a changed token", *a.SecretKey, (*a.SessionToken)[:len(*a.SessionToken)-8] + "AAAAAAAA", "InvalidToken"},
		{"no token", *a.SecretKey, "", "InvalidAccessKeyId"},
	} {
		if code := serving.Code(put(t, with(*a.AccessKeyId, tt.secret, tt.token), annID+"/c.txt", "x")); code != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, code, tt.want)
		}
	}
	log := r.Log.String()
	for _, want := range []string{"principal=arn:aws:sts::123456789012:assumed-role/guests/CognitoIdentityCredentials", "claimedAccessKey=" + *a.AccessKeyId} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if strings.Contains(log, *a.SessionToken) {
		t.Error("the log has a session token")
	}

	_, err = pools.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{annID}})
	serving.Want(t, err, "")
	within(t, "InvalidToken", func() error { return put(t, ann, annID+"/a.txt", "x") })
	setClock(t, r, `{"advance":"2h"}`)
	serving.Want(t, put(t, bob, bobID+"/a.txt", "x"), "ExpiredToken")
}

// setClock sets the clock of a development server.
func setClock(t *testing.T, r serving.Rig, change string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/clock", strings.NewReader(change))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("clock: %d, %v", res.StatusCode, err)
	}
}
