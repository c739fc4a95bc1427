package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cognate/internal/spelling"
)

// A parameter is a parameter of a template.
type parameter struct {
	name string
	line int
	at   *path
	// list and number describe the type.
	list, number bool
	// stored is set if AWS reads the value from Systems Manager. The default is then the name of the value.
	stored bool
	// secret is set by NoEcho: no message quotes the value.
	secret               bool
	fallback             *string // the default
	allowed              []string
	pattern              *regexp.Regexp
	minLength, maxLength *float64
	minValue, maxValue   *float64
	constraint           string
	// value is the value of the parameter; known is set if there is one.
	value any
	known bool
}

var parameterFields = []string{
	"Type", "Default", "Description", "NoEcho", "AllowedValues", "AllowedPattern", "ConstraintDescription", "MinLength",
	"MaxLength", "MinValue", "MaxValue",
}

// parameters reads the parameters of a template. It also sets their values, except those that the stack above
// sets.
func (r *reader) parameters(s *stack, root *node) {
	r.entries(s, root, "Parameters", func(e entry, at *path) {
		s.parameters[e.name] = r.parameter(s, e, at)
		s.parameterNames = append(s.parameterNames, e.name)
	})
	if s.up != nil {
		r.givenParameters(s)
		return
	}
	r.unknownParameters(s, func(name string) bool { return r.imports || strings.ContainsAny(name, ".:") })
	for _, name := range s.parameterNames {
		p := s.parameters[name]
		text, given := r.template.options.Parameters[name]
		switch {
		case given:
		case p.fallback == nil:
			r.add(s, p.line, p.at, "the parameter has no value and no default")
			continue
		case p.stored:
			continue
		default:
			text = *p.fallback
		}
		var fault string
		r.template.secrets.add(p, text)
		if p.value, fault = p.convert(text); fault != "" {
			r.add(s, p.line, p.at, "%s", fault)
			continue
		}
		p.known = true
	}
}

// unknownParameters rejects the values of the options whose names are not parameters. isOther reports whether a
// name may be used in another way, such as for an export.
func (r *reader) unknownParameters(s *stack, isOther func(name string) bool) {
	for _, name := range slices.Sorted(maps.Keys(r.template.options.Parameters)) {
		if s.parameters[name] == nil && !isOther(name) {
			r.add(s, 0, nil, "a value is set for the parameter %s, which the template does not have%s", name, spelling.Meant(name, s.parameterNames))
		}
	}
}

// givenParameters checks the parameters that the stack above sets. The others get their defaults.
func (r *reader) givenParameters(s *stack) {
	at := s.holder.where.field("Properties").field("Parameters")
	given := map[string]bool{}
	if s.given != nil {
		if s.given.kind != mappingNode {
			r.add(s.up, s.given.line, at, "must be a mapping of names to values, %s", found(s.given))
			return
		}
		for _, e := range s.given.entries {
			given[e.name] = true
			if s.parameters[e.name] == nil {
				r.add(s.up, e.line, at.field(e.name), "the nested template has no such parameter%s", spelling.Meant(e.name, s.parameterNames))
			}
		}
	}
	for _, name := range s.parameterNames {
		p := s.parameters[name]
		if given[name] {
			continue
		}
		if p.fallback == nil {
			r.add(s.up, s.holder.Line, at, "the parameter %s of the nested template has no value and no default", name)
			continue
		}
		if p.stored {
			continue
		}
		var fault string
		r.template.secrets.add(p, *p.fallback)
		if p.value, fault = p.convert(*p.fallback); fault != "" {
			r.add(s, p.line, p.at, "%s", fault)
			continue
		}
		p.known = true
	}
}

// parameter reads a declaration.
func (r *reader) parameter(s *stack, e entry, at *path) *parameter {
	p := &parameter{name: e.name, line: e.line, at: at}
	n := e.value
	if !logicalID.MatchString(e.name) {
		r.add(s, e.line, at, "the name of a parameter must have letters and digits only")
	}
	if n.kind != mappingNode {
		r.add(s, n.line, at, "must be a mapping with the entry Type, %s", found(n))
		return p
	}
	for _, field := range n.entries {
		at := at.field(field.name)
		v := field.value
		text, isText := textOf(v.scalar)
		if v.kind != scalarNode {
			isText = false
		}
		switch field.name {
		case "AllowedValues":
			p.allowed = r.allowed(s, v, at)
			continue
		case "Type", "Default", "Description", "NoEcho", "AllowedPattern", "ConstraintDescription", "MinLength", "MaxLength", "MinValue", "MaxValue":
		default:
			r.add(s, field.line, at, "a parameter has no such entry%s", spelling.Meant(field.name, parameterFields))
			continue
		}
		if !isText {
			r.add(s, v.line, at, "must be a text or a number, %s", found(v))
			continue
		}
		var err error
		switch field.name {
		case "Type":
			if !p.setType(text) {
				r.add(s, v.line, at, "there is no parameter type %s%s", text, spelling.Meant(text, []string{"String", "Number", "List<Number>", "CommaDelimitedList"}))
			}
		case "Default":
			p.fallback = &text
		case "NoEcho":
			p.secret = strings.EqualFold(text, "true")
		case "ConstraintDescription":
			p.constraint = text
		case "AllowedPattern":
			// Patterns are Java's. A pattern that Go cannot compile, such as one with a look-ahead, is not checked.
			p.pattern, _ = regexp.Compile(`\A(?:` + text + `)\z`)
		case "MinLength":
			p.minLength, err = limit(text)
		case "MaxLength":
			p.maxLength, err = limit(text)
		case "MinValue":
			p.minValue, err = limit(text)
		case "MaxValue":
			p.maxValue, err = limit(text)
		}
		if err != nil {
			r.add(s, v.line, at, "must be a number")
		}
	}
	if n.get("Type") == nil {
		r.add(s, e.line, at, "the entry Type is missing")
	}
	return p
}

func limit(text string) (*float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	return &f, err
}

func (r *reader) allowed(s *stack, n *node, at *path) []string {
	if n.kind != listNode {
		r.add(s, n.line, at, "must be a list, %s", found(n))
		return nil
	}
	out := []string{}
	for i, item := range n.items {
		text, ok := textOf(item.scalar)
		if item.kind != scalarNode || !ok {
			r.add(s, item.line, at.index(i), "must be a text or a number, %s", found(item))
			continue
		}
		out = append(out, text)
	}
	return out
}

// setType reads a type, and reports whether it exists. Types of AWS, such as AWS::EC2::VPC::Id, are texts.
func (p *parameter) setType(name string) bool {
	if inner, ok := strings.CutPrefix(name, "AWS::SSM::Parameter::Value<"); ok && strings.HasSuffix(inner, ">") {
		p.stored = true
		name = strings.TrimSuffix(inner, ">")
	}
	if inner, ok := strings.CutPrefix(name, "List<"); ok && strings.HasSuffix(inner, ">") {
		p.list = true
		name = strings.TrimSuffix(inner, ">")
	}
	switch name {
	case "Number":
		p.number = true
	case "CommaDelimitedList":
		p.list = true
	case "String":
	default:
		return strings.HasPrefix(name, "AWS::")
	}
	return true
}

// convert returns the value of a text. fault says why the text is not valid; it is empty for a valid text.
func (p *parameter) convert(text string) (value any, fault string) {
	if !p.list {
		value, fault = p.convertItem(text)
	} else {
		list := []any{}
		if text != "" {
			for part := range strings.SplitSeq(text, ",") {
				var v any
				if v, fault = p.convertItem(strings.TrimSpace(part)); fault != "" {
					break
				}
				list = append(list, v)
			}
		}
		value = list
	}
	if fault != "" && p.constraint != "" {
		fault += ": " + p.constraint
	}
	return value, fault
}

// convertItem converts a text that is not a list, or one item of a list.
func (p *parameter) convertItem(text string) (value any, fault string) {
	quoted := fmt.Sprintf("the value %q", text)
	if p.secret {
		quoted = "the value"
	}
	length := float64(utf8.RuneCountInString(text))
	switch {
	case p.allowed != nil && !slices.Contains(p.allowed, text):
		fault = quoted + " must be one of " + strings.Join(p.allowed, ", ")
		if !p.secret {
			fault += spelling.Meant(text, p.allowed)
		}
		return nil, fault
	case p.pattern != nil && !p.pattern.MatchString(text):
		return nil, quoted + " does not match the pattern of the parameter"
	case p.minLength != nil && length < *p.minLength:
		return nil, fmt.Sprintf("%s is shorter than %v", quoted, *p.minLength)
	case p.maxLength != nil && length > *p.maxLength:
		return nil, fmt.Sprintf("%s is longer than %v", quoted, *p.maxLength)
	case !p.number:
		return text, ""
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return nil, quoted + " is not a number"
	case p.minValue != nil && f < *p.minValue:
		return nil, fmt.Sprintf("%s is less than %v", quoted, *p.minValue)
	case p.maxValue != nil && f > *p.maxValue:
		return nil, fmt.Sprintf("%s is more than %v", quoted, *p.maxValue)
	case json.Valid([]byte(text)):
		return json.Number(text), ""
	}
	return text, ""
}
