package policy

import "strings"

// Context holds a request's condition keys, in lower case, and their values. A
// key that is missing, or has no value, is absent.
type Context map[string][]string

func (c Context) get(key string) []string { return c[key] }

// A Request is an operation to decide on.
type Request struct {
	// Action is "service:Operation".
	Action string
	// Resource is an ARN, or "*" for operations without a resource.
	Resource string
	Context  Context
}

// A Decision is the outcome, with the kind of a denial.
type Decision uint8

const (
	// ImplicitDeny is the default: nothing allows the request.
	ImplicitDeny Decision = iota
	// ExplicitDeny means that a statement denies the request, whatever others allow.
	ExplicitDeny
	// Allow means that a statement allows the request, and no statement denies it.
	Allow
)

// Evaluate decides a request by all of a principal's documents together; their
// order does not matter.
func Evaluate(documents []*Document, r Request) Decision {
	decision := ImplicitDeny
	action := strings.ToLower(r.Action)
	for _, d := range documents {
		for i := range d.statements {
			s := &d.statements[i]
			if decision == Allow && !s.deny || !s.matches(action, r) {
				continue
			}
			if s.deny {
				return ExplicitDeny
			}
			decision = Allow
		}
	}
	return decision
}

func (s *statement) matches(action string, r Request) bool {
	if s.matchesAction(action) == s.notActions || s.matchesResource(r) == s.notRes {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.Context) {
			return false
		}
	}
	return true
}

func (s *statement) matchesAction(action string) bool {
	for _, p := range s.actions {
		if p.match(action) {
			return true
		}
	}
	return false
}

func (s *statement) matchesResource(r Request) bool {
	for _, a := range s.resources {
		if a.match(r.Resource, r.Context) {
			return true
		}
	}
	return false
}
