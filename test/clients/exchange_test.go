package clients_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	citypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/iam/sigv4"
	"cognate/test/patience"
	"cognate/test/serving"
	"cognate/test/stores"
)

// minioVariable names the program of MinIO. Its license permits to run it, but not to link it here.
const minioVariable = "COGNATE_TEST_MINIO"

// folderPolicy lets each identity use a folder: MinIO puts the claim sub in the place of the variable.
const folderPolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::uploads/${jwt:sub}/*"},
	{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::uploads","Condition":{"StringLike":{"s3:prefix":"${jwt:sub}/*"}}}]}`

// An exchange is a server with a user pool, a user and identity pools.
type exchange struct {
	endpoint string
	identity *ci.Client
	iam      *iam.Client
	// logins are those of the user.
	logins       map[string]string
	pool, client string
}

// TestMinIOTakesIdentityTokens exchanges OpenID tokens of an identity pool at MinIO, which verifies them by the
// documents of the issuer. docs/identity-pools.md has the settings. Build MinIO for it as CONTRIBUTING.md says.
func TestMinIOTakesIdentityTokens(t *testing.T) {
	minio := os.Getenv(minioVariable)
	if minio == "" {
		t.Logf("not run: %s must name the program of MinIO", minioVariable)
		return
	}
	t.Run("by a role", func(t *testing.T) {
		t.Parallel()
		x := newExchange(t)
		pool := x.newPool(t)
		id, token := x.token(t, pool, x.logins)
		store := x.minio(t, minio, freePort(t), pool, "MINIO_IDENTITY_OPENID_ROLE_POLICY=people", "people")
		role := regexp.MustCompile(`arn:minio:iam:\S+`)
		var arn string
		patience.Until(t, "MinIO prints the role", func() bool { arn = role.FindString(store.Output()); return arn != "" })

		assume := func(token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
			return sts.NewFromConfig(sdkConfig(store.URL, aws.AnonymousCredentials{})).AssumeRoleWithWebIdentity(t.Context(),
				&sts.AssumeRoleWithWebIdentityInput{RoleArn: &arn, RoleSessionName: new("exchange"), WebIdentityToken: &token, DurationSeconds: aws.Int32(3600)})
		}
		out, err := assume(token)
		serving.Must(t, out, err)
		if *out.SubjectFromWebIdentityToken != id {
			t.Errorf("MinIO took the token for %s, want %s", *out.SubjectFromWebIdentityToken, id)
		}
		c := out.Credentials
		useFolder(t, store, id, credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))

		_, foreign := x.token(t, x.newPool(t), x.logins)
		for name, refused := range map[string]string{
			"of another identity pool": foreign,
			"with another subject":     alter(t, token, "sub", pool),
			"without its signature":    token[:strings.LastIndexByte(token, '.')+1],
			"of the user pool":         x.logins[x.provider()],
		} {
			if _, err := assume(refused); serving.Code(err) != "InvalidParameterValue" {
				t.Errorf("a token %s: %v", name, err)
			}
		}
	})
	// The claim amr names the policy: its first entry is "authenticated" or "unauthenticated".
	t.Run("by a claim", func(t *testing.T) {
		t.Parallel()
		port := freePort(t)
		x := newExchange(t, "--sts-endpoint", "http://127.0.0.1:"+port, "--guest-actions", "s3:*")
		pool := x.newPool(t)
		store := x.minio(t, minio, port, pool, "MINIO_IDENTITY_OPENID_CLAIM_NAME=amr", "authenticated")
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity",
			"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + pool + `"}}}]}`
		role, err := x.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("people"), AssumeRolePolicyDocument: &trust})
		serving.Must(t, role, err)
		_, err = x.identity.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{
			IdentityPoolId: &pool, Roles: map[string]string{"authenticated": *role.Role.Arn, "unauthenticated": *role.Role.Arn},
		})
		serving.Want(t, err, "")
		id, _ := x.token(t, pool, x.logins)
		get := func(id string, logins map[string]string) (*ci.GetCredentialsForIdentityOutput, error) {
			return x.identity.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
		}
		out, err := get(id, x.logins)
		c := serving.Must(t, out, err).Credentials
		useFolder(t, store, id, credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretKey, *c.SessionToken))

		// MinIO has no policy for guests yet.
		guest, _ := x.token(t, pool, nil)
		_, err = get(guest, nil)
		serving.Want(t, err, "InvalidIdentityPoolConfigurationException")
		addPolicy(t, store, "unauthenticated")
		patience.Until(t, "MinIO knows the policy for guests", func() bool { out, err = get(guest, nil); return err == nil })
		c = out.Credentials
		useFolder(t, store, guest, credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretKey, *c.SessionToken))
	})
}

// useFolder writes, lists and reads in the folder of an identity, and wants refusals elsewhere.
func useFolder(t *testing.T, store *stores.Store, id string, c aws.CredentialsProvider) {
	t.Helper()
	ctx, sdk := t.Context(), s3Client(store, c)
	_, err := sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: new("uploads"), Key: new(id + "/note"), Body: strings.NewReader("hello")})
	serving.Want(t, err, "")
	listed, err := sdk.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: new("uploads"), Prefix: new(id + "/")})
	if serving.Must(t, listed, err); len(listed.Contents) != 1 || *listed.Contents[0].Key != id+"/note" {
		t.Errorf("the folder has %v", listed.Contents)
	}
	_, err = sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: new("uploads"), Key: new("others/note"), Body: strings.NewReader("hello")})
	serving.Want(t, err, "AccessDenied")
	_, err = sdk.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: new("uploads")})
	serving.Want(t, err, "AccessDenied")
}

func newExchange(t *testing.T, args ...string) *exchange {
	t.Helper()
	x := &exchange{endpoint: startServer(t, args...)}
	config := sdkConfig(x.endpoint, credentials.NewStaticCredentialsProvider("dev", "dev", ""))
	x.identity, x.iam = ci.NewFromConfig(config), iam.NewFromConfig(config)
	sdk := goSDK(x.endpoint)
	var user string
	x.pool, x.client, user = makeParty(t, sdk)
	x.logins = map[string]string{x.provider(): signIn(t, sdk, x.client, user)}
	return x
}

// provider returns the name of the user pool in Logins.
func (x *exchange) provider() string { return "cognito-idp.us-east-1.amazonaws.com/" + x.pool }

func (x *exchange) newPool(t *testing.T) string {
	t.Helper()
	out, err := x.identity.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{
		IdentityPoolName: new("people"), AllowClassicFlow: new(true), AllowUnauthenticatedIdentities: true,
		CognitoIdentityProviders: []citypes.CognitoIdentityProvider{{ProviderName: new(x.provider()), ClientId: &x.client}},
	})
	return *serving.Must(t, out, err).IdentityPoolId
}

// token returns an identity with an OpenID token of it.
func (x *exchange) token(t *testing.T, pool string, logins map[string]string) (id, token string) {
	t.Helper()
	found, err := x.identity.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &pool, Logins: logins})
	id = *serving.Must(t, found, err).IdentityId
	out, err := x.identity.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
	return id, *serving.Must(t, out, err).Token
}

// minio starts MinIO as docs/identity-pools.md says, with the bucket "uploads" and a policy.
func (x *exchange) minio(t *testing.T, program, port, pool, mode, policy string) *stores.Store {
	t.Helper()
	store, err := stores.MinIO(t.Context(), program, t.TempDir(), port, mode, "MINIO_IDENTITY_OPENID_CLIENT_ID="+pool,
		"MINIO_IDENTITY_OPENID_CONFIG_URL="+x.endpoint+"/cognito-identity/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	sdk := s3Client(store, credentials.NewStaticCredentialsProvider(stores.AccessKey, stores.SecretKey, ""))
	patience.Until(t, "MinIO has a bucket", func() bool {
		_, err := sdk.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("uploads")})
		code := serving.Code(err)
		return code == "" || code == "BucketAlreadyOwnedByYou"
	})
	addPolicy(t, store, policy)
	return store
}

// addPolicy makes a policy by MinIO's own operation.
func addPolicy(t *testing.T, store *stores.Store, name string) {
	t.Helper()
	signer := &sigv4.Signer{AccessKeyID: stores.AccessKey, Secret: stores.SecretKey, Region: stores.Region, Service: "s3"}
	sum := sha256.Sum256([]byte(folderPolicy))
	patience.Until(t, "MinIO has the policy "+name, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, store.URL+"/minio/admin/v3/add-canned-policy?name="+name, bytes.NewReader([]byte(folderPolicy)))
		if err != nil {
			t.Fatal(err)
		}
		signer.Sign(&sigv4.Request{Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery, Host: req.Host, Header: req.Header}, hex.EncodeToString(sum[:]), time.Now())
		res, err := http.DefaultClient.Do(req)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
}

func sdkConfig(endpoint string, c aws.CredentialsProvider) aws.Config {
	return aws.Config{Region: stores.Region, BaseEndpoint: &endpoint, Credentials: c}
}

func s3Client(store *stores.Store, c aws.CredentialsProvider) *s3.Client {
	return s3.NewFromConfig(sdkConfig(store.URL, c), func(o *s3.Options) { o.UsePathStyle = true })
}
