// Command compat writes what is derived from docs/compatibility.yaml: the table
// docs/compatibility.md, and a method for every operation that no service has yet.
// So the table and the code cannot disagree about an operation: package server
// would not compile. It may import the interface tables and the list of triggers.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"cognate/internal/api/idp"
	"cognate/internal/trigger"
)

func main() {
	root := flag.String("root", ".", "the project's folder")
	check := flag.Bool("check", false, "write nothing; fail where a file is not current")
	flag.Parse()
	log.SetFlags(0)
	if err := run(*root, *check); err != nil {
		log.Fatal("compat: ", err)
	}
}

// row is what the file says of one operation.
type row struct {
	// Status is works, partly or "not yet".
	Status string
	// Test names tests that show it: folder.TestName.
	Test []string
	// Note says what is missing.
	Note string
}

const (
	works  = "works"
	partly = "partly"
	notYet = "not yet"
)

// services are the interface tables, in the order of the document.
var services = []struct{ name, title string }{
	{"cognito-idp", "User pools (`cognito-idp`)"},
	{"cognito-identity", "Identity pools (`cognito-identity`)"},
	{"sts", "Security Token Service (`sts`)"},
	{"iam", "Identity and Access Management (`iam`)"},
	{"cloudtrail", "CloudTrail (`cloudtrail`)"},
}

// parts are what a client meets besides operations: every row is in the file.
var parts = []struct{ name, title string }{
	{"flows", "Authentication flows"},
	{"challenges", "Challenges"},
	{"triggers", "Lambda triggers"},
	{"sources", "Trigger sources"},
	{"endpoints", "Endpoints"},
	{"parameters", "Parameters of endpoints"},
	{"pages", "Pages"},
	{"states", "States of pages"},
}

// texts is the part that lists error texts which no source of Cognito's has. Its
// rows have a note only: where the text is answered.
const texts = "texts"

func run(root string, check bool) error {
	rows, err := read(root)
	if err != nil {
		return err
	}
	methods, err := unimplemented(rows)
	if err != nil {
		return err
	}
	return errors.Join(
		write(filepath.Join(root, "docs/compatibility.md"), document(rows), check),
		write(filepath.Join(root, "internal/server/unimplemented.go"), methods, check),
	)
}

func write(path string, content []byte, check bool) error {
	if !check {
		return os.WriteFile(path, content, 0o644)
	}
	is, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(is, content) {
		return fmt.Errorf("%s is not current: run go generate ./internal/server", path)
	}
	return nil
}

// read returns the rows by service and operation, one for each operation there is.
func read(root string) (map[string]map[string]row, error) {
	text, err := os.ReadFile(filepath.Join(root, "docs/compatibility.yaml"))
	if err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	rows := map[string]map[string]row{}
	if err := dec.Decode(&rows); err != nil {
		return nil, fmt.Errorf("docs/compatibility.yaml: %w", err)
	}
	for _, s := range services {
		names, err := operations(root, s.name)
		if err != nil {
			return nil, err
		}
		if rows[s.name] == nil {
			rows[s.name] = map[string]row{}
		}
		for _, name := range names {
			r, ok := rows[s.name][name]
			if !ok {
				r.Status = notYet // What nobody has written of is not there.
			}
			if err := r.check(root); err != nil {
				return nil, fmt.Errorf("docs/compatibility.yaml: %s: %w", name, err)
			}
			rows[s.name][name] = r
		}
		for name := range rows[s.name] {
			if !slices.Contains(names, name) {
				return nil, fmt.Errorf("docs/compatibility.yaml: %s has no operation %s", s.name, name)
			}
		}
	}
	for _, part := range parts {
		for name, r := range rows[part.name] {
			if err := r.check(root); err != nil {
				return nil, fmt.Errorf("docs/compatibility.yaml: %s: %w", name, err)
			}
		}
	}
	if err := checkSources(root, rows["sources"]); err != nil {
		return nil, fmt.Errorf("docs/compatibility.yaml: sources: %w", err)
	}
	if err := checkTexts(root, rows[texts]); err != nil {
		return nil, fmt.Errorf("docs/compatibility.yaml: texts: %w", err)
	}
	return rows, nil
}

// checkTexts reports the first error text that no source file has. The longest
// run of a text between its variable parts, written "…", is looked for.
func checkTexts(root string, rows map[string]row) error {
	var sources [][]byte
	err := filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		sources = append(sources, text)
		return err
	})
	if err != nil {
		return err
	}
	for text := range rows {
		longest := slices.MaxFunc(strings.Split(text, "…"), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		if !slices.ContainsFunc(sources, func(s []byte) bool { return bytes.Contains(s, []byte(longest)) }) {
			return fmt.Errorf("no source has %q", longest)
		}
	}
	return nil
}

// checkSources wants a row for each triggerSource there is, and that its tests
// are in files that spell it: what they expect in events is that text.
func checkSources(root string, rows map[string]row) error {
	all := trigger.Sources()
	for name := range rows {
		if !slices.Contains(all, name) {
			return fmt.Errorf("there is no source %s", name)
		}
	}
	for _, name := range all {
		r, ok := rows[name]
		if !ok {
			return fmt.Errorf("%s has no row", name)
		}
		for _, test := range r.Test {
			text, err := testFile(root, test)
			if err != nil {
				return err
			}
			if !bytes.Contains(text, []byte(name)) {
				return fmt.Errorf("the file of %s does not expect %s", test, name)
			}
		}
	}
	return nil
}

// operations lists a service's operations, from its interface table.
func operations(root, service string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, "internal/api/tables", service+".json"))
	if err != nil {
		return nil, err
	}
	var table struct {
		Operations map[string]json.RawMessage `json:"operations"`
	}
	if err := json.Unmarshal(text, &table); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(table.Operations)), nil
}

func (r row) check(root string) error {
	switch r.Status {
	case works, partly:
		if len(r.Test) == 0 {
			return errors.New("names no test that shows it")
		}
	case notYet:
		if len(r.Test) > 0 {
			return errors.New("is not there, but has a test")
		}
	default:
		return fmt.Errorf("status %q is not %q, %q or %q", r.Status, works, partly, notYet)
	}
	if r.Status == partly && r.Note == "" {
		return errors.New("is there in part: say in note what is missing")
	}
	for _, t := range r.Test {
		if err := testExists(root, t); err != nil {
			return err
		}
	}
	return nil
}

// testExists looks for "folder.TestName" in the folder's test files.
func testExists(root, test string) error {
	_, err := testFile(root, test)
	return err
}

// testFile returns the file that declares the test "folder.TestName".
func testFile(root, test string) ([]byte, error) {
	i := strings.LastIndexByte(test, '.')
	if i < 0 {
		return nil, fmt.Errorf("test %q is not folder.TestName", test)
	}
	folder, name := test[:i], test[i+1:]
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		return nil, err
	}
	declares := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name) + `\(`)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if declares.Match(text) {
			return text, nil
		}
	}
	return nil, fmt.Errorf("there is no test %s in %s", name, folder)
}

func document(rows map[string]map[string]row) []byte {
	var b bytes.Buffer
	b.WriteString("<!-- Generated from compatibility.yaml by go generate ./internal/server; do not edit. -->\n" +
		"# Compatibility\n\n" +
		"This page lists each operation of Cognito's services, and the tests that show that it works here.\n\n" +
		"- An operation that is not available yet answers `UnsupportedOperationException` (status 400) with the text\n" +
		"  `<operation> is not available in this version of Cognate`.\n" +
		"- `sts` and `iam` use AWS's Query protocol. Operations of IAM that are not in the table answer `InvalidAction`.\n" +
		"- A setting that has no effect yet is refused, never stored and ignored.\n")
	for _, s := range services {
		count := map[string]int{}
		for _, r := range rows[s.name] {
			count[r.Status]++
		}
		fmt.Fprintf(&b, "\n## %s\n\n%d operations: %d work, %d in part, %d not yet.\n\n", s.title, len(rows[s.name]), count[works], count[partly], count[notYet])
		table(&b, "Operation", rows[s.name])
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "\n## %s\n\n", p.title)
		table(&b, "Name", rows[p.name])
	}
	b.WriteString("\n## Error texts of our own\n\n" +
		"Neither AWS's documentation nor a user's report has the texts of these refusals. The exception is the one that the model\n" +
		"declares for the operation. Do not match on these texts.\n\n| Text | Where |\n|---|---|\n")
	for _, text := range slices.Sorted(maps.Keys(rows[texts])) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", text, rows[texts][text].Note)
	}
	return b.Bytes()
}

func table(b *bytes.Buffer, head string, rows map[string]row) {
	fmt.Fprintf(b, "| %s | State | Shown by | Note |\n|---|---|---|---|\n", head)
	for _, name := range slices.SortedFunc(maps.Keys(rows), cmp.Compare[string]) {
		r := rows[name]
		tests := ""
		if len(r.Test) > 0 {
			tests = "`" + strings.Join(r.Test, "`, `") + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, r.Status, tests, r.Note)
	}
}

// unimplemented returns the source of the methods of operations that no service has.
func unimplemented(rows map[string]map[string]row) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Code generated from docs/compatibility.yaml by test/compat; DO NOT EDIT.\n\n" +
		"package server\n\nimport (\n\t\"context\"\n\n\t\"cognate/internal/api\"\n\t\"cognate/internal/api/idp\"\n)\n\n" +
		"// unimplemented has a method for each operation of cognito-idp that no service has yet.\n" +
		"// Where one does get it, composing both does not compile until\n" +
		"// docs/compatibility.yaml says so.\ntype unimplemented struct{}\n")
	methods(&b, "unimplemented", reflect.TypeFor[idp.Service](), rows["cognito-idp"])
	return format.Source(b.Bytes())
}

func methods(b *bytes.Buffer, receiver string, service reflect.Type, rows map[string]row) {
	for m := range service.Methods() {
		if rows[m.Name].Status != notYet {
			continue
		}
		in := m.Type.In(1)
		if m.Type.NumOut() == 1 {
			fmt.Fprintf(b, "\nfunc (%s) %s(context.Context, %s) error {\n\treturn api.Unimplemented(%q)\n}\n", receiver, m.Name, in, m.Name)
			continue
		}
		fmt.Fprintf(b, "\nfunc (%s) %s(context.Context, %s) (%s, error) {\n\treturn nil, api.Unimplemented(%q)\n}\n", receiver, m.Name, in, m.Type.Out(0), m.Name)
	}
}
