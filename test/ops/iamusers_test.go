package ops_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestIAMUsers(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c, name := t.Context(), r.iam(), aws.String("Ada")
		admin := aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
		made := must[*iam.CreateUserOutput](t)(c.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/people/"), PermissionsBoundary: admin, Tags: []iamtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})).User
		if *made.Arn != "arn:aws:iam::123456789012:user/people/Ada" || !strings.HasPrefix(*made.UserId, "AIDA") {
			t.Errorf("user %s", asJSON(t, made))
		}
		_, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ADA")})
		wantCode(t, err, "EntityAlreadyExists", "User with name ADA already exists.")
		got := must[*iam.GetUserOutput](t)(c.GetUser(ctx, &iam.GetUserInput{UserName: name})).User
		if len(got.Tags) != 1 || *got.PermissionsBoundary.PermissionsBoundaryArn != *admin {
			t.Errorf("user %s", asJSON(t, got))
		}
		_, err = c.GetUser(ctx, &iam.GetUserInput{})
		wantCode(t, err, "ValidationError", "Must specify userName when calling with non-User credentials")
		must[*iam.TagUserOutput](t)(c.TagUser(ctx, &iam.TagUserInput{UserName: name, Tags: []iamtypes.Tag{{Key: aws.String("l"), Value: aws.String("v")}}}))
		must[*iam.UntagUserOutput](t)(c.UntagUser(ctx, &iam.UntagUserInput{UserName: name, TagKeys: []string{"k"}}))
		if tags := must[*iam.ListUserTagsOutput](t)(c.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: name})).Tags; len(tags) != 1 || *tags[0].Key != "l" {
			t.Errorf("tags %s", asJSON(t, tags))
		}
		must[*iam.DeleteUserPermissionsBoundaryOutput](t)(c.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: name}))
		must[*iam.PutUserPermissionsBoundaryOutput](t)(c.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: name, PermissionsBoundary: admin}))
		_, err = c.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("nobody"), PermissionsBoundary: admin})
		wantCode(t, err, "NoSuchEntity", "The user with name nobody cannot be found.")

		in := &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("in"), PolicyDocument: aws.String(readObjects)}
		must[*iam.PutUserPolicyOutput](t)(c.PutUserPolicy(ctx, in))
		if p := must[*iam.GetUserPolicyOutput](t)(c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: name, PolicyName: in.PolicyName})); policyText(t, p.PolicyDocument) != readObjects {
			t.Errorf("policy %s", asJSON(t, p))
		}
		if names := must[*iam.ListUserPoliciesOutput](t)(c.ListUserPolicies(ctx, &iam.ListUserPoliciesInput{UserName: name})).PolicyNames; len(names) != 1 {
			t.Errorf("policies %v", names)
		}
		must[*iam.AttachUserPolicyOutput](t)(c.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: admin}))
		if list := must[*iam.ListAttachedUserPoliciesOutput](t)(c.ListAttachedUserPolicies(ctx, &iam.ListAttachedUserPoliciesInput{UserName: name})).AttachedPolicies; len(list) != 1 {
			t.Errorf("attached %v", list)
		}

		renamed := aws.String("Ada.L")
		must[*iam.UpdateUserOutput](t)(c.UpdateUser(ctx, &iam.UpdateUserInput{UserName: name, NewUserName: renamed, NewPath: aws.String("/old-people/")}))
		list := must[*iam.ListUsersOutput](t)(c.ListUsers(ctx, &iam.ListUsersInput{PathPrefix: aws.String("/old-people/")})).Users
		if len(list) != 1 || *list[0].UserName != *renamed {
			t.Errorf("users %s", asJSON(t, list))
		}
		_, err = c.UpdateUser(ctx, &iam.UpdateUserInput{UserName: name, NewUserName: aws.String("x")})
		wantType[*iamtypes.NoSuchEntityException](t, err)
		_, err = c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: renamed})
		wantCode(t, err, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		must[*iam.DetachUserPolicyOutput](t)(c.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: renamed, PolicyArn: admin}))
		must[*iam.DeleteUserPolicyOutput](t)(c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: renamed, PolicyName: in.PolicyName}))
		must[*iam.DeleteUserOutput](t)(c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: renamed}))
	})
}

func TestIAMGroups(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c, name, user := t.Context(), r.iam(), aws.String("Staff"), aws.String("staff-member")
		made := must[*iam.CreateGroupOutput](t)(c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name, Path: aws.String("/g/")})).Group
		if *made.Arn != "arn:aws:iam::123456789012:group/g/Staff" || !strings.HasPrefix(*made.GroupId, "AGPA") {
			t.Errorf("group %s", asJSON(t, made))
		}
		_, err := c.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name})
		wantCode(t, err, "EntityAlreadyExists", "Group with name Staff already exists.")
		must[*iam.CreateUserOutput](t)(c.CreateUser(ctx, &iam.CreateUserInput{UserName: user}))
		must[*iam.AddUserToGroupOutput](t)(c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: name, UserName: user}))
		_, err = c.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: name, UserName: aws.String("nobody")})
		wantCode(t, err, "NoSuchEntity", "The user with name nobody cannot be found.")
		must[*iam.UpdateGroupOutput](t)(c.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: name, NewGroupName: aws.String("Crew")}))
		name = aws.String("crew") // Names differ by more than case.
		got := must[*iam.GetGroupOutput](t)(c.GetGroup(ctx, &iam.GetGroupInput{GroupName: name}))
		if *got.Group.GroupName != "Crew" || len(got.Users) != 1 || *got.Users[0].UserName != *user {
			t.Errorf("group %s", asJSON(t, got))
		}
		groups := must[*iam.ListGroupsForUserOutput](t)(c.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: user})).Groups
		if len(groups) != 1 || *groups[0].GroupName != "Crew" {
			t.Errorf("groups %s", asJSON(t, groups))
		}
		if list := must[*iam.ListGroupsOutput](t)(c.ListGroups(ctx, &iam.ListGroupsInput{PathPrefix: aws.String("/g/")})).Groups; len(list) != 1 {
			t.Errorf("groups %s", asJSON(t, list))
		}

		admin := aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
		must[*iam.PutGroupPolicyOutput](t)(c.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: name, PolicyName: aws.String("in"), PolicyDocument: aws.String(readObjects)}))
		if p := must[*iam.GetGroupPolicyOutput](t)(c.GetGroupPolicy(ctx, &iam.GetGroupPolicyInput{GroupName: name, PolicyName: aws.String("in")})); policyText(t, p.PolicyDocument) != readObjects || *p.GroupName != "Crew" {
			t.Errorf("policy %s", asJSON(t, p))
		}
		if names := must[*iam.ListGroupPoliciesOutput](t)(c.ListGroupPolicies(ctx, &iam.ListGroupPoliciesInput{GroupName: name})).PolicyNames; len(names) != 1 {
			t.Errorf("policies %v", names)
		}
		must[*iam.AttachGroupPolicyOutput](t)(c.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: name, PolicyArn: admin}))
		if list := must[*iam.ListAttachedGroupPoliciesOutput](t)(c.ListAttachedGroupPolicies(ctx, &iam.ListAttachedGroupPoliciesInput{GroupName: name})).AttachedPolicies; len(list) != 1 {
			t.Errorf("attached %v", list)
		}
		_, err = c.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: name})
		wantCode(t, err, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
		_, err = c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: user})
		wantCode(t, err, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
		must[*iam.RemoveUserFromGroupOutput](t)(c.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: name, UserName: user}))
		_, err = c.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: name, UserName: user})
		wantType[*iamtypes.NoSuchEntityException](t, err)
		must[*iam.DetachGroupPolicyOutput](t)(c.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: name, PolicyArn: admin}))
		must[*iam.DeleteGroupPolicyOutput](t)(c.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: name, PolicyName: aws.String("in")}))
		must[*iam.DeleteGroupOutput](t)(c.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: name}))
		must[*iam.DeleteUserOutput](t)(c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: user}))
	})
}

func TestIAMAccessKeys(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, c, user := t.Context(), r.iam(), aws.String("key-owner")
		must[*iam.CreateUserOutput](t)(c.CreateUser(ctx, &iam.CreateUserInput{UserName: user}))
		made := must[*iam.CreateAccessKeyOutput](t)(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})).AccessKey
		if !strings.HasPrefix(*made.AccessKeyId, "AKIA") || len(*made.SecretAccessKey) != 40 || made.Status != iamtypes.StatusTypeActive {
			t.Errorf("key %s", *made.AccessKeyId)
		}
		must[*iam.CreateAccessKeyOutput](t)(c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user}))
		_, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user})
		wantCode(t, err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
		must[*iam.UpdateAccessKeyOutput](t)(c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: user, AccessKeyId: made.AccessKeyId, Status: iamtypes.StatusTypeInactive}))
		list := must[*iam.ListAccessKeysOutput](t)(c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: user})).AccessKeyMetadata
		inactive := 0
		for _, k := range list {
			if k.Status == iamtypes.StatusTypeInactive && *k.AccessKeyId == *made.AccessKeyId {
				inactive++
			}
		}
		if len(list) != 2 || inactive != 1 {
			t.Errorf("keys %s", asJSON(t, list))
		}
		last := must[*iam.GetAccessKeyLastUsedOutput](t)(c.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: made.AccessKeyId}))
		if *last.UserName != *user || *last.AccessKeyLastUsed.ServiceName != "N/A" || last.AccessKeyLastUsed.LastUsedDate != nil {
			t.Errorf("last used %s", asJSON(t, last))
		}
		must[*iam.CreateUserOutput](t)(c.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("other-owner")}))
		_, err = c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("other-owner"), AccessKeyId: made.AccessKeyId})
		wantCode(t, err, "NoSuchEntity", "The Access Key with id "+*made.AccessKeyId+" cannot be found.")
		_, err = c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: user})
		wantCode(t, err, "DeleteConflict", "Cannot delete entity, must delete access keys first.")
		for _, k := range list {
			must[*iam.DeleteAccessKeyOutput](t)(c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: k.AccessKeyId}))
		}
		must[*iam.DeleteUserOutput](t)(c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: user}))
	})
}
