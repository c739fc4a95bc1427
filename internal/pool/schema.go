package pool

import (
	"math/big"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Custom attributes carry a prefix wherever a client names them.
const (
	customPrefix    = "custom:"
	developerPrefix = "dev:custom:"
)

// Attribute is one attribute of a pool's schema.
type Attribute struct {
	// Name is as clients write it: "email", "custom:plan", "dev:custom:note".
	Name string
	Type idp.AttributeDataType
	// Mutable is false where a value may be given once only.
	Mutable  bool
	Required bool
	// DeveloperOnly attributes are written and seen by signed operations only.
	DeveloperOnly bool
	// Custom is false for the standard attributes.
	Custom bool
	// Bounds are nil where there is none. Lengths are for String, values for Number.
	MinLength, MaxLength *int
	MinValue, MaxValue   *big.Rat
}

// Schema is the set of attributes that people of a pool may have.
type Schema struct {
	attributes map[string]Attribute
	names      []string
	required   []string
}

// Attribute returns the attribute of this name.
func (s *Schema) Attribute(name string) (Attribute, bool) {
	a, ok := s.attributes[name]
	return a, ok
}

// Required returns the names of the attributes that a person must have, in the
// schema's order, without sub, which every person has. It must not be changed.
func (s *Schema) Required() []string { return s.required }

// Names returns all names in the schema's order. It must not be changed.
func (s *Schema) Names() []string { return s.names }

// newSchema reads the stored form, whose constraints were validated when it was made.
func newSchema(list []idp.SchemaAttributeType) *Schema {
	s := &Schema{attributes: make(map[string]Attribute, len(list)), names: make([]string, 0, len(list))}
	for _, t := range list {
		a := newAttribute(t)
		s.attributes[a.Name] = a
		s.names = append(s.names, a.Name)
		if a.Required && a.Name != "sub" {
			s.required = append(s.required, a.Name)
		}
	}
	return s
}

func newAttribute(t idp.SchemaAttributeType) Attribute {
	a := Attribute{
		Name:          api.Val(t.Name),
		Type:          t.AttributeDataType,
		Mutable:       api.Val(t.Mutable),
		Required:      api.Val(t.Required),
		DeveloperOnly: api.Val(t.DeveloperOnlyAttribute),
	}
	a.Custom = strings.HasPrefix(a.Name, customPrefix) || strings.HasPrefix(a.Name, developerPrefix)
	if c := t.StringAttributeConstraints; c != nil {
		a.MinLength, a.MaxLength = length(c.MinLength), length(c.MaxLength)
	}
	if c := t.NumberAttributeConstraints; c != nil {
		a.MinValue, a.MaxValue = number(api.Val(c.MinValue)), number(api.Val(c.MaxValue))
	}
	return a
}

// length reads a bound on a length, nil if there is none.
func length(s *string) *int {
	if s == nil {
		return nil
	}
	n, err := strconv.Atoi(*s)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// maxDigits bounds the text of a number: 2^1023 has 308 digits, and a value that
// cannot be compared exactly must not be compared at all.
const maxDigits = 1024

// number reads a decimal number exactly, nil if s is none.
func number(s string) *big.Rat {
	if s == "" || len(s) > maxDigits {
		return nil
	}
	digits, dots := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case (c == '-' || c == '+') && i == 0:
		default: // No exponents: they would let a short text stand for a huge number.
			return nil
		}
	}
	if digits == 0 || dots > 1 {
		return nil
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil
	}
	return r
}

// Violation tells how value breaks the attribute's type or bounds, in the words
// that follow "Attributes did not conform to the schema: <name>: "; "" if it does not.
func (a *Attribute) Violation(value string) string {
	switch a.Type {
	case idp.AttributeDataTypeString:
		n := len([]rune(value))
		if a.MaxLength != nil && n > *a.MaxLength {
			return "String must be no longer than " + strconv.Itoa(*a.MaxLength) + " characters"
		}
		if a.MinLength != nil && n < *a.MinLength {
			return "String must be no shorter than " + strconv.Itoa(*a.MinLength) + " characters"
		}
	case idp.AttributeDataTypeNumber:
		r := number(value)
		if r == nil || a.MinValue != nil && r.Cmp(a.MinValue) < 0 || a.MaxValue != nil && r.Cmp(a.MaxValue) > 0 {
			return "Value is out of range"
		}
	case idp.AttributeDataTypeBoolean:
		switch value {
		case "true", "false", "0", "1":
		default:
			return "Value is out of range"
		}
	}
	return ""
}
