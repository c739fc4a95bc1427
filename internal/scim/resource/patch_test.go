package resource_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cognate/internal/scim/resource"
)

// TestPatch has the rules of RFC 7644 §3.5.2 that no directory's request shows.
func TestPatch(t *testing.T) {
	t.Parallel()
	const emails = `{"value":"anna@example.com","type":"work","primary":true},{"value":"anna@example.org","type":"home"}`
	runPatchRows(t, []patchRow{
		{"path with the URN of the core schema", `{"op":"replace","path":"` + userURN + `:title","value":"x"}`, `{"title":"x"}`, nil},
		{"object under the URN of the core schema", `{"op":"replace","value":{"` + userURN + `":{"title":"x"}}}`, `{"title":"x"}`, nil},
		{"object under the URN of the extension", `{"op":"add","value":{"` + enterpriseURN + `":{"department":"D2","manager.value":"m2"}}}`, `{"` + enterpriseURN + `":{"department":"D2","manager":{"value":"m2"}}}`, nil},
		{"remove the extension", `{"op":"remove","path":"` + enterpriseURN + `"}`, "", []string{enterpriseURN}},
		{"names in any case", `{"OP":"REPLACE","PATH":"NAME.GIVENNAME","VALUE":"x"}`, `{"name":{"givenName":"x","familyName":"Ek"}}`, nil},
		{"unknown and read-only attributes of an object", `{"op":"add","value":{"foo":1,"name.foo":1,"groups":[],"meta":{},"schemas":[],"title":"x"}}`, `{"title":"x"}`, nil},
		{"add to a complex attribute", `{"op":"add","path":"name","value":{"middleName":"B","givenName":null}}`, `{"name":{"middleName":"B","familyName":"Ek"}}`, nil},
		{"remove a complex attribute", `{"op":"remove","path":"name"}`, "", []string{"name"}},
		{"remove the parts of a complex attribute", `{"op":"remove","path":"name.givenName"},{"op":"remove","path":"name.familyName"}`, "", []string{"name"}},
		{"remove a list", `{"op":"remove","path":"emails"}`, "", []string{"emails"}},
		{"remove listed values", `{"op":"remove","path":"emails","value":[{"value":"ANNA@example.org"},{"type":"other"}]}`, `{"emails":[{"value":"anna@example.com","type":"work","primary":true}]}`, nil},
		{"remove listed primary values", `{"op":"remove","path":"emails","value":{"primary":true,"type":"work"}}`, `{"emails":[{"value":"anna@example.org","type":"home"}]}`, nil},
		{"remove selected values", `{"op":"remove","path":"emails[type eq \"work\" or primary eq true]"}`, `{"emails":[{"value":"anna@example.org","type":"home"}]}`, nil},
		{"remove a sub-attribute of all values", `{"op":"remove","path":"emails.type"}`, `{"emails":[{"value":"anna@example.com","primary":true},{"value":"anna@example.org"}]}`, nil},
		{"add to selected values", `{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"x"}}`, `{"emails":[{"value":"anna@example.com","type":"work","primary":true},{"value":"anna@example.org","type":"home","display":"x"}]}`, nil},
		{"replace selected values", `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x"}}`, `{"emails":[{"value":"x","type":"work"},{"value":"anna@example.org","type":"home"}]}`, nil},
		{"add a value with two demands", `{"op":"add","path":"ims[type eq \"xmpp\" and primary eq true].value","value":"x"}`, `{"ims":[{"type":"xmpp","primary":true,"value":"x"}]}`, nil},
		{"set a sub-attribute of no value", `{"op":"add","path":"photos.value","value":"https://example.com/p"}`, `{"photos":[{"value":"https://example.com/p"}]}`, nil},
		{"values that become equal", `{"op":"add","path":"emails[type eq \"home\"]","value":{"value":"anna@example.com","type":"work"}}`, `{"emails":[{"value":"anna@example.com","type":"work","primary":true}]}`, nil},
		{"nothing changes", `{"op":"add","path":"emails","value":[` + emails + `]}`, "", nil},
	})
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, want string
	}{
		{"no JSON", `{`, "400 invalidSyntax"},
		{"no schemas", `{"Operations":[{"op":"remove","path":"title"}]}`, "400 invalidSyntax: PatchOp"},
		{"no operations", change(``), "400 invalidSyntax: Operations"},
		{"operations that are no list", strings.Replace(change(``), "[]", "{}", 1), "400 invalidSyntax: Operations"},
		{"operation that is no object", change(`1`), "400 invalidSyntax: object"},
		{"unknown op", change(`{"op":"move","path":"title","value":"x"}`), "400 invalidSyntax: op"},
		{"too many operations", change(strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"title"},`, 1001), ",")), "400 invalidValue: 1000"},
		{"remove without a path", change(`{"op":"remove"}`), "400 noTarget: path"},
		{"add without a value", change(`{"op":"add","path":"title"}`), "400 invalidValue: needs a value"},
		{"add without a path and an object", change(`{"op":"add","value":"x"}`), "400 invalidValue: object"},
		{"path that is no text", change(`{"op":"add","path":1,"value":"x"}`), "400 invalidPath: text"},
		{"unknown attribute", change(`{"op":"add","path":"foo","value":"x"}`), `400 invalidPath: "foo"`},
		{"unknown sub-attribute", change(`{"op":"add","path":"name.foo","value":"x"}`), `400 invalidPath: "name.foo"`},
		{"unknown extension", change(`{"op":"add","path":"urn:x:y:foo","value":"x"}`), "400 invalidPath"},
		{"password", change(`{"op":"replace","path":"password","value":"x"}`), "400 invalidPath"},
		{"read-only attribute", change(`{"op":"add","path":"groups","value":[]}`), "400 mutability: groups"},
		{"read-only sub-attribute", change(`{"op":"replace","path":"` + enterpriseURN + `:manager.displayName","value":"x"}`), "400 mutability: displayName"},
		{"meta", change(`{"op":"replace","path":"meta.created","value":"x"}`), "400 mutability: meta.created"},
		{"schemas", change(`{"op":"replace","path":"schemas","value":[]}`), "400 mutability: schemas"},
		{"remove a required attribute", change(`{"op":"remove","path":"userName"}`), "400 mutability: userName"},
		{"empty a required attribute", change(`{"op":"replace","path":"userName","value":""}`), "400 invalidValue: userName is required"},
		{"wrong type", change(`{"op":"replace","path":"active","value":"maybe"}`), "400 invalidValue: active"},
		{"wrong type under the URN of the core schema", change(`{"op":"replace","value":{"` + userURN + `":{"active":"maybe"}}}`), "400 invalidValue: active"},
		{"wrong type under the URN of the extension", change(`{"op":"replace","path":"` + enterpriseURN + `","value":"x"}`), "400 invalidValue: not an object"},
		{"malformed path among attributes", change(`{"op":"replace","value":{"emails[":"x"}}`), "400 invalidPath"},
		{"wrong type of a complex attribute", change(`{"op":"replace","path":"name","value":["x"]}`), "400 invalidValue: name"},
		{"wrong type of a sub-attribute", change(`{"op":"replace","path":"name.givenName","value":1}`), "400 invalidValue: name.givenName"},
		{"wrong type of a list", change(`{"op":"add","path":"emails","value":[1]}`), "400 invalidValue: emails"},
		{"wrong type of a whole selected value", change(`{"op":"replace","path":"emails[type eq \"work\"]","value":[1]}`), "400 invalidValue: emails"},
		{"binary value that a filter demands", change(`{"op":"add","path":"x509Certificates[value eq \"?\"].display","value":"x"}`), "400 invalidValue: x509Certificates.value"},
		{"wrong type of a selected value", change(`{"op":"replace","path":"emails[type eq \"work\"].primary","value":"maybe"}`), "400 invalidValue: emails.primary"},
		{"brackets behind a single value", change(`{"op":"replace","path":"title[value eq \"x\"]","value":"x"}`), "400 invalidPath: brackets"},
		{"open brackets", change(`{"op":"replace","path":"emails[type eq \"x\"","value":"x"}`), "400 invalidPath: closing bracket"},
		{"text behind a path", change(`{"op":"replace","path":"emails[type eq \"x\"].value eq","value":"x"}`), "400 invalidPath: end"},
		{"unknown sub-attribute in brackets", change(`{"op":"replace","path":"emails[foo eq \"x\"].value","value":"x"}`), `400 invalidPath: "foo"`},
		{"no value is selected", change(`{"op":"replace","path":"emails[value sw \"x\"].type","value":"x"}`), "400 noTarget: emails"},
		{"no value can be selected", change(`{"op":"replace","path":"phoneNumbers[type eq \"a\" and type eq \"b\"].value","value":"x"}`), "400 noTarget: phoneNumbers"},
		{"an empty value is selected", change(`{"op":"replace","path":"phoneNumbers[type eq \"\"].value","value":"x"}`), "400 noTarget: phoneNumbers"},
		{"a sub-attribute of several values", change(`{"op":"replace","path":"emails.value","value":"x"}`), "400 invalidPath: 2 values"},
		{"two primary values", change(`{"op":"replace","path":"emails[value pr].primary","value":true}`), "400 invalidValue: primary"},
		{"id in an object", change(`{"op":"replace","value":{"id":"other"}}`), "400 mutability: id"},
		{"too long", change(`{"op":"replace","path":"title","value":"` + strings.Repeat("x", 65<<10) + `"}`), "400 invalidValue: bytes"},
		{"too long paths", change(strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"emails[value sw \"`+strings.Repeat("x", 200)+`\"]"},`, 100), ",")), "400 invalidPath: bytes"},
		{"values too long together", change(strings.TrimSuffix(strings.Repeat(`{"op":"add","path":"title","value":"`+strings.Repeat("x", 1000)+`"},`, 100), ",")), "400 invalidValue: bytes"},
		{"too long path", change(`{"op":"remove","path":"emails[type eq \"` + strings.Repeat("x", 1024) + `\"]"}`), "400 invalidPath: bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := resource.User.Patch("id1", fromJSON(t, aUser), []byte(tt.body))
			wantError(t, err, tt.want)
		})
	}
}

func TestPatchBoundsLists(t *testing.T) {
	t.Parallel()
	var operations []string
	for i := range 101 {
		operations = append(operations, fmt.Sprintf(`{"op":"add","path":"roles[value eq \"r%d\"].display","value":"x"}`, i))
	}
	_, _, err := resource.User.Patch("id1", fromJSON(t, aUser), []byte(change(strings.Join(operations, ","))))
	wantError(t, err, "400 invalidValue: more than 100 values")
}

// TestPatchBoundsWork sends the largest change whose filters read the largest document.
func TestPatchBoundsWork(t *testing.T) {
	t.Parallel()
	doc := resource.Document{"userName": "anna"}
	var roles []any
	for i := range 100 {
		roles = append(roles, map[string]any{"value": fmt.Sprint(i, strings.Repeat("x", 600))})
	}
	doc["roles"] = roles
	path := `roles[value co \"y\"` + strings.Repeat(` or value co \"y\"`, 40) + `]`
	operations := strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"`+path+`"},`, (16<<10)/len(path)), ",")
	if _, _, err := resource.User.Patch("id1", doc, []byte(change(operations))); err != nil {
		t.Fatal(err)
	}
}

func TestPatchBoundsDocuments(t *testing.T) {
	t.Parallel()
	doc := resource.Document{"userName": "anna", "title": strings.Repeat("x", 60_000)}
	_, _, err := resource.User.Patch("id1", doc, []byte(change(`{"op":"add","path":"nickName","value":"`+strings.Repeat("x", 6000)+`"}`)))
	wantError(t, err, "400 invalidValue: more than 65536 bytes")
}

func TestPatchRefusesMembers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, operation, want string
	}{
		{"select by another attribute", `{"op":"remove","path":"members[display eq \"x\"]"}`, "400 invalidFilter: value"},
		{"select by another operator", `{"op":"remove","path":"members[value sw \"x\"]"}`, "400 invalidFilter: value"},
		{"select by negation", `{"op":"remove","path":"members[not (value eq \"x\")]"}`, "400 invalidFilter: value"},
		{"change a member", `{"op":"replace","path":"members[value eq \"x\"].display","value":"y"}`, "400 mutability: member"},
		{"replace a member by another", `{"op":"replace","path":"members[value eq \"x\"]","value":{"value":"y"}}`, "400 mutability: another"},
		{"add a selected member without an id", `{"op":"add","path":"members[value eq \"x\"]","value":{"display":"y"}}`, "400 invalidValue: value"},
		{"select by a part that is no id", `{"op":"remove","path":"members[value eq \"x\" or display pr]"}`, "400 invalidFilter: value"},
		{"remove a member without an id", `{"op":"remove","path":"members[value eq \"\"]"}`, "400 invalidValue: no value"},
		{"select by a long id", `{"op":"remove","path":"members[value eq \"` + strings.Repeat("x", 257) + `\"]"}`, "400 invalidValue: bytes"},
		{"members without an id", `{"op":"add","path":"members","value":[{"display":"x"}]}`, "400 invalidValue: value"},
		{"groups as members", `{"op":"add","path":"members","value":[{"value":"g","type":"Group"}]}`, "400 invalidValue: not a user"},
		{"long ids", `{"op":"add","path":"members","value":["` + strings.Repeat("x", 257) + `"]}`, "400 invalidValue: bytes"},
		{"remove the name", `{"op":"remove","path":"displayName"}`, "400 mutability: displayName"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := resource.Group.Patch("id1", resource.Document{"displayName": "old"}, []byte(change(tt.operation)))
			wantError(t, err, tt.want)
		})
	}
}

// TestPatchUndoes adds values that are not there, removes them, and wants the document back.
func TestPatchUndoes(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[a-z0-9 "\\äß]{1,8}`)
	kind := rapid.SampledFrom([]string{"work", "home", "mobile", "other"})
	rapid.Check(t, func(t *rapid.T) {
		doc := resource.Document{"userName": text.Draw(t, "userName")}
		list := rapid.SampledFrom([]string{"emails", "phoneNumbers", "roles"}).Draw(t, "attribute")
		values := rapid.SliceOfNDistinct(text, 1, 5, func(s string) string { return strings.ToLower(s) }).Draw(t, "values")
		kept := rapid.IntRange(0, len(values)-1).Draw(t, "kept")
		if kept > 0 {
			var before []any
			for _, v := range values[:kept] {
				before = append(before, map[string]any{"value": v, "type": kind.Draw(t, "type")})
			}
			doc[list] = before
		}
		var add, remove []string
		for _, v := range values[kept:] {
			add = append(add, operation(t, "add", list, []any{map[string]any{"value": v, "type": kind.Draw(t, "type")}}))
			quoted, _ := json.Marshal(v)
			remove = append(remove, operation(t, "remove", fmt.Sprintf("%s[value eq %s]", list, quoted), nil))
		}
		for _, name := range []string{"title", "name.givenName", enterpriseURN + ":costCenter"} {
			add = append(add, operation(t, "add", name, text.Draw(t, name)))
			remove = append(remove, operation(t, "remove", name, nil))
		}
		changed := patchUser(t, doc, add)
		if cmp.Equal(doc, changed) {
			t.Fatalf("the change has no effect: %v", changed)
		}
		if diff := cmp.Diff(doc, patchUser(t, changed, remove)); diff != "" {
			t.Fatalf("after %v and %v (-want +got):\n%s", add, remove, diff)
		}
	})
}

func operation(t *rapid.T, op, path string, value any) string {
	encoded, err := json.Marshal(map[string]any{"op": op, "path": path, "value": value})
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func patchUser(t *rapid.T, doc resource.Document, operations []string) resource.Document {
	changed, _, err := resource.User.Patch("id1", doc, []byte(change(strings.Join(operations, ","))))
	if err != nil {
		t.Fatalf("%v: %v", operations, err)
	}
	return changed
}
