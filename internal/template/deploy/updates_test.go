package deploy_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cognate/internal/server"
	"cognate/test/serving"
)

// another returns the template of all types with other properties.
func another(t *testing.T, whole string) string {
	t.Helper()
	for _, change := range [][2]string{
		{"      EnabledMfas: [SOFTWARE_TOKEN_MFA]\n", ""},
		{"      MfaConfiguration: OPTIONAL\n", ""},
		{"      LambdaConfig: {PreSignUp: !GetAtt Confirm.Arn}\n", ""},
		{`MinimumLength: "9"`, "MinimumLength: 11"},
		{"team: blue}\n      UserPoolAddOns", "team: red}\n      UserPoolAddOns"},
		{"ManagedLoginVersion: 2", "ManagedLoginVersion: 1"},
		{"{ScopeName: read, ScopeDescription: Read}", "{ScopeName: read, ScopeDescription: Read}, {ScopeName: write, ScopeDescription: Write}"},
		{"AttributeMapping: {email: email}", "AttributeMapping: {email: mail}"},
		{`AccessTokenValidity: "30"`, "AccessTokenValidity: 45"},
		{`Precedence: "1"`, "Precedence: 2"},
		{"alice@example.com}, {Name: email_verified, Value: \"true\"}, {Name: \"custom:team\", Value: blue}", "alice2@example.com}, {Name: email_verified, Value: \"true\"}"},
		{"background-color: red", "background-color: blue"},
		{"192.0.2.0/24", "192.0.2.0/24, 198.51.100.0/24"},
		{"https://shop.example.com/terms", "https://shop.example.com/rules"},
		{"AllowUnauthenticatedIdentities: true", "AllowUnauthenticatedIdentities: false"},
		{"IdentityPoolTags: [{Key: team, Value: blue}]", "IdentityPoolTags: [{Key: team, Value: red}]"},
		{"Description: People who have signed in", "Description: Others\n      MaxSessionDuration: 7200"},
		{"PolicyName: read\n", "PolicyName: write\n"},
		{"      Tags: [{Key: team, Value: blue}]\n", "      Tags: [{Key: colour, Value: red}]\n"},
		{", !Ref Shared]", "]"},
		{"sqs:SendMessage", "sqs:ReceiveMessage"},
		{"ClientIdList: [shop]", "ClientIdList: [other]"},
		{"PolicyName: more", "PolicyName: less"},
		{"s3:DeleteObject", "s3:PutObject"},
		{"Roles: {authenticated: !GetAtt Signed.Arn}", "Roles: {unauthenticated: !GetAtt Signed.Arn}"},
		{`PrincipalTags: {team: "custom:team"}`, "PrincipalTags: {mail: email}"},
		{"{BucketArn: !GetAtt Bucket.Arn}", "{BucketArn: 'arn:aws:s3:::other'}"},
	} {
		if !strings.Contains(whole, change[0]) {
			t.Fatalf("the template has no %q", change[0])
		}
		whole = strings.Replace(whole, change[0], change[1], 1)
	}
	return whole
}

// startWhole starts a server with the template of all types, and returns the text of the template.
func startWhole(t *testing.T, c server.Config) (r *running, text string) {
	t.Helper()
	c.Template = wholeTemplate(t)
	b, err := os.ReadFile(c.Template)
	if err != nil {
		t.Fatal(err)
	}
	r = start(t, c)
	checkWhole(t, r.Rig)
	return r, string(b)
}

// TestUpdates changes resources of each type in place. A failure at the end undoes all of that.
func TestUpdates(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		r, first := startWhole(t, c)
		before := describe(t, r.Rig)

		second := another(t, first)
		if printed := r.change(failing(second), kept); !strings.Contains(printed, "were undone") {
			t.Errorf("the failure was not undone:\n%s", printed)
		}
		checkWhole(t, r.Rig)
		same(t, "after the failure", describe(t, r.Rig), before)

		r.change(second, applied)
		after := describe(t, r.Rig)
		for name, value := range before {
			if after[name] == value {
				t.Errorf("%s has not changed: %s", name, value)
			}
		}
		r.change(first, applied)
		checkWhole(t, r.Rig)
		same(t, "back again", describe(t, r.Rig), before)
	})
}

func same(t *testing.T, when string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s is %s, want %s", when, name, got[name], want[name])
		}
	}
}

// describe returns what the two templates set to different values.
func describe(t *testing.T, r serving.Rig) map[string]string {
	t.Helper()
	ctx, sdk, pool, out := t.Context(), r.Dev(), aws.String(wholePool), map[string]string{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: pool})
	must(err)
	out["mfa"], out["tag"] = string(p.UserPool.MfaConfiguration), p.UserPool.UserPoolTags["team"]
	out["function"] = aws.ToString(p.UserPool.LambdaConfig.PreSignUp)
	domain, err := sdk.DescribeUserPoolDomain(ctx, &cip.DescribeUserPoolDomainInput{Domain: aws.String("whole-shop")})
	must(err)
	out["login version"] = string('0' + aws.ToInt32(domain.DomainDescription.ManagedLoginVersion))
	api, err := sdk.DescribeResourceServer(ctx, &cip.DescribeResourceServerInput{UserPoolId: pool, Identifier: aws.String("https://api.example.com")})
	must(err)
	out["scopes"] = string(rune('0' + len(api.ResourceServer.Scopes)))
	idp, err := sdk.DescribeIdentityProvider(ctx, &cip.DescribeIdentityProviderInput{UserPoolId: pool, ProviderName: aws.String("partner")})
	must(err)
	out["mapping"] = idp.IdentityProvider.AttributeMapping["email"]
	group, err := sdk.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: pool, GroupName: aws.String("admins")})
	must(err)
	out["group"] = string('0' + aws.ToInt32(group.Group.Precedence))
	user, err := sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: pool, Username: aws.String("alice")})
	must(err)
	for _, a := range user.UserAttributes {
		if *a.Name == "email" || *a.Name == "custom:team" {
			out["user"] += *a.Value + " "
		}
	}
	look, err := sdk.GetUICustomization(ctx, &cip.GetUICustomizationInput{UserPoolId: pool})
	must(err)
	out["look"] = aws.ToString(look.UICustomization.CSS)
	web := client(t, sdk, wholePool, "web")
	out["validity"] = string('0' + aws.ToInt32(web.AccessTokenValidity))
	risk, err := sdk.DescribeRiskConfiguration(ctx, &cip.DescribeRiskConfigurationInput{UserPoolId: pool, ClientId: web.ClientId})
	must(err)
	out["risk"] = strings.Join(risk.RiskConfiguration.RiskExceptionConfiguration.SkippedIPRangeList, ",")
	logs, err := sdk.GetLogDeliveryConfiguration(ctx, &cip.GetLogDeliveryConfigurationInput{UserPoolId: pool})
	must(err)
	out["bucket"] = aws.ToString(logs.LogDeliveryConfiguration.LogConfigurations[0].S3Configuration.BucketArn)
	terms, err := sdk.ListTerms(ctx, &cip.ListTermsInput{UserPoolId: pool})
	must(err)
	one, err := sdk.DescribeTerms(ctx, &cip.DescribeTermsInput{UserPoolId: pool, TermsId: terms.Terms[0].TermsId})
	must(err)
	out["terms"] = one.Terms.Links["cognito:default"]
	describeIdentities(t, r, out)
	describeRole(t, r, out)
	return out
}

func describeIdentities(t *testing.T, r serving.Rig, out map[string]string) {
	t.Helper()
	ctx, sdk := t.Context(), identities(r)
	list, err := sdk.ListIdentityPools(ctx, &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(9)})
	if err != nil {
		t.Fatal(err)
	}
	id := list.IdentityPools[0].IdentityPoolId
	p, err := sdk.DescribeIdentityPool(ctx, &ci.DescribeIdentityPoolInput{IdentityPoolId: id})
	if err != nil {
		t.Fatal(err)
	}
	out["guests"], out["pool tag"] = map[bool]string{true: "yes", false: "no"}[p.AllowUnauthenticatedIdentities], p.IdentityPoolTags["team"]
	roles, err := sdk.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: id})
	if err != nil {
		t.Fatal(err)
	}
	out["authenticated"], out["unauthenticated"] = roles.Roles["authenticated"], roles.Roles["unauthenticated"]
	tags, err := sdk.GetPrincipalTagAttributeMap(ctx, &ci.GetPrincipalTagAttributeMapInput{IdentityPoolId: id, IdentityProviderName: p.CognitoIdentityProviders[0].ProviderName})
	if err != nil {
		t.Fatal(err)
	}
	out["principal tags"] = tags.PrincipalTags["team"] + tags.PrincipalTags["mail"]
}

func describeRole(t *testing.T, r serving.Rig, out map[string]string) {
	t.Helper()
	ctx := t.Context()
	sdk := roles(r)
	list, err := sdk.ListRoles(ctx, &iam.ListRolesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range list.Roles {
		if !strings.HasPrefix(*role.RoleName, "whole-Signed-") {
			continue
		}
		one, err := sdk.GetRole(ctx, &iam.GetRoleInput{RoleName: role.RoleName})
		if err != nil {
			t.Fatal(err)
		}
		out["role"] = aws.ToString(one.Role.Description)
		out["session"] = string('0' + aws.ToInt32(one.Role.MaxSessionDuration)/3600)
		for _, tag := range one.Role.Tags {
			out["role tags"] += *tag.Key + "=" + *tag.Value + " "
		}
		policies, err := sdk.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role.RoleName})
		if err != nil {
			t.Fatal(err)
		}
		out["policies"] = strings.Join(policies.PolicyNames, " ")
		inline, err := sdk.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("one")})
		if err != nil {
			t.Fatal(err)
		}
		out["policy"], _ = url.PathUnescape(*inline.PolicyDocument)
		attached, err := sdk.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role.RoleName})
		if err != nil {
			t.Fatal(err)
		}
		out["attached"] = string(rune('0' + len(attached.AttachedPolicies)))
	}
	corporate, err := sdk.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String("arn:aws:iam::123456789012:oidc-provider/login.example.com/corporate")})
	if err != nil {
		t.Fatal(err)
	}
	out["clients of the provider"] = strings.Join(corporate.ClientIDList, ",")
	local, err := sdk.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: "Local"})
	if err != nil || len(local.Policies) != 1 {
		t.Fatalf("managed policies: %+v, %v", local, err)
	}
	version, err := sdk.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: local.Policies[0].Arn, VersionId: local.Policies[0].DefaultVersionId})
	if err != nil {
		t.Fatal(err)
	}
	out["managed policy"], _ = url.PathUnescape(*version.PolicyVersion.Document)
}
