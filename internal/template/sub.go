package template

import "strings"

// sub evaluates Fn::Sub: a text, or a list of a text and its variables.
func (e *evaluator) sub(s *stack, n *node, at *path) any {
	a := n.argument
	variables := map[string]any{}
	text, ok := a.text()
	if !ok {
		if !e.count(s, a, at, 2, 2) {
			return unknown{}
		}
		values := a.items[1]
		if text, ok = a.items[0].text(); !ok {
			e.add(s, a.items[0].line, at.index(0), "must be a text, %s", found(a.items[0]))
			return unknown{}
		}
		if values.kind != mappingNode {
			e.add(s, values.line, at.index(1), "must be a mapping of names to values, %s", found(values))
			return unknown{}
		}
		variables = e.mapping(s, values, at.index(1))
	}
	var out strings.Builder
	known, stands := true, false
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			e.add(s, n.line, at, "the text has ${ without }")
			return unknown{}
		}
		rest = tail
		if literal, is := strings.CutPrefix(name, "!"); is {
			out.WriteString("${" + literal + "}")
			continue
		}
		part, standsFor, ok := e.variable(s, name, variables, n.line, at)
		known, stands = known && ok, stands || standsFor
		if !e.fits(s, len(part), n.line, at) {
			return unknown{}
		}
		out.WriteString(part)
	}
	if !known {
		return unknown{}
	}
	return textOrPlaceholder(out.String(), stands)
}

// variable returns the value of a name in a text of Fn::Sub, and whether it is a placeholder.
func (e *evaluator) variable(s *stack, name string, variables map[string]any, line int, at *path) (text string, stands, ok bool) {
	if name == "" || strings.Trim(name, nameLetters) != "" || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(nameLetters, r) }) {
		e.add(s, line, at, "${%s} must have a name of letters, digits, underscores, points and colons", name)
		return "", false, false
	}
	v, given := variables[name]
	if !given {
		resource, attribute, dotted := strings.Cut(name, ".")
		if dotted {
			v = e.attribute(s, resource, attribute, line, at)
		} else {
			v = e.ref(s, name, line, at)
		}
	}
	if isUnknown(v) {
		return "", false, false
	}
	if text, ok = textOf(v); !ok {
		e.add(s, line, at, "${%s} must be a text, %s", name, foundResult(v))
	}
	return text, isPlaceholder(v), ok
}

const nameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-"
