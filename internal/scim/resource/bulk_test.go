package resource_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/scim/resource"
)

// bulk returns the body of a bulk request.
func bulk(members string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],` + members + `}`
}

func TestBulk(t *testing.T) {
	t.Parallel()
	b, err := resource.ParseBulk([]byte(bulk(`"failOnErrors":1,"Operations":[` +
		`{"method":"post","path":"/Groups","bulkId":"g","data":{"displayName":"G","members":[{"value":"bulkId:u"}]}},` +
		`{"method":"POST","path":"/Users","bulkId":"u","data":{"userName":"a"}},` +
		`{"method":"PATCH","path":"/Users/bulkId:u","version":"W/\"1\"","data":{"Operations":[{"value":"bulkId:g"}]}},` +
		`{"method":"PUT","path":"/Users/id%201","data":{}},` +
		`{"method":"DELETE","path":"/Groups/x"}]`)))
	if err != nil {
		t.Fatal(err)
	}
	if b.FailOnErrors != 1 || b.Operations[2].Version != `W/"1"` {
		t.Errorf("got %+v", b)
	}
	if diff := cmp.Diff([]int{1, 0, 2, 3, 4}, b.Order()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	ids := map[string]string{"u": "U1", "g": "G1"}
	for i, want := range []struct {
		kind     *resource.Type
		id, body string
	}{
		{resource.Group, "", `{"displayName":"G","members":[{"value":"U1"}]}`},
		{resource.User, "", `{"userName":"a"}`},
		{resource.User, "U1", `{"Operations":[{"value":"G1"}]}`},
		{resource.User, "id 1", `{}`},
		{resource.Group, "x", ``},
	} {
		got, err := b.Operations[i].Resolve(ids)
		if err != nil {
			t.Errorf("operation %d: %v", i, err)
			continue
		}
		if got.Type != want.kind || got.ID != want.id || string(got.Body) != want.body {
			t.Errorf("operation %d: got %s %q %s", i, got.Type.Name(), got.ID, got.Body)
		}
	}
}

func TestBulkCircle(t *testing.T) {
	t.Parallel()
	b, err := resource.ParseBulk([]byte(bulk(`"Operations":[` +
		`{"method":"POST","path":"/Users","bulkId":"a","data":{"x":"bulkId:b"}},` +
		`{"method":"POST","path":"/Users","bulkId":"b","data":{"x":"bulkId:a"}}]`)))
	if err != nil {
		t.Fatal(err)
	}
	order := b.Order()
	_, err = b.Operations[order[0]].Resolve(nil)
	wantError(t, err, `409: bulkId`)
}

func TestBulkRefuses(t *testing.T) {
	t.Parallel()
	const post = `{"method":"POST","path":"/Users","bulkId":"a","data":{}}`
	for _, tt := range []struct {
		name, body, want string
	}{
		{"no JSON", `{`, "400 invalidSyntax"},
		{"no schemas", `{"Operations":[` + post + `]}`, "400 invalidSyntax: BulkRequest"},
		{"no operations", bulk(`"Operations":[]`), "400 invalidSyntax: Operations"},
		{"too many operations", bulk(`"Operations":[` + strings.Repeat(post+",", 100) + post + `]`), "413: 100"},
		{"bulkId twice", bulk(`"Operations":[` + post + `,` + post + `]`), "400 invalidSyntax: twice"},
		{"failOnErrors", bulk(`"failOnErrors":-1,"Operations":[` + post + `]`), "400 invalidValue: failOnErrors"},
		{"failOnErrors as text", bulk(`"failOnErrors":"x","Operations":[` + post + `]`), "400 invalidValue: failOnErrors"},
		{"operation that is no object", bulk(`"Operations":[1]`), "400 invalidSyntax: object"},
		{"method", bulk(`"Operations":[{"method":"GET","path":"/Users"}]`), "400 invalidSyntax: method"},
		{"path as number", bulk(`"Operations":[{"method":"DELETE","path":1}]`), "400 invalidSyntax: path"},
		{"no path", bulk(`"Operations":[{"method":"DELETE"}]`), "400 invalidSyntax: path"},
		{"no bulkId", bulk(`"Operations":[{"method":"POST","path":"/Users","data":{}}]`), "400 invalidSyntax: bulkId"},
		{"no data", bulk(`"Operations":[{"method":"PUT","path":"/Users/a"}]`), "400 invalidSyntax: data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resource.ParseBulk([]byte(tt.body))
			wantError(t, err, tt.want)
		})
	}
}

func TestBulkResolveRefuses(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]string{
		`{"method":"DELETE","path":"/Users/bulkId:x"}`:                     "409: bulkId",
		`{"method":"PUT","path":"/Users/a","data":{"manager":"bulkId:x"}}`: "409: bulkId",
		`{"method":"DELETE","path":"/Users"}`:                              "405: DELETE",
		`{"method":"POST","path":"/Users/a","bulkId":"b","data":{}}`:       "405: POST",
		`{"method":"DELETE","path":"/Foo/a"}`:                              "404: /Foo/a",
		`{"method":"DELETE","path":"/UsersX/a"}`:                           "404: /UsersX/a",
		`{"method":"DELETE","path":"/Groups/a/b"}`:                         "404: /Groups/a/b",
		`{"method":"DELETE","path":"https://example.com/Users/a"}`:         "404: example",
		`{"method":"DELETE","path":"/Users/%zz"}`:                          "404: %zz",
	} {
		b, err := resource.ParseBulk([]byte(bulk(`"Operations":[` + operation + `]`)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Operations[0].Resolve(map[string]string{"y": "Y"})
		wantError(t, err, want)
	}
}

func TestBulkResponse(t *testing.T) {
	t.Parallel()
	var refusal *resource.Error
	if !errors.As(error(resource.InvalidValuef("No.")), &refusal) {
		t.Fatal("not an error")
	}
	wantJSON(t, resource.BulkResponse([]resource.BulkResult{
		{Operation: resource.Operation{Method: "POST", BulkID: "a"}, Location: "https://example.com/Users/1", Version: `W/"1"`, Status: 201},
		{Operation: resource.Operation{Method: "POST", BulkID: "b"}, Status: 400, Error: refusal},
	}), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[`+
		`{"method":"POST","bulkId":"a","location":"https://example.com/Users/1","version":"W/\"1\"","status":"201"},`+
		`{"method":"POST","bulkId":"b","status":"400","response":{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"invalidValue","detail":"No.","status":"400"}}]}`)
}
