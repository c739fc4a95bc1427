package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/outbound"
	"cognate/test/serving"
)

const customID = "_custom_id_"

// createPool makes a user pool with the tag.
func createPool(t *testing.T, c *cip.Client, tag string) (string, error) {
	t.Helper()
	out, err := c.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("people"), UserPoolTags: map[string]string{customID: tag, "team": "a"},
	})
	if err != nil {
		return "", err
	}
	if got := out.UserPool.UserPoolTags[customID]; got != tag {
		t.Errorf("the pool shows the tag %q, want %q", got, tag)
	}
	return *out.UserPool.Id, nil
}

func createClient(t *testing.T, c *cip.Client, pool, name string) (string, error) {
	t.Helper()
	out, err := c.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: &name, ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
	})
	if err != nil {
		return "", err
	}
	if got := *out.UserPoolClient.ClientName; got != name {
		t.Errorf("the client has the name %q, want %q", got, name)
	}
	return *out.UserPoolClient.ClientId, nil
}

func wantInvalid(t *testing.T, err error, text string) {
	t.Helper()
	serving.Want(t, err, "InvalidParameterException")
	if err != nil && !strings.Contains(err.Error(), text) {
		t.Errorf("the error %v does not say %q", err, text)
	}
}

func TestChosenIDs(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c := r.Dev()
		pool, err := createPool(t, c, "us-east-1_myid123")
		if err != nil || pool != "us-east-1_myid123" {
			t.Fatalf("pool %q, %v", pool, err)
		}
		if id, err := createPool(t, c, "myid124"); err != nil || id != "us-east-1_myid124" {
			t.Errorf("pool %q, %v", id, err)
		}
		for tag, text := range map[string]string{
			"us-east-1_myid123":     "exists already",
			"myid123":               "exists already",
			"us-east-1_my-id":       "is not the id of a user pool",
			"":                      "is not the id of a user pool",
			strings.Repeat("a", 46): "55 characters at most",
			"eu-west-1_myid125":     "is an id of the Region eu-west-1",
		} {
			_, err := createPool(t, c, tag)
			wantInvalid(t, err, text)
		}

		client, err := createClient(t, c, pool, "_custom_id_:myclient123")
		if err != nil || client != "myclient123" {
			t.Fatalf("client %q, %v", client, err)
		}
		_, err = createClient(t, c, "us-east-1_myid124", "_custom_id_:myclient123")
		wantInvalid(t, err, "exists already")
		for _, name := range []string{"_custom_id_:", "_custom_id_:my.client", "_custom_id_:a:b"} {
			_, err = createClient(t, c, pool, name)
			wantInvalid(t, err, "is not the id of an app client")
		}
		_, err = c.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
			UserPoolId: &pool, ClientId: &client, ClientName: aws.String("_custom_id_:myclient123"),
			ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
		})
		serving.Want(t, err, "")
		newUser(t, r, pool, "alice")
		out, err := signIn(t, r, client, "alice", password)
		if err != nil {
			t.Fatal(err)
		}
		if _, body := serving.Get(t, r.URL()+"/"+pool+"/.well-known/jwks.json"); !strings.Contains(body, `"kid"`) {
			t.Errorf("the pool's keys: %s", body)
		}

		// A pool that is created again under the id has nothing of the deleted pool.
		_, err = c.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &pool})
		serving.Want(t, err, "")
		_, before := serving.Get(t, r.URL()+"/us-east-1_myid124/.well-known/jwks.json")
		if _, err = createPool(t, c, pool); err != nil {
			t.Fatal(err)
		}
		if client, err = createClient(t, c, pool, "_custom_id_:myclient123"); err != nil {
			t.Fatal(err)
		}
		_, err = signIn(t, r, client, "alice", password)
		serving.Want(t, err, "UserNotFoundException")
		_, err = c.GetUser(t.Context(), &cip.GetUserInput{AccessToken: out.AuthenticationResult.AccessToken})
		serving.Want(t, err, "NotAuthorizedException")
		newUser(t, r, pool, "alice")
		again, err := signIn(t, r, client, "alice", password)
		if err != nil {
			t.Fatal(err)
		}
		if keyID(t, *again.AuthenticationResult.IdToken) == keyID(t, *out.AuthenticationResult.IdToken) {
			t.Error("the new pool signs with the deleted pool's key")
		}
		if _, after := serving.Get(t, r.URL()+"/us-east-1_myid124/.well-known/jwks.json"); after != before {
			t.Error("the keys of another pool changed")
		}
	})
}

// TestHyphens uses an app client whose id has hyphens, which the model does not allow: in operations of
// administrators and users.
func TestHyphens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c := r.Dev()
		pool, err := createPool(t, c, "us-east-1_hyphens")
		if err != nil {
			t.Fatal(err)
		}
		const id = "local-web-client"
		if client, err := createClient(t, c, pool, "_custom_id_:"+id); err != nil || client != id {
			t.Fatalf("client %q, %v", client, err)
		}
		_, err = c.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
			UserPoolId: &pool, ClientId: aws.String(id), ClientName: aws.String("_custom_id_:" + id),
			ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
		})
		serving.Want(t, err, "")
		out, err := c.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: aws.String(id)})
		if err != nil || len(out.UserPoolClient.ExplicitAuthFlows) != 2 {
			t.Errorf("the client: %+v, %v", out, err)
		}
		newUser(t, r, pool, "alice")
		login, err := signIn(t, r, id, "alice", password)
		if err != nil {
			t.Fatal(err)
		}
		if got := claims(t, *login.AuthenticationResult.IdToken)["aud"]; got != id {
			t.Errorf("the ID token is for %v", got)
		}
		_, err = c.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			ClientId: aws.String(id), AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
			AuthParameters: map[string]string{"REFRESH_TOKEN": *login.AuthenticationResult.RefreshToken},
		})
		serving.Want(t, err, "")
		_, err = c.DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: aws.String(id)})
		serving.Want(t, err, "")
		_, err = c.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: aws.String("a.b")})
		serving.Want(t, err, "InvalidParameterException")
	})
}

// keyID returns the header of a token, which names its key.
func keyID(t *testing.T, token string) string {
	t.Helper()
	header, _, ok := strings.Cut(token, ".")
	if !ok {
		t.Fatalf("not a token: %s", token)
	}
	return header
}

func TestChosenIDsOfIdentityPools(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c := ci.New(ci.Options{
			BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", ""),
		})
		create := func(tag string) (string, error) {
			out, err := c.CreateIdentityPool(t.Context(), &ci.CreateIdentityPoolInput{
				IdentityPoolName: aws.String("people"), AllowUnauthenticatedIdentities: true, IdentityPoolTags: map[string]string{customID: tag},
			})
			if err != nil {
				return "", err
			}
			return *out.IdentityPoolId, nil
		}
		const uuid = "3a9f6f2e-0000-4000-8000-000000000001"
		id, err := create(uuid)
		if err != nil || id != "us-east-1:"+uuid {
			t.Fatalf("identity pool %q, %v", id, err)
		}
		for tag, text := range map[string]string{
			"us-east-1:" + uuid: "exists already",
			"us-east-1:people":  "is not the id of an identity pool",
			"eu-west-1:" + uuid: "is an id of the Region eu-west-1",
		} {
			_, err := create(tag)
			wantInvalid(t, err, text)
		}
		guest, err := c.GetId(t.Context(), &ci.GetIdInput{IdentityPoolId: &id})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.DeleteIdentityPool(t.Context(), &ci.DeleteIdentityPoolInput{IdentityPoolId: &id})
		serving.Want(t, err, "")
		if _, err := create("us-east-1:" + uuid); err != nil {
			t.Fatal(err)
		}
		_, err = c.DescribeIdentity(t.Context(), &ci.DescribeIdentityInput{IdentityId: guest.IdentityId})
		serving.Want(t, err, "ResourceNotFoundException")
	})
}

// TestProductionDrawsIDs: in production the tag is an ordinary tag, and the name is not valid.
func TestProductionDrawsIDs(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Serve(t))
	id, secret := serving.NewKey(t, r, "admin", "admin")
	c := r.Client(id, secret)
	pool, err := createPool(t, c, "us-east-1_myid123")
	if err != nil || pool == "us-east-1_myid123" {
		t.Fatalf("pool %q, %v", pool, err)
	}
	_, err = createClient(t, c, pool, "_custom_id_:myclient123")
	serving.Want(t, err, "InvalidParameterException")
	if status, out := call(t, r, "InitiateAuth", `{"ClientId":"my-client","AuthFlow":"USER_PASSWORD_AUTH"}`, http.Header{}); status != http.StatusBadRequest || out["__type"] != "InvalidParameterException" {
		t.Errorf("an id with a hyphen: %d %v", status, out)
	}
	if status, out := call(t, r, "InitiateAuth", `{"ClientId":"myclient123","AuthFlow":"USER_PASSWORD_AUTH"}`, http.Header{}); status == http.StatusOK {
		t.Errorf("the client exists: %v", out)
	}
}
