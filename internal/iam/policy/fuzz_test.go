package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse reads any text as every kind of document, and evaluates what is valid.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"operators", "values", "variables", "statements", "principals", "layers", "trust", "cognito"} {
		var content struct {
			Source string
			Cases  []testCase
		}
		readJSON(f, "cases/"+name+".json", &content)
		for _, c := range content.Cases {
			for _, raw := range slices.Concat(c.Identity, c.Resource, c.Trust) {
				f.Add([]byte(`{"Version":"2012-10-17","Statement":` + string(raw) + `}`))
			}
			if c.Condition != nil {
				f.Add([]byte(statementOf(allowAll + `,"Condition":` + string(c.Condition))))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for kind := Identity; kind <= Resource; kind++ {
			d, err := Parse(kind, text, Options{})
			if err != nil {
				checkError(t, err)
				continue
			}
			if d.Len() == 0 || !json.Valid(text) || d.Size() > utf8.RuneCount(text) {
				t.Fatalf("%d statements in %q", d.Len(), text)
			}
			for i := range d.Len() {
				if s, start, end := d.Statement(i); !json.Valid([]byte(s)) || end.Line < start.Line {
					t.Fatalf("statement %d is %q from %v to %v", i, s, start, end)
				}
			}
			d.ContextKeys()
			for _, c := range []Context{{}, contextOf("aws:username", "a", "aws:SourceIp", "::1", "aws:CurrentTime", "2026-11-30", "s3:max-keys", "1", "aws:TagKeys", "a", "aws:TagKeys", "b")} {
				l := Layers{Identity: []*Document{d}, Boundary: []*Document{d}, Session: []*Document{d}}
				switch kind {
				case Resource:
					l = Layers{Resource: []*Document{d}}
				case Trust:
					l = Layers{Trust: []*Document{d}}
				}
				r := &Request{Action: "s3:GetObject", Resource: object1, Context: c}
				if x := Explain(l, r); x.Result != Evaluate(l, r) {
					t.Fatal("two decisions about one request")
				}
			}
		}
	})
}

func checkError(t *testing.T, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Text == "" || e.Reason == "" || !strings.HasPrefix(e.Error(), "policy: ") {
		t.Fatalf("error %#v", err)
	}
}

// FuzzEvaluate compares a decision about a resource with a naive matcher, and the
// comparison of numbers and dates with their own laws.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range [][3]string{{"a*b?", "axxb1", ""}, {"${v}/*", "bob/x", "bob"}, {"*${v}*", "x*y", "*"}, {"${*}?", "*a", ""}, {"é?*", "éé", "é"}, {"***a", "bba", "a"}, {"?", "\xff", ""}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, p, s, v string) {
		checkOrder(t, p, s)
		if len(p) > 16 || len(s) > 16 || strings.Count(p, "*") > 4 || !utf8.ValidString(p) || !utf8.ValidString(v) || strings.Contains(p, "\x00") {
			return
		}
		rest := strings.NewReplacer("${v}", "", "${*}", "", "${?}", "", "${$}", "").Replace(p)
		if strings.Contains(rest, "${") || strings.Contains(p, "$${") {
			return // the naive matcher does not know other variables
		}
		resource, err := json.Marshal("arn:aws:s3:::" + p)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(Identity, []byte(statementOf(`"Effect":"Allow","Action":"*","Resource":`+string(resource))), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := Evaluate(Layers{Identity: []*Document{d}}, &Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + s, Context: contextOf("v", v)})
		if want := naive(p, s, v); (got.Decision == Allow) != want {
			t.Fatalf("%q with %q matches %q: %v, want %v", p, v, s, got.Decision, want)
		}
	})
}

// checkOrder checks that comparisons are antisymmetric, and that readers do not fail.
func checkOrder(t *testing.T, a, b string) {
	parseAddress(a)
	if x, ok := parseDecimal(a); ok {
		if y, ok := parseDecimal(b); ok && x.compare(y) != -y.compare(x) {
			t.Fatalf("%q and %q compare as %d and %d", a, b, x.compare(y), y.compare(x))
		}
	}
	if x, ok := parseInstant(a); ok {
		if y, ok := parseInstant(b); ok && x.compare(y) != -y.compare(x) {
			t.Fatalf("%q and %q compare as %d and %d", a, b, x.compare(y), y.compare(x))
		}
	}
}
