package operation

import (
	"slices"
	"strings"
)

// A Check is a question for the policies: may the caller do this?
type Check struct {
	Action   string // "s3:GetObject"
	Resource string // an ARN, or "*"
	// Keys are condition keys of this check alone.
	Keys []Key
}

// A Key is a condition key with its values.
type Key struct {
	Name   string
	Values []string
}

// An Error refuses a request that has no meaning, or a meaning that is not known.
type Error struct {
	Status  int
	Code    string // of S3's errors
	Message string
}

func (e *Error) Error() string { return "operation: " + e.Code + ": " + e.Message }

// A Param is a parameter of a query, decoded.
type Param struct{ Name, Value string }

// params are the parameters of a query. No name occurs twice.
type params []Param

func (p params) get(name string) (string, bool) {
	i := slices.IndexFunc(p, func(q Param) bool { return q.Name == name })
	if i < 0 {
		return "", false
	}
	return p[i].Value, true
}

func (p params) has(name string) bool {
	_, ok := p.get(name)
	return ok
}

// maxParams is more parameters than any operation has.
const maxParams = 64

// parseQuery reads a query strictly. A name that occurs twice, or an escape that two
// readers could understand in two ways, is refused.
func parseQuery(query string) (params, *Error) { return parseParams(query, maxParams) }

// maxFormParams is the most parameters of a form: batches have lists.
const maxFormParams = 1024

// parseForm reads a form as strictly as a query.
func parseForm(form string) (params, *Error) { return parseParams(form, maxFormParams) }

func parseParams(query string, limit int) (params, *Error) {
	var out params
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, ok1 := unescape(name, true)
		v, ok2 := unescape(value, true)
		if !ok1 || !ok2 || strings.ContainsRune(part, ';') {
			return nil, &Error{400, "InvalidURI", "Couldn't parse the specified URI."}
		}
		if out.has(n) {
			return nil, invalidArgument("The query parameter " + printable(n) + " must be sent once.")
		}
		if len(out) == limit {
			return nil, invalidArgument("The query has too many parameters.")
		}
		out = append(out, Param{n, v})
	}
	return out, nil
}

// Encode returns the query in its canonical encoding.
func Encode(query []Param) string {
	var b strings.Builder
	for i, p := range query {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.Name, false))
		b.WriteByte('=')
		b.WriteString(escape(p.Value, false))
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// escape encodes all bytes but RFC 3986's unreserved characters.
func escape(s string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
		}
	}
	return b.String()
}

// unescape decodes percent-encoding once, and rejects an invalid escape.
func unescape(s string, plus bool) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+' && plus:
			out = append(out, ' ')
		case s[i] != '%':
			out = append(out, s[i])
		default:
			if i+2 >= len(s) || digit(s[i+1]) < 0 || digit(s[i+2]) < 0 {
				return "", false
			}
			out = append(out, byte(digit(s[i+1])<<4|digit(s[i+2])))
			i += 2
		}
	}
	return string(out), true
}

// digit returns the value of a hexadecimal digit, or -1.
func digit(c byte) int {
	if c >= 'a' && c <= 'f' {
		c -= 'a' - 'A'
	}
	return strings.IndexByte(upperHex, c)
}

func invalidArgument(message string) *Error { return &Error{400, "InvalidArgument", message} }

// printable makes the client's text safe and short enough to be sent back.
func printable(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
