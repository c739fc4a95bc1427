package resource

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	bulkSchema         = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseSchema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

	// referencePrefix marks the temporary id of a resource that the same request creates.
	referencePrefix = "bulkId:"
)

// MaxBulkOperations is the most operations of a bulk request.
const MaxBulkOperations = 100

// A Bulk is a bulk request (RFC 7644 §3.7).
type Bulk struct {
	FailOnErrors int // The server stops after so many errors. It goes on to the end if it is 0.
	Operations   []Operation
}

// An Operation is one part of a bulk request. Its path and data may refer to resources that
// other operations create.
type Operation struct {
	Method  string // POST, PUT, PATCH or DELETE.
	BulkID  string // The client's temporary id. POST always has one.
	Version string // The entity tag that the resource must have, if any.
	Path    string // As the client sent it: /Users or /Users/ID.
	data    any
}

// ParseBulk parses the body of a bulk request.
func ParseBulk(body []byte) (*Bulk, error) {
	message, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(message, bulkSchema); err != nil {
		return nil, err
	}
	b := &Bulk{}
	if err := integer(message, "failOnErrors", &b.FailOnErrors); err != nil {
		return nil, err
	}
	if b.FailOnErrors < 0 {
		return nil, InvalidValuef("The value of failOnErrors is negative.")
	}
	v, _ := field(message, "Operations")
	operations, ok := v.([]any)
	if !ok || len(operations) == 0 {
		return nil, InvalidSyntaxf("The message has no list of Operations.")
	}
	if len(operations) > MaxBulkOperations {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "The message has more than %d operations.", MaxBulkOperations)
	}
	seen := map[string]bool{}
	for _, v := range operations {
		op, err := parseOperation(v)
		if err != nil {
			return nil, err
		}
		if op.BulkID != "" && seen[op.BulkID] {
			return nil, InvalidSyntaxf("The bulkId %s is in the message twice.", quote(op.BulkID))
		}
		seen[op.BulkID] = true
		b.Operations = append(b.Operations, op)
	}
	return b, nil
}

func parseOperation(v any) (Operation, error) {
	o, ok := v.(object)
	if !ok {
		return Operation{}, InvalidSyntaxf("An operation is not an object.")
	}
	var op Operation
	for name, text := range map[string]*string{"method": &op.Method, "bulkId": &op.BulkID, "version": &op.Version, "path": &op.Path} {
		v, _ := field(o, name)
		if *text, ok = v.(string); !ok && v != nil {
			return Operation{}, InvalidSyntaxf("The %s of an operation is not a text.", name)
		}
	}
	op.Method = strings.ToUpper(op.Method)
	op.data, _ = field(o, "data")
	_, hasData := op.data.(object)
	switch {
	case !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, op.Method):
		return Operation{}, InvalidSyntaxf("The method of an operation must be POST, PUT, PATCH or DELETE.")
	case op.Method == http.MethodPost && op.BulkID == "":
		return Operation{}, InvalidSyntaxf("An operation with the method POST needs a bulkId.")
	case op.Method != http.MethodDelete && !hasData:
		return Operation{}, InvalidSyntaxf("An operation with the method %s needs an object as its data.", op.Method)
	case op.Path == "":
		return Operation{}, InvalidSyntaxf("An operation needs a path.")
	}
	return op, nil
}

// Order returns the places of the operations in the order in which they must run: an
// operation runs behind those that create the resources to which it refers (RFC 7644
// §3.7.2). Operations that refer to each other in a circle keep their order, and Resolve
// refuses the first of them.
func (b *Bulk) Order() []int {
	creators := map[string]int{}
	for i, op := range b.Operations {
		if op.Method == http.MethodPost {
			creators[op.BulkID] = i
		}
	}
	const running, done = 1, 2
	state := make([]int, len(b.Operations))
	var order []int
	var visit func(i int)
	visit = func(i int) {
		if state[i] != 0 {
			return
		}
		state[i] = running
		for _, id := range b.Operations[i].references() {
			if creator, ok := creators[id]; ok {
				visit(creator)
			}
		}
		state[i] = done
		order = append(order, i)
	}
	for i := range b.Operations {
		visit(i)
	}
	return order
}

// references returns the temporary ids in the path and the data.
func (op Operation) references() []string {
	var ids []string
	collect := func(id string) (string, bool) {
		ids = append(ids, id)
		return id, true
	}
	if _, last, ok := strings.Cut(strings.TrimPrefix(op.Path, "/"), "/"); ok {
		replaceReference(last, collect)
	}
	replaceReferences(op.data, collect)
	return ids
}

// A BulkTarget is what an operation asks for, with the ids of resources.
type BulkTarget struct {
	Type *Type
	ID   string // Empty for POST.
	Body []byte // Nil for DELETE.
}

// Resolve returns what the operation asks for. The ids are those of resources that earlier
// operations created, by their bulkId. It refuses an unknown bulkId with 409 (RFC 7644
// §3.7.1), and a path that names no resource with 404.
func (op Operation) Resolve(ids map[string]string) (BulkTarget, error) {
	target, err := op.split()
	if err != nil {
		return BulkTarget{}, err
	}
	missing := ""
	find := func(id string) (string, bool) {
		found, ok := ids[id]
		if !ok {
			missing = id
		}
		return found, ok
	}
	target.ID = replaceReference(target.ID, find)
	data := replaceReferences(op.data, find)
	if missing != "" {
		return BulkTarget{}, Errorf(http.StatusConflict, "There is no resource with the bulkId %s.", quote(missing))
	}
	if op.Method == http.MethodDelete {
		return target, nil
	}
	if target.Body, err = json.Marshal(data); err != nil {
		return BulkTarget{}, InvalidSyntaxf("The data of an operation cannot be read.")
	}
	return target, nil
}

// split returns the type and the id in the path.
func (op Operation) split() (BulkTarget, error) {
	for _, t := range typeList {
		rest, ok := strings.CutPrefix(op.Path, t.endpoint)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		id, err := url.PathUnescape(strings.TrimPrefix(rest, "/"))
		if err != nil || strings.ContainsAny(id, "/\x00") {
			break
		}
		if created := op.Method == http.MethodPost; created != (id == "") {
			return BulkTarget{}, Errorf(http.StatusMethodNotAllowed, "The path %s does not accept %s.", quote(op.Path), op.Method)
		}
		return BulkTarget{Type: t, ID: id}, nil
	}
	return BulkTarget{}, Errorf(http.StatusNotFound, "The path %s names no resource.", quote(op.Path))
}

// replaceReference returns the id for a temporary one. It returns other texts unchanged.
func replaceReference(text string, find func(id string) (string, bool)) string {
	if id, ok := strings.CutPrefix(text, referencePrefix); ok {
		if found, ok := find(id); ok {
			return found
		}
	}
	return text
}

// replaceReferences returns a copy of data where ids replace temporary ones.
func replaceReferences(data any, find func(id string) (string, bool)) any {
	switch data := data.(type) {
	case string:
		return replaceReference(data, find)
	case object:
		o := make(object, len(data))
		for name, v := range data {
			o[name] = replaceReferences(v, find)
		}
		return o
	case []any:
		list := make([]any, len(data))
		for i, v := range data {
			list[i] = replaceReferences(v, find)
		}
		return list
	default:
		return data
	}
}

// A BulkResult is the outcome of an operation.
type BulkResult struct {
	Operation Operation
	Location  string // The URL of the resource, unless a POST failed.
	Version   string // The entity tag of the resource, if it has one now.
	Status    int
	Error     *Error // Nil if the operation succeeded.
}

// BulkResponse returns the answer to a bulk request, in the order of the results.
func BulkResponse(results []BulkResult) map[string]any {
	list := make([]any, len(results))
	for i, r := range results {
		o := object{"method": r.Operation.Method, "status": strconv.Itoa(r.Status)}
		for name, v := range map[string]string{"bulkId": r.Operation.BulkID, "location": r.Location, "version": r.Version} {
			if v != "" {
				o[name] = v
			}
		}
		if r.Error != nil {
			o["response"] = r.Error
		}
		list[i] = o
	}
	return object{"schemas": []string{bulkResponseSchema}, "Operations": list}
}
