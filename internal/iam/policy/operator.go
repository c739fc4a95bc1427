package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// operator is a family of comparisons: how its values are read, and whether a match
// is negated.
type operator struct {
	parse   func(s string, vars bool) (expected, error)
	negated bool
}

// operators are IAM's operators except Null, without their optional prefix and suffix.
var operators = map[string]operator{
	"StringEquals":              {parse: parseText(false, false)},
	"StringNotEquals":           {parse: parseText(false, false), negated: true},
	"StringEqualsIgnoreCase":    {parse: parseText(false, true)},
	"StringNotEqualsIgnoreCase": {parse: parseText(false, true), negated: true},
	"StringLike":                {parse: parseText(true, false)},
	"StringNotLike":             {parse: parseText(true, false), negated: true},
	"ArnEquals":                 {parse: parseARNValue},
	"ArnLike":                   {parse: parseARNValue},
	"ArnNotEquals":              {parse: parseARNValue, negated: true},
	"ArnNotLike":                {parse: parseARNValue, negated: true},
	"NumericEquals":             {parse: parseNumber(func(c int) bool { return c == 0 })},
	"NumericNotEquals":          {parse: parseNumber(func(c int) bool { return c == 0 }), negated: true},
	"NumericLessThan":           {parse: parseNumber(func(c int) bool { return c < 0 })},
	"NumericLessThanEquals":     {parse: parseNumber(func(c int) bool { return c <= 0 })},
	"NumericGreaterThan":        {parse: parseNumber(func(c int) bool { return c > 0 })},
	"NumericGreaterThanEquals":  {parse: parseNumber(func(c int) bool { return c >= 0 })},
	"DateEquals":                {parse: parseDate(func(c int) bool { return c == 0 })},
	"DateNotEquals":             {parse: parseDate(func(c int) bool { return c == 0 }), negated: true},
	"DateLessThan":              {parse: parseDate(func(c int) bool { return c < 0 })},
	"DateLessThanEquals":        {parse: parseDate(func(c int) bool { return c <= 0 })},
	"DateGreaterThan":           {parse: parseDate(func(c int) bool { return c > 0 })},
	"DateGreaterThanEquals":     {parse: parseDate(func(c int) bool { return c >= 0 })},
	"Bool":                      {parse: parseBoolValue},
	"BinaryEquals":              {parse: parseBinary},
	"IpAddress":                 {parse: parseNetwork},
	"NotIpAddress":              {parse: parseNetwork, negated: true},
}

type textValue struct {
	pattern
	foldCase bool
}

func parseText(wild, foldCase bool) func(string, bool) (expected, error) {
	return func(s string, vars bool) (expected, error) {
		p, err := parsePattern(s, wild, vars)
		return textValue{p, foldCase}, err
	}
}

func (t textValue) matches(value string, c Context) bool {
	p, ok := t.resolve(c)
	if !ok {
		return false
	}
	if !t.foldCase {
		return p.match(value)
	}
	// Only StringEqualsIgnoreCase folds, and it has no wildcards: at most one literal.
	var text string
	if len(p.pieces) > 0 {
		text = p.pieces[0].text
	}
	return strings.EqualFold(text, value)
}

type arnValue struct{ arnPattern }

func parseARNValue(s string, vars bool) (expected, error) {
	a, err := parseARN(s, vars)
	return arnValue{a}, err
}

func (a arnValue) matches(value string, c Context) bool { return a.match(value, c) }

type numberValue struct {
	n      *big.Rat
	accept func(cmp int) bool
}

func parseNumber(accept func(int) bool) func(string, bool) (expected, error) {
	return func(s string, _ bool) (expected, error) {
		n, ok := decimal(s)
		if !ok {
			return nil, fmt.Errorf("%q is not a number", s)
		}
		return numberValue{n, accept}, nil
	}
}

func (v numberValue) matches(value string, _ Context) bool {
	n, ok := decimal(value)
	return ok && v.accept(n.Cmp(v.n))
}

// decimal reads a plain decimal. big.Rat alone would accept fractions, and exponents
// that fill the memory.
func decimal(s string) (*big.Rat, bool) {
	if len(s) > 40 || strings.Trim(s, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

type dateValue struct {
	t      time.Time
	accept func(cmp int) bool
}

func parseDate(accept func(int) bool) func(string, bool) (expected, error) {
	return func(s string, _ bool) (expected, error) {
		t, ok := instant(s)
		if !ok {
			return nil, fmt.Errorf("%q is not a date (ISO 8601 or epoch seconds)", s)
		}
		return dateValue{t, accept}, nil
	}
}

func (v dateValue) matches(value string, _ Context) bool {
	t, ok := instant(value)
	return ok && v.accept(t.Compare(v.t))
}

// instant reads a date in one of the W3C forms of ISO 8601, or epoch seconds.
func instant(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	// Four digits are a year; epoch seconds have more.
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) > 4 {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

type boolValue bool

func parseBoolValue(s string, _ bool) (expected, error) {
	b, err := parseBool(s)
	return boolValue(b), err
}

func (v boolValue) matches(value string, _ Context) bool {
	b, err := parseBool(value)
	return err == nil && b == bool(v)
}

func parseBool(s string) (bool, error) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, nil
	case strings.EqualFold(s, "false"):
		return false, nil
	}
	return false, errors.New(`must be "true" or "false"`)
}

type binaryValue string

func parseBinary(s string, _ bool) (expected, error) {
	if _, err := base64.StdEncoding.DecodeString(s); err != nil {
		return nil, fmt.Errorf("%q is not base64", s)
	}
	return binaryValue(s), nil
}

func (v binaryValue) matches(value string, _ Context) bool { return value == string(v) }

type network struct{ netip.Prefix }

func parseNetwork(s string, _ bool) (expected, error) {
	p, err := ParseBlock(s)
	return network{p}, err
}

// mappedBits is the length of the prefix before an IPv4 address that is written
// as an IPv6 one (RFC 4291 §2.5.5.2).
const mappedBits = 96

// ParseBlock reads an address block; a single address is a block of one. A block of
// IPv4-mapped IPv6 addresses becomes the IPv4 block, since addresses are unmapped
// before they are compared. A block that reaches beyond the mapped addresses is
// rejected.
func ParseBlock(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an address or CIDR block such as 10.0.0.0/8", s)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < mappedBits {
			return netip.Prefix{}, fmt.Errorf("%q is neither a block of IPv4 addresses nor one of IPv6: write 0.0.0.0/0 for all of IPv4", s)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
	}
	return p.Masked(), nil
}

func (n network) matches(value string, _ Context) bool {
	a, err := netip.ParseAddr(value)
	return err == nil && n.Contains(a.Unmap().WithZone(""))
}
