package template

import (
	"maps"
	"strings"
)

// loopPrefix begins the names of loops of AWS::LanguageExtensions.
const loopPrefix = "Fn::ForEach::"

// maxLoopNodes limits how many nodes a template has with what its loops repeat, and how often they repeat it.
const maxLoopNodes = 300_000

// An expander replaces loops by the entries that they repeat.
type expander struct {
	*reader
	stack  *stack
	steps  int
	length int // of the texts with values of loops
	// full is set after the problem that the template is too large.
	full bool
}

// step counts work. It reports whether the template is within the limits.
func (x *expander) step(work, line int, at *path) bool {
	if x.steps += work; x.full || x.steps <= maxLoopNodes && x.length <= maxText {
		return !x.full
	}
	x.add(x.stack, line, at, "the template is too large with what its loops repeat")
	x.full = true
	return false
}

// expand returns a node without loops. values are those of the identifiers of the loops around it.
func (x *expander) expand(n *node, values map[string]string, at *path) *node {
	if !x.step(1, n.line, at) {
		return null
	}
	switch n.kind {
	case scalarNode:
		if text, ok := n.text(); ok && len(values) > 0 {
			if replaced := x.substitute(text, values, n.line, at); replaced != text {
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
		name := x.substitute(e.name, values, e.line, at)
		if x.full {
			return
		}
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
	v := x.template.newEvaluator()
	v.static = true
	collection, ok := v.list(x.stack, x.expand(e.value.items[1], values, at.index(1)), at.index(1))
	for _, problem := range v.problems.List() {
		x.problems.Add(problem)
	}
	if x.length += v.length; !x.step(v.steps, e.line, at) {
		return
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
		if !x.step(1, e.line, at) {
			return
		}
		x.entries(out, body, inner, lines, at.up)
	}
}

// substitute replaces ${Identifier} by the value of a loop, and &{Identifier} by its letters and digits.
func (x *expander) substitute(text string, values map[string]string, line int, at *path) string {
	if !strings.Contains(text, "{") {
		return text
	}
	for name, value := range values {
		text = x.replace(text, "${"+name+"}", value, line, at)
		text = x.replace(text, "&{"+name+"}", strings.Map(func(r rune) rune {
			if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
				return r
			}
			return -1
		}, value), line, at)
	}
	return text
}

// replace replaces a part of a text. Values of loops may be made of those of other loops, so that their length
// doubles with each: it is counted before the text is made.
func (x *expander) replace(text, part, value string, line int, at *path) string {
	n := strings.Count(text, part)
	if n == 0 {
		return text
	}
	if x.length += len(text) + n*len(value); !x.step(0, line, at) {
		return text
	}
	return strings.ReplaceAll(text, part, value)
}
