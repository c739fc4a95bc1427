package groups

import (
	"context"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store/storetest"
	"cognate/test/people"
)

// TestOverlappingDeletion adds a user to a group who is deleted at the same time: the caller learns that the user is gone.
func TestOverlappingDeletion(t *testing.T) {
	people.Overlapping(t, func(t *testing.T, p *people.Rig, i storetest.Interleaving) {
		r := newRig(p)
		sn := r.Pool(t, nil)
		r.group(t, sn, "staff", nil)
		u := r.User(t, sn, "alice")
		added, deleted := i.Run(t, 1,
			func(ctx context.Context) error {
				return r.AdminAddUserToGroup(ctx, &idp.AdminAddUserToGroupRequest{UserPoolId: sn.ID, Username: u.Username(), GroupName: "staff"})
			},
			func(ctx context.Context) error {
				return r.Users.AdminDeleteUser(ctx, &idp.AdminDeleteUserRequest{UserPoolId: sn.ID, Username: u.Username()})
			})
		if deleted != nil {
			t.Error(deleted)
		}
		if r.Store.Engine() == "postgres" && api.CodeOf(added) != "UserNotFoundException" {
			t.Errorf("answered %v", added)
		}
		groups, err := r.Store.GroupsOf(t.Context(), sn.ID, u.ID())
		if len(groups) > 0 || err != nil {
			t.Errorf("%d groups outlive the user: %v", len(groups), err)
		}
	})
}

// TestOverlappingGroups makes a group of a pool that is deleted at the same time.
func TestOverlappingGroups(t *testing.T) {
	people.Overlapping(t, func(t *testing.T, p *people.Rig, i storetest.Interleaving) {
		r := newRig(p)
		sn := r.Pool(t, nil)
		made, deleted := i.Run(t, 1,
			func(ctx context.Context) error {
				_, err := r.CreateGroup(ctx, &idp.CreateGroupRequest{UserPoolId: sn.ID, GroupName: "staff"})
				return err
			},
			func(ctx context.Context) error {
				return r.Pools.DeleteUserPool(ctx, &idp.DeleteUserPoolRequest{UserPoolId: sn.ID})
			})
		if deleted != nil {
			t.Error(deleted)
		}
		if r.Store.Engine() == "postgres" && api.CodeOf(made) != "ResourceNotFoundException" {
			t.Errorf("answered %v", made)
		}
	})
}
