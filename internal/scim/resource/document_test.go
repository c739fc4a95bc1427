package resource_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/scim/resource"
)

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// user returns the body of a request for a user with the given members.
func user(members string) string {
	return `{"schemas":["` + userURN + `"],` + members + `}`
}

func group(members string) string {
	return `{"schemas":["` + groupURN + `"],` + members + `}`
}

// fromJSON returns an object.
func fromJSON(t testing.TB, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

// parse returns the document in a body.
func parse(t testing.TB, kind *resource.Type, body string) resource.Document {
	t.Helper()
	doc, err := kind.Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%s): %v", body, err)
	}
	return doc
}

// wantJSON compares a value with JSON.
func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	encoded, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON(t, want), fromJSON(t, string(encoded))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// wantError compares an error with "STATUS KEYWORD: PART OF THE DETAIL".
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	var e *resource.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the protocol: %s", err, want)
	}
	head, detail, _ := strings.Cut(want, ": ")
	if got := strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.ScimType)); got != head || !strings.Contains(e.Detail, detail) {
		t.Errorf("got %s: %s, want %s", got, e.Detail, want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, want string
	}{
		{"names in any case", `{"SCHEMAS":["` + userURN + `"],"USERNAME":"a","Name":{"GIVENNAME":"G"}}`, `{"userName":"a","name":{"givenName":"G"}}`},
		{"schema in another case", `{"schemas":["URN:ietf:params:scim:schemas:CORE:2.0:user"],"userName":"a"}`, `{"userName":"a"}`},
		{"schema of the core only, with extension", user(`"userName":"a","` + enterpriseURN + `":{"department":"D"}`), `{"userName":"a","` + enterpriseURN + `":{"department":"D"}}`},
		{"empty values are no values", user(`"userName":"a","title":"","nickName":null,"emails":[],"roles":[{}],"name":{"givenName":""},"phoneNumbers":[{"type":"work","value":""}],"` + enterpriseURN + `":{"department":null}`), `{"userName":"a"}`},
		{"read-only and unknown attributes are ignored", user(`"userName":"a","id":"x","meta":{"location":"y"},"groups":[{"value":"g"}],"password":"p","foo":1,"urn:x:y":{"z":1}`), `{"userName":"a"}`},
		{"booleans as texts", user(`"userName":"a","active":"True","emails":[{"value":"v","primary":"false"}]`), `{"userName":"a","active":true,"emails":[{"value":"v","primary":false}]}`},
		{"one value instead of a list", user(`"userName":"a","emails":{"value":"v"}`), `{"userName":"a","emails":[{"value":"v"}]}`},
		{"texts instead of objects", user(`"userName":"a","roles":["r","s"],"` + enterpriseURN + `":{"manager":"m"}`), `{"userName":"a","roles":[{"value":"r"},{"value":"s"}],"` + enterpriseURN + `":{"manager":{"value":"m"}}}`},
		{"repeated values", user(`"userName":"a","emails":[{"value":"V","type":"work"},{"value":"v","type":"work","primary":true}]`), `{"userName":"a","emails":[{"value":"v","type":"work","primary":true}]}`},
		{"repeated values without a value", user(`"userName":"a","addresses":[{"locality":"L","type":"work"},{"type":"work","primary":true,"locality":"L"},{"locality":"L"}]`), `{"userName":"a","addresses":[{"locality":"L","type":"work","primary":true},{"locality":"L"}]}`},
		{"types that are not canonical", user(`"userName":"a","emails":[{"value":"v","type":"Alumni"}]`), `{"userName":"a","emails":[{"value":"v","type":"Alumni"}]}`},
		{"read-only name of the manager", user(`"userName":"a","` + enterpriseURN + `":{"manager":{"value":"m","displayName":"M"}}`), `{"userName":"a","` + enterpriseURN + `":{"manager":{"value":"m"}}}`},
		{"certificate", user(`"userName":"a","x509Certificates":[{"value":"MIIB"}]`), `{"userName":"a","x509Certificates":[{"value":"MIIB"}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantJSON(t, parse(t, resource.User, tt.body), tt.want)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20)
	many := strings.Repeat(`{"value":"v","type":"t"},`, 101)
	for _, tt := range []struct {
		name, body, want string
	}{
		{"no JSON", `{`, "400 invalidSyntax: JSON"},
		{"no object", `[]`, "400 invalidSyntax: not a JSON object"},
		{"a list without a comma", `{"a":[1 2]}`, "400 invalidSyntax: JSON"},
		{"a list that does not end", `{"a":[1`, "400 invalidSyntax: JSON"},
		{"a name that is no text", `{1:2}`, "400 invalidSyntax: JSON"},
		{"too many values", user(`"userName":"a","x":[0` + strings.Repeat(",0", 200_000) + `]`), "400 invalidSyntax: more than 200000"},
		{"more than an object", user(`"userName":"a"`) + "{}", "400 invalidSyntax: continues"},
		{"invalid UTF-8", user("\"userName\":\"a\xff\""), "400 invalidSyntax: UTF-8"},
		{"NUL", user(`"userName":"a\u0000"`), "400 invalidValue: NUL"},
		{"NUL in a name", user(`"userName":"a","b\u0000":1`), "400 invalidValue: NUL"},
		{"a name twice", user(`"userName":"a","userName":"b"`), `400 invalidSyntax: "userName"`},
		{"a name twice in another case", user(`"userName":"a","username":"b"`), `400 invalidSyntax: "username"`},
		{"a nested name twice", user(`"userName":"a","name":{"givenName":"a","GivenName":"b"}`), "400 invalidSyntax: twice"},
		{"too deep", user(`"userName":"a","x":` + deep), "400 invalidSyntax: levels deep"},
		{"no schemas", `{"userName":"a"}`, "400 invalidSyntax: " + userURN},
		{"other schema", group(`"userName":"a"`), "400 invalidSyntax: " + userURN},
		{"no userName", user(`"active":true`), "400 invalidValue: userName is required"},
		{"empty userName", user(`"userName":""`), "400 invalidValue: userName is required"},
		{"number as text", user(`"userName":5`), "400 invalidValue: userName"},
		{"text as boolean", user(`"userName":"a","active":"yes"`), "400 invalidValue: active"},
		{"text as object", user(`"userName":"a","name":"n"`), "400 invalidValue: name"},
		{"list as text", user(`"userName":["a"]`), "400 invalidValue: userName"},
		{"certificate that is not base64", user(`"userName":"a","x509Certificates":[{"value":"?"}]`), "400 invalidValue: x509Certificates.value"},
		{"two primary values", user(`"userName":"a","emails":[{"value":"v","primary":true},{"value":"w","primary":true}]`), "400 invalidValue: primary"},
		{"too many values of an attribute", user(`"userName":"a","emails":[` + strings.TrimSuffix(many, ",") + `]`), "400 invalidValue: more than 100"},
		{"too long", user(`"userName":"` + strings.Repeat("a", 65<<10) + `"`), "400 invalidValue: bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resource.User.Parse([]byte(tt.body))
			wantError(t, err, tt.want)
		})
	}
}

func TestSplitMembers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		want       []string
	}{
		{"absent", group(`"displayName":"g"`), nil},
		{"empty", group(`"displayName":"g","members":[]`), []string{}},
		{"null", group(`"displayName":"g","members":null`), []string{}},
		{"objects", group(`"displayName":"g","members":[{"value":"a","$ref":null,"display":"A"},{"value":"b","type":"user"},{"value":"a"}]`), []string{"a", "b"}},
		{"texts", group(`"displayName":"g","members":["a"]`), []string{"a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, members := resource.SplitMembers(parse(t, resource.Group, tt.body))
			if diff := cmp.Diff(tt.want, members); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
			wantJSON(t, doc, `{"displayName":"g"}`)
		})
	}
	_, err := resource.Group.Parse([]byte(group(`"displayName":"g","members":[{"value":"h","type":"Group"}]`)))
	wantError(t, err, "400 invalidValue: not a user")
	_, err = resource.Group.Parse([]byte(group(`"displayName":"g","members":[{"display":"h"}]`)))
	wantError(t, err, "400 invalidValue: no value")
}
