package resource

import (
	"maps"
	"time"
)

// Facts are what the server knows of a resource besides its document.
type Facts struct {
	ID       string
	Location string // The URL of the resource.
	Version  string // The entity tag, with quotation marks.
	Created  time.Time
	Modified time.Time
	// References are the groups of a user, or the members of a group. The attribute is
	// absent if they are nil, and empty if there are no references.
	References []Reference
}

// A Reference is a group of a user or a member of a group.
type Reference struct {
	Value   string // The id.
	Ref     string // The URL.
	Display string
	Type    string // "direct" for a group, "User" for a member.
}

// Render returns the resource as a client sees it, with the attributes that the projection
// selects.
func (t *Type) Render(doc Document, f Facts, p Projection) map[string]any {
	o := object{}
	schemas := []any{t.core.urn()}
	maps.Copy(o, doc)
	for _, e := range t.extensions {
		if _, ok := doc[e.urn()]; ok {
			schemas = append(schemas, e.urn())
		}
	}
	o["schemas"] = schemas
	o["id"] = f.ID
	o["meta"] = meta(t.name, f)
	if delete(o, t.references); f.References != nil {
		list := make([]any, len(f.References))
		for i, r := range f.References {
			list[i] = r.render()
		}
		o[t.references] = list
	}
	return p.Apply(o)
}

func meta(name string, f Facts) object {
	m := object{"resourceType": name}
	optional := map[string]string{"location": f.Location, "version": f.Version}
	if !f.Created.IsZero() {
		optional["created"] = timestamp(f.Created)
	}
	if !f.Modified.IsZero() {
		optional["lastModified"] = timestamp(f.Modified)
	}
	for name, v := range optional {
		if v != "" {
			m[name] = v
		}
	}
	return m
}

// timestamp returns a dateTime (RFC 7643 §2.3.5).
func timestamp(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func (r Reference) render() object {
	o := object{}
	for name, v := range map[string]string{"value": r.Value, "$ref": r.Ref, "display": r.Display, "type": r.Type} {
		if v != "" {
			o[name] = v
		}
	}
	return o
}

// ListResponse returns the answer to a query (RFC 7644 §3.4.2): one page of resources. The
// total counts the resources of all pages.
func ListResponse(total, startIndex int, resources []map[string]any) map[string]any {
	if resources == nil {
		resources = []map[string]any{}
	}
	return object{
		"schemas":      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		"totalResults": total,
		"startIndex":   startIndex,
		"itemsPerPage": len(resources),
		"Resources":    resources,
	}
}
