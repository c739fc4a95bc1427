package template

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/spelling"
)

// call evaluates an intrinsic function. The path ends with its name.
func (e *evaluator) call(s *stack, n *node, at *path) any {
	a := n.argument
	switch n.function {
	case "Ref":
		name, ok := e.name(s, a, at)
		if !ok {
			return unknown{}
		}
		return e.ref(s, name, n.line, at)
	case "Fn::GetAtt":
		return e.getAtt(s, n, at)
	case "Fn::If":
		return e.choose(s, n, at)
	case "Fn::Sub":
		return e.sub(s, n, at)
	case "Fn::Join":
		return e.joinCall(s, a, at)
	case "Fn::Split":
		return e.split(s, a, at)
	case "Fn::Select":
		return e.selectCall(s, a, at)
	case "Fn::FindInMap":
		return e.findInMap(s, a, at)
	case "Fn::Base64":
		if text, ok := e.text(s, a, at); ok && e.fits(s, 2*len(text), n.line, at) {
			return base64.StdEncoding.EncodeToString([]byte(text))
		}
		return unknown{}
	case "Fn::GetAZs":
		return e.zones(s, a, at)
	case "Fn::ImportValue":
		return e.importValue(s, n, at)
	case "Fn::Length", "Fn::ToJsonString":
		return e.extension(s, n, at)
	case "Fn::Cidr":
		_ = e.value(s, a, at)
		return e.refuse(s, n, at, "Fn::Cidr is not supported")
	case macro:
		_ = e.value(s, a, at)
		return e.refuse(s, n, at, "Fn::Transform is not supported: a macro runs in AWS only")
	case "Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition":
		e.add(s, n.line, at, "is a function of conditions: move it to the section Conditions, and use Fn::If here")
	default:
		e.add(s, n.line, at, "is a function of rules, which have it in the section Rules only")
	}
	return unknown{}
}

// refuse adds a problem of a function that is not supported, unless the template is only checked: it may be
// in a resource that nothing needs.
func (e *evaluator) refuse(s *stack, n *node, at *path, text string) any {
	if e.made != nil || e.static {
		e.add(s, n.line, at, "%s", text)
	}
	return unknown{}
}

// count reports whether an argument is a list of so many items.
func (e *evaluator) count(s *stack, n *node, at *path, least, most int) bool {
	switch {
	case n.kind != listNode:
		e.add(s, n.line, at, "the argument must be a list, %s", found(n))
		return false
	case len(n.items) >= least && len(n.items) <= most:
		return true
	case least == most:
		e.add(s, n.line, at, "the argument must be a list of %d, not %d", least, len(n.items))
	default:
		e.add(s, n.line, at, "the argument must be a list of %d to %d, not %d", least, most, len(n.items))
	}
	return false
}

// text evaluates a node that must be a text. ok is false if it is not, or is unknown.
func (e *evaluator) text(s *stack, n *node, at *path) (text string, ok bool) {
	v := e.value(s, n, at)
	if isUnknown(v) {
		return "", false
	}
	if text, ok = textOf(v); !ok {
		e.add(s, n.line, at, "must be a text, %s", foundResult(v))
	}
	return text, ok
}

// list evaluates a node that must be a list.
func (e *evaluator) list(s *stack, n *node, at *path) (list []any, ok bool) {
	v := e.value(s, n, at)
	if isUnknown(v) {
		return nil, false
	}
	if isPlaceholder(v) {
		return []any{v}, true
	}
	if list, ok = v.([]any); !ok {
		e.add(s, n.line, at, "must be a list, %s", foundResult(v))
	}
	return list, ok
}

func foundResult(v any) string {
	if isNoValue(v) {
		return "and is AWS::NoValue"
	}
	return foundValue(v)
}

// name returns the name in the argument of Ref, which may be a function under AWS::LanguageExtensions.
func (e *evaluator) name(s *stack, n *node, at *path) (string, bool) {
	if text, ok := n.text(); ok {
		return text, true
	}
	if n.kind == callNode && s.extensions {
		return e.text(s, n, at)
	}
	e.add(s, n.line, at, "must be a name, %s", found(n))
	return "", false
}

func (e *evaluator) getAtt(s *stack, n *node, at *path) any {
	a := n.argument
	if text, ok := a.text(); ok {
		name, attribute, ok := strings.Cut(text, ".")
		if !ok {
			e.add(s, n.line, at, "must be a resource and an attribute, such as UserPool.Arn")
			return unknown{}
		}
		return e.attribute(s, name, attribute, n.line, at)
	}
	if !e.count(s, a, at, 2, 2) {
		return unknown{}
	}
	name, ok := e.name(s, a.items[0], at.index(0))
	attribute, isText := e.text(s, a.items[1], at.index(1))
	if !ok || !isText {
		return unknown{}
	}
	return e.attribute(s, name, attribute, n.line, at)
}

func (e *evaluator) choose(s *stack, n *node, at *path) any {
	a := n.argument
	if !e.count(s, a, at, 3, 3) {
		return unknown{}
	}
	name, ok := a.items[0].text()
	if !ok {
		e.add(s, a.items[0].line, at.index(0), "must be the name of a condition, %s", found(a.items[0]))
		return unknown{}
	}
	if s.conditions[name] == nil {
		e.add(s, a.items[0].line, at.index(0), "there is no condition %s%s", name, spelling.Meant(name, s.conditionNames))
		return unknown{}
	}
	i := 2
	if e.condition(s, name, n.line, at) {
		i = 1
	}
	return e.value(s, a.items[i], at.index(i))
}

// join joins a list. ok is false if an item is unknown or not a text.
func (e *evaluator) join(s *stack, list []any, separator string, line int, at *path) (string, bool) {
	parts := make([]string, 0, len(list))
	known, length := true, 0
	for _, v := range list {
		text, ok := textOf(v)
		if !ok {
			known = false
			if !isUnknown(v) {
				e.add(s, line, at, "must be a list of texts, and an item is not: %s", strings.TrimPrefix(foundResult(v), "and "))
			}
		}
		length += len(text) + len(separator)
		parts = append(parts, text)
	}
	if !known || !e.fits(s, length, line, at) {
		return "", false
	}
	return strings.Join(parts, separator), true
}

func (e *evaluator) joinCall(s *stack, a *node, at *path) any {
	if !e.count(s, a, at, 2, 2) {
		return unknown{}
	}
	separator, ok := a.items[0].text()
	if !ok {
		e.add(s, a.items[0].line, at.index(0), "must be a text, %s", found(a.items[0]))
		return unknown{}
	}
	list, ok := e.list(s, a.items[1], at.index(1))
	if !ok {
		return unknown{}
	}
	text, ok := e.join(s, list, separator, a.items[1].line, at.index(1))
	if !ok {
		return unknown{}
	}
	return textOrPlaceholder(text, slices.ContainsFunc(list, isPlaceholder))
}

func (e *evaluator) split(s *stack, a *node, at *path) any {
	if !e.count(s, a, at, 2, 2) {
		return unknown{}
	}
	separator, ok := a.items[0].text()
	if !ok || separator == "" {
		e.add(s, a.items[0].line, at.index(0), "must be a text that separates the parts")
		return unknown{}
	}
	source := e.value(s, a.items[1], at.index(1))
	if isUnknown(source) {
		return source
	}
	text, ok := textOf(source)
	if !ok {
		e.add(s, a.items[1].line, at.index(1), "must be a text, %s", foundResult(source))
		return unknown{}
	}
	if !e.fits(s, len(text), a.line, at) {
		return unknown{}
	}
	parts := []any{}
	for part := range strings.SplitSeq(text, separator) {
		if len(parts) >= 10_000 {
			e.add(s, a.line, at, "the text has too many parts")
			return unknown{}
		}
		parts = append(parts, textOrPlaceholder(part, isPlaceholder(source)))
	}
	return parts
}

func (e *evaluator) selectCall(s *stack, a *node, at *path) any {
	if !e.count(s, a, at, 2, 2) {
		return unknown{}
	}
	text, ok := e.text(s, a.items[0], at.index(0))
	list, isList := e.list(s, a.items[1], at.index(1))
	if !ok {
		return unknown{}
	}
	i, err := strconv.Atoi(text)
	switch {
	case err != nil || i < 0:
		e.add(s, a.items[0].line, at.index(0), "must be the number of an item, from 0")
		return unknown{}
	case !isList:
		return unknown{}
	case i >= len(list) && slices.ContainsFunc(list, isPlaceholder):
		return list[len(list)-1]
	case i >= len(list):
		e.add(s, a.line, at, "there is no item %d: the list has %d", i, len(list))
		return unknown{}
	}
	return list[i]
}

func (e *evaluator) findInMap(s *stack, a *node, at *path) any {
	var fallback *node
	if a.kind == listNode && len(a.items) == 4 {
		last := a.items[3]
		fallback = last.get("DefaultValue")
		if fallback == nil || len(last.entries) != 1 {
			e.add(s, last.line, at.index(3), "must be a mapping with the entry DefaultValue, %s", found(last))
			return unknown{}
		}
		if !s.extensions {
			e.add(s, last.line, at.index(3), "DefaultValue needs the transform AWS::LanguageExtensions")
			return unknown{}
		}
	}
	if !e.count(s, a, at, 3, 4) {
		return unknown{}
	}
	var keys [3]string
	known := true
	for i := range keys {
		var ok bool
		keys[i], ok = e.text(s, a.items[i], at.index(i))
		known = known && ok
	}
	if !known {
		return unknown{}
	}
	n := s.mappings[keys[0]]
	names := make([]string, 0, len(s.mappings))
	for name := range s.mappings {
		names = append(names, name)
	}
	what := "mapping"
	for i, key := range keys[1:] {
		if n == nil {
			break
		}
		names = names[:0]
		for _, entry := range n.entries {
			names = append(names, entry.name)
		}
		what = [2]string{"first key", "second key"}[i]
		keys[0] = key
		n = n.get(key)
	}
	switch {
	case n != nil:
		return e.value(s, n, at)
	case fallback != nil:
		return e.value(s, fallback, at.index(3).field("DefaultValue"))
	}
	e.add(s, a.line, at, "there is no %s %s%s", what, keys[0], spelling.Meant(keys[0], names))
	return unknown{}
}

// zones returns three zones of a Region.
func (e *evaluator) zones(s *stack, a *node, at *path) any {
	region, ok := e.text(s, a, at)
	if !ok {
		return unknown{}
	}
	if region == "" {
		region = s.template.options.Region
	}
	return []any{region + "a", region + "b", region + "c"}
}

func (e *evaluator) importValue(s *stack, n *node, at *path) any {
	name, ok := e.text(s, n.argument, at)
	if !ok {
		return unknown{}
	}
	if v, ok := e.given(s, name); ok {
		return v
	}
	return e.refuse(s, n, at, fmt.Sprintf("the export %s of another stack is not known: set it by --template-parameter %s=VALUE", name, name))
}

// given returns a value of the options that is not for a parameter.
func (e *evaluator) given(s *stack, name string) (string, bool) {
	t := s.template
	v, ok := t.options.Parameters[name]
	if ok && e.made == nil {
		if t.given == nil {
			t.given = map[string]bool{}
		}
		t.given[name] = true
	}
	return v, ok
}

var dynamicReference = regexp.MustCompile(`\{\{(resolve:[^{}]+)\}\}`)

// resolved replaces the dynamic references that have a value. AWS resolves the others.
func (o Options) resolved(v any) any {
	switch v := v.(type) {
	case placeholder:
		return o.resolved(string(v))
	case string:
		return dynamicReference.ReplaceAllStringFunc(v, func(found string) string {
			if value, ok := o.Parameters[strings.Trim(found, "{}")]; ok {
				return value
			}
			return found
		})
	case []any:
		out := make([]any, len(v)) // A list may be that of a parameter.
		for i := range v {
			out[i] = o.resolved(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name := range v {
			out[name] = o.resolved(v[name])
		}
		return out
	}
	return v
}

// extension evaluates the functions of the transform AWS::LanguageExtensions.
func (e *evaluator) extension(s *stack, n *node, at *path) any {
	if !s.extensions {
		e.add(s, n.line, at, "the function needs the transform AWS::LanguageExtensions")
		return unknown{}
	}
	if n.function == "Fn::Length" {
		if list, ok := e.list(s, n.argument, at); ok {
			return json.Number(strconv.Itoa(len(list)))
		}
		return unknown{}
	}
	v := e.value(s, n.argument, at)
	if hasUnknown(v) {
		return unknown{}
	}
	text, err := json.Marshal(v)
	if err != nil {
		e.add(s, n.line, at, "the value has no text in JSON")
		return unknown{}
	}
	if !e.fits(s, len(text), n.line, at) {
		return unknown{}
	}
	return string(text)
}

// hasUnknown reports whether a value has a part that is unknown.
func hasUnknown(v any) bool {
	switch v := v.(type) {
	case unknown, noValue:
		return true
	case []any:
		return slices.ContainsFunc(v, hasUnknown)
	case map[string]any:
		for _, item := range v {
			if hasUnknown(item) {
				return true
			}
		}
	}
	return false
}

// stackUUID returns the same UUID for the same words.
func stackUUID(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "/")))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
