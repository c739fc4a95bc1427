package groups

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
)

// Quotas of groups (Cognito: quotas in user pools).
const (
	maxGroups        = 10_000
	maxGroupsPerUser = 100
)

// group is a group's stored document.
type group struct {
	Name        string  `json:"name"`
	Description *string `json:"description,omitempty"`
	RoleARN     *string `json:"roleArn,omitempty"`
	Precedence  *int32  `json:"precedence,omitempty"`
}

// groupKey is what makes a group's name unique: names that differ in case only
// clash, though each is shown as it was given.
func groupKey(name string) string { return strings.ToLower(name) }

func readGroup(i store.Item) (group, error) {
	var g group
	if err := json.Unmarshal(i.Doc, &g); err != nil {
		return g, fmt.Errorf("groups: group %s of %s: %w", i.Key, i.PoolID, err)
	}
	return g, nil
}

func (g group) write(i *store.Item) error {
	doc, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("groups: group %s of %s: %w", i.Key, i.PoolID, err)
	}
	i.Doc = doc
	return nil
}

func groupType(i store.Item) (idp.GroupType, error) {
	g, err := readGroup(i)
	return idp.GroupType{
		GroupName: &g.Name, UserPoolId: &i.PoolID, Description: g.Description, RoleArn: g.RoleARN,
		Precedence: g.Precedence, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt,
	}, err
}

func groupTypes(items []store.Item) ([]idp.GroupType, error) {
	list := make([]idp.GroupType, 0, len(items))
	for _, i := range items {
		g, err := groupType(i)
		if err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	return list, nil
}

func groupNotFound() error {
	return idp.ResourceNotFoundException("Group not found.").WithReason(api.ReasonNotFound)
}

// Groups gives the groups that the user is in, as tokens tell of them.
func (s *Service) Groups(ctx context.Context, u *user.User) ([]token.Group, error) {
	items, err := s.deps.Store.GroupsOf(ctx, u.Rec.PoolID, u.ID())
	if err != nil || len(items) == 0 {
		return nil, err
	}
	groups := make([]token.Group, 0, len(items))
	for _, i := range items {
		g, err := readGroup(i)
		if err != nil {
			return nil, err
		}
		t := token.Group{Name: g.Name, Precedence: g.Precedence}
		if g.RoleARN != nil {
			t.RoleARN = *g.RoleARN
		}
		groups = append(groups, t)
	}
	return groups, nil
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, in *idp.CreateGroupRequest) (*idp.CreateGroupResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	item := store.Item{PoolID: sn.ID, Kind: store.KindGroup, Key: groupKey(in.GroupName), Version: 1, CreatedAt: now, ModifiedAt: now}
	g := group{Name: in.GroupName, Description: in.Description, RoleARN: in.RoleArn, Precedence: in.Precedence}
	if err := g.write(&item); err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.deps.Pools.Hold(ctx, tx, sn.ID); err != nil {
			return err
		}
		n, err := tx.CountItems(ctx, sn.ID, store.KindGroup)
		if err != nil {
			return err
		}
		if n >= maxGroups {
			return idp.LimitExceededExceptionf("A user pool can have %d groups at most.", maxGroups).WithReason(api.ReasonQuota)
		}
		err = tx.InsertItem(ctx, item)
		if errors.Is(err, store.ErrExists) {
			return idp.GroupExistsException("A group with the name already exists")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	t, err := groupType(item)
	return &idp.CreateGroupResponse{Group: &t}, err
}

// group reads one group's row.
func (s *Service) group(ctx context.Context, r *store.Reader, sn *pool.Snapshot, name string) (store.Item, error) {
	item, err := r.Item(ctx, sn.ID, store.KindGroup, groupKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return item, groupNotFound()
	}
	return item, err
}

// GetGroup shows a group.
func (s *Service) GetGroup(ctx context.Context, in *idp.GetGroupRequest) (*idp.GetGroupResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	item, err := s.group(ctx, &s.deps.Store.Reader, sn, in.GroupName)
	if err != nil {
		return nil, err
	}
	t, err := groupType(item)
	return &idp.GetGroupResponse{Group: &t}, err
}

// UpdateGroup changes what the request names and keeps the rest. Of two
// changes at once the later is made on top of the earlier.
func (s *Service) UpdateGroup(ctx context.Context, in *idp.UpdateGroupRequest) (*idp.UpdateGroupResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var item store.Item
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		item, err = s.group(ctx, &tx.Reader, sn, in.GroupName)
		if err != nil {
			return err
		}
		g, err := readGroup(item)
		if err != nil {
			return err
		}
		g.Description = cmp.Or(in.Description, g.Description)
		g.RoleARN = cmp.Or(in.RoleArn, g.RoleARN)
		g.Precedence = cmp.Or(in.Precedence, g.Precedence)
		item.ModifiedAt = s.deps.Now()
		if err := g.write(&item); err != nil {
			return err
		}
		return tx.UpdateItem(ctx, item)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	t, err := groupType(item)
	return &idp.UpdateGroupResponse{Group: &t}, err
}

// DeleteGroup removes a group; its members lose it.
func (s *Service) DeleteGroup(ctx context.Context, in *idp.DeleteGroupRequest) error {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.DeleteItem(ctx, sn.ID, store.KindGroup, groupKey(in.GroupName))
	})
	if errors.Is(err, store.ErrNotFound) {
		return groupNotFound()
	}
	return err
}

// ListGroups lists the pool's groups by name.
func (s *Service) ListGroups(ctx context.Context, in *idp.ListGroupsRequest) (*idp.ListGroupsResponse, error) {
	const op = "ListGroups"
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	after, err := s.deps.Users.OpenPage(op, []string{sn.ID}, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := user.PageSize(in.Limit)
	items, err := s.deps.Store.Items(ctx, sn.ID, store.KindGroup, string(after), limit+1)
	if err != nil {
		return nil, err
	}
	out := &idp.ListGroupsResponse{}
	if len(items) > limit {
		items = items[:limit]
		out.NextToken = s.deps.Users.NextPage(op, []string{sn.ID}, []byte(items[limit-1].Key))
	}
	out.Groups, err = groupTypes(items)
	return out, err
}

// AdminAddUserToGroup puts a user into a group.
func (s *Service) AdminAddUserToGroup(ctx context.Context, in *idp.AdminAddUserToGroupRequest) error {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	key := groupKey(in.GroupName)
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.User(ctx, sn.ID, u.ID()); err != nil { // Deleted since: no membership may stay behind.
			return user.AsUserNotFound(err)
		}
		// The lock keeps the group from being deleted at the same moment.
		if _, err := tx.LockItem(ctx, sn.ID, store.KindGroup, key); err != nil {
			return orGroupNotFound(err)
		}
		groups, err := tx.GroupsOf(ctx, sn.ID, u.ID())
		if err != nil {
			return err
		}
		if slices.ContainsFunc(groups, func(i store.Item) bool { return i.Key == key }) {
			return nil
		}
		if len(groups) >= maxGroupsPerUser {
			return idp.InvalidParameterExceptionf("A user can be in %d groups at most.", maxGroupsPerUser)
		}
		return tx.AddMember(ctx, sn.ID, key, u.ID())
	}, store.Retry)
}

// AdminRemoveUserFromGroup takes a user out of a group.
func (s *Service) AdminRemoveUserFromGroup(ctx context.Context, in *idp.AdminRemoveUserFromGroupRequest) error {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return orGroupNotFound(tx.RemoveMember(ctx, sn.ID, groupKey(in.GroupName), u.ID()))
	}, store.Retry)
}

func orGroupNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return groupNotFound()
	}
	return err
}

// AdminListGroupsForUser lists the groups of a user by name. They are 100 at
// most, so a page is cut from the whole.
func (s *Service) AdminListGroupsForUser(ctx context.Context, in *idp.AdminListGroupsForUserRequest) (*idp.AdminListGroupsForUserResponse, error) {
	const op = "AdminListGroupsForUser"
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	bind := []string{sn.ID, u.ID()}
	after, err := s.deps.Users.OpenPage(op, bind, in.NextToken)
	if err != nil {
		return nil, err
	}
	items, err := s.deps.Store.GroupsOf(ctx, sn.ID, u.ID())
	if err != nil {
		return nil, err
	}
	items = slices.DeleteFunc(items, func(i store.Item) bool { return i.Key <= string(after) })
	out := &idp.AdminListGroupsForUserResponse{}
	if limit := user.PageSize(in.Limit); len(items) > limit {
		items = items[:limit]
		out.NextToken = s.deps.Users.NextPage(op, bind, []byte(items[limit-1].Key))
	}
	out.Groups, err = groupTypes(items)
	return out, err
}

// ListUsersInGroup lists a group's members.
func (s *Service) ListUsersInGroup(ctx context.Context, in *idp.ListUsersInGroupRequest) (*idp.ListUsersInGroupResponse, error) {
	const op = "ListUsersInGroup"
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	key := groupKey(in.GroupName)
	after, err := s.deps.Users.OpenPage(op, []string{sn.ID, key}, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := user.PageSize(in.Limit)
	recs, err := s.deps.Store.MembersOf(ctx, sn.ID, key, string(after), limit+1)
	if err != nil {
		return nil, orGroupNotFound(err)
	}
	out := &idp.ListUsersInGroupResponse{}
	if len(recs) > limit {
		recs = recs[:limit]
		out.NextToken = s.deps.Users.NextPage(op, []string{sn.ID, key}, []byte(recs[limit-1].ID))
	}
	out.Users, err = user.Describe(sn, recs, nil)
	return out, err
}
