package awsjson

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Name appends the comma, if one is needed, and the key of a member. key is `"Name":`.
func Name(b []byte, key string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(b, key...)
}

const hexDigits = "0123456789abcdef"

// String appends a JSON string. It does not escape HTML's characters, as AWS does not. Invalid
// UTF-8 becomes U+FFFD.
func String[T ~string](b []byte, v T) []byte {
	s := string(v)
	b = append(b, '"')
	start := 0
	for i := plainLen(s); i < len(s); i += plainLen(s[i:]) {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			b = append(append(b, s[start:i]...), "\uFFFD"...)
			i++
			start = i
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// Bool appends true or false.
func Bool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// Int appends a whole number.
func Int[T ~int32 | ~int64](b []byte, v T) []byte { return strconv.AppendInt(b, int64(v), 10) }

// Time appends epoch seconds with up to three decimals.
func Time(b []byte, v time.Time) []byte {
	ms := v.UnixMilli()
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	frac := ms % 1000
	if frac == 0 {
		return b
	}
	digits := [4]byte{'.', byte('0' + frac/100), byte('0' + frac/10%10), byte('0' + frac%10)}
	end := 4
	for digits[end-1] == '0' {
		end--
	}
	return append(b, digits[:end]...)
}

// Blob appends base64 text.
func Blob(b, v []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(b, '"'), v), '"')
}

// Document appends free JSON as it is; an empty one is null.
func Document(b []byte, v json.RawMessage) []byte {
	if len(v) == 0 {
		return append(b, "null"...)
	}
	return append(b, v...)
}

// List appends a list by its elements.
func List[T any](b []byte, list []T, element func([]byte, *T) []byte) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, &list[i])
	}
	return append(b, ']')
}

// StringList appends a list of strings.
func StringList[T ~string](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = String(b, s)
	}
	return append(b, ']')
}

// Map appends a map, its keys sorted.
func Map[T any](b []byte, m map[string]T, value func([]byte, *T) []byte) []byte {
	b = append(b, '{')
	for _, k := range sortedKeys(m) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(String(b, k), ':')
		v := m[k]
		b = value(b, &v)
	}
	return append(b, '}')
}

// StringsByName appends a map of strings, its keys sorted.
func StringsByName[T ~string](b []byte, m map[string]T) []byte {
	b = append(b, '{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(String(b, k), ':')
		b = String(b, m[k])
	}
	return append(b, '}')
}

// IntsByName appends a map of numbers, its keys sorted.
func IntsByName(b []byte, m map[string]int32) []byte {
	b = append(b, '{')
	for i, k := range sortedKeys(m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = Int(append(String(b, k), ':'), m[k])
	}
	return append(b, '}')
}

func sortedKeys[T any](m map[string]T) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}
