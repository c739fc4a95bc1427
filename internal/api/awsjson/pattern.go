package awsjson

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// Pattern is a constraint's regular expression: Text as the model (and the
// message) has it, and a match of the whole string.
type Pattern struct {
	Text  string
	Match func(string) bool
}

// Regexp makes a pattern from expr, RE2's form of text; compiled when first used.
func Regexp(text, expr string) *Pattern {
	re := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + expr + `)\z`) })
	return &Pattern{Text: text, Match: func(s string) bool { return re().MatchString(s) }}
}

// Class is a set of characters: the ASCII ones as bits, and whether the others are in it.
type Class struct {
	Low, High uint64
	// Other is for characters beyond ASCII: all of them, or none.
	Other bool
}

// table has a place for each byte: faster than the bits.
func (c *Class) table() *[256]bool {
	t := new([256]bool)
	for b := range t {
		t[b] = c.has(byte(b))
	}
	return t
}

func (c *Class) has(b byte) bool {
	switch {
	case b < 64:
		return c.Low>>b&1 != 0
	case b < 128:
		return c.High>>(b-64)&1 != 0
	}
	return c.Other
}

func allIn(t *[256]bool, s string) bool {
	for i := range len(s) {
		if !t[s[i]] {
			return false
		}
	}
	return true
}

// Run is the pattern [class]+, or [class]* where empty is true.
func Run(text string, c Class, empty bool) *Pattern {
	t := c.table()
	return &Pattern{Text: text, Match: func(s string) bool { return (empty || s != "") && allIn(t, s) }}
}

// UnicodeRun is Run for a class that has some characters beyond ASCII: text
// that is ASCII needs no regular expression.
func UnicodeRun(text, expr string, c Class, empty bool) *Pattern {
	re, t := Regexp(text, expr), c.table()
	return &Pattern{Text: text, Match: func(s string) bool {
		for i := range len(s) {
			if s[i] >= utf8.RuneSelf {
				return re.Match(s)
			}
			if !t[s[i]] {
				return false
			}
		}
		return empty || s != ""
	}}
}

// Pair is the pattern [before]+ sep [after]+, where sep is not in after.
func Pair(text string, before Class, sep byte, after Class) *Pattern {
	b, a := before.table(), after.table()
	return &Pattern{Text: text, Match: func(s string) bool {
		i := strings.LastIndexByte(s, sep)
		return i > 0 && i < len(s)-1 && allIn(b, s[:i]) && allIn(a, s[i+1:])
	}}
}
