package clients_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"

	"cognate/internal/outbound"
)

// TestOIDC lets go-oidc discover the issuer and judge the ID tokens that the
// AWS SDK for Go obtained.
func TestOIDC(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		ctx := t.Context()
		sdk := goSDK(endpoint)
		poolID, clientID, username := makeParty(t, sdk)
		issuer := endpoint + "/" + poolID
		token := signIn(t, sdk, clientID, username)

		provider, err := oidc.NewProvider(ctx, issuer)
		if err != nil {
			t.Fatalf("discover %s: %v", issuer, err)
		}
		verifier := provider.Verifier(&oidc.Config{ClientID: clientID})
		verified, err := verifier.Verify(ctx, token)
		if err != nil {
			t.Fatalf("verify the ID token: %v", err)
		}
		var claims struct {
			Username string `json:"cognito:username"`
			Email    string
			Verified bool `json:"email_verified"`
		}
		if err := verified.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if claims.Username != username || claims.Email != username+"@example.com" || !claims.Verified {
			t.Errorf("claims = %+v, want those of %s", claims, username)
		}

		otherPool, otherClient, stranger := makeParty(t, sdk)
		if otherPool == poolID {
			t.Fatal("two pools have one id")
		}
		later := func() time.Time { return verified.Expiry.Add(time.Second) }
		refused := []struct {
			name     string
			verifier *oidc.IDTokenVerifier
			token    string
			want     string
		}{
			{"altered", verifier, alter(t, token, "cognito:username", "root"), "failed to verify signature"},
			{"expired", provider.Verifier(&oidc.Config{ClientID: clientID, Now: later}), token, "token is expired"},
			{"another client", provider.Verifier(&oidc.Config{ClientID: otherClient}), token, "expected audience"},
			{"another pool", verifier, signIn(t, sdk, otherClient, stranger), "failed to verify signature"},
		}
		for _, row := range refused {
			_, err := row.verifier.Verify(ctx, row.token)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v, want %q", row.name, err, row.want)
			}
		}
		_, err = oidc.NewProvider(ctx, endpoint+"/us-east-1_000000000")
		if err == nil {
			t.Error("a pool that does not exist has a discovery document")
		}
	})
}

// TestGoSDKErrors wants the service's errors as the SDK's own types.
func TestGoSDKErrors(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		ctx := t.Context()
		sdk := goSDK(endpoint)
		_, clientID, username := makeParty(t, sdk)
		_, err := sdk.InitiateAuth(ctx, passwordSignIn(clientID, username, "Wrong-horse-1"))
		if e, ok := errors.AsType[*types.NotAuthorizedException](err); !ok || e.ErrorMessage() != "Incorrect username or password." {
			t.Errorf("wrong password: %v", err)
		}
		_, err = sdk.DescribeUserPool(ctx, &idp.DescribeUserPoolInput{UserPoolId: aws.String("us-east-1_000000000")})
		if e, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || e.ErrorMessage() != "User pool us-east-1_000000000 does not exist." {
			t.Errorf("unknown pool: %v", err)
		}
	})
}

const password = "Correct-horse-1"

func goSDK(endpoint string) *idp.Client {
	return idp.New(idp.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "any secret will do"}, nil
		}),
		Retryer:    aws.NopRetryer{},
		HTTPClient: outbound.NewAWSClient(aws.Config{}),
	})
}

// makeParty makes a pool, an app client and a confirmed user.
func makeParty(t *testing.T, sdk *idp.Client) (poolID, clientID, username string) {
	t.Helper()
	ctx := t.Context()
	username = "alice-" + strings.ToLower(rand.Text()[:8])
	pool, err := sdk.CreateUserPool(ctx, &idp.CreateUserPoolInput{PoolName: aws.String("pool")})
	if err != nil {
		t.Fatal(err)
	}
	client, err := sdk.CreateUserPoolClient(ctx, &idp.CreateUserPoolClientInput{
		UserPoolId: pool.UserPool.Id, ClientName: aws.String("web"),
		ExplicitAuthFlows:          []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sdk.AdminCreateUser(ctx, &idp.AdminCreateUserInput{
		UserPoolId: pool.UserPool.Id, Username: &username, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String(username + "@example.com")},
			{Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sdk.AdminSetUserPassword(ctx, &idp.AdminSetUserPasswordInput{
		UserPoolId: pool.UserPool.Id, Username: &username, Password: aws.String(password), Permanent: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *pool.UserPool.Id, *client.UserPoolClient.ClientId, username
}

func passwordSignIn(clientID, username, password string) *idp.InitiateAuthInput {
	return &idp.InitiateAuthInput{
		ClientId: &clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password},
	}
}

// signIn returns the user's ID token.
func signIn(t *testing.T, sdk *idp.Client, clientID, username string) string {
	t.Helper()
	out, err := sdk.InitiateAuth(t.Context(), passwordSignIn(clientID, username, password))
	if err != nil {
		t.Fatal(err)
	}
	return *out.AuthenticationResult.IdToken
}

// alter changes one claim of a token and leaves its signature.
func alter(t *testing.T, token, claim, value string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	claims[claim] = value
	if payload, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(payload)
	return strings.Join(parts, ".")
}
