package main

// redactFile writes how structures with something sensitive are logged.
func (m *model) redactFile() *source {
	var s source
	s.p("// redacted stands in logs for what is sensitive.")
	s.p("const redacted = \"[redacted]\"\n")
	for _, name := range m.structs {
		if !m.secret[name] {
			continue
		}
		sh := m.Shapes[name]
		s.p("// LogValue leaves out what is sensitive and what is absent.")
		s.p("func (v %s) LogValue() slog.Value {", goName(name))
		if sh.Sensitive {
			s.p("return slog.StringValue(redacted)\n}\n")
		} else {
			s.p("var attrs []slog.Attr")
			for _, mem := range sh.Members {
				m.redactMember(&s, mem)
			}
			s.p("return slog.GroupValue(attrs...)\n}\n")
		}
		s.p("// String is LogValue as text, so that printing shows no more than logging.")
		s.p("func (v %s) String() string { return v.LogValue().String() }\n", goName(name))
	}
	return &s
}

func (m *model) redactMember(s *source, mem *member) {
	field, sh := "v."+goName(mem.Name), m.Shapes[mem.Shape]
	condition := m.presence(mem)
	open := "{"
	if condition != "" {
		open = "if " + condition + " {"
	}
	s.p("%s", open)
	switch {
	case sh.Type == "structure" && !sh.Document:
		s.p("attrs = append(attrs, slog.Any(%q, *%s))", mem.Name, field)
	case m.holdsSecret(mem.Shape):
		s.p("attrs = append(attrs, slog.String(%q, redacted))", mem.Name)
	case m.fieldType(mem)[0] == '*':
		s.p("attrs = append(attrs, slog.Any(%q, *%s))", mem.Name, field)
	default:
		s.p("attrs = append(attrs, slog.Any(%q, %s))", mem.Name, field)
	}
	s.p("}")
}

// presence is the condition under which a field counts as present; "" for always.
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
