package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestProblems: a template with a fault is refused with the place of the fault, and nothing is made.
func TestProblems(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	const pool = "  Good: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: good}}\n"
	for _, tt := range []struct{ name, resources, want string }{
		{"unknown property", "  P:\n    Type: AWS::Cognito::UserPool\n    Properties:\n      UserpoolName: a\n", `6: Resources.P.Properties.UserpoolName: there is no such property; did you mean UserPoolName?`},
		{"unknown nested property", "  P:\n    Type: AWS::Cognito::UserPool\n    Properties: {Policies: {PasswordPolicy: {RequireNumber: true}}}\n", "RequireNumber: there is no such property; did you mean RequireNumbers?"},
		{"member of the API that is no property", "  C: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Good, ClientSecret: abcdefghijklmnopqrstuvwxyz}}\n", "ClientSecret: there is no such property"},
		{"required property", "  C: {Type: AWS::Cognito::UserPoolClient, Properties: {ClientName: a}}\n", "the property UserPoolId is missing"},
		{"list", "  P: {Type: AWS::Cognito::UserPool, Properties: {AutoVerifiedAttributes: email}}\n", "AutoVerifiedAttributes: must be a list, and is a text"},
		{"number", "  P: {Type: AWS::Cognito::UserPool, Properties: {Policies: {PasswordPolicy: {MinimumLength: ten}}}}\n", "MinimumLength: must be a whole number, and is a text"},
		{"truth value", "  C: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Good, GenerateSecret: often}}\n", "GenerateSecret: must be true or false, and is a text"},
		{"rule of the model", "  P: {Type: AWS::Cognito::UserPool, Properties: {MfaConfiguration: SOMETIMES}}\n", "Properties.MfaConfiguration: 1 validation error"},
		{"renamed member", "  P: {Type: AWS::Cognito::UserPool, Properties: {UserPoolName: 'a/b'}}\n", "Properties.UserPoolName: 1 validation error"},
		{"rule of pools", "  P: {Type: AWS::Cognito::UserPool, Properties: {AliasAttributes: [email], UsernameAttributes: [email]}}\n", "Resources.P: Only one of the aliasAttributes or usernameAttributes can be set"},
		{"factor without a mode", "  P: {Type: AWS::Cognito::UserPool, Properties: {MfaConfiguration: 'ON', EnabledMfas: []}}\n", "must be enabled"},
		{"chosen id", "  P: {Type: AWS::Cognito::UserPool, Properties: {UserPoolTags: {_custom_id_: eu-west-1_a}}}\n", "UserPoolTags: the tag _custom_id_ is not valid"},
		{"chosen id of a client", "  C: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Good, ClientName: '_custom_id_:a b'}}\n", "is not the id of an app client"},
		{"trust policy", "  R: {Type: AWS::IAM::Role, Properties: {RoleName: 'a b', AssumeRolePolicyDocument: {}}}\n", "Resources.R: 1 validation error"},
		{"runtime", "  F: {Type: AWS::Lambda::Function, Properties: {Runtime: java21, Handler: a.b, Code: {ZipFile: x}}}\n  P: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreSignUp: !GetAtt F.Arn}}}\n", `Properties.Runtime: functions with the runtime "java21" cannot be run here: only Node.js, Python and executables (provided), and the user pool P calls it`},
		{"container image", "  F: {Type: AWS::Lambda::Function, Properties: {PackageType: Image, Code: {ImageUri: x}}}\n  P: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreTokenGenerationConfig: {LambdaArn: !GetAtt F.Arn, LambdaVersion: V2_0}}}}\n", "container images cannot be run here"},
		{"code elsewhere", "  F: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x, Handler: a.b, Code: {S3Bucket: a, S3Key: b}}}\n  P: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreSignUp: !GetAtt F.Arn}}}\n", "the code of the function is not on this machine"},
		{"too many resources", "  R: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Good, GroupName: r}}\n" + groups(10_000), ": Resources.G9998: the template has more than 10000 resources that the server creates"},
		{"handler", "  F: {Type: AWS::Lambda::Function, Properties: {Runtime: nodejs24.x, Handler: app.handler, Code: {ZipFile: x}}}\n  P: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreSignUp: !GetAtt F.Arn}}}\n", `has no file for the handler "app.handler"`},
		{"type", "  P: {Type: AWS::Cognito::UserPol}\n", "this server has no resource type AWS::Cognito::UserPol; did you mean AWS::Cognito::UserPool?"},
		{"name of a function", "  F: {Type: AWS::Lambda::Function, Properties: {FunctionName: ../../x, Runtime: nodejs24.x, Handler: index.handler, Code: {ZipFile: x}}}\n", "FunctionName: must have letters"},
		{"reference", "  C: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Goood}}\n", "Good"},
		{"attribute", "  C: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !GetAtt Good.Id}}\n", "has no attribute Id"},
	} {
		own := c
		own.Template = templateFile(t, "Resources:\n"+pool+tt.resources)
		s, err := server.Start(t.Context(), own)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: the template was accepted", tt.name)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
	}
	r := serving.Start(t, c)
	list, err := r.Dev().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: new(int32(9))})
	if err != nil || len(list.UserPools) > 0 {
		t.Errorf("refused templates have left user pools: %+v, %v", list.UserPools, err)
	}
}

// groups returns resources for so many groups.
func groups(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "  G%d: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Good, GroupName: g%d}}\n", i, i)
	}
	return out.String()
}

// TestSettings: only development servers take templates, and settings of templates need one.
func TestSettings(t *testing.T) {
	t.Parallel()
	file := templateFile(t, shop)
	for _, tt := range []struct {
		name   string
		change func(c *server.Config)
		want   string
	}{
		{"serve", func(c *server.Config) { *c = serving.Serve(t); c.Template = file }, "template: is only for cognate dev"},
		{"serve with a file", func(c *server.Config) { *c = serving.Serve(t); c.EnvFile = ".env" }, "env-file: is only for cognate dev"},
		{"parameter", func(c *server.Config) { c.Template, c.TemplateParameter = file, []string{"Length"} }, "template-parameter: \"Length\" is not NAME=VALUE and not @FILE"},
		{"stack name", func(c *server.Config) { c.Template, c.StackName = file, "1shop" }, "stack-name: must begin with a letter"},
		{"region", func(c *server.Config) { c.Template, c.StackRegion = file, "Mars" }, "stack-region: \"Mars\" is not a Region"},
		{"no template", func(c *server.Config) { c.AmplifyOutputs = "amplify_outputs.json" }, "amplify-outputs: needs --template"},
		{"no file", func(c *server.Config) { c.Template = filepath.Join(t.TempDir(), "none.yaml") }, "none.yaml"},
		{"unknown parameter", func(c *server.Config) { c.Template, c.TemplateParameter = file, []string{"Lenth=9"} }, "Length"},
	} {
		c := serving.Dev(t)
		tt.change(&c)
		s, err := server.Start(t.Context(), c)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: the server has started", tt.name)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("the folder of the template: %v, %v", entries, err)
	}
}
