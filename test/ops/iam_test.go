package ops_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/outbound"
)

const (
	trustAccount = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}`
	readObjects  = "{\n \"Version\": \"2012-10-17\",\n \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": \"arn:aws:s3:::b/a+b ü*\"}]\n}"
	writeObjects = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}`
)

// iam is the SDK's client of IAM.
func (r rig) iam() *iam.Client {
	return iam.New(iam.Options{
		BaseEndpoint: aws.String(r.url), Region: "eu-west-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", ""),
		HTTPClient:  outbound.NewAWSClient(aws.Config{}),
	})
}

// wantCode checks the code and the text of a refusal, however the SDK types it.
func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || e.ErrorMessage() != text {
		t.Errorf("got  %v\nwant %s: %s", err, code, text)
	}
}

// policyText returns a policy as answers have it: the same bytes, percent-encoded without a plus sign.
func policyText(t *testing.T, text *string) string {
	t.Helper()
	plain, err := url.PathUnescape(aws.ToString(text))
	if err != nil || strings.Contains(*text, "+") || strings.Contains(*text, " ") {
		t.Errorf("document %q: %v", aws.ToString(text), err)
	}
	return plain
}

// TestIAMRoles makes the calls of Terraform's aws_iam_role, aws_iam_role_policy and
// aws_iam_role_policy_attachment: create, read back, change, destroy.
func TestIAMRoles(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c, name := t.Context(), r.iam(), aws.String("App-Role")
		must[*iam.CreatePolicyOutput](t)(c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("role-bound"), PolicyDocument: aws.String(writeObjects)}))
		bound := aws.String("arn:aws:iam::123456789012:policy/role-bound")
		create := &iam.CreateRoleInput{
			RoleName: name, Path: aws.String("/service/"), AssumeRolePolicyDocument: aws.String(trustAccount), Description: aws.String("first"),
			MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: bound, Tags: []iamtypes.Tag{{Key: aws.String("Stage"), Value: aws.String("test")}},
		}
		made := must[*iam.CreateRoleOutput](t)(c.CreateRole(ctx, create)).Role
		if *made.Arn != "arn:aws:iam::123456789012:role/service/App-Role" || !strings.HasPrefix(*made.RoleId, "AROA") || len(*made.RoleId) != 21 {
			t.Errorf("role %s %s", *made.Arn, *made.RoleId)
		}
		_, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("APP-ROLE"), AssumeRolePolicyDocument: aws.String(trustAccount)})
		wantCode(t, err, "EntityAlreadyExists", "Role with name APP-ROLE already exists.")
		_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("other"), AssumeRolePolicyDocument: aws.String(`{"a"`)})
		wantCode(t, err, "MalformedPolicyDocument", "This policy contains invalid Json")
		_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("other"), AssumeRolePolicyDocument: aws.String(strings.Replace(trustAccount, `"123456789012"`, `"arn:aws:iam::123456789012:role/nobody"`, 1))})
		wantCode(t, err, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/nobody"`)
		_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("a b"), AssumeRolePolicyDocument: aws.String(trustAccount)})
		wantCode(t, err, "ValidationError", `1 validation error detected: Value 'a b' at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+`)

		read := func() *iamtypes.Role {
			return must[*iam.GetRoleOutput](t)(c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})).Role
		}
		got := read()
		if got.RoleLastUsed == nil || *got.MaxSessionDuration != 7200 || *got.PermissionsBoundary.PermissionsBoundaryArn != *bound || *got.Tags[0].Value != "test" ||
			policyText(t, got.AssumeRolePolicyDocument) != trustAccount || *got.Description != "first" {
			t.Errorf("role: %s", asJSON(t, got))
		}
		if diff := cmp.Diff(asJSON(t, got), asJSON(t, read())); diff != "" {
			t.Errorf("drift: %s", diff)
		}
		_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("nobody")})
		wantCode(t, err, "NoSuchEntity", "The role with name nobody cannot be found.")

		// Change.
		must[*iam.UpdateAssumeRolePolicyOutput](t)(c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(strings.Replace(trustAccount, "123456789012", "*", 1))}))
		must[*iam.UpdateRoleDescriptionOutput](t)(c.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: name, Description: aws.String("second")}))
		must[*iam.UpdateRoleOutput](t)(c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: aws.Int32(3600)}))
		must[*iam.DeleteRolePermissionsBoundaryOutput](t)(c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name}))
		must[*iam.UntagRoleOutput](t)(c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"stage"}}))
		must[*iam.TagRoleOutput](t)(c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []iamtypes.Tag{{Key: aws.String("b"), Value: aws.String("")}, {Key: aws.String("a"), Value: aws.String("1")}}}))
		got = read()
		if got.PermissionsBoundary != nil || *got.Description != "second" || *got.MaxSessionDuration != 3600 || !strings.Contains(policyText(t, got.AssumeRolePolicyDocument), `"*"`) {
			t.Errorf("changed role: %s", asJSON(t, got))
		}
		tags := must[*iam.ListRoleTagsOutput](t)(c.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: name, MaxItems: aws.Int32(1)}))
		if len(tags.Tags) != 1 || *tags.Tags[0].Key != "a" || !tags.IsTruncated {
			t.Errorf("tags: %s", asJSON(t, tags))
		}
		tags = must[*iam.ListRoleTagsOutput](t)(c.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: name, Marker: tags.Marker}))
		if len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" || tags.IsTruncated {
			t.Errorf("more tags: %s", asJSON(t, tags))
		}
		_, err = c.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: name, Marker: aws.String("x")})
		wantCode(t, err, "ValidationError", "Invalid Marker.")
		_, err = c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []iamtypes.Tag{{Key: aws.String("a"), Value: aws.String("")}, {Key: aws.String("A"), Value: aws.String("1")}}})
		wantCode(t, err, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		_, err = c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: aws.String("arn:aws:iam::123456789012:policy/elsewhere/role-bound")})
		wantCode(t, err, "NoSuchEntity", "Policy arn:aws:iam::123456789012:policy/elsewhere/role-bound does not exist or is not attachable.")
		must[*iam.PutRolePermissionsBoundaryOutput](t)(c.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: bound}))

		// Inline policies.
		must[*iam.PutRolePolicyOutput](t)(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("in"), PolicyDocument: aws.String(writeObjects)}))
		must[*iam.PutRolePolicyOutput](t)(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("in"), PolicyDocument: aws.String(readObjects)}))
		inline := must[*iam.GetRolePolicyOutput](t)(c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("in")}))
		if diff := cmp.Diff(readObjects, policyText(t, inline.PolicyDocument)); diff != "" {
			t.Error(diff)
		}
		names := must[*iam.ListRolePoliciesOutput](t)(c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})).PolicyNames
		if !slices.Equal(names, []string{"in"}) {
			t.Errorf("inline policies %v", names)
		}
		_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("in"), PolicyDocument: aws.String(trustAccount)})
		wantCode(t, err, "MalformedPolicyDocument", "Policy document should not specify a principal.")
		_, err = c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("none")})
		wantCode(t, err, "NoSuchEntity", "The role policy with name none cannot be found.")
		long := strings.Replace(writeObjects, "s3:PutObject", "s3:"+strings.Repeat("a", 10240), 1)
		_, err = c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("long"), PolicyDocument: aws.String(long)})
		wantCode(t, err, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role App-Role")

		// Attached policies.
		admin := aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
		for _, arn := range []*string{admin, bound} {
			must[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: arn}))
		}
		attached := must[*iam.ListAttachedRolePoliciesOutput](t)(c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})).AttachedPolicies
		if len(attached) != 2 || *attached[1].PolicyArn != *admin || *attached[1].PolicyName != "AdministratorAccess" {
			t.Errorf("attached: %s", asJSON(t, attached))
		}
		_, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/NoSuchPolicyHere")})
		wantCode(t, err, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/NoSuchPolicyHere does not exist or is not attachable.")

		// Destroy.
		profiles := must[*iam.ListInstanceProfilesForRoleOutput](t)(c.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: name}))
		if len(profiles.InstanceProfiles) != 0 || profiles.IsTruncated {
			t.Errorf("instance profiles: %v", profiles)
		}
		_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
		wantCode(t, err, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		for _, arn := range []*string{admin, bound} {
			must[*iam.DetachRolePolicyOutput](t)(c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: arn}))
		}
		_, err = c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: admin})
		wantCode(t, err, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/AdministratorAccess was not found.")
		_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
		wantCode(t, err, "DeleteConflict", "Cannot delete entity, must delete policies first.")
		must[*iam.DeleteRolePolicyOutput](t)(c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("in")}))
		_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: bound})
		wantCode(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
		must[*iam.DeleteRoleOutput](t)(c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}))
		_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
		wantType[*iamtypes.NoSuchEntityException](t, err)
		must[*iam.DeletePolicyOutput](t)(c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: bound}))

		// Lists go on by marker, within a path.
		for _, n := range []string{"r1", "r2", "r3"} {
			must[*iam.CreateRoleOutput](t)(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &n, Path: aws.String("/paging/"), AssumeRolePolicyDocument: aws.String(trustAccount)}))
		}
		var list []string
		pages := iam.NewListRolesPaginator(c, &iam.ListRolesInput{PathPrefix: aws.String("/paging/"), MaxItems: aws.Int32(2)})
		for pages.HasMorePages() {
			for _, role := range must[*iam.ListRolesOutput](t)(pages.NextPage(ctx)).Roles {
				list = append(list, *role.RoleName)
			}
		}
		if !slices.Equal(list, []string{"r1", "r2", "r3"}) {
			t.Errorf("roles %v", list)
		}
	})
}

// TestIAMPolicies makes the calls of Terraform's aws_iam_policy.
func TestIAMPolicies(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c := t.Context(), r.iam()
		made := must[*iam.CreatePolicyOutput](t)(c.CreatePolicy(ctx, &iam.CreatePolicyInput{
			PolicyName: aws.String("Objects"), Path: aws.String("/team/"), PolicyDocument: aws.String(readObjects), Description: aws.String("reads"), Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		})).Policy
		arn := made.Arn
		if *arn != "arn:aws:iam::123456789012:policy/team/Objects" || *made.DefaultVersionId != "v1" || !strings.HasPrefix(*made.PolicyId, "ANPA") {
			t.Errorf("policy %s", asJSON(t, made))
		}
		_, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("objects"), PolicyDocument: aws.String(readObjects)})
		wantCode(t, err, "EntityAlreadyExists", "A policy called objects already exists. Duplicate names are not allowed.")
		_, err = c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("old"), PolicyDocument: aws.String(`{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`)})
		wantCode(t, err, "MalformedPolicyDocument", "Policy document must be version 2012-10-17 or greater.")

		get := func() *iamtypes.Policy {
			return must[*iam.GetPolicyOutput](t)(c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})).Policy
		}
		got := get()
		if *got.Description != "reads" || *got.AttachmentCount != 0 || len(got.Tags) != 1 || !got.IsAttachable {
			t.Errorf("policy %s", asJSON(t, got))
		}
		v := must[*iam.GetPolicyVersionOutput](t)(c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: got.DefaultVersionId})).PolicyVersion
		if diff := cmp.Diff(readObjects, policyText(t, v.Document)); diff != "" || !v.IsDefaultVersion {
			t.Errorf("version: %s", diff)
		}
		_, err = c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/Objects")})
		wantCode(t, err, "NoSuchEntity", "Policy arn:aws:iam::123456789012:policy/Objects was not found.")
		_, err = c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v9")})
		wantCode(t, err, "NoSuchEntity", "Policy arn:aws:iam::123456789012:policy/team/Objects version v9 does not exist or is not attachable.")
		admin := must[*iam.GetPolicyVersionOutput](t)(c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"), VersionId: aws.String("v1")}))
		if !strings.Contains(policyText(t, admin.PolicyVersion.Document), `"Action":"*"`) {
			t.Errorf("AdministratorAccess: %s", policyText(t, admin.PolicyVersion.Document))
		}

		// Versions.
		for range 4 {
			must[*iam.CreatePolicyVersionOutput](t)(c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(writeObjects), SetAsDefault: true}))
		}
		_, err = c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(writeObjects)})
		wantCode(t, err, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
		must[*iam.DeletePolicyVersionOutput](t)(c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")}))
		must[*iam.SetDefaultPolicyVersionOutput](t)(c.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")}))
		_, err = c.SetDefaultPolicyVersion(ctx, &iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")})
		wantType[*iamtypes.NoSuchEntityException](t, err)
		_, err = c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")})
		wantCode(t, err, "DeleteConflict", "Cannot delete the default version of a policy.")
		var ids []string
		versions := iam.NewListPolicyVersionsPaginator(c, &iam.ListPolicyVersionsInput{PolicyArn: arn, MaxItems: aws.Int32(3)})
		for versions.HasMorePages() {
			for _, v := range must[*iam.ListPolicyVersionsOutput](t)(versions.NextPage(ctx)).Versions {
				ids = append(ids, *v.VersionId)
			}
		}
		if !slices.Equal(ids, []string{"v5", "v4", "v3", "v2"}) {
			t.Errorf("versions %v", ids)
		}

		// Tags.
		must[*iam.TagPolicyOutput](t)(c.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: arn, Tags: []iamtypes.Tag{{Key: aws.String("K"), Value: aws.String("w")}}}))
		must[*iam.UntagPolicyOutput](t)(c.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"none"}}))
		tags := must[*iam.ListPolicyTagsOutput](t)(c.ListPolicyTags(ctx, &iam.ListPolicyTagsInput{PolicyArn: arn})).Tags
		if len(tags) != 1 || *tags[0].Key != "K" || *tags[0].Value != "w" {
			t.Errorf("tags %s", asJSON(t, tags))
		}
		_, err = c.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess"), Tags: tags})
		wantType[*iamtypes.NoSuchEntityException](t, err)

		// Lists.
		must[*iam.CreateRoleOutput](t)(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("of-objects"), AssumeRolePolicyDocument: aws.String(trustAccount), PermissionsBoundary: arn}))
		must[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("of-objects"), PolicyArn: arn}))
		entities := must[*iam.ListEntitiesForPolicyOutput](t)(c.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: arn}))
		if len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != "of-objects" || len(entities.PolicyUsers) != 0 {
			t.Errorf("entities %s", asJSON(t, entities))
		}
		local := must[*iam.ListPoliciesOutput](t)(c.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal, OnlyAttached: true, PathPrefix: aws.String("/team/")})).Policies
		if len(local) != 1 || *local[0].AttachmentCount != 1 || *local[0].PermissionsBoundaryUsageCount != 1 {
			t.Errorf("policies %s", asJSON(t, local))
		}
		ofAWS := must[*iam.ListPoliciesOutput](t)(c.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeAws, MaxItems: aws.Int32(1)}))
		if len(ofAWS.Policies) != 1 || !ofAWS.IsTruncated || *ofAWS.Policies[0].Arn != "arn:aws:iam::aws:policy/AdministratorAccess" {
			t.Errorf("policies of AWS %s", asJSON(t, ofAWS))
		}
		_, err = c.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: aws.String("arn:aws:iam::999999999999:policy/team/Objects")})
		wantType[*iamtypes.NoSuchEntityException](t, err)

		// Destroy.
		must[*iam.DetachRolePolicyOutput](t)(c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("of-objects"), PolicyArn: arn}))
		must[*iam.DeleteRoleOutput](t)(c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("of-objects")}))
		_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
		wantCode(t, err, "DeleteConflict", "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		for _, id := range []string{"v3", "v4", "v5"} {
			must[*iam.DeletePolicyVersionOutput](t)(c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &id}))
		}
		must[*iam.DeletePolicyOutput](t)(c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}))
	})
}
