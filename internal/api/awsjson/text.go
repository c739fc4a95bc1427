package awsjson

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a JSON string, which must begin at pos. The result is a part of
// the body or of scratch: good until the next read.
func (d *Decoder) text() []byte {
	d.pos++
	start := d.pos
	ascii := true
	for {
		d.pos += plainLen(d.data[d.pos:])
		if d.pos >= len(d.data) {
			break
		}
		switch c := d.data[d.pos]; {
		case c == '"':
			s := d.data[start:d.pos]
			d.pos++
			if !ascii && !utf8.Valid(s) {
				d.fail("Invalid UTF-8")
				return nil
			}
			return s
		case c == '\\':
			return d.escapedText(start)
		case c < 0x20:
			d.fail("Illegal unquoted character in a string (code %d)", c)
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
		d.pos++
	}
	d.fail("Unexpected end of input in a string")
	return nil
}

// escapedText goes on where text found the first backslash.
func (d *Decoder) escapedText(start int) []byte {
	out := append(d.scratch[:0], d.data[start:d.pos]...)
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c == '"':
			d.pos++
			d.scratch = out
			if !utf8.Valid(out) {
				d.fail("Invalid UTF-8")
				return nil
			}
			return out
		case c == '\\':
			d.pos++
			r, ok := d.escape()
			if !ok {
				d.fail("Unrecognized character escape")
				return nil
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			d.fail("Illegal unquoted character in a string (code %d)", c)
			return nil
		default:
			out = append(out, c)
			d.pos++
		}
	}
	d.fail("Unexpected end of input in a string")
	return nil
}

var simpleEscapes = [256]rune{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape reads what stands after a backslash. Half of a surrogate pair is no
// character (RFC 8259 §8.2 leaves it open; Java would let it in, storage would not).
func (d *Decoder) escape() (rune, bool) {
	if d.pos >= len(d.data) {
		return 0, false
	}
	c := d.data[d.pos]
	d.pos++
	if c != 'u' {
		r := simpleEscapes[c]
		return r, r != 0
	}
	r, ok := d.hex4()
	if !ok || r == 0 {
		return 0, false
	}
	if !utf16.IsSurrogate(r) {
		return r, true
	}
	if !d.literal(`\u`) {
		return 0, false
	}
	low, ok := d.hex4()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != utf8.RuneError
}

func (d *Decoder) hex4() (rune, bool) {
	if len(d.data)-d.pos < 4 {
		return 0, false
	}
	var r rune
	for _, c := range d.data[d.pos : d.pos+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	d.pos += 4
	return r, true
}

// number reads the literal of a number as RFC 8259 §6 has it.
func (d *Decoder) number() []byte {
	start := d.pos
	at := func() byte {
		if d.pos < len(d.data) {
			return d.data[d.pos]
		}
		return 0
	}
	digits := func() bool {
		from := d.pos
		for c := at(); c >= '0' && c <= '9'; c = at() {
			d.pos++
		}
		return d.pos > from
	}
	if at() == '-' {
		d.pos++
	}
	ok := true
	if at() == '0' {
		d.pos++
	} else {
		ok = digits()
	}
	if ok && at() == '.' {
		d.pos++
		ok = digits()
	}
	if c := at(); ok && (c == 'e' || c == 'E') {
		d.pos++
		if c = at(); c == '+' || c == '-' {
			d.pos++
		}
		ok = digits()
	}
	if !ok {
		d.unexpected()
		return nil
	}
	return d.data[start:d.pos]
}

// Skip reads over a value of a member that the model does not know.
func (d *Decoder) Skip() { d.skip(maxDepth, false) }

// skip reads over any value; with strict it refuses repeated names in objects.
func (d *Decoder) skip(limit int, strict bool) {
	switch c := d.peek(); {
	case d.err != nil:
	case c == '"':
		d.text()
	case c == '{':
		d.skipObject(limit, strict)
	case c == '[':
		if d.enter(limit) {
			for d.nextElement() {
				d.skip(limit, strict)
			}
		}
	case c == '-' || c >= '0' && c <= '9':
		d.number()
	case c == 't' && d.literal("true"), c == 'f' && d.literal("false"), c == 'n' && d.literal("null"):
	default:
		d.unexpected()
	}
}

func (d *Decoder) skipObject(limit int, strict bool) {
	if !d.enter(limit) {
		return
	}
	var seen map[string]struct{}
	for d.Next() {
		if strict {
			if _, again := seen[string(d.key)]; again {
				d.fail("Duplicate field %s", quoted(d.key))
				return
			}
			if seen == nil {
				seen = map[string]struct{}{}
			}
			seen[string(d.key)] = struct{}{}
		}
		d.skip(limit, strict)
	}
}

func quoted(key []byte) string {
	if len(key) > 64 {
		key = bytes.ToValidUTF8(key[:64], nil)
	}
	return strconv.Quote(string(key))
}
