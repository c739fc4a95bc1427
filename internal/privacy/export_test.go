package privacy_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cognate/internal/privacy"
	"cognate/test/serving"
)

// TestRegistryKnowsEveryTable compares the registry with the schema. A new table needs an entry, and
// a section if it has rows of people.
func TestRegistryKnowsEveryTable(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		var registered []string
		for _, table := range privacy.Tables {
			registered = append(registered, table.Name)
		}
		for _, name := range r.tables(t) {
			if !slices.Contains(registered, name) {
				t.Errorf("the registry does not know the table %s: say what of a person it holds", name)
			}
		}
		for _, name := range registered {
			if !slices.Contains(r.tables(t), name) {
				t.Errorf("the database has no table %s", name)
			}
		}
	})
}

// TestExportNamesEveryRow takes a person through every feature, and searches the whole database for
// the person. It fails if a table has a row of the person that the export does not show.
func TestExportNamesEveryRow(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		l := r.live(t)
		r.other(t, l, "somebody", "email", "somebody@example.com")
		doc := r.export(t, l.pool, email)
		if doc.Format != privacy.Format || doc.Version != privacy.Version || doc.Person.Sub != l.sub || doc.Person.Username != username {
			t.Errorf("%+v", doc.Person)
		}
		shown := map[string]int{}
		for _, section := range doc.Sections {
			for table, n := range section.Rows {
				shown[table] += n
			}
		}
		found, examples := r.search(t, l.terms)
		for table, n := range found {
			if shown[table] < n {
				t.Errorf("%s has %d rows of the person, and the export shows %d: %s", table, n, shown[table], examples[table])
			}
		}
		r.wantEverySection(t, doc)
		// The export shows no more of others than the database has of the person.
		body, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "somebody") {
			t.Error("the export shows another person")
		}
		r.wantNoSecret(t, l, doc)
		again := r.export(t, l.pool, l.sub)
		if again.Person != doc.Person {
			t.Errorf("by sub: %+v", again.Person)
		}
	})
}

// wantEverySection fails unless the person's life has filled every section from every table.
func (r *rig) wantEverySection(t *testing.T, doc *privacy.Document) {
	t.Helper()
	for _, table := range privacy.Tables {
		if table.Section != "" && doc.Sections[table.Section].Rows[table.Name] == 0 {
			t.Errorf("the life of the person left no row in %s, so the test does not show that the export finds it", table.Name)
		}
	}
	for name, section := range doc.Sections {
		if len(section.Records) == 0 || section.About == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

// wantNoSecret looks for the codes that were sent, and for what would let somebody sign in.
func (r *rig) wantNoSecret(t *testing.T, l *life, doc *privacy.Document) {
	t.Helper()
	messages, err := json.Marshal(doc.Sections[privacy.SectionMessages])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range serving.Inbox(t, http.DefaultClient, r.URL(), map[string][]string{"pool": {l.pool}}) {
		if m.Code != "" && strings.Contains(string(messages), m.Code) {
			t.Errorf("the export has the code of %q", m.Subject)
		}
	}
	// Records of the trail have the names of parameters whose values are hidden.
	delete(doc.Sections, privacy.SectionAudit)
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"erifier", "\"secret", "\"salt", "\"hash\"", "\"key\":\"pQ"} {
		if strings.Contains(string(body), name) {
			t.Errorf("the export has %q", name)
		}
	}
}

// TestExportRefusals: unknown people and pools, and files that exist.
func TestExportRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	pool := serving.NewPool(t, r.Rig)
	refused := func(want string, args ...string) {
		t.Helper()
		code, out, errs := serving.Command(t, nil, r.command(append([]string{"user", "export"}, args...)...)...)
		if code == 0 || !strings.Contains(errs, want) || out != "" {
			t.Errorf("%v: exit %d, %q, %q", args, code, out, errs)
		}
	}
	refused("no such user", "--pool", pool, "--user", "nobody")
	refused("does not exist", "--pool", "us-east-1_000000000", "--user", "nobody")
	r.call("AdminCreateUser", object{"UserPoolId": pool, "Username": "somebody", "MessageAction": "SUPPRESS"})
	name := filepath.Join(t.TempDir(), "somebody.json")
	serving.Run(t, nil, r.command("user", "export", "--pool", pool, "--user", "somebody", "--out", name)...)
	refused("exists", "--pool", pool, "--user", "somebody", "--out", name)
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if log := r.Log.String(); !strings.Contains(log, "export-user") || strings.Contains(log, `"somebody"`) {
		t.Errorf("the log: %s", log)
	}
}
