package clients_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/patience"
)

// templates are templates as the tools of AWS write them, with the functions that they name.
var templates = []struct {
	name string
	// file is the template in the folder of that name.
	file string
	// outputs are the variables of the outputs.
	outputs []string
	groups  string
	// change is a text of the file source, and changed the text to put there.
	source, change, changed string
}{
	{"sam", "template.yaml", []string{"USER_POOL_ID", "WEB_CLIENT_ID", "IDENTITY_POOL_ID", "API_URL"}, "admins", "template.yaml", "MinimumLength: 8,", "MinimumLength: 11,"},
	{"cdk", "cdk.out", []string{"USER_POOL_ID", "WEB_CLIENT_ID", "IDENTITY_POOL_ID"}, "admins", "cdk.out/Shop.template.json", `"MinimumLength": 10,`, `"MinimumLength": 11,`},
	{"amplify", "cdk.out", []string{"USER_POOL_ID", "WEB_CLIENT_ID", "IDENTITY_POOL_ID", "OAUTH_CLIENT_ID"}, "admins\tbuyers", "cdk.out/amplifyshopdevsandbox83ea8920a8auth8EF2A490.nested.template.json", `"MinimumLength": 8,`, `"MinimumLength": 11,`},
}

// TestTemplates starts `cognate dev --template` with templates of SAM, CDK and Amplify. The SDK for Go, the AWS CLI
// and Amplify use what they made. A changed template changes the same pool.
func TestTemplates(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		for _, test := range templates {
			t.Run(engine.name+"/"+test.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "internal", "template", "testdata", test.name))); err != nil {
					t.Fatal(err)
				}
				port := freePort(t)
				args := append([]string{
					"dev", "--https", "--https-listen", "127.0.0.1:" + port, "--listen", "127.0.0.1:0", "--private-listen", "off", "--data", filepath.Join(dir, "data"),
					"--template", filepath.Join(dir, test.file), "--env-file", filepath.Join(dir, "env"),
					"--amplify-outputs", filepath.Join(dir, "amplify_outputs.json"), "--aws-exports", filepath.Join(dir, "aws-exports.mjs"),
				}, append(patience.Flags(), engine.args(t)...)...)
				var poolID string
				t.Run("made", func(t *testing.T) {
					endpoint := launch(t, args...)
					env := readEnv(t, filepath.Join(dir, "env"))
					for _, name := range test.outputs {
						if env[name] == "" {
							t.Errorf("the file of variables lacks %s: %v", name, env)
						}
					}
					if poolID = env["COGNITO_USER_POOL_ID"]; poolID == "" || env["USER_POOL_ID"] != poolID {
						t.Fatalf("user pool %q, as an output %q", poolID, env["USER_POOL_ID"])
					}
					useTemplate(t, endpoint, env, test.groups)
					node(t, "template.test.mjs", "COGNATE_ENDPOINT="+endpoint, "COGNATE_TEST_OUTPUTS="+dir, "COGNATE_HTTPS_ENDPOINT=https://localhost:"+port)
				})
				text, err := os.ReadFile(filepath.Join(dir, test.source))
				if err != nil {
					t.Fatal(err)
				}
				changed := strings.Replace(string(text), test.change, test.changed, 1)
				if err := os.WriteFile(filepath.Join(dir, test.source), []byte(changed), 0o600); err != nil || changed == string(text) {
					t.Fatalf("the template does not change: %v", err)
				}
				t.Run("changed", func(t *testing.T) {
					sdk := goSDK(launch(t, args...))
					pool, err := sdk.DescribeUserPool(t.Context(), &idp.DescribeUserPoolInput{UserPoolId: &poolID})
					if err != nil {
						t.Fatal(err)
					}
					if length := aws.ToInt32(pool.UserPool.Policies.PasswordPolicy.MinimumLength); length != 11 {
						t.Errorf("passwords have %d letters, want 11", length)
					}
					if pool.UserPool.EstimatedNumberOfUsers == 0 {
						t.Error("the users of the pool are gone")
					}
				})
			})
		}
	}
}

// readEnv reads a file of variables whose values need no quotes.
func readEnv(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = strings.Trim(value, "'")
	}
	return env
}

// useTemplate signs people up, whose addresses the trigger judges, and looks at what else the template has made.
func useTemplate(t *testing.T, endpoint string, env map[string]string, groups string) {
	t.Helper()
	ctx, sdk := t.Context(), goSDK(endpoint)
	signUp := func(email string) (*idp.SignUpOutput, error) {
		return sdk.SignUp(ctx, &idp.SignUpInput{
			ClientId: aws.String(env["COGNITO_CLIENT_ID"]), Username: &email, Password: aws.String("Correct-horse-1"),
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &email}},
		})
	}
	for email, confirmed := range map[string]bool{"alice@shop.example": true, "bob@elsewhere.example": false} {
		if out, err := signUp(email); err != nil || out.UserConfirmed != confirmed {
			t.Errorf("sign-up of %s: %v, %v", email, out, err)
		}
	}
	_, err := signUp("mallory@blocked.example")
	if refused, ok := errors.AsType[*types.UserLambdaValidationException](err); !ok || !strings.Contains(refused.ErrorMessage(), "hello: not welcome") {
		t.Errorf("sign-up that the trigger refuses: %v", err)
	}
	pool, err := sdk.DescribeUserPool(ctx, &idp.DescribeUserPoolInput{UserPoolId: aws.String(env["COGNITO_USER_POOL_ID"])})
	if err != nil {
		t.Fatal(err)
	}
	domain, err := sdk.DescribeUserPoolDomain(ctx, &idp.DescribeUserPoolDomainInput{Domain: pool.UserPool.Domain})
	if err != nil || aws.ToString(domain.DomainDescription.UserPoolId) != env["COGNITO_USER_POOL_ID"] {
		t.Errorf("domain %v, %v", domain, err)
	}
	login := endpoint + "/_domain/" + aws.ToString(pool.UserPool.Domain) + "/login?response_type=code&client_id=" + env["COGNITO_CLIENT_ID"] + "&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2F"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, login, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := http.DefaultClient.Do(request); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("login page: %v, %v", response, err)
	} else {
		_ = response.Body.Close()
	}
	dir := t.TempDir()
	linkTool(t, dir, "aws", awsProgram())
	variables := []string{"PATH=" + dir + ":/usr/bin:/bin", "AWS_PAGER=", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any"}
	for name, value := range env {
		variables = append(variables, name+"="+value)
	}
	out := run(t, dir, variables, "bash", "-euc", `
aws --endpoint-url "$COGNITO_ENDPOINT" cognito-idp list-groups --user-pool-id "$COGNITO_USER_POOL_ID" --query 'sort(Groups[].GroupName)' --output text
aws --endpoint-url "$COGNITO_ENDPOINT" cognito-identity get-id --identity-pool-id "$COGNITO_IDENTITY_POOL_ID" --query IdentityId --output text
`)
	lines := strings.Split(out, "\n")
	if lines[0] != groups || !strings.HasPrefix(lines[1], "us-east-1:") {
		t.Errorf("the AWS CLI says %q", out)
	}
}
