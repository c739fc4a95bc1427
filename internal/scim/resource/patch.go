package resource

import (
	"maps"
	"slices"
	"strings"
)

const patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// The limits of one PATCH. They bound the work: each filter reads the texts of a list.
const (
	maxOperations  = 1000
	maxPatchText   = maxDocument // Bytes of the values, without members.
	maxPatchFilter = 16 << 10    // Bytes of the paths with a filter, without members.
)

// The operations of PATCH (RFC 7644 §3.5.2). Microsoft Entra ID capitalizes them.
const (
	opAdd     = "add"
	opReplace = "replace"
	opRemove  = "remove"
)

// Patch returns a copy of a document with the changes in the body of PATCH, all or none.
// For a Group it also returns the changes of the members, which are not in the document.
// The id is the resource's: Okta repeats it among the changes.
func (t *Type) Patch(id string, doc Document, body []byte) (Document, Members, error) {
	message, err := decodeObject(body)
	if err != nil {
		return nil, Members{}, err
	}
	if err := checkSchema(message, patchSchema); err != nil {
		return nil, Members{}, err
	}
	v, _ := field(message, "Operations")
	operations, ok := v.([]any)
	if !ok || len(operations) == 0 {
		return nil, Members{}, InvalidSyntaxf("The message has no list of Operations.")
	}
	if len(operations) > maxOperations {
		return nil, Members{}, InvalidValuef("The message has more than %d operations.", maxOperations)
	}
	p := &patch{t: t, id: id, doc: clone(object(doc)).(object)}
	for _, v := range operations {
		if err := p.operation(v); err != nil {
			return nil, Members{}, err
		}
	}
	if err := p.finish(); err != nil {
		return nil, Members{}, err
	}
	return p.doc, p.members.result(), nil
}

// A patch is a document that is being changed.
type patch struct {
	t       *Type
	id      string // Empty if the resource is new.
	doc     object
	members memberChanges
	text    int // Bytes of the values so far.
	filters int // Bytes of the paths with a filter so far.
}

func (p *patch) operation(v any) error {
	operation, ok := v.(object)
	if !ok {
		return InvalidSyntaxf("An operation is not an object.")
	}
	v, _ = field(operation, "op")
	op, _ := v.(string)
	op = fold(op)
	if op != opAdd && op != opReplace && op != opRemove {
		return InvalidSyntaxf("The op of an operation must be add, replace or remove.")
	}
	value, given := field(operation, "value")
	if !given && op != opRemove {
		return InvalidValuef("An operation that adds or replaces needs a value.")
	}
	v, _ = field(operation, "path")
	text, ok := v.(string)
	if !ok && v != nil {
		return InvalidPathf("The path of an operation is not a text.")
	}
	if text != "" {
		at, err := p.t.parsePath(text)
		if err != nil {
			return err
		}
		return p.apply(op, at, value)
	}
	if op == opRemove {
		return NoTargetf("An operation that removes needs a path.")
	}
	attributes, ok := value.(object)
	if !ok {
		return InvalidValuef("An operation without a path needs an object of attributes as its value.")
	}
	return p.setAll(op, attributes)
}

// setAll sets the attributes of an object. Like a whole resource, the object may have
// unknown and read-only attributes, which are ignored. The names may be paths, which
// Microsoft Entra ID sends.
func (p *patch) setAll(op string, attributes object) error {
	for _, name := range sortedNames(attributes) {
		v := attributes[name]
		if fold(name) == fold(p.t.core.urn()) {
			if nested, ok := v.(object); ok {
				if err := p.setAll(op, nested); err != nil {
					return err
				}
			}
			continue
		}
		if fold(name) == "id" && p.id != "" && v != p.id {
			return Mutabilityf("The id of a resource cannot be changed.")
		}
		at, ok, err := p.key(name)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := p.apply(op, at, v); err != nil {
			return err
		}
	}
	return nil
}

// key returns the path that a name among attributes stands for. It reports false if the
// name is to be ignored.
func (p *patch) key(name string) (path, bool, error) {
	if strings.Contains(name, "[") && p.id != "" {
		at, err := p.t.parsePath(name)
		return at, err == nil && !at.isReadOnly(), err
	}
	at, ok := p.t.resolve(name)
	return path{target: at}, ok && !at.isReadOnly(), nil
}

// isReadOnly reports whether no client can set the target.
func (g target) isReadOnly() bool {
	return g.attr != nil && (g.attr.isReadOnly() || g.attr.Name() == "schemas" || g.sub != nil && g.sub.isReadOnly())
}

// apply carries out an operation on one place of the document.
func (p *patch) apply(op string, at path, v any) error {
	if at.attr == nil {
		return p.applyExtension(op, at, v)
	}
	if at.isReadOnly() {
		return Mutabilityf("The attribute %s is read-only.", at)
	}
	if at.attr.Name() == p.t.references {
		return p.members.apply(op, at, v)
	}
	if err := p.bound(at, v); err != nil {
		return err
	}
	parent := p.doc
	if at.extension != nil {
		var ok bool
		if parent, ok = p.doc[at.extension.urn()].(object); !ok {
			parent = object{}
			p.doc[at.extension.urn()] = parent
		}
	}
	switch {
	case at.where != nil:
		return applyWhere(op, at, parent, v)
	case at.attr.MultiValued() && at.sub != nil:
		return applyEach(op, at, parent, v)
	case at.attr.MultiValued():
		return applyList(op, at, parent, v)
	case at.sub != nil:
		return applySub(op, at, parent, v)
	case at.attr.complex():
		return applyComplex(op, at, parent, v)
	default:
		return applySimple(op, at, parent, v)
	}
}

// bound limits the work of the whole PATCH.
func (p *patch) bound(at path, v any) error {
	if p.text += textSize(v); p.text > maxPatchText {
		return InvalidValuef("The values have more than %d bytes.", maxPatchText)
	}
	if p.filters += at.filter; p.filters > maxPatchFilter {
		return InvalidPathf("The paths with filters have more than %d bytes.", maxPatchFilter)
	}
	return nil
}

func (p *patch) applyExtension(op string, at path, v any) error {
	urn := at.extension.urn()
	if op == opRemove || v == nil || v == "" {
		delete(p.doc, urn)
		return nil
	}
	attributes, ok := v.(object)
	if !ok {
		return InvalidValuef("The value of %s is not an object.", urn)
	}
	qualified := object{}
	for _, name := range sortedNames(attributes) {
		full := name
		if _, ok := cutURN(name, urn); !ok {
			full = urn + ":" + name
		}
		qualified[full] = attributes[name]
	}
	return p.setAll(op, qualified)
}

func applySimple(op string, at path, parent object, v any) error {
	name := at.attr.Name()
	if op == opRemove {
		if at.attr.Required() {
			return Mutabilityf("The attribute %s is required and cannot be removed.", name)
		}
		delete(parent, name)
		return nil
	}
	return set(parent, at.attr, at.String(), v)
}

// set sets an attribute of an object, or removes it if the value is empty.
func set(parent object, a *attribute, path string, v any) error {
	value, err := a.canonical(path, v)
	if err != nil {
		return err
	}
	if parent[a.Name()] = value; value == nil {
		delete(parent, a.Name())
	}
	return nil
}

func applySub(op string, at path, parent object, v any) error {
	o, ok := parent[at.attr.Name()].(object)
	if !ok {
		o = object{}
		parent[at.attr.Name()] = o
	}
	if op == opRemove {
		v = nil
	}
	old := o["value"]
	if err := set(o, at.sub, at.String(), v); err != nil {
		return err
	}
	if o["value"] != old {
		delete(o, "$ref") // It is the reference of the old value.
	}
	return nil
}

// applyComplex changes the sub-attributes that the value names (RFC 7644 §3.5.2.3). A text
// replaces them all.
func applyComplex(op string, at path, parent object, v any) error {
	name := at.attr.Name()
	if op == opRemove || v == nil || v == "" {
		delete(parent, name)
		return nil
	}
	fields, err := at.attr.fields(at.String(), v)
	if err != nil {
		return err
	}
	o, ok := parent[name].(object)
	if _, short := v.(string); short || !ok {
		o = object{}
		parent[name] = o
	}
	if value, ok := fields["value"]; ok && value != o["value"] {
		delete(o, "$ref") // It is the reference of the old value.
	}
	maps.Copy(o, fields)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return nil
}

// applyList changes the values of a multi-valued attribute. Values that are to be removed
// may be listed, which Microsoft Entra ID does.
func applyList(op string, at path, parent object, v any) error {
	name := at.attr.Name()
	if op == opRemove && v == nil {
		delete(parent, name)
		return nil
	}
	values, err := at.attr.canonicalList(at.String(), v)
	if err != nil {
		return err
	}
	list, _ := parent[name].([]any)
	if op == opRemove {
		parent[name] = slices.DeleteFunc(list, func(existing any) bool {
			o, _ := existing.(object)
			return slices.ContainsFunc(values, func(selector any) bool {
				s, ok := selector.(object)
				return ok && at.attr.selects(s, o)
			})
		})
		return nil
	}
	if op == opReplace {
		list = nil
	}
	var primary []int
	for _, v := range slices.DeleteFunc(values, isUnassigned) {
		value := v.(object)
		var i int
		list, i = at.attr.merge(list, value)
		if value["primary"] == true {
			primary = append(primary, i)
		}
		if len(list) > maxElements {
			return InvalidValuef("The attribute %s has more than %d values.", name, maxElements)
		}
	}
	parent[name] = list
	return keepOnePrimary(name, list, primary)
}

// applyEach changes a sub-attribute of all values. It sets the only value, or a new one,
// but not several.
func applyEach(op string, at path, parent object, v any) error {
	list, _ := parent[at.attr.Name()].([]any)
	if op == opRemove || v == nil || v == "" {
		for _, existing := range list {
			if o, ok := existing.(object); ok {
				delete(o, at.sub.Name())
			}
		}
		return nil
	}
	if len(list) > 1 {
		return InvalidPathf("The attribute %s has %d values. Select one, such as %s[type eq \"work\"].%s.",
			at.attr.Name(), len(list), at.attr.Name(), at.sub.Name())
	}
	if len(list) == 0 {
		list = []any{object{}}
		parent[at.attr.Name()] = list
	}
	o, _ := list[0].(object)
	return set(o, at.sub, at.String(), v)
}

// defaults returns the sub-attributes that the equalities of the path's filter demand. It
// returns nil for other filters.
func (at path) defaults() (object, error) {
	o, ok := equalities(at.where)
	if !ok {
		return nil, nil
	}
	value, err := at.attr.canonical(at.attr.Name(), o)
	if err != nil {
		return nil, err
	}
	o, _ = value.(object)
	return o, nil
}

// applyWhere changes the values that a filter selects. If there is no such value, the
// filter's equalities make one: Microsoft Entra ID adds a value so. Other filters have no
// target then (RFC 7644 §3.5.2.3).
func applyWhere(op string, at path, parent object, v any) error {
	name := at.attr.Name()
	list, _ := parent[name].([]any)
	var selected []int
	for i := range list {
		if o, ok := list[i].(object); ok && at.where.matches(o) {
			selected = append(selected, i)
		}
	}
	if op == opRemove || v == nil || v == "" {
		for _, i := range slices.Backward(selected) {
			if at.sub != nil {
				delete(list[i].(object), at.sub.Name())
			} else {
				list = slices.Delete(list, i, i+1)
			}
		}
		parent[name] = list
		return nil
	}
	defaults, err := at.defaults()
	if err != nil {
		return err
	}
	created := len(selected) == 0
	if created {
		if len(defaults) == 0 {
			return NoTargetf("The path selects no value of %s.", name)
		}
		if len(list) == maxElements {
			return InvalidValuef("The attribute %s has more than %d values.", name, maxElements)
		}
		list = append(list, maps.Clone(defaults))
		selected = []int{len(list) - 1}
	}
	parent[name] = list
	var primary []int
	for _, i := range selected {
		makesPrimary, err := applyValue(op, at, list[i].(object), defaults, v)
		if err != nil {
			return err
		}
		if makesPrimary || created && list[i].(object)["primary"] == true {
			primary = append(primary, i)
		}
	}
	return keepOnePrimary(name, list, primary)
}

// applyValue changes one value that a filter selects, or its sub-attribute. A whole value is
// replaced, but keeps the sub-attributes that the filter demands. It reports whether the
// operation makes the value primary.
func applyValue(op string, at path, o, defaults object, v any) (bool, error) {
	if at.sub != nil {
		err := set(o, at.sub, at.String(), v)
		return at.sub.Name() == "primary" && o["primary"] == true, err
	}
	fields, err := at.attr.fields(at.String(), v)
	if err != nil {
		return false, err
	}
	if op == opReplace {
		clear(o)
		maps.Copy(o, defaults)
	}
	maps.Copy(o, fields)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return fields["primary"] == true, nil
}
