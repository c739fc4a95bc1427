package awsquery

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/awsjson"
)

const (
	// maxPairs is the most parameters of one request. The largest input of the models has
	// fewer than 2,000.
	maxPairs = 4096
	// maxDepth is the deepest nesting of names; the deepest modelled input has 4 levels.
	maxDepth = 16
	// maxIndex is the highest number of a list's element.
	maxIndex = 4096
)

// A Form is the decoded parameters of a request.
type Form struct {
	// Action and Version name the operation; "" if the form has no such parameter.
	Action, Version string
	root            node
}

// node is a parameter or a structure of parameters.
type node struct {
	name     string
	text     string
	leaf     bool
	children []*node
	byName   map[string]*node
}

// Parse reads the parameters of a form or of a query string. Parameters whose name begins with
// "X-Amz-" belong to the signature, and are left out. Errors are MalformedInput.
func Parse(text string) (*Form, error) {
	f := &Form{}
	pairs := 0
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		if pairs++; pairs > maxPairs {
			return nil, malformed("Too many parameters")
		}
		name, value, err := unescape(pair)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if err := f.root.add(name, value); err != nil {
			return nil, err
		}
	}
	f.Action, f.Version = f.root.take("Action"), f.root.take("Version")
	return f, nil
}

func unescape(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	name, err = url.QueryUnescape(name)
	if err == nil {
		value, err = url.QueryUnescape(value)
	}
	if err != nil || !utf8.ValidString(name) || !utf8.ValidString(value) {
		return "", "", malformed("The parameters are not valid UTF-8 in URL encoding")
	}
	return name, value, nil
}

// malformed returns the front end's error for a form that it cannot read. The caller translates
// its code for the protocol.
func malformed(text string) error { return api.SerializationError("%s", text) }

// add puts a parameter with a dotted name into the tree.
func (n *node) add(name, value string) error {
	depth := 0
	for part := range strings.SplitSeq(name, ".") {
		if depth++; depth > maxDepth {
			return malformed("Nesting is too deep")
		}
		if part == "" {
			return malformed("A parameter has an empty name")
		}
		if n.leaf {
			return malformed("A parameter is both a value and a structure")
		}
		n = n.child(part)
	}
	if n.leaf || len(n.children) > 0 {
		return malformed("A parameter is there twice")
	}
	n.leaf, n.text = true, value
	return nil
}

func (n *node) child(name string) *node {
	if c := n.byName[name]; c != nil {
		return c
	}
	if n.byName == nil {
		n.byName = map[string]*node{}
	}
	c := &node{name: name}
	n.byName[name] = c
	n.children = append(n.children, c)
	return c
}

// take removes a parameter and returns its text.
func (n *node) take(name string) string {
	c := n.byName[name]
	if c == nil || !c.leaf {
		return ""
	}
	delete(n.byName, name)
	n.children = slices.DeleteFunc(n.children, func(o *node) bool { return o == c })
	return c.text
}

// JSON returns the parameters as a JSON document whose numbers and booleans are text.
func (f *Form) JSON() ([]byte, error) { return f.root.appendObject(nil) }

func (n *node) append(b []byte) ([]byte, error) {
	if n.leaf {
		return awsjson.String(b, n.text), nil
	}
	if len(n.children) == 1 {
		switch c := n.children[0]; {
		case c.leaf:
		case c.name == "member":
			return c.appendList(b)
		case c.name == "entry":
			return c.appendMap(b)
		}
	}
	return n.appendObject(b)
}

func (n *node) appendObject(b []byte) (_ []byte, err error) {
	b = append(b, '{')
	for i, c := range n.children {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = c.append(append(awsjson.String(b, c.name), ':')); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// elements returns the children of a list by their numbers, which may have gaps.
func (n *node) elements() ([]*node, error) {
	type element struct {
		index int
		node  *node
	}
	list := make([]element, 0, len(n.children))
	for _, c := range n.children {
		i, err := strconv.Atoi(c.name)
		if err != nil || i < 1 || i > maxIndex || strconv.Itoa(i) != c.name {
			return nil, malformed("The elements of a list must be numbered from 1")
		}
		list = append(list, element{i, c})
	}
	slices.SortFunc(list, func(a, b element) int { return cmp.Compare(a.index, b.index) })
	out := make([]*node, len(list))
	for i, e := range list {
		out[i] = e.node
	}
	return out, nil
}

func (n *node) appendList(b []byte) ([]byte, error) {
	list, err := n.elements()
	if err != nil {
		return nil, err
	}
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = e.append(b); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// appendMap writes the entries of a map, each a key and a value.
func (n *node) appendMap(b []byte) ([]byte, error) {
	list, err := n.elements()
	if err != nil {
		return nil, err
	}
	b = append(b, '{')
	for i, e := range list {
		key, value := e.byName["key"], e.byName["value"]
		if key == nil || value == nil || !key.leaf || len(e.children) != 2 {
			return nil, malformed("An entry of a map needs a key and a value")
		}
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = value.append(append(awsjson.String(b, key.text), ':')); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}
