package resource

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// The limits of a request body. The caller limits its size.
const (
	maxDepth  = 16      // A change in a bulk request needs 9.
	maxValues = 200_000 // Values of all kinds. A group of 40,000 members needs 160,000.
)

// object is a JSON object. Attribute names are case-insensitive (RFC 7643 §2.1), and an
// object never has two names that differ in case alone.
type object = map[string]any

// decodeObject returns the object in a request body. It refuses duplicate names, texts
// that are not UTF-8, and NUL, which PostgreSQL does not store.
func decodeObject(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, InvalidSyntaxf("The body is not valid UTF-8.")
	}
	d := &decoder{json: json.NewDecoder(bytes.NewReader(body))}
	d.json.UseNumber()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return nil, InvalidSyntaxf("The body continues after its JSON object.")
	}
	o, ok := v.(object)
	if !ok {
		return nil, InvalidSyntaxf("The body is not a JSON object.")
	}
	return o, nil
}

// A decoder reads JSON token by token. So the limits apply before anything is built.
type decoder struct {
	json   *json.Decoder
	values int
}

func (d *decoder) value(depth int) (any, error) {
	token, err := d.json.Token()
	if err != nil {
		return nil, InvalidSyntaxf("The body is not valid JSON.")
	}
	if d.values++; d.values > maxValues {
		return nil, InvalidSyntaxf("The body has more than %d values.", maxValues)
	}
	switch token := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, InvalidSyntaxf("The body is nested more than %d levels deep.", maxDepth)
		}
		if token == '{' {
			return d.object(depth)
		}
		return d.array(depth)
	case string:
		return token, checkText(token)
	default:
		return token, nil
	}
}

func (d *decoder) object(depth int) (any, error) {
	o := object{}
	names := map[string]bool{}
	for d.json.More() {
		token, err := d.json.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, InvalidSyntaxf("The body is not valid JSON.")
		}
		if err := checkText(name); err != nil {
			return nil, err
		}
		if names[fold(name)] {
			return nil, InvalidSyntaxf("The name %s is in an object twice. Names are case-insensitive.", quote(name))
		}
		names[fold(name)] = true
		if o[name], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return o, d.end()
}

func (d *decoder) array(depth int) (any, error) {
	list := []any{}
	for d.json.More() {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, d.end()
}

func (d *decoder) end() error {
	if _, err := d.json.Token(); err != nil {
		return InvalidSyntaxf("The body is not valid JSON.")
	}
	return nil
}

func checkText(text string) error {
	if strings.ContainsRune(text, 0) {
		return InvalidValuef("A text contains the character NUL.")
	}
	return nil
}

// field returns the value of a name in any case.
func field(o object, name string) (any, bool) {
	if v, ok := o[name]; ok {
		return v, true
	}
	for k, v := range o {
		if fold(k) == fold(name) {
			return v, true
		}
	}
	return nil, false
}

// fold returns the form in which names and case-insensitive values are compared.
func fold(text string) string {
	return strings.ToLower(text)
}

// hasSchema reports whether the schemas of a message contain a URN. URNs of schemas are
// compared without case, because directories send them in different cases.
func hasSchema(message object, urn string) bool {
	v, _ := field(message, "schemas")
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, v := range list {
		if s, ok := v.(string); ok && fold(s) == fold(urn) {
			return true
		}
	}
	return false
}

// checkSchema refuses a message that does not name its schema.
func checkSchema(message object, urn string) error {
	if !hasSchema(message, urn) {
		return InvalidSyntaxf("The schemas of the message must contain %q.", urn)
	}
	return nil
}
