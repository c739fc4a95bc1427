package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// AWS's texts for faults of a policy (IAM: the message of MalformedPolicyDocument).
const (
	textSyntax     = "Syntax errors in policy."
	textLegacy     = "The policy failed legacy parsing"
	textJSON       = "This policy contains invalid Json"
	textVersion    = "The policy must contain a valid version string."
	text2012       = "Policy document must be version 2012-10-17 or greater."
	textSidForm    = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	textSidTwice   = "Statement IDs (SID) in a single policy must be unique."
	textNoActions  = "Policy statement must contain actions."
	textNoResource = "Policy statement must contain resources."
	textPrincipal  = "Policy document should not specify a principal."
	textVendor     = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	textColons     = "Actions/Condition can contain only one colon."
	textVendorWild = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards"
	textAssumeOnly = "AssumeRole policy may only specify STS AssumeRole actions."
)

// An Error is a fault of a policy document.
type Error struct {
	// Text is the message that AWS sends for such a fault, with the code
	// MalformedPolicyDocument: "Syntax errors in policy."
	Text string
	// Statement is the number of the statement, from 1. It is 0 if the fault is not
	// in a statement.
	Statement int
	// Member is the element with the fault, such as "Condition", or "".
	Member string
	// Reason explains the fault to a person. AWS's texts rarely do.
	Reason string
	// Position is where the fault is. It is zero if an element is absent.
	Position Position

	cause error
	json  bool
	at    int // the offset; -1 if an element is absent
}

// Error returns the place and the reason, for operators.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("policy: ")
	if e.json {
		fmt.Fprintf(&b, "line %d, column %d: ", e.Position.Line, e.Position.Column)
	}
	if e.Statement > 0 {
		fmt.Fprintf(&b, "Statement %d: ", e.Statement)
	}
	if e.Member != "" {
		b.WriteString(e.Member + ": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap returns the cause, such as an [*UnknownKeyError].
func (e *Error) Unwrap() error { return e.cause }

// UnknownKeyError means that a policy names a condition key or a variable that no
// request carries.
type UnknownKeyError struct{ Key string }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the condition key %q is not supported", e.Key)
}

// faultf returns an error without its place, which callers add.
func faultf(text string, v *value, format string, args ...any) *Error {
	e := &Error{Text: text, Reason: fmt.Sprintf(format, args...), at: -1}
	if v != nil {
		e.at = v.start
	}
	return e
}

// in adds the element to an error that names no element yet.
func (e *Error) in(member string) *Error {
	if e != nil && e.Member == "" {
		e.Member = member
	}
	return e
}

// A Position is a place in a document's text, as editors count: lines and columns from
// 1, columns in characters.
type Position struct{ Line, Column int }

// position returns the line and the column of an offset.
func position(text string, offset int) Position {
	before := text[:min(offset, len(text))]
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return Position{strings.Count(before, "\n") + 1, utf8.RuneCountInString(line) + 1}
}
