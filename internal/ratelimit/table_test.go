package ratelimit

import (
	"testing"

	"cognate/internal/api/idp"
)

// TestTable: each operation of user pools is in one category, and each route and
// operation names a group and a category that exist.
func TestTable(t *testing.T) {
	t.Parallel()
	in := map[string]string{}
	for _, c := range categories {
		for _, op := range c.operations {
			if in[op] != "" {
				t.Errorf("%s is in %s and %s", op, in[op], c.name)
			}
			in[op] = c.name
		}
		in["category "+c.name] = c.name
	}
	for _, b := range idp.Bind(nil) {
		if in[b.Name] == "" {
			t.Errorf("%s is in no category", b.Name)
		}
		delete(in, b.Name)
	}
	for path, r := range routes {
		if r.category != "" && in["category "+r.category] == "" {
			t.Errorf("%s: no category %s", path, r.category)
		}
	}
	for _, c := range categories {
		delete(in, "category "+c.name)
	}
	for op := range in {
		t.Errorf("%s is no operation", op)
	}
}
