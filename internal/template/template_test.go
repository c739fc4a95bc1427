package template_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/template"
)

// write writes files into a new folder. It returns the path of the first one.
func write(t testing.TB, files ...string) string {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(folder, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, files[0])
}

func read(t testing.TB, o template.Options, files ...string) *template.Template {
	t.Helper()
	tmpl, err := template.Read(write(t, files...), o)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// made answers for all resources: Ref is "ref-PATH", and each attribute that the template reads "att-PATH-NAME".
func made(tmpl *template.Template) template.Made {
	return func(path string) (template.Values, bool) {
		for _, r := range tmpl.Resources() {
			if r.Path == path {
				v := template.Values{Ref: "ref-" + path, Attributes: map[string]any{}}
				for _, a := range r.Attributes {
					v.Attributes[a] = "att-" + path + "-" + a
				}
				return v, true
			}
		}
		return template.Values{}, false
	}
}

func properties(t testing.TB, tmpl *template.Template, path string) map[string]any {
	t.Helper()
	p, err := tmpl.Properties(resource(t, tmpl, path), made(tmpl))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func resource(t testing.TB, tmpl *template.Template, path string) *template.Resource {
	t.Helper()
	for _, r := range tmpl.Resources() {
		if r.Path == path {
			return r
		}
	}
	t.Fatalf("there is no resource %s", path)
	return nil
}

func paths(tmpl *template.Template) []string {
	var out []string
	for _, r := range tmpl.Resources() {
		out = append(out, r.Path)
	}
	return out
}

// TestFunctions evaluates each function of CloudFormation as a property.
func TestFunctions(t *testing.T) {
	t.Parallel()
	const head = `
Transform: AWS::LanguageExtensions
Parameters:
  Stage: {Type: String, Default: dev}
  Size: {Type: Number, Default: 8}
  Hosts: {Type: CommaDelimitedList, Default: "a.example, b.example"}
  Ports: {Type: List<Number>, Default: "80,443"}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /app/key}
Mappings:
  Stages:
    dev: {Mfa: "OFF", Hosts: [x, y]}
    prod: {Mfa: "ON"}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Either: !Or [!Condition IsProd, {Condition: IsDev}]
  Both: !And [!Condition IsProd, !Condition IsDev]
Resources:
  Pool: {Type: AWS::Cognito::UserPool}
  Skipped: {Type: AWS::S3::Bucket, Condition: IsProd}
  Store: {Type: Custom::Store}
  I: {Type: AWS::Test::I, Properties: {V: !ImportValue dev-vpc, W: !GetAtt Store.Secret}}
  X:
    Type: AWS::Test::X
    Properties:
      V: `
	for _, test := range []struct{ given, want string }{
		{`!Ref Stage`, `"dev"`},
		{`{Ref: Stage}`, `"dev"`},
		{`!Ref Size`, `8`},
		{`!Ref Hosts`, `["a.example","b.example"]`},
		{`!Ref Ports`, `[80,443]`},
		{`!Ref Stored`, `"given"`},
		{`!Ref Pool`, `"ref-Pool"`},
		{`!GetAtt Pool.Arn`, `"att-Pool-Arn"`},
		{`!GetAtt [Pool, Arn]`, `"att-Pool-Arn"`},
		{`{"Fn::GetAtt": ["Pool", "Nested.Name"]}`, `"att-Pool-Nested.Name"`},
		{`!Sub "${Stage}-${Pool}-${Pool.Arn}-${!Stage}-$x"`, `"dev-ref-Pool-att-Pool-Arn-${Stage}-$x"`},
		{`!Sub ["${A}/${Stage}", {A: !Ref Size}]`, `"8/dev"`},
		{`!Sub "arn:${AWS::Partition}:x:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}.${AWS::URLSuffix}"`, `"arn:aws:x:eu-west-1:111122223333:shop.amazonaws.com"`},
		{`!Join ["-", [a, 1, true, !Ref Pool]]`, `"a-1-true-ref-Pool"`},
		{`!Join [",", !Ref Hosts]`, `"a.example,b.example"`},
		{`!Join [",", [a, !Ref AWS::NoValue, b]]`, `"a,b"`},
		{`!Split ["-", "a-b-c"]`, `["a","b","c"]`},
		{`!Select [1, !Split ["-", !Ref Pool]]`, `"Pool"`},
		{`!Select ["0", [a, b]]`, `"a"`},
		{`!FindInMap [Stages, !Ref Stage, Mfa]`, `"OFF"`},
		{`!FindInMap [Stages, dev, Hosts]`, `["x","y"]`},
		{`!FindInMap [Stages, test, Mfa, {DefaultValue: none}]`, `"none"`},
		{`!Base64 abc`, `"YWJj"`},
		{`{"Fn::Base64": {Ref: Stage}}`, `"ZGV2"`},
		{`!GetAZs ""`, `["eu-west-1a","eu-west-1b","eu-west-1c"]`},
		{`!ImportValue {"Fn::Sub": "${Stage}-vpc"}`, `"imported"`},
		{`!GetAtt Store.Secret`, `"stored"`},
		{`!GetAtt Store.Other`, `"att-Store-Other"`},
		{`!Sub "a {{resolve:ssm:/app/key:1}} {{resolve:ssm:/${Stage}/key}}"`, `"a resolved {{resolve:ssm:/dev/key}}"`},
		{`!Length [a, b]`, `2`},
		{`!ToJsonString {b: [1, true], a: x}`, `"{\"a\":\"x\",\"b\":[1,true]}"`},
		{`!If [IsProd, a, b]`, `"b"`},
		{`!If [IsProd, !Ref Skipped, b]`, `"b"`},
		{`!If [Either, a, b]`, `"a"`},
		{`!If [Both, a, b]`, `"b"`},
		{`{a: !If [IsProd, x, !Ref AWS::NoValue], b: 1}`, `{"b":1}`},
		{`[a, !If [IsProd, x, !Ref AWS::NoValue]]`, `["a"]`},
		{`!Ref AWS::NotificationARNs`, `[]`},
		{`2012-10-17`, `"2012-10-17"`},
		{`012345678901`, `"012345678901"`},
		{`123456789012`, `123456789012`},
		{`1_000`, `1000`},
		{`yes`, `true`},
		{`"yes"`, `"yes"`},
		{`1.50`, `1.50`},
		{`{Condition: {StringEquals: {a: b}}, Effect: Allow}`, `{"Condition":{"StringEquals":{"a":"b"}},"Effect":"Allow"}`},
	} {
		t.Run(test.given, func(t *testing.T) {
			t.Parallel()
			tmpl := read(t, template.Options{
				Region: "eu-west-1", Account: "111122223333", StackName: "shop",
				Parameters: map[string]string{"Stored": "given", "dev-vpc": "imported", "Store.Secret": "stored", "resolve:ssm:/app/key:1": "resolved"},
			}, "t.yaml", head+test.given)
			got, err := json.Marshal(properties(t, tmpl, "X")["V"])
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestPlaceholders: what is made of the values of a resource that is not made is no fault.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{}, "t.yaml", `
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  A:
    Type: AWS::Test::A
    Properties:
      Part: !Select [5, !Split [":", !Join ["", ["x:", !GetAtt Bucket.Arn]]]]
      Sub: !Select [2, !Split ["/", !Sub "${Bucket}/a"]]
      Ref: !Ref Bucket
      List: !Select [1, !GetAtt Bucket.Arn]
`)
	values := template.Values{Ref: "bucket", Attributes: map[string]any{"Arn": "bucket.Arn"}, Placeholder: true}
	got, err := tmpl.Properties(resource(t, tmpl, "A"), func(string) (template.Values, bool) { return values, true })
	if diff := cmp.Diff(map[string]any{"Part": "bucket.Arn", "Sub": "a", "Ref": "bucket", "List": "bucket.Arn"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	values.Placeholder = false
	if _, err := tmpl.Properties(resource(t, tmpl, "A"), func(string) (template.Values, bool) { return values, true }); err == nil || !strings.Contains(err.Error(), "there is no item 5") {
		t.Errorf("got %v", err)
	}
}

// TestLoops replaces loops, in the sections and in properties.
func TestLoops(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{Parameters: map[string]string{"Groups": "admins,power-users"}}, "t.yaml", `
Transform: AWS::LanguageExtensions
Parameters: {Groups: {Type: CommaDelimitedList}}
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      UserPoolTags:
        Fn::ForEach::Tags: [Name, [a, b], {"tag-${Name}": !Sub "${Name}-${AWS::Region}"}]
  Fn::ForEach::Groups:
    - Name
    - !Ref Groups
    - Group&{Name}:
        Type: AWS::Cognito::UserPoolGroup
        Properties: {UserPoolId: !Ref Pool, GroupName: !Ref Name}
Outputs:
  Fn::ForEach::Outputs:
    - Name
    - !Ref Groups
    - Group&{Name}: {Value: !Ref "Group&{Name}"}
`)
	if diff := cmp.Diff([]string{"Pool", "Groupadmins", "Grouppowerusers"}, paths(tmpl)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"tag-a": "a-us-east-1", "tag-b": "b-us-east-1"}, properties(t, tmpl, "Pool")["UserPoolTags"]); diff != "" {
		t.Error(diff)
	}
	if name := properties(t, tmpl, "Grouppowerusers")["GroupName"]; name != "power-users" {
		t.Errorf("group %v", name)
	}
	outputs, err := tmpl.Outputs(made(tmpl))
	if err != nil || len(outputs) != 2 || outputs[1].Value != "ref-Grouppowerusers" {
		t.Errorf("outputs %v, %v", outputs, err)
	}
}

// TestOrder wants each resource after those that it needs, and the others in the order of the file.
func TestOrder(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{}, "t.yaml", `
Conditions: {Never: !Equals [a, b]}
Resources:
  Client: {Type: AWS::Cognito::UserPoolClient, Properties: {UserPoolId: !Ref Pool}, DependsOn: [Provider, Gone]}
  Gone: {Type: AWS::S3::Bucket, Condition: Never}
  Provider: {Type: AWS::Cognito::UserPoolIdentityProvider, Properties: {UserPoolId: !Sub "${Pool}"}}
  Pool: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreSignUp: !GetAtt Function.Arn}}, DeletionPolicy: Retain, UpdateReplacePolicy: Delete}
  Function: {Type: AWS::Lambda::Function}
`)
	if diff := cmp.Diff([]string{"Function", "Pool", "Provider", "Client"}, paths(tmpl)); diff != "" {
		t.Error(diff)
	}
	pool := resource(t, tmpl, "Pool")
	if !pool.Retain || pool.RetainOnReplace || pool.Line != 7 {
		t.Errorf("Retain %v, RetainOnReplace %v, line %d", pool.Retain, pool.RetainOnReplace, pool.Line)
	}
	if diff := cmp.Diff([]string{"Pool", "Provider"}, resource(t, tmpl, "Client").Uses); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Arn"}, resource(t, tmpl, "Function").Attributes); diff != "" {
		t.Error(diff)
	}
}

// TestNested reads a tree of stacks: parameters go down, outputs go up, and across.
func TestNested(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{StackName: "shop"},
		"root.yaml", `
Resources:
  Auth:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: nested/auth.json
      Parameters: {Hook: !GetAtt Functions.Outputs.Arn, Stage: prod, Hosts: !Join [",", [a, b]]}
  Functions:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://s3.amazonaws.com/b/k"}
    Metadata: {"aws:asset:path": nested/functions.yaml}
Outputs:
  PoolId: {Value: !GetAtt Auth.Outputs.PoolId, Export: {Name: !Sub "${AWS::StackName}-pool"}, Description: the pool}
  Stack: {Value: !Ref Auth}
`,
		"nested/auth.json", `{
 "Parameters": {"Hook": {"Type": "String"}, "Stage": {"Type": "String", "Default": "dev"}, "Hosts": {"Type": "CommaDelimitedList"}},
 "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
 "Resources": {"Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {
   "Name": {"Ref": "AWS::StackName"}, "Hosts": {"Ref": "Hosts"},
   "Mode": {"Fn::If": ["Prod", "p", "d"]}, "LambdaConfig": {"PreSignUp": {"Ref": "Hook"}}}}},
 "Outputs": {"PoolId": {"Value": {"Ref": "Pool"}}}
}`,
		"nested/functions.yaml", `
Resources:
  F: {Type: AWS::Lambda::Function, Metadata: {"aws:asset:path": asset.1}}
Outputs: {Arn: {Value: !GetAtt F.Arn}}
`)
	if diff := cmp.Diff([]string{"Functions/F", "Auth/Pool"}, paths(tmpl)); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"Name": "shop-Auth", "Hosts": []any{"a", "b"}, "Mode": "p", "LambdaConfig": map[string]any{"PreSignUp": "att-Functions/F-Arn"}}
	if diff := cmp.Diff(want, properties(t, tmpl, "Auth/Pool")); diff != "" {
		t.Error(diff)
	}
	f := resource(t, tmpl, "Functions/F")
	if filepath.Base(f.Asset) != "asset.1" || filepath.Dir(f.Asset) != filepath.Dir(f.File) {
		t.Errorf("asset %s", f.Asset)
	}
	outputs, err := tmpl.Outputs(made(tmpl))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range outputs {
		got = append(got, fmt.Sprintf("%s=%s %s %s", o.Name, o.Value, o.Description, o.Export))
	}
	if want := "PoolId=ref-Auth/Pool the pool shop-pool"; got[0] != want {
		t.Errorf("got %q, want %q", got[0], want)
	}
	if want := "Stack=arn:aws:cloudformation:us-east-1:123456789012:stack/shop-Auth/"; !strings.HasPrefix(got[1], want) {
		t.Errorf("got %q, want %q", got[1], want)
	}
	if len(got) != 4 || got[2] != "Auth/PoolId=ref-Auth/Pool  " || got[3] != "Functions/Arn=att-Functions/F-Arn  " {
		t.Errorf("got %q", got)
	}
}

// TestServerless reads a template of SAM: settings of all functions, and the events that are triggers.
func TestServerless(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{}, "t.yaml", `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: nodejs22.x
    Environment: {Variables: {A: global, B: global}}
    Layers: [one]
  Api: {Cors: "'*'"}
Conditions: {Never: !Equals [a, b]}
Resources:
  Pool: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: {PreAuthentication: !GetAtt Other.Arn}}}
  Hook:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../src/hook/
      Handler: index.handler
      Environment: {Variables: {B: own}}
      Layers: [two]
      Events:
        SignUp: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: [PreSignUp, PostConfirmation]}}
        Mail: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: CustomEmailSender}}
        Get: {Type: Api, Properties: {Path: /, Method: get}}
  Other: {Type: AWS::Serverless::Function, Properties: {InlineCode: "x", Role: arn}}
  Off:
    Condition: Never
    Type: AWS::Serverless::Function
    Properties: {Events: {E: {Type: Cognito, Properties: {UserPool: !Ref Pool, Trigger: CustomMessage}}}}
  Link: {Type: AWS::Serverless::Connector, Properties: {Source: {Id: Hook}, Destination: {Id: Other}, Permissions: [Read]}}
Outputs:
  Api: {Value: !Sub "https://${ServerlessRestApi}.execute-api"}
  Role: {Value: !GetAtt HookRole.Arn}
  Alias: {Value: !Ref Hook.Alias}
`)
	pool := properties(t, tmpl, "Pool")
	want := map[string]any{"LambdaConfig": map[string]any{
		"PreAuthentication": "att-Other-Arn", "PreSignUp": "att-Hook-Arn", "PostConfirmation": "att-Hook-Arn",
		"CustomEmailSender": map[string]any{"LambdaArn": "att-Hook-Arn", "LambdaVersion": "V1_0"},
	}}
	if diff := cmp.Diff(want, pool); diff != "" {
		t.Error(diff)
	}
	hook := properties(t, tmpl, "Hook")
	if diff := cmp.Diff(map[string]any{"Variables": map[string]any{"A": "global", "B": "own"}}, hook["Environment"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"one", "two"}, hook["Layers"]); diff != "" || hook["Runtime"] != "nodejs22.x" {
		t.Error(diff, hook["Runtime"])
	}
	r := resource(t, tmpl, "Hook")
	if want := filepath.Join(filepath.Dir(filepath.Dir(r.File)), "src/hook"); r.Asset != want {
		t.Errorf("asset %s, want %s", r.Asset, want)
	}
	if role := resource(t, tmpl, "HookRole"); role.Type != "AWS::IAM::Role" || properties(t, tmpl, "HookRole")["AssumeRolePolicyDocument"] == nil {
		t.Errorf("role %v", role)
	}
	outputs, err := tmpl.Outputs(made(tmpl))
	if err != nil || len(outputs) != 3 || outputs[0].Value != "https://ref-ServerlessRestApi.execute-api" || outputs[2].Value != "att-Hook-Arn" {
		t.Errorf("outputs %v, %v", outputs, err)
	}
}

// TestAssembly reads a folder that cdk synth wrote.
func TestAssembly(t *testing.T) {
	t.Parallel()
	const one = `{"artifacts": {
  "App.assets": {"type": "cdk:asset-manifest"},
  "App": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "App.template.json", "stackName": "shop"}}%s}}`
	const stack = `{"Resources": {"Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {"UserPoolName": {"Ref": "AWS::StackName"}}}}}`
	manifest := write(t, "manifest.json", fmt.Sprintf(one, ""), "App.template.json", stack)
	tmpl, err := template.Read(filepath.Dir(manifest), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if name := properties(t, tmpl, "Pool")["UserPoolName"]; name != "shop" {
		t.Errorf("stack name %v", name)
	}
	two := `, "B": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "B.template.json"}}`
	manifest = write(t, "manifest.json", fmt.Sprintf(one, two))
	if _, err := template.Read(filepath.Dir(manifest), template.Options{}); err == nil || !strings.Contains(err.Error(), "2 stacks; name the template of one") || !strings.Contains(err.Error(), "B.template.json") {
		t.Errorf("got %v", err)
	}
}

// TestArchive finds the archive that the Serverless Framework leaves beside its template.
func TestArchive(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{}, "t.json", `{"Resources": {
  "F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": {"Ref": "B"}, "S3Key": "serverless/shop/dev/1/shop.zip"}}},
  "G": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": {"Ref": "B"}, "S3Key": "serverless/shop/dev/1/.."}}},
  "B": {"Type": "AWS::S3::Bucket"}}}`, "shop.zip", "")
	if f, g := resource(t, tmpl, "F").Asset, resource(t, tmpl, "G").Asset; filepath.Base(f) != "shop.zip" || g != "" {
		t.Errorf("assets %q, %q", f, g)
	}
}

// TestStackName makes a name of the file or of a folder that a person has named.
func TestStackName(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"shop.yaml": "shop", "my_shop.v2.yaml": "my-shop", "shop/template.yaml": "shop", "shop/.aws-sam/build/template.yaml": "shop",
		"shop/.serverless/cloudformation-template-update-stack.json": "shop", "2nd/template.json": "stack-2nd", "shop/cdk.out/Auth.template.json": "Auth",
	} {
		if got := read(t, template.Options{}, file, `{"Resources": {"A": {"Type": "AWS::Test::A"}}}`).StackName(); got != want {
			t.Errorf("%s: stack name %q, want %q", file, got, want)
		}
	}
}

// TestLineOf finds the lines of properties, through conditions.
func TestLineOf(t *testing.T) {
	t.Parallel()
	tmpl := read(t, template.Options{}, "t.yaml", `Conditions: {Never: !Equals [a, b]}
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      Policies: !If
        - Never
        - {}
        - PasswordPolicy:
            MinimumLength: 3
      Schema:
        - Name: a
        - Name: b
`)
	r := resource(t, tmpl, "Pool")
	for field, want := range map[string]int{"": 3, "Policies.PasswordPolicy.MinimumLength": 10, "Schema[1].Name": 13, "Schema[1].Mutable": 13, "Gone.Deep": 3} {
		if got := r.LineOf(field); got != want {
			t.Errorf("LineOf(%q) = %d, want %d", field, got, want)
		}
	}
	if p := r.Problem("Schema[1].Name", "is wrong").String(); !strings.HasSuffix(p, "t.yaml:13: Resources.Pool.Properties.Schema[1].Name: is wrong") {
		t.Error(p)
	}
}
