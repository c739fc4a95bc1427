package strictxml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Element is an element of a parsed document.
type Element struct {
	Prefix, Local string
	// Space is the URI of the element's namespace.
	Space      string
	Attributes []Attribute
	// Declared are the namespaces that the element itself declares.
	Declared []Namespace
	Content  []Node
	Parent   *Element

	// context are the namespaces around a root that was part of another document.
	context []Namespace
}

// Attribute is an attribute that declares no namespace.
type Attribute struct {
	Prefix, Local, Space, Value string
}

// Namespace binds a prefix to a URI. The default namespace has the prefix "".
type Namespace struct {
	Prefix, URI string
}

// Node is a child of an element: an element, or a text if Element is nil.
type Node struct {
	Element *Element
	Text    string
}

// Is reports whether the element has this expanded name.
func (e *Element) Is(space, local string) bool { return e.Local == local && e.Space == space }

// Attribute returns the value of an attribute without a namespace.
func (e *Element) Attribute(name string) (value string, ok bool) {
	for i := range e.Attributes {
		if a := &e.Attributes[i]; a.Local == name && a.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}

// Elements yields the child elements.
func (e *Element) Elements(yield func(*Element) bool) {
	for i := range e.Content {
		if c := e.Content[i].Element; c != nil && !yield(c) {
			return
		}
	}
}

// Children returns the child elements with this expanded name.
func (e *Element) Children(space, local string) []*Element {
	var found []*Element
	for c := range e.Elements {
		if c.Is(space, local) {
			found = append(found, c)
		}
	}
	return found
}

// Child returns the only child element with this expanded name, or nil if there is no such
// child. Two are an error.
func (e *Element) Child(space, local string) (*Element, error) {
	var found *Element
	for c := range e.Elements {
		if !c.Is(space, local) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%s has more than one %s", e.Local, local)
		}
		found = c
	}
	return found, nil
}

var errMixed = errors.New("text with elements in it")

// Text returns the character data of an element that has no child elements.
func (e *Element) Text() (string, error) {
	switch len(e.Content) {
	case 0:
		return "", nil
	case 1:
		if e.Content[0].Element == nil {
			return e.Content[0].Text, nil
		}
	}
	var b strings.Builder
	for _, n := range e.Content {
		if n.Element != nil {
			return "", fmt.Errorf("%s: %w", e.Local, errMixed)
		}
		b.WriteString(n.Text)
	}
	return b.String(), nil
}

// IsBlank reports whether the element's own character data is white space.
func (e *Element) IsBlank() bool {
	for _, n := range e.Content {
		if n.Element == nil && strings.Trim(n.Text, space) != "" {
			return false
		}
	}
	return true
}

// Walk yields the element and all elements below it, in document order.
func (e *Element) Walk(yield func(*Element) bool) { e.walk(yield) }

func (e *Element) walk(yield func(*Element) bool) bool {
	if !yield(e) {
		return false
	}
	for i := range e.Content {
		if c := e.Content[i].Element; c != nil && !c.walk(yield) {
			return false
		}
	}
	return true
}

// CheckIDs rejects a document in which two attributes that may be IDs have the same value.
// Whatever one parser calls an ID, a reference has one target.
func (e *Element) CheckIDs() error {
	seen := map[string]bool{}
	for c := range e.Walk {
		for i := range c.Attributes {
			a := &c.Attributes[i]
			if !strings.EqualFold(a.Local, "id") {
				continue
			}
			if seen[a.Value] {
				return errors.New("an ID is repeated")
			}
			seen[a.Value] = true
		}
	}
	return nil
}

// resolve returns the URI that a prefix has at the element. The prefix "" has the URI "" if
// nothing declares a default namespace.
func (e *Element) resolve(prefix string) (uri string, ok bool) {
	if prefix == "xml" {
		return xmlSpace, true
	}
	for at := e; at != nil; at = at.Parent {
		if uri, ok := bound(at.Declared, prefix); ok {
			return uri, true
		}
		if at.Parent == nil {
			if uri, ok := bound(at.context, prefix); ok {
				return uri, true
			}
		}
	}
	return "", prefix == ""
}

func bound(list []Namespace, prefix string) (uri string, ok bool) {
	for _, n := range slices.Backward(list) {
		if n.Prefix == prefix {
			return n.URI, true
		}
	}
	return "", false
}

// InScope returns the namespaces that are in scope at the element.
func (e *Element) InScope() []Namespace {
	var list []Namespace
	add := func(declared []Namespace) {
		for _, n := range declared {
			if _, ok := bound(list, n.Prefix); !ok {
				list = append(list, n)
			}
		}
	}
	for at := e; at != nil; at = at.Parent {
		add(at.Declared)
		add(at.context)
	}
	return list
}
