package signin

import (
	"reflect"
	"strings"
	"testing"
)

// TestStateNames: no two members of a state share a JSON name. Of two that do, one is lost
// without an error.
func TestStateNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[state]()) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if key := strings.ToLower(name); name == "" || seen[key] != "" {
			t.Errorf("%s has the name %q of %q", f.Name, name, seen[key])
		} else {
			seen[key] = f.Name
		}
	}
}
