package main

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// patternExpr is the Go expression of an awsjson.Pattern for a model's pattern.
// The plain forms, which the hot paths meet, become class matchers.
func patternExpr(s *shape) (string, error) {
	expr := goExpr(s)
	re, err := syntax.Parse(`\A(?:`+expr+`)\z`, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("pattern %s: %w", s.Pattern, err)
	}
	body := strip(re)
	if class, op, ok := run(body); ok && s.GoPattern == "" {
		lit, other := classExpr(class)
		if other == "some" {
			return fmt.Sprintf("awsjson.UnicodeRun(%q, %q, %s, %t)", s.Pattern, expr, lit, op == syntax.OpStar), nil
		}
		return fmt.Sprintf("awsjson.Run(%q, %s, %t)", s.Pattern, lit, op == syntax.OpStar), nil
	}
	if len(body) == 3 && s.GoPattern == "" {
		before, op1, ok1 := run(body[:1])
		after, op2, ok2 := run(body[2:])
		sep := body[1]
		if ok1 && ok2 && op1 == syntax.OpPlus && op2 == syntax.OpPlus && sep.Op == syntax.OpLiteral && len(sep.Rune) == 1 && sep.Rune[0] < 128 && !inClass(after, sep.Rune[0]) {
			a, otherA := classExpr(before)
			b, otherB := classExpr(after)
			if otherA != "some" && otherB != "some" {
				return fmt.Sprintf("awsjson.Pair(%q, %s, %q, %s)", s.Pattern, a, sep.Rune[0], b), nil
			}
		}
	}
	return fmt.Sprintf("awsjson.Regexp(%q, %q)", s.Pattern, expr), nil
}

// goExpr is a shape's pattern for RE2.
func goExpr(s *shape) string {
	if s.GoPattern != "" {
		return s.GoPattern
	}
	return fromJava(s.Pattern)
}

// strip takes the anchors and groups off an expression, and returns its parts in order.
func strip(re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpConcat:
		var parts []*syntax.Regexp
		for _, sub := range re.Sub {
			parts = append(parts, strip(sub)...)
		}
		return parts
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpEmptyMatch:
		return nil
	case syntax.OpCapture:
		if re.Sub[0].Op == syntax.OpPlus || re.Sub[0].Op == syntax.OpStar {
			return strip(re.Sub[0])
		}
	}
	return []*syntax.Regexp{re}
}

// run recognizes one repeated character class.
func run(parts []*syntax.Regexp) (class []rune, op syntax.Op, ok bool) {
	if len(parts) != 1 {
		return nil, 0, false
	}
	re := parts[0]
	if re.Op != syntax.OpPlus && re.Op != syntax.OpStar || re.Flags&syntax.NonGreedy != 0 {
		return nil, 0, false
	}
	switch sub := re.Sub[0]; sub.Op {
	case syntax.OpCharClass:
		return sub.Rune, re.Op, true
	case syntax.OpAnyChar:
		return []rune{0, 0x10FFFF}, re.Op, true
	}
	return nil, 0, false
}

func inClass(class []rune, r rune) bool {
	for i := 0; i < len(class); i += 2 {
		if class[i] <= r && r <= class[i+1] {
			return true
		}
	}
	return false
}

// classExpr is an awsjson.Class, and whether "none", "all" or "some" characters
// beyond ASCII are in it.
func classExpr(class []rune) (expr, other string) {
	var low, high uint64
	for r := range rune(128) {
		if inClass(class, r) {
			if r < 64 {
				low |= 1 << r
			} else {
				high |= 1 << (r - 64)
			}
		}
	}
	other = "none"
	if class[len(class)-1] >= 128 {
		other = "some"
		if inClass(class, 128) && class[len(class)-2] <= 128 && class[len(class)-1] == 0x10FFFF {
			other = "all"
		}
	}
	expr = fmt.Sprintf("awsjson.Class{Low: %#x, High: %#x", low, high)
	if other == "all" {
		expr += ", Other: true"
	}
	return expr + "}", other
}

// fromJava rewrites what Java and RE2 read differently: Java's \s has the
// vertical tab, and its dot leaves out more line ends than \n.
func fromJava(p string) string {
	var b strings.Builder
	inClass := false
	dotAll := strings.HasPrefix(p, "(?s)")
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			switch {
			case p[i] == 's' && inClass:
				b.WriteString(`\t-\r `)
			case p[i] == 's':
				b.WriteString(`[\t-\r ]`)
			case p[i] == 'S' && inClass:
				b.WriteString(`\x00-\x08\x0E-\x1F\x21-\x{10FFFF}`)
			case p[i] == 'S':
				b.WriteString(`[^\t-\r ]`)
			default:
				b.WriteByte('\\')
				b.WriteByte(p[i])
			}
		case c == '[' && !inClass:
			inClass = true
			b.WriteByte(c)
		case c == ']' && inClass:
			inClass = false
			b.WriteByte(c)
		case c == '.' && !inClass && !dotAll:
			b.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
