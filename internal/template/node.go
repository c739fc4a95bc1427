package template

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"cognate/internal/spelling"
)

type kind int

const (
	scalarNode kind = iota
	listNode
	mappingNode
	callNode // of an intrinsic function
)

// A node is a value of a template that was not evaluated. Aliases share nodes, so nodes do not change.
type node struct {
	kind kind
	line int
	// scalar is a string, a bool, a json.Number or nil.
	scalar  any
	items   []*node // of a list
	entries []entry // of a mapping
	// function and argument are those of a call: Ref, Condition or a name with Fn::.
	function string
	argument *node
}

type entry struct {
	name  string
	line  int
	value *node
}

// get returns the value of an entry of a mapping, or nil.
func (n *node) get(name string) *node {
	if n == nil || n.kind != mappingNode {
		return nil
	}
	for _, e := range n.entries {
		if e.name == name {
			return e.value
		}
	}
	return nil
}

// child returns an entry of a mapping or an item of a list, or nil.
func (n *node) child(step string) *node {
	if n == nil || n.kind != listNode {
		return n.get(step)
	}
	if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.items) {
		return n.items[i]
	}
	return nil
}

// with returns a copy of a mapping with one more entry, or with another value of the entry.
func (n *node) with(name string, line int, value *node) *node {
	out := &node{kind: mappingNode, line: line}
	if n != nil {
		out.line = n.line
		for _, e := range n.entries {
			if e.name != name {
				out.entries = append(out.entries, e)
			}
		}
	}
	out.entries = append(out.entries, entry{name, line, value})
	return out
}

// without returns a mapping without an entry.
func (n *node) without(name string) *node {
	if n.get(name) == nil {
		return n
	}
	out := &node{kind: mappingNode, line: n.line}
	for _, e := range n.entries {
		if e.name != name {
			out.entries = append(out.entries, e)
		}
	}
	return out
}

// text returns the string of a scalar.
func (n *node) text() (string, bool) {
	if n == nil || n.kind != scalarNode {
		return "", false
	}
	s, ok := n.scalar.(string)
	return s, ok
}

// steps splits a path such as Schema[2].Name.
func steps(field string) []string {
	return strings.FieldsFunc(field, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// A path says where a node is. It becomes a text when there is a problem.
type path struct {
	up   *path
	name string
}

func (p *path) field(name string) *path { return &path{p, name} }
func (p *path) index(i int) *path       { return &path{p, "[" + strconv.Itoa(i) + "]"} }

func (p *path) String() string {
	if p == nil {
		return ""
	}
	up := p.up.String()
	if up == "" || strings.HasPrefix(p.name, "[") {
		return up + p.name
	}
	return up + "." + p.name
}

const (
	// maxNodes limits the entries that merge keys copy, and the lists and mappings that they look at.
	maxNodes = 2_000_000
	// maxDepth limits how deep values may be nested, with what aliases repeat.
	maxDepth = 200
)

// macro is the function that AWS replaces by the result of a macro.
const macro = "Fn::Transform"

// functions are the intrinsic functions by their full names.
var functions = []string{
	"Ref", "Condition", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::GetAtt", "Fn::GetAZs",
	"Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub",
	"Fn::ToJsonString", macro, "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::RefAll",
	"Fn::ValueOf", "Fn::ValueOfAll",
}

var isFunction = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range functions {
		m[name] = true
	}
	return m
}()

// A converter makes nodes of a YAML tree.
type converter struct {
	// add adds a problem.
	add func(line int, at *path, format string, args ...any)
	// json is set if the text is JSON, whose texts are never truth values.
	json bool
	// anchors are the nodes of finished anchors, nil for those that are not finished.
	anchors map[*yaml.Node]*node
	merged  int // what merge keys looked at
	// imports is set if there is Fn::ImportValue.
	imports bool
	// loops is the line of a loop, or 0.
	loops int
}

var null = &node{}

func (c *converter) node(n *yaml.Node, at *path) *node {
	if n.Kind == yaml.AliasNode {
		out, begun := c.anchors[n.Alias]
		if !begun || out == nil {
			c.add(n.Line, at, "the alias *%s contains itself", n.Value)
			return null
		}
		return out
	}
	if n.Anchor != "" {
		if c.anchors == nil {
			c.anchors = map[*yaml.Node]*node{}
		}
		c.anchors[n] = nil
	}
	out := c.tagged(n, at)
	if n.Anchor != "" {
		c.anchors[n] = out
	}
	return out
}

// tagged converts a node that may have the short tag of a function.
func (c *converter) tagged(n *yaml.Node, at *path) *node {
	if !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") || n.Tag == "!" {
		return c.plain(n, at)
	}
	name := strings.TrimPrefix(n.Tag, "!")
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	if !isFunction[name] {
		var tags []string
		for _, f := range functions {
			tags = append(tags, "!"+strings.TrimPrefix(f, "Fn::"))
		}
		c.add(n.Line, at, "there is no function %s%s", n.Tag, spelling.Meant(n.Tag, tags))
		return null
	}
	argument := *n
	argument.Tag, argument.Anchor = "", ""
	if n.Kind == yaml.ScalarNode {
		argument.Tag = "!!str"
		argument.Style = yaml.DoubleQuotedStyle
	}
	c.imports = c.imports || name == "Fn::ImportValue"
	return &node{kind: callNode, line: n.Line, function: name, argument: c.plain(&argument, at.field(name))}
}

func (c *converter) plain(n *yaml.Node, at *path) *node {
	switch n.Kind {
	case yaml.SequenceNode:
		out := &node{kind: listNode, line: n.Line}
		for i, item := range n.Content {
			out.items = append(out.items, c.node(item, at.index(i)))
		}
		return out
	case yaml.MappingNode:
		return c.mapping(n, at)
	}
	return &node{line: n.Line, scalar: c.scalar(n)}
}

func (c *converter) mapping(n *yaml.Node, at *path) *node {
	out := &node{kind: mappingNode, line: n.Line}
	lines := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			c.add(key.Line, at, "the name of an entry must be a text")
			continue
		case key.ShortTag() == "!!merge":
			merges = append(merges, value)
			continue
		case lines[key.Value] > 0:
			c.add(key.Line, at.field(key.Value), "is there twice; it is on line %d, too", lines[key.Value])
			continue
		}
		lines[key.Value] = key.Line
		out.entries = append(out.entries, entry{key.Value, key.Line, c.node(value, at.field(key.Value))})
	}
	for _, m := range merges {
		c.merge(out, c.node(m, at.field("<<")), lines, at)
	}
	return c.call(out, at)
}

// merge adds the entries that a merge key refers to.
func (c *converter) merge(out, from *node, lines map[string]int, at *path) {
	if c.merged += 1 + len(from.entries); c.merged > maxNodes {
		c.add(out.line, at, "the aliases of the file repeat too much")
		return
	}
	switch from.kind {
	case listNode:
		for _, item := range from.items {
			c.merge(out, item, lines, at)
		}
	case mappingNode:
		for _, e := range from.entries {
			if lines[e.name] == 0 {
				lines[e.name] = e.line
				out.entries = append(out.entries, e)
			}
		}
	default:
		c.add(out.line, at, "the merge key << must refer to a mapping")
	}
}

// call makes a call of a mapping that is a function in its long form.
func (c *converter) call(n *node, at *path) *node {
	for _, e := range n.entries {
		name := e.name
		if name != "Ref" && !strings.HasPrefix(name, "Fn::") || name == "Ref" && len(n.entries) > 1 {
			continue
		}
		switch {
		case strings.HasPrefix(name, loopPrefix): // An expander replaces it.
			c.loops = max(c.loops, e.line)
			continue
		case !isFunction[name]:
			c.add(e.line, at.field(name), "there is no function %s%s", name, spelling.Meant(name, functions))
		case name == macro && len(n.entries) > 1: // The macro changes the other entries.
			return &node{kind: callNode, line: e.line, function: name, argument: n}
		case len(n.entries) > 1:
			c.add(e.line, at.field(name), "a function must be the only entry of its mapping")
		default:
			c.imports = c.imports || name == "Fn::ImportValue"
			return &node{kind: callNode, line: e.line, function: name, argument: e.value}
		}
		return null
	}
	return n
}

// scalar returns the value of a scalar. A template is YAML 1.1, in which yes and on are truth values.
func (c *converter) scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		return number(n)
	case "!!str":
		if c.json || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
			break
		}
		switch n.Value {
		case "yes", "Yes", "YES", "on", "On", "ON":
			return true
		case "no", "No", "NO", "off", "Off", "OFF":
			return false
		}
	}
	return n.Value
}

// number returns a number. Digits with a leading zero stay a text: an account id may begin with a zero.
func number(n *yaml.Node) any {
	digits := strings.TrimLeft(n.Value, "+-")
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return n.Value
	}
	if json.Valid([]byte(n.Value)) {
		return json.Number(n.Value)
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return n.Value
	}
	text := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		text = strconv.FormatFloat(f, 'g', -1, 64)
	}
	if !json.Valid([]byte(text)) {
		return n.Value
	}
	return json.Number(text)
}
