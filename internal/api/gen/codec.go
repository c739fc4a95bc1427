package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// decodeFile writes a reader for each structure that inputs hold.
func (m *model) decodeFile() *source {
	var s source
	code := "InvalidParameterException"
	switch {
	case m.Service == "cognito-identity":
		code = "ValidationException" // Identity pools answer constraint violations so, unlisted in the model.
	case m.Protocol == "query":
		code = "ValidationError"
	}
	s.p("// codeValidation is the code that answers constraint violations.")
	s.p("const codeValidation = %q\n", code)
	s.p("func decodeInput[T any](open func([]byte) *awsjson.Decoder, body []byte, read func(*awsjson.Decoder, *T)) (any, error) {")
	s.p("d := open(body)\nin := new(T)\nd.Root(func() { read(d, in) })")
	s.p("if err := d.Finish(codeValidation); err != nil {\nreturn nil, err\n}\nreturn in, nil\n}\n")
	for _, name := range m.inputs {
		sh := m.Shapes[name]
		s.p("func decode%s(d *awsjson.Decoder, v *%s) {", goName(name), goName(name))
		if len(sh.Members) == 0 {
			s.p("for d.BeginObject(); d.Next(); {\nd.Skip()\n}\n}\n")
			continue
		}
		s.p("var f awsjson.Fields")
		s.p("for d.BeginObject(); d.Next(); {")
		s.p("switch string(d.Key()) {")
		for _, mem := range sh.Members {
			s.p("case %q:", mem.Name)
			s.p("if d.Value(&f, %d) {\nv.%s = %s\n}", mem.Index, goName(mem.Name), m.readExpr(mem))
		}
		s.p("default:\nd.Skip()\n}\n}")
		if m.constrained[name] {
			s.p("if d.OK() {\nvalidate%s(d, v, f)\n}", goName(name))
		}
		s.p("}\n")
	}
	return &s
}

func (m *model) readExpr(mem *member) string {
	sh := m.Shapes[mem.Shape]
	at := fmt.Sprintf("d, %d, %q", mem.Index, mem.pathName())
	nested := func(kind, elem string) string {
		return fmt.Sprintf("awsjson.%s(%s, %t, decode%s)", kind, at, sh.Sensitive, goName(elem))
	}
	var read string
	switch sh.Type {
	case "string":
		read = "d.String()"
		if sh.Enum != nil {
			return goName(mem.Shape) + "(" + read + ")"
		}
	case "integer":
		read = "d.Int32()"
	case "long":
		read = "d.Int64()"
	case "boolean":
		read = "d.Bool()"
	case "timestamp":
		return "d.Time()"
	case "blob":
		return "d.Blob()"
	case "structure":
		if sh.Document {
			return "d.Document()"
		}
		return nested("Struct", mem.Shape)
	case "list":
		if m.Shapes[sh.Member].Type == "structure" {
			return nested("Structs", sh.Member)
		}
		return fmt.Sprintf("awsjson.Strings[%s](%s)", m.goType(sh.Member), at)
	case "map":
		if m.Shapes[sh.Value].Type == "structure" {
			return nested("StructMap", sh.Value)
		}
		return fmt.Sprintf("awsjson.StringMap[%s](d)", m.goType(sh.Value))
	}
	if mem.Required {
		return read
	}
	return "new(" + read + ")"
}

// validateFile writes the rules of shapes and a check for each constrained structure.
// It notes the patterns' variables and expressions in exprs.
func (m *model) validateFile(exprs map[string]string) (*source, error) {
	var checks, s source
	rules := map[string]bool{}
	rule := func(name string) string {
		if sh := m.Shapes[name]; !sh.ruled() || sh.Type == "structure" {
			return "nil"
		}
		rules[name] = true
		return "&rule" + goName(name)
	}
	for _, name := range m.inputs {
		if !m.constrained[name] {
			continue
		}
		checks.p("func validate%s(d *awsjson.Decoder, v *%s, f awsjson.Fields) {", goName(name), goName(name))
		for _, mem := range m.Shapes[name].Members {
			m.checkMember(&checks, mem, rule)
		}
		checks.p("}\n")
	}
	patterns, err := m.writeRules(&s, rules, exprs)
	if err != nil {
		return nil, err
	}
	s.Write(checks.Bytes())
	s.Write(patterns.Bytes())
	return &s, nil
}

func (m *model) checkMember(s *source, mem *member, rule func(string) string) {
	sh, field := m.Shapes[mem.Shape], "v."+goName(mem.Name)
	checked := m.checked(mem)
	at := fmt.Sprintf("%d, %q", mem.Index, mem.pathName())
	if mem.Required {
		required := fmt.Sprintf("d.Required(f, %s, %t)", at, sh.Sensitive)
		if !checked {
			s.p("%s", required)
			return
		}
		s.p("if %s {", required)
	} else if !checked {
		return
	} else {
		s.p("if f.Set&(1<<%d) != 0 {", mem.Index)
	}
	value := field
	if strings.HasPrefix(m.fieldType(mem), "*") {
		value = "*" + field
	}
	r := rule(mem.Shape)
	switch sh.Type {
	case "string":
		s.p("awsjson.CheckString(d, %s, %s, %s)", at, r, value)
	case "integer", "long":
		s.p("d.CheckInt(%s, %s, int64(%s))", at, r, value)
	case "blob":
		s.p("d.CheckBlob(%s, %s, %s)", at, r, value)
	case "list":
		if m.Shapes[sh.Member].Type == "structure" {
			s.p("awsjson.CheckStructs(d, %s, %q, %s, %s)", at, sh.Member, r, value)
		} else {
			s.p("awsjson.CheckStrings(d, %s, %s, %s, %s)", at, r, rule(sh.Member), value)
		}
	case "map":
		if m.Shapes[sh.Value].Type == "structure" {
			s.p("awsjson.CheckStructMap(d, %s, %q, %s, %s, %s)", at, sh.Value, r, rule(sh.Key), value)
		} else {
			s.p("awsjson.CheckStringMap(d, %s, %s, %s, %s, %s)", at, r, rule(sh.Key), rule(sh.Value), value)
		}
	}
	s.p("}")
}

// patternsTestFile writes the test that fast matchers are right.
func (m *model) patternsTestFile(patterns map[string]string) *source {
	var s source
	s.p("func TestPatterns(t *testing.T) {\nt.Parallel()")
	s.p("patterntest.Check(t, []patterntest.Case{")
	for _, id := range slices.Sorted(maps.Keys(patterns)) {
		s.p("{Pattern: %s, Expr: %q},", id, patterns[id])
	}
	s.p("})\n}")
	return &s
}

// writeRules writes the rules named, and returns the patterns that they use.
func (m *model) writeRules(s *source, rules map[string]bool, exprs map[string]string) (*source, error) {
	var patterns source
	ids := map[string]string{}
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	slices.Sort(names)
	patterns.p("// Patterns of the constraints.")
	patterns.p("var (")
	s.p("// Rules of the shapes that inputs hold.")
	s.p("var (")
	for _, name := range names {
		sh := m.Shapes[name]
		row := "awsjson.Rule{Min: " + bound(sh.Min) + ", Max: " + bound(sh.Max)
		if sh.Pattern != "" {
			key := sh.Pattern + "\x00" + sh.GoPattern
			id, known := ids[key]
			if !known {
				id = "pattern" + goName(name)
				ids[key] = id
				expr, err := patternExpr(sh)
				if err != nil {
					return nil, err
				}
				patterns.p("%s = %s", id, expr)
				exprs[id] = goExpr(sh)
			}
			row += ", Pattern: " + id
		}
		if sh.Enum != nil {
			row += fmt.Sprintf(", Enum: %#v", sh.Enum)
		}
		if sh.EnumDocumented != nil {
			row += fmt.Sprintf(", Also: %#v", sh.EnumDocumented)
		}
		if sh.Sensitive {
			row += ", Sensitive: true"
		}
		s.p("rule%s = %s}", goName(name), row)
	}
	s.p(")\n")
	patterns.p(")")
	return &patterns, nil
}

func bound(v *int64) string {
	if v == nil {
		return "awsjson.None"
	}
	return strconv.FormatInt(*v, 10)
}

// encodeFile writes an appender for each structure that outputs hold. Members
// stand in alphabetical order, as the real service prints them.
func (m *model) encodeFile() *source {
	var s source
	for _, name := range m.outputs {
		sh := m.Shapes[name]
		s.p("func append%s(b []byte, v *%s) []byte {", goName(name), goName(name))
		if len(sh.Members) == 0 {
			s.p("return append(b, \"{}\"...)\n}\n")
			continue
		}
		s.p("b = append(b, '{')")
		sorted := slices.Clone(sh.Members)
		slices.SortFunc(sorted, func(a, b *member) int { return strings.Compare(a.Name, b.Name) })
		for _, mem := range sorted {
			m.appendMember(&s, mem)
		}
		s.p("return append(b, '}')\n}\n")
	}
	return &s
}

func (m *model) appendMember(s *source, mem *member) {
	sh, field := m.Shapes[mem.Shape], "v."+goName(mem.Name)
	value := field
	if strings.HasPrefix(m.fieldType(mem), "*") && sh.Type != "structure" {
		value = "*" + field
	}
	name := fmt.Sprintf("awsjson.Name(b, `%q:`)", mem.Name)
	var call string
	switch sh.Type {
	case "string":
		call = "awsjson.String(" + name + ", " + value + ")"
	case "integer", "long":
		call = "awsjson.Int(" + name + ", " + value + ")"
	case "boolean":
		call = "awsjson.Bool(" + name + ", " + value + ")"
	case "timestamp":
		call = "awsjson.Time(" + name + ", " + value + ")"
	case "blob":
		call = "awsjson.Blob(" + name + ", " + value + ")"
	case "structure":
		call = "append" + goName(mem.Shape) + "(" + name + ", " + value + ")"
		if sh.Document {
			call = "awsjson.Document(" + name + ", " + value + ")"
		}
	case "list":
		call = "awsjson.StringList(" + name + ", " + value + ")"
		if m.Shapes[sh.Member].Type == "structure" {
			call = "awsjson.List(" + name + ", " + value + ", append" + goName(sh.Member) + ")"
		}
	case "map":
		call = "awsjson.StringsByName(" + name + ", " + value + ")"
		if m.Shapes[sh.Value].Type == "structure" {
			call = "awsjson.Map(" + name + ", " + value + ", append" + goName(sh.Value) + ")"
		}
		if m.Shapes[sh.Value].Type == "integer" {
			call = "awsjson.IntsByName(" + name + ", " + value + ")"
		}
	}
	condition := m.presence(mem)
	if condition == "" && sh.Type == "string" && sh.Min != nil && *sh.Min > 0 {
		// Empty is no value of this shape: the real service leaves it out, as in
		// the CustomDomainConfig of a prefix domain.
		condition = value + ` != ""`
	}
	if condition != "" {
		s.p("if %s {\nb = %s\n}", condition, call)
	} else {
		s.p("b = %s", call)
	}
}

// presence returns the condition under which a field counts as present; "" for always.
func (m *model) presence(mem *member) string {
	field, sh := "v."+goName(mem.Name), m.Shapes[mem.Shape]
	switch {
	case sh.Enum != nil:
		return field + ` != ""`
	case sh.Type == "timestamp":
		return "!" + field + ".IsZero()"
	case sh.Type == "structure" || sh.Type == "list" || sh.Type == "map" || sh.Type == "blob" || !mem.Required:
		return field + " != nil"
	}
	return ""
}
