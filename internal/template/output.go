package template

import (
	"slices"

	"cognate/internal/spelling"
)

// An output is a declaration in the section Outputs.
type output struct {
	name              string
	line              int
	at                *path
	value, exportName *node
	description       string
	condition         string
}

var outputFields = []string{"Value", "Description", "Export", "Condition"}

// output reads one output.
func (r *reader) output(s *stack, e entry, at *path) {
	n := e.value
	if n.kind != mappingNode {
		r.add(s, n.line, at, "must be a mapping with the entry Value, %s", found(n))
		return
	}
	for _, field := range n.entries {
		if !slices.Contains(outputFields, field.name) {
			r.add(s, field.line, at.field(field.name), "an output has no such entry%s", spelling.Meant(field.name, outputFields))
		}
	}
	out := &output{name: e.name, line: e.line, at: at, value: n.get("Value"), condition: r.conditionName(s, n, at)}
	out.description, _ = n.get("Description").text()
	if out.value == nil {
		r.add(s, e.line, at, "the entry Value is missing")
		return
	}
	if export := n.get("Export"); export != nil {
		if out.exportName = export.get("Name"); out.exportName == nil {
			r.add(s, export.line, at.field("Export"), "must be a mapping with the entry Name, %s", found(export))
		}
	}
	s.outputs = append(s.outputs, out)
}

// output evaluates an output. ok is false if its condition is false, or after a problem.
func (e *evaluator) output(s *stack, o *output) (out Output, ok bool) {
	if !s.holds(o.condition) {
		return Output{}, false
	}
	out = Output{Name: s.path + o.name, Description: o.description, File: s.file, Line: o.line}
	at := o.at.field("Value")
	switch v := e.acyclic(s, o.value, at, o).(type) {
	case unknown:
		return out, false
	case []any:
		if out.Value, ok = e.join(s, v, ",", o.value.line, at); !ok {
			return out, false
		}
	default:
		if out.Value, ok = textOf(v); !ok {
			e.add(s, o.value.line, at, "must be a text, %s", foundResult(v))
			return out, false
		}
	}
	if o.exportName != nil {
		if out.Export, ok = e.text(s, o.exportName, o.at.field("Export").field("Name")); !ok {
			return out, false
		}
	}
	return out, true
}
