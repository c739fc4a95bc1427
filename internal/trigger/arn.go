package trigger

import (
	"fmt"
	"regexp"
)

// An ARN is the full name of a function.
type ARN struct {
	Partition, Region, Account, Name string

	Qualifier string // alias or version; "" without one
}

// Unqualified returns the ARN without alias or version.
func (a ARN) Unqualified() string {
	return "arn:" + a.Partition + ":lambda:" + a.Region + ":" + a.Account + ":function:" + a.Name
}

var functionARN = regexp.MustCompile(`^arn:(aws[a-z-]{0,16}):lambda:([a-z]{2}(?:-[a-z]{1,16}){1,3}-[0-9]{1,2}):([0-9]{12}):function:([A-Za-z0-9_-]{1,140})(?::([A-Za-z0-9$_-]{1,128}))?$`)

// ParseARN reads a function's ARN. The Region becomes part of a host name, so
// ParseARN rejects text that does not look like a Region.
func ParseARN(s string) (ARN, error) {
	m := functionARN.FindStringSubmatch(s)
	if m == nil {
		return ARN{}, fmt.Errorf("%q is not the ARN of a Lambda function", truncate(s, 256))
	}
	return ARN{Partition: m[1], Region: m[2], Account: m[3], Name: m[4], Qualifier: m[5]}, nil
}
