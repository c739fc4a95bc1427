package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is text with wildcards and, in documents of 2012-10-17, variables. It is
// kept in pieces so that the value of a variable is always literal: a user named "*"
// gets no wildcard.
type pattern struct {
	pieces    []piece
	variables int
	foldCase  bool
}

type pieceKind uint8

const (
	literal  pieceKind = iota
	anyRun             // *
	anyOne             // ?
	variable           // ${key} or ${key, 'default'}
)

type piece struct {
	kind       pieceKind
	hasDefault bool
	text       string // the literal, or the variable's key in lower case
	name       string // the variable's key as written
	fallback   string
}

// syntax says which characters of a pattern are special.
type syntax struct{ wild, vars, foldCase bool }

// parsePattern reads s.
func parsePattern(s string, x syntax) (pattern, error) {
	p := pattern{foldCase: x.foldCase}
	var text []byte // the literal before s
	add := func(e piece) {
		p.addLiteral(string(text))
		text = text[:0]
		p.pieces = append(p.pieces, e)
	}
	for s != "" {
		i := strings.IndexAny(s, "*?$")
		if i < 0 {
			i = len(s)
		}
		text = append(text, s[:i]...)
		s = s[i:]
		switch {
		case s == "":
		case s[0] == '*' && x.wild:
			// Runs of * mean the same as one, and would cost time.
			if n := len(p.pieces); n == 0 || len(text) > 0 || p.pieces[n-1].kind != anyRun {
				add(piece{kind: anyRun})
			}
			s = s[1:]
		case s[0] == '?' && x.wild:
			add(piece{kind: anyOne})
			s = s[1:]
		case x.vars && strings.HasPrefix(s, "${"):
			v, rest, err := parseVariable(s[2:])
			switch {
			case err != nil:
				return p, err
			case v.kind == literal:
				text = append(text, v.text...)
			default:
				p.variables++
				add(v)
			}
			s = rest
		default:
			text = append(text, s[0])
			s = s[1:]
		}
	}
	p.addLiteral(string(text))
	return p, nil
}

// addLiteral appends a literal. Literals never follow each other.
func (p *pattern) addLiteral(s string) {
	if s != "" {
		p.pieces = append(p.pieces, piece{kind: literal, text: s})
	}
}

var errNoBrace = errors.New("a policy variable lacks its closing brace")

// parseVariable reads a variable after its opening brace. It returns the text after the
// closing brace. ${*}, ${?} and ${$} are literals.
func parseVariable(s string) (v piece, rest string, err error) {
	end := strings.IndexAny(s, ",}")
	if end < 0 {
		return v, "", errNoBrace
	}
	v.kind, v.name = variable, strings.TrimSpace(s[:end])
	v.text = strings.ToLower(v.name)
	switch {
	case s[end] == ',':
		v.hasDefault = true
		if v.fallback, rest, err = parseDefault(strings.TrimSpace(s[end+1:])); err != nil {
			return v, "", fmt.Errorf("the policy variable %q: %w", v.name, err)
		}
	case len(v.name) == 1 && strings.Contains("*?$", v.name):
		v.kind = literal
		fallthrough
	default:
		rest = s[end+1:]
	}
	if v.text == "" {
		return v, "", errors.New("a policy variable has no name")
	}
	return v, rest, nil
}

// parseDefault reads 'text'} and returns the text and what follows the brace.
func parseDefault(s string) (text, rest string, err error) {
	if !strings.HasPrefix(s, "'") {
		return "", "", errors.New("its default must stand in single quotes")
	}
	text, rest, ok := strings.Cut(s[1:], "'")
	if !ok {
		return "", "", errors.New("its default must stand in single quotes")
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "}")
	if !ok {
		return "", "", errNoBrace
	}
	return text, rest, nil
}

// stackVariables is how many variables of one pattern are resolved without an
// allocation.
const stackVariables = 8

// match reports whether p matches all of s. A variable without a value, or with
// several, matches nothing.
func (p *pattern) match(s string, c *Context) bool {
	if p.variables == 0 {
		switch {
		case len(p.pieces) == 0:
			return s == ""
		case len(p.pieces) == 1 && p.pieces[0].kind == anyRun:
			return true
		}
		return p.walk(s, nil)
	}
	if first := &p.pieces[0]; first.kind == literal {
		if _, ok := p.cut(s, first.text); !ok {
			return false
		}
	}
	var buffer [stackVariables]string
	values, ok := p.resolve(buffer[:0], c)
	return ok && p.walk(s, values)
}

// resolve appends the values of the variables.
func (p *pattern) resolve(values []string, c *Context) ([]string, bool) {
	for i := range p.pieces {
		e := &p.pieces[i]
		if e.kind != variable {
			continue
		}
		switch found := c.lookup(e.text); {
		case len(found) == 1:
			values = append(values, found[0])
		case len(found) == 0 && e.hasDefault:
			values = append(values, e.fallback)
		default:
			return values, false
		}
	}
	return values, true
}

// walk matches with the variables' values. It backtracks only to the last *, which is
// sufficient and takes at most len(p)·len(s) steps.
func (p *pattern) walk(s string, values []string) bool {
	at, used, rest := 0, 0, s
	run, runUsed, mark := -1, 0, ""
	for {
		if at < len(p.pieces) {
			switch e := &p.pieces[at]; e.kind {
			case anyRun:
				if at == len(p.pieces)-1 {
					return true
				}
				run, runUsed, mark = at, used, rest
				at++
				continue
			case anyOne:
				if rest != "" {
					at++
					rest = rest[runeLen(rest):]
					continue
				}
			default:
				text := e.text
				if e.kind == variable {
					text = values[used]
				}
				if after, ok := p.cut(rest, text); ok {
					at++
					if e.kind == variable {
						used++
					}
					rest = after
					continue
				}
			}
		} else if rest == "" {
			return true
		}
		if run < 0 || mark == "" {
			return false
		}
		mark = mark[runeLen(mark):]
		at, used, rest = run+1, runUsed, mark
	}
}

// cut returns s after the literal text.
func (p *pattern) cut(s, text string) (string, bool) {
	if !p.foldCase {
		return strings.CutPrefix(s, text)
	}
	for text != "" {
		if s == "" {
			return "", false
		}
		a, b := s[0], text[0]
		if a < utf8.RuneSelf && b < utf8.RuneSelf {
			if a != b && lower(a) != lower(b) {
				return "", false
			}
			s, text = s[1:], text[1:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		q, m := utf8.DecodeRuneInString(text)
		if !sameFold(r, q) || r == utf8.RuneError && s[:n] != text[:m] {
			return "", false
		}
		s, text = s[n:], text[m:]
	}
	return s, true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// sameFold reports whether two letters differ at most in case (Unicode simple folding,
// as strings.EqualFold).
func sameFold(a, b rune) bool {
	if a == b {
		return true
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}

// runeLen returns the length of the first character. A byte that is not UTF-8 is a
// character of its own.
func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}
