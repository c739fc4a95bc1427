package main

import "fmt"

// xmlFile writes an appender of XML for each structure that outputs hold. Elements stand in the
// model's order, as the real services print them.
func (m *model) xmlFile() *source {
	var s source
	for _, name := range m.outputs {
		sh := m.Shapes[name]
		if len(sh.Members) == 0 {
			s.p("func xml%s(b []byte, _ *%s) []byte { return b }\n", goName(name), goName(name))
			continue
		}
		s.p("func xml%s(b []byte, v *%s) []byte {", goName(name), goName(name))
		for _, mem := range sh.Members {
			m.xmlMember(&s, mem)
		}
		s.p("return b\n}\n")
	}
	return &s
}

func (m *model) xmlMember(s *source, mem *member) {
	sh, field := m.Shapes[mem.Shape], "v."+goName(mem.Name)
	value := field
	if m.fieldType(mem)[0] == '*' && sh.Type != "structure" {
		value = "*" + field
	}
	call := m.xmlCall(mem, value)
	if condition := m.presence(mem); condition != "" {
		s.p("if %s {\nb = %s\n}", condition, call)
		return
	}
	s.p("b = %s", call)
}

func (m *model) xmlCall(mem *member, value string) string {
	sh := m.Shapes[mem.Shape]
	plain := map[string]string{"string": "Text", "integer": "Int", "long": "Int", "boolean": "Bool", "timestamp": "Time", "blob": "Blob"}
	switch sh.Type {
	case "structure":
		return fmt.Sprintf("awsquery.Struct(b, %q, %s, xml%s)", mem.Name, value, goName(mem.Shape))
	case "list":
		if m.Shapes[sh.Member].Type == "structure" {
			return fmt.Sprintf("awsquery.List(b, %q, %s, xml%s)", mem.Name, value, goName(sh.Member))
		}
		return fmt.Sprintf("awsquery.TextList(b, %q, %s)", mem.Name, value)
	case "map":
		if m.Shapes[sh.Value].Type == "integer" {
			return fmt.Sprintf("awsquery.IntMap(b, %q, %s)", mem.Name, value)
		}
		return fmt.Sprintf("awsquery.TextMap(b, %q, %s)", mem.Name, value)
	}
	return fmt.Sprintf("awsquery.%s(b, %q, %s)", plain[sh.Type], mem.Name, value)
}
