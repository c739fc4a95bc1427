package awsquery

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Open appends a start tag.
func Open(b []byte, name string) []byte { return append(append(append(b, '<'), name...), '>') }

// Close appends an end tag.
func Close(b []byte, name string) []byte {
	return append(append(append(b, '<', '/'), name...), '>')
}

// Text appends an element with text.
func Text[T ~string](b []byte, name string, v T) []byte {
	return Close(Escape(Open(b, name), string(v)), name)
}

// Bool appends an element with true or false.
func Bool(b []byte, name string, v bool) []byte {
	return Close(strconv.AppendBool(Open(b, name), v), name)
}

// Int appends an element with a whole number.
func Int[T ~int32 | ~int64](b []byte, name string, v T) []byte {
	return Close(strconv.AppendInt(Open(b, name), int64(v), 10), name)
}

// Time appends an element with a time in UTC, in whole seconds as IAM and STS print it.
func Time(b []byte, name string, v time.Time) []byte {
	return Close(v.UTC().AppendFormat(Open(b, name), "2006-01-02T15:04:05Z"), name)
}

// Blob appends an element with base64 text.
func Blob(b []byte, name string, v []byte) []byte {
	return Close(base64.StdEncoding.AppendEncode(Open(b, name), v), name)
}

// Struct appends an element with the members of a structure.
func Struct[T any](b []byte, name string, v *T, members func([]byte, *T) []byte) []byte {
	return Close(members(Open(b, name), v), name)
}

// List appends an element with a member element for each structure.
func List[T any](b []byte, name string, list []T, members func([]byte, *T) []byte) []byte {
	b = Open(b, name)
	for i := range list {
		b = Struct(b, "member", &list[i], members)
	}
	return Close(b, name)
}

// TextList appends an element with a member element for each text.
func TextList[T ~string](b []byte, name string, list []T) []byte {
	b = Open(b, name)
	for _, v := range list {
		b = Text(b, "member", v)
	}
	return Close(b, name)
}

// TextMap appends an element with an entry element for each text, sorted by key.
func TextMap[T ~string](b []byte, name string, m map[string]T) []byte {
	return entries(b, name, m, Text[T])
}

// IntMap appends an element with an entry element for each number, sorted by key.
func IntMap(b []byte, name string, m map[string]int32) []byte {
	return entries(b, name, m, Int[int32])
}

func entries[T any](b []byte, name string, m map[string]T, value func([]byte, string, T) []byte) []byte {
	b = Open(b, name)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b = value(Text(Open(b, "entry"), "key", k), "value", m[k])
		b = Close(b, "entry")
	}
	return Close(b, name)
}

// Escape appends text with XML's special characters escaped. Characters that XML 1.0 cannot
// hold become U+FFFD.
func Escape(b []byte, s string) []byte {
	for _, r := range s {
		switch r {
		case '&':
			b = append(b, "&amp;"...)
		case '<':
			b = append(b, "&lt;"...)
		case '>':
			b = append(b, "&gt;"...)
		case '"':
			b = append(b, "&quot;"...)
		case '\r':
			b = append(b, "&#xD;"...) // A reader would turn a bare one into a line feed.
		default:
			if r < ' ' && r != '\t' && r != '\n' || r == '\uFFFE' || r == '\uFFFF' {
				r = utf8.RuneError
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}
