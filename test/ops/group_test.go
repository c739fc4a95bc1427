package ops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
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

// noSuchGroup has the rows that are the same for every operation that names a
// pool and a group of it.
func noSuchGroup(t *testing.T, call func(t *testing.T, r rig, pool, group string) error) {
	each(t, func(t *testing.T, r rig) {
		pool, other, gone := r.pool(t), r.pool(t), r.pool(t)
		r.group(t, other, "theirs")
		r.group(t, gone, "ours")
		r.group(t, pool, "deleted")
		must[*cip.DeleteGroupOutput](t)(r.DeleteGroup(t.Context(), &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: aws.String("deleted")}))
		must[*cip.DeleteUserPoolOutput](t)(r.DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &gone}))
		r.invited(t, pool, "alice")
		for _, row := range []struct {
			name, pool, group string
			want              error
		}{
			{"unknown pool", unknownPool, "ours", noPool(unknownPool)},
			{"deleted pool", gone, "ours", noPool(gone)},
			{"unknown group", pool, "nobody", noGroup()},
			{"group of another pool", pool, "theirs", noGroup()},
			{"deleted group", pool, "deleted", noGroup()},
		} {
			t.Run(row.name, func(t *testing.T) { wantError(t, call(t, r, row.pool, row.group), row.want) })
		}
		if got := must[*cip.GetGroupOutput](t)(r.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &other, GroupName: aws.String("theirs")})).Group; got.Description != nil {
			t.Errorf("the other pool's group was changed: %+v", got)
		}
	})
}

func TestCreateGroup(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		in := &cip.CreateGroupInput{
			UserPoolId: &pool, GroupName: aws.String("Admins"), Description: aws.String("who rules"),
			RoleArn: aws.String("arn:aws:iam::123456789012:role/admin"), Precedence: aws.Int32(0),
		}
		g := must[*cip.CreateGroupOutput](t)(r.CreateGroup(t.Context(), in)).Group
		if *g.GroupName != "Admins" || *g.UserPoolId != pool || *g.Description != "who rules" || *g.RoleArn != *in.RoleArn || *g.Precedence != 0 || g.CreationDate == nil || !g.CreationDate.Equal(*g.LastModifiedDate) {
			t.Errorf("%+v", g)
		}
		taken := &types.GroupExistsException{Message: aws.String("A group with the name already exists")}
		for _, name := range []string{"Admins", "admins"} {
			_, err := r.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &pool, GroupName: &name})
			wantError(t, err, taken)
		}
		_, err := r.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: aws.String(unknownPool), GroupName: aws.String("x")})
		wantError(t, err, noPool(unknownPool))
		_, err = r.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: aws.String("nonsense"), GroupName: aws.String("a b"), Precedence: aws.Int32(-1)})
		wantError(t, err, invalid(`3 validation errors detected: Value 'a b' at 'groupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+; `+
			`Value 'nonsense' at 'userPoolId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+_[0-9a-zA-Z]+; `+
			`Value '-1' at 'precedence' failed to satisfy constraint: Member must have value greater than or equal to 0`))
	})
}

func TestGetGroup(t *testing.T) {
	noSuchGroup(t, func(t *testing.T, r rig, pool, group string) error {
		_, err := r.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &pool, GroupName: &group})
		return err
	})
}

func TestUpdateGroup(t *testing.T) {
	noSuchGroup(t, func(t *testing.T, r rig, pool, group string) error {
		_, err := r.UpdateGroup(t.Context(), &cip.UpdateGroupInput{UserPoolId: &pool, GroupName: &group, Description: aws.String("changed")})
		return err
	})
	t.Run("keeps what is left out", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			r.group(t, pool, "g")
			update := func(in cip.UpdateGroupInput) *types.GroupType {
				in.UserPoolId, in.GroupName = &pool, aws.String("g")
				return must[*cip.UpdateGroupOutput](t)(r.UpdateGroup(t.Context(), &in)).Group
			}
			update(cip.UpdateGroupInput{Description: aws.String("d"), Precedence: aws.Int32(3)})
			g := update(cip.UpdateGroupInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/r")})
			read := must[*cip.GetGroupOutput](t)(r.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &pool, GroupName: aws.String("g")})).Group
			if *g.Description != "d" || *g.Precedence != 3 || g.RoleArn == nil || *read.RoleArn != *g.RoleArn || !read.LastModifiedDate.Equal(*g.LastModifiedDate) {
				t.Errorf("%+v", g)
			}
		})
	})
}

func TestDeleteGroup(t *testing.T) {
	noSuchGroup(t, func(t *testing.T, r rig, pool, group string) error {
		_, err := r.DeleteGroup(t.Context(), &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: &group})
		return err
	})
	t.Run("with members", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			r.invited(t, pool, "alice")
			r.group(t, pool, "g")
			r.join(t, pool, "g", "alice")
			must[*cip.DeleteGroupOutput](t)(r.DeleteGroup(t.Context(), &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: aws.String("g")}))
			r.group(t, pool, "g")
			if out := must[*cip.ListUsersInGroupOutput](t)(r.ListUsersInGroup(t.Context(), &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: aws.String("g")})); len(out.Users) != 0 {
				t.Errorf("%+v", out.Users)
			}
		})
	})
}

func TestListGroups(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool, other := r.pool(t), r.pool(t)
		want := []string{"a", "b", "c", "d", "e"}
		for _, g := range want {
			r.group(t, pool, g)
			r.group(t, other, "x"+g)
		}
		for _, limit := range []int32{0, 1, 2, 5} {
			var got []string
			pages := cip.NewListGroupsPaginator(r, &cip.ListGroupsInput{UserPoolId: &pool, Limit: &limit})
			for pages.HasMorePages() {
				for _, g := range must[*cip.ListGroupsOutput](t)(pages.NextPage(t.Context())).Groups {
					got = append(got, *g.GroupName)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%d a page (-want +got)\n%s", limit, d)
			}
		}
		first := must[*cip.ListGroupsOutput](t)(r.ListGroups(t.Context(), &cip.ListGroupsInput{UserPoolId: &pool, Limit: aws.Int32(1)}))
		for _, in := range []*cip.ListGroupsInput{{UserPoolId: &other, NextToken: first.NextToken}, {UserPoolId: &pool, NextToken: aws.String("forged")}} {
			_, err := r.ListGroups(t.Context(), in)
			wantError(t, err, badPage())
		}
		_, err := r.ListGroups(t.Context(), &cip.ListGroupsInput{UserPoolId: aws.String(unknownPool)})
		wantError(t, err, noPool(unknownPool))
		_, err = r.ListGroups(t.Context(), &cip.ListGroupsInput{UserPoolId: &pool, Limit: aws.Int32(61)})
		wantError(t, err, invalid("1 validation error detected: Value '61' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 60"))
	})
}

func TestAdminAddUserToGroup(t *testing.T) {
	add := func(t *testing.T, r rig, pool, group, user string) error {
		_, err := r.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: &group, Username: &user})
		return err
	}
	noSuchGroup(t, func(t *testing.T, r rig, pool, group string) error { return add(t, r, pool, group, "alice") })
	t.Run("users", func(t *testing.T) {
		strangers(t, func(t *testing.T, r rig, pool, username string) error { return add(t, r, pool, "g", username) })
	})
	t.Run("adds", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			r.group(t, pool, "Admins")
			r.group(t, pool, "readers")
			for range 2 {
				wantError(t, add(t, r, pool, "Admins", "alice"), nil)
			}
			wantError(t, add(t, r, pool, "readers", "alice"), nil)
			for _, token := range []*string{r.signIn(t, client, "alice").AccessToken, r.signIn(t, client, "alice").IdToken} {
				groups := fmt.Sprint(claims(t, *token)["cognito:groups"])
				if groups != "[Admins readers]" {
					t.Errorf("cognito:groups is %s", groups)
				}
			}
		})
	})
}

func TestAdminRemoveUserFromGroup(t *testing.T) {
	remove := func(t *testing.T, r rig, pool, group, user string) error {
		_, err := r.AdminRemoveUserFromGroup(t.Context(), &cip.AdminRemoveUserFromGroupInput{UserPoolId: &pool, GroupName: &group, Username: &user})
		return err
	}
	noSuchGroup(t, func(t *testing.T, r rig, pool, group string) error { return remove(t, r, pool, group, "alice") })
	t.Run("users", func(t *testing.T) {
		strangers(t, func(t *testing.T, r rig, pool, username string) error { return remove(t, r, pool, "g", username) })
	})
	t.Run("removes", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			client := r.client(t, pool)
			r.user(t, pool, "alice")
			r.group(t, pool, "g")
			r.join(t, pool, "g", "alice")
			for range 2 {
				wantError(t, remove(t, r, pool, "g", "alice"), nil)
			}
			if groups, there := claims(t, *r.signIn(t, client, "alice").IdToken)["cognito:groups"]; there {
				t.Errorf("cognito:groups is %v", groups)
			}
		})
	})
}

func TestAdminListGroupsForUser(t *testing.T) {
	strangers(t, func(t *testing.T, r rig, pool, username string) error {
		_, err := r.AdminListGroupsForUser(t.Context(), &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: &username})
		return err
	})
	t.Run("pages", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			r.invited(t, pool, "alice")
			r.invited(t, pool, "bob")
			want := []string{"a", "b", "c"}
			for _, g := range want {
				r.group(t, pool, g)
				r.join(t, pool, g, "alice")
			}
			r.group(t, pool, "d")
			var got []string
			var token *string
			in := &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: aws.String("alice"), Limit: aws.Int32(2)}
			pages := cip.NewAdminListGroupsForUserPaginator(r, in)
			for pages.HasMorePages() {
				out := must[*cip.AdminListGroupsForUserOutput](t)(pages.NextPage(t.Context()))
				for _, g := range out.Groups {
					got = append(got, *g.GroupName)
				}
				if out.NextToken != nil {
					token = out.NextToken
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			_, err := r.AdminListGroupsForUser(t.Context(), &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: aws.String("bob"), NextToken: token})
			wantError(t, err, badPage())
		})
	})
}

func TestListUsersInGroup(t *testing.T) {
	noSuchGroup(t, func(t *testing.T, r rig, pool, group string) error {
		_, err := r.ListUsersInGroup(t.Context(), &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: &group})
		return err
	})
	t.Run("pages", func(t *testing.T) {
		each(t, func(t *testing.T, r rig) {
			pool := r.pool(t)
			r.group(t, pool, "g")
			r.group(t, pool, "h")
			want := []string{"alice", "bob", "carol"}
			for _, u := range want {
				r.invited(t, pool, u, "name", u)
				r.join(t, pool, "g", u)
			}
			var got []string
			var token *string
			pages := cip.NewListUsersInGroupPaginator(r, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: aws.String("g"), Limit: aws.Int32(2)})
			for pages.HasMorePages() {
				out := must[*cip.ListUsersInGroupOutput](t)(pages.NextPage(t.Context()))
				for _, u := range out.Users {
					got = append(got, *u.Username)
					if valuesOf(u.Attributes)["name"] != *u.Username || !u.Enabled {
						t.Errorf("%+v", u)
					}
				}
				if out.NextToken != nil {
					token = out.NextToken
				}
			}
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			_, err := r.ListUsersInGroup(t.Context(), &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: aws.String("h"), NextToken: token})
			wantError(t, err, badPage())
		})
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
