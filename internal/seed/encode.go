package seed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"cognate/internal/document"
	"cognate/internal/keys"
)

// encode returns a seed as YAML, without empty fields.
func encode(f *File) ([]byte, error) {
	n, err := node(reflect.ValueOf(f).Elem())
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, err
	}
	return text.Bytes(), enc.Close()
}

// node returns a value of a seed as a tree.
func node(v reflect.Value) (*yaml.Node, error) {
	switch value := v.Interface().(type) {
	case Document:
		return jsonNode(value)
	case json.RawMessage:
		return jsonNode(value)
	case keys.Secret:
		return textNode(string(value)), nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return node(v.Elem())
	case reflect.Struct:
		return structNode(v)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			e, err := node(v.Index(i))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, e)
		}
		return n, nil
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		names := v.MapKeys()
		slices.SortFunc(names, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, name := range names {
			e, err := node(v.MapIndex(name))
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, textNode(name.String()), e)
		}
		return n, nil
	case reflect.Bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}, nil
	case reflect.Int32:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v.Int(), 10)}, nil
	case reflect.String:
		return textNode(v.String()), nil
	}
	return nil, fmt.Errorf("seed: no form for %s", v.Type())
}

func structNode(v reflect.Value) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for f := range fields(v.Type()) {
		value := v.FieldByIndex(f.Index)
		kind := value.Kind()
		if value.IsZero() || (kind == reflect.Slice || kind == reflect.Map) && value.Len() == 0 {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("seed"), ",")
		e, err := node(value)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, textNode(name), e)
	}
	return n, nil
}

// textNode returns a text. Its tag makes the encoder quote a text that looks like another type.
func textNode(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

// jsonNode returns JSON as a tree of YAML.
func jsonNode(text []byte) (*yaml.Node, error) {
	n, err := document.ParseJSON(text)
	if err != nil {
		return nil, err
	}
	clearLines(n)
	return n, nil
}

func clearLines(n *yaml.Node) {
	n.Line = 0
	for _, e := range n.Content {
		clearLines(e)
	}
}
