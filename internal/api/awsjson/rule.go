package awsjson

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// None means that a rule has no such limit.
const None int64 = -1 << 63

// A Rule holds the constraints of a shape. Min and Max limit the length of text, blobs, lists
// and maps, and the value of numbers.
type Rule struct {
	Min, Max int64
	Pattern  *Pattern
	// Enum are the values that the message lists, Also further ones that are accepted.
	Enum, Also []string
	Sensitive  bool
}

// Required notes a violation if the member is absent, and reports whether it is present.
func (d *Decoder) Required(f Fields, index int, name string, sensitive bool) bool {
	if f.Set&(1<<index) != 0 {
		return true
	}
	value := "null"
	if sensitive {
		value = ""
	}
	d.violate(index, name, value, "Member must not be null")
	return false
}

// CheckString validates text: pattern before lengths, as the real service reports them.
func CheckString[T ~string](d *Decoder, index int, name string, r *Rule, v T) {
	s := string(v)
	if r.holdsString(s) {
		return
	}
	value := ""
	if !r.Sensitive {
		value = "'" + s + "'"
	}
	if r.Pattern != nil && !r.Pattern.Match(s) {
		d.violate(index, name, value, r.patternPhrase())
	}
	n := length16(s)
	if r.Min != None && n < r.Min {
		d.violate(index, name, value, r.minLengthPhrase())
	}
	if r.Max != None && n > r.Max {
		d.violate(index, name, value, r.maxLengthPhrase())
	}
	if !r.holdsEnum(s) {
		d.violate(index, name, value, r.enumPhrase())
	}
}

// CheckInt validates a number.
func (d *Decoder) CheckInt(index int, name string, r *Rule, v int64) {
	value := ""
	if !r.Sensitive {
		value = "'" + strconv.FormatInt(v, 10) + "'"
	}
	if r.Min != None && v < r.Min {
		d.violate(index, name, value, "Member must have value greater than or equal to "+strconv.FormatInt(r.Min, 10))
	}
	if r.Max != None && v > r.Max {
		d.violate(index, name, value, "Member must have value less than or equal to "+strconv.FormatInt(r.Max, 10))
	}
}

// checkSize validates a count of something whose text value makes when asked.
func (d *Decoder) checkSize(index int, name string, r *Rule, n int, value func() string) {
	short, long := r.Min != None && int64(n) < r.Min, r.Max != None && int64(n) > r.Max
	if !short && !long {
		return
	}
	text := ""
	if !r.Sensitive {
		text = "'" + value() + "'"
	}
	if short {
		d.violate(index, name, text, r.minLengthPhrase())
	} else {
		d.violate(index, name, text, r.maxLengthPhrase())
	}
}

// CheckBlob validates a blob's length; its value is printed as Java prints a buffer.
func (d *Decoder) CheckBlob(index int, name string, r *Rule, v []byte) {
	d.checkSize(index, name, r, len(v), func() string {
		n := strconv.Itoa(len(v))
		return "java.nio.HeapByteBuffer[pos=0 lim=" + n + " cap=" + n + "]"
	})
}

// CheckStructs validates the length of a list of structures of the named shape.
func CheckStructs[T any](d *Decoder, index int, name, shape string, r *Rule, v []T) {
	d.checkSize(index, name, r, len(v), func() string {
		return "[" + strings.TrimSuffix(strings.Repeat(shape+", ", len(v)), ", ") + "]"
	})
}

// CheckStructMap validates the size and the keys of a map of structures.
func CheckStructMap[T any](d *Decoder, index int, name, shape string, r, key *Rule, v map[string]T) {
	text := func() string {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+"="+shape)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if r != nil {
		d.checkSize(index, name, r, len(v), text)
	}
	if key == nil {
		return
	}
	for k := range v {
		if !key.holdsString(k) {
			value := ""
			if r == nil || !r.Sensitive {
				value = "'" + text() + "'"
			}
			d.violate(index, name, value, key.elementPhrase())
			return
		}
	}
}

// CheckStrings validates the length of a list of strings, and its elements.
// Either rule may be nil.
func CheckStrings[T ~string](d *Decoder, index int, name string, r, element *Rule, v []T) {
	text := func() string { return "[" + joinStrings(v) + "]" }
	if r != nil {
		d.checkSize(index, name, r, len(v), text)
	}
	if element == nil {
		return
	}
	for _, s := range v {
		if !element.holdsString(string(s)) {
			value := ""
			if !element.Sensitive && (r == nil || !r.Sensitive) {
				value = "'" + text() + "'"
			}
			d.violate(index, name, value, element.elementPhrase())
			return
		}
	}
}

// CheckStringMap validates the size of a map of strings, its keys and its values. Any rule may be nil.
func CheckStringMap[T ~string](d *Decoder, index int, name string, r, key, value *Rule, v map[string]T) {
	text := func() string {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, k+"="+string(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if r != nil {
		d.checkSize(index, name, r, len(v), text)
	}
	badKey, badValue := false, false
	for k, s := range v {
		badKey = badKey || key != nil && !key.holdsString(k)
		badValue = badValue || value != nil && !value.holdsString(string(s))
	}
	if !badKey && !badValue {
		return
	}
	printed := ""
	if (r == nil || !r.Sensitive) && (key == nil || !key.Sensitive) && (value == nil || !value.Sensitive) {
		printed = "'" + text() + "'"
	}
	if badKey {
		d.violate(index, name, printed, key.elementPhrase())
	}
	if badValue {
		d.violate(index, name, printed, value.elementPhrase())
	}
}

// holdsString is the quick answer whether s satisfies everything.
func (r *Rule) holdsString(s string) bool {
	// UTF-8 never has fewer bytes than UTF-16 has units, and units are at least a third of the bytes.
	n := int64(len(s))
	if r.Max != None && n > r.Max && length16(s) > r.Max {
		return false
	}
	if r.Min != None && n < 3*r.Min && length16(s) < r.Min {
		return false
	}
	return (r.Pattern == nil || r.Pattern.Match(s)) && r.holdsEnum(s)
}

func (r *Rule) holdsEnum(s string) bool {
	return r.Enum == nil || slices.Contains(r.Enum, s) || slices.Contains(r.Also, s)
}

func (r *Rule) patternPhrase() string {
	return "Member must satisfy regular expression pattern: " + r.Pattern.Text
}

func (r *Rule) minLengthPhrase() string {
	return "Member must have length greater than or equal to " + strconv.FormatInt(r.Min, 10)
}

func (r *Rule) maxLengthPhrase() string {
	return "Member must have length less than or equal to " + strconv.FormatInt(r.Max, 10)
}

func (r *Rule) enumPhrase() string {
	return "Member must satisfy enum value set: [" + strings.Join(r.Enum, ", ") + "]"
}

// elementPhrase lists all constraints of elements, as the real service does for any violation.
func (r *Rule) elementPhrase() string {
	var parts []string
	if r.Max != None {
		parts = append(parts, r.maxLengthPhrase())
	}
	if r.Min != None {
		parts = append(parts, r.minLengthPhrase())
	}
	if r.Pattern != nil {
		parts = append(parts, r.patternPhrase())
	}
	if r.Enum != nil {
		parts = append(parts, r.enumPhrase())
	}
	return "Member must satisfy constraint: [" + strings.Join(parts, ", ") + "]"
}

// length16 is a text's length as Java counts it: in UTF-16 code units.
func length16(s string) int64 {
	n := int64(0)
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 0xF0: // Four bytes: a surrogate pair.
			n += 2
		case c < utf8.RuneSelf || c >= 0xC0:
			n++
		}
	}
	return n
}
