package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"cognate/internal/audit"
	"cognate/internal/scim/resource"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/identities"
)

// fold returns a name as names of a directory compare (RFC 7643 §4.1.1: userName is not
// case-exact).
func fold(name string) string { return strings.ToLower(name) }

// subject returns the provider's name of the person that a document describes.
func (s *settings) subject(doc resource.Document) (string, error) {
	subject := resource.User.TextAt(doc, s.Subject)
	if subject == "" {
		return "", resource.InvalidValuef("The attribute %s is required.", s.Subject)
	}
	return subject, nil
}

// takeActive takes active out of a document: the pool's user has it, not the document. It returns
// nil if the document does not have the attribute.
func takeActive(doc resource.Document) *bool {
	active, sent := doc["active"].(bool)
	delete(doc, "active")
	if !sent {
		return nil
	}
	return &active
}

// decode reads the stored document of a resource.
func decode(r *store.Resource) (resource.Document, error) {
	var doc resource.Document
	if err := json.Unmarshal(r.Doc, &doc); err != nil {
		return nil, fmt.Errorf("scim: resource %s: %w", r.ID, err)
	}
	return doc, nil
}

// maxKey is the longest text by which a resource is found, in bytes: what an entry of an index
// holds.
const maxKey = user.MaxSignInName

// put writes what a document says into the record of a resource.
func (s *Service) put(r *store.Resource, doc resource.Document) (err error) {
	t, name := resource.User, "userName"
	if r.Kind == store.ResourceGroup {
		t, name = resource.Group, "displayName"
	}
	for _, path := range []string{name, "externalId", "emails.value"} {
		if len(fold(t.TextAt(doc, path))) > maxKey || len(t.TextAt(doc, path)) > maxKey {
			return resource.InvalidValuef("The value of %s has more than %d bytes.", path, maxKey)
		}
	}
	address := t.TextAt(doc, "emails.value")
	r.NameKey, r.ExternalID, r.EmailKey = fold(t.TextAt(doc, name)), nil, nil
	if id := t.TextAt(doc, "externalId"); id != "" {
		r.ExternalID = &id
	}
	if address != "" {
		r.EmailKey = new(fold(address))
	}
	r.ModifiedAt = s.deps.Now()
	r.Doc, err = json.Marshal(doc)
	return err
}

// newResource returns the record of a resource that is being made.
func (s *Service) newResource(c *call, t *resource.Type, id, target string, doc resource.Document) (store.Resource, error) {
	r := store.Resource{PoolID: c.pool.ID, DirectoryID: c.dir.ID, Kind: t.Name(), ID: id, Target: target, Version: 1, Enabled: true}
	err := s.put(&r, doc)
	r.CreatedAt = r.ModifiedAt
	return r, err
}

func (s *Service) createUser(ctx context.Context, c *call) (store.Resource, error) {
	var r store.Resource
	doc, err := resource.User.Parse(c.body)
	if err != nil {
		return r, err
	}
	subject, err := c.settings.subject(doc)
	if err != nil {
		return r, err
	}
	person := identities.Person{Subject: subject, Active: takeActive(doc), Values: c.settings.values(c.pool, doc)}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		p, err := s.deps.Providers.InTransaction(ctx, tx, c.pool, c.dir.Provider)
		if err != nil {
			return err
		}
		u, err := s.deps.Identities.Provision(ctx, tx, c.pool, p, person)
		if err != nil {
			return err
		}
		audit.From(ctx).SetTarget(u.ID())
		if r, err = s.newResource(c, resource.User, u.ID(), u.ID(), doc); err != nil {
			return err
		}
		r.Enabled = u.Rec.Enabled
		return tx.InsertResource(ctx, r)
	}, store.Retry)
	return r, err
}

func (s *Service) changeUser(ctx context.Context, c *call, id string) (store.Resource, error) {
	var r store.Resource
	audit.From(ctx).SetTarget(id)
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = s.current(ctx, tx, c, resource.User, id); err != nil {
			return err
		}
		before, err := decode(&r)
		if err != nil {
			return err
		}
		after, active, err := c.changed(id, before, r.Enabled)
		if err != nil {
			return err
		}
		if reflect.DeepEqual(before, after) && active == r.Enabled {
			return nil
		}
		return s.writeUser(ctx, tx, c, &r, before, after, active)
	}, store.Retry)
	return r, err
}

// changed returns what a PUT or PATCH makes of a user's document, and whether the user is active.
func (c *call) changed(id string, before resource.Document, active bool) (resource.Document, bool, error) {
	var after resource.Document
	var err error
	if c.method == http.MethodPut {
		after, err = resource.User.Parse(c.body)
	} else {
		base := maps.Clone(before)
		base["active"] = active
		after, _, err = resource.User.Patch(id, base, c.body)
	}
	if err != nil {
		return nil, false, err
	}
	if sent := takeActive(after); sent != nil {
		active = *sent
	}
	return after, active, nil
}

// writeUser stores a changed user: the pool's user, and the resource.
func (s *Service) writeUser(ctx context.Context, tx *store.Tx, c *call, r *store.Resource, before, after resource.Document, active bool) error {
	was, err := c.settings.subject(before)
	if err != nil {
		return err
	}
	subject, err := c.settings.subject(after)
	if err != nil {
		return err
	}
	p, err := s.deps.Providers.InTransaction(ctx, tx, c.pool, c.dir.Provider)
	if err != nil {
		return err
	}
	person := identities.Person{Subject: subject, Active: &active, Values: c.settings.change(c.pool, before, after)}
	if _, err := s.deps.Identities.Reprovision(ctx, tx, c.pool, p, r.Target, was, person); err != nil {
		return err
	}
	if err := s.put(r, after); err != nil {
		return err
	}
	if err := tx.UpdateResource(ctx, *r); err != nil {
		return err
	}
	r.Version, r.Enabled = r.Version+1, active
	return nil
}

func (s *Service) removeUser(ctx context.Context, c *call, id string) error {
	audit.From(ctx).SetTarget(id)
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		r, err := s.current(ctx, tx, c, resource.User, id)
		if err != nil {
			return err
		}
		doc, err := decode(&r)
		if err != nil {
			return err
		}
		subject, err := c.settings.subject(doc)
		if err != nil {
			return err
		}
		p, err := s.deps.Providers.InTransaction(ctx, tx, c.pool, c.dir.Provider)
		if err != nil {
			return err
		}
		if err := s.deps.Identities.Deprovision(ctx, tx, c.pool, p, r.Target, subject); err != nil {
			return err
		}
		// A user who was deleted has taken the resource along.
		_, err = tx.Resource(ctx, r.PoolID, r.DirectoryID, r.Kind, r.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteResource(ctx, r.PoolID, r.DirectoryID, r.Kind, r.ID)
	}, store.Retry)
}
