package resource

import (
	"encoding/json"
	"slices"
)

// maxDocument is the most bytes of a stored document.
const maxDocument = 64 << 10

// A Document has the attributes of a resource that a directory sets, under their canonical
// names. The attributes of an extension are in an object under its URN. A Document has no
// id, meta, schemas, password, groups, and no empty values.
type Document map[string]any

// Parse returns the document in the body of POST or PUT. It ignores unknown and read-only
// attributes (RFC 7644 §3.3, §3.5.1). The document of a Group has the members, which
// SplitMembers takes out.
func (t *Type) Parse(body []byte) (Document, error) {
	o, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(o, t.core.urn()); err != nil {
		return nil, err
	}
	p := &patch{t: t, doc: object{}}
	if err := p.setAll(opAdd, o); err != nil {
		return nil, err
	}
	if err := p.finish(); err != nil {
		return nil, err
	}
	if p.members.mentioned {
		members := []any{}
		for _, id := range p.members.result().Add {
			members = append(members, object{"value": id})
		}
		p.doc[t.references] = members
	}
	return p.doc, nil
}

// SplitMembers returns a group's document without its members, and the ids of the members.
// The ids are nil if the request did not mention members.
func SplitMembers(doc Document) (Document, []string) {
	list, ok := doc["members"].([]any)
	if !ok {
		return doc, nil
	}
	ids := []string{}
	rest := Document{}
	for name, v := range doc {
		if name != "members" {
			rest[name] = v
		}
	}
	for _, v := range list {
		if o, ok := v.(object); ok {
			if id, ok := o["value"].(string); ok {
				ids = append(ids, id)
			}
		}
	}
	return rest, ids
}

// finish removes what is empty and checks the document as a whole.
func (p *patch) finish() error {
	tidy(p.doc, p.t.core)
	for _, e := range p.t.extensions {
		o, ok := p.doc[e.urn()].(object)
		if !ok {
			continue
		}
		if tidy(o, e); len(o) == 0 {
			delete(p.doc, e.urn())
		}
	}
	for _, a := range p.t.core.schema.Attributes {
		if a.Required() && p.doc[a.Name()] == nil {
			return InvalidValuef("The attribute %s is required.", a.Name())
		}
	}
	encoded, err := json.Marshal(p.doc)
	if err != nil {
		return InvalidValuef("The resource cannot be stored.")
	}
	if len(encoded) > maxDocument {
		return InvalidValuef("The resource has more than %d bytes.", maxDocument)
	}
	return nil
}

// tidy removes empty values and repeated ones.
func tidy(o object, set *attributeSet) {
	for name, v := range o {
		a := set.attributes[fold(name)]
		switch v := v.(type) {
		case object:
			if a != nil && len(v) == 0 {
				delete(o, name)
			}
		case []any:
			var list []any
			for _, v := range slices.DeleteFunc(v, isUnassigned) {
				if value, ok := v.(object); ok && a != nil {
					list, _ = a.merge(list, value)
				}
			}
			if o[name] = list; len(list) == 0 {
				delete(o, name)
			}
		}
	}
}
