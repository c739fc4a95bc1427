package resource_test

import (
	"net/url"
	"strings"
	"testing"

	"cognate/internal/scim/resource"
)

const searchURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

func TestQuery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, query, search string
		start, count        int
		filtered, members   bool
	}{
		{"nothing", "", `{}`, 1, resource.DefaultCount, false, true},
		{"Okta's import", "startIndex=1&count=100", `{"startIndex":1,"count":100}`, 1, 100, false, true},
		{"Okta's look-up", `filter=userName eq "anna"&startIndex=1&count=100`, `{"filter":"userName eq \"anna\"","startIndex":1,"count":100}`, 1, 100, true, true},
		{"Entra's look-up of a group", `excludedAttributes=members&filter=displayName eq "Staff"`, `{"excludedAttributes":["members"],"filter":"displayName eq \"Staff\""}`, 1, 100, true, false},
		{"numbers out of range", "startIndex=-5&count=-1", `{"startIndex":-5,"count":-1}`, 1, 0, false, true},
		{"more than the most", "startIndex=7&count=100000", `{"startIndex":7,"count":100000}`, 7, resource.MaxCount, false, true},
		{"sorting has no effect", "sortBy=title&sortOrder=descending", `{"sortBy":"title","sortOrder":"descending"}`, 1, 100, false, true},
		{"attributes", "attributes=displayName,externalId", `{"attributes":["displayName","externalId"]}`, 1, 100, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			values, err := url.ParseQuery(strings.ReplaceAll(tt.query, " ", "+"))
			if err != nil {
				t.Fatal(err)
			}
			fromURL, err := resource.ParseQuery(resource.Group, values)
			if err != nil {
				t.Fatal(err)
			}
			search := strings.Replace(tt.search, "{", `{"schemas":["`+searchURN+`"],`, 1)
			fromBody, err := resource.ParseSearch(resource.Group, []byte(strings.Replace(search, ",}", "}", 1)))
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []resource.Query{fromURL, fromBody} {
				if q.StartIndex != tt.start || q.Count != tt.count || (q.Filter != nil) != tt.filtered || q.Projection.Wants("members") != tt.members {
					t.Errorf("got %+v", q)
				}
			}
		})
	}
}

func TestQueryRefuses(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"startIndex=x":                      "400 invalidValue: startIndex",
		"count=1.5":                         "400 invalidValue: count",
		"count=99999999999999999999":        "400 invalidValue: count",
		"filter=x":                          "400 invalidFilter",
		"attributes=a&excludedAttributes=b": "400 invalidValue",
		"attributes=" + strings.Repeat("a,", 200) + "a": "400 invalidValue: 100",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		_, err = resource.ParseQuery(resource.User, values)
		wantError(t, err, want)
	}
	for body, want := range map[string]string{
		`{`:              "400 invalidSyntax",
		`{"schemas":[]}`: "400 invalidSyntax: SearchRequest",
		`{"schemas":["` + searchURN + `"],"filter":1}`:              "400 invalidFilter: text",
		`{"schemas":["` + searchURN + `"],"filter":"x"}`:            "400 invalidFilter",
		`{"schemas":["` + searchURN + `"],"count":"x"}`:             "400 invalidValue: count",
		`{"schemas":["` + searchURN + `"],"attributes":[1]}`:        "400 invalidValue: attributes",
		`{"schemas":["` + searchURN + `"],"excludedAttributes":{}}`: "400 invalidValue: excludedAttributes",
	} {
		_, err := resource.ParseSearch(resource.User, []byte(body))
		wantError(t, err, want)
	}
}

func TestListResponse(t *testing.T) {
	t.Parallel()
	wantJSON(t, resource.ListResponse(7, 3, []map[string]any{{"id": "a"}}),
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"startIndex":3,"itemsPerPage":1,"Resources":[{"id":"a"}]}`)
	wantJSON(t, resource.ListResponse(0, 1, nil),
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}`)
}
