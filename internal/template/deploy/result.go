package deploy

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"cognate/internal/document"
	"cognate/internal/template"
)

// A Result describes a deployed template.
type Result struct {
	StackName string
	Resources []Resource
	Outputs   []template.Output
	// Functions are the ARNs of the functions that the server runs.
	Functions []string
	// Notes name the parts of the template that were left out.
	Notes []string
	// Others counts the resources that were left out, by type.
	Others map[string]int
	counts counts
	mask   func(string) string
}

// A Resource is a resource that was created from a template.
type Resource struct {
	Path, Type, Ref string
	Members         map[string]any
	Attributes      map[string]any
	Generation      int
}

// result returns the result of the run.
func (r *run) result() (*Result, error) {
	out := &Result{StackName: r.options.StackName, Notes: r.plan.notes, Others: r.plan.others, counts: r.counts, mask: r.mask}
	for _, it := range r.plan.items {
		if it.kind == nil {
			continue
		}
		values, _ := r.plan.made(it.Path)
		out.Resources = append(out.Resources, Resource{it.Path, it.Type, it.want.Ref, it.want.Members, values.Attributes, it.generation})
	}
	for _, n := range r.plan.template.Notes() {
		out.Notes = append(out.Notes, n.String())
	}
	for _, arn := range sortedKeys(r.plan.functions.byARN) {
		if r.plan.functions.byARN[arn].canRun() {
			out.Functions = append(out.Functions, arn)
		}
	}
	var err error
	out.Outputs, err = r.plan.template.Outputs(r.plan.made)
	return out, err
}

// shown are the types whose resources are printed, with a title and the member that has the name of the
// resource.
var shown = []struct{ kind, title, name string }{
	{userPoolType, "user pool", "PoolName"},
	{"AWS::Cognito::UserPoolClient", "  app client", "ClientName"},
	{"AWS::Cognito::UserPoolDomain", "  domain", ""},
	{"AWS::Cognito::IdentityPool", "identity pool", "IdentityPoolName"},
}

// Print writes the ids and the outputs for people, with the indentation of a server's start. A nil result
// writes nothing.
func (r *Result) Print(w io.Writer) {
	if r == nil {
		return
	}
	r.printLine(w, "stack", "%s: %s", r.StackName, r.Changes())
	for _, s := range shown {
		for _, resource := range r.Resources {
			if resource.Type != s.kind {
				continue
			}
			name, _ := resource.Members[s.name].(string)
			r.printLine(w, s.title, "%s (%s)", resource.Ref, cmp.Or(name, resource.Path))
		}
	}
	for _, arn := range r.Functions {
		r.printLine(w, "function", "%s", arn)
	}
	for _, o := range r.Outputs {
		if !o.Nested() {
			r.printLine(w, "output", "%s = %s", o.Name, o.Value)
		}
	}
	for _, n := range r.Notes {
		r.printLine(w, "note", "%s", n)
	}
	for _, kind := range sortedKeys(leftOut(r.Others)) {
		r.printLine(w, "left out", "%d of %s", leftOut(r.Others)[kind], kind)
	}
	fmt.Fprintln(w)
}

// printLine writes a line of a server's start. The texts of a template may have secrets, and characters that a
// terminal would obey.
func (r *Result) printLine(w io.Writer, title, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if r.mask != nil {
		text = r.mask(text)
	}
	fmt.Fprintf(w, "  %-15s %s\n", title, document.Printable(text))
}

// maxLeftOut is the greatest number of left-out types that are printed one by one.
const maxLeftOut = 8

// leftOut returns the counts of what was left out: by type, or by service if there are many types.
func leftOut(byType map[string]int) map[string]int {
	if len(byType) <= maxLeftOut {
		return byType
	}
	byService := map[string]int{}
	for kind, n := range byType {
		if !strings.Contains(kind, "::") { // the functions
			byService[kind] += n
			continue
		}
		parts := strings.SplitAfter(kind, "::")
		byService[strings.Join(parts[:len(parts)-1], "")+"*"] += n
	}
	return byService
}

// PrintChange is Print, but writes one line if nothing has changed.
func (r *Result) PrintChange(w io.Writer) {
	if r.counts == (counts{}) {
		r.printLine(w, "stack", "%s: %s", r.StackName, r.Changes())
		fmt.Fprintln(w)
		return
	}
	r.Print(w)
}

// Changes returns the numbers of changes as a text.
func (r *Result) Changes() string {
	c := r.counts
	if c == (counts{}) {
		return "nothing has changed"
	}
	return fmt.Sprintf("%d created, %d changed, %d replaced, %d removed", c.created, c.changed, c.replaced, c.removed)
}
