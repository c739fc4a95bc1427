package sigv4

import (
	"slices"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// appendEncoded percent-encodes all but RFC 3986's unreserved characters.
func appendEncoded(b []byte, s string, keepSlash bool) []byte {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '/' && keepSlash:
			b = append(b, c)
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// appendPath writes the canonical URI. It removes dot segments and repeated slashes,
// and encodes the path, which is encoded already, once more.
func appendPath(b []byte, path string) []byte {
	if path == "" || path == "/" {
		return append(b, '/')
	}
	var segments []string
	for seg := range strings.SplitSeq(path, "/") {
		switch seg {
		case "", ".":
		case "..":
			if len(segments) > 0 {
				segments = segments[:len(segments)-1]
			}
		default:
			segments = append(segments, seg)
		}
	}
	clean := "/" + strings.Join(segments, "/")
	if clean != "/" && strings.HasSuffix(path, "/") {
		clean += "/"
	}
	return appendEncoded(b, clean, true)
}

// appendPathOnce writes the canonical URI of Amazon S3: every segment stays, and an escape
// stays one escape.
func appendPathOnce(b []byte, path string) []byte {
	if path == "" {
		return append(b, '/')
	}
	return appendEncoded(b, unescaped(path), true)
}

// appendQuery writes the canonical query string, sorted by name, then value. It leaves
// out the signature of a presigned URL.
func appendQuery(b []byte, query string, presigned bool) []byte {
	if query == "" {
		return b
	}
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if presigned && name == paramSignature {
			continue
		}
		pairs = append(pairs, pair{
			string(appendEncoded(nil, decoded(name), false)),
			string(appendEncoded(nil, decoded(value), false)),
		})
	}
	slices.SortFunc(pairs, func(a, c pair) int {
		if n := strings.Compare(a.name, c.name); n != 0 {
			return n
		}
		return strings.Compare(a.value, c.value)
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	return b
}

// decoded undoes the encoding of a query. An invalid escape stays as it is.
func decoded(s string) string { return decode(s, true) }

// unescaped undoes the encoding of a path, where a plus is a plus.
func unescaped(s string) string { return decode(s, false) }

func decode(s string, plus bool) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+' && plus:
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
