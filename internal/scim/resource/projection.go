package resource

import "strings"

// maxProjection is the most attributes that a request may name.
const maxProjection = 100

// A Projection selects the attributes of rendered resources (RFC 7644 §3.9). The zero
// value selects all. The id and the schemas are always selected.
type Projection struct {
	include, exclude *selection
}

// A selection is a set of attributes: all of it, or some parts.
type selection struct {
	whole bool
	parts map[string]*selection
}

// ParseProjection returns the projection of the parameters attributes and
// excludedAttributes. Each text may have several names, separated by commas. It ignores
// names that the type does not have.
func ParseProjection(t *Type, attributes, excluded []string) (Projection, error) {
	include, err := t.selection("attributes", attributes)
	if err != nil {
		return Projection{}, err
	}
	exclude, err := t.selection("excludedAttributes", excluded)
	if err != nil {
		return Projection{}, err
	}
	if include != nil && exclude != nil {
		return Projection{}, InvalidValuef("The parameters attributes and excludedAttributes exclude each other.")
	}
	return Projection{include: include, exclude: exclude}, nil
}

// selection returns nil if there are no names.
func (t *Type) selection(parameter string, texts []string) (*selection, error) {
	text := strings.Trim(strings.Join(texts, ","), ", ")
	if text == "" {
		return nil, nil
	}
	if strings.Count(text, ",") >= maxProjection {
		return nil, InvalidValuef("The parameter %s has more than %d names.", parameter, maxProjection)
	}
	s := &selection{}
	for name := range strings.SplitSeq(text, ",") {
		if at, ok := t.resolve(strings.TrimSpace(name)); ok {
			s.add(at.steps())
		}
	}
	return s, nil
}

// steps returns the names from the resource to the target.
func (g target) steps() []string {
	var steps []string
	if g.extension != nil {
		steps = append(steps, g.extension.urn())
	}
	if g.attr != nil {
		steps = append(steps, g.attr.Name())
	}
	if g.sub != nil {
		steps = append(steps, g.sub.Name())
	}
	return steps
}

func (s *selection) add(steps []string) {
	if len(steps) == 0 {
		s.whole = true
		return
	}
	if s.parts == nil {
		s.parts = map[string]*selection{}
	}
	part := s.parts[steps[0]]
	if part == nil {
		part = &selection{}
		s.parts[steps[0]] = part
	}
	part.add(steps[1:])
}

// Wants reports whether the projection selects an attribute or a part of it.
func (p Projection) Wants(name string) bool {
	if p.include != nil {
		return p.include.parts[name] != nil
	}
	return p.exclude == nil || p.exclude.parts[name] == nil || !p.exclude.parts[name].whole
}

// Apply returns the selected part of a rendered resource. It does not change the resource.
func (p Projection) Apply(resource map[string]any) map[string]any {
	if p.include == nil && p.exclude == nil {
		return resource
	}
	var o object
	if p.include != nil {
		o, _ = p.include.keep(resource).(object)
	} else {
		o, _ = p.exclude.drop(resource).(object)
	}
	if o == nil {
		o = object{}
	}
	for _, name := range []string{"id", "schemas"} {
		if v, ok := resource[name]; ok {
			o[name] = v
		}
	}
	return o
}

// keep returns the selected part of a value, or nil if there is no such part.
func (s *selection) keep(v any) any {
	if s.whole {
		return v
	}
	return eachObject(v, func(o object) object {
		kept := object{}
		for name, part := range s.parts {
			if v := part.keep(o[name]); v != nil {
				kept[name] = v
			}
		}
		return kept
	})
}

// drop returns a value without the selected part, or nil if nothing is left.
func (s *selection) drop(v any) any {
	if s.whole {
		return nil
	}
	return eachObject(v, func(o object) object {
		kept := object{}
		for name, v := range o {
			if part := s.parts[name]; part != nil {
				v = part.drop(v)
			}
			if v != nil {
				kept[name] = v
			}
		}
		return kept
	})
}

// eachObject changes an object, or each object of a list. It drops what becomes empty.
func eachObject(v any, change func(object) object) any {
	switch v := v.(type) {
	case object:
		if o := change(v); len(o) > 0 {
			return o
		}
	case []any:
		var list []any
		for _, v := range v {
			if kept := eachObject(v, change); kept != nil {
				list = append(list, kept)
			}
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
}
