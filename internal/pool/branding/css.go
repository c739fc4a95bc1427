package branding

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// selectors are the selectors that the CSS of classic pages may have (Cognito: customizing hosted UI (classic) branding).
var selectors = map[string]bool{
	".background-customizable":             true,
	".banner-customizable":                 true,
	".errorMessage-customizable":           true,
	".idpButton-customizable":              true,
	".idpButton-customizable:hover":        true,
	".idpDescription-customizable":         true,
	".inputField-customizable":             true,
	".inputField-customizable:focus":       true,
	".label-customizable":                  true,
	".legalText-customizable":              true,
	".logo-customizable":                   true,
	".passwordCheck-notValid-customizable": true,
	".passwordCheck-valid-customizable":    true,
	".redirect-customizable":               true,
	".socialButton-customizable":           true,
	".submitButton-customizable":           true,
	".submitButton-customizable:hover":     true,
	".textDescription-customizable":        true,
}

// cssFunctions are the functions that values may call: those that compute a colour, a length or a gradient. None of them
// loads anything.
var cssFunctions = map[string]bool{
	"calc": true, "clamp": true, "conic-gradient": true, "hsl": true, "hsla": true, "hwb": true, "linear-gradient": true,
	"max": true, "min": true, "radial-gradient": true, "repeating-conic-gradient": true, "repeating-linear-gradient": true,
	"repeating-radial-gradient": true, "rgb": true, "rgba": true,
}

// SafeCSS parses the CSS of classic pages and returns it in the form that may be served. The form has nothing but
// selectors of the list, properties and values that load nothing; comments are left out. SafeCSS rejects a text that has
// anything else. Its grammar is smaller than that of CSS Syntax Level 3: no escapes, no at-rules, no nested rules.
func SafeCSS(text string) (string, error) {
	p := &cssParser{text: text}
	if i := strings.IndexFunc(text, isControl); i >= 0 || !utf8.ValidString(text) {
		return "", p.fault("it has characters that are not text")
	}
	for {
		if _, err := p.skipSpace(); err != nil {
			return "", err
		}
		if p.done() {
			return p.out.String(), nil
		}
		if err := p.rule(); err != nil {
			return "", err
		}
	}
}

func isControl(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}

// cssParser reads text and writes the safe form of what it has read.
type cssParser struct {
	text string
	pos  int
	out  strings.Builder
}

func (p *cssParser) done() bool { return p.pos == len(p.text) }

// peek returns the byte at an offset from the place of reading, or 0 behind the end.
func (p *cssParser) peek(offset int) byte {
	if i := p.pos + offset; i < len(p.text) {
		return p.text[i]
	}
	return 0
}

// fault returns an error that names the line.
func (p *cssParser) fault(format string, args ...any) error {
	line := 1 + strings.Count(p.text[:p.pos], "\n")
	return fmt.Errorf("line %d: "+format, append([]any{line}, args...)...)
}

// unexpected returns the error for the character at the place of reading.
func (p *cssParser) unexpected(wanted string) error {
	if p.done() {
		return p.fault("%s expected at the end", wanted)
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return p.fault("%s expected instead of %q", wanted, r)
}

// skipSpace skips white space and comments, and reports whether there were any. A comment must not end the element of a
// page either.
func (p *cssParser) skipSpace() (bool, error) {
	start := p.pos
	for {
		switch c := p.peek(0); {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.pos++
		case c == '/' && p.peek(1) == '*':
			n := strings.Index(p.text[p.pos+2:], "*/")
			if n < 0 {
				return false, p.fault("a comment does not end")
			}
			if strings.Contains(p.text[p.pos:p.pos+2+n], "</") {
				return false, p.fault("a comment must not have </")
			}
			p.pos += n + 4
		default:
			return p.pos > start, nil
		}
	}
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isName(c byte) bool   { return isLetter(c) || isDigit(c) || c == '-' || c == '_' }

// name reads an identifier of ASCII characters. It returns "" where there is none.
func (p *cssParser) name() string {
	start := p.pos
	if c := p.peek(0); !isLetter(c) && c != '_' && (c != '-' || !isLetter(p.peek(1))) {
		return ""
	}
	for isName(p.peek(0)) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// rule reads selectors and a block.
func (p *cssParser) rule() error {
	for first := true; ; first = false {
		selector, err := p.selector()
		if err != nil {
			return err
		}
		if !first {
			p.out.WriteByte(',')
		}
		p.out.WriteString(selector)
		if _, err := p.skipSpace(); err != nil {
			return err
		}
		c := p.peek(0)
		if c != ',' && c != '{' {
			return p.unexpected("{")
		}
		p.pos++
		if c == '{' {
			break
		}
		if _, err := p.skipSpace(); err != nil {
			return err
		}
	}
	p.out.WriteByte('{')
	if err := p.declarations(); err != nil {
		return err
	}
	p.out.WriteString("}\n")
	return nil
}

func (p *cssParser) selector() (string, error) {
	if p.peek(0) == '@' {
		return "", p.fault("at-rules are not allowed")
	}
	start := p.pos
	for p.peek(0) == '.' || p.peek(0) == ':' || isName(p.peek(0)) {
		p.pos++
	}
	selector := p.text[start:p.pos]
	if selector == "" {
		return "", p.unexpected("a class")
	}
	if !selectors[selector] {
		return "", p.fault("%q is not one of the classes that can be customized", selector)
	}
	return selector, nil
}

// declarations reads properties with their values up to the end of the block.
func (p *cssParser) declarations() error {
	for {
		if _, err := p.skipSpace(); err != nil {
			return err
		}
		switch p.peek(0) {
		case '}':
			p.pos++
			return nil
		case ';':
			p.pos++
			continue
		}
		property := p.name()
		if property == "" {
			return p.unexpected("a property")
		}
		if _, err := p.skipSpace(); err != nil {
			return err
		}
		if p.peek(0) != ':' {
			return p.unexpected(":")
		}
		p.pos++
		p.out.WriteString(property + ":")
		if err := p.value(); err != nil {
			return err
		}
		p.out.WriteByte(';')
	}
}

// value reads tokens up to the end of a declaration. White space stays as one blank, where it separates tokens.
func (p *cssParser) value() error {
	depth, empty := 0, true
	for {
		space, err := p.skipSpace()
		if err != nil {
			return err
		}
		c := p.peek(0)
		if c == ';' || c == '}' {
			if depth > 0 {
				return p.unexpected(")")
			}
			if empty {
				return p.unexpected("a value")
			}
			return nil
		}
		if space && !empty {
			p.out.WriteByte(' ')
		}
		empty = false
		switch {
		case c == '(' && depth > 0:
			depth++
			p.take(1)
		case c == ')' && depth > 0:
			depth--
			p.take(1)
		case c == ',' || c == '/' || depth > 0 && p.isOperator(c):
			p.take(1)
		default:
			called, err := p.token(c)
			if err != nil {
				return err
			}
			if called {
				depth++
			}
		}
	}
}

// isOperator reports whether a character stands for arithmetic, rather than for the sign of what follows.
func (p *cssParser) isOperator(c byte) bool {
	next := p.peek(1)
	return c == '*' || (c == '+' || c == '-') && next != '.' && !isName(next)
}

// take writes the next n bytes as they are.
func (p *cssParser) take(n int) {
	p.out.WriteString(p.text[p.pos : p.pos+n])
	p.pos += n
}

// token reads a word, a number, a colour, a string or the beginning of a function. It reports whether it is a function.
func (p *cssParser) token(c byte) (called bool, err error) {
	switch c {
	case '#':
		return false, p.colour()
	case '"', '\'':
		return false, p.quoted(c)
	case '!':
		const important = "!important"
		if !strings.HasPrefix(strings.ToLower(p.text[p.pos:]), important) || isName(p.peek(len(important))) {
			return false, p.unexpected("a value")
		}
		p.take(len(important))
		return false, nil
	}
	if n := p.numberLength(); n > 0 {
		p.take(n)
		return false, nil
	}
	start := p.pos
	word := p.name()
	if word == "" {
		return false, p.unexpected("a value")
	}
	if p.peek(0) == '(' {
		if !cssFunctions[strings.ToLower(word)] {
			p.pos = start
			return false, p.fault("the function %s() is not allowed", word)
		}
		p.pos++
		word, called = word+"(", true
	}
	p.out.WriteString(word)
	return called, nil
}

// numberLength returns the length of the number at the place of reading, with its unit, or 0.
func (p *cssParser) numberLength() int {
	n := 0
	if c := p.peek(0); c == '+' || c == '-' {
		n++
	}
	digits := 0
	for ; isDigit(p.peek(n)); n++ {
		digits++
	}
	if p.peek(n) == '.' && isDigit(p.peek(n+1)) {
		for n++; isDigit(p.peek(n)); n++ {
			digits++
		}
	}
	if digits == 0 {
		return 0
	}
	if p.peek(n) == '%' {
		return n + 1
	}
	for isLetter(p.peek(n)) {
		n++
	}
	return n
}

// colour reads "#" and 3, 4, 6 or 8 hexadecimal digits.
func (p *cssParser) colour() error {
	n := 1
	for c := p.peek(n); isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'; c = p.peek(n) {
		n++
	}
	if n != 4 && n != 5 && n != 7 && n != 9 || isName(p.peek(n)) {
		return p.fault("a colour must have 3, 4, 6 or 8 hexadecimal digits")
	}
	p.take(n)
	return nil
}

// quoted reads a string, which ends on its line and has neither escapes nor what could end the element of a page.
func (p *cssParser) quoted(quote byte) error {
	n := strings.IndexByte(p.text[p.pos+1:], quote)
	if n < 0 || strings.ContainsAny(p.text[p.pos+1:p.pos+1+n], "\\<\r\n") {
		return p.fault("a string must end on its line, and must not have \\ or <")
	}
	p.take(n + 2)
	return nil
}
