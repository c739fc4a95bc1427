package scim_test

import (
	"net/http"
	"strings"
	"testing"
)

// A turn is one request of a directory's documentation. ID and GROUP in the path and the body
// stand for the ids of the user and the group that the conversation has made.
type turn struct {
	name, method, path, body string
	status                   int
	// want must be in the answer; "" stands for anything.
	want string
}

// TestConversations sends what the documentation of two directories shows that they send, in the
// order of an assignment, a change and a removal.
func TestConversations(t *testing.T) {
	t.Parallel()
	for _, conversation := range []struct {
		name  string
		turns []turn
	}{
		// Microsoft: develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID.
		{"Microsoft Entra ID", []turn{
			{"test of the connection", "GET", `/Users?filter=userName+eq+%22non-existent%22`, "", 200, `"totalResults":0`},
			{"look for the user", "GET", `/Users?filter=userName+eq+%22Ada%40corp.example%22`, "", 200, `"totalResults":0`},
			{"add the user", "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
				"externalId":"0a21f0f2","userName":"Ada@corp.example","active":true,"emails":[{"primary":true,"type":"work","value":"ada@corp.example"}],
				"meta":{"resourceType":"User"},"name":{"formatted":"Ada Lee","familyName":"Lee","givenName":"Ada"},"roles":[]}`, 201, `"userName":"Ada@corp.example"`},
			{"read the user", "GET", "/Users/ID", "", 200, `"externalId":"0a21f0f2"`},
			{"find the user by the id of Entra", "GET", `/Users?filter=externalId+eq+%220a21f0f2%22`, "", 200, `"totalResults":1`},
			{"find the user by address", "GET", `/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22ada%40corp.example%22`, "", 200, `"totalResults":1`},
			{"change values", "PATCH", "/Users/ID", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[
				{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ada.lee@corp.example"},{"op":"Replace","path":"name.familyName","value":"Leigh"},
				{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Sales"}]}`, 200, `"familyName":"Leigh"`},
			{"look for the group", "GET", `/Groups?excludedAttributes=members&filter=displayName+eq+%22Sellers%22`, "", 200, `"totalResults":0`},
			{"add the group", "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
				"externalId":"8aa1a0c0","displayName":"Sellers","meta":{"resourceType":"Group"}}`, 201, `"displayName":"Sellers"`},
			{"read the group", "GET", "/Groups/GROUP?excludedAttributes=members", "", 200, `"externalId":"8aa1a0c0"`},
			{"add the member", "PATCH", "/Groups/GROUP", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"$ref":null,"value":"ID"}]}]}`, 200, ""},
			{"ask for the member", "GET", `/Groups?filter=id+eq+%22GROUP%22+and+members+eq+%22ID%22`, "", 200, `"totalResults":1`},
			{"rename the group", "PATCH", "/Groups/GROUP", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"displayName","value":"Sales"}]}`, 200, `"displayName":"Sales"`},
			{"remove the member", "PATCH", "/Groups/GROUP", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"ID"}]}]}`, 200, ""},
			{"ask again", "GET", `/Groups?filter=id+eq+%22GROUP%22+and+members+eq+%22ID%22`, "", 200, `"totalResults":0`},
			{"delete the group", "DELETE", "/Groups/GROUP", "", 204, ""},
			{"disable the user", "PATCH", "/Users/ID", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, 200, `"active":false`},
			{"delete the user", "DELETE", "/Users/ID", "", 204, ""},
			{"read the user again", "GET", "/Users/ID", "", 404, `"status":"404"`},
		}},
		// Okta: build your SCIM API service; SCIM 2.0 protocol reference.
		{"Okta", []turn{
			{"look for the user", "GET", `/Users?filter=userName%20eq%20%22ada%40corp.example%22&startIndex=1&count=100`, "", 200, `"totalResults":0`},
			{"add the user", "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@corp.example","name":{"givenName":"Ada","familyName":"Lee"},
				"emails":[{"primary":true,"value":"ada@corp.example","type":"work"}],"displayName":"Ada Lee","locale":"en-US","externalId":"00ujl29u0le5T6Aj10h7","groups":[],
				"password":"1mz050nq","active":true}`, 201, `"active":true`},
			{"read the user", "GET", "/Users/ID", "", 200, `"locale":"en-US"`},
			{"replace the user", "PUT", "/Users/ID", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"ID","userName":"ada@corp.example","name":{"givenName":"Another","middleName":"Excited","familyName":"Lee"},
				"emails":[{"primary":true,"value":"ada@corp.example","type":"work","display":"ada@corp.example"}],"active":true,"groups":[],"meta":{"resourceType":"User"}}`, 200, `"middleName":"Excited"`},
			{"list users", "GET", "/Users?startIndex=1&count=100", "", 200, `"totalResults":1`},
			{"add a group with its member", "POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Test SCIMv2","members":[{"value":"ID","display":"ada@corp.example"}]}`, 201, `"value":"ID"`},
			{"rename the group", "PATCH", "/Groups/GROUP", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"id":"GROUP","displayName":"Test SCIM"}}]}`, 200, `"displayName":"Test SCIM"`},
			{"remove and add members", "PATCH", "/Groups/GROUP", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"ID\"]"},{"op":"add","path":"members","value":[{"value":"ID","display":"ada@corp.example"}]}]}`, 200, `"value":"ID"`},
			{"list groups", "GET", "/Groups?startIndex=1&count=100", "", 200, `"totalResults":1`},
			{"deactivate the user", "PATCH", "/Users/ID", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`, 200, `"active":false`},
			{"activate the user", "PUT", "/Users/ID", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"ID","userName":"ada@corp.example","active":true}`, 200, `"active":true`},
			{"delete the group", "DELETE", "/Groups/GROUP", "", 204, ""},
		}},
	} {
		t.Run(conversation.name, func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, r *rig) {
				d := r.directory(t, "Corp")
				user, group := "ID", "GROUP"
				for _, turn := range conversation.turns {
					fill := strings.NewReplacer("ID", user, "GROUP", group).Replace
					var body any
					if turn.body != "" {
						body = fill(turn.body)
					}
					got := d.do(turn.method, fill(turn.path), body)
					if got.status != turn.status || !strings.Contains(got.text, fill(turn.want)) {
						t.Fatalf("%s: %d %s, want %d %s", turn.name, got.status, got.text, turn.status, turn.want)
					}
					if got.status == http.StatusCreated {
						if id, _ := got.body["id"].(string); turn.path == "/Users" {
							user = id
						} else {
							group = id
						}
					}
				}
			})
		})
	}
}

// TestDiscovery: a directory finds out what there is (RFC 7644 §4).
func TestDiscovery(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	d := r.directory(t, "Corp")
	for path, want := range map[string]string{
		"/ServiceProviderConfig":                   `"bulk":{"maxOperations":100,"maxPayloadSize":1048576,"supported":true}`,
		"/ResourceTypes":                           `"totalResults":2`,
		"/ResourceTypes/User":                      `"endpoint":"/Users"`,
		"/Schemas":                                 `"totalResults":3`,
		"/Schemas/" + enterprise:                   `"employeeNumber"`,
		"/Schemas/" + strings.ToLower(groupSchema): `"displayName"`,
	} {
		got := d.want(d.do("GET", path, nil), http.StatusOK)
		if !strings.Contains(got.text, want) || !strings.Contains(got.text, d.base) || got.header.Get("Content-Type") != "application/scim+json;charset=utf-8" {
			t.Errorf("%s: %v %s", path, got.header, got.text)
		}
	}
	for _, path := range []string{"/ResourceTypes/None", "/Schemas/none", "/ServiceProviderConfig/x", "/"} {
		d.wantError(d.do("GET", path, nil), http.StatusNotFound, "")
	}
}
