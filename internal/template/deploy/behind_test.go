package deploy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cognate/internal/server"
	"cognate/test/serving"
)

// TestPartsOfDeletedResources: a resource that was deleted by hand is created again with the settings, members
// and policies of the template. If the run fails after that, the run is undone.
func TestPartsOfDeletedResources(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		r, good := startWhole(t, c)
		before := describe(t, r.Rig)
		for _, deletion := range []struct {
			name string
			do   func(*testing.T, serving.Rig)
		}{
			{"user pool", deletePool}, {"identity pool", deleteIdentityPool}, {"role", deleteRole}, {"managed policy", deletePolicy},
			{"user", deleteUser}, {"group", deleteGroup}, {"app client", deleteClient},
		} {
			deletion.do(t, r.Rig)
			if printed := r.change(failing(good), kept); strings.Contains(printed, "could not be undone") {
				t.Fatalf("without the %s a failure is not undone:\n%s", deletion.name, printed)
			}
			r.change(good, applied)
			same(t, "without the "+deletion.name, describe(t, r.Rig), before)
			checkWhole(t, r.Rig)
		}
	})
}

// failing returns the template of all types with a second domain of the user pool, which is refused when all
// others have changed.
func failing(whole string) string {
	const order = "Corporate, Alice, AliceIsAdmin, Look, Risk, Logs, Style, Rules, Identities, Signed, Shared, More, One, Attachment, Tags, Web, Machine, Admins, Api, Partner, Domain"
	return strings.Replace(whole, "Outputs:\n", "  Last:\n    Type: AWS::Cognito::UserPoolDomain\n    DependsOn: ["+order+"]\n    Properties: {UserPoolId: !Ref Pool, Domain: second-shop}\nOutputs:\n", 1)
}

// TestDomainsDeletedByHand: a template may replace or remove a domain that was deleted by hand, and a failure is
// undone also without it.
func TestDomainsDeletedByHand(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Template = templateFile(t, withParts("first"))
		r := start(t, c)
		id := pool(t, r.sdk, "shop")
		other, err := r.sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("other")})
		if err != nil {
			t.Fatal(err)
		}
		domain := func(owner, name string) { // creates a domain by hand
			t.Helper()
			_, err := r.sdk.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: &owner, Domain: &name})
			serving.Want(t, err, "")
		}
		domain(*other.UserPool.Id, "taken")

		r.change(withParts("second"), applied)
		deleteDomain(t, r.Rig, id, "second")
		r.change(withParts("third"), applied)
		deleteDomain(t, r.Rig, id, "third")
		if printed := r.change(withParts("taken"), kept); !strings.Contains(printed, "changes were undone") {
			t.Errorf("the failure was not undone:\n%s", printed)
		}
		r.change(withParts("fourth"), applied)

		deleteDomain(t, r.Rig, id, "fourth")
		_, err = r.sdk.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &id})
		serving.Want(t, err, "")
		if printed := r.change(strings.Replace(withParts("taken"), "Description: one", "Description: two", 1), kept); strings.Contains(printed, "could not be undone") {
			t.Errorf("the failure was not undone:\n%s", printed)
		}
		if now := pool(t, r.sdk, "shop"); now != "" {
			t.Errorf("the failure has left the user pool %s", now)
		}
		r.change(withParts("fifth"), applied)
		if now := pool(t, r.sdk, "shop"); now != id {
			t.Errorf("the user pool has the id %q, and had %s", now, id)
		}

		deleteDomain(t, r.Rig, id, "fifth")
		r.change(shop, applied) // start wants that nothing stays.
	})
}

// TestProtectedByHand: a user pool that cannot be removed, because somebody has protected it, is the same user
// pool if the template has it again.
func TestProtectedByHand(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		text := strings.Replace(shop, "UserPoolName: shop", "UserPoolName: shop\n      UserPoolTags: {_custom_id_: "+wholePool+"}", 1)
		empty := "Resources: {Other: {Type: 'AWS::SQS::Queue'}}"
		c.Template = templateFile(t, text)
		r := start(t, c)
		addUser(t, r.sdk, wholePool, "alice")
		protect := func(mode types.DeletionProtectionType) {
			t.Helper()
			_, err := r.sdk.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: aws.String(wholePool), DeletionProtection: mode})
			serving.Want(t, err, "")
		}
		protect(types.DeletionProtectionTypeActive)
		r.protected = true
		r.change(empty, applied)
		r.change(text, applied)
		serving.Want(t, signIn(t, r.sdk, *client(t, r.sdk, wholePool, "web").ClientId, "alice"), "")

		r.change(empty, applied)
		protect(types.DeletionProtectionTypeInactive)
		r.change(empty+"\n", applied)
		if id := pool(t, r.sdk, "shop"); id != "" {
			t.Errorf("the user pool %s was not removed", id)
		}
	})
}

func deleteUser(t *testing.T, r serving.Rig) {
	t.Helper()
	_, err := r.Dev().AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: aws.String(wholePool), Username: aws.String("alice")})
	serving.Want(t, err, "")
}

func deleteGroup(t *testing.T, r serving.Rig) {
	t.Helper()
	_, err := r.Dev().DeleteGroup(t.Context(), &cip.DeleteGroupInput{UserPoolId: aws.String(wholePool), GroupName: aws.String("admins")})
	serving.Want(t, err, "")
}

func deleteClient(t *testing.T, r serving.Rig) {
	t.Helper()
	web := client(t, r.Dev(), wholePool, "web")
	_, err := r.Dev().DeleteUserPoolClient(t.Context(), &cip.DeleteUserPoolClientInput{UserPoolId: aws.String(wholePool), ClientId: web.ClientId})
	serving.Want(t, err, "")
}

func deleteDomain(t *testing.T, r serving.Rig, pool, name string) {
	t.Helper()
	_, err := r.Dev().DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: &name})
	serving.Want(t, err, "")
}

func deletePool(t *testing.T, r serving.Rig) {
	t.Helper()
	deleteDomain(t, r, wholePool, "whole-shop")
	_, err := r.Dev().DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: aws.String(wholePool)})
	serving.Want(t, err, "")
}

func deleteIdentityPool(t *testing.T, r serving.Rig) {
	t.Helper()
	list, err := identities(r).ListIdentityPools(t.Context(), &ci.ListIdentityPoolsInput{MaxResults: aws.Int32(9)})
	serving.Want(t, err, "")
	for _, p := range list.IdentityPools {
		_, err := identities(r).DeleteIdentityPool(t.Context(), &ci.DeleteIdentityPoolInput{IdentityPoolId: p.IdentityPoolId})
		serving.Want(t, err, "")
	}
}

func roles(r serving.Rig) *iam.Client {
	return iam.New(iam.Options{BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", "")})
}

func deletePolicy(t *testing.T, r serving.Rig) {
	t.Helper()
	ctx, sdk := t.Context(), roles(r)
	list, err := sdk.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: "Local"})
	serving.Want(t, err, "")
	for _, p := range list.Policies {
		holders, err := sdk.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: p.Arn})
		serving.Want(t, err, "")
		for _, role := range holders.PolicyRoles {
			_, err := sdk.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role.RoleName, PolicyArn: p.Arn})
			serving.Want(t, err, "")
		}
		_, err = sdk.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: p.Arn})
		serving.Want(t, err, "")
	}
}

func deleteRole(t *testing.T, r serving.Rig) {
	t.Helper()
	ctx, sdk := t.Context(), roles(r)
	list, err := sdk.ListRoles(ctx, &iam.ListRolesInput{})
	serving.Want(t, err, "")
	for _, role := range list.Roles {
		attached, err := sdk.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role.RoleName})
		serving.Want(t, err, "")
		for _, p := range attached.AttachedPolicies {
			_, err := sdk.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role.RoleName, PolicyArn: p.PolicyArn})
			serving.Want(t, err, "")
		}
		inline, err := sdk.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role.RoleName})
		serving.Want(t, err, "")
		for _, name := range inline.PolicyNames {
			_, err := sdk.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role.RoleName, PolicyName: &name})
			serving.Want(t, err, "")
		}
		_, err = sdk.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role.RoleName})
		serving.Want(t, err, "")
	}
}
