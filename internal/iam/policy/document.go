package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// MaxBytes is the longest document that is read. IAM's own limit for a managed
// policy is 6,144 characters without white space.
const MaxBytes = 16 << 10

// The versions of the language. The older version is the default and has no variables.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// A Document is a valid identity policy. It is immutable, so that requests may share
// it.
type Document struct {
	statements []statement
}

type statement struct {
	sid        string
	deny       bool
	actions    []pattern
	names      []string // the actions as written
	notActions bool
	resources  []arnPattern
	notRes     bool
	conditions []condition
}

// Parse reads an identity policy. supported reports whether requests carry a condition
// key (in lower case). Parse rejects a policy with another key, since its Deny would
// silently never deny.
func Parse(text []byte, supported func(key string) bool) (*Document, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("policy: longer than %d bytes", MaxBytes)
	}
	v, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("policy: must be a JSON object")
	}
	d, err := parseDocument(o, supported)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return d, nil
}

func parseDocument(o object, supported func(string) bool) (*Document, error) {
	version := version2008
	var list []any
	for _, m := range o {
		switch m.key {
		case "Version":
			version, _ = m.value.(string)
			if version != version2008 && version != version2012 {
				return nil, fmt.Errorf("Version must be %q or %q", version2012, version2008)
			}
		case "Id":
			if _, ok := m.value.(string); !ok {
				return nil, errors.New("Id must be a string")
			}
		case "Statement":
			var ok bool
			if list, ok = m.value.([]any); !ok {
				list = []any{m.value}
			}
		default:
			return nil, fmt.Errorf("has no member %q", m.key)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("has no Statement")
	}
	d := &Document{}
	sids := map[string]bool{}
	for i, e := range list {
		so, ok := e.(object)
		if !ok {
			return nil, fmt.Errorf("Statement %d must be an object", i+1)
		}
		s, err := parseStatement(so, version == version2012, supported)
		if err != nil {
			return nil, fmt.Errorf("Statement %d: %w", i+1, err)
		}
		if s.sid != "" && sids[s.sid] {
			return nil, fmt.Errorf("Statement %d: Sid %q is there twice", i+1, s.sid)
		}
		sids[s.sid] = true
		d.statements = append(d.statements, s)
	}
	return d, nil
}

func parseStatement(o object, vars bool, supported func(string) bool) (statement, error) {
	var s statement
	var effect, action, resource bool
	for _, m := range o {
		var err error
		switch m.key {
		case "Sid":
			var ok bool
			if s.sid, ok = m.value.(string); !ok || !sidForm.MatchString(s.sid) {
				err = errors.New("must be letters and digits")
			}
		case "Effect":
			effect = true
			s.deny = m.value == "Deny"
			if !s.deny && m.value != "Allow" {
				err = errors.New(`must be "Allow" or "Deny"`)
			}
		case "Action", "NotAction":
			if action {
				return s, errors.New("has more than one of Action and NotAction")
			}
			action, s.notActions = true, m.key == "NotAction"
			s.names, s.actions, err = parseActions(m.value)
		case "Resource", "NotResource":
			if resource {
				return s, errors.New("has more than one of Resource and NotResource")
			}
			resource, s.notRes = true, m.key == "NotResource"
			s.resources, err = parseResources(m.value, vars)
		case "Condition":
			s.conditions, err = parseConditions(m.value, vars, supported)
		case "Principal", "NotPrincipal":
			return s, errors.New("an identity policy names no principal")
		default:
			return s, fmt.Errorf("has no member %q", m.key)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", m.key, err)
		}
	}
	switch {
	case !effect:
		return s, errors.New("has no Effect")
	case !action:
		return s, errors.New("has no Action")
	case !resource:
		return s, errors.New("has no Resource")
	}
	return s, nil
}

var (
	sidForm    = regexp.MustCompile(`^[A-Za-z0-9]*$`)
	actionForm = regexp.MustCompile(`^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$`)
)

// parseActions reads action names, which compare without case: "service:Name"
// with wildcards in the name, or "*".
func parseActions(v any) (names []string, out []pattern, err error) {
	names, err = texts(v)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if name != "*" && !actionForm.MatchString(name) {
			return nil, nil, fmt.Errorf("%q is not service:Name", name)
		}
		p, err := parsePattern(strings.ToLower(name), true, false)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, p)
	}
	return names, out, nil
}

// Unmatched returns the first action of the document that matches no known action, or
// "". Such an action is a mistake.
func (d *Document) Unmatched(known []string) string {
	for _, s := range d.statements {
		for i, action := range s.actions {
			means := func(name string) bool { return action.match(strings.ToLower(name)) }
			if !slices.ContainsFunc(known, means) {
				return s.names[i]
			}
		}
	}
	return ""
}

func parseResources(v any, vars bool) ([]arnPattern, error) {
	names, err := texts(v)
	if err != nil {
		return nil, err
	}
	out := make([]arnPattern, 0, len(names))
	for _, name := range names {
		a, err := parseARN(name, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
