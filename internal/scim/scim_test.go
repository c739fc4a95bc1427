package scim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"cognate/test/serving"
)

// TestUsers is the life of a user: made, read, changed, renamed, disabled and removed.
func TestUsers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp", "--map", "custom:department="+enterprise+":department", "--map", "custom:number="+enterprise+":employeeNumber")
		made := d.want(d.do("POST", "/Users", map[string]any{
			"schemas": []string{userSchema, enterprise}, "userName": "Anna@corp.example", "externalId": "x7", "name": map[string]any{"givenName": "Anna", "familyName": "Bee"},
			"displayName": "Anna Bee", "emails": []any{map[string]any{"value": "anna@corp.example", "type": "work", "primary": true}},
			"phoneNumbers": []any{map[string]any{"value": "+1 (555) 010-0000", "type": "mobile"}}, "password": "t1meMa$heen",
			enterprise: map[string]any{"department": "Sales", "employeeNumber": "701984"},
		}), http.StatusCreated)
		id := made.body["id"].(string)
		path := "/Users/" + id
		if made.header.Get("Location") != d.base+path || strings.Contains(made.text, "password") || strings.Contains(made.text, "t1meMa") {
			t.Errorf("%v %s", made.header, made.text)
		}
		attributes, u := r.of(t, id)
		want := map[string]string{
			"sub": id, "email": "anna@corp.example", "email_verified": "false", "phone_number": "+15550100000", "phone_number_verified": "false",
			"given_name": "Anna", "family_name": "Bee", "name": "Anna Bee", "custom:department": "Sales", "custom:number": "701984",
		}
		identities := attributes["identities"]
		delete(attributes, "identities")
		if diff := cmp.Diff(want, attributes); diff != "" || *u.Username != "Corp_Anna@corp.example" || u.UserStatus != "EXTERNAL_PROVIDER" || !u.Enabled {
			t.Errorf("%s %s %v\n%s", *u.Username, u.UserStatus, u.Enabled, diff)
		}
		if !strings.Contains(identities, `"userId":"Anna@corp.example"`) || !slices.Equal(r.membersOf(t, r.pool+"_Corp"), []string{*u.Username}) {
			t.Errorf("identities %s", identities)
		}

		// A user who is renamed keeps the sub. An attribute that is immutable stays.
		changed := d.want(d.do("PATCH", path, patch(
			map[string]any{"op": "Replace", "path": "userName", "value": "anna.cee@corp.example"},
			map[string]any{"op": "replace", "path": "name.familyName", "value": "Cee"},
			map[string]any{"op": "remove", "path": "phoneNumbers"},
			map[string]any{"op": "replace", "path": enterprise + ":employeeNumber", "value": "1"},
		)), http.StatusOK)
		attributes, u = r.of(t, id)
		if changed.body["userName"] != "anna.cee@corp.example" || attributes["family_name"] != "Cee" || attributes["phone_number"] != "" ||
			attributes["custom:number"] != "701984" || !strings.Contains(attributes["identities"], "anna.cee@corp.example") || *u.Username != "Corp_Anna@corp.example" {
			t.Errorf("%s %v", changed.text, attributes)
		}
		if got := d.found("/Users", `userName eq "ANNA.CEE@corp.example"`); !slices.Equal(got, []string{id}) {
			t.Errorf("the new name finds %v", got)
		}

		d.want(d.do("PATCH", path, patch(map[string]any{"op": "Replace", "path": "active", "value": "False"})), http.StatusOK)
		if _, u = r.of(t, id); u.Enabled {
			t.Error("the user is enabled")
		}
		// PUT replaces the document. Without active, the user stays as it is.
		put := d.want(d.do("PUT", path, map[string]any{"schemas": []string{userSchema}, "userName": "anna.cee@corp.example", "emails": []any{map[string]any{"value": "cee@corp.example"}}}), http.StatusOK)
		attributes, u = r.of(t, id)
		if put.body["active"] != false || put.body["externalId"] != nil || u.Enabled || attributes["email"] != "cee@corp.example" || attributes["given_name"] != "" || attributes["custom:department"] != "" {
			t.Errorf("%s %v", put.text, attributes)
		}
		// An administrator's change is seen.
		_, err := r.sdk.AdminEnableUser(t.Context(), &cip.AdminEnableUserInput{UserPoolId: &r.pool, Username: u.Username})
		serving.Want(t, err, "")
		if got := d.do("GET", path, nil); got.body["active"] != true {
			t.Errorf("%s", got.text)
		}

		d.want(d.do("DELETE", path, nil), http.StatusNoContent)
		d.wantError(d.do("GET", path, nil), http.StatusNotFound, "")
		d.wantError(d.do("DELETE", path, nil), http.StatusNotFound, "")
		if _, u = r.of(t, id); u != nil {
			t.Error("the user is still there")
		}
		d.user("anna.cee@corp.example") // The name is free again.
	})
}

// TestExistingUsers: the directory takes over the user who has the person's identity, and removes
// only what it has made.
func TestExistingUsers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp", "--subject", "externalId")
		native, err := r.sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: new("native"), MessageAction: "SUPPRESS"})
		sub := *serving.Must(t, native, err).User.Attributes[0].Value
		_, err = r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
			UserPoolId: &r.pool, DestinationUser: providerUser("Cognito", "", "native"), SourceUser: providerUser("Corp", "Cognito_Subject", "n1"),
		})
		serving.Want(t, err, "")
		d.wantError(d.do("POST", "/Users", map[string]any{"schemas": []string{userSchema}, "userName": "native"}), http.StatusBadRequest, "invalidValue")
		if id := d.user("native", "externalId", "n1", "nickName", "Nat"); id != sub {
			t.Errorf("made %s, want the linked user %s", id, sub)
		}
		attributes, _ := r.of(t, sub)
		if attributes["nickname"] != "Nat" {
			t.Errorf("%v", attributes)
		}
		// Another person cannot take that identity.
		other := d.user("other", "externalId", "n2")
		d.wantError(d.do("PATCH", "/Users/"+other, patch(map[string]any{"op": "replace", "path": "externalId", "value": "n1"})), http.StatusConflict, "uniqueness")

		d.want(d.do("DELETE", "/Users/"+sub, nil), http.StatusNoContent)
		attributes, u := r.of(t, sub)
		if u == nil || u.Enabled || attributes["identities"] != "" {
			t.Errorf("the linked user is %+v", u)
		}
		d.wantError(d.do("GET", "/Users/"+sub, nil), http.StatusNotFound, "")

		// A user that an administrator deletes leaves the directory, too.
		_, u = r.of(t, other)
		_, err = r.sdk.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &r.pool, Username: u.Username})
		serving.Want(t, err, "")
		d.wantError(d.do("GET", "/Users/"+other, nil), http.StatusNotFound, "")
		if got := d.found("/Users", `userName pr`); len(got) != 0 {
			t.Errorf("found %v", got)
		}
	})
}

// TestRefusedUsers: bad documents change nothing and say why.
func TestRefusedUsers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		id := d.user("anna", "emails", []any{map[string]any{"value": "anna@corp.example"}})
		user := func(more ...any) map[string]any {
			doc := map[string]any{"schemas": []string{userSchema}, "userName": "bert"}
			for i := 0; i+1 < len(more); i += 2 {
				doc[more[i].(string)] = more[i+1]
			}
			return doc
		}
		for _, row := range []struct {
			name, method, path string
			body               any
			status             int
			scimType           string
		}{
			{"name that is taken", "POST", "/Users", user("userName", "ANNA"), 409, "uniqueness"},
			{"no name", "POST", "/Users", map[string]any{"schemas": []string{userSchema}}, 400, "invalidValue"},
			{"no JSON", "POST", "/Users", "userName=bert", 400, "invalidSyntax"},
			{"name with a blank", "POST", "/Users", user("userName", "bert b"), 400, "invalidValue"},
			{"name that is too long", "POST", "/Users", user("userName", strings.Repeat("x", 200)), 400, "invalidValue"},
			{"malformed address", "POST", "/Users", user("emails", []any{map[string]any{"value": "none"}}), 400, "invalidValue"},
			{"NUL", "POST", "/Users", `{"schemas":["` + userSchema + `"],"userName":"bert","title":"a\u0000"}`, 400, "invalidValue"},
			{"body that is too long", "POST", "/Users", `"` + strings.Repeat("x", 2<<20) + `"`, 413, ""},
			{"patch of nothing", "PATCH", "/Users/" + id, patch(), 400, "invalidSyntax"},
			{"patch of an unknown path", "PATCH", "/Users/" + id, patch(map[string]any{"op": "replace", "path": "nothing", "value": "x"}), 400, "invalidPath"},
			{"removal of the name", "PATCH", "/Users/" + id, patch(map[string]any{"op": "remove", "path": "userName"}), 400, "mutability"},
			{"unknown user", "PATCH", "/Users/none", patch(map[string]any{"op": "replace", "path": "title", "value": "x"}), 404, ""},
			{"malformed filter", "GET", "/Users?filter=userName", nil, 400, "invalidFilter"},
			{"malformed count", "GET", "/Users?count=x", nil, 400, "invalidValue"},
			{"unknown endpoint", "GET", "/Devices", nil, 404, ""},
			{"unknown path below a user", "GET", "/Users/" + id + "/b", nil, 404, ""},
			{"wrong method", "PUT", "/Users", user(), 405, ""},
			{"myself", "GET", "/Me", nil, 501, ""},
		} {
			r := d.do(row.method, row.path, row.body)
			if got, _ := r.body["scimType"].(string); r.status != row.status || got != row.scimType {
				t.Errorf("%s: %d %s, want %d %s", row.name, r.status, r.text, row.status, row.scimType)
			}
		}
		if got := d.found("/Users", "userName pr"); !slices.Equal(got, []string{id}) {
			t.Errorf("users %v, want only %s", got, id)
		}
	})
}

// TestGroups is the life of a group.
func TestGroups(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		a, b, c := d.user("a"), d.user("b"), d.user("c")
		id := d.group("Sales Team", a)
		path := "/Groups/" + id
		if got := r.membersOf(t, "Sales-Team"); !slices.Equal(got, []string{"Corp_a"}) {
			t.Errorf("members %v", got)
		}
		if got := d.do("GET", "/Users/"+a, nil).text; !strings.Contains(got, `"display":"Sales Team"`) {
			t.Errorf("groups of a: %s", got)
		}
		d.want(d.do("PATCH", path, patch(map[string]any{"op": "Add", "path": "members", "value": []any{map[string]any{"value": b}, map[string]any{"value": c}}})), http.StatusOK)
		d.want(d.do("PATCH", path, patch(map[string]any{"op": "Remove", "path": `members[value eq "` + a + `"]`})), http.StatusOK)
		d.want(d.do("PATCH", path, patch(map[string]any{"op": "Remove", "path": "members", "value": []any{map[string]any{"value": c}}})), http.StatusOK)
		if got := r.membersOf(t, "Sales-Team"); !slices.Equal(got, []string{"Corp_b"}) {
			t.Errorf("members %v", got)
		}
		// The group keeps its members, role and precedence when it is renamed.
		_, err := r.sdk.UpdateGroup(t.Context(), &cip.UpdateGroupInput{UserPoolId: &r.pool, GroupName: new("Sales-Team"), Precedence: new(int32(3))})
		serving.Want(t, err, "")
		d.want(d.do("PATCH", path, patch(map[string]any{"op": "replace", "value": map[string]any{"id": id, "displayName": "Sellers"}})), http.StatusOK)
		group, err := r.sdk.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &r.pool, GroupName: new("Sellers")})
		if got := r.membersOf(t, "Sellers"); !slices.Equal(got, []string{"Corp_b"}) || *serving.Must(t, group, err).Group.Precedence != 3 {
			t.Errorf("members %v", got)
		}
		_, err = r.sdk.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &r.pool, GroupName: new("Sales-Team")})
		serving.Want(t, err, "ResourceNotFoundException")

		put := d.want(d.do("PUT", path, groupDocument("Sellers", a, c)), http.StatusOK)
		got := r.membersOf(t, "Sellers")
		slices.Sort(got)
		if !slices.Equal(got, []string{"Corp_a", "Corp_c"}) || strings.Count(put.text, `"type":"User"`) != 2 {
			t.Errorf("members %v: %s", got, put.text)
		}
		if got := d.found("/Groups", `displayName eq "sellers"`); !slices.Equal(got, []string{id}) {
			t.Errorf("found %v", got)
		}
		if got := d.found("/Groups", `id eq "`+id+`" and members eq "`+a+`"`); !slices.Equal(got, []string{id}) {
			t.Errorf("found %v", got)
		}
		if got := d.found("/Groups", `id eq "`+id+`" and members eq "`+b+`"`); len(got) != 0 {
			t.Errorf("found %v", got)
		}
		if got := d.found("/Groups", `members.value eq "`+c+`"`); !slices.Equal(got, []string{id}) {
			t.Errorf("found %v", got)
		}
		if got := d.do("GET", path+"?excludedAttributes=members", nil).text; strings.Contains(got, "members") {
			t.Errorf("%s", got)
		}

		// What the directory did not make, it cannot touch.
		_, err = r.sdk.CreateGroup(t.Context(), &cip.CreateGroupInput{UserPoolId: &r.pool, GroupName: new("Admins")})
		serving.Want(t, err, "")
		native, err := r.sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: new("native"), MessageAction: "SUPPRESS"})
		sub := *serving.Must(t, native, err).User.Attributes[0].Value
		d.wantError(d.do("POST", "/Groups", groupDocument("Admins", a)), http.StatusConflict, "uniqueness")
		d.wantError(d.do("PATCH", path, patch(map[string]any{"op": "replace", "path": "displayName", "value": "ADMINS"})), http.StatusConflict, "uniqueness")
		d.wantError(d.do("PATCH", path, patch(map[string]any{"op": "add", "path": "members", "value": []any{map[string]any{"value": sub}}})), http.StatusBadRequest, "invalidValue")
		d.wantError(d.do("POST", "/Groups", groupDocument("New", sub)), http.StatusBadRequest, "invalidValue")
		d.wantError(d.do("POST", "/Groups", groupDocument("")), http.StatusBadRequest, "invalidValue")
		d.wantError(d.do("POST", "/Groups", groupDocument("Sellers")), http.StatusConflict, "uniqueness")
		_, err = r.sdk.AdminAddUserToGroup(t.Context(), &cip.AdminAddUserToGroupInput{UserPoolId: &r.pool, GroupName: new("Sellers"), Username: new("native")})
		serving.Want(t, err, "")
		if got := d.do("GET", path, nil).text; strings.Contains(got, sub) {
			t.Errorf("the directory sees a user that it did not make: %s", got)
		}

		d.want(d.do("DELETE", path, nil), http.StatusNoContent)
		_, err = r.sdk.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &r.pool, GroupName: new("Sellers")})
		serving.Want(t, err, "ResourceNotFoundException")
		// A group that an administrator deletes leaves the directory, too.
		id = d.group("Short")
		_, err = r.sdk.DeleteGroup(t.Context(), &cip.DeleteGroupInput{UserPoolId: &r.pool, GroupName: new("Short")})
		serving.Want(t, err, "")
		d.wantError(d.do("GET", "/Groups/"+id, nil), http.StatusNotFound, "")
	})
}

// TestLargeGroup changes more members than one transaction does.
func TestLargeGroup(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		var operations []map[string]any
		for i := range 230 {
			operations = append(operations, map[string]any{
				"method": "POST", "path": "/Users", "bulkId": fmt.Sprint(i), "data": map[string]any{"schemas": []string{userSchema}, "userName": fmt.Sprintf("u%03d", i)},
			})
		}
		var ids []string
		for batch := range slices.Chunk(operations, 100) {
			r := d.want(d.do("POST", "/Bulk", map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": batch}), http.StatusOK)
			for _, one := range r.body["Operations"].([]any) {
				location := one.(map[string]any)["location"].(string)
				ids = append(ids, location[strings.LastIndex(location, "/")+1:])
			}
		}
		id := d.group("All", ids...)
		members := func() int {
			return len(d.do("GET", "/Groups/"+id, nil).body["members"].([]any))
		}
		if got := members(); got != 230 {
			t.Errorf("%d members, want 230", got)
		}
		d.want(d.do("PUT", "/Groups/"+id, groupDocument("All", ids[:5]...)), http.StatusOK)
		if got := members(); got != 5 {
			t.Errorf("%d members, want 5", got)
		}
		// Pages cover all, whatever was removed before.
		d.want(d.do("DELETE", "/Users/"+ids[0], nil), http.StatusNoContent)
		seen := map[string]bool{}
		for start := 1; start <= 229; start += 100 {
			r := d.want(d.do("GET", fmt.Sprintf("/Users?startIndex=%d&count=100&attributes=userName", start), nil), http.StatusOK)
			if r.body["totalResults"] != 229.0 {
				t.Errorf("totalResults %v", r.body["totalResults"])
			}
			for _, one := range r.body["Resources"].([]any) {
				u := one.(map[string]any)
				if seen[u["id"].(string)] = true; u["active"] != nil || u["userName"] == nil {
					t.Errorf("%v", u)
				}
			}
		}
		if len(seen) != 229 {
			t.Errorf("%d users on the pages, want 229", len(seen))
		}
		if got := d.want(d.do("GET", "/Users?count=0", nil), http.StatusOK); got.body["totalResults"] != 229.0 || strings.Contains(got.text, "userName") {
			t.Errorf("%s", got.text)
		}
		search := d.want(d.do("POST", "/Users/.search", map[string]any{
			"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": `userName sw "u00"`, "count": 3,
		}), http.StatusOK)
		if search.body["totalResults"] != 9.0 || len(search.body["Resources"].([]any)) != 3 {
			t.Errorf("%s", search.text)
		}
	})
}

// TestVersions: a request for another version changes nothing (RFC 7644 §3.14).
func TestVersions(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		path := "/Users/" + d.user("anna")
		first := d.do("GET", path, nil)
		tag := first.header.Get("ETag")
		if meta := first.body["meta"].(map[string]any); meta["version"] != tag || tag == "" {
			t.Errorf("version %v, ETag %s", meta["version"], tag)
		}
		if got := d.do("GET", path, nil, "If-None-Match: "+tag); got.status != http.StatusNotModified || got.text != "" {
			t.Errorf("%d %s", got.status, got.text)
		}
		title := patch(map[string]any{"op": "replace", "path": "title", "value": "Boss"})
		changed := d.want(d.do("PATCH", path, title, "If-Match: "+tag), http.StatusOK)
		if changed.header.Get("ETag") == tag {
			t.Error("the version is the old one")
		}
		same := d.want(d.do("PATCH", path, title), http.StatusOK)
		if same.header.Get("ETag") != changed.header.Get("ETag") {
			t.Error("a change of nothing makes a new version")
		}
		for _, row := range []struct {
			method string
			body   any
		}{{"PATCH", title}, {"PUT", map[string]any{"schemas": []string{userSchema}, "userName": "anna"}}, {"DELETE", nil}} {
			d.wantError(d.do(row.method, path, row.body, "If-Match: "+tag), http.StatusPreconditionFailed, "")
		}
		d.want(d.do("DELETE", path, nil, `If-Match: "x", `+same.header.Get("ETag")), http.StatusNoContent)
	})
}

// TestBulk: operations may refer to what others make, and each stands for itself.
func TestBulk(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		d := r.directory(t, "Corp")
		bulk := func(failOnErrors int, operations ...map[string]any) []any {
			t.Helper()
			out := d.want(d.do("POST", "/Bulk", map[string]any{
				"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "failOnErrors": failOnErrors, "Operations": operations,
			}), http.StatusOK)
			return out.body["Operations"].([]any)
		}
		statuses := func(list []any) (out []string) {
			for _, one := range list {
				out = append(out, one.(map[string]any)["status"].(string))
			}
			return out
		}
		post := func(id, name string) map[string]any {
			return map[string]any{"method": "POST", "path": "/Users", "bulkId": id, "data": map[string]any{"schemas": []string{userSchema}, "userName": name}}
		}
		done := bulk(0,
			map[string]any{"method": "POST", "path": "/Groups", "bulkId": "g", "data": groupDocument("Both", "bulkId:a", "bulkId:b")},
			post("a", "a"), post("b", "b"), post("c", "a"),
			map[string]any{"method": "DELETE", "path": "/Users/none"},
			map[string]any{"method": "PATCH", "path": "/Users/bulkId:a", "data": patch(map[string]any{"op": "replace", "path": "active", "value": false})},
		)
		if got := statuses(done); !slices.Equal(got, []string{"201", "201", "201", "409", "404", "200"}) {
			t.Errorf("statuses %v: %v", got, done)
		}
		if got := r.membersOf(t, "Both"); len(got) != 2 {
			t.Errorf("members %v", got)
		}
		if got := statuses(bulk(1, post("x", "a"), post("y", "y"))); !slices.Equal(got, []string{"409"}) {
			t.Errorf("statuses %v", got)
		}
		if got := d.found("/Users", `userName eq "y"`); len(got) != 0 {
			t.Error("an operation behind the last error was carried out")
		}
	})
}
