// Package template reads templates of CloudFormation and SAM, and evaluates them. It creates nothing:
// package deploy does, and tells it the results.
package template

import (
	"cmp"
	"strings"

	"cognate/internal/document"
)

// A Problem is one fault of a template.
type Problem = document.Problem

// Options are what a deployment knows beside the template.
type Options struct {
	// Parameters are the values of the template's parameters by their names. A value of a parameter that AWS
	// reads from Systems Manager is the value itself. Values that are in AWS may be there too, under the
	// name of the export for Fn::ImportValue, under Path.Attribute for Fn::GetAtt of a resource that is not
	// Cognito's, and under resolve:… for a dynamic reference.
	Parameters map[string]string
	// Region, Account and StackName have the defaults us-east-1, 123456789012 and the name of the file.
	Region, Account, StackName string
	// Folder is a folder that nested templates may lie in, beside the folder of the template.
	Folder string
}

// A Template is a template with the templates that it nests. It does not change after Read.
type Template struct {
	options   Options
	root      *stack
	resources []*Resource
	notes     []Problem
	files     []string
	// given are the parameters of the options that the template uses under other names than those of its
	// parameters. Only Read changes it.
	given map[string]bool
}

// A Resource is a resource whose condition holds.
type Resource struct {
	// Path is the logical id; that of a nested stack follows the path of the stack: Auth/UserPool.
	Path string
	// Type is the type, such as AWS::Cognito::UserPool.
	Type string
	File string
	Line int
	// Retain reports whether the resource stays when it is gone from the template, RetainOnReplace
	// whether the old one stays when a change replaces it.
	Retain, RetainOnReplace bool
	// Asset is the folder or the file of the code of a function, if the template names one.
	Asset string
	// Uses are the paths of the resources that must exist before this one, as the template names them:
	// by Ref, Fn::GetAtt, Fn::Sub or DependsOn.
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

// A reference is the name of something, and where the template names it.
type reference struct {
	name string
	line int
	at   *path
}

// Values are the results of a resource that was made.
type Values struct {
	// Ref is what Ref returns.
	Ref string
	// Attributes are what Fn::GetAtt returns. A name may have dots.
	Attributes map[string]any
	// Placeholder says that the resource was not made, and that its values only stand for those that it would
	// have. Fn::Select takes a part of one that has less parts than it should.
	Placeholder bool
}

// Made returns the results of the resource at a path. ok is false if it was not made yet.
type Made func(path string) (values Values, ok bool)

// Resources returns the resources whose conditions hold. Each follows all that it refers to or depends on.
// Nested stacks are not in the list, their resources are.
func (t *Template) Resources() []*Resource { return t.resources }

// StackName returns the name of the stack.
func (t *Template) StackName() string { return t.root.name }

// File returns the file of the template.
func (t *Template) File() string { return t.root.file }

// Files returns the files that were read: a change of one may change the template.
func (t *Template) Files() []string { return t.files }

// Notes says what was read and has no effect.
func (t *Template) Notes() []Problem { return t.notes }

// Properties evaluates the properties of a resource with the results of the resources made before. Values
// are as in JSON: string, bool, json.Number, []any and map[string]any. A problem's file and line are those
// of the template.
func (t *Template) Properties(r *Resource, made Made) (map[string]any, error) {
	e := &evaluator{template: t, made: made}
	properties := e.properties(r)
	if err := e.problems.Err(); err != nil {
		return nil, err
	}
	return t.options.resolved(properties).(map[string]any), nil
}

// An Output is one output of a template.
type Output struct {
	// Name is the name; that of a nested stack follows the path of the stack: Auth/UserPoolId.
	Name string
	// Value is the value as a text.
	Value       string
	Description string
	// Export is the name of the export, if there is one.
	Export string
	File   string
	Line   int
}

// Nested reports whether the output is one of a nested stack: such outputs are for the stack above.
func (o Output) Nested() bool { return strings.Contains(o.Name, "/") }

// Outputs evaluates the outputs whose conditions hold: first those of the template, then those of nested
// stacks. It returns the outputs that have a value even if others have a problem.
func (t *Template) Outputs(made Made) ([]Output, error) {
	e := &evaluator{template: t, made: made}
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

// Problem returns a problem of a property of the resource, for errors of what is done with it.
func (r *Resource) Problem(field, text string) Problem {
	at := r.where
	if field != "" {
		at = at.field("Properties").field(field)
	}
	return Problem{File: r.File, Line: r.LineOf(field), Field: at.String(), Text: text}
}

// withDefaults returns the options with the defaults.
func (o Options) withDefaults(name string) Options {
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Account = cmp.Or(o.Account, "123456789012")
	o.StackName = cmp.Or(o.StackName, name)
	return o
}
