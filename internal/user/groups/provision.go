package groups

import (
	"context"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// This file changes groups in the transaction of a caller.

// Key returns the key by which a group's name is unique.
func Key(name string) string { return groupKey(name) }

// Make makes a group.
func (s *Service) Make(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name, description string) error {
	if err := s.deps.Pools.Hold(ctx, tx, sn.ID); err != nil {
		return err
	}
	_, err := s.groups.Create(ctx, tx, sn.ID, groupKey(name), group{Name: name, Description: &description})
	return err
}

// Rename changes a group's name and description. Its members, role and precedence stay.
func (s *Service) Rename(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, key, name, description string) error {
	if err := s.deps.Pools.Hold(ctx, tx, sn.ID); err != nil {
		return err
	}
	return s.groups.Rename(ctx, tx, sn.ID, key, groupKey(name), func(g *group) { g.Name, g.Description = name, &description })
}

// Delete deletes a group with its memberships.
func (s *Service) Delete(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, key string) error {
	return s.groups.Delete(ctx, tx, sn.ID, key)
}

// Hold keeps a group from being deleted until the transaction ends.
func (s *Service) Hold(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, key string) error {
	_, err := tx.LockItem(ctx, sn.ID, store.KindGroup, key)
	return s.groups.OrNotFound(key, err)
}

// Add adds a user to a group. It is no error if the user is in it.
func (s *Service) Add(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, key, userID string) error {
	if _, err := tx.User(ctx, sn.ID, userID); err != nil { // Deleted since: no membership may stay behind.
		return user.AsUserNotFound(err)
	}
	// The lock keeps the group from being deleted at the same moment.
	if _, err := tx.LockItem(ctx, sn.ID, store.KindGroup, key); err != nil {
		return s.groups.OrNotFound(key, err)
	}
	groups, err := tx.GroupsOf(ctx, sn.ID, userID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(groups, func(i store.Item) bool { return i.Key == key }) {
		return nil
	}
	if len(groups) >= maxGroupsPerUser {
		return idp.InvalidParameterExceptionf("A user can be in %d groups at most.", maxGroupsPerUser)
	}
	return tx.AddMember(ctx, sn.ID, key, userID)
}

// Remove removes a user from a group. It is no error if the user is not in it.
func (s *Service) Remove(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, key, userID string) error {
	return s.groups.OrNotFound(key, tx.RemoveMember(ctx, sn.ID, key, userID))
}
