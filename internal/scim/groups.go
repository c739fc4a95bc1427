package scim

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cognate/internal/keys"
	"cognate/internal/scim/resource"
	"cognate/internal/store"
	"cognate/internal/user/groups"
)

// maxGroupName is the longest name of a group, in characters (Cognito: CreateGroup).
const maxGroupName = 128

// groupName returns the name of the pool's group for a displayName. Names of groups have no
// spaces (Cognito: CreateGroup), so that a hyphen replaces them. It rejects the names of the groups
// that the pool itself makes for the users of each provider: a directory that had such a group
// could rename it, and so put users of another provider into any group.
func (c *call) groupName(displayName string) (string, error) {
	name := strings.Join(strings.Fields(displayName), "-")
	bad := func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P) }
	if name == "" || utf8.RuneCountInString(name) > maxGroupName || strings.ContainsFunc(name, bad) {
		return "", resource.InvalidValuef("displayName must have 1 to 128 printable characters.")
	}
	if own := c.pool.ID + "_"; strings.HasPrefix(groups.Key(name), groups.Key(own)) {
		return "", resource.InvalidValuef("displayName must not begin with %s: the pool makes these groups itself.", own)
	}
	return name, nil
}

// memberBatch is how many members one transaction adds or removes, so that a large group does not
// keep other writers waiting.
const memberBatch = 100

func (s *Service) createGroup(ctx context.Context, c *call) (store.Resource, error) {
	var r store.Resource
	doc, err := resource.Group.Parse(c.body)
	if err != nil {
		return r, err
	}
	doc, members := resource.SplitMembers(doc)
	name, err := c.groupName(resource.Group.TextAt(doc, "displayName"))
	if err != nil {
		return r, err
	}
	if err := s.checkMembers(ctx, c, members); err != nil {
		return r, err
	}
	change := resource.Members{Add: members}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.deps.Groups.Make(ctx, tx, c.pool, name, c.description()); err != nil {
			return err
		}
		if r, err = s.newResource(c, resource.Group, keys.NewUUID(), groups.Key(name), doc); err != nil {
			return err
		}
		if err := tx.InsertResource(ctx, r); err != nil {
			return err
		}
		return s.applyMembers(ctx, tx, c, r.Target, firstBatch(change))
	}, store.Retry)
	if err != nil {
		return r, err
	}
	if err := s.laterBatches(ctx, c, r.ID, change); err != nil {
		return r, cmp.Or(s.discardGroup(context.WithoutCancel(ctx), c, r.ID), err)
	}
	return r, nil
}

// discardGroup deletes a group whose creation has failed halfway. Else the directory could not
// make it again.
func (s *Service) discardGroup(ctx context.Context, c *call, id string) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		r, err := tx.Resource(ctx, c.pool.ID, c.dir.ID, store.ResourceGroup, id)
		if err != nil {
			return err
		}
		return s.deps.Groups.Delete(ctx, tx, c.pool, r.Target) // It takes the resource along.
	}, store.Retry)
	if isNotFound(err) {
		return nil
	}
	return err
}

// description is what the pool says of a group that the directory makes.
func (c *call) description() string { return "Group from the directory of " + c.dir.Provider }

func (s *Service) changeGroup(ctx context.Context, c *call, id string) (store.Resource, error) {
	var r store.Resource
	var change resource.Members
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = s.current(ctx, tx, c, resource.Group, id); err != nil {
			return err
		}
		before, err := decode(&r)
		if err != nil {
			return err
		}
		after, asked, err := c.changedGroup(id, before)
		if err != nil {
			return err
		}
		if change, err = s.difference(ctx, tx, c, r.Target, asked); err != nil {
			return err
		}
		if reflect.DeepEqual(before, after) && len(change.Add)+len(change.Remove) == 0 {
			return nil
		}
		return s.writeGroup(ctx, tx, c, &r, after, change)
	}, store.Retry)
	if err != nil {
		return r, err
	}
	return r, s.laterBatches(ctx, c, id, change)
}

// changedGroup returns what a PUT or PATCH makes of a group's document and members.
func (c *call) changedGroup(id string, before resource.Document) (resource.Document, resource.Members, error) {
	if c.method == http.MethodPatch {
		return resource.Group.Patch(id, before, c.body)
	}
	doc, err := resource.Group.Parse(c.body)
	if err != nil {
		return nil, resource.Members{}, err
	}
	doc, members := resource.SplitMembers(doc)
	return doc, resource.Members{Clear: true, Add: members}, nil
}

// writeGroup stores a changed group: the pool's group, the resource, and the first members.
func (s *Service) writeGroup(ctx context.Context, tx *store.Tx, c *call, r *store.Resource, after resource.Document, change resource.Members) error {
	name, err := c.groupName(resource.Group.TextAt(after, "displayName"))
	if err != nil {
		return err
	}
	if err := s.deps.Groups.Rename(ctx, tx, c.pool, r.Target, name, c.description()); err != nil {
		return err
	}
	r.Target = groups.Key(name)
	if err := s.put(r, after); err != nil {
		return err
	}
	if err := tx.UpdateResource(ctx, *r); err != nil {
		return err
	}
	r.Version++
	return s.applyMembers(ctx, tx, c, r.Target, firstBatch(change))
}

func (s *Service) removeGroup(ctx context.Context, c *call, id string) error {
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		r, err := s.current(ctx, tx, c, resource.Group, id)
		if err != nil {
			return err
		}
		return s.deps.Groups.Delete(ctx, tx, c.pool, r.Target) // It takes the resource along.
	}, store.Retry)
}

// checkMembers rejects members that are no users of the directory.
func (s *Service) checkMembers(ctx context.Context, c *call, ids []string) error {
	for _, id := range ids {
		if err := c.checkMember(ctx, &s.deps.Store.Reader, id); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) checkMember(ctx context.Context, r *store.Reader, id string) error {
	_, err := r.Resource(ctx, c.pool.ID, c.dir.ID, store.ResourceUser, id)
	if err != nil {
		return orUnknownMember(err, id)
	}
	return nil
}

// difference returns the members that a request adds to the group, and those that it removes. It
// rejects members that are no users of the directory.
func (s *Service) difference(ctx context.Context, tx *store.Tx, c *call, groupKey string, asked resource.Members) (resource.Members, error) {
	for _, id := range asked.Add {
		if err := c.checkMember(ctx, &tx.Reader, id); err != nil {
			return asked, err
		}
	}
	if !asked.Clear {
		return asked, nil
	}
	wanted := make(map[string]bool, len(asked.Add))
	for _, id := range asked.Add {
		wanted[id] = true
	}
	out := resource.Members{}
	there, err := s.members(ctx, &tx.Reader, c, groupKey, maxMembers)
	if err != nil {
		return out, err
	}
	for _, id := range there {
		if !wanted[id] {
			out.Remove = append(out.Remove, id)
		}
		delete(wanted, id)
	}
	out.Add = slices.Sorted(maps.Keys(wanted))
	return out, nil
}

func firstBatch(m resource.Members) resource.Members {
	first, _ := splitBatch(m)
	return first
}

// splitBatch returns the first memberBatch changes, and the rest.
func splitBatch(m resource.Members) (first, rest resource.Members) {
	n := min(len(m.Remove), memberBatch)
	first.Remove, rest.Remove = m.Remove[:n], m.Remove[n:]
	k := min(len(m.Add), memberBatch-n)
	first.Add, rest.Add = m.Add[:k], m.Add[k:]
	return first, rest
}

// laterBatches makes the changes of members that the first transaction did not make.
func (s *Service) laterBatches(ctx context.Context, c *call, id string, change resource.Members) error {
	_, change = splitBatch(change)
	for len(change.Add)+len(change.Remove) > 0 {
		var batch resource.Members
		batch, change = splitBatch(change)
		err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
			r, err := tx.Resource(ctx, c.pool.ID, c.dir.ID, store.ResourceGroup, id)
			if err != nil {
				return err
			}
			return s.applyMembers(ctx, tx, c, r.Target, batch)
		}, store.Retry)
		if err != nil {
			return err
		}
	}
	return nil
}

// applyMembers adds and removes members of a group. A user who is gone cannot be removed, which is
// no error.
func (s *Service) applyMembers(ctx context.Context, tx *store.Tx, c *call, groupKey string, m resource.Members) error {
	for _, id := range m.Remove {
		_, err := tx.Resource(ctx, c.pool.ID, c.dir.ID, store.ResourceUser, id)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.deps.Groups.Remove(ctx, tx, c.pool, groupKey, id); err != nil {
			return err
		}
	}
	for _, id := range m.Add {
		// The user may have left the directory since the request was checked.
		if err := c.checkMember(ctx, &tx.Reader, id); err != nil {
			return err
		}
		if err := s.deps.Groups.Add(ctx, tx, c.pool, groupKey, id); err != nil {
			return orUnknownMember(err, id)
		}
	}
	return nil
}
