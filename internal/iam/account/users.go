package account

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// CreateUser makes a user.
func (s *Service) CreateUser(ctx context.Context, in *iamapi.CreateUserRequest) (*iamapi.CreateUserResponse, error) {
	e, err := record.New(store.IAMUser, in.UserName, api.PathOf(api.Val(in.Path)), partition(ctx), s.deps.Now(), s.deps.Rand)
	if err != nil {
		return nil, err
	}
	if err := addTags(e, in.Tags); err != nil {
		return nil, err
	}
	err = s.create(ctx, e, func(tx *store.Tx) error { return s.setBoundary(ctx, tx, e, in.PermissionsBoundary) })
	if err != nil {
		return nil, err
	}
	user, err := s.user(ctx, e)
	return &iamapi.CreateUserResponse{User: user}, err
}

// user returns a user as GetUser shows it.
func (s *Service) user(ctx context.Context, e *record.Entity) (*iamapi.User, error) {
	user := s.listedUser(e)
	user.Tags = tagsOf(e)
	var err error
	user.PermissionsBoundary, err = s.boundaryOf(ctx, e)
	return &user, err
}

// listedUser returns a user as ListUsers shows it.
func (s *Service) listedUser(e *record.Entity) iamapi.User {
	return iamapi.User{Path: e.Path, UserName: e.Name, UserId: e.ID, Arn: e.ARN(s.deps.AccountID), CreateDate: e.CreatedAt}
}

// userName returns the name of a user, or that of the caller.
func userName(ctx context.Context, name *string) (string, error) {
	if name != nil {
		return *name, nil
	}
	p, ok := record.ParseARN(api.RequestFrom(ctx).PrincipalARN)
	if !ok || p.Kind != store.IAMUser {
		return "", invalid("Must specify userName when calling with non-User credentials")
	}
	return p.Name, nil
}

// GetUser shows a user: the caller if the request names no user.
func (s *Service) GetUser(ctx context.Context, in *iamapi.GetUserRequest) (*iamapi.GetUserResponse, error) {
	name, err := userName(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	e, err := find(ctx, &s.deps.Store.Reader, store.IAMUser, name)
	if err != nil {
		return nil, err
	}
	user, err := s.user(ctx, e)
	return &iamapi.GetUserResponse{User: user}, err
}

// ListUsers lists users by name.
func (s *Service) ListUsers(ctx context.Context, in *iamapi.ListUsersRequest) (*iamapi.ListUsersResponse, error) {
	list, next, err := s.list(ctx, &s.deps.Store.Reader, store.IAMUser, api.Val(in.PathPrefix), place{op: "ListUsers", marker: in.Marker, max: in.MaxItems})
	out := &iamapi.ListUsersResponse{Users: []iamapi.User{}, IsTruncated: new(next != nil), Marker: next}
	for _, e := range list {
		out.Users = append(out.Users, s.listedUser(e))
	}
	return out, err
}

// rename changes the name and the path of a user or a group.
func (s *Service) rename(ctx context.Context, kind, name string, newName, newPath *string, linkTo string) error {
	return s.edit(ctx, kind, name, func(tx *store.Tx, e *record.Entity) error {
		old := e.Key
		if newPath != nil {
			e.Path = *newPath
		}
		if newName != nil {
			e.Name, e.Key = *newName, record.Key(*newName)
		}
		if e.Key != old {
			_, err := tx.IAMEntity(ctx, kind, e.Key)
			if err == nil {
				return exists(kind, *newName)
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err := tx.MoveIAMLinks(ctx, kind, old, e.Key, linkTo); err != nil {
				return err
			}
		}
		if kind != store.IAMUser {
			return nil
		}
		return tx.MoveAccessKeys(ctx, old, e.Key, e.Name, e.ARN(s.deps.AccountID))
	})
}

// UpdateUser changes the name and the path of a user. Access keys stay the user's.
func (s *Service) UpdateUser(ctx context.Context, in *iamapi.UpdateUserRequest) error {
	return s.rename(ctx, store.IAMUser, in.UserName, in.NewUserName, in.NewPath, "")
}

// DeleteUser removes a user without policies, groups and access keys.
func (s *Service) DeleteUser(ctx context.Context, in *iamapi.DeleteUserRequest) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := find(ctx, &tx.Reader, store.IAMUser, in.UserName)
		if err != nil {
			return err
		}
		list, err := tx.AccessKeysOf(ctx, e.Key, 1)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return iamapi.DeleteConflictException("Cannot delete entity, must delete access keys first.")
		}
		groups, err := tx.IAMLinks(ctx, e.Kind, e.Key, store.IAMMember)
		if err != nil {
			return err
		}
		if len(groups) > 0 {
			return iamapi.DeleteConflictException("Cannot delete entity, must remove users from group first.")
		}
		return remove(ctx, tx, e)
	})
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, in *iamapi.CreateGroupRequest) (*iamapi.CreateGroupResponse, error) {
	e, err := record.New(store.IAMGroup, in.GroupName, api.PathOf(api.Val(in.Path)), partition(ctx), s.deps.Now(), s.deps.Rand)
	if err != nil {
		return nil, err
	}
	if err := s.create(ctx, e, nil); err != nil {
		return nil, err
	}
	return &iamapi.CreateGroupResponse{Group: new(s.group(e))}, nil
}

func (s *Service) group(e *record.Entity) iamapi.Group {
	return iamapi.Group{Path: e.Path, GroupName: e.Name, GroupId: e.ID, Arn: e.ARN(s.deps.AccountID), CreateDate: e.CreatedAt}
}

// GetGroup shows a group and its users.
func (s *Service) GetGroup(ctx context.Context, in *iamapi.GetGroupRequest) (*iamapi.GetGroupResponse, error) {
	out := &iamapi.GetGroupResponse{Users: []iamapi.User{}}
	err := s.deps.Store.View(ctx, func(r *store.Reader) error {
		e, err := find(ctx, r, store.IAMGroup, in.GroupName)
		if err != nil {
			return err
		}
		out.Group = new(s.group(e))
		links, err := r.IAMLinksTo(ctx, store.IAMMember, e.Key)
		if err != nil {
			return err
		}
		links, out.Marker, err = page(s, place{op: "GetGroup", bind: []string{e.ID}, marker: in.Marker, max: in.MaxItems}, links, func(l store.IAMLink) string { return l.Key })
		if err != nil {
			return err
		}
		for _, l := range links {
			user, err := find(ctx, r, store.IAMUser, l.Key)
			if err != nil {
				return err
			}
			out.Users = append(out.Users, s.listedUser(user))
		}
		return nil
	})
	out.IsTruncated = new(out.Marker != nil)
	return out, err
}

// ListGroups lists groups by name.
func (s *Service) ListGroups(ctx context.Context, in *iamapi.ListGroupsRequest) (*iamapi.ListGroupsResponse, error) {
	list, next, err := s.list(ctx, &s.deps.Store.Reader, store.IAMGroup, api.Val(in.PathPrefix), place{op: "ListGroups", marker: in.Marker, max: in.MaxItems})
	out := &iamapi.ListGroupsResponse{Groups: []iamapi.Group{}, IsTruncated: new(next != nil), Marker: next}
	for _, e := range list {
		out.Groups = append(out.Groups, s.group(e))
	}
	return out, err
}

// UpdateGroup changes the name and the path of a group.
func (s *Service) UpdateGroup(ctx context.Context, in *iamapi.UpdateGroupRequest) error {
	return s.rename(ctx, store.IAMGroup, in.GroupName, in.NewGroupName, in.NewPath, store.IAMMember)
}

// DeleteGroup removes a group without users and policies.
func (s *Service) DeleteGroup(ctx context.Context, in *iamapi.DeleteGroupRequest) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := find(ctx, &tx.Reader, store.IAMGroup, in.GroupName)
		if err != nil {
			return err
		}
		n, err := tx.CountIAMLinksTo(ctx, store.IAMMember, e.Key)
		if err != nil {
			return err
		}
		if n > 0 {
			return iamapi.DeleteConflictException("Cannot delete entity, must remove users from group first.")
		}
		return remove(ctx, tx, e)
	})
}

// member runs a change of a user's membership.
func (s *Service) member(ctx context.Context, groupName, name string, change func(tx *store.Tx, l store.IAMLink) error) error {
	return s.write(ctx, func(tx *store.Tx) error {
		group, err := find(ctx, &tx.Reader, store.IAMGroup, groupName)
		if err != nil {
			return err
		}
		user, err := find(ctx, &tx.Reader, store.IAMUser, name)
		if err != nil {
			return err
		}
		return change(tx, store.IAMLink{Kind: store.IAMUser, Key: user.Key, Link: store.IAMMember, Target: group.Key})
	})
}

// AddUserToGroup puts a user into a group.
func (s *Service) AddUserToGroup(ctx context.Context, in *iamapi.AddUserToGroupRequest) error {
	return s.member(ctx, in.GroupName, in.UserName, func(tx *store.Tx, l store.IAMLink) error {
		list, err := tx.IAMLinks(ctx, l.Kind, l.Key, l.Link)
		if err != nil {
			return err
		}
		if len(list) >= maxGroupsPerUser {
			return iamapi.LimitExceededExceptionf("Cannot exceed quota for GroupsPerUser: %d", maxGroupsPerUser)
		}
		return tx.AddIAMLink(ctx, l)
	})
}

// RemoveUserFromGroup takes a user out of a group.
func (s *Service) RemoveUserFromGroup(ctx context.Context, in *iamapi.RemoveUserFromGroupRequest) error {
	return s.member(ctx, in.GroupName, in.UserName, func(tx *store.Tx, l store.IAMLink) error {
		err := tx.RemoveIAMLink(ctx, l)
		if errors.Is(err, store.ErrNotFound) {
			return iamapi.NoSuchEntityExceptionf("User %s is not in group %s.", in.UserName, in.GroupName)
		}
		return err
	})
}

// ListGroupsForUser lists the groups of a user by name.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iamapi.ListGroupsForUserRequest) (*iamapi.ListGroupsForUserResponse, error) {
	out := &iamapi.ListGroupsForUserResponse{Groups: []iamapi.Group{}}
	err := s.deps.Store.View(ctx, func(r *store.Reader) error {
		e, err := find(ctx, r, store.IAMUser, in.UserName)
		if err != nil {
			return err
		}
		links, err := r.IAMLinks(ctx, e.Kind, e.Key, store.IAMMember)
		if err != nil {
			return err
		}
		links, out.Marker, err = page(s, place{op: "ListGroupsForUser", bind: []string{e.ID}, marker: in.Marker, max: in.MaxItems}, links, func(l store.IAMLink) string { return l.Target })
		if err != nil {
			return err
		}
		for _, l := range links {
			group, err := find(ctx, r, store.IAMGroup, l.Target)
			if err != nil {
				return err
			}
			out.Groups = append(out.Groups, s.group(group))
		}
		return nil
	})
	out.IsTruncated = new(out.Marker != nil)
	return out, err
}
