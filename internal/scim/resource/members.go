package resource

// maxMemberID is the most bytes of a member's id.
const maxMemberID = 256

// Members are the changes of a group's members, squashed: first all members go if Clear is
// set, then each id is added or removed. No id is in both lists. The removal of a user that
// is no member changes nothing.
type Members struct {
	Clear       bool
	Add, Remove []string
}

// memberChanges collects the changes of members in the order of the operations.
type memberChanges struct {
	mentioned bool
	clear     bool
	ids       []string        // In the order of their first change.
	joined    map[string]bool // Whether an id is added or removed.
}

func (m *memberChanges) result() Members {
	result := Members{Clear: m.clear}
	for _, id := range m.ids {
		joined, changed := m.joined[id]
		switch {
		case joined:
			result.Add = append(result.Add, id)
		case changed && !m.clear:
			result.Remove = append(result.Remove, id)
		}
	}
	return result
}

func (m *memberChanges) removeAll() {
	*m = memberChanges{mentioned: true, clear: true}
}

func (m *memberChanges) change(ids []string, joined bool) {
	if m.joined == nil {
		m.joined = map[string]bool{}
	}
	for _, id := range ids {
		if _, ok := m.joined[id]; !ok {
			m.ids = append(m.ids, id)
		}
		m.joined[id] = joined
	}
}

func (m *memberChanges) apply(op string, at path, v any) error {
	m.mentioned = true
	if at.sub != nil {
		return Mutabilityf("A member cannot be changed. Remove it and add another.")
	}
	if at.where != nil {
		return m.applyWhere(op, at, v)
	}
	if op == opRemove && v == nil {
		m.removeAll()
		return nil
	}
	ids, err := memberIDs(v)
	if err != nil {
		return err
	}
	if op == opReplace {
		m.removeAll()
	}
	m.change(ids, op != opRemove)
	return nil
}

// applyWhere changes the members that a filter selects by their ids.
func (m *memberChanges) applyWhere(op string, at path, v any) error {
	selected, ok := selectedMembers(at.where)
	if !ok {
		return InvalidFilterf("Members are selected by value: members[value eq \"ID\"].")
	}
	for _, id := range selected {
		if err := checkMemberID(id); err != nil {
			return err
		}
	}
	if op == opRemove {
		m.change(selected, false)
		return nil
	}
	ids, err := memberIDs(v)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if len(selected) != 1 || id != selected[0] {
			return Mutabilityf("A member cannot become another. Remove it and add the other.")
		}
	}
	m.change(selected, true)
	return nil
}

// selectedMembers returns the ids that a filter selects. It reports false if the filter
// needs more than ids, because members are not in the document.
func selectedMembers(n node) ([]string, bool) {
	switch n := n.(type) {
	case disjunction:
		var ids []string
		for _, part := range n {
			more, ok := selectedMembers(part)
			if !ok {
				return nil, false
			}
			ids = append(ids, more...)
		}
		return ids, true
	case conjunction:
		o, ok := equalities(n)
		id, isText := o["value"].(string)
		kind, typed := o["type"].(string)
		return []string{id}, ok && isText && len(o) == 2 && typed && fold(kind) == "user"
	case *comparison:
		id, ok := n.operand.(string)
		return []string{id}, ok && n.op == opEqual && n.at.attr.Name() == "value"
	default:
		return nil, false
	}
}

// memberIDs returns the ids in the value of members: a list, a single member, or ids
// without objects.
func memberIDs(v any) ([]string, error) {
	var ids []string
	for _, v := range elements(v) {
		id, _ := v.(string)
		if o, isObject := v.(object); isObject {
			value, _ := field(o, "value")
			id, _ = value.(string)
			kind, _ := field(o, "type")
			if s, isText := kind.(string); isText && s != "" && fold(s) != "user" {
				return nil, InvalidValuef("The member %s is not a user. The members of a group are users.", quote(id))
			}
		}
		if err := checkMemberID(id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func checkMemberID(id string) error {
	if id == "" {
		return InvalidValuef("A member has no value, which is the id of the user.")
	}
	if len(id) > maxMemberID {
		return InvalidValuef("The value of a member has more than %d bytes.", maxMemberID)
	}
	return nil
}
