package template

import (
	"cognate/internal/spelling"
)

// A condition is an entry of the section Conditions.
type condition struct {
	node *node
	at   *path
	// begun and done say how far the evaluation is.
	begun, done bool
	holds       bool
}

// evaluateConditions evaluates all conditions of a template.
func (r *reader) evaluateConditions(s *stack) {
	e := s.template.newEvaluator()
	e.static = true
	for _, name := range s.conditionNames {
		c := s.conditions[name]
		e.condition(s, name, c.node.line, c.at)
	}
	for _, problem := range e.problems.List() {
		r.problems.Add(problem)
	}
}

// holds reports whether a condition holds; "" is no condition.
func (s *stack) holds(name string) bool {
	c := s.conditions[name]
	return name == "" || c == nil || c.holds
}

// taken returns the branch of Fn::If that conditions choose, or the node itself.
func (s *stack) taken(n *node) *node {
	for range maxDepth {
		if n == nil || n.kind != callNode || n.function != "Fn::If" || n.argument.kind != listNode || len(n.argument.items) != 3 {
			return n
		}
		name, _ := n.argument.items[0].text()
		if s.holds(name) {
			n = n.argument.items[1]
		} else {
			n = n.argument.items[2]
		}
	}
	return n
}

// condition evaluates a condition by its name.
func (e *evaluator) condition(s *stack, name string, line int, at *path) bool {
	c := s.conditions[name]
	switch {
	case c == nil:
		e.add(s, line, at, "there is no condition %s%s", name, spelling.Meant(name, s.conditionNames))
	case c.done:
		return c.holds
	case c.begun:
		e.add(s, line, at, "the condition %s refers to itself", name)
	default:
		c.begun = true
		c.holds = e.truth(s, c.node, c.at)
		c.done = true
		return c.holds
	}
	return false
}

// truth evaluates a function of conditions.
func (e *evaluator) truth(s *stack, n *node, at *path) bool {
	if !e.enter(s, n, at) {
		return false
	}
	defer e.leave()
	function, argument := n.function, n.argument
	if n.kind == mappingNode && len(n.entries) == 1 && n.entries[0].name == "Condition" {
		function, argument = "Condition", n.entries[0].value
	}
	at = at.field(function)
	switch function {
	case "Condition":
		name, ok := argument.text()
		if !ok {
			e.add(s, n.line, at, "must be the name of a condition, %s", found(argument))
			return false
		}
		return e.condition(s, name, n.line, at)
	case "Fn::Equals":
		if !e.count(s, argument, at, 2, 2) {
			return false
		}
		a, b := e.value(s, argument.items[0], at.index(0)), e.value(s, argument.items[1], at.index(1))
		if isUnknown(a) || isUnknown(b) {
			if e.problems.Len() == 0 {
				e.add(s, n.line, at, "a condition must not depend on the results of resources")
			}
			return false
		}
		return sameValue(a, b)
	case "Fn::Not":
		return e.count(s, argument, at, 1, 1) && !e.truth(s, argument.items[0], at.index(0))
	case "Fn::And", "Fn::Or":
		if !e.count(s, argument, at, 2, 10) {
			return false
		}
		// All are evaluated, for their problems.
		all, one := true, false
		for i, item := range argument.items {
			holds := e.truth(s, item, at.index(i))
			all, one = all && holds, one || holds
		}
		return function == "Fn::And" && all || function == "Fn::Or" && one
	}
	e.add(s, n.line, at.up, "must be a function of conditions, such as Fn::Equals, %s", found(n))
	return false
}

// sameValue reports whether two values are equal. A number or a truth value is equal to its text.
func sameValue(a, b any) bool {
	if x, ok := textOf(a); ok {
		y, ok := textOf(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameValue(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			if other, ok := b[name]; !ok || !sameValue(value, other) {
				return false
			}
		}
		return true
	}
	return a == nil && b == nil
}
