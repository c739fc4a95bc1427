package template

import (
	"path/filepath"
	"slices"
	"strings"

	"cognate/internal/spelling"
)

var resourceAttributes = []string{
	"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy",
	"CreationPolicy", "Connectors", "IgnoreGlobals",
}

// resource reads one resource. It adds it to the stack even if its condition is false.
func (r *reader) resource(s *stack, e entry, at *path) {
	n := e.value
	switch {
	case !logicalID.MatchString(e.name):
		r.add(s, e.line, at, "the name of a resource must have letters and digits only")
		return
	case n.kind != mappingNode:
		r.add(s, n.line, at, "must be a mapping with the entry Type, %s", found(n))
		return
	}
	for _, attribute := range n.entries {
		if !slices.Contains(resourceAttributes, attribute.name) {
			r.add(s, attribute.line, at.field(attribute.name), "a resource has no such entry%s", spelling.Meant(attribute.name, resourceAttributes))
		}
	}
	out := &Resource{
		Path: s.path + e.name, File: s.file, Line: e.line, id: e.name, stack: s, where: at,
		properties: n.get("Properties"),
	}
	var ok bool
	switch out.Type, ok = n.get("Type").text(); {
	case n.get("Type") == nil:
		r.add(s, e.line, at, "the entry Type is missing")
		return
	case !ok || !strings.Contains(out.Type, "::"):
		r.add(s, n.get("Type").line, at.field("Type"), "must be a type such as AWS::Cognito::UserPool")
		return
	}
	if p := out.properties; p != nil && p.kind != mappingNode && p.kind != callNode {
		r.add(s, p.line, at.field("Properties"), "must be a mapping of names to values, %s", found(p))
		return
	}
	out.condition = r.conditionName(s, n, at)
	out.dependsOn = r.dependsOn(s, n.get("DependsOn"), at.field("DependsOn"))
	out.Retain = r.policy(s, n, "DeletionPolicy", at)
	out.RetainOnReplace = r.policy(s, n, "UpdateReplacePolicy", at)
	if s.serverless {
		r.applyGlobals(s, out, n)
	}
	out.Asset = r.asset(s, out, n)
	s.resources[e.name] = out
	s.resourceNames = append(s.resourceNames, e.name)
}

// conditionName returns the name of the condition of a resource or an output.
func (r *reader) conditionName(s *stack, n *node, at *path) string {
	c := n.get("Condition")
	if c == nil {
		return ""
	}
	name, ok := c.text()
	switch {
	case !ok:
		r.add(s, c.line, at.field("Condition"), "must be the name of a condition, %s", found(c))
	case s.conditions[name] == nil:
		r.add(s, c.line, at.field("Condition"), "there is no condition %s%s", name, spelling.Meant(name, s.conditionNames))
	default:
		return name
	}
	return ""
}

func (r *reader) dependsOn(s *stack, n *node, at *path) []reference {
	if n == nil {
		return nil
	}
	list := []*node{n}
	if n.kind == listNode {
		list = n.items
	}
	var out []reference
	for _, item := range list {
		name, ok := item.text()
		if !ok {
			r.add(s, item.line, at, "must be the name of a resource, %s", found(item))
			continue
		}
		out = append(out, reference{name, item.line, at})
	}
	return out
}

var policies = []string{"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}

// policy reports whether a policy of a resource, such as DeletionPolicy, retains the resource.
func (r *reader) policy(s *stack, n *node, name string, at *path) bool {
	p := n.get(name)
	if p == nil {
		return false
	}
	if p.kind == callNode && !s.extensions {
		r.add(s, p.line, at.field(name), "a function needs the transform AWS::LanguageExtensions here")
		return false
	}
	e := s.template.newEvaluator()
	e.static = true
	v := e.value(s, p, at.field(name))
	for _, problem := range e.problems.List() {
		r.problems.Add(problem)
	}
	text, ok := v.(string)
	if !ok || !slices.Contains(policies, text) {
		if e.problems.Len() == 0 {
			r.add(s, p.line, at.field(name), "must be one of %s%s", strings.Join(policies, ", "), spelling.Meant(text, policies))
		}
		return false
	}
	return text == "Retain" || text == "RetainExceptOnCreate"
}

// asset returns the path of the code that a resource names.
func (r *reader) asset(s *stack, resource *Resource, n *node) string {
	folder := filepath.Dir(s.file)
	name, ok := n.get("Metadata").get("aws:asset:path").text()
	if !ok {
		switch resource.Type {
		case samFunction:
			name, ok = s.taken(resource.properties.get("CodeUri")).text()
		case "AWS::Lambda::Function":
			code := s.taken(resource.properties.get("Code"))
			if key, isStatic := s.static(code.get("S3Key")); isStatic {
				return r.assetOf(folder, key)
			}
			name, ok = code.text()
		}
	}
	if !ok || name == "" || strings.Contains(name, "://") {
		return ""
	}
	return below(folder, name)
}

// static evaluates a text that does not depend on resources.
func (s *stack) static(n *node) (string, bool) {
	if n == nil {
		return "", false
	}
	e := s.template.newEvaluator()
	e.static = true
	return textOf(e.value(s, n, nil))
}

// nested reads the template of a resource that is a stack, if its condition holds.
func (r *reader) nested(s *stack, holder *Resource) {
	field := map[string]string{"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}[holder.Type]
	if field == "" || !s.holds(holder.condition) {
		return
	}
	n, at, line := holder.properties.get(field), holder.where.field("Properties").field(field), holder.Line
	if n != nil {
		line = n.line
	}
	if field == "Location" && n != nil && n.kind == mappingNode {
		r.note(s, n.line, at, "the application is not read: it is in a repository of AWS")
		return
	}
	folder := filepath.Dir(s.file)
	file := holder.Asset
	if file == "" {
		switch address, ok := s.static(n); {
		case ok && !strings.Contains(address, "://") && address != "":
			file = below(folder, address)
		case ok:
			file, _ = r.assetAt(folder, address)
		}
	}
	if file == "" {
		r.add(s, line, at, "must be the path of a file: nested templates are read from files")
		return
	}
	if err := r.nestedFile(file); err != nil {
		r.add(s, line, at, "%v", err)
		return
	}
	for up := s; up != nil; up = up.up {
		if sameFile(up.file, file) {
			r.add(s, line, at, "the template %s nests itself", filepath.Base(file))
			return
		}
	}
	if r.stacks++; r.stacks >= maxStacks {
		if r.stacks == maxStacks {
			r.add(s, line, at, "there are more than %d nested stacks", maxStacks)
		}
		return
	}
	child := &stack{
		template: s.template, up: s, holder: holder, file: file, path: holder.Path + "/",
		name: s.name + "-" + holder.id, given: s.taken(holder.properties.get("Parameters")),
	}
	s.children[holder.id] = child
	if err := r.read(child); err != nil {
		r.add(s, line, at, "%v", err)
	}
}
