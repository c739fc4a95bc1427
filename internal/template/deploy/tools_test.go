package deploy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/test/serving"
)

// TestTools makes what templates of SAM, CDK and Amplify describe, signs people up through their
// functions, and starts again without a change.
func TestTools(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, template string
		leftOut        []string
	}{
		{"sam", "../testdata/sam/template.yaml", []string{"AWS::Serverless::Api"}},
		{"cdk", "../testdata/cdk/cdk.out", []string{"AWS::S3::Bucket"}},
		{"amplify", "../testdata/amplify/cdk.out", []string{"Custom::AmplifySecretFetcherResource"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serving.Dev(t)
			var out bytes.Buffer
			c.Template, c.Out, c.AmplifyOutputs = tt.template, &out, t.TempDir()+"/amplify_outputs.json"
			r := serving.Start(t, c)
			ids := amplifyOutputs(t, c.AmplifyOutputs)
			for _, kind := range tt.leftOut {
				if !strings.Contains(out.String(), "1 of "+kind) {
					t.Errorf("%s is not among what is left out:\n%s", kind, out.String())
				}
			}
			up := func(email string) error {
				_, err := r.Dev().SignUp(t.Context(), &cip.SignUpInput{
					ClientId: &ids.Client, Username: &email, Password: aws.String("Correct-horse-1"), UserAttributes: attributes("email", email),
				})
				return err
			}
			serving.Want(t, up("mallory@blocked.example"), "UserLambdaValidationException")
			serving.Want(t, up("alice@shop.example"), "")
			u, err := r.Dev().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &ids.Pool, Username: aws.String("alice@shop.example")})
			if err != nil || u.UserStatus != "CONFIRMED" {
				t.Errorf("the function has not confirmed the user: %+v, %v", u, err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			serving.Start(t, c)
			if !strings.Contains(out.String(), "nothing has changed") || amplifyOutputs(t, c.AmplifyOutputs) != ids {
				t.Errorf("a start with the same template:\n%s", out.String())
			}
		})
	}
}

// outputIDs are ids of amplify_outputs.json.
type outputIDs struct {
	Pool     string `json:"user_pool_id"`
	Client   string `json:"user_pool_client_id"`
	Identity string `json:"identity_pool_id"`
}

func amplifyOutputs(t *testing.T, file string) outputIDs {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var outputs struct{ Auth outputIDs }
	if err := json.Unmarshal(text, &outputs); err != nil || outputs.Auth.Pool == "" || outputs.Auth.Client == "" || outputs.Auth.Identity == "" {
		t.Fatalf("%s: %v", text, err)
	}
	return outputs.Auth
}
