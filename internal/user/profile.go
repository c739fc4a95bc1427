package user

import (
	"encoding/json"
	"strings"
)

// plainPrefix is the start of most profiles: version 1, with attributes.
const plainPrefix = `{"v":1,"attributes":{`

// parse parses a profile document. Most documents have attributes alone, whose texts need
// no escapes. These are parsed here at a tenth of the cost of encoding/json, because each
// sign-in and each call with an access token reads one. All others are left to
// encoding/json.
func (p *profile) parse(doc []byte) error {
	if attributes, ok := plainAttributes(string(doc)); ok {
		p.Version, p.Attributes = 1, attributes
		return nil
	}
	return json.Unmarshal(doc, p)
}

// plainAttributes parses {"v":1,"attributes":{"name":"value",…}} as [json.Marshal] writes
// it. It returns false if the text is anything else.
func plainAttributes(text string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(text, plainPrefix)
	if !ok || rest == "}}" {
		return nil, false
	}
	attributes := make(map[string]string, 8)
	for {
		name, after, ok := plainString(rest)
		if !ok || !strings.HasPrefix(after, ":") {
			return nil, false
		}
		value, after, ok := plainString(after[1:])
		if !ok {
			return nil, false
		}
		attributes[name] = value
		switch {
		case strings.HasPrefix(after, ","):
			rest = after[1:]
		case after == "}}":
			return attributes, true
		default:
			return nil, false
		}
	}
}

// plainString parses a JSON string without escapes at the start of the text.
func plainString(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", false
	}
	end := strings.IndexAny(text[1:], `"\`)
	if end < 0 || text[1+end] == '\\' {
		return "", "", false
	}
	return text[1 : 1+end], text[2+end:], true
}
