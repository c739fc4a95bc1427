package main

// redactFile writes the methods that keep what is sensitive out of logs.
func (m *model) redactFile() *source {
	var s source
	for _, name := range m.structs {
		if !m.secret[name] {
			continue
		}
		logged := "api.Loggable(v)"
		if m.Shapes[name].Sensitive {
			logged = "slog.StringValue(api.Redacted)"
		}
		s.p("// LogValue leaves out what is sensitive and what is absent.")
		s.p("func (v %s) LogValue() slog.Value { return %s }\n", goName(name), logged)
		s.p("// String is LogValue as text, so that printing shows no more than logging.")
		s.p("func (v %s) String() string { return v.LogValue().String() }\n", goName(name))
	}
	return &s
}

// logTag is the tag of a field that logs must not show; "" for others. A structure
// within hides its own members.
func (m *model) logTag(mem *member) string {
	if sh := m.Shapes[mem.Shape]; sh.Type == "structure" && !sh.Document || !m.holdsSecret(mem.Shape) {
		return ""
	}
	return " `log:\"secret\"`"
}
