package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// engines runs a test with the configuration of a development server for each database.
func engines(t *testing.T, test func(t *testing.T, c server.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, serving.Dev(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := serving.Dev(t)
		c.Database = server.Secret(pgtest.Database(t))
		test(t, c)
	})
}

// write stores a file of a template. It replaces the file in one step, as editors do.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// templateFile stores a template in a folder of its own.
func templateFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.yaml")
	write(t, path, text)
	return path
}

// pool returns the only user pool of a name.
func pool(t *testing.T, sdk *cip.Client, name string) string {
	t.Helper()
	out, err := sdk.ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(60)})
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for _, p := range out.UserPools {
		if *p.Name == name {
			if found != "" {
				t.Fatalf("there are two user pools %s", name)
			}
			found = *p.Id
		}
	}
	return found
}

// client returns the app client of a name.
func client(t *testing.T, sdk *cip.Client, pool, name string) *types.UserPoolClientType {
	t.Helper()
	out, err := sdk.ListUserPoolClients(t.Context(), &cip.ListUserPoolClientsInput{UserPoolId: &pool, MaxResults: aws.Int32(60)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.UserPoolClients {
		if *c.ClientName == name {
			one, err := sdk.DescribeUserPoolClient(t.Context(), &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: c.ClientId})
			if err != nil {
				t.Fatal(err)
			}
			return one.UserPoolClient
		}
	}
	return nil
}

// addUser adds a user with the password Correct-horse-1.
func addUser(t *testing.T, sdk *cip.Client, pool, name string) {
	t.Helper()
	if _, err := sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress}); err != nil {
		t.Fatal(err)
	}
	if _, err := sdk.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &name, Password: aws.String("Correct-horse-1"), Permanent: true}); err != nil {
		t.Fatal(err)
	}
}

// signIn signs a user of addUser in.
func signIn(t *testing.T, sdk *cip.Client, client, name string) error {
	t.Helper()
	_, err := sdk.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": "Correct-horse-1"},
	})
	return err
}

func attributes(name, value string) []types.AttributeType {
	return []types.AttributeType{{Name: &name, Value: &value}}
}
