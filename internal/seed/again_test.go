package seed_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestTokensOfDeletedUsers: tokens of a deleted user are not valid for the user of the same sub that the seed
// creates again, in the same user pool or in one with the same id.
func TestTokensOfDeletedUsers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Seed = write(t, "shop.yaml", seedText(t))
		deletions := map[string]func(sdk *cip.Client) error{
			"user": func(sdk *cip.Client) error {
				_, err := sdk.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: aws.String(poolID), Username: aws.String("alice")})
				return err
			},
			"user pool": func(sdk *cip.Client) error {
				_, err := sdk.DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: aws.String(poolID), Domain: aws.String("shop")})
				serving.Want(t, err, "")
				_, err = sdk.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: aws.String(poolID)})
				return err
			},
		}
		for name, remove := range deletions {
			r := startOnce(t, c)
			old, err := signIn(t.Context(), r.Dev(), "shopweb", "alice", "Correct-horse-1")
			serving.Want(t, err, "")
			serving.Want(t, remove(r.Dev()), "")
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r = startOnce(t, c)
			check := func(tokens *types.AuthenticationResultType, want string) {
				t.Helper()
				_, err := r.Dev().GetUser(t.Context(), &cip.GetUserInput{AccessToken: tokens.AccessToken})
				serving.Want(t, err, want)
				_, err = r.Dev().GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{ClientId: aws.String("shopweb"), RefreshToken: tokens.RefreshToken})
				serving.Want(t, err, want)
			}
			t.Log("after the deletion of the " + name)
			check(old.AuthenticationResult, "NotAuthorizedException")
			current, err := signIn(t.Context(), r.Dev(), "shopweb", "alice", "Correct-horse-1")
			serving.Want(t, err, "")
			check(current.AuthenticationResult, "")
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestChangedDomain: a seed whose domain has another name is refused with the name of the domain that is in the way.
func TestChangedDomain(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		text := "userPools: [{id: us-east-1_a, name: a, domain: {name: first}}]"
		c.Seed = write(t, "shop.yaml", text)
		if err := startOnce(t, c).Close(); err != nil {
			t.Fatal(err)
		}
		c.Seed = write(t, "shop.yaml", strings.Replace(text, "first", "second", 1))
		_, err := server.Start(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "shop.yaml:1: userPools[0].domain: the user pool has the domain first") {
			t.Errorf("a seed with another domain: %v", err)
		}
	})
}
