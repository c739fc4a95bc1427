package resource_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/scim/resource"
)

// change returns the body of PATCH with the given operations.
func change(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

// aUser is the document that the tests change.
const aUser = `{"userName":"anna","externalId":"e1","active":true,"displayName":"Anna","title":"Engineer",` +
	`"name":{"givenName":"Anna","familyName":"Ek"},` +
	`"emails":[{"value":"anna@example.com","type":"work","primary":true},{"value":"anna@example.org","type":"home"}],` +
	`"` + enterpriseURN + `":{"department":"D1","manager":{"value":"m1","$ref":"r1"}}}`

// A patchRow is a request that a directory sends. The set and unset members are the
// difference between aUser and the result.
type patchRow struct {
	name, operations string
	set              string   // Members of the result that differ.
	unset            []string // Members that the result does not have.
}

func runPatchRows(t *testing.T, rows []patchRow) {
	t.Helper()
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := fromJSON(t, aUser)
			got, _, err := resource.User.Patch("id1", before, []byte(change(tt.operations)))
			if err != nil {
				t.Fatal(err)
			}
			want := fromJSON(t, aUser)
			if tt.set != "" {
				maps.Copy(want, fromJSON(t, tt.set))
			}
			for _, name := range tt.unset {
				delete(want, name)
			}
			if diff := cmp.Diff(want, map[string]any(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(fromJSON(t, aUser), before); diff != "" {
				t.Errorf("Patch changed its argument (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMicrosoftEntraChangesUsers has the requests of "Tutorial: Develop and plan
// provisioning for a SCIM endpoint" and "Known issues and resolutions with SCIM 2.0
// protocol compliance".
func TestMicrosoftEntraChangesUsers(t *testing.T) {
	t.Parallel()
	runPatchRows(t, []patchRow{
		{"disable", `{"op":"Replace","path":"active","value":false}`, `{"active":false}`, nil},
		{"disable with a text", `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`, nil},
		{"add a single value", `{"op":"Add","path":"nickName","value":"Babs"}`, `{"nickName":"Babs"}`, nil},
		{
			"update a multi-valued attribute",
			`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new@example.com"},{"op":"Replace","path":"name.familyName","value":"Berg"}`,
			`{"emails":[{"value":"new@example.com","type":"work","primary":true},{"value":"anna@example.org","type":"home"}],"name":{"givenName":"Anna","familyName":"Berg"}}`,
			nil,
		},
		{
			"replace attributes one by one",
			`{"op":"Replace","path":"displayName","value":"x"},{"op":"Replace","path":"externalId","value":"e2"},{"op":"Replace","path":"` + enterpriseURN + `:department","value":"D2"}`,
			`{"displayName":"x","externalId":"e2","` + enterpriseURN + `":{"department":"D2","manager":{"value":"m1","$ref":"r1"}}}`,
			nil,
		},
		{
			"replace attributes by an object with paths",
			`{"op":"replace","value":{"displayName":"x","name.givenName":"y","name.familyName":"z","` + enterpriseURN + `:employeeNumber":"7","emails[type eq \"work\"].value":"v"}}`,
			`{"displayName":"x","name":{"givenName":"y","familyName":"z"},"` + enterpriseURN + `":{"employeeNumber":"7","department":"D1","manager":{"value":"m1","$ref":"r1"}},` +
				`"emails":[{"value":"v","type":"work","primary":true},{"value":"anna@example.org","type":"home"}]}`,
			nil,
		},
		{
			"add the first value of a type",
			`{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+1 555"},{"op":"Add","path":"phoneNumbers[type eq \"work\"].value","value":"+1 556"}`,
			`{"phoneNumbers":[{"type":"mobile","value":"+1 555"},{"type":"work","value":"+1 556"}]}`,
			nil,
		},
		{"replace the first value of a type", `{"op":"Replace","path":"emails[type eq \"other\"].value","value":"o@example.com"}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":true},{"value":"anna@example.org","type":"home"},{"value":"o@example.com","type":"other"}]}`, nil},
		{
			"parts of an address",
			`{"op":"Add","path":"addresses[type eq \"work\"].locality","value":"Oslo"},{"op":"Add","path":"addresses[type eq \"work\"].country","value":"NO"}`,
			`{"addresses":[{"type":"work","locality":"Oslo","country":"NO"}]}`,
			nil,
		},
		{"manager as a text", `{"op":"Add","path":"` + enterpriseURN + `:manager","value":"m2"}`, `{"` + enterpriseURN + `":{"department":"D1","manager":{"value":"m2"}}}`, nil},
		{"manager as an object", `{"op":"Replace","path":"` + enterpriseURN + `:manager","value":{"$ref":"r2","value":"m2"}}`, `{"` + enterpriseURN + `":{"department":"D1","manager":{"value":"m2","$ref":"r2"}}}`, nil},
		{"remove the manager", `{"op":"Remove","path":"` + enterpriseURN + `:manager"}`, `{"` + enterpriseURN + `":{"department":"D1"}}`, nil},
		{"replace with null", `{"op":"Replace","path":"title","value":null}`, "", []string{"title"}},
		{"replace with an empty text", `{"op":"Replace","path":"title","value":""},{"op":"Replace","path":"` + enterpriseURN + `:department","value":""}`, `{"` + enterpriseURN + `":{"manager":{"value":"m1","$ref":"r1"}}}`, []string{"title"}},
		{"replace the value of a type with an empty text", `{"op":"Replace","path":"emails[type eq \"work\"].value","value":""}`, `{"emails":[{"value":"anna@example.org","type":"home"}]}`, nil},
		{"remove the value of a type", `{"op":"Remove","path":"emails[type eq \"home\"].value"}`, `{"emails":[{"value":"anna@example.com","type":"work","primary":true}]}`, nil},
		{"remove what is not there", `{"op":"Remove","path":"phoneNumbers[type eq \"fax\"].value"},{"op":"Remove","path":"nickName"}`, "", nil},
		{"roles", `{"op":"Add","path":"roles","value":[{"value":"admin","display":"Admin","primary":"True"}]}`, `{"roles":[{"value":"admin","display":"Admin","primary":true}]}`, nil},
		{"the primary role", `{"op":"Replace","path":"roles[primary eq \"True\"].value","value":"admin"}`, `{"roles":[{"value":"admin","primary":true}]}`, nil},
		{"add to the extension", `{"op":"Add","path":"` + enterpriseURN + `","value":{"division":"V","department":null}}`, `{"` + enterpriseURN + `":{"division":"V","manager":{"value":"m1","$ref":"r1"}}}`, nil},
		{"several operations", `{"op":"Add","path":"title","value":"A"},{"op":"Remove","path":"title"},{"op":"Add","path":"title","value":"B"}`, `{"title":"B"}`, nil},
	})
}

// TestOktaChangesUsers has the requests of "Okta and SCIM Version 2.0".
func TestOktaChangesUsers(t *testing.T) {
	t.Parallel()
	runPatchRows(t, []patchRow{
		{"deactivate", `{"op":"replace","value":{"active":false}}`, `{"active":false}`, nil},
		{"repeat the id", `{"op":"replace","value":{"id":"id1","displayName":"new"}}`, `{"displayName":"new"}`, nil},
	})
	_, _, err := resource.User.Patch("id1", fromJSON(t, aUser), []byte(change(`{"op":"replace","value":{"id":"id2"}}`)))
	wantError(t, err, "400 mutability: id")
}

func TestOktaSendsWholeUsers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, want string
	}{
		{
			"create",
			user(`"userName":"anna","name":{"givenName":"Anna","familyName":"Ek"},"emails":[{"primary":true,"value":"anna@example.com","type":"work"}],` +
				`"displayName":"Anna Ek","locale":"en-US","externalId":"00u1","groups":[],"password":"1mz050nq","active":true`),
			`{"userName":"anna","name":{"givenName":"Anna","familyName":"Ek"},"emails":[{"primary":true,"value":"anna@example.com","type":"work"}],` +
				`"displayName":"Anna Ek","locale":"en-US","externalId":"00u1","active":true}`,
		},
		{
			"replace",
			user(`"id":"id1","userName":"anna","groups":[{"value":"g","display":"G"}],"active":false,"meta":{"resourceType":"User","location":"/Users/id1"}`),
			`{"userName":"anna","active":false}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wantJSON(t, parse(t, resource.User, tt.body), tt.want)
		})
	}
}

// TestOtherDirectoriesChangeUsers has what Google Workspace, OneLogin, JumpCloud, Ping and
// clients for Keycloak rely on: RFC 7643 §2.4 and RFC 7644 §3.5.2.1.
func TestOtherDirectoriesChangeUsers(t *testing.T) {
	t.Parallel()
	runPatchRows(t, []patchRow{
		{
			"a new primary value clears the old one",
			`{"op":"add","path":"emails","value":[{"value":"p@example.com","type":"other","primary":true}]}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":false},{"value":"anna@example.org","type":"home"},{"value":"p@example.com","type":"other","primary":true}]}`,
			nil,
		},
		{
			"a list with the old and the new primary value",
			`{"op":"add","path":"emails","value":[{"value":"anna@example.com","type":"work"},{"value":"p@example.com","type":"other","primary":true}]}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":false},{"value":"anna@example.org","type":"home"},{"value":"p@example.com","type":"other","primary":true}]}`,
			nil,
		},
		{
			"a value that is made to be primary",
			`{"op":"add","path":"emails[type eq \"other\" and primary eq true].value","value":"p@example.com"}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":false},{"value":"anna@example.org","type":"home"},{"value":"p@example.com","type":"other","primary":true}]}`,
			nil,
		},
		{
			"a whole value becomes primary",
			`{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"h@example.com","primary":true}}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home","primary":true}]}`,
			nil,
		},
		{
			"another value becomes primary",
			`{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":false},{"value":"anna@example.org","type":"home","primary":true}]}`,
			nil,
		},
		{"adding what is there changes nothing", `{"op":"add","path":"emails","value":[{"value":"anna@example.com","type":"work"}]}`, "", nil},
		{
			"adding what is there completes it",
			`{"op":"add","value":{"emails":[{"value":"ANNA@example.org","type":"Home","display":"Anna"}]}}`,
			`{"emails":[{"value":"anna@example.com","type":"work","primary":true},{"value":"ANNA@example.org","type":"Home","display":"Anna"}]}`,
			nil,
		},
		{"replace the list", `{"op":"replace","path":"emails","value":[{"value":"x@example.com"}]}`, `{"emails":[{"value":"x@example.com"}]}`, nil},
		{"replace by one value", `{"op":"replace","path":"emails","value":{"value":"x@example.com"}}`, `{"emails":[{"value":"x@example.com"}]}`, nil},
		{"replace whole names", `{"op":"replace","value":{"name":{"familyName":"Berg"},"userName":"anna2"}}`, `{"name":{"givenName":"Anna","familyName":"Berg"},"userName":"anna2"}`, nil},
	})
}

// TestDirectoriesChangeGroups has the requests for groups of the same documents.
func TestDirectoriesChangeGroups(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, operations string
		displayName      string
		members          resource.Members
	}{
		{"Entra: rename", `{"op":"Replace","path":"displayName","value":"new"}`, "new", resource.Members{}},
		{"Entra: add members", `{"op":"Add","path":"members","value":[{"$ref":null,"value":"u1"},{"$ref":null,"value":"u2"}]}`, "old", resource.Members{Add: []string{"u1", "u2"}}},
		{"Entra: remove members", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]}`, "old", resource.Members{Remove: []string{"u1"}}},
		{"Entra: remove a member by a filter", `{"op":"remove","path":"members[value eq \"u1\"]"}`, "old", resource.Members{Remove: []string{"u1"}}},
		{"Okta: rename", `{"op":"replace","value":{"id":"id1","displayName":"new"}}`, "new", resource.Members{}},
		{
			"Okta: change members", `{"op":"remove","path":"members[value eq \"u1\"]"},{"op":"add","path":"members","value":[{"value":"u2","display":"U"}]}`,
			"old", resource.Members{Add: []string{"u2"}, Remove: []string{"u1"}},
		},
		{"Okta: replace members", `{"op":"replace","path":"members","value":[{"value":"u1","display":"U"}]}`, "old", resource.Members{Clear: true, Add: []string{"u1"}}},
		{"replace members without a path", `{"op":"replace","value":{"members":[{"value":"u1"}]}}`, "old", resource.Members{Clear: true, Add: []string{"u1"}}},
		{"remove all", `{"op":"remove","path":"members"}`, "old", resource.Members{Clear: true}},
		{"replace by no members", `{"op":"replace","path":"members","value":[]}`, "old", resource.Members{Clear: true}},
		{"one member instead of a list", `{"op":"add","path":"members","value":{"value":"u1"}}`, "old", resource.Members{Add: []string{"u1"}}},
		{"removing an empty list removes nothing", `{"op":"remove","path":"members","value":[]}`, "old", resource.Members{}},
		{"the last operation wins", `{"op":"add","path":"members","value":["u1","u2"]},{"op":"remove","path":"members","value":["u1"]},{"op":"remove","path":"members","value":["u3"]},{"op":"add","path":"members","value":["u3"]}`,
			"old", resource.Members{Add: []string{"u2", "u3"}, Remove: []string{"u1"}}},
		{"nothing is left to remove after all", `{"op":"add","path":"members","value":["u1"]},{"op":"remove","path":"members"},{"op":"remove","path":"members","value":["u2"]},{"op":"add","path":"members","value":["u3"]}`,
			"old", resource.Members{Clear: true, Add: []string{"u3"}}},
		{"several by a filter", `{"op":"remove","path":"members[value eq \"u1\" or (value eq \"u2\" and type eq \"User\")]"}`, "old", resource.Members{Remove: []string{"u1", "u2"}}},
		{"RFC 7644 §3.5.2.2: no space behind the operator", `{"op":"remove","path":"members[value eq\"u1\"]"}`, "old", resource.Members{Remove: []string{"u1"}}},
		{"add by a filter", `{"op":"add","path":"members[value eq \"u1\"]","value":{"value":"u1"}}`, "old", resource.Members{Add: []string{"u1"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, members, err := resource.Group.Patch("id1", resource.Document{"displayName": "old"}, []byte(change(tt.operations)))
			if err != nil {
				t.Fatal(err)
			}
			wantJSON(t, doc, `{"displayName":"`+tt.displayName+`"}`)
			if diff := cmp.Diff(tt.members, members); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMicrosoftEntraCreatesGroups has the schema that Entra adds to the standard one.
func TestMicrosoftEntraCreatesGroups(t *testing.T) {
	t.Parallel()
	doc := parse(t, resource.Group, `{"schemas":["`+groupURN+`","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],`+
		`"externalId":"e1","displayName":"Staff","meta":{"resourceType":"Group"}}`)
	wantJSON(t, doc, `{"externalId":"e1","displayName":"Staff"}`)
}
