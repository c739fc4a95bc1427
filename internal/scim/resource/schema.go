package resource

import (
	"maps"
	"strings"

	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// Type is a kind of resource.
type Type struct {
	name       string
	endpoint   string
	core       *attributeSet
	extensions []*attributeSet
	references string // The attribute with ids of other resources, which no Document has.
}

// User and Group are the kinds of resources (RFC 7643 §4). A User has the enterprise
// extension (RFC 7643 §4.3).
var (
	User  = newUser()
	Group = newGroup()
)

// typeList has the kinds in the order of discovery.
var typeList = []*Type{User, Group}

// Name returns the name of the type: User or Group.
func (t *Type) Name() string { return t.name }

// Endpoint returns the path of the type below the base URL: /Users or /Groups.
func (t *Type) Endpoint() string { return t.endpoint }

// An attributeSet is a schema with its attributes by folded name.
type attributeSet struct {
	schema     schema.Schema
	attributes map[string]*attribute
}

func (s *attributeSet) urn() string { return s.schema.ID }

// An attribute has its sub-attributes by folded name.
type attribute struct {
	schema.CoreAttribute
	subs map[string]*attribute
}

func (a *attribute) complex() bool    { return len(a.subs) > 0 }
func (a *attribute) isReadOnly() bool { return a.Mutability() == "readOnly" }

// value returns the sub-attribute that stands for a complex attribute in filters and in
// short forms: "emails" is "emails.value". It is nil if the attribute has no value.
func (a *attribute) value() *attribute { return a.subs["value"] }

// same reports whether two texts are the same value of the attribute.
func (a *attribute) same(x, y string) bool {
	return x == y || !a.CaseExact() && fold(x) == fold(y)
}

func newUser() *Type {
	core := schema.CoreUserSchema()
	// A directory sets no password here: the user's password is the user pool's.
	core.Attributes = without(core.Attributes, "password")
	return &Type{
		name:       "User",
		endpoint:   "/Users",
		core:       newSet(core, schema.CommonAttributes()...),
		extensions: []*attributeSet{newSet(schema.ExtensionEnterpriseUser())},
		references: "groups",
	}
}

func newGroup() *Type {
	core := schema.CoreGroupSchema()
	core.Attributes = append(without(core.Attributes, "members"), memberAttribute())
	return &Type{
		name:       "Group",
		endpoint:   "/Groups",
		core:       newSet(core, schema.CommonAttributes()...),
		references: "members",
	}
}

// memberAttribute returns the members of a group, which are users. The members of RFC 7643
// §4.2 may be groups, too.
func memberAttribute() schema.CoreAttribute {
	immutable := schema.AttributeMutabilityImmutable()
	return schema.ComplexCoreAttribute(schema.ComplexParams{
		Name:        "members",
		MultiValued: true,
		Description: optional.NewString("The users that are members of the group."),
		SubAttributes: []schema.SimpleParams{
			schema.SimpleStringParams(schema.StringParams{
				Name: "value", Mutability: immutable, CaseExact: true,
				Description: optional.NewString("The id of the user."),
			}),
			schema.SimpleReferenceParams(schema.ReferenceParams{
				Name: "$ref", Mutability: immutable,
				Description:    optional.NewString("The URI of the user."),
				ReferenceTypes: []schema.AttributeReferenceType{"User"},
			}),
			schema.SimpleStringParams(schema.StringParams{
				Name: "type", Mutability: immutable,
				Description:     optional.NewString("The type of the member."),
				CanonicalValues: []string{"User"},
			}),
			schema.SimpleStringParams(schema.StringParams{
				Name: "display", Mutability: immutable,
				Description: optional.NewString("The name of the user."),
			}),
		},
	})
}

func without(list schema.Attributes, name string) schema.Attributes {
	var kept schema.Attributes
	for _, a := range list {
		if a.Name() != name {
			kept = append(kept, a)
		}
	}
	return kept
}

func newSet(s schema.Schema, common ...schema.CoreAttribute) *attributeSet {
	set := &attributeSet{schema: s, attributes: byName(s.Attributes)}
	maps.Copy(set.attributes, byName(common))
	return set
}

func byName(list schema.Attributes) map[string]*attribute {
	m := map[string]*attribute{}
	for _, a := range list {
		m[fold(a.Name())] = &attribute{CoreAttribute: a, subs: byName(a.SubAttributes())}
	}
	return m
}

// A target is the place in a resource that an attribute path names (RFC 7644 §3.10).
type target struct {
	extension *attributeSet // Nil for attributes of the core schema.
	attr      *attribute    // Nil for the whole extension.
	sub       *attribute    // Nil for the whole attribute.
}

// leaf returns the attribute whose values the target has.
func (g target) leaf() *attribute {
	if g.sub != nil {
		return g.sub
	}
	return g.attr
}

// String returns the path of the target in canonical spelling.
func (g target) String() string {
	var parts []string
	if g.attr != nil {
		parts = append(parts, g.attr.Name())
	}
	if g.sub != nil {
		parts = append(parts, g.sub.Name())
	}
	path := strings.Join(parts, ".")
	if g.extension == nil {
		return path
	}
	return strings.TrimSuffix(g.extension.urn()+":"+path, ":")
}

// resolve returns the target of an attribute path, in any case, with or without the URN of
// its schema. It reports false if the type has no such attribute.
func (t *Type) resolve(path string) (target, bool) {
	var g target
	set := t.core
	if rest, ok := cutURN(path, t.core.urn()); ok {
		path = rest
	}
	for _, e := range t.extensions {
		if rest, ok := cutURN(path, e.urn()); ok {
			set, g.extension = e, e
			if path = rest; path == "" {
				return g, true
			}
			break
		}
	}
	name, sub, dotted := strings.Cut(path, ".")
	if g.attr = set.attributes[fold(name)]; g.attr == nil {
		return target{}, false
	}
	if dotted {
		if g.sub = g.attr.subs[fold(sub)]; g.sub == nil {
			return target{}, false
		}
	}
	return g, true
}

// cutURN returns the part of a path after a schema's URN, or an empty text if the path is
// the URN itself.
func cutURN(path, urn string) (string, bool) {
	if len(path) < len(urn) || !strings.EqualFold(path[:len(urn)], urn) {
		return path, false
	}
	if path = path[len(urn):]; path == "" {
		return "", true
	}
	return strings.CutPrefix(path, ":")
}
