package resource_test

import (
	"encoding/json"
	"testing"

	"cognate/internal/scim/resource"
)

func TestRender(t *testing.T) {
	t.Parallel()
	const fixed = `"schemas":["` + userURN + `","` + enterpriseURN + `"],"id":"ID1"`
	for _, tt := range []struct {
		name                 string
		attributes, excluded []string
		want                 string
	}{
		{"some", []string{"userName"}, nil, `{` + fixed + `,"userName":"anna"}`},
		{"in one text, in any case", []string{"USERNAME, title"}, nil, `{` + fixed + `,"userName":"anna","title":"Engineer"}`},
		{"sub-attributes", []string{"emails.value,name.givenName"}, nil, `{` + fixed + `,"emails":[{"value":"anna@example.com"},{"value":"anna@example.org"}],"name":{"givenName":"Anna"}}`},
		{"an attribute and its part", []string{"name", "name.givenName"}, nil, `{` + fixed + `,"name":{"givenName":"Anna","familyName":"Ek"}}`},
		{"extension", []string{enterpriseURN}, nil, `{` + fixed + `,"` + enterpriseURN + `":{"department":"D1","manager":{"value":"m1","$ref":"r1"}}}`},
		{"attribute of the extension", []string{enterpriseURN + ":manager.value"}, nil, `{` + fixed + `,"` + enterpriseURN + `":{"manager":{"value":"m1"}}}`},
		{"absent and unknown ones", []string{"nickName", "foo", "password"}, nil, `{` + fixed + `}`},
		{"meta", []string{"meta.version"}, nil, `{` + fixed + `,"meta":{"version":"W/\"1\""}}`},
		{
			"without some", nil, []string{"emails", "name.givenName", "groups", "meta", enterpriseURN + ":manager", "id", "schemas"},
			`{` + fixed + `,"userName":"anna","externalId":"e1","active":true,"displayName":"Anna","title":"Engineer","name":{"familyName":"Ek"},"` + enterpriseURN + `":{"department":"D1"}}`,
		},
		{
			"all", nil, nil,
			`{` + fixed + `,"userName":"anna","externalId":"e1","active":true,"displayName":"Anna","title":"Engineer","name":{"givenName":"Anna","familyName":"Ek"},` +
				`"emails":[{"value":"anna@example.com","type":"work","primary":true},{"value":"anna@example.org","type":"home"}],` +
				`"` + enterpriseURN + `":{"department":"D1","manager":{"value":"m1","$ref":"r1"}},"groups":[{"value":"g1","display":"Staff","type":"direct"}],` +
				`"meta":{"resourceType":"User","created":"2026-01-02T03:04:05.000Z","lastModified":"2026-02-02T03:04:05.000Z","location":"https://example.com/scim/Users/ID1","version":"W/\"1\""}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := resource.ParseProjection(resource.User, tt.attributes, tt.excluded)
			if err != nil {
				t.Fatal(err)
			}
			wantJSON(t, p.Apply(rendered(t)), tt.want)
		})
	}
	_, err := resource.ParseProjection(resource.User, []string{"userName"}, []string{"title"})
	wantError(t, err, "400 invalidValue: exclude each other")
}

func TestRenderGroup(t *testing.T) {
	t.Parallel()
	doc := resource.Document{"displayName": "Staff"}
	const fixed = `"schemas":["` + groupURN + `"],"id":"g1","displayName":"Staff","meta":{"resourceType":"Group"}`
	wantJSON(t, resource.Group.Render(doc, resource.Facts{ID: "g1"}, resource.Projection{}), `{`+fixed+`}`)
	unsplit := resource.Document{"displayName": "Staff", "members": []any{map[string]any{"value": "u9"}}}
	wantJSON(t, resource.Group.Render(unsplit, resource.Facts{ID: "g1"}, resource.Projection{}), `{`+fixed+`}`)
	wantJSON(t, resource.Group.Render(doc, resource.Facts{ID: "g1", References: []resource.Reference{}}, resource.Projection{}), `{`+fixed+`,"members":[]}`)
	wantJSON(t, resource.Group.Render(doc, resource.Facts{ID: "g1", References: []resource.Reference{{Value: "u1", Ref: "r", Type: "User"}}}, resource.Projection{}),
		`{`+fixed+`,"members":[{"value":"u1","$ref":"r","type":"User"}]}`)
}

func TestProjectionWants(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                 string
		attributes, excluded []string
		want                 bool
	}{
		{"all", nil, nil, true},
		{"included", []string{"members"}, nil, true},
		{"a part included", []string{"members.value"}, nil, true},
		{"not included", []string{"displayName"}, nil, false},
		{"excluded", nil, []string{"members"}, false},
		{"a part excluded", nil, []string{"members.display"}, true},
		{"another excluded", nil, []string{"displayName"}, true},
	} {
		p, err := resource.ParseProjection(resource.Group, tt.attributes, tt.excluded)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Wants("members"); got != tt.want {
			t.Errorf("%s: Wants = %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(resource.Uniquenessf("The userName %q is taken.", "a"))
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, json.RawMessage(encoded), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","status":"409","detail":"The userName \"a\" is taken."}`)
	encoded, err = json.Marshal(resource.Errorf(404, "There is no user %q.", "x"))
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, json.RawMessage(encoded), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"There is no user \"x\"."}`)
}
