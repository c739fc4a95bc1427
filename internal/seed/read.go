package seed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"cognate/internal/document"
	"cognate/internal/spelling"
)

// maxFile is the largest seed. 10,000 users take about 3 MB.
const maxFile = 64 << 20

// maxNodes and maxBytes limit the work for a file whose aliases repeat each other.
const (
	maxNodes = 5_000_000
	maxBytes = maxFile
)

// Read reads the seed of a file. Its error names file, line and field of each fault.
func Read(name string) (*File, error) {
	text, err := document.ReadFile(name, "seed", maxFile>>20)
	if err != nil {
		return nil, err
	}
	return Parse(name, text)
}

// Parse reads a seed: JSON if it begins with a brace, else YAML.
func Parse(name string, text []byte) (*File, error) {
	src := &source{name: name}
	p := &problems{source: src}
	var err error
	if src.root, err = document.Parse(text); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file := &File{source: src}
	if src.root != nil {
		d := &decoder{problems: p}
		d.value(src.root, reflect.ValueOf(file).Elem(), "", reflect.StructTag(""))
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return file, file.check()
}

// A source is the tree of a file, for the lines of its fields.
type source struct {
	name string
	root *yaml.Node
}

// line returns the line of the field at a path, or of the nearest field above it.
func (s *source) line(path string) int {
	n := s.root
	if n == nil {
		return 0
	}
	for _, step := range steps(path) {
		next := child(n, step)
		if next == nil {
			break
		}
		n = next
	}
	return n.Line
}

// steps splits a path such as users[3].sub.
func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

func child(n *yaml.Node, step string) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// A decoder copies a tree into values, and notes each fault.
type decoder struct {
	*problems
	// nodes and bytes count what was read, with what aliases repeat.
	nodes, bytes int
	// aliases are the aliases around the current node: an alias may not contain itself.
	aliases []*yaml.Node
}

// resolve follows an alias. It returns nil after a problem. The caller must call leave.
func (d *decoder) resolve(n *yaml.Node, path string) (target *yaml.Node, leave func()) {
	if d.nodes > maxNodes || d.bytes > maxBytes {
		return nil, func() {}
	}
	d.nodes++
	d.bytes += len(n.Value)
	if d.nodes > maxNodes || d.bytes > maxBytes {
		d.on(n, path, "the aliases of the file repeat too much")
		return nil, func() {}
	}
	if n.Kind != yaml.AliasNode {
		return n, func() {}
	}
	if slices.Contains(d.aliases, n.Alias) {
		d.on(n, path, "the alias *%s contains itself", n.Value)
		return nil, func() {}
	}
	d.aliases = append(d.aliases, n.Alias)
	return n.Alias, func() { d.aliases = d.aliases[:len(d.aliases)-1] }
}

// value copies a node into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	n, leave := d.resolve(n, path)
	defer leave()
	if n == nil || isNull(n) {
		return
	}
	switch v.Interface().(type) {
	case Settings:
		s := shapes[tag.Get("shape")]
		if s.kind.Kind() == reflect.Map {
			d.mapping(n, path, func(key, value *yaml.Node, path string) {
				set(v, key.Value, d.json(value, s.kind.Elem(), path))
			})
			return
		}
		d.settings(n, v, s, path)
		return
	case Document:
		if text := d.json(n, nil, path); n.Kind == yaml.MappingNode {
			v.SetBytes(text)
		} else {
			d.on(n, path, "must be a policy: %s", found(n))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path, tag)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.on(n, path, "must be a list, %s", found(n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, e := range n.Content {
			d.value(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i), tag)
		}
	case reflect.Map:
		d.mapping(n, path, func(key, value *yaml.Node, path string) {
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(value, e, path, "text")
			set(v, key.Value, e.Interface())
		})
	default:
		d.scalar(n, v, path, tag)
	}
}

// set adds an entry to a map.
func set(m reflect.Value, key string, value any) {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	m.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(value).Convert(m.Type().Elem()))
}

// mapping calls f for each entry of a mapping, with those of its merge keys.
func (d *decoder) mapping(n *yaml.Node, path string, f func(key, value *yaml.Node, path string)) {
	d.entries(n, path, map[string]int{}, f)
}

func (d *decoder) entries(n *yaml.Node, path string, seen map[string]int, f func(key, value *yaml.Node, path string)) {
	if n.Kind != yaml.MappingNode {
		d.on(n, path, "must be a mapping of names to values, %s", found(n))
		return
	}
	var merged []*yaml.Node
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.on(key, path, "the name of a field must be a text")
		case key.Tag == "!!merge":
			merged = append(merged, value)
		case own[key.Value]:
			d.on(key, join(path, key.Value), "is there twice; it is on line %d, too", seen[key.Value])
		case seen[key.Value] > 0: // The mapping that merges this one has the field.
		default:
			own[key.Value], seen[key.Value] = true, key.Line
			f(key, value, join(path, key.Value))
		}
	}
	for _, m := range merged {
		d.merge(m, path, seen, f)
	}
}

// merge adds the entries of a merge key: a mapping or a list of mappings.
func (d *decoder) merge(n *yaml.Node, path string, seen map[string]int, f func(key, value *yaml.Node, path string)) {
	n, leave := d.resolve(n, path)
	defer leave()
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			d.merge(e, path, seen, f)
		}
	default:
		d.entries(n, path, seen, f)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldsOf returns the fields of a struct by their names in the file.
func fieldsOf(t reflect.Type) (names []string, byName map[string]reflect.StructField) {
	byName = map[string]reflect.StructField{}
	for f := range fields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("seed"), ",")
		names = append(names, name)
		byName[name] = f
	}
	return names, byName
}

// fields returns the fields of a struct that a file can set.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.Fields() {
			if f.Tag.Get("seed") != "" && !yield(f) {
				return
			}
		}
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	names, byName := fieldsOf(v.Type())
	has := map[string]bool{}
	d.mapping(n, path, func(key, value *yaml.Node, path string) {
		f, ok := byName[key.Value]
		if !ok {
			d.on(key, path, "there is no such field%s", spelling.Meant(key.Value, names))
			return
		}
		has[key.Value] = !isNull(value)
		d.value(value, v.FieldByIndex(f.Index), path, f.Tag)
	})
	for f := range fields(v.Type()) {
		name, required := strings.CutSuffix(f.Tag.Get("seed"), ",required")
		if required && !has[name] && n.Kind == yaml.MappingNode {
			d.on(n, path, "the field %s is missing", name)
		}
	}
}

// settings copies the members of a request of the API.
func (d *decoder) settings(n *yaml.Node, v reflect.Value, s shape, path string) {
	d.mapping(n, path, func(key, value *yaml.Node, path string) {
		if slices.Contains(s.hidden, key.Value) {
			d.on(key, path, "has a field of its own in a seed, outside of the settings")
			return
		}
		if t, ok := d.member(key, s.kind, s.hidden, path); ok && !isNull(value) {
			set(v, key.Value, d.json(value, t, path))
		}
	})
}

// member returns the type of a member of a structure of the API.
func (d *decoder) member(key *yaml.Node, t reflect.Type, hidden []string, path string) (reflect.Type, bool) {
	if f, ok := t.FieldByName(key.Value); ok {
		return f.Type, true
	}
	var names []string
	for f := range t.Fields() {
		if !slices.Contains(hidden, f.Name) {
			names = append(names, f.Name)
		}
	}
	d.on(key, path, "the API has no such member%s", spelling.Meant(key.Value, names))
	return nil, false
}

// json returns a node as JSON of a type of the API; nil is any type.
func (d *decoder) json(n *yaml.Node, t reflect.Type, path string) json.RawMessage {
	n, leave := d.resolve(n, path)
	defer leave()
	if n == nil || isNull(n) {
		return json.RawMessage("null")
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
		return d.anyJSON(n, path)
	case t == reflect.TypeFor[time.Time]():
		return d.timeJSON(n, path)
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		return d.objectJSON(n, t, path)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if n.Kind != yaml.SequenceNode {
			d.on(n, path, "must be a list, %s", found(n))
			return nil
		}
		return d.listJSON(n, t.Elem(), path)
	}
	v := reflect.New(t).Elem()
	if t.Kind() == reflect.Slice { // of bytes
		v = reflect.New(reflect.TypeFor[string]()).Elem()
	}
	d.scalar(n, v, path, "")
	out, _ := json.Marshal(v.Interface())
	return out
}

func (d *decoder) listJSON(n *yaml.Node, element reflect.Type, path string) json.RawMessage {
	parts := make([][]byte, 0, len(n.Content))
	for i, e := range n.Content {
		parts = append(parts, d.json(e, element, fmt.Sprintf("%s[%d]", path, i)))
	}
	return slices.Concat([]byte("["), bytes.Join(parts, []byte(",")), []byte("]"))
}

func (d *decoder) objectJSON(n *yaml.Node, t reflect.Type, path string) json.RawMessage {
	var parts [][]byte
	d.mapping(n, path, func(key, value *yaml.Node, path string) {
		var member reflect.Type
		switch {
		case t != nil && t.Kind() == reflect.Map:
			member = t.Elem()
		case t != nil:
			var ok bool
			if member, ok = d.member(key, t, nil, path); !ok {
				return
			}
		}
		name, _ := json.Marshal(key.Value)
		parts = append(parts, slices.Concat(name, []byte(":"), d.json(value, member, path)))
	})
	return slices.Concat([]byte("{"), bytes.Join(parts, []byte(",")), []byte("}"))
}

// anyJSON returns a node as the JSON that it looks like.
func (d *decoder) anyJSON(n *yaml.Node, path string) json.RawMessage {
	switch n.Kind {
	case yaml.MappingNode:
		return d.objectJSON(n, nil, path)
	case yaml.SequenceNode:
		return d.listJSON(n, nil, path)
	}
	if tag := n.ShortTag(); tag == "!!bool" || (tag == "!!int" || tag == "!!float") && json.Valid([]byte(n.Value)) {
		return json.RawMessage(strings.ToLower(n.Value))
	}
	out, _ := json.Marshal(n.Value)
	return out
}

// timeJSON returns a time as the API takes it: in seconds.
func (d *decoder) timeJSON(n *yaml.Node, path string) json.RawMessage {
	if at, err := time.Parse(time.RFC3339, n.Value); err == nil {
		return strconv.AppendInt(nil, at.Unix(), 10)
	}
	if _, err := strconv.ParseFloat(n.Value, 64); err != nil || n.Kind != yaml.ScalarNode {
		d.on(n, path, "must be a time such as 2030-01-31T12:00:00Z, %s", found(n))
		return nil
	}
	return json.RawMessage(n.Value)
}

// scalar copies a text, a number or a truth value.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string, tag reflect.StructTag) {
	kind := n.ShortTag()
	if n.Kind != yaml.ScalarNode {
		kind = ""
	}
	switch v.Kind() {
	case reflect.String:
		// The values of a map of texts are often written without quotes, as is a number that is a text.
		plain := kind == "!!int" || kind == "!!float" || kind == "!!timestamp" || kind == "!!bool" && tag == "text"
		if kind != "!!str" && !plain {
			d.on(n, path, "must be a text, %s", found(n))
			return
		}
		v.SetString(n.Value)
		if list := tag.Get("enum"); list != "" && !slices.Contains(strings.Split(list, ","), n.Value) {
			d.on(n, path, "must be one of %s%s", strings.ReplaceAll(list, ",", ", "), spelling.Meant(n.Value, strings.Split(list, ",")))
		}
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(n.Value))
		if kind != "!!bool" || err != nil {
			d.on(n, path, "must be true or false, %s", found(n))
			return
		}
		v.SetBool(b)
	case reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if kind != "!!int" || err != nil {
			d.on(n, path, "must be a whole number, %s", found(n))
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.Value, 64)
		if kind != "!!int" && kind != "!!float" || err != nil {
			d.on(n, path, "must be a number, %s", found(n))
			return
		}
		v.SetFloat(x)
	default:
		d.on(n, path, "cannot be set in a seed")
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// found says what is there instead. It quotes no value, which may be a secret.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "and is a list"
	case yaml.MappingNode:
		return "and is a mapping"
	}
	switch n.ShortTag() {
	case "!!str":
		return "and is a text"
	case "!!bool":
		return "and is true or false"
	case "!!int", "!!float":
		return "and is a number"
	case "!!timestamp":
		return "and is a date"
	case "!!null":
		return "and is empty"
	}
	return "and is a value with the tag " + n.ShortTag()
}
