package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// setRule says how a condition treats several values of one key.
type setRule uint8

const (
	plain        setRule = iota
	forAnyValue          // at least one of the request's values passes
	forAllValues         // every value passes, also if there are no values
)

// condition is one key under one operator.
type condition struct {
	set      setRule
	ifExists bool
	negated  bool
	null     bool // the Null operator: wantAbsent is its value
	key      string

	wantAbsent []bool
	values     []expected
}

// UnknownKeyError means that a policy names a condition key or a variable that no
// request carries.
type UnknownKeyError struct{ Key string }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the condition key %q is not supported", e.Key)
}

// expected is one value of a condition. matches reports whether a request's value
// equals it.
type expected interface {
	matches(value string, c Context) bool
}

// parseConditions reads {operator: {key: value or list}}.
func parseConditions(v any, vars bool, supported func(string) bool) ([]condition, error) {
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("must be an object")
	}
	var out []condition
	for _, m := range o {
		keys, ok := m.value.(object)
		if !ok {
			return nil, fmt.Errorf("%s must be an object", m.key)
		}
		for _, k := range keys {
			c, err := parseCondition(m.key, k, vars, supported)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", m.key, k.key, err)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func parseCondition(operator string, m member, vars bool, supported func(string) bool) (condition, error) {
	c := condition{key: strings.ToLower(m.key)}
	name := operator
	if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		name, c.set = rest, forAnyValue
	} else if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, c.set = rest, forAllValues
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		name, c.ifExists = rest, true
	}
	if !supported(c.key) {
		return c, &UnknownKeyError{m.key}
	}
	values, err := scalars(m.value)
	if err != nil {
		return c, err
	}
	if name == "Null" {
		return parseNull(c, values)
	}
	op, ok := operators[name]
	if !ok {
		return c, errors.New("this condition operator is not supported")
	}
	c.negated = op.negated
	for _, s := range values {
		e, err := op.parse(s, vars)
		if err != nil {
			return c, err
		}
		if err := checkVariables(e, supported); err != nil {
			return c, err
		}
		c.values = append(c.values, e)
	}
	return c, nil
}

// checkVariables rejects a variable that no request carries. Its comparison would
// never hold, and a Deny would never deny.
func checkVariables(e expected, supported func(string) bool) error {
	v, ok := e.(interface{ variables() []string })
	if !ok {
		return nil
	}
	for _, key := range v.variables() {
		if !supported(key) {
			return &UnknownKeyError{key}
		}
	}
	return nil
}

func parseNull(c condition, values []string) (condition, error) {
	if c.ifExists || c.set != plain {
		return c, errors.New("Null takes neither IfExists nor a set prefix")
	}
	c.null = true
	for _, s := range values {
		b, err := parseBool(s)
		if err != nil {
			return c, err
		}
		c.wantAbsent = append(c.wantAbsent, b)
	}
	return c, nil
}

// holds reports whether the condition holds.
func (c *condition) holds(ctx Context) bool {
	values := ctx.get(c.key)
	if c.null {
		return slices.Contains(c.wantAbsent, len(values) == 0)
	}
	if len(values) == 0 {
		switch {
		case c.ifExists:
			return true
		case c.set == forAnyValue:
			return false
		case c.set == forAllValues:
			return true
		}
		return c.negated
	}
	// one: does this value of the request pass by itself?
	one := func(v string) bool { return c.anyExpected(v, ctx) != c.negated }
	switch {
	case c.set == forAnyValue:
		return slices.ContainsFunc(values, one)
	case c.set == forAllValues:
		return !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
	case c.negated:
		// A plain negated operator: none of the request's values may be listed.
		return !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(values, one)
}

func (c *condition) anyExpected(value string, ctx Context) bool {
	for _, e := range c.values {
		if e.matches(value, ctx) {
			return true
		}
	}
	return false
}
