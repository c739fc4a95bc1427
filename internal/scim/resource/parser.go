package resource

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of filters and paths. Deeper nesting would cost stack, longer filters time.
const (
	maxFilter      = 1024
	maxFilterDepth = 16
)

// ParseFilter parses the filter of a query (RFC 7644 §3.4.2.2). It also accepts a
// sub-attribute behind brackets, which Microsoft Entra ID sends:
// emails[type eq "work"].value eq "a@example.com".
func (t *Type) ParseFilter(text string) (*Filter, error) {
	p := &parser{text: text, lookup: t.resolve, fail: InvalidFilterf}
	if err := p.checkText(); err != nil {
		return nil, err
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.text) {
		return nil, p.unexpected("the end")
	}
	return &Filter{t: t, root: root}, nil
}

// A path is the place that an operation of PATCH changes (RFC 7644 §3.5.2).
type path struct {
	target
	where  node // Selects among the values of a multi-valued attribute. May be nil.
	filter int  // Bytes of the text if it has a filter.
}

// parsePath parses the path of an operation.
func (t *Type) parsePath(text string) (path, error) {
	text = strings.TrimSpace(text)
	p := &parser{text: text, lookup: t.resolve, fail: InvalidPathf}
	if err := p.checkText(); err != nil {
		return path{}, err
	}
	name := p.word()
	at, ok := t.resolve(name)
	if !ok {
		return path{}, InvalidPathf("A %s has no attribute %s.", t.name, quote(text))
	}
	if p.pos == len(text) {
		return path{target: at}, nil
	}
	if !p.take('[') {
		return path{}, p.unexpected("a filter in brackets")
	}
	p.strict = true
	where, sub, err := p.brackets(at, name)
	if err != nil {
		return path{}, err
	}
	if p.pos < len(text) {
		return path{}, p.unexpected("the end")
	}
	at.sub = sub
	return path{target: at, where: where, filter: len(text)}, nil
}

// A parser reads a filter by recursive descent. Every function but space expects its text
// at the position, behind spaces.
type parser struct {
	text   string
	pos    int
	depth  int
	lookup func(name string) (target, bool)
	strict bool // Refuse unknown attributes.
	fail   func(format string, args ...any) *Error
}

func (p *parser) checkText() error {
	switch {
	case len(p.text) > maxFilter:
		return p.fail("The text has more than %d bytes.", maxFilter)
	case !utf8.ValidString(p.text):
		return p.fail("The text is not valid UTF-8.")
	default:
		return nil
	}
}

func (p *parser) unexpected(wanted string) error {
	return p.fail("Expected %s at %s.", wanted, quote(p.text[p.pos:]))
}

func (p *parser) space() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

func (p *parser) take(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// word reads a name, an operator, a number or a literal. It may be empty.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.text) && isWord(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.:$+-", c) >= 0
}

// keyword reads a word if it is the given one, in any case.
func (p *parser) keyword(word string) bool {
	start := p.pos
	p.space()
	if fold(p.word()) == word {
		return true
	}
	p.pos = start
	return false
}

func (p *parser) or() (node, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, p.fail("The filter is nested more than %d levels deep.", maxFilterDepth)
	}
	defer func() { p.depth-- }()
	var parts disjunction
	for {
		part, err := p.and()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.keyword("or") {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return parts, nil
}

func (p *parser) and() (node, error) {
	var parts conjunction
	for {
		part, err := p.term()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.keyword("and") {
			break
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return parts, nil
}

func (p *parser) term() (node, error) {
	p.space()
	start := p.pos
	negative := p.keyword("not")
	p.space()
	if p.take('(') {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.take(')') {
			return nil, p.unexpected("a closing parenthesis")
		}
		if negative {
			return negation{n}, nil
		}
		return n, nil
	}
	p.pos = start
	return p.comparison()
}

func (p *parser) comparison() (node, error) {
	name := p.word()
	if name == "" {
		return nil, p.unexpected("an attribute")
	}
	c := &comparison{}
	at, ok := p.lookup(name)
	if ok = ok && at.attr != nil; ok {
		c.at = at
	} else if p.strict {
		return nil, p.fail("There is no attribute %s.", quote(name))
	}
	if p.take('[') {
		where, sub, err := p.brackets(c.at, name)
		if err != nil {
			return nil, err
		}
		c.where, c.at.sub = where, sub
		if sub == nil {
			c.op = opPresent
			return c, nil
		}
	}
	return p.operator(c)
}

// brackets reads the filter of a value path behind its opening bracket, and the
// sub-attribute behind its closing bracket, if there is one.
func (p *parser) brackets(at target, name string) (where node, sub *attribute, err error) {
	if at.attr == nil || at.sub != nil || !at.attr.MultiValued() || !at.attr.complex() {
		return nil, nil, p.fail("The attribute %s has no values that brackets could select among.", quote(name))
	}
	outer := p.lookup
	p.lookup = func(name string) (target, bool) {
		a := at.attr.subs[fold(name)]
		return target{attr: a}, a != nil
	}
	where, err = p.or()
	p.lookup = outer
	if err != nil {
		return nil, nil, err
	}
	if p.space(); !p.take(']') {
		return nil, nil, p.unexpected("a closing bracket")
	}
	if p.take('.') {
		word := p.word()
		if sub = at.attr.subs[fold(word)]; sub == nil {
			return nil, nil, p.fail("The attribute %s has no sub-attribute %s.", at.attr.Name(), quote(word))
		}
	}
	return where, sub, nil
}

func (p *parser) operator(c *comparison) (node, error) {
	p.space()
	start := p.pos
	switch c.op = fold(p.word()); c.op {
	case opPresent:
		return c, nil
	case opEqual, opNotEqual, opContains, opStartsWith, opEndsWith, opGreater, opGreaterOrEqual, opLess, opLessOrEqual:
	default:
		p.pos = start
		return nil, p.unexpected("an operator such as eq or pr")
	}
	p.space()
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	if v == nil {
		return p.comparisonWithNull(c)
	}
	if c.operand, err = p.operand(c, v); err != nil {
		return nil, err
	}
	return c, nil
}

// comparisonWithNull returns the test whether an attribute has values (RFC 7643 §2.5: null
// is the same as no value).
func (p *parser) comparisonWithNull(c *comparison) (node, error) {
	equal := c.op == opEqual
	if !equal && c.op != opNotEqual {
		return nil, p.fail("The operator %s does not compare with null.", c.op)
	}
	c.op = opPresent
	if equal {
		return negation{c}, nil
	}
	return c, nil
}

// literal reads a text, a boolean, a number or null.
func (p *parser) literal() (any, error) {
	if p.pos < len(p.text) && p.text[p.pos] == '"' {
		return p.quoted()
	}
	start := p.pos
	switch word := fold(p.word()); word {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	default:
		var n json.Number
		if word != "" && json.Unmarshal([]byte(word), &n) == nil {
			return n, nil
		}
		p.pos = start
		return nil, p.unexpected("a value, such as a text in quotation marks")
	}
}

func (p *parser) quoted() (any, error) {
	start := p.pos
	for p.pos++; p.pos < len(p.text) && p.text[p.pos] != '"'; p.pos++ {
		if p.text[p.pos] == '\\' {
			p.pos++
		}
	}
	if p.pos >= len(p.text) {
		p.pos = start
		return nil, p.unexpected("a text with a closing quotation mark")
	}
	p.pos++
	var s string
	if json.Unmarshal([]byte(p.text[start:p.pos]), &s) != nil {
		p.pos = start
		return nil, p.unexpected("a text in the form of JSON")
	}
	if checkText(s) != nil {
		return nil, p.fail("A text contains the character NUL.")
	}
	return s, nil
}

// operand returns a literal as a value of the compared attribute's type.
func (p *parser) operand(c *comparison, v any) (any, error) {
	if c.at.attr == nil {
		return v, nil // It never matches.
	}
	leaf := c.at.compared().leaf()
	text, isText := v.(string)
	switch kind := leaf.AttributeType(); kind {
	case "boolean":
		if c.op != opEqual && c.op != opNotEqual {
			return nil, p.fail("The operator %s does not compare booleans.", c.op)
		}
		if b, ok := boolean(v); ok {
			return b, nil
		}
	case "complex":
		return nil, p.fail("The attribute %s can be compared by a sub-attribute only.", c.at)
	case "dateTime":
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return t, nil
		}
	case "binary":
		if c.op != opEqual && c.op != opNotEqual {
			return nil, p.fail("The operator %s does not compare binary values.", c.op)
		}
		if isText {
			return text, nil
		}
	default:
		if isText {
			return text, nil
		}
	}
	return nil, p.fail("The attribute %s cannot be compared with %s: its type is %s.", c.at, quote(asText(v)), leaf.AttributeType())
}

// boolean returns a boolean, which Microsoft Entra ID may send as a text.
func boolean(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return fold(v) == "true", fold(v) == "true" || fold(v) == "false"
	default:
		return false, false
	}
}

func asText(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.Trim(string(encoded), `"`)
}
