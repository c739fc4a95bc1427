package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/document"
	"cognate/internal/spelling"
)

const (
	// maxSteps limits the work for a template whose aliases or parameters repeat each other.
	maxSteps = 2_000_000
	// maxText limits the total length of the texts that functions make.
	maxText = 64 << 20
)

// An unknown is a value that depends on a resource that does not exist yet. A function of an unknown value is
// unknown, too.
type unknown struct{}

// A noValue is the value of AWS::NoValue. It removes the entry or the item that has it.
type noValue struct{}

// A placeholder is a text that stands in for a value of a resource that is not created. A text that a function
// makes of a placeholder is a placeholder, too.
type placeholder string

func isPlaceholder(v any) bool { _, is := v.(placeholder); return is }

// textOrPlaceholder returns a text as a placeholder or as a string.
func textOrPlaceholder(text string, isPlaceholder bool) any {
	if isPlaceholder {
		return placeholder(text)
	}
	return text
}

func isUnknown(v any) bool { _, is := v.(unknown); return is }

// textOf returns a scalar as a text.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case placeholder:
		return string(v), true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// An evaluator evaluates nodes. Without results of resources it checks the nodes, and finds the resources that
// they refer to.
type evaluator struct {
	template *Template
	problems document.Problems
	// made is nil in the first pass, before any resource exists.
	made Made
	// static is set for a node that must not refer to resources, such as a DeletionPolicy.
	static bool
	// user is the resource that is evaluated, and that gets the references as its uses; or nil.
	user *Resource
	// active are the parameters and outputs that are being evaluated.
	active       map[any]bool
	steps, depth int
	length       int // of the texts that functions made
}

func (e *evaluator) add(s *stack, line int, at *path, format string, args ...any) {
	e.problems.Add(Problem{File: s.file, Line: line, Field: at.String(), Text: fmt.Sprintf(format, args...)})
}

// enter reports whether a node may be evaluated, within the limits. The caller must call leave.
func (e *evaluator) enter(s *stack, n *node, at *path) bool {
	if e.steps++; e.steps > maxSteps {
		if e.steps == maxSteps+1 {
			e.add(s, n.line, at, "the template is too large with what its aliases repeat")
		}
		return false
	}
	if e.depth >= maxDepth {
		e.add(s, n.line, at, "values are nested too deep")
		return false
	}
	e.depth++
	return true
}

func (e *evaluator) leave() { e.depth-- }

// fits adds the length of a text that a function makes, and reports whether it is within the limits.
func (e *evaluator) fits(s *stack, length, line int, at *path) bool {
	before := e.length
	if e.length += length; e.length <= maxText && length <= maxFile {
		return true
	}
	if before <= maxText {
		e.add(s, line, at, "the texts of the template are too long")
	}
	return false
}

// value evaluates a node. After a problem it returns an unknown value.
func (e *evaluator) value(s *stack, n *node, at *path) any {
	if !e.enter(s, n, at) {
		return unknown{}
	}
	defer e.leave()
	switch n.kind {
	case listNode:
		out := make([]any, 0, len(n.items))
		for i, item := range n.items {
			if v := e.value(s, item, at.index(i)); !isNoValue(v) {
				out = append(out, v)
			}
		}
		return out
	case mappingNode:
		return e.mapping(s, n, at)
	case callNode:
		return e.call(s, n, at.field(n.function))
	}
	if n.scalar == nil {
		e.add(s, n.line, at, "has no value; a template must not have null")
		return unknown{}
	}
	return n.scalar
}

func (e *evaluator) mapping(s *stack, n *node, at *path) map[string]any {
	out := make(map[string]any, len(n.entries))
	for _, entry := range n.entries {
		if v := e.value(s, entry.value, at.field(entry.name)); !isNoValue(v) {
			out[entry.name] = v
		}
	}
	return out
}

func isNoValue(v any) bool { _, is := v.(noValue); return is }

// properties evaluates the properties of a resource.
func (e *evaluator) properties(r *Resource) map[string]any {
	if r.properties == nil {
		return map[string]any{}
	}
	at := r.where.field("Properties")
	switch v := e.value(r.stack, r.properties, at).(type) {
	case map[string]any:
		return v
	case unknown, noValue:
	default:
		e.add(r.stack, r.properties.line, at, "must be a mapping of names to values, %s", foundValue(v))
	}
	return map[string]any{}
}

// result returns an attribute of a resource, or its Ref if the attribute is "".
func (e *evaluator) result(r *Resource, attribute string, line int, at *path, s *stack) any {
	switch e.user {
	case nil:
	case r:
		e.add(s, line, at, "the resource %s refers to itself", r.id)
		return unknown{}
	default:
		e.user.use(r)
	}
	if attribute != "" && !slices.Contains(r.Attributes, attribute) && e.made == nil {
		r.Attributes = append(r.Attributes, attribute)
	}
	if !strings.HasPrefix(r.Type, "AWS::Cognito::") {
		if v, ok := e.given(s, r.Path+"."+attribute); ok && attribute != "" {
			return v
		}
	}
	if e.made == nil {
		if e.static {
			e.add(s, line, at, "must not depend on the results of resources, and refers to %s", r.id)
		}
		return unknown{}
	}
	values, ok := e.made(r.Path)
	if !ok {
		e.add(s, line, at, "the resource %s was not made", r.Path)
		return unknown{}
	}
	if attribute == "" {
		return textOrPlaceholder(values.Ref, values.Placeholder)
	}
	v, ok := values.Attributes[attribute]
	if !ok {
		known := slices.Sorted(maps.Keys(values.Attributes))
		e.add(s, line, at, "a resource of the type %s has no attribute %s%s", r.Type, attribute, spelling.Meant(attribute, known))
		return unknown{}
	}
	if text, isText := v.(string); isText {
		return textOrPlaceholder(text, values.Placeholder)
	}
	return v
}

// ref evaluates Ref.
func (e *evaluator) ref(s *stack, name string, line int, at *path) any {
	if strings.HasPrefix(name, "AWS::") {
		if v, ok := s.pseudo(name); ok {
			return v
		}
	} else if p := s.parameters[name]; p != nil {
		return e.parameter(s, p, line, at)
	} else if r := e.resource(s, name); r != nil {
		switch child := s.children[name]; {
		case !s.holds(r.condition):
			e.add(s, line, at, "the resource %s is not made: its condition %s is false", name, r.condition)
			return unknown{}
		case child != nil:
			return child.id()
		}
		return e.result(r, "", line, at, s)
	}
	if id, attribute, dotted := strings.Cut(name, "."); dotted && s.serverless && s.resources[id] != nil {
		return e.attribute(s, id, attribute, line, at)
	}
	names := slices.Concat(s.parameterNames, s.resourceNames, pseudoParameters)
	e.add(s, line, at, "there is no parameter and no resource %s%s", name, spelling.Meant(name, names))
	return unknown{}
}

// attribute evaluates Fn::GetAtt.
func (e *evaluator) attribute(s *stack, name, attribute string, line int, at *path) any {
	r := e.resource(s, name)
	switch {
	case r == nil:
		e.add(s, line, at, "there is no resource %s%s", name, spelling.Meant(name, s.resourceNames))
	case !s.holds(r.condition):
		e.add(s, line, at, "the resource %s is not made: its condition %s is false", name, r.condition)
	case s.children[name] != nil:
		return e.childOutput(s, s.children[name], attribute, line, at)
	case r.Type == samFunction && (attribute == "Alias" || attribute == "Version"):
		return e.result(r, "Arn", line, at, s) // Functions have no versions here.
	default:
		return e.result(r, attribute, line, at, s)
	}
	return unknown{}
}

// childOutput returns an output of a nested stack.
func (e *evaluator) childOutput(s, child *stack, attribute string, line int, at *path) any {
	name, ok := strings.CutPrefix(attribute, "Outputs.")
	if !ok {
		e.add(s, line, at, "a nested stack has outputs only: Outputs.Name, not %s", attribute)
		return unknown{}
	}
	var names []string
	for _, o := range child.outputs {
		names = append(names, o.name)
		if o.name == name && child.holds(o.condition) {
			return e.acyclic(child, o.value, o.at.field("Value"), o)
		}
	}
	e.add(s, line, at, "the nested template %s has no output %s%s", child.file, name, spelling.Meant(name, names))
	return unknown{}
}

// acyclic evaluates the value of a parameter or an output. It rejects a value that refers to itself.
func (e *evaluator) acyclic(s *stack, n *node, at *path, owner any) any {
	if e.active[owner] {
		e.add(s, n.line, at, "the value refers to itself")
		return unknown{}
	}
	if e.active == nil {
		e.active = map[any]bool{}
	}
	e.active[owner] = true
	defer delete(e.active, owner)
	return e.value(s, n, at)
}

// parameter returns the value of a parameter.
func (e *evaluator) parameter(s *stack, p *parameter, line int, at *path) any {
	if p.known {
		return p.value
	}
	if n := s.given.get(p.name); n != nil {
		return e.nestedParameter(s, p, n)
	}
	if p.stored && (e.made != nil || e.static) {
		e.add(s, line, at, "the value of the parameter %s is in Systems Manager: set it by --template-parameter %s=VALUE", p.name, p.name)
	}
	return unknown{}
}

// nestedParameter returns the value that the stack above sets for a parameter.
func (e *evaluator) nestedParameter(s *stack, p *parameter, n *node) any {
	at := s.holder.where.field("Properties").field("Parameters").field(p.name)
	v := e.acyclic(s.up, n, at, p)
	if isPlaceholder(v) && !p.list {
		return v
	}
	text, ok := textOf(v)
	switch list, isList := v.([]any); {
	case isUnknown(v):
		return v
	case isList:
		if text, ok = e.join(s.up, list, ",", n.line, at); !ok {
			return unknown{}
		}
	case isNoValue(v) && p.fallback != nil && !p.stored:
		text = *p.fallback
	case !ok:
		e.add(s.up, n.line, at, "must be a text, %s", foundResult(v))
		return unknown{}
	}
	e.template.secrets.add(p, text)
	v, fault := p.convert(text)
	if fault != "" {
		e.add(s.up, n.line, at, "%s", fault)
		return unknown{}
	}
	return v
}

var pseudoParameters = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

// pseudo returns a pseudo parameter.
func (s *stack) pseudo(name string) (any, bool) {
	o := s.template.options
	switch name {
	case "AWS::Region":
		return o.Region, true
	case "AWS::AccountId":
		return o.Account, true
	case "AWS::StackName":
		return s.name, true
	case "AWS::StackId":
		return s.id(), true
	case "AWS::NotificationARNs":
		return []any{}, true
	case "AWS::NoValue":
		return noValue{}, true
	case "AWS::Partition":
		return s.partition(), true
	case "AWS::URLSuffix":
		if s.partition() == "aws-cn" {
			return "amazonaws.com.cn", true
		}
		return "amazonaws.com", true
	}
	return nil, false
}

func (s *stack) partition() string {
	switch region := s.template.options.Region; {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// id returns the stack's ARN. It depends only on Region, account and name.
func (s *stack) id() string {
	o := s.template.options
	return "arn:" + s.partition() + ":cloudformation:" + o.Region + ":" + o.Account + ":stack/" + s.name + "/" + stackUUID(o.Region, o.Account, s.name)
}
