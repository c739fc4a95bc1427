package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/scim/resource"
	"cognate/internal/store"
)

// This file answers the requests that both types of resources have.

func (s *Service) create(ctx context.Context, c *call, t *resource.Type) (*answer, error) {
	add := s.createUser
	if t == resource.Group {
		add = s.createGroup
	}
	p, err := resource.ParseProjection(t, c.query["attributes"], c.query["excludedAttributes"])
	if err != nil {
		return nil, err
	}
	r, err := add(ctx, c)
	if err != nil {
		return nil, err
	}
	a, err := s.show(ctx, c, t, &r, p)
	if err != nil {
		return nil, err
	}
	a.status, a.location, a.id = http.StatusCreated, c.locationOf(t, r.ID), r.ID
	return a, nil
}

func (s *Service) change(ctx context.Context, c *call, t *resource.Type, id string) (*answer, error) {
	change := s.changeUser
	if t == resource.Group {
		change = s.changeGroup
	}
	p, err := resource.ParseProjection(t, c.query["attributes"], c.query["excludedAttributes"])
	if err != nil {
		return nil, err
	}
	r, err := change(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, c, t, &r, p)
}

func (s *Service) remove(ctx context.Context, c *call, t *resource.Type, id string) (*answer, error) {
	remove := s.removeUser
	if t == resource.Group {
		remove = s.removeGroup
	}
	if err := remove(ctx, c, id); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, nil
}

func (s *Service) get(ctx context.Context, c *call, t *resource.Type, id string) (*answer, error) {
	p, err := resource.ParseProjection(t, c.query["attributes"], c.query["excludedAttributes"])
	if err != nil {
		return nil, err
	}
	r, err := s.deps.Store.Resource(ctx, c.pool.ID, c.dir.ID, t.Name(), id)
	if err != nil {
		return nil, err
	}
	if tags := c.header.Get("If-None-Match"); tags != "" && matchesTag(tags, versionOf(&r)) {
		return &answer{status: http.StatusNotModified, version: versionOf(&r)}, nil
	}
	return s.show(ctx, c, t, &r, p)
}

// current reads a resource that is about to be changed. It rejects a request that was made for
// another version (RFC 7644 §3.14).
func (s *Service) current(ctx context.Context, tx *store.Tx, c *call, t *resource.Type, id string) (store.Resource, error) {
	r, err := tx.Resource(ctx, c.pool.ID, c.dir.ID, t.Name(), id)
	if err != nil {
		return r, err
	}
	if tags := c.header.Get("If-Match"); tags != "" && !matchesTag(tags, versionOf(&r)) {
		return r, resource.Errorf(http.StatusPreconditionFailed, "The resource has changed. Its version is %s.", versionOf(&r))
	}
	return r, nil
}

// versionOf returns the ETag of a resource. An administrator who disables a user changes it, too.
func versionOf(r *store.Resource) string {
	state := "a"
	if !r.Enabled {
		state = "d"
	}
	return fmt.Sprintf(`W/"%d%s"`, r.Version, state)
}

// matchesTag reports whether a list of ETags has the tag. They compare weakly (RFC 9110 §8.8.3.2).
func matchesTag(list, tag string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/")
	})
}

func (c *call) locationOf(t *resource.Type, id string) string {
	return c.base + t.Endpoint() + "/" + id
}

func (s *Service) show(ctx context.Context, c *call, t *resource.Type, r *store.Resource, p resource.Projection) (*answer, error) {
	doc, err := c.document(t, r)
	if err != nil {
		return nil, err
	}
	budget := maxMembers
	f, err := s.facts(ctx, c, t, r, p, &budget)
	if err != nil {
		return nil, err
	}
	if t == resource.User && p.Wants("groups") {
		if f.References, err = s.groupsOf(ctx, c, r); err != nil {
			return nil, err
		}
	}
	return &answer{status: http.StatusOK, version: versionOf(r), body: t.Render(doc, f, p)}, nil
}

// document returns the document of a resource. The pool's user says whether it is active.
func (c *call) document(t *resource.Type, r *store.Resource) (resource.Document, error) {
	doc, err := decode(r)
	if err == nil && t == resource.User {
		doc["active"] = r.Enabled
	}
	return doc, err
}

// maxMembers bounds the members in one answer.
const maxMembers = 50_000

// facts returns what a resource shows beside its document. budget is how many members may still
// be shown.
func (s *Service) facts(ctx context.Context, c *call, t *resource.Type, r *store.Resource, p resource.Projection, budget *int) (resource.Facts, error) {
	f := c.plainFacts(t, r)
	if t != resource.Group || !p.Wants("members") {
		return f, nil
	}
	ids, err := s.members(ctx, &s.deps.Store.Reader, c, r.Target, *budget)
	*budget -= len(ids)
	f.References = c.membersOf(ids)
	return f, err
}

func (c *call) plainFacts(t *resource.Type, r *store.Resource) resource.Facts {
	return resource.Facts{ID: r.ID, Location: c.locationOf(t, r.ID), Version: versionOf(r), Created: r.CreatedAt, Modified: r.ModifiedAt}
}

func (c *call) membersOf(ids []string) []resource.Reference {
	list := make([]resource.Reference, 0, len(ids))
	for _, id := range ids {
		list = append(list, resource.Reference{Value: id, Ref: c.locationOf(resource.User, id), Type: "User"})
	}
	return list
}

// groupsOf returns the groups of the directory that a user is in. Lists of users do not show
// them.
func (s *Service) groupsOf(ctx context.Context, c *call, r *store.Resource) ([]resource.Reference, error) {
	records, err := s.deps.Store.ResourceGroupsOf(ctx, c.pool.ID, c.dir.ID, r.Target)
	if err != nil {
		return nil, err
	}
	list := make([]resource.Reference, 0, len(records))
	for i := range records {
		doc, err := decode(&records[i])
		if err != nil {
			return nil, err
		}
		list = append(list, resource.Reference{
			Value: records[i].ID, Ref: c.locationOf(resource.Group, records[i].ID), Display: resource.Group.TextAt(doc, "displayName"), Type: "direct",
		})
	}
	return list, nil
}

// memberPage is how many members one statement reads.
const memberPage = 1000

// members returns the ids of a group's members, in order. It rejects a group with more than most.
func (s *Service) members(ctx context.Context, r *store.Reader, c *call, groupKey string, most int) ([]string, error) {
	var ids []string
	after := ""
	for {
		page, err := r.ResourceMembers(ctx, c.pool.ID, c.dir.ID, groupKey, after, memberPage)
		if err != nil {
			return nil, err
		}
		ids = append(ids, page...)
		if len(ids) > most {
			return nil, resource.TooManyf("The groups have more than %d members. Ask with excludedAttributes=members.", maxMembers)
		}
		if len(page) < memberPage {
			return ids, nil
		}
		after = page[len(page)-1]
	}
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// orUnknownMember returns the error for a member that is no user of the directory.
func orUnknownMember(err error, id string) error {
	if isNotFound(err) || api.CodeOf(err) == "UserNotFoundException" {
		return resource.InvalidValuef("The member %.64q is no user of this directory.", id)
	}
	return err
}
