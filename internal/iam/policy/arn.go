package policy

import (
	"errors"
	"fmt"
	"strings"
)

// arnParts is the number of parts of an ARN: a wildcard does not match across the
// first five colons.
const arnParts = 6

// arn is an ARN that is split at its first five colons.
type arn struct {
	text  string
	parts [arnParts]string
	valid bool // the text has six parts
}

func splitARN(s string) arn {
	a := arn{text: s}
	rest := s
	for i := range arnParts - 1 {
		part, after, ok := strings.Cut(rest, ":")
		if !ok {
			return a
		}
		a.parts[i], rest = part, after
	}
	a.parts[arnParts-1], a.valid = rest, true
	return a
}

// arnPattern has a pattern for each part of an ARN.
type arnPattern struct {
	all   bool     // "*" alone
	whole *pattern // of a condition's value that becomes an ARN by its variables
	parts [arnParts]pattern
}

var errShortARN = errors.New("has too few parts for an ARN")

// parseARN reads an ARN with wildcards and variables, or "*".
func parseARN(s string, vars bool) (arnPattern, error) {
	var a arnPattern
	if s != "" && strings.Trim(s, "*") == "" {
		a.all = true
		return a, nil
	}
	p, err := parsePattern(s, syntax{wild: true, vars: vars})
	if err != nil {
		return a, err
	}
	first := len(p.pieces) > 0 && p.pieces[0].kind == literal && strings.HasPrefix(p.pieces[0].text, "arn:")
	if p.variables > 0 && !first {
		a.whole = &p
		return a, nil
	}
	if !first {
		return a, fmt.Errorf("%q is neither an ARN nor \"*\"", s)
	}
	part := 0
	for _, e := range p.pieces {
		text := e.text
		for e.kind == literal && part < arnParts-1 {
			before, after, ok := strings.Cut(text, ":")
			if !ok {
				break
			}
			a.parts[part].addLiteral(before)
			part++
			text = after
		}
		a.parts[part].add(e, text)
	}
	if part < arnParts-1 {
		return a, fmt.Errorf("%q %w: is neither an ARN nor \"*\"", s, errShortARN)
	}
	return a, nil
}

// add appends a piece; text is the rest of a literal.
func (p *pattern) add(e piece, text string) {
	switch e.kind {
	case literal:
		p.addLiteral(text)
		return
	case variable:
		p.variables++
	}
	p.pieces = append(p.pieces, e)
}

// parseResource reads an element of Resource. Variables stand only in the resource part
// (IAM User Guide: "Where you can use policy variables").
func parseResource(s string, vars bool) (arnPattern, error) {
	a, err := parseARN(s, vars)
	if err != nil {
		return a, err
	}
	early := a.whole != nil
	for i := range arnParts - 1 {
		early = early || a.parts[i].variables > 0
	}
	if early {
		return a, fmt.Errorf("%q has a variable before its resource part", s)
	}
	return a, nil
}

func (a *arnPattern) match(s *arn, c *Context) bool {
	switch {
	case a.all:
		return true
	case a.whole != nil:
		return a.whole.match(s.text, c)
	case !s.valid:
		return false
	}
	// The last part differs most often.
	for i := arnParts - 1; i >= 0; i-- {
		if !a.parts[i].match(s.parts[i], c) {
			return false
		}
	}
	return true
}

// resolvable reports whether every variable of a Resource has a value.
func (a *arnPattern) resolvable(c *Context) bool {
	var buffer [stackVariables]string
	_, ok := a.parts[arnParts-1].resolve(buffer[:0], c)
	return ok
}

// each calls f for every variable of the pattern.
func (p *pattern) each(f func(*piece)) {
	for i := range p.pieces {
		if p.pieces[i].kind == variable {
			f(&p.pieces[i])
		}
	}
}

func (a *arnPattern) each(f func(*piece)) {
	if a.whole != nil {
		a.whole.each(f)
	}
	for i := range a.parts {
		a.parts[i].each(f)
	}
}
