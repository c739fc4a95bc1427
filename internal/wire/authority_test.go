package wire_test

import (
	"context"
	"errors"
	"net/http"
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
	"cognate/internal/wire"
)

// guarded is a handler that knows three keys and a policy about one pool.
func guarded(t *testing.T, now func() time.Time) string {
	return serve(t, func(c *wire.Config) {
		c.Now = now
		c.Authority = wire.Authority{
			Mode: wire.Verify,
			Lookup: func(_ context.Context, key, token string) (wire.Credential, error) {
				switch {
				case key == "AKIDEXAMPLE" && token == "":
					return wire.Credential{Secret: "secret", PrincipalARN: "arn:aws:iam::123456789012:user/alice"}, nil
				case key == "ASIAEXPIRED" && token == "old":
					return wire.Credential{}, wire.ErrExpiredToken
				case key == "AKIDBROKEN":
					return wire.Credential{}, errors.New("database is away")
				}
				return wire.Credential{}, wire.ErrUnknownKey
			},
			Authorize: func(_ context.Context, a wire.Access) error {
				if a.Credential.PrincipalARN != "arn:aws:iam::123456789012:user/alice" || a.Credential.AccessKeyID != "AKIDEXAMPLE" {
					return errors.New("another principal")
				}
				switch a.Action + " " + a.Resource {
				case "cognito-idp:AdminGetUser arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_allowed":
					return nil
				case "cognito-idp:AdminGetUser arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_forbidden":
					return &wire.Denied{Explicit: true}
				}
				return &wire.Denied{}
			},
		}
	})
}

func client(url, key, secret, token string) *cognito.Client {
	return cognito.New(cognito.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	})
}

func TestVerifyWithSDK(t *testing.T) {
	t.Parallel()
	const user = "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: cognito-idp:AdminGetUser on resource: "
	tests := []struct {
		name               string
		key, secret, token string
		pool               string
		skew               time.Duration
		code, message      string
	}{
		{name: "allowed", key: "AKIDEXAMPLE", secret: "secret", pool: "eu-central-1_allowed"},
		{
			name: "denied", key: "AKIDEXAMPLE", secret: "secret", pool: "eu-central-1_other", code: "AccessDeniedException",
			message: user + "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_other because no identity-based policy allows the cognito-idp:AdminGetUser action",
		},
		{
			name: "denied explicitly", key: "AKIDEXAMPLE", secret: "secret", pool: "eu-central-1_forbidden", code: "AccessDeniedException",
			message: user + "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_forbidden with an explicit deny in an identity-based policy",
		},
		{name: "constraint before policy", key: "AKIDEXAMPLE", secret: "secret", pool: "x", code: "InvalidParameterException"},
		{
			name: "wrong secret", key: "AKIDEXAMPLE", secret: "other", pool: "eu-central-1_allowed", code: "InvalidSignatureException",
			message: "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
		},
		{name: "signature before constraint", key: "AKIDEXAMPLE", secret: "other", pool: "x", code: "InvalidSignatureException"},
		{name: "unknown key", key: "AKIDOTHER", secret: "secret", pool: "eu-central-1_allowed", code: "UnrecognizedClientException", message: "The security token included in the request is invalid."},
		{name: "long-term key with a token", key: "AKIDEXAMPLE", secret: "secret", token: "x", pool: "eu-central-1_allowed", code: "UnrecognizedClientException"},
		{name: "expired token", key: "ASIAEXPIRED", secret: "secret", token: "old", pool: "eu-central-1_allowed", code: "ExpiredTokenException", message: "The security token included in the request is expired"},
		{name: "late", key: "AKIDEXAMPLE", secret: "secret", pool: "eu-central-1_allowed", skew: 10 * time.Minute, code: "InvalidSignatureException"},
		{name: "early", key: "AKIDEXAMPLE", secret: "secret", pool: "eu-central-1_allowed", skew: -10 * time.Minute, code: "InvalidSignatureException"},
		{name: "lookup fails", key: "AKIDBROKEN", secret: "secret", pool: "eu-central-1_allowed", code: "InternalErrorException", message: "Something went wrong"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := guarded(t, func() time.Time { return time.Now().Add(tt.skew) })
			out, err := client(url, tt.key, tt.secret, tt.token).AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: &tt.pool, Username: aws.String("alice")})
			if tt.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				want := []string{"AdminGetUser", "eu-central-1", "123456789012", "AKIDEXAMPLE", "arn:aws:iam::123456789012:user/alice"}
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
			if failed.ErrorCode() != tt.code || tt.message != "" && failed.ErrorMessage() != tt.message {
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
	url := guarded(t, time.Now)
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
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
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
type echo struct{ idp.NotBuilt }

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
