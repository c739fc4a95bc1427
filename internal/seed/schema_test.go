package seed_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"cognate/internal/seed"
)

var update = flag.Bool("update", false, "write docs/seed.schema.json")

// TestSchema holds the JSON Schema of the documents against the types. Run it with -update after a
// change of the types.
func TestSchema(t *testing.T) {
	t.Parallel()
	enums := map[string][]string{}
	for _, service := range []string{"cognito-idp", "cognito-identity"} {
		text, err := os.ReadFile("../api/tables/" + service + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var table struct {
			Shapes map[string]struct{ Enum []string }
		}
		if err := json.Unmarshal(text, &table); err != nil {
			t.Fatal(err)
		}
		for name, shape := range table.Shapes {
			enums[name] = shape.Enum
		}
	}
	got, err := seed.Schema(func(name string) []string { return enums[name] })
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/seed.schema.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("docs/seed.schema.json is not that of the types: go test ./internal/seed -run TestSchema -update")
	}
}
