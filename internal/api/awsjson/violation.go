package awsjson

import (
	"slices"
	"strconv"
	"strings"
)

// frame is a structure that is being read. Frames make up the path and the order of
// violations.
type frame struct {
	index     int
	name      string
	element   int    // 1-based, in lists and maps
	key       string // in maps
	sensitive bool
}

// violation is one item of the message. Members are read in the body's order, but reported in
// the model's order, which is in order.
type violation struct {
	order []int
	item  string
}

// violate notes that member name of the structure being read breaks a
// constraint. value is as printed, quotes included; "" for sensitive members.
func (d *Decoder) violate(index int, name, value, phrase string) {
	if len(d.violations) == maxViolations {
		return
	}
	var order []int
	var path strings.Builder
	for _, f := range d.frames {
		order = append(order, f.index, f.element)
		path.WriteString(f.name)
		switch {
		case f.key != "":
			path.WriteString("." + f.key)
		case f.element > 0:
			path.WriteString("." + strconv.Itoa(f.element))
		}
		if f.element > 0 {
			path.WriteString(".member")
		}
		path.WriteByte('.')
		if f.sensitive {
			value = ""
		}
	}
	order = append(order, index)
	at := path.String() + name
	if name == "member" { // An element itself: its frame has already said so.
		at = strings.TrimSuffix(path.String(), ".")
	}
	if value != "" {
		value += " "
	}
	d.violations = append(d.violations, violation{
		order: order,
		item:  "Value " + value + "at '" + at + "' failed to satisfy constraint: " + phrase,
	})
}

// violationText is the message for all violations.
func (d *Decoder) violationText() string {
	slices.SortStableFunc(d.violations, func(a, b violation) int { return slices.Compare(a.order, b.order) })
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(d.violations)))
	b.WriteString(" validation error")
	if len(d.violations) > 1 {
		b.WriteByte('s')
	}
	b.WriteString(" detected: ")
	for i, v := range d.violations {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(v.item)
	}
	return b.String()
}

func joinStrings[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
