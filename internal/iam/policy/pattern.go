package policy

import (
	"errors"
	"fmt"
	"strings"
)

// pattern is text with wildcards and, in documents of 2012-10-17, variables. It is
// kept in pieces so that the value of a variable is always literal: a user named "*"
// gets no wildcard.
type pattern struct {
	pieces []piece
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
	text       string // the literal, or the variable's key in lower case
	fallback   string
	hasDefault bool
}

// parsePattern reads s. With wild false, * and ? are letters like others; with
// vars false, so is ${…}.
func parsePattern(s string, wild, vars bool) (pattern, error) {
	var p pattern
	for s != "" {
		i := strings.IndexAny(s, "*?$")
		if i < 0 {
			i = len(s)
		}
		p.addLiteral(s[:i])
		s = s[i:]
		switch {
		case s == "":
		case s[0] == '*' && wild:
			p.pieces = append(p.pieces, piece{kind: anyRun})
			s = s[1:]
		case s[0] == '?' && wild:
			p.pieces = append(p.pieces, piece{kind: anyOne})
			s = s[1:]
		case vars && strings.HasPrefix(s, "${"):
			end := strings.IndexByte(s, '}')
			if end < 0 {
				return p, errors.New("a policy variable lacks its closing brace")
			}
			if err := p.addVariable(s[2:end]); err != nil {
				return p, err
			}
			s = s[end+1:]
		default:
			p.addLiteral(s[:1])
			s = s[1:]
		}
	}
	return p, nil
}

func (p *pattern) addLiteral(s string) {
	if s == "" {
		return
	}
	if n := len(p.pieces); n > 0 && p.pieces[n-1].kind == literal {
		p.pieces[n-1].text += s
		return
	}
	p.pieces = append(p.pieces, piece{kind: literal, text: s})
}

func (p *pattern) addVariable(body string) error {
	switch body {
	case "*", "?", "$":
		p.addLiteral(body)
		return nil
	}
	key, rest, hasDefault := strings.Cut(body, ",")
	v := piece{kind: variable, text: strings.ToLower(strings.TrimSpace(key)), hasDefault: hasDefault}
	if hasDefault {
		rest = strings.TrimSpace(rest)
		if len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' {
			return fmt.Errorf("the default of the policy variable %q must stand in single quotes", key)
		}
		v.fallback = rest[1 : len(rest)-1]
	}
	if v.text == "" {
		return errors.New("a policy variable has no name")
	}
	p.pieces = append(p.pieces, v)
	return nil
}

// variables lists the keys that p needs.
func (p pattern) variables() []string {
	var keys []string
	for _, e := range p.pieces {
		if e.kind == variable {
			keys = append(keys, e.text)
		}
	}
	return keys
}

// resolve replaces the variables by their values. It returns false if a variable has
// no value, or several.
func (p pattern) resolve(c Context) (pattern, bool) {
	if len(p.variables()) == 0 {
		return p, true
	}
	var out pattern
	for _, e := range p.pieces {
		if e.kind != variable {
			if e.kind == literal {
				out.addLiteral(e.text)
			} else {
				out.pieces = append(out.pieces, e)
			}
			continue
		}
		switch values := c.get(e.text); {
		case len(values) == 1:
			out.addLiteral(values[0])
		case len(values) == 0 && e.hasDefault:
			out.addLiteral(e.fallback)
		default:
			return out, false
		}
	}
	return out, true
}

// match reports whether p, which has no variables left, matches s. It backtracks only
// to the last *, which is sufficient and takes at most len(p)·len(s) steps.
func (p pattern) match(s string) bool {
	pi, si := 0, 0
	run, mark := -1, 0
	for {
		if pi < len(p.pieces) {
			switch e := p.pieces[pi]; {
			case e.kind == anyRun:
				run, mark = pi, si
				pi++
				continue
			case e.kind == anyOne && si < len(s):
				pi++
				si += runeLen(s[si:])
				continue
			case e.kind == literal && strings.HasPrefix(s[si:], e.text):
				pi++
				si += len(e.text)
				continue
			}
		} else if si == len(s) {
			return true
		}
		if run < 0 || mark >= len(s) {
			return false
		}
		mark += runeLen(s[mark:])
		pi, si = run+1, mark
	}
}

func runeLen(s string) int {
	for i := range s {
		if i > 0 {
			return i
		}
	}
	return len(s)
}

// arnPattern has a pattern for each of an ARN's six parts: a wildcard does not match
// across the first five colons.
type arnPattern struct {
	all   bool // "*" alone
	parts []pattern
}

const arnParts = 6

func parseARN(s string, vars bool) (arnPattern, error) {
	if s == "*" {
		return arnPattern{all: true}, nil
	}
	parts := splitARN(s)
	if len(parts) != arnParts || parts[0] != "arn" {
		return arnPattern{}, fmt.Errorf("%q is neither an ARN nor \"*\"", s)
	}
	var a arnPattern
	for i, part := range parts {
		// A variable stands only in the resource part (IAM User Guide, policy variables).
		if i < arnParts-1 && vars && strings.Contains(part, "${") {
			return a, fmt.Errorf("%q has a variable before its resource part", s)
		}
		p, err := parsePattern(part, true, vars)
		if err != nil {
			return a, err
		}
		a.parts = append(a.parts, p)
	}
	return a, nil
}

// splitARN splits at the first five colons.
func splitARN(s string) []string { return strings.SplitN(s, ":", arnParts) }

func (a arnPattern) match(s string, c Context) bool {
	if a.all {
		return true
	}
	parts := splitARN(s)
	if len(parts) != arnParts {
		return false
	}
	for i, part := range parts {
		p, ok := a.parts[i].resolve(c)
		if !ok || !p.match(part) {
			return false
		}
	}
	return true
}

func (a arnPattern) variables() []string {
	var keys []string
	for _, p := range a.parts {
		keys = append(keys, p.variables()...)
	}
	return keys
}
