package policy

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// valueKind is the type of a JSON value.
type valueKind uint8

const (
	nullValue valueKind = iota
	boolValue
	numberValue
	textValue
	listValue
	objectValue
)

// value is a JSON value with its place in the text.
type value struct {
	kind       valueKind
	text       string // of a string, a number or a boolean
	list       []value
	members    []member
	start, end int
}

// member is one key of a JSON object, in the order written.
type member struct {
	key   string
	at    int // where the key begins
	value value
}

// maxDepth is more than any policy needs: document, statements, statement, condition,
// operator, list.
const maxDepth = 8

// syntaxError is a fault of the JSON text at an offset.
type syntaxError struct {
	at     int
	reason string
}

// scanner reads JSON strictly (RFC 8259). It rejects duplicate keys, since two readers
// could choose different values and a policy must have one meaning. It also rejects
// text that readers could understand differently: NUL, invalid UTF-8 and halves of
// surrogate pairs.
type scanner struct {
	text string
	pos  int
}

// parseJSON reads the only value of text.
func parseJSON(text string) (value, *syntaxError) {
	s := &scanner{text: text}
	v, err := s.value(0)
	if err != nil {
		return v, err
	}
	s.space()
	if s.pos < len(text) {
		return v, s.fault(s.pos, "text follows the document")
	}
	return v, nil
}

func (s *scanner) fault(at int, reason string) *syntaxError { return &syntaxError{at, reason} }

func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos == len(s.text) {
		return 0
	}
	return s.text[s.pos]
}

func (s *scanner) value(depth int) (value, *syntaxError) {
	c := s.peek()
	v := value{start: s.pos}
	if depth > maxDepth {
		return v, s.fault(s.pos, "nested too deeply")
	}
	var err *syntaxError
	switch {
	case c == '{':
		v.kind = objectValue
		err = s.object(&v, depth)
	case c == '[':
		v.kind = listValue
		err = s.array(&v, depth)
	case c == '"':
		v.kind = textValue
		v.text, err = s.str()
	case c == '-' || c >= '0' && c <= '9':
		v.kind = numberValue
		err = s.number()
		v.text = s.text[v.start:s.pos]
	default:
		err = s.word(&v)
	}
	v.end = s.pos
	return v, err
}

// word reads true, false or null.
func (s *scanner) word(v *value) *syntaxError {
	for _, w := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s.text[s.pos:], w) {
			s.pos += len(w)
			if w != "null" {
				v.kind, v.text = boolValue, w
			}
			return nil
		}
	}
	if s.pos == len(s.text) {
		return s.fault(s.pos, "not JSON: the text ends too soon")
	}
	return s.fault(s.pos, "not JSON: a value is expected")
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && s.text[s.pos] >= '0' && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) accept(letters string) bool {
	if s.pos < len(s.text) && strings.IndexByte(letters, s.text[s.pos]) >= 0 {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) number() *syntaxError {
	s.accept("-")
	ok := s.accept("0") || s.digits()
	if ok && s.accept(".") {
		ok = s.digits()
	}
	if ok && s.accept("eE") {
		s.accept("+-")
		ok = s.digits()
	}
	if !ok {
		return s.fault(s.pos, "not JSON: a number is not complete")
	}
	return nil
}

func (s *scanner) array(v *value, depth int) *syntaxError {
	s.pos++
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		e, err := s.value(depth + 1)
		if err != nil {
			return err
		}
		v.list = append(v.list, e)
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.fault(s.pos, "not JSON: a comma or a closing bracket is expected")
		}
	}
}

func (s *scanner) object(v *value, depth int) *syntaxError {
	s.pos++
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	seen := map[string]bool{}
	for {
		if s.peek() != '"' {
			return s.fault(s.pos, "not JSON: a key in double quotes is expected")
		}
		m := member{at: s.pos}
		var err *syntaxError
		if m.key, err = s.str(); err != nil {
			return err
		}
		if seen[m.key] {
			return s.fault(m.at, strconv.Quote(m.key)+" is there twice")
		}
		seen[m.key] = true
		if s.peek() != ':' {
			return s.fault(s.pos, "not JSON: a colon is expected")
		}
		s.pos++
		if m.value, err = s.value(depth + 1); err != nil {
			return err
		}
		v.members = append(v.members, m)
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.fault(s.pos, "not JSON: a comma or a closing brace is expected")
		}
	}
}

// str reads a string. Most strings have no escape and are part of the text.
func (s *scanner) str() (string, *syntaxError) {
	s.pos++
	start := s.pos
	var b []byte
	escaped := false
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '"':
			raw := s.text[start:s.pos]
			s.pos++
			if escaped {
				return string(b), nil
			}
			return raw, nil
		case c == '\\':
			if !escaped {
				b, escaped = append(b, s.text[start:s.pos]...), true
			}
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
			continue
		case c < ' ':
			return "", s.fault(s.pos, "not JSON: a control character stands in a string")
		}
		_, n := utf8.DecodeRuneInString(s.text[s.pos:])
		if escaped {
			b = append(b, s.text[s.pos:s.pos+n]...)
		}
		s.pos += n
	}
	return "", s.fault(s.pos, "not JSON: a string has no end")
}

// escapes are the letters after a backslash, in pairs with their characters.
const escapes = "\"\"\\\\//b\bf\fn\nr\rt\t"

func (s *scanner) escape() (rune, *syntaxError) {
	at := s.pos
	s.pos++
	if s.pos < len(s.text) && s.text[s.pos] != 'u' {
		for i := 0; i < len(escapes); i += 2 {
			if escapes[i] == s.text[s.pos] {
				s.pos++
				return rune(escapes[i+1]), nil
			}
		}
		return 0, s.fault(at, "not JSON: an unknown escape")
	}
	r, ok := s.hex()
	if ok && utf16.IsSurrogate(r) {
		var low rune
		if ok = strings.HasPrefix(s.text[s.pos:], `\u`); ok {
			s.pos++
			low, ok = s.hex()
		}
		r = utf16.DecodeRune(r, low)
		ok = ok && r != utf8.RuneError
	}
	switch {
	case !ok:
		return 0, s.fault(at, "not JSON: a wrong \\u escape")
	case r == 0:
		return 0, s.fault(at, "a string holds NUL")
	}
	return r, nil
}

// hex reads the letter u and four digits.
func (s *scanner) hex() (rune, bool) {
	if len(s.text)-s.pos < 5 {
		return 0, false
	}
	n, err := strconv.ParseUint(s.text[s.pos+1:s.pos+5], 16, 32)
	s.pos += 5
	return rune(n), err == nil
}
