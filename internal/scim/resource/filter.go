package resource

import (
	"strings"
	"time"
)

// The operators of filters (RFC 7644 §3.4.2.2).
const (
	opEqual          = "eq"
	opNotEqual       = "ne"
	opContains       = "co"
	opStartsWith     = "sw"
	opEndsWith       = "ew"
	opPresent        = "pr"
	opGreater        = "gt"
	opGreaterOrEqual = "ge"
	opLess           = "lt"
	opLessOrEqual    = "le"
)

// A Filter selects resources of a type.
type Filter struct {
	t    *Type
	root node
}

// Matches reports whether the filter selects a rendered resource. The resource must have
// every attribute that the filter uses.
//
// An operator matches if one of the values of an attribute matches. The operator ne
// matches if no value is equal, so it matches an attribute without values, too. An
// attribute that the type does not have counts as one without values (RFC 7644 §3.4.2.1).
func (f *Filter) Matches(resource map[string]any) bool {
	return f.root.matches(resource)
}

// Equal returns the text that an attribute must be equal to in every resource that matches.
// It reports false if the filter does not demand this. The caller can look the text up
// instead of reading all resources. A complex attribute stands for its value, so the path
// "emails" is the same as "emails.value".
func (f *Filter) Equal(path string) (value string, ok bool) {
	at, ok := f.t.resolve(path)
	if !ok || at.attr == nil {
		return "", false
	}
	return equalTo(f.root, "", at.compared().String())
}

// Uses returns how many comparisons of the filter read an attribute. The caller need not render
// an attribute that no comparison reads.
func (f *Filter) Uses(name string) int {
	return uses(f.root, name)
}

// A node is a part of a filter.
type node interface {
	matches(o object) bool
}

type (
	conjunction []node
	disjunction []node
	negation    struct{ node }
)

func (n conjunction) matches(o object) bool {
	for _, part := range n {
		if !part.matches(o) {
			return false
		}
	}
	return true
}

func (n disjunction) matches(o object) bool {
	for _, part := range n {
		if part.matches(o) {
			return true
		}
	}
	return false
}

func (n negation) matches(o object) bool { return !n.node.matches(o) }

// A comparison compares the values of an attribute. Within the brackets of a value path,
// the attributes are sub-attributes.
type comparison struct {
	at      target // No attribute if the type has no such attribute.
	where   node   // Selects among the values of a multi-valued attribute. May be nil.
	op      string
	operand any // A string, a bool or a time.Time.
}

func (c *comparison) matches(o object) bool {
	if c.op == opNotEqual {
		same := *c
		same.op = opEqual
		return !same.matches(o)
	}
	for _, v := range c.values(o) {
		if c.op == opPresent && present(v) || c.op != opPresent && c.compare(v) {
			return true
		}
	}
	return false
}

// values returns the values of an object that are compared.
func (c *comparison) values(o object) []any {
	if c.at.attr == nil {
		return nil
	}
	if c.at.extension != nil {
		o, _ = o[c.at.extension.urn()].(object)
	}
	at := c.at
	if c.op != opPresent {
		at = at.compared()
	}
	var values []any
	for _, v := range elements(o[at.attr.Name()]) {
		element, isObject := v.(object)
		if c.where != nil && !(isObject && c.where.matches(element)) {
			continue
		}
		if at.sub != nil {
			v = element[at.sub.Name()]
		}
		values = append(values, v)
	}
	return values
}

// compared returns the target whose values are compared: a complex attribute is compared
// by its value.
func (g target) compared() target {
	if g.sub == nil && g.attr != nil {
		g.sub = g.attr.value()
	}
	return g
}

// elements returns the values of an attribute, which may have one or several.
func elements(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// present reports whether a value is not empty (RFC 7643 §2.5).
func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case object:
		return len(v) > 0
	default:
		return true
	}
}

func (c *comparison) compare(v any) bool {
	switch operand := c.operand.(type) {
	case bool:
		b, ok := v.(bool)
		return ok && b == operand
	case time.Time:
		s, _ := v.(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		return err == nil && ordered(c.op, t.Compare(operand))
	case string:
		s, ok := v.(string)
		return ok && c.compareText(s, operand)
	default:
		return false
	}
}

func (c *comparison) compareText(s, operand string) bool {
	if !c.at.compared().leaf().CaseExact() {
		s, operand = fold(s), fold(operand)
	}
	switch c.op {
	case opContains:
		return strings.Contains(s, operand)
	case opStartsWith:
		return strings.HasPrefix(s, operand)
	case opEndsWith:
		return strings.HasSuffix(s, operand)
	default:
		return ordered(c.op, strings.Compare(s, operand))
	}
}

// ordered reports whether an operator accepts the order of a value and its operand.
func ordered(op string, order int) bool {
	switch op {
	case opEqual:
		return order == 0
	case opGreater:
		return order > 0
	case opGreaterOrEqual:
		return order >= 0
	case opLess:
		return order < 0
	case opLessOrEqual:
		return order <= 0
	default:
		return false
	}
}

// equalTo finds the text that a path must be equal to. The prefix is the attribute around
// the brackets of a value path.
func equalTo(n node, prefix, path string) (string, bool) {
	switch n := n.(type) {
	case conjunction:
		for _, part := range n {
			if v, ok := equalTo(part, prefix, path); ok {
				return v, true
			}
		}
	case *comparison:
		if n.at.attr == nil || n.op == opNotEqual {
			return "", false
		}
		if v, ok := n.operand.(string); ok && n.op == opEqual && prefix+n.at.compared().String() == path {
			return v, true
		}
		if n.where != nil {
			outer := target{extension: n.at.extension, attr: n.at.attr}
			return equalTo(n.where, outer.String()+".", path)
		}
	}
	return "", false
}

func uses(n node, name string) int {
	count := 0
	switch n := n.(type) {
	case conjunction:
		for _, part := range n {
			count += uses(part, name)
		}
	case disjunction:
		return uses(conjunction(n), name)
	case negation:
		return uses(n.node, name)
	case *comparison:
		if n.at.attr != nil && n.at.attr.Name() == name {
			count++
		}
	}
	return count
}

// equalities returns the sub-attributes that a filter of equalities joined by "and" demands.
// It reports false for any other filter.
func equalities(n node) (object, bool) {
	switch n := n.(type) {
	case conjunction:
		o := object{}
		for _, part := range n {
			more, ok := equalities(part)
			if !ok {
				return nil, false
			}
			for name, v := range more {
				if other, ok := o[name]; ok && other != v {
					return nil, false
				}
				o[name] = v
			}
		}
		return o, true
	case *comparison:
		if n.op == opEqual && n.at.attr != nil && n.at.sub == nil && n.where == nil {
			return object{n.at.attr.Name(): n.operand}, true
		}
	}
	return nil, false
}
