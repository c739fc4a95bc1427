// Package cognate_test keeps the house rules that a compiler does not: which
// package may import which, where SQL and the clock may be touched, that the
// documents name what the code has.
package cognate_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"cognate/internal/api"
)

const module = "cognate"

// imports is the house: what each package, with the packages below it, may
// import of the others. Below one row everything may import everything. The
// reasons are in docs/architecture.md; a new arrow needs one there.
var imports = map[string][]string{
	"cmd/cognate":           {"internal/cli"},
	"internal/cli":          {"internal/server", "internal/audit/trail", "internal/server/certificate", "internal/server/datakeys", "internal/iam", "internal/keys", "internal/outbound", "internal/privacy", "internal/risk/passwords", "internal/scim", "internal/spelling", "internal/store"},
	"internal/server":       {"*"},
	"internal/wire":         {"internal/api", "internal/iam", "internal/audit", "internal/audit/trail"},
	"internal/api":          {},
	"internal/pool":         {"internal/api", "internal/store", "internal/keys", "internal/trigger"},
	"internal/user":         {"internal/api", "internal/protection", "internal/protection/origin", "internal/pool", "internal/store", "internal/keys", "internal/trigger", "internal/message", "internal/mailing", "internal/token", "internal/risk", "internal/audit"},
	"internal/mailing":      {"internal/api", "internal/pool", "internal/store", "internal/keys", "internal/trigger", "internal/message"},
	"internal/signin":       {"internal/api", "internal/protection", "internal/protection/origin", "internal/pool", "internal/user", "internal/store", "internal/keys", "internal/trigger", "internal/message", "internal/mailing", "internal/token", "internal/risk", "internal/audit"},
	"internal/token":        {"internal/api", "internal/pool", "internal/store", "internal/keys", "internal/trigger", "internal/audit"},
	"internal/oauth":        {"internal/api", "internal/pool", "internal/user", "internal/signin", "internal/store", "internal/token", "internal/trigger", "internal/federation", "internal/pool/providers", "internal/user/identities", "internal/keys", "internal/audit", "internal/audit/trail"},
	"internal/login":        {"internal/api", "internal/oauth", "internal/signin", "internal/user", "internal/pool", "internal/pool/branding", "internal/pool/providers", "internal/protection", "internal/protection/authevents", "internal/federation", "internal/keys", "internal/audit"},
	"internal/federation":   {"internal/api", "internal/keys", "internal/outbound"},
	"internal/identitypool": {"internal/api", "internal/pool", "internal/store", "internal/keys", "internal/token", "internal/iam", "internal/audit", "internal/outbound", "internal/federation"},
	"internal/iam":          {"internal/api", "internal/store", "internal/keys", "internal/spelling", "internal/iam/gateway/operation"},
	"internal/credentials":  {"internal/api", "internal/pool", "internal/token", "internal/keys", "internal/iam", "internal/federation"},
	"internal/trigger":      {"internal/api", "internal/keys", "internal/audit", "internal/outbound"},
	"internal/message":      {"internal/api", "internal/store", "internal/keys", "internal/audit", "internal/outbound"},
	"internal/outbound":     {},
	"internal/risk":         {"internal/store", "internal/audit"},
	"internal/ratelimit":    {"internal/api", "internal/audit", "internal/keys", "internal/risk", "internal/store"},
	"internal/audit":        {"internal/api", "internal/outbound", "internal/store"},
	"internal/keys":         {},
	"internal/store":        {},
	"internal/spelling":     {},
	"internal/console":      {"internal/api"},
	"test":                  {"*"},
	"examples":              {},

	// A seed is made of operations, and of what the API cannot say.
	"internal/seed": {"internal/document", "internal/api", "internal/spelling", "internal/keys", "internal/pool", "internal/user", "internal/identitypool", "internal/store"},

	// Files that people write. A template is evaluated without a server, and deployed through operations.
	"internal/document":        {},
	"internal/template":        {"internal/document", "internal/spelling"},
	"internal/template/deploy": {"internal/template", "internal/document", "internal/api", "internal/spelling", "internal/keys", "internal/pool", "internal/identitypool", "internal/store", "internal/trigger"},

	// The data of one person is in the rows of many services.
	"internal/privacy": {"internal/api", "internal/audit/trail", "internal/protection", "internal/keys", "internal/pool", "internal/store", "internal/message", "internal/risk", "internal/user", "internal/user/identities", "internal/identitypool"},

	"internal/pool/providers":        {"internal/pool", "internal/api", "internal/store", "internal/keys", "internal/federation"},
	"internal/user/identities":       {"internal/user", "internal/api", "internal/pool", "internal/pool/providers", "internal/store", "internal/keys", "internal/trigger", "internal/audit", "internal/federation"},
	"internal/scim":                  {"internal/scim/resource", "internal/api", "internal/audit", "internal/audit/trail", "internal/pool", "internal/pool/providers", "internal/store", "internal/keys", "internal/user", "internal/user/identities", "internal/federation"},
	"internal/scim/resource":         {},
	"internal/protection":            {"internal/api", "internal/pool", "internal/pool/logs", "internal/pool/risksettings", "internal/store", "internal/keys", "internal/risk", "internal/risk/passwords", "internal/audit", "internal/mailing"},
	"internal/protection/authevents": {"internal/protection", "internal/api", "internal/pool", "internal/user", "internal/store", "internal/keys"},
	"internal/protection/origin":     {"internal/protection", "internal/api", "internal/pool", "internal/token"},
	"internal/pool/branding":         {"internal/pool", "internal/api", "internal/store", "internal/keys"},
	"internal/pool/risksettings":     {"internal/pool", "internal/api", "internal/store", "internal/risk"},
	"internal/pool/logs":             {"internal/pool", "internal/api", "internal/store", "internal/keys", "internal/audit", "internal/audit/delivery"},
	"internal/risk/passwords":        {"internal/risk", "internal/outbound"},

	// The gateway asks for keys and policies through an interface of its own.
	"internal/iam/gateway": {"internal/iam", "internal/keys", "internal/iam/gateway/operation"},

	// Checks of policies need to know which actions there are.
	"internal/iam/gateway/operation": {"internal/iam"},

	// Passwords that people choose; package user has an interface for it.
	"internal/protection/newpassword": {"internal/api", "internal/pool", "internal/pool/risksettings", "internal/risk/passwords", "internal/audit"},

	// The trail seals and signs, and reads and writes the store.
	"internal/audit/delivery": {"internal/audit", "internal/audit/sink", "internal/audit/trail", "internal/store"},
	"internal/audit/trail":    {"internal/audit", "internal/api", "internal/store", "internal/keys"},

	// The parts of internal/server.
	"internal/server/development": {"internal/server/edge", "internal/server/changeover", "internal/api", "internal/audit", "internal/message", "internal/store", "internal/mailing", "internal/user"},
	"internal/server/edge":        {"internal/api", "internal/audit", "internal/keys"},
	"internal/server/changeover":  {"internal/server/edge"},
	"internal/server/datakeys":    {"internal/keys", "internal/store"},
	"internal/server/certificate": {},
	"internal/server/contents":    {"internal/document", "internal/seed", "internal/template", "internal/template/deploy"},
	"internal/server/drain":       {},
	"internal/server/gauges":      {"internal/audit", "internal/store"},
}

// closed lists modules that only some packages may import.
var closed = map[string][]string{
	"crypto/aes":             {"internal/keys"},
	"database/sql":           {"internal/store", "test"},
	"modernc.org/sqlite":     {"internal/store", "test"},
	"github.com/jackc/pgx":   {"internal/store", "test"},
	"github.com/stretchr":    {},
	"github.com/golang/mock": {},

	"golang.org/x/crypto/chacha20poly1305": {"internal/keys"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		row := rowOf(f.dir)
		if row == "" && f.dir != "." {
			t.Errorf("%s: %s has no row in the import table", f.path, f.dir)
			continue
		}
		for _, spec := range f.syntax.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkClosed(t, f, target)
			inside, ours := strings.CutPrefix(target, module+"/")
			if !ours || f.test {
				continue // Tests may look at anything that compiles.
			}
			to := rowOf(inside)
			allowed := imports[row]
			switch {
			case to == row:
			case to == "test" || to == "cmd/cognate" || to == "internal/cli" && row == "internal/server":
				t.Errorf("%s imports %s, which nothing but tests may", f.path, inside)
			case slices.Contains(allowed, "*") || slices.Contains(allowed, to):
			default:
				t.Errorf("%s imports %s: %s may import only %v", f.path, inside, row, allowed)
			}
		}
	}
}

func checkClosed(t *testing.T, f goFile, target string) {
	t.Helper()
	for prefix, allowed := range closed {
		if target != prefix && !strings.HasPrefix(target, prefix+"/") {
			continue
		}
		if f.test && len(allowed) > 0 {
			continue
		}
		if !slices.Contains(allowed, rowOf(f.dir)) {
			t.Errorf("%s imports %s: only %v may", f.path, target, allowed)
		}
	}
}

// rowOf finds the row of the import table that a folder belongs to: its own or
// that of the nearest folder above.
func rowOf(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := imports[dir]; ok {
			return dir
		}
	}
	return ""
}

func TestPackageDocs(t *testing.T) {
	t.Parallel()
	docs := map[string][]string{}
	for _, f := range goFiles(t) {
		if f.test {
			continue
		}
		if f.syntax.Doc != nil {
			docs[f.dir] = append(docs[f.dir], f.path)
		} else if docs[f.dir] == nil {
			docs[f.dir] = []string{}
		}
	}
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("%s: %d package docs %v, want one", dir, len(files), files)
		}
	}
}

// TestForbiddenCode looks for what the rules of CONTRIBUTING.md shut out.
func TestForbiddenCode(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if f.generated {
			continue
		}
		clock := f.test || strings.HasPrefix(f.dir, "test") || strings.HasPrefix(f.dir, "cmd/") || f.dir == "internal/server" || f.dir == "internal/store/storetest"
		fakeTime := f.imports("testing/synctest") // Sleep is instant in its bubble.
		sql := f.test || rowOf(f.dir) == "internal/store" || rowOf(f.dir) == "test"
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: func init: build in a constructor instead", f.at(n))
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if !ok {
					return true
				}
				switch name := x.Name + "." + n.Sel.Name; {
				case !clock && (name == "time.Now" || name == "time.Since" || name == "time.Until"):
					t.Errorf("%s: %s: take a clock", f.at(n), name)
				case !fakeTime && name == "time.Sleep":
					t.Errorf("%s: time.Sleep: wait for the event, or use testing/synctest", f.at(n))
				}
			case *ast.BasicLit:
				if !sql && n.Kind == token.STRING && looksLikeSQL.MatchString(n.Value) {
					t.Errorf("%s: SQL outside internal/store: %.60s", f.at(n), n.Value)
				}
			}
			return true
		})
	}
}

var looksLikeSQL = regexp.MustCompile(`\bSELECT\s[\s\S]*\sFROM\s|\bINSERT\s+(OR\s+\w+\s+)?INTO\s|\bUPDATE\s+\w+\s+SET\s|\bDELETE\s+FROM\s|\b(CREATE|ALTER|DROP)\s+(TABLE|INDEX|UNIQUE INDEX)\s`)

// TestRefusalsNameTheirReason wants the log to say why each request is refused:
// where the code says too little, the one who makes the error names the reason.
func TestRefusalsNameTheirReason(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if f.generated || f.test {
			continue
		}
		named := map[ast.Node]bool{}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if method.Sel.Name == "WithReason" || method.Sel.Name == "WithCause" && named[call] {
				named[method.X] = true
			}
			code := strings.TrimSuffix(method.Sel.Name, "f")
			if x, ok := method.X.(*ast.Ident); ok && x.Name == "idp" && slices.Contains(api.NeedsReason, code) && !named[call] {
				t.Errorf("%s: idp.%s without a reason for the log: add .WithReason(api.Reason…)", f.at(n), method.Sel.Name)
			}
			return true
		})
	}
}

// TestFileLength holds files to one idea. 600 lines are the sign to split, 700
// the end.
func TestFileLength(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if !f.generated && f.lines > 700 {
			t.Errorf("%s has %d lines, more than 700", f.path, f.lines)
		}
	}
}

// TestPackageSize keeps packages small enough for one reader. A package that outgrows
// the limit is cut where a part has a name of its own. Package store is exempt, because
// all SQL is there, and so is generated code.
func TestPackageSize(t *testing.T) {
	t.Parallel()
	const limit = 4000
	size := map[string]int{}
	for _, f := range goFiles(t) {
		if !f.test && !f.generated && f.dir != "internal/store" {
			size[f.dir] += f.lines
		}
	}
	for dir, lines := range size {
		if lines > limit {
			t.Errorf("package %s has %d lines of source, more than %d", dir, lines, limit)
		}
	}
}

// TestForbiddenText keeps one machine's paths and hosts out of the project.
func TestForbiddenText(t *testing.T) {
	t.Parallel()
	// Put together here, or this file would offend.
	forbidden := regexp.MustCompile(`(^|[^\w.-])/(` + "work|root" + `)/|/(home|Users)/\w+/|\.\./` + `shared\b|` +
		strings.Join([]string{`registry\.` + `npmjs`, `proxy\.` + `golang\.org`, `sum\.` + `golang\.org`, `deb\.` + `debian\.org`}, "|"))
	for _, name := range textFiles(t) {
		text := read(t, name)
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := forbidden.Find(line); m != nil {
				t.Errorf("%s:%d: %q belongs to one machine, not to the project", name, i+1, m)
			}
		}
	}
}

// wordings are expressions that readers stumble over, and what to write. The
// patterns meet text in lower case, where a line may end within an expression.
var wordings = []struct {
	pattern *regexp.Regexp
	write   string
}{
	{regexp.MustCompile(`tells?\s+(whether|if)\b`), "reports whether"},
	{regexp.MustCompile(`\A\s*\w+\s+gives\b`), "returns, or what it does"},
	{regexp.MustCompile(`\bgives?\s+(the|a|an|its|what|all|how|every|each|whether|zero|false|true|nil)\b`), "returns, sends, sets or assigns"},
	{regexp.MustCompile(`anew\b`), "again"},
	{regexp.MustCompile(`whom\b`), "the noun again: the user that, the client that"},
	{regexp.MustCompile(`\bha(ve|s)\s+not[.,;:)]`), "has no, and the noun"},
	{regexp.MustCompile(`\bha(ve|s)\s+none\b`), "has no, and the noun"},
	{regexp.MustCompile(`nobody\s+is\b`), "the noun: no user is"},
	{regexp.MustCompile(`\bof\s+(before|after)\b`), "earlier, later, or of what it is"},
	{regexp.MustCompile(`none\s+such\b`), "no, and the noun"},
	{regexp.MustCompile(`is\s+none\s+of\b`), "is not one of, or does not belong to"},
}

// TestWordings wants plain words in comments and documents: many who read them are
// not native speakers.
func TestWordings(t *testing.T) {
	t.Parallel()
	check := func(name string, line int, text string) {
		text = strings.ToLower(text)
		for _, w := range wordings {
			for _, m := range w.pattern.FindAllStringIndex(text, -1) {
				at := line + strings.Count(text[:m[1]], "\n")
				t.Errorf("%s:%d: %q: write %s", name, at, strings.Join(strings.Fields(text[m[0]:m[1]]), " "), w.write)
			}
		}
	}
	for _, f := range goFiles(t) {
		if f.generated || f.path == "conventions_test.go" {
			continue
		}
		for _, group := range f.syntax.Comments {
			var text strings.Builder
			for _, c := range group.List {
				text.WriteString(strings.TrimPrefix(c.Text, "//") + "\n")
			}
			check(f.path, f.at(group).Line, text.String())
		}
	}
	for _, name := range textFiles(t) {
		if path.Ext(name) == ".md" {
			check(name, 1, string(read(t, name)))
		}
	}
}

func TestModuleFile(t *testing.T) {
	t.Parallel()
	for _, name := range append(toolModules(t), "go.mod") {
		for line := range strings.Lines(string(read(t, name))) {
			if strings.HasPrefix(strings.TrimSpace(line), "replace") {
				t.Errorf("%s: %s: a fork must be named where it is imported", name, strings.TrimSpace(line))
			}
		}
	}
	for _, name := range textFiles(t) {
		if path.Base(name) != "package-lock.json" {
			continue
		}
		for line := range strings.Lines(string(read(t, name))) {
			if strings.Contains(line, `"resolved"`) {
				t.Errorf("%s names a registry's host: %s", name, strings.TrimSpace(line))
			}
		}
	}
}

// TestExamplePackages wants the examples to have the npm packages of the tests, which run the examples with them, and lock
// files that fit.
func TestExamplePackages(t *testing.T) {
	t.Parallel()
	type packages struct{ Dependencies, DevDependencies map[string]string }
	decode := func(name string, into any) {
		if err := json.Unmarshal(read(t, name), into); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var tests packages
	decode("test/js/package.json", &tests)
	for _, name := range textFiles(t) {
		if path.Base(name) != "package.json" || !strings.HasPrefix(name, "examples/") {
			continue
		}
		var example packages
		var lock struct{ Packages map[string]packages }
		decode(name, &example)
		decode(strings.TrimSuffix(name, ".json")+"-lock.json", &lock)
		if !reflect.DeepEqual(lock.Packages[""], example) {
			t.Errorf("%s is not what its lock file has: run npm install there", name)
		}
		for _, group := range []map[string]string{example.Dependencies, example.DevDependencies} {
			for module, version := range group {
				if want := tests.DevDependencies[module]; version != want && module != "testcontainers" {
					t.Errorf("%s: %s is %q, and %q in test/js", name, module, version, want)
				}
			}
		}
	}
}

// toolModules lists the module files of the tools.
func toolModules(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("tools/*/go.mod")
	if err != nil || len(names) == 0 {
		t.Fatalf("module files of tools: %v, %v", names, err)
	}
	return append(names, "tools/go.mod")
}

// TestDependenciesDocument wants a reason for each module and package that the
// project asks for, and none for what it has dropped.
func TestDependenciesDocument(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	for _, m := range row.FindAllSubmatch(read(t, "docs/dependencies.md"), -1) {
		documented[string(m[1])] = true
	}
	wanted, known := map[string]bool{}, map[string]bool{}
	requirement := regexp.MustCompile(`^(?:require )?\s*(\S+) v\S+\s*(// indirect)?$`)
	for line := range strings.Lines(string(read(t, "go.mod"))) {
		if m := requirement.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			known[m[1]] = true
			if m[2] == "" {
				wanted[m[1]] = true
			}
		}
	}
	for _, name := range toolModules(t) {
		for line := range strings.Lines(string(read(t, name))) {
			if tool, ok := strings.CutPrefix(strings.TrimSpace(line), "tool "); ok {
				wanted[tool] = true
			}
		}
	}
	var npm struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal(read(t, "test/js/package.json"), &npm); err != nil {
		t.Fatal(err)
	}
	for _, group := range []map[string]string{npm.Dependencies, npm.DevDependencies} {
		for name, version := range group {
			wanted[name] = true
			if strings.ContainsAny(version, "^~*x> ") {
				t.Errorf("test/js/package.json: %s %s is not one exact version", name, version)
			}
		}
	}
	for name := range wanted {
		if !documented[name] {
			t.Errorf("docs/dependencies.md has no row for %s", name)
		}
	}
	for name := range documented {
		if !wanted[name] && !known[name] {
			t.Errorf("docs/dependencies.md has a row for %s, which nothing asks for", name)
		}
	}
}

// TestCompatibilityDocument wants one row for each operation of the interface
// tables. The generator checks the rest: that the page is current, and that
// what works names a test that exists.
func TestCompatibilityDocument(t *testing.T) {
	t.Parallel()
	check := exec.CommandContext(t.Context(), "go", "run", "./test/compat", "-check")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	sections := bytes.Split(read(t, "docs/compatibility.md"), []byte("\n## "))
	row := regexp.MustCompile(`(?m)^\| ([A-Za-z]+) \| (works|partly|not yet) \|`)
	total := 0
	for _, service := range []string{"cognito-idp", "cognito-identity", "sts", "iam", "cloudtrail"} {
		var table struct{ Operations map[string]json.RawMessage }
		if err := json.Unmarshal(read(t, "internal/api/tables/"+service+".json"), &table); err != nil {
			t.Fatal(err)
		}
		rows := map[string]int{}
		for _, section := range sections {
			title, body, _ := bytes.Cut(section, []byte("\n"))
			if bytes.Contains(title, []byte("(`"+service+"`)")) {
				for _, m := range row.FindAllSubmatch(body, -1) {
					rows[string(m[1])]++
				}
			}
		}
		for operation := range table.Operations {
			total++
			if rows[operation] != 1 {
				t.Errorf("docs/compatibility.md has %d rows for %s %s, want 1", rows[operation], service, operation)
			}
		}
		if len(rows) != len(table.Operations) {
			t.Errorf("docs/compatibility.md has rows for %d operations of %s, the table has %d", len(rows), service, len(table.Operations))
		}
	}
	if total != 269 {
		t.Errorf("the interface tables have %d operations, want 269", total)
	}
}

// TestReasonsDocument wants each reason of a refusal in the operator's table, with
// its meaning, and none that the log does not have.
func TestReasonsDocument(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(string(read(t, "docs/operations.md")), "\n| reason | meaning |\n|---|---|\n")
	if !found {
		t.Fatal("docs/operations.md has no table of reasons")
	}
	table, _, _ := strings.Cut(section, "\n\n")
	var want []string
	api.Reasons(func(r api.Reason, meaning string) { want = append(want, "| `"+string(r)+"` | "+meaning+" |") })
	if got := strings.Split(strings.TrimSpace(table), "\n"); !slices.Equal(got, want) {
		t.Errorf("the table of reasons in docs/operations.md is not that of package api; want:\n%s", strings.Join(want, "\n"))
	}
}

// TestLinks follows the links between the project's own pages.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
	for _, name := range textFiles(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, m := range link.FindAllSubmatch(read(t, name), -1) {
			target := string(m[1])
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(path.Join(path.Dir(name), target)); err != nil {
				t.Errorf("%s: link to %s: %v", name, target, err)
			}
		}
	}
}

// goFile is one Go file of the project.
type goFile struct {
	path, dir       string
	syntax          *ast.File
	test, generated bool
	lines           int
	fset            *token.FileSet
}

func (f goFile) at(n ast.Node) token.Position { return f.fset.Position(n.Pos()) }

func (f goFile) imports(target string) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(s *ast.ImportSpec) bool {
		return s.Path.Value == strconv.Quote(target)
	})
}

// parsed reads the project once for all tests.
var parsed = sync.OnceValues(func() ([]goFile, error) {
	names, err := projectFiles()
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []goFile
	for _, name := range names {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		syntax, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, goFile{
			path: name, dir: path.Dir(name), syntax: syntax, fset: fset,
			test:      strings.HasSuffix(name, "_test.go"),
			generated: ast.IsGenerated(syntax),
			lines:     fset.File(syntax.Pos()).LineCount(),
		})
	}
	return files, nil
})

func goFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// textFiles are the files that people write or read, so not the checksums.
func textFiles(t *testing.T) []string {
	t.Helper()
	names, err := projectFiles()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return path.Base(name) == "go.sum"
	})
}

// projectFiles lists the files of the project, without what tools leave in the
// tree (the folders of .gitignore).
func projectFiles() ([]string, error) {
	atRoot := []string{".git", ".cache", "bin", "dist", "data"}
	anywhere := []string{"node_modules", "__pycache__", ".cognate", ".venv", ".pytest_cache"}
	var names []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(atRoot, name) || slices.Contains(anywhere, d.Name())):
			return filepath.SkipDir
		case name == ".git": // The link of another worktree is a file.
		case d.Type().IsRegular():
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	return names, err
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
