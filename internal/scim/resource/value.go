package resource

import (
	"maps"
	"slices"
	"strings"
)

// maxElements is the most values that an attribute may have. The members of a group are
// not limited.
const maxElements = 100

// canonical returns the canonical form of one value, or nil if the value is empty. The path
// is for error messages.
func (a *attribute) canonical(path string, v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	switch a.AttributeType() {
	case "complex":
		o, err := a.fields(path, v)
		if err != nil {
			return nil, err
		}
		maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
		if len(o) == 0 {
			return nil, nil
		}
		return o, nil
	case "boolean":
		if b, ok := boolean(v); ok {
			return b, nil
		}
	default:
		if v, err := a.ValidateSingular(v); err == nil {
			return v, nil
		}
	}
	return nil, InvalidValuef("The value of %s is not of the type %s.", path, a.AttributeType())
}

// fields returns the sub-attributes that a value of a complex attribute sets, in canonical
// form. Empty ones are nil. Unknown and read-only sub-attributes are ignored, as in a
// whole resource (RFC 7644 §3.3). A text stands for the value: Microsoft Entra ID sends
// the id of a manager so.
func (a *attribute) fields(path string, v any) (object, error) {
	if s, ok := v.(string); ok && a.value() != nil {
		v = object{a.value().Name(): s}
	}
	given, ok := v.(object)
	if !ok {
		return nil, InvalidValuef("The value of %s is not an object.", path)
	}
	o := object{}
	for name, v := range given {
		sub := a.subs[fold(name)]
		if sub == nil || sub.isReadOnly() {
			continue
		}
		value, err := sub.canonical(path+"."+sub.Name(), v)
		if err != nil {
			return nil, err
		}
		o[sub.Name()] = value
	}
	return o, nil
}

// canonicalList returns the canonical values of a multi-valued attribute. A value that is
// not a list counts as a list of one.
func (a *attribute) canonicalList(path string, v any) ([]any, error) {
	given := elements(v)
	if len(given) > maxElements {
		return nil, InvalidValuef("The value of %s has more than %d values.", path, maxElements)
	}
	var list []any
	for _, v := range given {
		value, err := a.canonical(path, v)
		if err != nil {
			return nil, err
		}
		if value != nil {
			list = append(list, value)
		}
	}
	return list, nil
}

// merge adds a value to a list and returns the value's place. It changes the value that is
// there if both have the same value and type (RFC 7643 §2.4 allows such a pair once).
func (a *attribute) merge(list []any, value object) ([]any, int) {
	for i := range list {
		if existing, ok := list[i].(object); ok && a.sameValue(existing, value) {
			maps.Copy(existing, value)
			return list, i
		}
	}
	return append(list, value), len(list)
}

// sameValue reports whether two values of a multi-valued attribute are the same one.
func (a *attribute) sameValue(x, y object) bool {
	if a.value() != nil && x["value"] != nil && y["value"] != nil {
		return a.sameField("value", x, y) && a.sameField("type", x, y)
	}
	return includes(x, y) && includes(y, x)
}

// includes reports whether y has every sub-attribute of x, except the mark of the primary
// value.
func includes(x, y object) bool {
	for name, v := range x {
		if name != "primary" && y[name] != v {
			return false
		}
	}
	return true
}

// sameField reports whether two values agree in a sub-attribute.
func (a *attribute) sameField(name string, x, y object) bool {
	s, isText := x[name].(string)
	if t, ok := y[name].(string); ok && isText {
		return a.subs[fold(name)].same(s, t)
	}
	return x[name] == y[name]
}

// selects reports whether a value agrees with every sub-attribute of a selector.
func (a *attribute) selects(selector, value object) bool {
	for name := range selector {
		if !a.sameField(name, selector, value) {
			return false
		}
	}
	return true
}

// keepOnePrimary lets at most one value be the primary one (RFC 7643 §2.4). A request may
// make one value primary, and the others cease to be it. The places are those of the values
// that the request makes primary.
func keepOnePrimary(path string, list []any, places []int) error {
	if places = slices.Compact(places); len(places) == 0 {
		return nil
	}
	if len(places) > 1 {
		return InvalidValuef("More than one value of %s is primary.", path)
	}
	for i := range list {
		if o, ok := list[i].(object); ok && i != places[0] && o["primary"] == true {
			o["primary"] = false
		}
	}
	return nil
}

// textSize returns the bytes of all texts in a value.
func textSize(v any) int {
	size := 0
	switch v := v.(type) {
	case string:
		size = len(v)
	case object:
		for name, v := range v {
			size += len(name) + textSize(v)
		}
	case []any:
		for _, v := range v {
			size += textSize(v)
		}
	}
	return size
}

// isUnassigned reports whether a value of a multi-valued attribute has at most the
// sub-attributes that describe a value. It counts as no value then.
func isUnassigned(v any) bool {
	o, ok := v.(object)
	if !ok {
		return v == nil
	}
	for name := range o {
		if name != "type" && name != "primary" {
			return false
		}
	}
	return true
}

// clone returns a deep copy of a value.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		o := make(object, len(v))
		for name, v := range v {
			o[name] = clone(v)
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, v := range v {
			list[i] = clone(v)
		}
		return list
	default:
		return v
	}
}

// sortedNames returns the names of an object in a fixed order, in which "name" precedes
// "name.givenName".
func sortedNames(o object) []string {
	return slices.SortedFunc(maps.Keys(o), func(a, b string) int {
		return strings.Compare(fold(a), fold(b))
	})
}
