package resource_test

import (
	"encoding/json"
	"testing"

	"cognate/internal/scim/resource"
)

const base = "https://example.com/scim"

func TestServiceProviderConfig(t *testing.T) {
	t.Parallel()
	wantJSON(t, resource.ServiceProviderConfig(base, 1000), `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],`+
		`"patch":{"supported":true},"bulk":{"supported":true,"maxOperations":100,"maxPayloadSize":1000},"filter":{"supported":true,"maxResults":200},`+
		`"changePassword":{"supported":false},"sort":{"supported":false},"etag":{"supported":true},`+
		`"authenticationSchemes":[{"type":"oauthbearertoken","name":"OAuth Bearer Token","description":"A bearer token in the header Authorization.","specUri":"https://www.rfc-editor.org/info/rfc6750","primary":true}],`+
		`"meta":{"resourceType":"ServiceProviderConfig","location":"https://example.com/scim/ServiceProviderConfig"}}`)
}

func TestResourceTypes(t *testing.T) {
	t.Parallel()
	const (
		users = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","description":"User Account","endpoint":"/Users","schema":"` + userURN + `",` +
			`"schemaExtensions":[{"schema":"` + enterpriseURN + `","required":false}],"meta":{"resourceType":"ResourceType","location":"https://example.com/scim/ResourceTypes/User"}}`
		groups = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"Group","name":"Group","description":"Group","endpoint":"/Groups","schema":"` + groupURN + `",` +
			`"schemaExtensions":[],"meta":{"resourceType":"ResourceType","location":"https://example.com/scim/ResourceTypes/Group"}}`
	)
	wantJSON(t, resource.ResourceTypes(base), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":2,"startIndex":1,"itemsPerPage":2,"Resources":[`+users+`,`+groups+`]}`)
	one, ok := resource.ResourceType(base, "User")
	if !ok {
		t.Fatal("no User")
	}
	wantJSON(t, one, users)
	if _, ok := resource.ResourceType(base, "Users"); ok {
		t.Error("Users is a type")
	}
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(resource.Schemas(base))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		TotalResults int
		Resources    []struct {
			Schemas    []string
			ID         string
			Meta       struct{ ResourceType, Location string }
			Attributes []struct {
				Name, Type, Mutability, Returned string
				SubAttributes                    []struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(encoded, &list); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		userURN:       {"userName", "emails", "groups"},
		enterpriseURN: {"employeeNumber", "manager"},
		groupURN:      {"displayName", "members"},
	}
	if list.TotalResults != len(want) || len(list.Resources) != len(want) {
		t.Fatalf("%d schemas", len(list.Resources))
	}
	for _, s := range list.Resources {
		names := map[string]bool{}
		for _, a := range s.Attributes {
			names[a.Name] = true
			if a.Type == "" || a.Mutability == "" || a.Returned == "" {
				t.Errorf("%s: %+v is not complete", s.ID, a)
			}
		}
		for _, name := range want[s.ID] {
			if !names[name] {
				t.Errorf("%s has no %s", s.ID, name)
			}
		}
		if names["password"] {
			t.Errorf("%s has a password", s.ID)
		}
		if s.Meta.ResourceType != "Schema" || s.Meta.Location != base+"/Schemas/"+s.ID || s.Schemas[0] != "urn:ietf:params:scim:schemas:core:2.0:Schema" {
			t.Errorf("%s: %+v %v", s.ID, s.Meta, s.Schemas)
		}
		if one, ok := resource.Schema(base, s.ID); !ok || one["id"] != s.ID {
			t.Errorf("no document of %s", s.ID)
		}
	}
	if _, ok := resource.Schema(base, "urn:x"); ok {
		t.Error("urn:x is a schema")
	}
}
