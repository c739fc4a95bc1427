package template

import (
	"slices"
	"strings"

	"cognate/internal/document"
	"cognate/internal/spelling"
)

// check evaluates everything without results of resources: it finds problems, and the resources that each
// resource refers to. Then it puts the resources in order.
func (t *Template) check(problems *document.Problems) {
	e := t.newEvaluator()
	t.root.walk(func(s *stack) {
		for next := 0; next < len(s.resourceNames); { // Evaluation may add resources at the end.
			r := s.resources[s.resourceNames[next]]
			next++
			if !s.holds(r.condition) {
				continue
			}
			if s.children[r.id] != nil { // The resources of the nested stack use what the parameters refer to.
				e.user = nil
				e.properties(r)
				continue
			}
			e.user = r
			e.properties(r)
			for up := s; up != nil; up = up.up {
				if up.holder != nil {
					e.depend(up.up, up.holder.dependsOn, r)
				}
			}
			e.depend(s, r.dependsOn, r)
		}
		e.user = nil
		for _, o := range s.outputs {
			if s.holds(o.condition) {
				e.output(s, o)
			}
		}
	})
	for _, problem := range e.problems.List() {
		problems.Add(problem)
	}
	o := &orderer{template: t, problems: problems, state: map[*Resource]int{}}
	t.root.walk(func(s *stack) {
		for _, name := range s.resourceNames {
			if r := s.resources[name]; s.holds(r.condition) && s.children[name] == nil {
				o.visit(r)
			}
		}
	})
	for _, r := range t.resources {
		for _, used := range r.uses {
			r.Uses = append(r.Uses, used.Path)
		}
	}
}

// depend adds the resources that DependsOn names to the uses of r. It ignores those whose condition is false.
func (e *evaluator) depend(s *stack, references []reference, r *Resource) {
	for _, reference := range references {
		used := e.resource(s, reference.name)
		switch {
		case used == nil:
			e.add(s, reference.line, reference.at, "there is no resource %s%s", reference.name, spelling.Meant(reference.name, s.resourceNames))
		case used == r:
			e.add(s, reference.line, reference.at, "the resource %s depends on itself", r.id)
		case !s.holds(used.condition):
		case s.children[reference.name] != nil:
			s.children[reference.name].walk(func(below *stack) {
				for _, name := range below.resourceNames {
					if inner := below.resources[name]; below.holds(inner.condition) && below.children[name] == nil {
						r.use(inner)
					}
				}
			})
		default:
			r.use(used)
		}
	}
}

// use adds a resource to the uses of r.
func (r *Resource) use(other *Resource) {
	if r.usesSet == nil {
		r.usesSet = map[*Resource]bool{}
	}
	if !r.usesSet[other] {
		r.usesSet[other] = true
		r.uses = append(r.uses, other)
	}
}

// An orderer sorts resources, so that each follows those that it uses.
type orderer struct {
	template *Template
	problems *document.Problems
	state    map[*Resource]int // 1: being visited, 2: in the list
	visiting []*Resource
}

func (o *orderer) visit(r *Resource) {
	switch o.state[r] {
	case 2:
		return
	case 1:
		o.addCircle(r)
		return
	}
	o.state[r] = 1
	o.visiting = append(o.visiting, r)
	for _, used := range r.uses {
		o.visit(used)
	}
	o.visiting = o.visiting[:len(o.visiting)-1]
	o.state[r] = 2
	o.template.resources = append(o.template.resources, r)
}

// addCircle adds a problem for resources that refer to each other.
func (o *orderer) addCircle(r *Resource) {
	var names []string
	for _, on := range o.visiting[slices.Index(o.visiting, r):] {
		names = append(names, on.Path)
	}
	o.problems.Addf(r.File, r.Line, r.where.String(), "the resources refer to each other in a circle: %s", strings.Join(append(names, r.Path), " → "))
}
