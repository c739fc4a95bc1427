package resource

import (
	"encoding/json"
	"strconv"
)

// Has reports whether the type has an attribute with a text at the path, in the form of TextAt.
func (t *Type) Has(text string) bool {
	at, err := t.parsePath(text)
	return err == nil && at.attr != nil && (!at.leaf().complex() || at.leaf().value() != nil)
}

// TextAt returns the text at a path of a document: "userName", "name.givenName", "emails.value",
// `emails[type eq "work"].value` or "URN:department". A complex attribute stands for its value.
// Of several values it takes the primary one, else the first. It returns "" if there is no text.
func (t *Type) TextAt(doc Document, text string) string {
	at, err := t.parsePath(text)
	if err != nil || at.attr == nil {
		return ""
	}
	box := object(doc)
	if at.extension != nil {
		box, _ = doc[at.extension.urn()].(object)
	}
	value := at.one(box[at.attr.Name()])
	if o, ok := value.(object); ok {
		sub := at.sub
		if sub == nil {
			sub = at.attr.value()
		}
		if sub == nil {
			return ""
		}
		value = o[sub.Name()]
	}
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	return ""
}

// one returns the value of a list that the path means.
func (at path) one(value any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	var first any
	for _, v := range list {
		o, isObject := v.(object)
		if at.where != nil && (!isObject || !at.where.matches(o)) {
			continue
		}
		if isObject && o["primary"] == true {
			return v
		}
		if first == nil {
			first = v
		}
	}
	return first
}
