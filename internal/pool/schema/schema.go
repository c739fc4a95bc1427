package schema

import (
	"math/big"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Names of standard attributes that have a meaning of their own.
const (
	Sub               = "sub"
	Email             = "email"
	PhoneNumber       = "phone_number"
	PreferredUsername = "preferred_username"
	Identities        = "identities"
)

// VerifiedFlag returns the name of the attribute that says whether the value of attr,
// an email address or a phone number, is verified.
func VerifiedFlag(attr string) string { return attr + "_verified" }

// IsVerifiedFlag reports whether name is email_verified or phone_number_verified.
func IsVerifiedFlag(name string) bool {
	return name == VerifiedFlag(Email) || name == VerifiedFlag(PhoneNumber)
}

// Prefixes of the names of custom attributes.
const (
	customPrefix    = "custom:"
	developerPrefix = "dev:custom:"
)

// Attribute is one attribute of a pool's schema.
type Attribute struct {
	// Name is as clients write it: "email", "custom:plan", "dev:custom:note".
	Name string
	Type idp.AttributeDataType
	// Mutable is false if a value can be set only once.
	Mutable  bool
	Required bool
	// DeveloperOnly is true if only signed operations write and show the attribute.
	DeveloperOnly bool
	// Custom is false for the standard attributes.
	Custom bool
	// A bound is nil where there is none. Lengths bound a String, values a Number.
	MinLength, MaxLength *int
	MinValue, MaxValue   *big.Rat
}

// Schema is the set of attributes that users of a pool may have.
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

// Required returns the names of the attributes that a user must have, in the
// schema's order. It leaves out sub, which every user has. Callers must not change
// the slice.
func (s *Schema) Required() []string { return s.required }

// Names returns all names in the schema's order. Callers must not change the slice.
func (s *Schema) Names() []string { return s.names }

// New returns the schema of a pool from its stored form. The constraints were
// validated when they were stored.
func New(list []idp.SchemaAttributeType) *Schema {
	s := &Schema{attributes: make(map[string]Attribute, len(list)), names: make([]string, 0, len(list))}
	for _, t := range list {
		a := newAttribute(t)
		s.attributes[a.Name] = a
		s.names = append(s.names, a.Name)
		if a.Required && a.Name != Sub {
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

// length parses a bound on a length. It returns nil if there is none.
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

// maxDigits is the longest text of a number. The largest bound, 2^1023, has 308
// digits.
const maxDigits = 1024

// number parses a decimal number exactly. It returns nil if s is not a number.
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
		default: // No exponents: a short text could mean a number of a million digits.
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

// Violation returns how value breaks the attribute's type or bounds, "" if it does
// not. The text follows "Attributes did not conform to the schema: <name>: ".
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

// IsDeveloperOnly reports whether an attribute of this name is a custom one that
// only signed operations write and show.
func IsDeveloperOnly(name string) bool { return strings.HasPrefix(name, developerPrefix) }

// IsServiceOnly reports whether an app client can never write the attribute: only
// the service itself and administrators set it.
func IsServiceOnly(name string) bool {
	return name == Sub || name == Identities || IsVerifiedFlag(name)
}

func invalid(message string) error { return idp.InvalidParameterException(message) }
