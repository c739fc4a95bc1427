package seed_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestResetAppliesTheSeed: after a reset the server has what its seed says, and nothing else.
func TestResetAppliesTheSeed(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Seed = write(t, "shop.yaml", seedText(t))
		r := serving.Start(t, c)
		_, err := r.Dev().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("zoe")})
		serving.Want(t, err, "")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/reset", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode >= http.StatusBadRequest {
			t.Fatalf("reset: %d %s, %v", res.StatusCode, text, err)
		}
		_, err = r.Dev().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: aws.String("zoe")})
		serving.Want(t, err, "UserNotFoundException")
		_, err = signIn(t.Context(), r.Dev(), "shopweb", "alice", "Correct-horse-1")
		serving.Want(t, err, "")
		checkParts(t, r)
	})
}
