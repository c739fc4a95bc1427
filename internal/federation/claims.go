package federation

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Text returns a claim as the text of a user's attribute. It reports false if the provider
// sent no value; a blank text removes the attribute. Cognito: "Specifying attribute mappings
// for your user pool".
//
// Several values become one text, [v1,v2], whose values are form-url-encoded. A single value
// is plain. Objects become JSON.
func Text(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", false
	case []any:
		return join(v), true
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return join(list), true
	}
	return single(value), true
}

// Texts returns claims as texts, without the claims that have no value.
func Texts(claims map[string]any) map[string]string {
	texts := make(map[string]string, len(claims))
	for name, value := range claims {
		if text, ok := Text(value); ok {
			texts[name] = text
		}
	}
	return texts
}

// Verified returns the value of a claim such as email_verified: only true and "true" are
// true. An absent claim is false.
func Verified(value any) bool {
	return value == true || value == "true"
}

// join makes one text of several values.
func join(list []any) string {
	values := make([]any, 0, len(list))
	for _, v := range list {
		if v != nil {
			values = append(values, v)
		}
	}
	switch len(values) {
	case 0:
		return ""
	case 1:
		return single(values[0])
	}
	var b strings.Builder
	for i, v := range values {
		b.WriteByte("[,"[min(i, 1)])
		formEncode(&b, single(v))
	}
	b.WriteByte(']')
	return b.String()
}

func single(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// formEncode writes a text in the encoding of HTML forms, which keeps letters, digits and
// ". - * _" and writes a space as "+". It differs from url.QueryEscape in "*" and "~".
func formEncode(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '*', c == '_':
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
}
