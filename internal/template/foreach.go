package template

import (
	"maps"
	"strings"
)

// loopPrefix begins the names of loops of AWS::LanguageExtensions.
const loopPrefix = "Fn::ForEach::"

// maxLoopNodes limits how many nodes a template has with what its loops repeat.
const maxLoopNodes = 300_000

// An expander replaces loops by the entries that they repeat.
type expander struct {
	*reader
	stack *stack
	steps int
	// full is set after the problem that the template is too large.
	full bool
}

// expand returns a node without loops. values are those of the identifiers of the loops around it.
func (x *expander) expand(n *node, values map[string]string, at *path) *node {
	if x.steps++; x.steps > maxLoopNodes {
		if !x.full {
			x.add(x.stack, n.line, at, "the template is too large with what its loops repeat")
		}
		x.full = true
		return null
	}
	switch n.kind {
	case scalarNode:
		if text, ok := n.text(); ok && len(values) > 0 {
			if replaced := substitute(text, values); replaced != text {
				return &node{line: n.line, scalar: replaced}
			}
		}
	case listNode:
		out := &node{kind: listNode, line: n.line}
		for i, item := range n.items {
			out.items = append(out.items, x.expand(item, values, at.index(i)))
		}
		return out
	case callNode:
		if name, ok := n.argument.text(); ok && n.function == "Ref" {
			if value, is := values[name]; is {
				return &node{line: n.line, scalar: value}
			}
		}
		return &node{kind: callNode, line: n.line, function: n.function, argument: x.expand(n.argument, values, at.field(n.function))}
	case mappingNode:
		out := &node{kind: mappingNode, line: n.line}
		lines := map[string]int{}
		x.entries(out, n, values, lines, at)
		return out
	}
	return n
}

// entries appends the entries of a mapping, and those that its loops repeat.
func (x *expander) entries(out, n *node, values map[string]string, lines map[string]int, at *path) {
	for _, e := range n.entries {
		if strings.HasPrefix(e.name, loopPrefix) {
			x.loop(out, e, values, lines, at.field(e.name))
			continue
		}
		name := substitute(e.name, values)
		if lines[name] > 0 {
			x.add(x.stack, e.line, at.field(name), "is there twice; it is on line %d, too", lines[name])
			continue
		}
		lines[name] = e.line
		out.entries = append(out.entries, entry{name, e.line, x.expand(e.value, values, at.field(name))})
	}
}

// loop appends the entries that a loop repeats.
func (x *expander) loop(out *node, e entry, values map[string]string, lines map[string]int, at *path) {
	if e.value.kind != listNode || len(e.value.items) != 3 {
		x.add(x.stack, e.line, at, "a loop must be a list of an identifier, a collection and a mapping of what it repeats")
		return
	}
	identifier, ok := e.value.items[0].text()
	body := e.value.items[2]
	switch {
	case !ok || !logicalID.MatchString(identifier):
		x.add(x.stack, e.value.items[0].line, at.index(0), "must be an identifier of letters and digits")
		return
	case body.kind != mappingNode:
		x.add(x.stack, body.line, at.index(2), "must be a mapping of names to values, %s", found(body))
		return
	}
	v := &evaluator{template: x.template, static: true}
	collection, ok := v.list(x.stack, x.expand(e.value.items[1], values, at.index(1)), at.index(1))
	for _, problem := range v.problems.List() {
		x.problems.Add(problem)
	}
	if !ok {
		if v.problems.Len() == 0 {
			x.add(x.stack, e.line, at.index(1), "must not depend on the results of resources")
		}
		return
	}
	for i, item := range collection {
		text, ok := textOf(item)
		if !ok {
			x.add(x.stack, e.line, at.index(1).index(i), "must be a text, %s", foundResult(item))
			return
		}
		inner := maps.Clone(values)
		if inner == nil {
			inner = map[string]string{}
		}
		inner[identifier] = text
		if x.entries(out, body, inner, lines, at.up); x.full {
			return
		}
	}
}

// substitute replaces ${Identifier} by the value of a loop, and &{Identifier} by its letters and digits.
func substitute(text string, values map[string]string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for name, value := range values {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
		text = strings.ReplaceAll(text, "&{"+name+"}", strings.Map(func(r rune) rune {
			if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
				return r
			}
			return -1
		}, value))
	}
	return text
}
