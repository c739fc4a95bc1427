package policy

import (
	"cmp"
	"slices"
	"strings"
)

// parser reads one document.
type parser struct {
	kind Kind
	o    Options
	vars bool // the document's version has variables
	d    *Document
}

// Parse reads a document of a kind. Every error is an [*Error].
func Parse(kind Kind, text []byte, o Options) (*Document, error) {
	d := &Document{kind: kind, name: o.Name, text: string(text)}
	p := &parser{kind: kind, o: o, d: d}
	if err := p.parse(); err != nil {
		if err.at >= 0 {
			err.Position = position(d.text, err.at)
		}
		return nil, err
	}
	return d, nil
}

func (p *parser) parse() *Error {
	text := p.d.text
	if len(text) > MaxBytes {
		return faultf(textSyntax, nil, "longer than %d bytes", MaxBytes)
	}
	fault := checkText(text)
	var v value
	if fault == nil {
		v, fault = parseJSON(text)
	}
	if fault != nil {
		answer := textSyntax
		if p.kind == Trust {
			answer = textJSON
		}
		return &Error{Text: answer, Reason: fault.reason, json: true, at: fault.at}
	}
	if v.kind != objectValue {
		return faultf(textSyntax, &v, "must be a JSON object")
	}
	return p.document(&v)
}

// checkText rejects text that readers could understand differently.
func checkText(text string) *syntaxError {
	for i, r := range text {
		if r == 0 {
			return &syntaxError{i, "not JSON: NUL"}
		}
		if r == '\uFFFD' && !strings.HasPrefix(text[i:], "\uFFFD") {
			return &syntaxError{i, "not JSON: invalid UTF-8"}
		}
	}
	return nil
}

func (p *parser) document(v *value) *Error {
	version := version2008
	var list []value
	var versionValue *value
	for i := range v.members {
		m := &v.members[i]
		switch m.key {
		case "Version":
			version, versionValue = m.value.text, &m.value
			if m.value.kind != textValue || version != version2008 && version != version2012 {
				return faultf(textVersion, &m.value, "must be %q or %q", version2012, version2008).in(m.key)
			}
		case "Id":
			if m.value.kind != textValue {
				return faultf(textSyntax, &m.value, "must be a string").in(m.key)
			}
		case "Statement":
			list = m.value.items()
		default:
			e := faultf(textSyntax, nil, "has no member %q", m.key)
			e.at = m.at
			return e
		}
	}
	if p.o.Require2012 && version != version2012 {
		return faultf(text2012, versionValue, "must be %q", version2012).in("Version")
	}
	if len(list) == 0 {
		return faultf(textSyntax, nil, "has no Statement")
	}
	p.vars = version == version2012
	return p.statements(list)
}

func (p *parser) statements(list []value) *Error {
	sids := map[string]bool{}
	for i := range list {
		s, err := p.statement(&list[i])
		if err == nil && p.kind != Resource && s.sid != "" && sids[s.sid] {
			err = faultf(textSidTwice, &list[i], "Sid %q is there twice", s.sid)
		}
		if err != nil {
			err.Statement = i + 1
			return err
		}
		sids[s.sid] = true
		p.d.statements = append(p.d.statements, s)
	}
	return nil
}

// statement is a valid statement.
type statement struct {
	start, end    int // in the document's text
	sid           string
	deny          bool
	principals    *principals
	notPrincipal  bool
	actions       []pattern
	names         []string // the actions as written
	notAction     bool
	resources     []arnPattern // empty in a trust policy
	notResource   bool
	conditions    []condition
	hasAction     bool
	hasResource   bool
	hasEffect     bool
	principalSeen bool
}

func (p *parser) statement(v *value) (statement, *Error) {
	s := statement{start: v.start, end: v.end}
	if v.kind != objectValue {
		return s, faultf(textSyntax, v, "must be an object")
	}
	for i := range v.members {
		m := &v.members[i]
		if err := p.element(&s, m); err != nil {
			if err.at < 0 {
				err.at = m.at
			}
			return s, err
		}
	}
	return s, p.complete(&s)
}

// element reads one member of a statement.
func (p *parser) element(s *statement, m *member) (err *Error) {
	switch m.key {
	case "Sid":
		s.sid = m.value.text
		if m.value.kind != textValue || p.kind != Resource && !isAlphanumeric(s.sid) {
			return faultf(textSidForm, &m.value, "must be letters and digits").in(m.key)
		}
	case "Effect":
		s.hasEffect, s.deny = true, m.value.text == "Deny"
		if m.value.kind != textValue || !s.deny && m.value.text != "Allow" {
			return faultf(textLegacy, &m.value, `must be "Allow" or "Deny"`).in(m.key)
		}
	case "Action", "NotAction":
		if s.hasAction {
			return faultf(textSyntax, nil, "has more than one of Action and NotAction")
		}
		s.hasAction, s.notAction = true, m.key == "NotAction"
		err = p.parseActions(s, &m.value)
	case "Resource", "NotResource":
		if p.kind == Trust {
			return faultf("Has prohibited field "+m.key, nil, "a trust policy names no resource").in(m.key)
		}
		if s.hasResource {
			return faultf(textSyntax, nil, "has more than one of Resource and NotResource")
		}
		s.hasResource, s.notResource = true, m.key == "NotResource"
		err = p.parseResources(s, &m.value)
	case "Principal", "NotPrincipal":
		err = p.parsePrincipal(s, m)
	case "Condition":
		s.conditions, err = p.parseConditions(&m.value)
	default:
		return faultf(textSyntax, nil, "has no member %q", m.key)
	}
	return err.in(m.key)
}

func (p *parser) parsePrincipal(s *statement, m *member) *Error {
	not := m.key == "NotPrincipal"
	switch {
	case !p.kind.namesPrincipal():
		return faultf(textPrincipal, nil, "an identity policy names no principal")
	case not && p.kind == Trust:
		return faultf("Has prohibited field NotPrincipal", nil, "a trust policy names its principals")
	case s.principalSeen:
		return faultf(textSyntax, nil, "has more than one of Principal and NotPrincipal")
	}
	set, refs, err := parsePrincipals(&m.value)
	if err != nil {
		return err
	}
	set.trust = p.kind == Trust
	s.principalSeen, s.notPrincipal, s.principals = true, not, set
	p.d.principals = append(p.d.principals, refs...)
	return nil
}

// complete rejects a statement that lacks an element.
func (p *parser) complete(s *statement) *Error {
	switch {
	case !s.hasEffect:
		return faultf(cmp.Or(p.missing("Effect"), textSyntax), nil, "has no Effect")
	case !s.hasAction:
		return faultf(cmp.Or(p.missing("Action"), textNoActions), nil, "has no Action")
	case !s.hasResource && p.kind != Trust:
		return faultf(cmp.Or(p.missing("Resource"), textNoResource), nil, "has no Resource")
	case !s.principalSeen && p.kind.namesPrincipal():
		return faultf(p.missing("Principal"), nil, "has no Principal")
	case s.notPrincipal && !s.deny:
		// It would allow everybody else, also anonymous callers (IAM User Guide: "AWS
		// JSON policy elements: NotPrincipal").
		return faultf(textSyntax, nil, "NotPrincipal needs the effect Deny")
	}
	return nil
}

// missing returns AWS's text for an absent element in a policy that names principals.
func (p *parser) missing(element string) string {
	if p.kind.namesPrincipal() {
		return "Missing required field " + element
	}
	return ""
}

func isAlphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

// assumeActions are the actions that a trust policy can allow.
var assumeActions = []string{
	"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:SetContext", "sts:SetSourceIdentity", "sts:TagSession",
}

// parseActions reads action names, which compare without case: "service:Name" with
// wildcards in the name, or "*".
func (p *parser) parseActions(s *statement, v *value) *Error {
	if p.kind == Trust && s.notAction {
		return faultf(textAssumeOnly, nil, "a trust policy lists its actions")
	}
	names, err := texts(v)
	if err != nil {
		return err
	}
	for _, name := range names {
		if text := actionFault(name); text != "" {
			return faultf(text, v, "%q is not service:Name", name)
		}
		a, fault := parsePattern(name, syntax{wild: true, foldCase: true})
		if fault != nil {
			return faultf(textSyntax, v, "%v", fault)
		}
		known := func(n string) bool { return a.match(n, nil) }
		if p.kind == Trust && (name == "*" || !slices.ContainsFunc(assumeActions, known)) {
			return faultf(textAssumeOnly, v, "%q does not assume a role", name)
		}
		s.actions = append(s.actions, a)
	}
	s.names = names
	return nil
}

// actionFault returns AWS's text for a wrong action name, or "".
func actionFault(name string) string {
	if name == "*" {
		return ""
	}
	vendor, operation, ok := strings.Cut(name, ":")
	vendorForm := func(r rune) bool { return r != '-' && !isAlphanumeric(string(r)) }
	nameForm := func(r rune) bool { return !strings.ContainsRune("-_.*?", r) && !isAlphanumeric(string(r)) }
	switch {
	case !ok || vendor == "":
		return textVendor
	case strings.Contains(operation, ":"):
		return textColons
	case strings.ContainsAny(vendor, "*?"):
		return textVendorWild
	case operation == "" || strings.ContainsFunc(vendor, vendorForm) || strings.ContainsFunc(operation, nameForm):
		return textLegacy
	}
	return ""
}

func (p *parser) parseResources(s *statement, v *value) *Error {
	names, err := texts(v)
	if err != nil {
		return err
	}
	for _, name := range names {
		a, fault := parseResource(name, p.vars)
		if fault != nil {
			answer := textLegacy
			if !strings.HasPrefix(name, "arn:") {
				answer = "Resource " + name + ` must be in ARN format or "*".`
			}
			return faultf(answer, v, "%v", fault)
		}
		a.each(func(e *piece) {
			if err == nil {
				err = p.checkKey(e.name)
			}
		})
		if err != nil {
			return err
		}
		s.resources = append(s.resources, a)
	}
	return nil
}

// checkKey rejects a condition key or a variable that no request carries.
func (p *parser) checkKey(key string) *Error {
	if p.o.SupportedKey == nil || p.o.SupportedKey(strings.ToLower(key)) {
		return nil
	}
	cause := &UnknownKeyError{key}
	e := faultf(textSyntax, nil, "%v", cause)
	e.cause = cause
	return e
}

// items returns the elements of a list, or a single value as a list.
func (v *value) items() []value {
	if v.kind == listValue {
		return v.list
	}
	return []value{*v}
}

// texts reads a string or a list of strings, at least one.
func texts(v *value) ([]string, *Error) {
	list := v.items()
	if len(list) == 0 {
		return nil, faultf(textSyntax, v, "must not be empty")
	}
	out := make([]string, 0, len(list))
	for i := range list {
		if list[i].kind != textValue {
			return nil, faultf(textSyntax, &list[i], "must be a string or a list of strings")
		}
		out = append(out, list[i].text)
	}
	return out, nil
}
