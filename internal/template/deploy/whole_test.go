package deploy_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

// wholeTemplate copies the template with all types, and its functions, to a folder of the test.
func wholeTemplate(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	return dir + "/whole.yaml"
}

const wholePool = "us-east-1_whole1"

// TestWhole makes a resource of each type, starts again without a change, and removes all of it.
func TestWhole(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		var out bytes.Buffer
		c.Template, c.Out = wholeTemplate(t), &out
		c.EnvFile = t.TempDir() + "/.env"
		target := t.TempDir() + "/.env"
		if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, c.EnvFile)); err != nil {
			t.Fatal(err)
		}
		r := serving.Start(t, c)
		checkWhole(t, r)
		for _, want := range []string{"user pool       us-east-1_whole1 (whole)", "  output          MachineSecret = ", "left out        1 of AWS::DynamoDB::Table", "left out        1 of functions that no user pool calls"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the start does not print %q:\n%s", want, out.String())
			}
		}
		env, err := os.ReadFile(c.EnvFile)
		if err != nil || !strings.Contains(string(env), "COGNITO_USER_POOL_ID=us-east-1_whole1\n") {
			t.Errorf("the file of variables: %s, %v", env, err)
		}
		if info, err := os.Lstat(c.EnvFile); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("the link to the file of variables: %v, %v", info, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}

		out.Reset()
		r = serving.Start(t, c)
		checkWhole(t, r)
		if !strings.Contains(out.String(), "nothing has changed") {
			t.Errorf("a start with the same template:\n%s", out.String())
		}
		if again, _ := os.ReadFile(c.EnvFile); !bytes.Equal(withoutEndpoints(again), withoutEndpoints(env)) {
			t.Errorf("ids or outputs have changed:\n%s\n%s", env, again)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}

		write(t, c.Template, "Resources: {Other: {Type: 'AWS::SQS::Queue'}}")
		out.Reset()
		r = serving.Start(t, c)
		_, err = r.Dev().DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: aws.String(wholePool)})
		serving.Want(t, err, "ResourceNotFoundException")
		pools, err := identities(r).ListIdentityPools(t.Context(), &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(9)})
		if err != nil || len(pools.IdentityPools) > 0 {
			t.Errorf("identity pools that the template does not have: %v, %v", pools, err)
		}
		if log := r.Log.String(); strings.Contains(log, "could not be removed") {
			t.Errorf("not all resources were removed:\n%s", out.String())
		}
	})
}

// withoutEndpoints returns variables without those of the server's address, whose port is another one at
// each start.
func withoutEndpoints(env []byte) []byte {
	var out []byte
	for line := range bytes.Lines(env) {
		if !bytes.Contains(line, []byte("http")) {
			out = append(out, line...)
		}
	}
	return out
}

func identities(r serving.Rig) *ci.Client {
	return ci.New(ci.Options{BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", "")})
}

// checkWhole looks at what the template with all types has made.
func checkWhole(t *testing.T, r serving.Rig) {
	t.Helper()
	ctx, sdk, pool := t.Context(), r.Dev(), aws.String(wholePool)
	p, err := sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: pool})
	if err != nil {
		t.Fatal(err)
	}
	if u := p.UserPool; *u.Domain != "whole-shop" || u.UserPoolTags["team"] != "blue" || u.MfaConfiguration != "OPTIONAL" || *u.Policies.PasswordPolicy.MinimumLength != 9 {
		t.Errorf("the user pool: %+v", u)
	}
	mfa, err := sdk.GetUserPoolMfaConfig(ctx, &cip.GetUserPoolMfaConfigInput{UserPoolId: pool})
	if err != nil || !mfa.SoftwareTokenMfaConfiguration.Enabled || *mfa.WebAuthnConfiguration.RelyingPartyId != "localhost" {
		t.Errorf("second factors: %+v, %v", mfa, err)
	}
	web := client(t, sdk, wholePool, "web")
	if web == nil || web.AccessTokenValidity == nil || *web.AccessTokenValidity != 30 || len(web.SupportedIdentityProviders) != 2 {
		t.Fatalf("the app client: %+v", web)
	}
	groups, err := sdk.AdminListGroupsForUser(ctx, &cip.AdminListGroupsForUserInput{UserPoolId: pool, Username: aws.String("alice")})
	if err != nil || len(groups.Groups) != 1 || !strings.Contains(aws.ToString(groups.Groups[0].RoleArn), ":role/whole-Signed-") {
		t.Errorf("the groups of the user: %+v, %v", groups, err)
	}
	risk, err := sdk.DescribeRiskConfiguration(ctx, &cip.DescribeRiskConfigurationInput{UserPoolId: pool, ClientId: web.ClientId})
	if err != nil || len(risk.RiskConfiguration.RiskExceptionConfiguration.SkippedIPRangeList) != 1 {
		t.Errorf("the risk configuration: %+v, %v", risk, err)
	}
	look, err := sdk.GetUICustomization(ctx, &cip.GetUICustomizationInput{UserPoolId: pool})
	if err != nil || !strings.Contains(aws.ToString(look.UICustomization.CSS), "red") {
		t.Errorf("the look: %+v, %v", look, err)
	}
	_, err = sdk.DescribeManagedLoginBrandingByClient(ctx, &cip.DescribeManagedLoginBrandingByClientInput{UserPoolId: pool, ClientId: web.ClientId})
	serving.Want(t, err, "")
	logs, err := sdk.GetLogDeliveryConfiguration(ctx, &cip.GetLogDeliveryConfigurationInput{UserPoolId: pool})
	if err != nil || len(logs.LogDeliveryConfiguration.LogConfigurations) != 1 {
		t.Errorf("the delivery of logs: %+v, %v", logs, err)
	}
	checkIdentities(t, r)

	// The function of the template lets users of the team in, and no others.
	up := func(name, team string) error {
		_, err := sdk.SignUp(ctx, &cip.SignUpInput{
			ClientId: web.ClientId, Username: &name, Password: aws.String("Correct-horse-1"),
			UserAttributes: append(attributes("custom:team", team), attributes("email", name+"@example.com")...),
		})
		return err
	}
	serving.Want(t, up("mallory", "red"), "UserLambdaValidationException")
	err = up("bob", "blue")
	if err != nil && !strings.Contains(err.Error(), "UsernameExistsException") { // from before the restart
		t.Error(err)
	}
	serving.Want(t, signIn(t, sdk, *web.ClientId, "bob"), "")
}

func checkIdentities(t *testing.T, r serving.Rig) {
	t.Helper()
	ctx, sdk := t.Context(), identities(r)
	list, err := sdk.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(9)})
	if err != nil || len(list.IdentityPools) != 1 {
		t.Fatalf("identity pools: %+v, %v", list, err)
	}
	id := list.IdentityPools[0].IdentityPoolId
	p, err := sdk.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: id})
	if err != nil || !p.AllowUnauthenticatedIdentities || p.IdentityPoolTags["team"] != "blue" || len(p.CognitoIdentityProviders) != 1 {
		t.Errorf("the identity pool: %+v, %v", p, err)
	}
	roles, err := sdk.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: id})
	if err != nil || !strings.Contains(roles.Roles["authenticated"], ":role/whole-Signed-") || len(roles.RoleMappings) != 1 {
		t.Errorf("the roles: %+v, %v", roles, err)
	}
	tags, err := sdk.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{IdentityPoolId: id, IdentityProviderName: p.CognitoIdentityProviders[0].ProviderName})
	if err != nil || tags.PrincipalTags["team"] != "custom:team" {
		t.Errorf("the principal tags: %+v, %v", tags, err)
	}
}
