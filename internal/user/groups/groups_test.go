package groups

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/test/people"
	"cognate/test/race"
)

const (
	sayNoGroup    = "ResourceNotFoundException: Group not found."
	sayNoUser     = "UserNotFoundException: User does not exist."
	sayGroupTaken = "GroupExistsException: A group with the name already exists"
)

func (r *rig) group(t *testing.T, sn *pool.Snapshot, name string, precedence *int32) {
	t.Helper()
	if _, err := r.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: sn.ID, GroupName: name, Precedence: precedence}); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) join(t *testing.T, sn *pool.Snapshot, group, user string) {
	t.Helper()
	if err := r.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupRequest{UserPoolId: sn.ID, GroupName: group, Username: user}); err != nil {
		t.Fatal(err)
	}
}

// groupsOf lists the groups of a user by name, in pages of limit.
func (r *rig) groupsOf(t *testing.T, sn *pool.Snapshot, user string, limit int32) []string {
	t.Helper()
	var names []string
	in := &idp.AdminListGroupsForUserRequest{UserPoolId: sn.ID, Username: user, Limit: &limit}
	for {
		out, err := r.AdminListGroupsForUser(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range out.Groups {
			names = append(names, *g.GroupName)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return names
		}
	}
}

func (r *rig) membersOf(t *testing.T, sn *pool.Snapshot, group string, limit int32) []string {
	t.Helper()
	var names []string
	in := &idp.ListUsersInGroupRequest{UserPoolId: sn.ID, GroupName: group, Limit: &limit}
	for {
		out, err := r.ListUsersInGroup(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range out.Users {
			names = append(names, *u.Username)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			slices.Sort(names)
			return names
		}
	}
}

func TestGroupLife(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.Pool(t)
		created, err := r.CreateGroup(t.Context(), &idp.CreateGroupRequest{
			UserPoolId: sn.ID, GroupName: "Admins", Description: new("who rules"), RoleArn: new("arn:aws:iam::123456789012:role/admin"), Precedence: new(int32(0))})
		if err != nil {
			t.Fatal(err)
		}
		want := &idp.GroupType{
			GroupName: new("Admins"), UserPoolId: &sn.ID, Description: new("who rules"), RoleArn: new("arn:aws:iam::123456789012:role/admin"),
			Precedence: new(int32(0)), CreationDate: r.Clock.Now(), LastModifiedDate: r.Clock.Now(),
		}
		if d := gocmp.Diff(want, created.Group); d != "" {
			t.Errorf("created (-want +got)\n%s", d)
		}
		for _, name := range []string{"Admins", "admins"} { // Names clash in any case.
			_, err = r.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: sn.ID, GroupName: name})
			people.WantError(t, err, sayGroupTaken)
		}
		_, err = r.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: r.Pool(t).ID, GroupName: "Admins"})
		people.WantError(t, err, "") // Another pool's.

		r.Clock.Pass(time.Second)
		want.Description, want.LastModifiedDate = new("who ruled"), r.Clock.Now()
		updated, err := r.UpdateGroup(t.Context(), &idp.UpdateGroupRequest{UserPoolId: sn.ID, GroupName: "Admins", Description: new("who ruled")})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.GetGroup(t.Context(), &idp.GetGroupRequest{UserPoolId: sn.ID, GroupName: "Admins"})
		if err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(want, updated.Group); d != "" {
			t.Errorf("updated (-want +got)\n%s", d)
		}
		if d := gocmp.Diff(want, got.Group); d != "" {
			t.Errorf("read (-want +got)\n%s", d)
		}
		updated, err = r.UpdateGroup(t.Context(), &idp.UpdateGroupRequest{UserPoolId: sn.ID, GroupName: "Admins", Description: new(""), Precedence: new(int32(7))})
		if err != nil || *updated.Group.Description != "" || *updated.Group.Precedence != 7 || updated.Group.RoleArn == nil {
			t.Errorf("%+v, %v", updated.Group, err)
		}

		r.User(t, sn, "alice")
		r.join(t, sn, "Admins", "alice")
		if err := r.DeleteGroup(t.Context(), &idp.DeleteGroupRequest{UserPoolId: sn.ID, GroupName: "Admins"}); err != nil {
			t.Fatal(err)
		}
		if groups := r.groupsOf(t, sn, "alice", 0); groups != nil {
			t.Errorf("the member is still in %v", groups)
		}
		r.group(t, sn, "Admins", nil)
		if members := r.membersOf(t, sn, "Admins", 0); members != nil {
			t.Errorf("a new group of the name has the members %v", members)
		}
	})
}

// TestGroupAnswers has the answer of each operation on groups for a pool, a group or
// a user that is not there.
func TestGroupAnswers(t *testing.T) {
	t.Parallel()
	type target struct{ pool, group, user string }
	calls := map[string]func(r *rig, t *testing.T, x target) error{
		"GetGroup": func(r *rig, t *testing.T, x target) error {
			_, err := r.GetGroup(t.Context(), &idp.GetGroupRequest{UserPoolId: x.pool, GroupName: x.group})
			return err
		},
		"UpdateGroup": func(r *rig, t *testing.T, x target) error {
			_, err := r.UpdateGroup(t.Context(), &idp.UpdateGroupRequest{UserPoolId: x.pool, GroupName: x.group})
			return err
		},
		"DeleteGroup": func(r *rig, t *testing.T, x target) error {
			return r.DeleteGroup(t.Context(), &idp.DeleteGroupRequest{UserPoolId: x.pool, GroupName: x.group})
		},
		"ListUsersInGroup": func(r *rig, t *testing.T, x target) error {
			_, err := r.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupRequest{UserPoolId: x.pool, GroupName: x.group})
			return err
		},
		"AdminAddUserToGroup": func(r *rig, t *testing.T, x target) error {
			return r.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupRequest{UserPoolId: x.pool, GroupName: x.group, Username: x.user})
		},
		"AdminRemoveUserFromGroup": func(r *rig, t *testing.T, x target) error {
			return r.AdminRemoveUserFromGroup(t.Context(), &idp.AdminRemoveUserFromGroupRequest{UserPoolId: x.pool, GroupName: x.group, Username: x.user})
		},
	}
	engines(t, func(t *testing.T, r *rig) {
		sn, other, gone := r.Pool(t), r.Pool(t), r.Pool(t)
		r.User(t, sn, "alice")
		r.User(t, other, "bob")
		r.group(t, sn, "ours", nil)
		r.group(t, other, "theirs", nil)
		r.group(t, gone, "ours", nil)
		r.group(t, sn, "deleted", nil)
		if err := r.DeleteGroup(t.Context(), &idp.DeleteGroupRequest{UserPoolId: sn.ID, GroupName: "deleted"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Pools.DeleteUserPool(t.Context(), &idp.DeleteUserPoolRequest{UserPoolId: gone.ID}); err != nil {
			t.Fatal(err)
		}
		_, err := r.AdminListGroupsForUser(t.Context(), &idp.AdminListGroupsForUserRequest{UserPoolId: sn.ID, Username: "bob"})
		people.WantError(t, err, sayNoUser)
		for name, call := range calls {
			t.Run(name, func(t *testing.T) {
				people.WantError(t, call(r, t, target{sn.ID, "nobody", "alice"}), sayNoGroup)
				people.WantError(t, call(r, t, target{sn.ID, "theirs", "alice"}), sayNoGroup)
				people.WantError(t, call(r, t, target{sn.ID, "deleted", "alice"}), sayNoGroup)
				people.WantError(t, call(r, t, target{gone.ID, "ours", "alice"}), "ResourceNotFoundException: User pool "+gone.ID+" does not exist.")
				people.WantError(t, call(r, t, target{"us-east-1_000000000", "ours", "alice"}), "ResourceNotFoundException: User pool us-east-1_000000000 does not exist.")
				if strings.HasPrefix(name, "Admin") {
					people.WantError(t, call(r, t, target{sn.ID, "ours", "nobody"}), sayNoUser)
					people.WantError(t, call(r, t, target{sn.ID, "ours", "bob"}), sayNoUser)
					// Twice is no error.
					people.WantError(t, call(r, t, target{sn.ID, "ours", "alice"}), "")
					people.WantError(t, call(r, t, target{sn.ID, "ours", "alice"}), "")
				}
			})
		}
	})
}

func TestGroupLists(t *testing.T) {
	t.Parallel()
	const sayPage = "InvalidParameterException: Invalid pagination token provided"
	engines(t, func(t *testing.T, r *rig) {
		sn, other := r.Pool(t), r.Pool(t)
		names := []string{"a", "B", "c", "d-é", "e.f"}
		users := []string{"alice", "bob", "carol"}
		for _, n := range names {
			r.group(t, sn, n, nil)
			r.group(t, other, n, nil)
		}
		for _, u := range users {
			r.User(t, sn, u)
			r.join(t, sn, "B", u)
		}
		for _, n := range names {
			r.join(t, sn, n, "alice")
		}
		for _, limit := range []int32{0, 1, 2, 5, 60} {
			var got []string
			in := &idp.ListGroupsRequest{UserPoolId: sn.ID, Limit: &limit}
			for {
				out, err := r.ListGroups(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				for _, g := range out.Groups {
					got = append(got, *g.GroupName)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			if d := gocmp.Diff(names, got); d != "" {
				t.Errorf("ListGroups, %d a page (-want +got)\n%s", limit, d)
			}
			if d := gocmp.Diff(names, r.groupsOf(t, sn, "alice", limit)); d != "" {
				t.Errorf("AdminListGroupsForUser, %d a page (-want +got)\n%s", limit, d)
			}
			if d := gocmp.Diff(users, r.membersOf(t, sn, "B", limit)); d != "" {
				t.Errorf("ListUsersInGroup, %d a page (-want +got)\n%s", limit, d)
			}
		}
		one := new(int32(1))
		ofPool, err := r.ListGroups(t.Context(), &idp.ListGroupsRequest{UserPoolId: sn.ID, Limit: one})
		if err != nil {
			t.Fatal(err)
		}
		ofUser, err := r.AdminListGroupsForUser(t.Context(), &idp.AdminListGroupsForUserRequest{UserPoolId: sn.ID, Username: "alice", Limit: one})
		if err != nil {
			t.Fatal(err)
		}
		ofGroup, err := r.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupRequest{UserPoolId: sn.ID, GroupName: "B", Limit: one})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.ListGroups(t.Context(), &idp.ListGroupsRequest{UserPoolId: other.ID, NextToken: ofPool.NextToken})
		people.WantError(t, err, sayPage)
		_, err = r.ListGroups(t.Context(), &idp.ListGroupsRequest{UserPoolId: sn.ID, NextToken: ofUser.NextToken})
		people.WantError(t, err, sayPage)
		_, err = r.AdminListGroupsForUser(t.Context(), &idp.AdminListGroupsForUserRequest{UserPoolId: sn.ID, Username: "bob", NextToken: ofUser.NextToken})
		people.WantError(t, err, sayPage)
		_, err = r.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupRequest{UserPoolId: sn.ID, GroupName: "a", NextToken: ofGroup.NextToken})
		people.WantError(t, err, sayPage)
		_, err = r.ListUsersInGroup(t.Context(), &idp.ListUsersInGroupRequest{UserPoolId: sn.ID, GroupName: "B", NextToken: new("forged")})
		people.WantError(t, err, sayPage)
	})
}

// TestGroupsOfTokens: tokens see names, roles and precedence.
func TestGroupsOfTokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.Pool(t)
		u := r.User(t, sn, "alice")
		if groups, err := r.Groups(t.Context(), u); err != nil || groups != nil {
			t.Errorf("%v, %v", groups, err)
		}
		if _, err := r.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: sn.ID, GroupName: "Writers", RoleArn: new("arn:aws:iam::123456789012:role/w"), Precedence: new(int32(3))}); err != nil {
			t.Fatal(err)
		}
		r.group(t, sn, "readers", nil)
		r.join(t, sn, "Writers", "alice")
		r.join(t, sn, "readers", "alice")
		got, err := r.Groups(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		want := []token.Group{{Name: "readers"}, {Name: "Writers", RoleARN: "arn:aws:iam::123456789012:role/w", Precedence: new(int32(3))}}
		if d := gocmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

func TestGroupQuotas(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.Pool(t)
		r.User(t, sn, "alice")
		// The rows are put there by the store: by operations it would take a minute.
		err := r.Store.Update(t.Context(), func(tx *store.Tx) error {
			for i := range maxGroups {
				item := store.Item{PoolID: sn.ID, Kind: store.KindGroup, Key: fmt.Sprintf("g%05d", i), CreatedAt: r.Clock.Now(), ModifiedAt: r.Clock.Now()}
				item.Doc = fmt.Appendf(nil, `{"name":%q}`, item.Key)
				if err := tx.InsertItem(t.Context(), item); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: sn.ID, GroupName: "one-more"})
		people.WantError(t, err, "LimitExceededException: A user pool can have 10000 groups at most.")
		for i := range maxGroupsPerUser {
			r.join(t, sn, fmt.Sprintf("g%05d", i), "alice")
		}
		r.join(t, sn, "g00000", "alice") // In it already.
		err = r.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupRequest{UserPoolId: sn.ID, GroupName: "g00100", Username: "alice"})
		people.WantError(t, err, "InvalidParameterException: A user can be in 100 groups at most.")
		if n := len(r.groupsOf(t, sn, "alice", 7)); n != maxGroupsPerUser {
			t.Errorf("in %d groups", n)
		}
	})
}

// TestGroupsAtOnce: of groups made at once with one name one is made; changes
// of different members are not lost to one another; nobody joins a group that
// is deleted at the same moment.
func TestGroupsAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.Pool(t)
		got := race.Codes(race.AtOnce(6, func(i int) error {
			_, err := r.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: sn.ID, GroupName: []string{"Admins", "admins"}[i%2]})
			return err
		}))
		if want := (map[string]int{"": 1, "GroupExistsException": 5}); !maps.Equal(want, got) {
			t.Errorf("CreateGroup: got %v, want %v", got, want)
		}
		got = race.Codes(race.AtOnce(6, func(i int) error {
			in := &idp.UpdateGroupRequest{UserPoolId: sn.ID, GroupName: "admins"}
			if i%2 == 0 {
				in.Description = new("d")
			} else {
				in.Precedence = new(int32(5))
			}
			_, err := r.UpdateGroup(t.Context(), in)
			return err
		}))
		if want := (map[string]int{"": 6}); !maps.Equal(want, got) {
			t.Errorf("UpdateGroup: got %v, want %v", got, want)
		}
		out, err := r.GetGroup(t.Context(), &idp.GetGroupRequest{UserPoolId: sn.ID, GroupName: "admins"})
		if err != nil || out.Group.Description == nil || out.Group.Precedence == nil {
			t.Errorf("a change was lost: %+v, %v", out, err)
		}
		for i := range 6 {
			r.User(t, sn, fmt.Sprint("user", i))
		}
		got = race.Codes(race.AtOnce(7, func(i int) error {
			if i == 6 {
				return r.DeleteGroup(t.Context(), &idp.DeleteGroupRequest{UserPoolId: sn.ID, GroupName: "admins"})
			}
			return r.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupRequest{UserPoolId: sn.ID, GroupName: "admins", Username: fmt.Sprint("user", i)})
		}))
		if got[""]+got["ResourceNotFoundException"] != 7 || got[""] < 1 {
			t.Errorf("AdminAddUserToGroup beside DeleteGroup: %v", got)
		}
		r.group(t, sn, "admins", nil)
		if members := r.membersOf(t, sn, "admins", 0); members != nil {
			t.Errorf("a new group has the members %v", members)
		}
	})
}
