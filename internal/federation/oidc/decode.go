package oidc

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

const (
	// maxNesting is how deep JSON of providers may nest, and maxMembers how many members an
	// object may have.
	maxNesting = 32
	maxMembers = 1000
)

var (
	errNotObject = errors.New("not a JSON object")
	errTooMuch   = errors.New("JSON nests too deep or has too many members")
)

// decodeObject reads a JSON object: strictly one, in valid UTF-8, with no member twice, so
// that no other reader can understand it in another way. Numbers are json.Number.
func decodeObject(b []byte) (map[string]any, error) {
	if !utf8.Valid(b) {
		return nil, errNotObject
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.SetNumberType(json.UnmarshalJSONNumber)
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, errNotObject // the cause might quote the document
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || object == nil {
		return nil, errNotObject
	}
	if len(object) > maxMembers {
		return nil, errTooMuch
	}
	for name, value := range object {
		plain, err := standard(value, 1)
		if err != nil {
			return nil, err
		}
		object[name] = plain
	}
	return object, nil
}

// standard turns the numbers of the JOSE library's decoder into those of encoding/json.
func standard(value any, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errTooMuch
	}
	switch v := value.(type) {
	case json.Number:
		return stdjson.Number(v), nil
	case []any:
		for i := range v {
			plain, err := standard(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			v[i] = plain
		}
	case map[string]any:
		if len(v) > maxMembers {
			return nil, errTooMuch
		}
		for name := range v {
			plain, err := standard(v[name], depth+1)
			if err != nil {
				return nil, err
			}
			v[name] = plain
		}
	}
	return value, nil
}

// text returns a member that is a string; "" for all else.
func text(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}

// texts returns a member that is a list of strings; nil for all else.
func texts(object map[string]any, name string) []string {
	list, _ := object[name].([]any)
	values := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			values = append(values, s)
		}
	}
	return values
}
