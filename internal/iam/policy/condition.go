package policy

import "strings"

// setRule says how a condition treats several values of one key.
type setRule uint8

const (
	plain        setRule = iota
	forAnyValue          // at least one of the request's values passes
	forAllValues         // every value passes, also if there are no values
)

// condition is one key under one operator.
type condition struct {
	operator operator
	set      setRule
	ifExists bool
	key      string // in lower case
	name     string // as written
	operands []operand
}

// parseConditions reads {operator: {key: value or list}}.
func (p *parser) parseConditions(v *value) ([]condition, *Error) {
	if v.kind != objectValue {
		return nil, faultf(textSyntax, v, "must be an object")
	}
	var out []condition
	for i := range v.members {
		m := &v.members[i]
		if m.value.kind != objectValue {
			return nil, faultf(textSyntax, &m.value, "%s must be an object", m.key)
		}
		for j := range m.value.members {
			k := &m.value.members[j]
			c, err := p.parseCondition(m.key, k)
			if err != nil {
				err.Reason = m.key + ": " + k.key + ": " + err.Reason
				if err.at < 0 {
					err.at = k.at
				}
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func (p *parser) parseCondition(name string, m *member) (condition, *Error) {
	c := condition{key: strings.ToLower(m.key), name: m.key}
	if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		name, c.set = rest, forAnyValue
	} else if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, c.set = rest, forAllValues
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		name, c.ifExists = rest, true
	}
	if err := p.checkKey(m.key); err != nil {
		return c, err
	}
	op, ok := operators[name]
	if !ok {
		return c, faultf(textSyntax, nil, "this condition operator is not supported")
	}
	if op.family == nullFamily && (c.ifExists || c.set != plain) {
		return c, faultf(textSyntax, nil, "Null takes neither IfExists nor a set prefix")
	}
	c.operator = op
	values, err := scalars(&m.value)
	if err != nil {
		return c, err
	}
	for _, s := range values {
		o, fault := op.parse(s, p.vars)
		if fault != nil {
			return c, faultf(textSyntax, nil, "%v", fault)
		}
		// A comparison with a variable that no request carries would never hold, and
		// a Deny would never deny.
		o.each(func(v *piece) {
			if err == nil {
				err = p.checkKey(v.name)
			}
		})
		if err != nil {
			return c, err
		}
		c.operands = append(c.operands, o)
	}
	return c, nil
}

// each calls f for every variable of the operand.
func (o *operand) each(f func(*piece)) {
	o.text.each(f)
	if o.arn != nil {
		o.arn.each(f)
	}
}

// scalars reads a condition's values: one or a list of strings, numbers and booleans.
// Numbers and booleans are read as their JSON text.
func scalars(v *value) ([]string, *Error) {
	list := v.items()
	if len(list) == 0 {
		// No value would match, and a Deny would never deny: it must be a mistake.
		return nil, faultf(textSyntax, v, "must not be empty")
	}
	out := make([]string, 0, len(list))
	for i := range list {
		switch e := &list[i]; e.kind {
		case textValue, numberValue, boolValue:
			out = append(out, e.text)
		default:
			return nil, faultf(textSyntax, e, "values must be strings, numbers or booleans")
		}
	}
	return out, nil
}

// holds reports whether the condition holds.
func (c *condition) holds(ctx *Context) bool {
	values := ctx.lookup(c.key)
	if c.operator.family == nullFamily {
		for i := range c.operands {
			if c.operands[i].truth == (len(values) == 0) {
				return true
			}
		}
		return false
	}
	negated := c.operator.negated
	if len(values) == 0 {
		switch {
		case c.ifExists:
			return true
		case c.set == forAnyValue:
			return false
		}
		return c.set == forAllValues || negated
	}
	// ForAllValues wants every value to pass. So does a plain negated operator: none of
	// the request's values may be listed.
	every := c.set == forAllValues || c.set == plain && negated
	for _, v := range values {
		if passes := c.operator.holds(c.operands, v, ctx) != negated; passes != every {
			return passes
		}
	}
	return every
}
