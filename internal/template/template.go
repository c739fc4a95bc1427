// Package template reads templates of CloudFormation and SAM, and evaluates them. It creates no resources:
// package deploy creates them, and returns their results to this package.
package template

import (
	"cmp"
	"strings"

	"cognate/internal/document"
)

// A Problem is one fault of a template.
type Problem = document.Problem

// Options are the inputs of a deployment beside the template.
type Options struct {
	// Parameters are the values of the template's parameters by name. For a parameter that AWS reads from
	// Systems Manager, it is the value itself, not its name. Parameters also has values that AWS would look
	// up:
	//   - Fn::ImportValue: under the name of the export
	//   - Fn::GetAtt of a resource whose type is not AWS::Cognito::…: under Path.Attribute
	//   - a dynamic reference: under resolve:…
	Parameters map[string]string
	// Region, Account and StackName default to us-east-1, 123456789012, and the name that CDK chose or that of
	// the file.
	Region, Account, StackName string
	// Folder is a second folder that nested templates may lie in. The first is the folder of the template.
	Folder string
}

// A Template is a template with the templates that it nests. After Read only its secrets change.
type Template struct {
	options   Options
	root      *stack
	resources []*Resource
	notes     []Problem
	files     []string
	// given has the names in options.Parameters that the template uses and that are not its parameters, such
	// as exports. Only Read changes it.
	given map[string]bool
	// secrets are the values that Mask hides.
	secrets secretValues
}

// A Resource is a resource whose condition holds.
type Resource struct {
	// Path is the logical id. In a nested stack the path of the stack comes first: Auth/UserPool.
	Path string
	// Type is the type, such as AWS::Cognito::UserPool.
	Type string
	File string
	Line int
	// Retain is set if the resource stays when it leaves the template. RetainOnReplace is set if the old
	// resource stays when a change replaces it.
	Retain, RetainOnReplace bool
	// Asset is the folder or the file with the code of a function; empty if the template names neither.
	Asset string
	// Uses are the paths of the resources that must exist before this resource. The template names them by
	// Ref, Fn::GetAtt, Fn::Sub or DependsOn.
	Uses []string
	// Attributes are the attributes that the template reads by Fn::GetAtt, without "Ref".
	Attributes []string

	id         string
	stack      *stack
	properties *node
	condition  string
	dependsOn  []reference
	uses       []*Resource
	usesSet    map[*Resource]bool
	where      *path
}

// A reference is the name of a resource, and where the template names it.
type reference struct {
	name string
	line int
	at   *path
}

// Values are the results of a resource.
type Values struct {
	// Ref is what Ref returns.
	Ref string
	// Attributes are what Fn::GetAtt returns. A name may have dots.
	Attributes map[string]any
	// Placeholder is set if the resource is not created, so that its values only stand in for real values. A
	// placeholder may have fewer parts than the real value. So Fn::Select returns its last part if the index
	// is too large.
	Placeholder bool
}

// Made returns the results of the resource at a path. ok is false if it does not exist yet.
type Made func(path string) (values Values, ok bool)

// Resources returns the resources whose conditions hold. Each resource follows those that it refers to or
// depends on. The list has the resources of nested stacks, but not the stacks themselves.
func (t *Template) Resources() []*Resource { return t.resources }

// StackName returns the name of the stack.
func (t *Template) StackName() string { return t.root.name }

// File returns the file of the template.
func (t *Template) File() string { return t.root.file }

// Files returns the files that were read: a change of one may change the template.
func (t *Template) Files() []string { return t.files }

// Notes names the parts of the template that have no effect here, such as its rules.
func (t *Template) Notes() []Problem { return t.notes }

// Properties evaluates the properties of a resource with the results of the resources before it. Values
// are as in JSON: string, bool, json.Number, []any and map[string]any. A problem names the file and line of
// the template.
func (t *Template) Properties(r *Resource, made Made) (map[string]any, error) {
	e := t.newEvaluator()
	e.made = made
	properties := e.properties(r)
	if err := e.problems.Err(); err != nil {
		return nil, err
	}
	return t.options.resolved(properties).(map[string]any), nil
}

// An Output is one output of a template.
type Output struct {
	// Name is the name. In a nested stack the path of the stack comes first: Auth/UserPoolId.
	Name string
	// Value is the value as a text.
	Value       string
	Description string
	// Export is the name of the export, if there is one.
	Export string
	File   string
	Line   int
}

// Nested reports whether the output belongs to a nested stack. Only the stack above reads such an output.
func (o Output) Nested() bool { return strings.Contains(o.Name, "/") }

// Outputs evaluates the outputs whose conditions hold: first those of the template, then those of nested
// stacks. It returns the outputs that have a value even if others have a problem.
func (t *Template) Outputs(made Made) ([]Output, error) {
	e := t.newEvaluator()
	e.made = made
	var list []Output
	t.root.walk(func(s *stack) {
		for _, o := range s.outputs {
			if out, ok := e.output(s, o); ok {
				list = append(list, out)
			}
		}
	})
	return list, e.problems.Err()
}

// LineOf returns the line of a property by its path, such as Policies.PasswordPolicy.MinimumLength or
// Schema[2].Name. It returns the line of the nearest property above if there is no such property.
func (r *Resource) LineOf(field string) int {
	n, line := r.properties, r.Line
	for _, step := range steps(field) {
		n = r.stack.taken(n)
		next := n.child(step)
		if next == nil {
			break
		}
		n, line = next, next.line
	}
	return line
}

// Problem returns a problem with the file, line and path of a property, without secrets. Package deploy reports
// its own errors with it.
func (r *Resource) Problem(field, text string) Problem {
	at, mask := r.where, r.stack.template.Mask
	if field != "" {
		at = at.field("Properties").field(field)
	}
	return Problem{File: r.File, Line: r.LineOf(field), Field: mask(at.String()), Text: mask(text)}
}

// withDefaults returns the options with the defaults.
func (o Options) withDefaults(name string) Options {
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	o.StackName = cmp.Or(o.StackName, name)
	return o
}
