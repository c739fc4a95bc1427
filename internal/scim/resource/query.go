package resource

import (
	"encoding/json"
	"net/url"
	"strconv"
)

const searchSchema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

// The numbers of resources on a page.
const (
	DefaultCount = 100
	MaxCount     = 200
)

// A Query asks for a page of resources (RFC 7644 §3.4.2).
//
// The parameters sortBy and sortOrder have no effect: sorting is optional (RFC 7644
// §3.4.2.3), and the service provider configuration says that it is not supported.
type Query struct {
	Filter     *Filter // Nil selects all resources.
	StartIndex int     // The place of the page's first resource, from 1.
	Count      int     // The most resources of the page, which may be 0.
	Projection Projection
}

// ParseQuery returns the query of a GET request.
func ParseQuery(t *Type, values url.Values) (Query, error) {
	q := Query{StartIndex: 1, Count: DefaultCount}
	var err error
	if q.Projection, err = ParseProjection(t, values["attributes"], values["excludedAttributes"]); err != nil {
		return Query{}, err
	}
	if text := values.Get("filter"); text != "" {
		if q.Filter, err = t.ParseFilter(text); err != nil {
			return Query{}, err
		}
	}
	for name, number := range map[string]*int{"startIndex": &q.StartIndex, "count": &q.Count} {
		if text := values.Get(name); text != "" {
			if *number, err = strconv.Atoi(text); err != nil {
				return Query{}, InvalidValuef("The parameter %s is not a number.", name)
			}
		}
	}
	q.bound()
	return q, nil
}

// ParseSearch returns the query in the body of POST to /.search (RFC 7644 §3.4.3).
func ParseSearch(t *Type, body []byte) (Query, error) {
	message, err := decodeObject(body)
	if err != nil {
		return Query{}, err
	}
	if err := checkSchema(message, searchSchema); err != nil {
		return Query{}, err
	}
	q := Query{StartIndex: 1, Count: DefaultCount}
	attributes, err := texts(message, "attributes")
	if err != nil {
		return Query{}, err
	}
	excluded, err := texts(message, "excludedAttributes")
	if err != nil {
		return Query{}, err
	}
	if q.Projection, err = ParseProjection(t, attributes, excluded); err != nil {
		return Query{}, err
	}
	v, _ := field(message, "filter")
	text, ok := v.(string)
	if !ok && v != nil {
		return Query{}, InvalidFilterf("The filter is not a text.")
	}
	if text != "" {
		if q.Filter, err = t.ParseFilter(text); err != nil {
			return Query{}, err
		}
	}
	for name, number := range map[string]*int{"startIndex": &q.StartIndex, "count": &q.Count} {
		if err := integer(message, name, number); err != nil {
			return Query{}, err
		}
	}
	q.bound()
	return q, nil
}

// bound replaces numbers out of range (RFC 7644 §3.4.2.4).
func (q *Query) bound() {
	q.StartIndex = max(q.StartIndex, 1)
	q.Count = min(max(q.Count, 0), MaxCount)
}

// texts returns a member that is a list of texts, or one text.
func texts(message object, name string) ([]string, error) {
	v, _ := field(message, name)
	var list []string
	for _, v := range elements(v) {
		s, ok := v.(string)
		if !ok {
			return nil, InvalidValuef("The value of %s is not a list of texts.", name)
		}
		list = append(list, s)
	}
	return list, nil
}

// integer sets a number to a member of a message, unless the member is absent.
func integer(message object, name string, number *int) error {
	v, _ := field(message, name)
	if v == nil {
		return nil
	}
	n, _ := v.(json.Number)
	i, err := strconv.Atoi(n.String())
	if err != nil {
		return InvalidValuef("The value of %s is not a number.", name)
	}
	*number = i
	return nil
}
