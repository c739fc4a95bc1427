package cognate_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// TestForbiddenTestCode looks for what makes tests fail by chance, or not at all.
func TestForbiddenTestCode(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if f.generated || !f.test && rowOf(f.dir) != "test" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if f.test && opensStoreInHaste(n) {
					t.Errorf("%s: a slow machine needs longer than the store's default: use patience.Extend(&o.StatementTimeout)", f.at(n))
				}
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if !ok {
					return true
				}
				switch name := x.Name + "." + n.Sel.Name; {
				case name == "goleak.VerifyTestMain" || name == "goleak.VerifyNone":
					t.Errorf("%s: %s does not wait for the goroutines of a busy machine to end: use leaks.Run", f.at(n), name)
				case name == "runtime.Gosched":
					t.Errorf("%s: runtime.Gosched: wait with patience.Until, which ends", f.at(n))
				case f.test && (x.Name == "t" || x.Name == "b") && strings.HasPrefix(n.Sel.Name, "Skip"):
					t.Errorf("%s: %s: a test that cannot run must fail", f.at(n), name)
				}
			case *ast.AssignStmt:
				if changesCase(n) {
					t.Errorf("%s: tests of both engines share the case at the same time: use a variable of the test's own", f.at(n))
				}
			case *ast.CompositeLit:
				if losesAnswers(n) {
					t.Errorf("%s: the SDK's own HTTP client loses an answer now and then: use outbound.NewAWSClient", f.at(n))
				}
			case *ast.BinaryExpr:
				if replacesFewLetters(n) {
					t.Errorf("%s: the text may have these letters there by chance: replace at least eight", f.at(n))
				}
			}
			return true
		})
	}
}

// opensStoreInHaste reports whether a function of a test calls store.Open and does not set the limit of statements.
func opensStoreInHaste(n *ast.FuncDecl) bool {
	opens, limited := false, false
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, _ := n.X.(*ast.Ident)
			opens = opens || x != nil && x.Name+"."+n.Sel.Name == "store.Open"
		case *ast.Ident:
			limited = limited || n.Name == "StatementTimeout"
		}
		return true
	})
	return opens && !limited
}

// changesCase reports whether n sets a member of a table's case, which tests name tt.
func changesCase(n *ast.AssignStmt) bool {
	for _, to := range n.Lhs {
		member, ok := to.(*ast.SelectorExpr)
		if !ok {
			continue
		}
		if x, ok := member.X.(*ast.Ident); ok && x.Name == "tt" {
			return true
		}
	}
	return false
}

// losesAnswers reports whether n are options of an AWS client that tries once, with the SDK's HTTP client. Clients of
// S3 keep it: they send long bodies in parts.
func losesAnswers(n *ast.CompositeLit) bool {
	once := false
	for _, e := range n.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		switch key, _ := kv.Key.(*ast.Ident); {
		case key == nil:
			return false
		case key.Name == "HTTPClient", key.Name == "UsePathStyle":
			return false
		case key.Name == "RetryMaxAttempts":
			once = true
		case key.Name == "Retryer":
			_, once = kv.Value.(*ast.CompositeLit) // In an aws.Config it is a function: the server's own parts make clients of that.
		}
	}
	return once
}

// replacesFewLetters reports whether e damages a text by writing one to three fixed
// letters over it. A random text has the same letter there in one run of 64.
func replacesFewLetters(e *ast.BinaryExpr) bool {
	letters, ok := e.Y.(*ast.BasicLit)
	if e.Op != token.ADD || !ok || !fewLetters.MatchString(letters.Value) {
		return false
	}
	head, ok := e.X.(*ast.SliceExpr)
	return ok && head.Low == nil && head.High != nil
}

var fewLetters = regexp.MustCompile(`^"[A-Za-z0-9]{1,3}"$`)
