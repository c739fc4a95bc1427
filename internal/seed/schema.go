package seed

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Schema returns the JSON Schema of seeds, for editors. enums returns the values of an enumeration
// of the API by the name of its type.
func Schema(enums func(name string) []string) ([]byte, error) {
	b := &schemaBuilder{enums: enums, definitions: map[string]any{}}
	root := b.structure(reflect.TypeFor[File]())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Seed of cognate dev"
	root["definitions"] = b.definitions
	text, err := json.MarshalIndent(root, "", " ")
	return append(text, '\n'), err
}

type schemaBuilder struct {
	enums       func(name string) []string
	definitions map[string]any
}

// structure returns the schema of a type of this package.
func (b *schemaBuilder) structure(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for f := range fields(t) {
		name, isRequired := strings.CutSuffix(f.Tag.Get("seed"), ",required")
		property := b.field(f)
		property["description"] = f.Tag.Get("doc")
		properties[name] = property
		if isRequired {
			required = append(required, name)
		}
	}
	object := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		object["required"] = required
	}
	return object
}

// field returns the schema of a field of a type of this package.
func (b *schemaBuilder) field(f reflect.StructField) map[string]any {
	if s, ok := shapes[f.Tag.Get("shape")]; ok {
		if s.kind.Kind() == reflect.Map {
			return b.member(s.kind)
		}
		return b.members(s.kind, s.hidden)
	}
	if list := f.Tag.Get("enum"); list != "" {
		one := map[string]any{"enum": strings.Split(list, ",")}
		if f.Type.Kind() == reflect.Slice {
			return map[string]any{"type": "array", "items": one}
		}
		return one
	}
	return b.own(f.Type)
}

// own returns the schema of a type of a field.
func (b *schemaBuilder) own(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[Document]():
		return map[string]any{"type": "object"}
	case t.Kind() == reflect.Pointer:
		return b.own(t.Elem())
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": b.own(t.Elem())}
	case t == reflect.TypeFor[map[string]string]():
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []string{"string", "number", "boolean"}}}
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": b.own(t.Elem())}
	case t.Kind() == reflect.Struct:
		return b.structure(t)
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Int32:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{"type": []string{"string", "number"}}
}

// members returns the schema of a structure of the API, without some members.
func (b *schemaBuilder) members(t reflect.Type, hidden []string) map[string]any {
	properties := map[string]any{}
	for f := range t.Fields() {
		if !slices.Contains(hidden, f.Name) {
			properties[f.Name] = b.member(f.Type)
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

// member returns the schema of the type of a member of the API.
func (b *schemaBuilder) member(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": []string{"string", "number"}}
	case t.Kind() == reflect.Pointer:
		return b.member(t.Elem())
	case t.Kind() == reflect.Struct:
		name := strings.ReplaceAll(t.String(), ".", "-")
		if _, known := b.definitions[name]; !known {
			b.definitions[name] = nil // It may contain itself.
			b.definitions[name] = b.members(t, nil)
		}
		return map[string]any{"$ref": "#/definitions/" + name}
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return map[string]any{"type": "array", "items": b.member(t.Elem())}
	case t.Kind() == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": b.member(t.Elem())}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64:
		return map[string]any{"type": "integer"}
	case t.Kind() == reflect.Float64:
		return map[string]any{"type": "number"}
	}
	if values := b.enums(t.Name()); len(values) > 0 {
		return map[string]any{"enum": values}
	}
	return map[string]any{"type": []string{"string", "number"}}
}
