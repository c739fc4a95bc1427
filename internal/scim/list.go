package scim

import (
	"context"
	"net/http"

	"cognate/internal/scim/resource"
	"cognate/internal/store"
)

// maxScan is how many resources a filter may read that no index serves.
const maxScan = 2000

// list answers a query (RFC 7644 §3.4.2).
func (s *Service) list(ctx context.Context, c *call, t *resource.Type, q *resource.Query) (*answer, error) {
	records, total, err := s.find(ctx, c, t, q)
	if err != nil {
		return nil, err
	}
	budget := maxMembers
	list := make([]map[string]any, 0, len(records))
	for i := range records {
		doc, err := c.document(t, &records[i])
		if err != nil {
			return nil, err
		}
		f, err := s.facts(ctx, c, t, &records[i], q.Projection, &budget)
		if isNotFound(err) {
			continue // deleted in this moment
		}
		if err != nil {
			return nil, err
		}
		list = append(list, t.Render(doc, f, q.Projection))
	}
	return &answer{status: http.StatusOK, body: resource.ListResponse(total, q.StartIndex, list)}, nil
}

// find returns the page of resources that a query asks for, and how many there are in all.
func (s *Service) find(ctx context.Context, c *call, t *resource.Type, q *resource.Query) (page []store.Resource, total int, err error) {
	if q.Filter == nil {
		total = c.total(t)
		if q.Count == 0 {
			return nil, total, nil
		}
		page, err = s.deps.Store.ResourcesFrom(ctx, c.pool.ID, c.dir.ID, t.Name(), q.StartIndex, q.Count)
		return page, total, err
	}
	candidates, err := s.candidates(ctx, c, t, q.Filter)
	if err != nil {
		return nil, 0, err
	}
	budget := maxMembers
	for i := range candidates {
		fits, err := s.fits(ctx, c, t, &candidates[i], q.Filter, &budget)
		if isNotFound(err) {
			continue // deleted in this moment
		}
		if err != nil {
			return nil, 0, err
		}
		if !fits {
			continue
		}
		if total++; total >= q.StartIndex && len(page) < q.Count {
			page = append(page, candidates[i])
		}
	}
	return page, total, nil
}

func (c *call) total(t *resource.Type) int {
	if t == resource.Group {
		return c.dir.Groups
	}
	return c.dir.Users
}

// candidates returns the resources that can match a filter: by an index if there is one, else all
// of a small directory.
func (s *Service) candidates(ctx context.Context, c *call, t *resource.Type, f *resource.Filter) ([]store.Resource, error) {
	r, pool, dir := &s.deps.Store.Reader, c.pool.ID, c.dir.ID
	one := func(record store.Resource, err error) ([]store.Resource, error) {
		if isNotFound(err) {
			return nil, nil
		}
		return []store.Resource{record}, err
	}
	if id, ok := f.Equal("members.value"); ok && t == resource.Group {
		// A directory does not learn which users of others are in a group.
		if list, err := one(r.Resource(ctx, pool, dir, store.ResourceUser, id)); len(list) == 0 || err != nil {
			return nil, err
		}
	}
	if id, ok := f.Equal("id"); ok {
		return one(r.Resource(ctx, pool, dir, t.Name(), id))
	}
	name := "userName"
	if t == resource.Group {
		name = "displayName"
	}
	if value, ok := f.Equal(name); ok {
		return one(r.ResourceByName(ctx, pool, dir, t.Name(), fold(value)))
	}
	if value, ok := f.Equal("externalId"); ok {
		return r.ResourcesByExternalID(ctx, pool, dir, t.Name(), value, maxScan)
	}
	if value, ok := f.Equal("members.value"); ok && t == resource.Group {
		return r.ResourceGroupsOf(ctx, pool, dir, value)
	}
	if c.total(t) <= maxScan {
		return r.ResourcesFrom(ctx, pool, dir, t.Name(), 1, maxScan)
	}
	// Only the first address of a user is in the index.
	if value, ok := f.Equal("emails.value"); ok && t == resource.User {
		return r.ResourcesByEmail(ctx, pool, dir, t.Name(), fold(value), maxScan)
	}
	return nil, resource.TooManyf("A directory with more than %d resources is searched by id, externalId, %s, or one e-mail address or member.", maxScan, name)
}

// fits reports whether a resource matches a filter. budget is how many members may still be read.
func (s *Service) fits(ctx context.Context, c *call, t *resource.Type, r *store.Resource, f *resource.Filter, budget *int) (bool, error) {
	doc, err := c.document(t, r)
	if err != nil {
		return false, err
	}
	shown := c.plainFacts(t, r)
	switch {
	case t == resource.Group && f.Uses("members") > 0:
		shown.References, err = s.compared(ctx, c, r, f, budget)
	case t == resource.User && f.Uses("groups") > 0:
		shown.References, err = s.groupsOf(ctx, c, r)
	}
	if err != nil {
		return false, err
	}
	return f.Matches(t.Render(doc, shown, resource.Projection{})), nil
}

// compared returns the members of a group that a filter compares. A filter that demands one member
// needs only this member, however large the group is.
func (s *Service) compared(ctx context.Context, c *call, r *store.Resource, f *resource.Filter, budget *int) ([]resource.Reference, error) {
	id, single := f.Equal("members.value")
	if !single || f.Uses("members") > 1 {
		ids, err := s.members(ctx, &s.deps.Store.Reader, c, r.Target, *budget)
		*budget -= len(ids)
		return c.membersOf(ids), err
	}
	is, err := s.deps.Store.IsMember(ctx, r.PoolID, r.Target, id)
	if err != nil || !is {
		return nil, err
	}
	return c.membersOf([]string{id}), nil
}
