package awsjson

import (
	"cognate/internal/api"
)

const (
	// maxDepth is the deepest nesting of objects and lists; the deepest modelled input has 6.
	maxDepth = 32
	// maxDocumentDepth is the deepest nesting of free JSON, counted from the body's root.
	maxDocumentDepth = 100
	// maxElements is the most elements of a list or map, far above any limit of the model. So
	// a body of `{},{},…` cannot take many times its size in memory.
	maxElements = 4096
	// maxViolations limits the length of the answer to a bad body.
	maxViolations = 100
)

// A Decoder reads one body. The first error sticks: every later read returns zero values and
// every loop ends, so that generated code need not check errors.
type Decoder struct {
	data  []byte
	pos   int
	depth int
	err   *api.Error

	key     []byte
	first   bool
	scratch []byte
	loose   bool

	frames     []frame
	frameArray [8]frame
	violations []violation
}

// NewDecoder returns a decoder of body; an empty body is the same as {}.
func NewDecoder(body []byte) *Decoder {
	d := &Decoder{data: body}
	d.frames = d.frameArray[:0]
	d.space()
	if d.pos == len(d.data) {
		d.data, d.pos = []byte("{}"), 0
	}
	return d
}

// NewLooseDecoder is NewDecoder for bodies made from awsQuery forms, where
// numbers and booleans arrive as text.
func NewLooseDecoder(body []byte) *Decoder {
	d := NewDecoder(body)
	d.loose = true
	return d
}

// OK reports whether nothing has failed yet.
func (d *Decoder) OK() bool { return d.err == nil }

// Finish returns the result: a SerializationException, or all constraint violations in one
// error of the given code, or nil.
func (d *Decoder) Finish(validationCode string) error {
	if d.err == nil {
		d.space()
		if d.pos != len(d.data) {
			d.unexpected()
		}
	}
	if d.err != nil {
		return d.err
	}
	if len(d.violations) > 0 {
		return api.NewError(validationCode, d.violationText())
	}
	return nil
}

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = api.SerializationError(format, args...)
	}
	d.pos = len(d.data)
}

// unexpected fails at the current byte.
func (d *Decoder) unexpected() {
	if d.pos >= len(d.data) {
		d.fail("Unexpected end of input")
		return
	}
	d.fail("Unexpected token at position %d", d.pos)
}

func (d *Decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the byte that the next value begins with, or 0.
func (d *Decoder) peek() byte {
	d.space()
	if d.err != nil || d.pos >= len(d.data) {
		return 0
	}
	return d.data[d.pos]
}

func (d *Decoder) literal(s string) bool {
	if len(d.data)-d.pos >= len(s) && string(d.data[d.pos:d.pos+len(s)]) == s {
		d.pos += len(s)
		return true
	}
	return false
}

// null consumes a null if that comes next.
func (d *Decoder) null() bool {
	if d.peek() != 'n' {
		return false
	}
	if !d.literal("null") {
		d.unexpected()
	}
	return true
}

func (d *Decoder) enter(limit int) bool {
	if d.depth++; d.depth > limit {
		d.fail("Nesting is too deep")
		return false
	}
	d.pos++
	d.first = true
	return true
}

// Fields records which members of a structure were present, by their bit. A member's bit is
// its place in the model.
type Fields struct {
	keys uint64
	// Set has the members with a value other than null.
	Set uint64
}

// BeginObject reads `{`. Where something else stands it fails, and Next returns false.
func (d *Decoder) BeginObject() {
	switch c := d.peek(); {
	case d.err != nil:
	case c == '{':
		d.enter(maxDepth)
	case c == 0:
		d.unexpected()
	default:
		d.fail("Expected map or null")
	}
}

// Next reads up to the next member's value and reports whether there is one.
// After the last it has read `}`.
func (d *Decoder) Next() bool {
	c, ok := d.next('}')
	if !ok {
		return false
	}
	if c != '"' {
		d.unexpected()
		return false
	}
	d.key = d.text()
	if d.peek() != ':' {
		d.unexpected()
		return false
	}
	d.pos++
	return d.err == nil
}

// next reads the comma before the next member or element. It returns what follows and
// reports whether there may be one. After the last it has read end.
func (d *Decoder) next(end byte) (c byte, ok bool) {
	c = d.peek()
	if d.err != nil {
		return c, false
	}
	if c == end {
		d.pos++
		d.depth--
		d.first = false
		return c, false
	}
	if !d.first {
		if c != ',' {
			d.unexpected()
			return c, false
		}
		d.pos++
		c = d.peek()
	}
	d.first = false
	return c, true
}

// Key returns the name of the member that Next stopped at. It is valid until the next read.
func (d *Decoder) Key() []byte { return d.key }

// Value begins the member with a bit. It rejects a repeated name, and reports whether there is
// a value other than null.
func (d *Decoder) Value(f *Fields, bit uint) bool {
	if f.keys&(1<<bit) != 0 {
		d.fail("Duplicate field %s", quoted(d.key))
		return false
	}
	f.keys |= 1 << bit
	if d.null() || d.err != nil {
		return false
	}
	f.Set |= 1 << bit
	return true
}

// beginList reads `[`.
func (d *Decoder) beginList() bool {
	switch c := d.peek(); {
	case d.err != nil:
	case c == '[':
		return d.enter(maxDepth)
	case c == '"' && d.loose && d.literal(`""`):
		return false // Forms write an empty list as an empty value.
	default:
		d.mismatch(c, "a List")
	}
	return false
}

// nextElement reports whether another element of a list follows, and stops at it.
func (d *Decoder) nextElement() bool {
	c, ok := d.next(']')
	if !ok {
		return false
	}
	if c == 0 || c == ']' { // the end of the text, or a comma before the bracket
		d.unexpected()
	}
	return d.err == nil
}

// tooMany fails if a list or map goes on after maxElements elements.
func (d *Decoder) tooMany(n int) bool {
	if n < maxElements {
		return false
	}
	d.fail("Too many elements")
	return true
}

// mismatch fails as AWS's front end words it when a value is of the wrong type.
func (d *Decoder) mismatch(c byte, want string) {
	switch {
	case d.err != nil:
	case c == '{':
		d.fail("Start of structure or map found where not expected.")
	case c == '[':
		d.fail("Start of list found where not expected")
	case c == '"':
		d.fail("STRING_VALUE can not be converted to %s", want)
	case c == 't' && d.literal("true"):
		d.fail("TRUE_VALUE can not be converted to %s", want)
	case c == 'f' && d.literal("false"):
		d.fail("FALSE_VALUE can not be converted to %s", want)
	case c == '-' || c >= '0' && c <= '9':
		d.fail("NUMBER_VALUE can not be converted to %s", want)
	default:
		d.unexpected()
	}
}

// Root reads the whole body, which is one structure or null, with read.
func (d *Decoder) Root(read func()) {
	if d.null() {
		// null is the same as {}: required members are missing.
		d.data, d.pos = append([]byte("{}"), d.data[d.pos:]...), 0
	}
	if d.err == nil {
		read()
	}
}
