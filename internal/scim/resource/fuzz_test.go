package resource_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/scim/resource"
)

// checkDocument wants a document that the store can hold and that means the same when it
// is read back.
func checkDocument(t *testing.T, kind *resource.Type, doc resource.Document) {
	t.Helper()
	encoded, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "meta", "schemas", "password", "groups"} {
		if _, ok := doc[name]; ok {
			t.Fatalf("the document has %s: %s", name, encoded)
		}
	}
	var back resource.Document
	if err := json.Unmarshal(encoded, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(doc, back); diff != "" {
		t.Fatalf("the stored document differs (-want +got):\n%s", diff)
	}
	for name, v := range doc {
		primary := 0
		list, _ := v.([]any)
		for _, v := range list {
			if o, ok := v.(map[string]any); ok && o["primary"] == true {
				primary++
			}
		}
		if primary > 1 || len(list) > 100 && name != "members" {
			t.Fatalf("%s has %d values, %d of them primary", name, len(list), primary)
		}
	}
	doc, _ = resource.SplitMembers(doc)
	rendered := kind.Render(doc, resource.Facts{ID: "id1"}, resource.Projection{})
	again, err := json.Marshal(rendered)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := kind.Parse(again)
	if err != nil {
		t.Fatalf("Parse(%s): %v", again, err)
	}
	if diff := cmp.Diff(doc, parsed); diff != "" {
		t.Fatalf("the rendered document differs (-want +got):\n%s", diff)
	}
}

// checkError wants an error of the protocol.
func checkError(t *testing.T, err error) {
	t.Helper()
	var e *resource.Error
	if !errors.As(err, &e) || e.Status < 400 || e.Detail == "" {
		t.Fatalf("got %#v, want an error of the protocol", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(user(`"userName":"a","active":"True","emails":[{"value":"v","type":"work","primary":true},"w"],"name":{"givenName":"G"}`)))
	f.Add([]byte(user(`"userName":"a","` + enterpriseURN + `":{"manager":"m","department":"D"},"x509Certificates":[{"value":"MIIB"}]`)))
	f.Add([]byte(user(`"userName":"a","` + userURN + `":{"title":"x","addresses":[{"locality":"x"}]},"` + enterpriseURN + `:manager.value":"m"`)))
	f.Add([]byte(group(`"displayName":"g","members":[{"value":"a"},"b"],"externalId":"e"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range []*resource.Type{resource.User, resource.Group} {
			doc, err := kind.Parse(body)
			if err != nil {
				checkError(t, err)
				continue
			}
			checkDocument(t, kind, doc)
		}
	})
}

func FuzzPatch(f *testing.F) {
	for _, operations := range []string{
		`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"x"},{"op":"Add","path":"roles[primary eq \"True\"].value","value":"y"}`,
		`{"op":"add","value":{"name.givenName":"x","` + enterpriseURN + `:manager":"m","emails[type eq \"home\"].primary":true}}`,
		`{"op":"remove","path":"emails","value":[{"value":"anna@example.org"}]},{"op":"remove","path":"emails.type"}`,
		`{"op":"add","path":"addresses[type eq \"work\" and primary eq true]","value":{"locality":"Oslo"}}`,
		`{"op":"add","path":"members","value":["a",{"value":"b"}]},{"op":"remove","path":"members[value eq \"a\" or value eq \"c\"]"}`,
		`{"op":"replace","path":"` + enterpriseURN + `","value":{"department":"","manager":{"value":"m"}}}`,
	} {
		f.Add([]byte(change(operations)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for kind, before := range map[*resource.Type]string{resource.User: aUser, resource.Group: `{"displayName":"g"}`} {
			original := fromJSON(t, before)
			doc, members, err := kind.Patch("id1", original, body)
			if diff := cmp.Diff(fromJSON(t, before), original); diff != "" {
				t.Fatalf("Patch changed its argument (-want +got):\n%s", diff)
			}
			if err != nil {
				checkError(t, err)
				continue
			}
			checkDocument(t, kind, doc)
			seen := map[string]bool{}
			for _, id := range append(append([]string{}, members.Add...), members.Remove...) {
				if id == "" || seen[id] || members.Clear && len(members.Remove) > 0 {
					t.Fatalf("members are not squashed: %+v", members)
				}
				seen[id] = true
			}
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, text := range []string{
		`userName eq "anna" and not (title pr or active eq "True")`,
		`emails[type eq "work" and value co "@"].value sw "a"`,
		enterpriseURN + `:manager.value ne null`,
		`meta.created ge "2026-01-01T00:00:00Z" or schemas eq "\u0061"`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []*resource.Type{resource.User, resource.Group} {
			filter, err := kind.ParseFilter(text)
			if err != nil {
				checkError(t, err)
				continue
			}
			resourceOf := rendered(t)
			matches := filter.Matches(resourceOf)
			negated, err := kind.ParseFilter("not (" + text + ")")
			if err == nil && negated.Matches(resourceOf) == matches {
				t.Fatalf("the filter and its negation agree: %q", text)
			}
			for _, path := range []string{"userName", "emails.value"} {
				if value, ok := filter.Equal(path); ok && matches {
					check, err := kind.ParseFilter(path + " eq " + quoted(t, value))
					if err == nil && !check.Matches(resourceOf) {
						t.Fatalf("%q matches, but %s is not equal to %q", text, path, value)
					}
				}
			}
		}
	})
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	encoded, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte(bulk(`"failOnErrors":1,"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":{"x":"bulkId:b"}},{"method":"POST","path":"/Groups","bulkId":"b","data":{"y":["bulkId:a"]}}]`)))
	f.Add([]byte(bulk(`"Operations":[{"method":"PATCH","path":"/Users/bulkId:a","data":{}},{"method":"DELETE","path":"/Groups/a%20b"}]`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := resource.ParseBulk(body)
		if err != nil {
			checkError(t, err)
			return
		}
		order := b.Order()
		seen := map[int]bool{}
		for _, i := range order {
			seen[i] = true
			target, err := b.Operations[i].Resolve(map[string]string{"a": "A"})
			if err != nil {
				checkError(t, err)
				continue
			}
			if target.Type == nil || (target.ID == "") != (b.Operations[i].Method == "POST") {
				t.Fatalf("got %+v for %+v", target, b.Operations[i])
			}
		}
		if len(seen) != len(b.Operations) || len(order) != len(seen) {
			t.Fatalf("the order %v has not each of %d operations once", order, len(b.Operations))
		}
	})
}
