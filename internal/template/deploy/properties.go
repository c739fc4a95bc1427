package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/spelling"
)

// Properties are the properties of a resource, or the members of a request, as JSON has them.
type properties = map[string]any

// A fault is an error of the property at a path. Its text quotes no value, since a value may be a secret.
type fault struct{ path, text string }

// A fitter converts properties to the types of the API. CloudFormation accepts texts for numbers and truth
// values. Templates often have such texts, because parameters are texts.
type fitter struct{ faults []fault }

func (f *fitter) wrong(path, format string, args ...any) {
	f.faults = append(f.faults, fault{path, fmt.Sprintf(format, args...)})
}

// fit converts a value to the JSON form of a type.
func (f *fitter) fit(value any, t reflect.Type, path string) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface {
		return value
	}
	switch t.Kind() {
	case reflect.Struct:
		return f.object(value, t, path)
	case reflect.Map:
		return f.entries(value, t, path)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return f.text(value, path)
		}
		return f.list(value, t, path)
	case reflect.String:
		return f.text(value, path)
	case reflect.Bool:
		return f.truth(value, path)
	case reflect.Int32, reflect.Int64:
		return f.number(value, t.Bits(), path)
	}
	f.wrong(path, "cannot be set in a template")
	return nil
}

func (f *fitter) object(value any, t reflect.Type, path string) any {
	given, ok := value.(map[string]any)
	if !ok {
		f.wrong(path, "must be an object, and is %s", nameOf(value))
		return nil
	}
	out := make(properties, len(given))
	for _, name := range sortedKeys(given) {
		if given[name] == nil {
			continue
		}
		field, known := t.FieldByName(name)
		if !known {
			f.wrong(join(path, name), "there is no such property%s", spelling.Meant(name, memberNames(t)))
			continue
		}
		out[name] = f.fit(given[name], field.Type, join(path, name))
	}
	return out
}

func (f *fitter) entries(value any, t reflect.Type, path string) any {
	given, ok := value.(map[string]any)
	if !ok {
		f.wrong(path, "must be an object, and is %s", nameOf(value))
		return nil
	}
	out := make(properties, len(given))
	for _, name := range sortedKeys(given) {
		if given[name] != nil {
			out[name] = f.fit(given[name], t.Elem(), join(path, name))
		}
	}
	return out
}

func (f *fitter) list(value any, t reflect.Type, path string) any {
	given, ok := value.([]any)
	if !ok {
		f.wrong(path, "must be a list, and is %s", nameOf(value))
		return nil
	}
	out := make([]any, 0, len(given))
	for i, e := range given {
		if e != nil { // AWS::NoValue leaves an entry out.
			out = append(out, f.fit(e, t.Elem(), fmt.Sprintf("%s[%d]", path, i)))
		}
	}
	return out
}

func (f *fitter) text(value any, path string) any {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	if n, ok := numberOf(value); ok {
		return n
	}
	f.wrong(path, "must be a text, and is %s", nameOf(value))
	return nil
}

func (f *fitter) truth(value any, path string) any {
	switch v := value.(type) {
	case bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "true":
			return true
		case "false":
			return false
		}
	}
	f.wrong(path, "must be true or false, and is %s", nameOf(value))
	return nil
}

func (f *fitter) number(value any, bits int, path string) any {
	text, ok := value.(string)
	if !ok {
		text, ok = numberOf(value)
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, bits)
	if !ok || err != nil {
		f.wrong(path, "must be a whole number, and is %s", nameOf(value))
		return nil
	}
	return n
}

// numberOf returns a number as it is written.
func numberOf(value any) (string, bool) {
	switch v := value.(type) {
	case json.Number:
		return v.String(), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	}
	return "", false
}

// nameOf says what a value is.
func nameOf(value any) string {
	switch value.(type) {
	case nil:
		return "empty"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

// memberNames returns the names of the members of a request.
func memberNames(t reflect.Type) []string {
	names := make([]string, 0, t.NumField())
	for f := range t.Fields() {
		names = append(names, f.Name)
	}
	return names
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// A shape says which properties a type of resources has. They are the members of a request of the API,
// apart from a few names.
type shape struct {
	request reflect.Type
	// named has the members of properties whose names differ from their members' names.
	named map[string]string
	// more are properties that the request does not have, with their types.
	more map[string]reflect.Type
	// without are members of the request that are not properties.
	without []string
	// idle are properties of CloudFormation that have no effect here.
	idle []string
}

// types returns the type of each property.
func (s *shape) types() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	if s.request != nil {
		members := map[string]string{}
		for property, member := range s.named {
			members[member] = property
		}
		for field := range s.request.Fields() {
			name := field.Name
			if property, ok := members[name]; ok {
				name = property
			}
			if !slices.Contains(s.without, name) {
				all[name] = field.Type
			}
		}
	}
	maps.Copy(all, s.more)
	for _, name := range s.idle {
		all[name] = reflect.TypeFor[any]()
	}
	return all
}

// members returns the members for properties. The paths of faults are those of the properties.
func (s *shape) members(given properties, f *fitter) properties {
	types := s.types()
	out := properties{}
	for _, name := range sortedKeys(given) {
		t, known := types[name]
		switch {
		case given[name] == nil:
		case !known:
			f.wrong(name, "there is no such property%s", spelling.Meant(name, sortedKeys(types)))
		case slices.Contains(s.idle, name):
		default:
			member := name
			if m, ok := s.named[name]; ok {
				member = m
			}
			out[member] = f.fit(given[name], t, name)
		}
	}
	return out
}

// property returns the path of a property for the path of its member.
func (s *shape) property(path string) string {
	for property, member := range s.named {
		if rest, ok := strings.CutPrefix(path, member); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return property + rest
		}
	}
	return path
}
