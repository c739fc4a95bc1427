package groups

import (
	"cmp"
	"context"
	"errors"
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

// groupKey returns the key by which a group's name is unique: names that differ only in
// case conflict. A group is shown with the name of its creation.
func groupKey(name string) string { return strings.ToLower(name) }

var groupKind = pool.Kind{
	Name: store.KindGroup, Most: maxGroups, ListOp: "ListGroups", RawCursor: true,
	NotFound: func(string) error {
		return idp.ResourceNotFoundException("Group not found.").WithReason(api.ReasonNotFound)
	},
	Exists:   func(string, string) error { return idp.GroupExistsException("A group with the name already exists") },
	FullText: "A user pool can have %d groups at most.",
}

func groupType(i *pool.Item[group]) *idp.GroupType {
	g := &i.Doc
	return &idp.GroupType{
		GroupName: &g.Name, UserPoolId: &i.PoolID, Description: g.Description, RoleArn: g.RoleARN,
		Precedence: g.Precedence, CreationDate: i.CreatedAt, LastModifiedDate: i.ModifiedAt,
	}
}

func groupTypes(items []*pool.Item[group]) []idp.GroupType {
	list := make([]idp.GroupType, 0, len(items))
	for _, i := range items {
		list = append(list, *groupType(i))
	}
	return list
}

// Groups returns the groups that the user is in, as tokens name them.
func (s *Service) Groups(ctx context.Context, u *user.User) ([]token.Group, error) {
	records, err := s.deps.Store.GroupsOf(ctx, u.Rec.PoolID, u.ID())
	if err != nil || len(records) == 0 {
		return nil, err
	}
	items, err := pool.DecodeItems[group](records)
	if err != nil {
		return nil, err
	}
	groups := make([]token.Group, 0, len(items))
	for _, i := range items {
		groups = append(groups, token.Group{Name: i.Doc.Name, Precedence: i.Doc.Precedence, RoleARN: api.Val(i.Doc.RoleARN)})
	}
	return groups, nil
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, in *idp.CreateGroupRequest) (*idp.CreateGroupResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	g := group{Name: in.GroupName, Description: in.Description, RoleARN: in.RoleArn, Precedence: in.Precedence}
	var item *pool.Item[group]
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		err := s.deps.Pools.Hold(ctx, tx, sn.ID)
		if err != nil {
			return err
		}
		item, err = s.groups.Create(ctx, tx, sn.ID, groupKey(in.GroupName), g)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.CreateGroupResponse{Group: groupType(item)}, nil
}

// GetGroup shows a group.
func (s *Service) GetGroup(ctx context.Context, in *idp.GetGroupRequest) (*idp.GetGroupResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	item, err := s.groups.Get(ctx, sn.ID, groupKey(in.GroupName))
	if err != nil {
		return nil, err
	}
	return &idp.GetGroupResponse{Group: groupType(item)}, nil
}

// UpdateGroup changes the members that the request has and keeps the others. Of two
// concurrent changes, the later one builds on the earlier one.
func (s *Service) UpdateGroup(ctx context.Context, in *idp.UpdateGroupRequest) (*idp.UpdateGroupResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	var item *pool.Item[group]
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		var err error
		item, err = s.groups.Change(ctx, tx, sn.ID, groupKey(in.GroupName), func(g *group) error {
			g.Description = cmp.Or(in.Description, g.Description)
			g.RoleARN = cmp.Or(in.RoleArn, g.RoleARN)
			g.Precedence = cmp.Or(in.Precedence, g.Precedence)
			return nil
		})
		return err
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return &idp.UpdateGroupResponse{Group: groupType(item)}, nil
}

// DeleteGroup deletes a group with its memberships.
func (s *Service) DeleteGroup(ctx context.Context, in *idp.DeleteGroupRequest) error {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.groups.Delete(ctx, tx, sn.ID, groupKey(in.GroupName))
	})
}

// ListGroups lists the pool's groups by name.
func (s *Service) ListGroups(ctx context.Context, in *idp.ListGroupsRequest) (*idp.ListGroupsResponse, error) {
	sn, err := s.deps.Pools.Load(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	items, next, err := s.groups.Page(ctx, sn.ID, in.NextToken, user.PageSize(in.Limit))
	if err != nil {
		return nil, err
	}
	return &idp.ListGroupsResponse{Groups: groupTypes(items), NextToken: next}, nil
}

// AdminAddUserToGroup adds a user to a group.
func (s *Service) AdminAddUserToGroup(ctx context.Context, in *idp.AdminAddUserToGroupRequest) error {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.Add(ctx, tx, sn, groupKey(in.GroupName), u.ID())
	}, store.Retry)
}

// AdminRemoveUserFromGroup removes a user from a group.
func (s *Service) AdminRemoveUserFromGroup(ctx context.Context, in *idp.AdminRemoveUserFromGroupRequest) error {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.Remove(ctx, tx, sn, groupKey(in.GroupName), u.ID())
	}, store.Retry)
}

// AdminListGroupsForUser lists the groups of a user by name. There are at most 100, so it
// reads all of them and returns a page.
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
	records, err := s.deps.Store.GroupsOf(ctx, sn.ID, u.ID())
	if err != nil {
		return nil, err
	}
	records = slices.DeleteFunc(records, func(i store.Item) bool { return i.Key <= string(after) })
	out := &idp.AdminListGroupsForUserResponse{}
	if limit := user.PageSize(in.Limit); len(records) > limit {
		records = records[:limit]
		out.NextToken = s.deps.Users.NextPage(op, bind, []byte(records[limit-1].Key))
	}
	items, err := pool.DecodeItems[group](records)
	out.Groups = groupTypes(items)
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
		return nil, s.groups.OrNotFound(key, err)
	}
	out := &idp.ListUsersInGroupResponse{}
	if len(recs) > limit {
		recs = recs[:limit]
		out.NextToken = s.deps.Users.NextPage(op, []string{sn.ID, key}, []byte(recs[limit-1].ID))
	}
	out.Users, err = user.Describe(sn, recs, nil)
	return out, err
}

// Join adds a user to a group of the pool's own in the caller's transaction, and makes the
// group if there is none.
func (s *Service) Join(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, name, description string) error {
	key := groupKey(name)
	_, err := tx.LockItem(ctx, sn.ID, store.KindGroup, key)
	if errors.Is(err, store.ErrNotFound) {
		if err := s.deps.Pools.Hold(ctx, tx, sn.ID); err != nil {
			return err
		}
		_, err = s.groups.Create(ctx, tx, sn.ID, key, group{Name: name, Description: &description})
	}
	if err != nil {
		return err
	}
	return tx.AddMember(ctx, sn.ID, key, userID)
}

// OfUser lists the groups of a user by name, as operations show them.
func OfUser(ctx context.Context, r *store.Reader, poolID, userID string) ([]idp.GroupType, error) {
	records, err := r.GroupsOf(ctx, poolID, userID)
	if err != nil {
		return nil, err
	}
	items, err := pool.DecodeItems[group](records)
	return groupTypes(items), err
}
