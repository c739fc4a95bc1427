package ops_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func noGroup() error { return notFound("Group not found.") }

func (r rig) group(t *testing.T, pool, name string) {
	t.Helper()
	must[*cip.CreateGroupOutput](t)(r.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &pool, GroupName: &name}))
}

func (r rig) join(t *testing.T, pool, group, user string) {
	t.Helper()
	must[*cip.AdminAddUserToGroupOutput](t)(r.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: &group, Username: &user}))
}

// TestGroups makes a group, changes it, reads it and deletes it.
func TestGroups(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, pool, name := t.Context(), r.pool(t), aws.String("Admins")
		in := &cip.CreateGroupInput{
			UserPoolId: &pool, GroupName: name, Description: aws.String("who rules"),
			RoleArn: aws.String("arn:aws:iam::123456789012:role/admin"), Precedence: aws.Int32(0),
		}
		made := must[*cip.CreateGroupOutput](t)(r.CreateGroup(ctx, in)).Group
		if made.CreationDate == nil || !made.CreationDate.Equal(*made.LastModifiedDate) {
			t.Errorf("made at %v, changed at %v", made.CreationDate, made.LastModifiedDate)
		}
		want := &types.GroupType{
			UserPoolId: &pool, GroupName: name, Description: in.Description, RoleArn: in.RoleArn, Precedence: in.Precedence,
			CreationDate: made.CreationDate, LastModifiedDate: made.LastModifiedDate,
		}
		same := func(got *types.GroupType) {
			t.Helper()
			if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.GroupType{})); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		}
		same(made)
		changed := must[*cip.UpdateGroupOutput](t)(r.UpdateGroup(ctx, &cip.UpdateGroupInput{UserPoolId: &pool, GroupName: name, Description: aws.String("d")})).Group
		want.Description, want.LastModifiedDate = aws.String("d"), changed.LastModifiedDate
		same(changed)
		same(must[*cip.GetGroupOutput](t)(r.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &pool, GroupName: name})).Group)
		r.group(t, pool, "readers")
		var names []string
		for pages := cip.NewListGroupsPaginator(r, &cip.ListGroupsInput{UserPoolId: &pool, Limit: aws.Int32(1)}); pages.HasMorePages(); {
			for _, g := range must[*cip.ListGroupsOutput](t)(pages.NextPage(ctx)).Groups {
				names = append(names, *g.GroupName)
			}
		}
		if d := cmp.Diff([]string{"Admins", "readers"}, names); d != "" {
			t.Errorf("ListGroups (-want +got)\n%s", d)
		}
		must[*cip.DeleteGroupOutput](t)(r.DeleteGroup(ctx, &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: name}))
		wantError(t, second(r.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &pool, GroupName: name})), noGroup())
		wantError(t, second(r.UpdateGroup(ctx, &cip.UpdateGroupInput{UserPoolId: &pool, GroupName: name})), noGroup())
		wantError(t, second(r.DeleteGroup(ctx, &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: name})), noGroup())
		wantError(t, second(r.CreateGroup(ctx, &cip.CreateGroupInput{UserPoolId: &pool, GroupName: aws.String("Readers")})),
			&types.GroupExistsException{Message: aws.String("A group with the name already exists")})
		wantError(t, second(r.ListGroups(ctx, &cip.ListGroupsInput{UserPoolId: &pool, NextToken: aws.String("forged")})), badPage())
	})
}

// TestGroupMembers puts a user into groups and takes them out again.
func TestGroupMembers(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx, pool, alice := t.Context(), r.pool(t), aws.String("alice")
		client := r.client(t, pool)
		r.user(t, pool, "alice", "name", "Alice")
		r.group(t, pool, "Admins")
		r.group(t, pool, "readers")
		add := func(group, name string) error {
			return second(r.AdminAddUserToGroup(ctx, &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: &group, Username: &name}))
		}
		remove := func(group, name string) error {
			return second(r.AdminRemoveUserFromGroup(ctx, &cip.AdminRemoveUserFromGroupInput{UserPoolId: &pool, GroupName: &group, Username: &name}))
		}
		wantError(t, add("Admins", "alice"), nil)
		wantError(t, add("readers", "alice"), nil)
		for _, token := range []*string{r.signIn(t, client, "alice").AccessToken, r.signIn(t, client, "alice").IdToken} {
			if groups := fmt.Sprint(claims(t, *token)["cognito:groups"]); groups != "[Admins readers]" {
				t.Errorf("cognito:groups is %s", groups)
			}
		}
		var names []string
		for pages := cip.NewAdminListGroupsForUserPaginator(r, &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: alice, Limit: aws.Int32(1)}); pages.HasMorePages(); {
			for _, g := range must[*cip.AdminListGroupsForUserOutput](t)(pages.NextPage(ctx)).Groups {
				names = append(names, *g.GroupName)
			}
		}
		if d := cmp.Diff([]string{"Admins", "readers"}, names); d != "" {
			t.Errorf("AdminListGroupsForUser (-want +got)\n%s", d)
		}
		members := must[*cip.ListUsersInGroupOutput](t)(r.ListUsersInGroup(ctx, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: aws.String("Admins")})).Users
		if len(members) != 1 || *members[0].Username != "alice" || !members[0].Enabled || valuesOf(members[0].Attributes)["name"] != "Alice" {
			t.Errorf("ListUsersInGroup: %+v", members)
		}
		wantError(t, remove("Admins", "alice"), nil)
		wantError(t, remove("readers", "alice"), nil)
		if groups, there := claims(t, *r.signIn(t, client, "alice").IdToken)["cognito:groups"]; there {
			t.Errorf("after the removal cognito:groups is %v", groups)
		}
		wantError(t, add("none", "alice"), noGroup())
		wantError(t, remove("Admins", "nobody"), noUser())
		wantError(t, second(r.AdminListGroupsForUser(ctx, &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: aws.String("nobody")})), noUser())
		wantError(t, second(r.ListUsersInGroup(ctx, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: aws.String("none")})), noGroup())
	})
}

// TestTokensOfManyGroups: the access token of a user in a hundred groups with long
// names is accepted, and one that would be too long is not issued.
func TestTokensOfManyGroups(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		client := r.client(t, pool)
		for name, letter := range map[string]string{"alice": "g", "bob": "群"} {
			r.user(t, pool, name)
			for i := range 100 {
				group := fmt.Sprintf("%03d", i) + strings.Repeat(letter, 125)
				r.group(t, pool, group)
				r.join(t, pool, group, name)
			}
		}
		token := r.signIn(t, client, "alice").AccessToken
		if len(*token) < 16<<10 {
			t.Errorf("the token has only %d bytes", len(*token))
		}
		wantError(t, second(r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: token})), nil)
		wantError(t, second(r.trySignIn(t, client, "bob", password)), &types.InvalidParameterException{
			Message: aws.String("The access token would be longer than 49152 bytes: the user is in too many groups with long names."),
		})
	})
}
