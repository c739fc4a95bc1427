package template

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"cognate/internal/document"
	"cognate/internal/spelling"
)

const (
	// maxFile is the largest template. AWS accepts 1 MB.
	maxFile = 5 << 20
	// maxStacks is how many stacks a template may nest, with those that nested templates nest.
	maxStacks = 200
)

// A stack is one template of a tree of nested templates.
type stack struct {
	template *Template
	up       *stack // nil for the root
	// holder is the resource of the stack above that nests this one.
	holder *Resource
	path   string // with a slash at its end; empty for the root
	name   string
	file   string
	// serverless and extensions are set by the transforms AWS::Serverless and AWS::LanguageExtensions.
	serverless, extensions bool

	parameters      map[string]*parameter
	parameterNames  []string
	loops           int   // the line of a loop, or 0
	functionGlobals *node // of SAM
	given           *node // the parameters of a nested stack, in the scope of the stack above
	mappings        map[string]*node
	conditions      map[string]*condition
	conditionNames  []string
	resources       map[string]*Resource
	resourceNames   []string
	outputs         []*output
	children        map[string]*stack // by the id of the resource that nests them
}

// walk calls f for a stack and all below it, in the order of the file.
func (s *stack) walk(f func(*stack)) {
	f(s)
	for _, name := range s.resourceNames {
		if child := s.children[name]; child != nil {
			child.walk(f)
		}
	}
}

// A reader reads a tree of templates.
type reader struct {
	problems document.Problems
	template *Template
	folders  []string // that templates may lie in
	stacks   int
	merges   int  // steps of merging the settings of all functions
	imports  bool // a template has Fn::ImportValue
	// assetFiles are the assets of folders, by their keys.
	assetFiles map[string]map[string]string
}

// Read reads a template and the templates that it nests: a file, or a folder that cdk synth wrote. Its error
// names file, line and field of each fault.
func Read(file string, o Options) (*Template, error) {
	found, err := find(file)
	if err != nil {
		return nil, err
	}
	t := &Template{options: o.withDefaults(found.name)}
	if found.file != file {
		t.files = append(t.files, filepath.Join(file, manifestFile))
		file = found.file
	}
	t.secrets.addReferences(t.options.Parameters)
	r := &reader{template: t}
	r.problems.Mask = t.Mask
	for _, folder := range []string{filepath.Dir(file), o.Folder} {
		if real, err := filepath.EvalSymlinks(folder); err == nil && folder != "" {
			if real, err = filepath.Abs(real); err == nil {
				r.folders = append(r.folders, real)
			}
		}
	}
	t.root = &stack{template: t, file: file, name: t.options.StackName}
	if err := r.read(t.root); err != nil {
		return nil, err
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	t.check(&r.problems)
	r.unknownParameters(t.root, func(name string) bool { return t.given[name] || strings.HasPrefix(name, "resolve:") })
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

// read reads the template of a stack, and those that it nests.
func (r *reader) read(s *stack) error {
	text, err := document.ReadFile(s.file, "template", maxFile>>20)
	if err != nil {
		return err
	}
	tree, err := document.Parse(text)
	if err == nil && tree == nil {
		err = errors.New("the template is empty")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	if t := r.template; !slices.Contains(t.files, s.file) {
		t.files = append(t.files, s.file)
	}
	c := &converter{json: document.IsJSON(text), add: func(line int, at *path, format string, args ...any) {
		r.problems.Addf(s.file, line, at.String(), format, args...)
	}}
	root := c.node(tree, nil)
	r.imports = r.imports || c.imports
	s.loops = c.loops
	if r.problems.Len() == 0 {
		r.sections(s, root)
	}
	return nil
}

// add adds a problem of a stack's template.
func (r *reader) add(s *stack, line int, at *path, format string, args ...any) {
	r.problems.Addf(s.file, line, at.String(), format, args...)
}

func (r *reader) note(s *stack, line int, at *path, format string, args ...any) {
	r.template.notes = append(r.template.notes, Problem{File: s.file, Line: line, Field: at.String(), Text: fmt.Sprintf(format, args...)})
}

var sections = []string{
	"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform",
	"Globals", "Resources", "Outputs", "Hooks",
}

// sections reads the sections of a template.
func (r *reader) sections(s *stack, root *node) {
	if root.kind != mappingNode {
		r.add(s, max(root.line, 1), nil, "a template must be a mapping with the section Resources, %s", found(root))
		return
	}
	for _, e := range root.entries {
		if !slices.Contains(sections, e.name) {
			r.add(s, e.line, (*path)(nil).field(e.name), "a template has no such section%s", spelling.Meant(e.name, sections))
		}
	}
	if root.get("Resources") == nil {
		r.add(s, root.line, nil, "the section Resources is missing")
		return
	}
	r.transforms(s, root)
	s.parameters, s.mappings, s.conditions = map[string]*parameter{}, map[string]*node{}, map[string]*condition{}
	s.resources, s.children = map[string]*Resource{}, map[string]*stack{}
	r.parameters(s, root)
	r.entries(s, root, "Mappings", func(e entry, at *path) { r.mapping(s, e, at) })
	switch {
	case s.loops > 0 && !s.extensions:
		r.add(s, s.loops, nil, "Fn::ForEach needs the transform AWS::LanguageExtensions")
		return
	case s.loops > 0:
		root = (&expander{reader: r, stack: s}).expand(root, nil, nil)
	}
	r.entries(s, root, "Conditions", func(e entry, at *path) {
		s.conditions[e.name] = &condition{node: e.value, at: at}
		s.conditionNames = append(s.conditionNames, e.name)
	})
	r.evaluateConditions(s)
	r.entries(s, root, "Rules", func(e entry, at *path) {
		if e.name != "CheckBootstrapVersion" { // CDK's, about the account's tools.
			r.note(s, e.line, at, "the rule is not checked")
		}
	})
	if s.serverless {
		r.globals(s, root)
	}
	r.entries(s, root, "Resources", func(e entry, at *path) { r.resource(s, e, at) })
	if len(s.resources) == 0 && r.problems.Len() == 0 {
		r.add(s, root.line, (*path)(nil).field("Resources"), "a template must have a resource")
	}
	if s.serverless {
		r.events(s)
	}
	r.entries(s, root, "Outputs", func(e entry, at *path) { r.output(s, e, at) })
	for _, name := range s.resourceNames {
		r.nested(s, s.resources[name])
	}
}

// transforms reads the section Transform.
func (r *reader) transforms(s *stack, root *node) {
	n, at := root.get("Transform"), (*path)(nil).field("Transform")
	if n == nil {
		return
	}
	list := []*node{n}
	if n.kind == listNode {
		list = n.items
	}
	for _, item := range list {
		name, ok := item.text()
		if item.kind == mappingNode { // with parameters
			name, ok = item.get("Name").text()
		}
		switch {
		case !ok:
			r.add(s, item.line, at, "must be the name of a transform, %s", found(item))
		case name == "AWS::Serverless-2016-10-31":
			s.serverless = true
		case name == "AWS::LanguageExtensions":
			s.extensions = true
		case strings.HasPrefix(name, "AWS::SecretsManager-") || name == "AWS::CodeDeployBlueGreen":
			r.note(s, item.line, at, "the transform %s is not applied", name)
		default:
			r.add(s, item.line, at, "the transform %s runs in AWS only%s", name, spelling.Meant(name, []string{"AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"}))
		}
	}
}

// mapping reads a mapping of the section Mappings: each first key has second keys, and these have values.
func (r *reader) mapping(s *stack, e entry, at *path) {
	if e.value.kind != mappingNode {
		r.add(s, e.value.line, at, "must be a mapping of names to mappings, %s", found(e.value))
		return
	}
	for _, first := range e.value.entries {
		if first.value.kind != mappingNode {
			r.add(s, first.value.line, at.field(first.name), "must be a mapping of names to values, %s", found(first.value))
			return
		}
	}
	s.mappings[e.name] = e.value
}

// entries calls f for each entry of a section.
func (r *reader) entries(s *stack, root *node, section string, f func(e entry, at *path)) {
	n := root.get(section)
	if n == nil {
		return
	}
	at := (*path)(nil).field(section)
	if n.kind != mappingNode {
		r.add(s, n.line, at, "must be a mapping of names to values, %s", found(n))
		return
	}
	for _, e := range n.entries {
		f(e, at.field(e.name))
	}
}

var logicalID = regexp.MustCompile(`^[A-Za-z0-9]{1,255}$`)

// found returns a text that describes a node. It quotes no value, since a value may be a secret.
func found(n *node) string {
	switch n.kind {
	case listNode:
		return "and is a list"
	case mappingNode:
		return "and is a mapping"
	case callNode:
		if n.function == macro {
			return "and is Fn::Transform, which is not supported: a macro runs in AWS only"
		}
		return "and is the function " + n.function
	}
	return foundValue(n.scalar)
}

func foundValue(v any) string {
	switch v.(type) {
	case string, placeholder:
		return "and is a text"
	case bool:
		return "and is true or false"
	case nil:
		return "and has no value"
	case []any:
		return "and is a list"
	case map[string]any:
		return "and is a mapping"
	}
	return "and is a number"
}

// nestedFile checks the file of a nested template. It must lie in a folder that templates may lie in.
func (r *reader) nestedFile(file string) error {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return fmt.Errorf("there is no file %s", file)
	}
	if real, err = filepath.Abs(real); err != nil {
		return err
	}
	for _, folder := range r.folders {
		if in, err := filepath.Rel(folder, real); err == nil && filepath.IsLocal(in) {
			return nil
		}
	}
	return fmt.Errorf("the file %s is outside of the folder of the template", file)
}
