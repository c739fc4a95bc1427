package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// family is a group of condition operators that read their values in the same way.
type family uint8

const (
	textFamily family = iota
	arnFamily
	numberFamily
	dateFamily
	boolFamily
	binaryFamily
	addressFamily
	nullFamily
)

// order says which results of a comparison of the request's value with the policy's
// value pass, for numbers and dates.
type order uint8

const (
	equal order = iota
	less
	lessOrEqual
	greater
	greaterOrEqual
)

func (o order) passes(c int) bool {
	switch o {
	case less:
		return c < 0
	case lessOrEqual:
		return c <= 0
	case greater:
		return c > 0
	case greaterOrEqual:
		return c >= 0
	}
	return c == 0
}

// operator is a condition operator without its optional prefix and suffix.
type operator struct {
	family  family
	negated bool
	order   order
	wild    bool
	fold    bool
}

// operators are all of IAM's operators (IAM User Guide: "IAM JSON policy elements:
// Condition operators").
var operators = map[string]operator{
	"StringEquals":              {family: textFamily},
	"StringNotEquals":           {family: textFamily, negated: true},
	"StringEqualsIgnoreCase":    {family: textFamily, fold: true},
	"StringNotEqualsIgnoreCase": {family: textFamily, fold: true, negated: true},
	"StringLike":                {family: textFamily, wild: true},
	"StringNotLike":             {family: textFamily, wild: true, negated: true},
	"ArnEquals":                 {family: arnFamily},
	"ArnLike":                   {family: arnFamily},
	"ArnNotEquals":              {family: arnFamily, negated: true},
	"ArnNotLike":                {family: arnFamily, negated: true},
	"NumericEquals":             {family: numberFamily},
	"NumericNotEquals":          {family: numberFamily, negated: true},
	"NumericLessThan":           {family: numberFamily, order: less},
	"NumericLessThanEquals":     {family: numberFamily, order: lessOrEqual},
	"NumericGreaterThan":        {family: numberFamily, order: greater},
	"NumericGreaterThanEquals":  {family: numberFamily, order: greaterOrEqual},
	"DateEquals":                {family: dateFamily},
	"DateNotEquals":             {family: dateFamily, negated: true},
	"DateLessThan":              {family: dateFamily, order: less},
	"DateLessThanEquals":        {family: dateFamily, order: lessOrEqual},
	"DateGreaterThan":           {family: dateFamily, order: greater},
	"DateGreaterThanEquals":     {family: dateFamily, order: greaterOrEqual},
	"Bool":                      {family: boolFamily},
	"BinaryEquals":              {family: binaryFamily},
	"IpAddress":                 {family: addressFamily},
	"NotIpAddress":              {family: addressFamily, negated: true},
	"Null":                      {family: nullFamily},
}

// operand is one value of a condition. The operator's family says which field counts.
type operand struct {
	text    pattern
	arn     *arnPattern
	number  decimal
	date    instant
	block   netip.Prefix
	truth   bool
	encoded string
}

// parse reads a value of a condition.
func (o operator) parse(s string, vars bool) (operand, error) {
	var v operand
	var err error
	var ok bool
	switch o.family {
	case textFamily:
		v.text, err = parsePattern(s, syntax{wild: o.wild, vars: vars, foldCase: o.fold})
	case arnFamily:
		var a arnPattern
		a, err = parseARN(s, vars)
		v.arn = &a
	case numberFamily:
		if v.number, ok = parseDecimal(s); !ok {
			err = fmt.Errorf("%q is not a number", s)
		}
	case dateFamily:
		if v.date, ok = parseInstant(s); !ok {
			err = fmt.Errorf("%q is not a date (ISO 8601 or epoch seconds)", s)
		}
	case binaryFamily:
		v.encoded = s
		if _, fault := base64.StdEncoding.DecodeString(s); fault != nil {
			err = fmt.Errorf("%q is not base64", s)
		}
	case addressFamily:
		v.block, err = ParseBlock(s)
	case boolFamily, nullFamily:
		if v.truth, ok = parseBool(s); !ok {
			err = errors.New(`must be "true" or "false"`)
		}
	}
	return v, err
}

func parseBool(s string) (truth, ok bool) {
	switch {
	case strings.EqualFold(s, "true"):
		return true, true
	case strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// holds reports whether a request's value matches one of the operands. A value that
// the operator cannot read matches no operand.
func (o operator) holds(operands []operand, s string, c *Context) bool {
	switch o.family {
	case textFamily:
		for i := range operands {
			if operands[i].text.match(s, c) {
				return true
			}
		}
	case arnFamily:
		a := splitARN(s)
		for i := range operands {
			if operands[i].arn.match(&a, c) {
				return true
			}
		}
	case numberFamily:
		n, ok := parseDecimal(s)
		for i := range operands {
			if ok && o.order.passes(n.compare(operands[i].number)) {
				return true
			}
		}
	case dateFamily:
		t, ok := parseInstant(s)
		for i := range operands {
			if ok && o.order.passes(t.compare(operands[i].date)) {
				return true
			}
		}
	case boolFamily:
		b, ok := parseBool(s)
		for i := range operands {
			if ok && b == operands[i].truth {
				return true
			}
		}
	case binaryFamily:
		for i := range operands {
			if s == operands[i].encoded {
				return true
			}
		}
	case addressFamily:
		a, ok := parseAddress(s)
		for i := range operands {
			if ok && operands[i].block.Contains(a) {
				return true
			}
		}
	}
	return false
}
