package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// member is one key of a JSON object, in the order written.
type member struct {
	key   string
	value any // string, json.Number, bool, nil, []any or object
}

type object []member

// maxDepth is more than any policy needs: document, statement, condition, operator, list.
const maxDepth = 8

// parseJSON reads text and rejects duplicate keys, which encoding/json would accept.
// Two readers could choose a different value, and a policy must have one meaning.
func parseJSON(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err == nil {
		if _, after := dec.Token(); !errors.Is(after, io.EOF) {
			err = errors.New("text follows the document")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", position(text, dec.InputOffset()), err)
	}
	return v, nil
}

// position returns the line and column of an offset, as editors count them. The
// valid part of the text ends there: before the first wrong value. The column counts
// characters.
func position(text []byte, offset int64) string {
	before := text[:min(int(offset), len(text))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf("line %d, column %d", bytes.Count(before, []byte("\n"))+1, utf8.RuneCount(line)+1)
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	t, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	switch t {
	case json.Delim('{'):
		return parseObject(dec, depth)
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	}
	return t, nil
}

func parseObject(dec *json.Decoder, depth int) (object, error) {
	o := object{}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		key, ok := t.(string)
		if !ok {
			return nil, errors.New("not JSON: a key must be a string")
		}
		if seen[key] {
			return nil, fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		v, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		o = append(o, member{key, v})
	}
	_, err := dec.Token()
	return o, err
}

// texts reads a string or a list of strings, at least one.
func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errors.New("must not be empty")
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, errors.New("must be a string or a list of strings")
		}
		out = append(out, s)
	}
	return out, nil
}

// scalars reads a condition's values as texts does. Numbers and booleans are read as
// their JSON text.
func scalars(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		// Nothing would match, and a Deny would never deny: it must be a mistake.
		return nil, errors.New("must not be empty")
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		switch e := e.(type) {
		case string:
			out = append(out, e)
		case json.Number:
			out = append(out, e.String())
		case bool:
			out = append(out, strconv.FormatBool(e))
		default:
			return nil, errors.New("values must be strings, numbers or booleans")
		}
	}
	return out, nil
}
