package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/store"
	"cognate/internal/wire"
	"cognate/test/patience"
)

// access is an access key of a policy about two pools.
type access struct {
	*iam.Service
	key, secret string
	// broken is the id of a key that cannot be read.
	broken string
}

func newAccess(t *testing.T) access {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "db"), Now: time.Now, Migrate: true, StatementTimeout: patience.Limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	kek, err := keys.ParseKEK(keys.GenerateKEK())
	if err != nil {
		t.Fatal(err)
	}
	ring, _, err := keys.OpenRing(t.Context(), kek, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a := access{
		Service: iam.New(iam.Deps{Store: st, Ring: ring, Now: time.Now, AccountID: "123456789012"}),
		broken:  "AKIABBBBBBBBBBBBBBBB",
	}
	const pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_"
	key, secret, err := a.CreateAccessKey(t.Context(), "alice", iam.NamedPolicy{Name: "p", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"cognito-idp:AdminGetUser","Resource":"` + pool + `allowed"},
		{"Effect":"Deny","Action":"cognito-idp:AdminGetUser","Resource":"` + pool + `forbidden"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	a.key, a.secret = key.ID, string(secret)
	broken := store.AccessKey{ID: a.broken, Name: "bob", PrincipalARN: "arn:aws:iam::123456789012:user/bob", Secret: []byte("x"), Doc: []byte(`{"format":99}`), CreatedAt: time.Now()}
	if err := st.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertAccessKey(t.Context(), broken) }); err != nil {
		t.Fatal(err)
	}
	return a
}

// guarded is a handler that lets in the keys of a.
func guarded(t *testing.T, a access, now func() time.Time) string {
	return serve(t, func(c *wire.Config) {
		c.Now, c.Authority = now, wire.Authority{Mode: wire.Verify, IAM: a.Service}
	})
}

func client(url, key, secret, token string) *cognito.Client {
	return cognito.New(cognito.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(url), HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	})
}

var encodedMessage = regexp.MustCompile(`\. Encoded authorization failure message: [\w-]{200,}`)

// withoutEncoded returns an answer without the encoded message, which differs each time.
func withoutEncoded(text string) string { return encodedMessage.ReplaceAllString(text, "") }

func TestVerifyWithSDK(t *testing.T) {
	t.Parallel()
	a := newAccess(t)
	const user = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: cognito-idp:AdminGetUser on resource: "
	tests := []struct {
		name               string
		key, secret, token string
		pool               string
		skew               time.Duration
		code, message      string
	}{
		{name: "allowed", key: a.key, secret: a.secret, pool: "eu-central-1_allowed"},
		{
			name: "denied", key: a.key, secret: a.secret, pool: "eu-central-1_other", code: "AccessDeniedException",
			message: user + "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_other because no identity-based policy allows the cognito-idp:AdminGetUser action",
		},
		{
			name: "denied explicitly", key: a.key, secret: a.secret, pool: "eu-central-1_forbidden", code: "AccessDeniedException",
			message: user + "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_forbidden with an explicit deny in an identity-based policy",
		},
		{name: "constraint before policy", key: a.key, secret: a.secret, pool: "x", code: "InvalidParameterException"},
		{
			name: "wrong secret", key: a.key, secret: "other", pool: "eu-central-1_allowed", code: "InvalidSignatureException",
			message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
		},
		{name: "signature before constraint", key: a.key, secret: "other", pool: "x", code: "InvalidSignatureException"},
		{name: "unknown key", key: "AKIAAAAAAAAAAAAAAAAA", secret: a.secret, pool: "eu-central-1_allowed", code: "UnrecognizedClientException", message: "The security token included in the request is invalid."},
		{name: "long-term key with a token", key: a.key, secret: a.secret, token: "x", pool: "eu-central-1_allowed", code: "UnrecognizedClientException"},
		{name: "late", key: a.key, secret: a.secret, pool: "eu-central-1_allowed", skew: 10 * time.Minute, code: "InvalidSignatureException"},
		{name: "early", key: a.key, secret: a.secret, pool: "eu-central-1_allowed", skew: -10 * time.Minute, code: "InvalidSignatureException"},
		{name: "lookup fails", key: a.broken, secret: a.secret, pool: "eu-central-1_allowed", code: "InternalErrorException", message: "Something went wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := guarded(t, a, func() time.Time { return time.Now().Add(tt.skew) })
			out, err := client(url, tt.key, tt.secret, tt.token).AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &tt.pool, Username: aws.String("alice")})
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				want := []string{"AdminGetUser", "eu-central-1", "123456789012", a.key, "arn:aws:iam::123456789012:user/alice"}
				if diff := cmp.Diff(want, out.UserMFASettingList); diff != "" {
					t.Error(diff)
				}
				if !out.UserCreateDate.Equal(time.UnixMilli(1594889658976)) || out.UserStatus != types.UserStatusTypeConfirmed {
					t.Errorf("output = %+v", out)
				}
				return
			}
			failed, ok := errors.AsType[smithy.APIError](err)
			if !ok {
				t.Fatalf("error = %v", err)
			}
			if failed.ErrorCode() != tt.code || tt.message != "" && withoutEncoded(failed.ErrorMessage()) != tt.message {
				t.Errorf("error = %s: %s", failed.ErrorCode(), failed.ErrorMessage())
			}
		})
	}
}

// tamper changes what was signed on its way to the server.
type tamper func(r *http.Request)

func (f tamper) Do(r *http.Request) (*http.Response, error) {
	f(r)
	return http.DefaultClient.Do(r)
}

func TestTamperedRequest(t *testing.T) {
	t.Parallel()
	a := newAccess(t)
	url := guarded(t, a, time.Now)
	tests := []struct {
		name   string
		change func(r *http.Request)
	}{
		{"target", func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminDeleteUser")
		}},
		{"unsigned header", func(r *http.Request) { r.Header.Set("X-Amz-Note", "x") }},
		{"host", func(r *http.Request) { r.Host = "example.com" }},
		{"query", func(r *http.Request) { r.URL.RawQuery = "a=b" }},
		{"method of signing", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := cognito.New(cognito.Options{
				Region: "eu-central-1", BaseEndpoint: aws.String(url), RetryMaxAttempts: 1, HTTPClient: tamper(tt.change),
				Credentials: credentials.NewStaticCredentialsProvider(a.key, a.secret, ""),
			})
			_, err := c.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: aws.String("eu-central-1_allowed"), Username: aws.String("alice")})
			failed, ok := errors.AsType[smithy.APIError](err)
			if !ok || failed.ErrorCode() != "InvalidSignatureException" && failed.ErrorCode() != "IncompleteSignatureException" {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// echo answers CreateUserPool with what it was asked for.
type echo struct{ idp.Unimplemented }

func (echo) CreateUserPool(_ context.Context, in *idp.CreateUserPoolRequest) (*idp.CreateUserPoolResponse, error) {
	return &idp.CreateUserPoolResponse{UserPool: &idp.UserPoolType{
		Name: &in.PoolName, Policies: in.Policies, LambdaConfig: in.LambdaConfig, AutoVerifiedAttributes: in.AutoVerifiedAttributes,
		SchemaAttributes: in.Schema, UserPoolTags: in.UserPoolTags, MfaConfiguration: in.MfaConfiguration,
		AdminCreateUserConfig: in.AdminCreateUserConfig, CreationDate: time.UnixMilli(1),
	}}, nil
}

// TestSDKRoundTrip: a nested input comes through decoding and encoding as the SDK wrote it.
func TestSDKRoundTrip(t *testing.T) {
	t.Parallel()
	url := serve(t, func(c *wire.Config) { c.Bindings = idp.Bind(echo{}) })
	in := &cognito.CreateUserPoolInput{
		PoolName: aws.String("pool 1"),
		Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{
			MinimumLength: aws.Int32(12), RequireLowercase: true, TemporaryPasswordValidityDays: 3, PasswordHistorySize: aws.Int32(5),
		}},
		LambdaConfig:           &types.LambdaConfigType{},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail, types.VerifiedAttributeTypePhoneNumber},
		Schema: []types.SchemaAttributeType{
			{Name: aws.String("a"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(false), StringAttributeConstraints: &types.StringAttributeConstraintsType{MaxLength: aws.String("7")}},
			{Name: aws.String("b"), AttributeDataType: types.AttributeDataTypeNumber},
		},
		UserPoolTags:          map[string]string{"z": "1", "a": "", "m": "\u2028\U0001F600"},
		MfaConfiguration:      types.UserPoolMfaTypeOptional,
		AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true, InviteMessageTemplate: &types.MessageTemplateType{SMSMessage: aws.String("{username} {####}")}},
	}
	out, err := client(url, "AKID", "any", "").CreateUserPool(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	got := out.UserPool
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return strings.HasSuffix(p.String(), "noSmithyDocumentSerde") }, cmp.Ignore())
	for _, pair := range [][2]any{
		{*in.PoolName, *got.Name}, {in.Policies, got.Policies}, {in.LambdaConfig, got.LambdaConfig}, {in.AutoVerifiedAttributes, got.AutoVerifiedAttributes},
		{in.Schema, got.SchemaAttributes}, {in.UserPoolTags, got.UserPoolTags}, {in.MfaConfiguration, got.MfaConfiguration}, {in.AdminCreateUserConfig, got.AdminCreateUserConfig},
	} {
		if diff := cmp.Diff(pair[0], pair[1], ignore); diff != "" {
			t.Errorf("(-sent +answered):\n%s", diff)
		}
	}
	resp, ok := errors.AsType[*smithyhttp.ResponseError](func() error {
		_, err := client(url, "AKID", "any", "").ListUserPools(t.Context(), &cognito.ListUserPoolsInput{MaxResults: aws.Int32(1)})
		return err
	}())
	if !ok || resp.HTTPStatusCode() != 400 {
		t.Errorf("not built: %v", resp)
	}
}

// TestPassRole wants a permission of its own for a role that a pool's group gets.
func TestPassRole(t *testing.T) {
	t.Parallel()
	a := newAccess(t)
	key, secret, err := a.CreateAccessKey(t.Context(), "pools", iam.NamedPolicy{Name: "p", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*"},
		{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/staff","Condition":{"StringEquals":{"iam:PassedToService":"cognito-idp.amazonaws.com"}}}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	const role = "arn:aws:iam::123456789012:role/"
	tests := []struct {
		name, role    string
		code, message string
	}{
		{"no role", "", "UnsupportedOperationException", "CreateGroup is not available in this version of Cognate"},
		{"the role", role + "staff", "UnsupportedOperationException", "CreateGroup is not available in this version of Cognate"},
		{"another role", role + "admin", "AccessDeniedException", "User: arn:aws:iam::123456789012:user/pools is not authorized to perform: iam:PassRole on resource: " + role +
			"admin because no identity-based policy allows the iam:PassRole action"},
	}
	url := guarded(t, a, time.Now)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := &cognito.CreateGroupInput{UserPoolId: aws.String("eu-central-1_allowed"), GroupName: aws.String("g")}
			if tt.role != "" {
				in.RoleArn = &tt.role
			}
			_, err := client(url, key.ID, string(secret), "").CreateGroup(t.Context(), in)
			e, ok := errors.AsType[smithy.APIError](err)
			if !ok || e.ErrorCode() != tt.code || withoutEncoded(e.ErrorMessage()) != tt.message {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestDevelopmentKeys wants a development server to accept every key that it did not make, and to
// check those that it made.
func TestDevelopmentKeys(t *testing.T) {
	t.Parallel()
	a := newAccess(t)
	url := serve(t, func(c *wire.Config) { c.Now, c.Authority.IAM = time.Now, a.Service })
	tests := []struct {
		name, key, secret, token string
		pool, code               string
	}{
		{name: "another key", key: "test", secret: "test", pool: "eu-central-1_other"},
		{name: "another server's key", key: "AKIAAAAAAAAAAAAAAAAA", secret: "x", pool: "eu-central-1_other"},
		{name: "another server's session", key: "ASIAAAAAAAAAAAAAAAAA", secret: "x", token: "IQoJb3JpZ2luX2VjEA==", pool: "eu-central-1_other"},
		{name: "own key", key: a.key, secret: a.secret, pool: "eu-central-1_allowed"},
		{name: "own key, denied", key: a.key, secret: a.secret, pool: "eu-central-1_other", code: "AccessDeniedException"},
		{name: "own key, wrong secret", key: a.key, secret: "test", pool: "eu-central-1_allowed", code: "InvalidSignatureException"},
		{name: "own key with a token", key: a.key, secret: a.secret, token: "x", pool: "eu-central-1_allowed", code: "UnrecognizedClientException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(url, tt.key, tt.secret, tt.token).AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &tt.pool, Username: aws.String("alice")})
			failed, ok := errors.AsType[smithy.APIError](err)
			if ok != (tt.code != "") || ok && failed.ErrorCode() != tt.code {
				t.Errorf("error = %v, want %q", err, tt.code)
			}
		})
	}
}
