package user

import (
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// A filter of ListUsers is one comparison (Cognito: searching for users):
//
//	filter = attribute ws* ("=" | "^=") ws* '"' value '"'
//
// where a backslash in value escapes a double quote or itself.
type filter struct {
	attr, op, value string
}

var searchable = map[string]bool{
	"username": true, "email": true, "phone_number": true, "name": true, "given_name": true, "family_name": true,
	"preferred_username": true, "cognito:user_status": true, "status": true, "sub": true,
}

func badFilter() error { return idp.InvalidParameterException("Error while parsing filter.") }

// parseFilter parses a filter. The zero filter matches all users.
func parseFilter(s string) (filter, error) {
	s = strings.Trim(s, filterSpace)
	if s == "" {
		return filter{}, nil
	}
	end := strings.IndexAny(s, "=^\""+filterSpace)
	if end <= 0 {
		return filter{}, badFilter()
	}
	f := filter{attr: s[:end]}
	rest := strings.TrimLeft(s[end:], filterSpace)
	switch {
	case strings.HasPrefix(rest, "^="):
		f.op = "^="
	case strings.HasPrefix(rest, "="):
		f.op = "="
	default:
		return filter{}, badFilter()
	}
	value, ok := unquote(strings.TrimLeft(rest[len(f.op):], filterSpace))
	if !ok {
		return filter{}, badFilter()
	}
	f.value = value
	if !searchable[f.attr] {
		return filter{}, idp.InvalidParameterException("Invalid search attribute: " + f.attr)
	}
	return f, nil
}

const filterSpace = " \t\r\n"

// unquote parses a quoted value. Nothing may follow it.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return "", false
		case '\\':
			if i++; i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// query returns the filter as a query of the store. It compares usernames as the pool
// does, the user status without case, and other values exactly.
func (f filter) query(sn *pool.Snapshot) store.UserQuery {
	q := store.UserQuery{Attr: f.attr, Op: f.op, Value: f.value}
	switch f.attr {
	case "username":
		q.Value = sn.FoldUsername(f.value)
	case "cognito:user_status":
		q.FoldCase = true
	}
	return q
}
