package operation

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// a testCase is one of testdata/s3.txt.
type testCase struct {
	line    string
	request Request
	want    []string
}

// readCases reads testdata/s3.txt.
func readCases(tb testing.TB) []testCase {
	tb.Helper()
	text, err := os.ReadFile("testdata/s3.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var cases []testCase
	var c *testCase
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		name, value, isHeader := strings.Cut(line, ": ")
		switch {
		case line == "":
			c = nil
		case strings.HasPrefix(line, "#"):
		case c == nil:
			method, target, _ := strings.Cut(line, " ")
			path, query, _ := strings.Cut(target, "?")
			cases = append(cases, testCase{line: line, request: Request{Method: method, Path: path, Query: query, Header: http.Header{}, PathKeys: true}})
			c = &cases[len(cases)-1]
		case strings.HasPrefix(line, "host "):
			c.request.Bucket = line[len("host "):]
		case line == "literal":
			c.request.PathKeys = false
		case isHeader && c.want == nil:
			c.request.Header.Set(name, value)
		default:
			c.want = append(c.want, line)
		}
	}
	return cases
}

// TestS3 checks the cases of testdata/s3.txt.
func TestS3(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			o, failed := S3(&c.request)
			if failed != nil {
				if want := "! " + failed.Code; !slices.Equal(c.want, []string{want}) {
					t.Errorf("refused: %v, want %q", failed, c.want)
				}
				return
			}
			checkOperation(t, o, c.want)
		})
	}
}

// checkOperation compares an operation with the lines of a case.
func checkOperation(t *testing.T, o *S3Operation, want []string) {
	t.Helper()
	got := []string{"= " + o.Name}
	for _, c := range o.Checks {
		line := c.Action + " " + strings.TrimPrefix(c.Resource, "arn:aws:s3:::")
		for _, k := range c.Keys {
			line += " " + k.Name + "=" + k.Values[0]
		}
		got = append(got, line)
	}
	for _, c := range o.TagChecks {
		got = append(got, "? "+c.Action+" "+strings.TrimPrefix(c.Resource, "arn:aws:s3:::"))
	}
	var checks []string
	for _, line := range want {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "key":
			name, value, _ := strings.Cut(rest, "=")
			if !slices.ContainsFunc(o.Keys, func(k Key) bool { return k.Name == name && strings.Join(k.Values, ",") == value }) {
				t.Errorf("no condition key %s in %v", rest, o.Keys)
			}
			if !SupportedKey(strings.ToLower(name)) {
				t.Errorf("SupportedKey(%s) = false", name)
			}
		case "header":
			name, value, _ := strings.Cut(rest, ": ")
			if o.Header.Get(name) != value {
				t.Errorf("headers %v, want %s", o.Header, rest)
			}
		case "path":
			if p := o.BackendPath(); p != rest {
				t.Errorf("path %s, want %s", p, rest)
			}
		case "query":
			if q := Encode(o.Query); q != rest {
				t.Errorf("query %s, want %s", q, rest)
			}
		default:
			checks = append(checks, line)
		}
	}
	if !slices.Equal(got, checks) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(checks, "\n"))
	}
	if o.Header.Get("X-Forwarded-For") != "" || o.Header.Get("Authorization") != "" {
		t.Errorf("headers for the backend: %v", o.Header)
	}
}

// TestRulesAreApart wants no request to fit two rules: the cases must cover each rule, and
// each of them only one.
func TestRulesAreApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range readCases(t) {
		o, failed := S3(&c.request)
		if failed != nil {
			continue
		}
		seen[o.Name] = true
		l := bucketLevel
		if o.Key != "" {
			l = objectLevel
		}
		fitting := 0
		for i := range rules {
			r := &rules[i]
			if r.level == l && r.copy == (o.Header["X-Amz-Copy-Source"] != nil) && hasWord(r.methods, c.request.Method) && r.fits(o.Query) {
				fitting++
			}
		}
		if fitting > 1 {
			t.Errorf("%s fits %d rules", c.line, fitting)
		}
	}
	for i := range rules {
		if !seen[rules[i].name] {
			t.Errorf("no case for %s", rules[i].name)
		}
	}
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	object := func(inside string) string { return "<Delete><Object>" + inside + "</Object></Delete>" }
	tests := []struct{ name, body, want string }{
		{"one", `<?xml version="1.0"?>` + object("<Key>a</Key>"), "s3:DeleteObject arn:aws:s3:::bkt/a"},
		{"namespace", `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>`, "s3:DeleteObject arn:aws:s3:::bkt/a"},
		{"version", object("<Key>a&amp;b</Key><VersionId>v</VersionId>"), "s3:DeleteObjectVersion arn:aws:s3:::bkt/a&b"},
		{"empty", "<Delete></Delete>", ""},
		{"no key", object("<VersionId>v</VersionId>"), ""},
		{"two keys", object("<Key>a</Key><Key>b</Key>"), ""},
		{"two versions", object("<Key>a</Key><VersionId>v</VersionId><VersionId>w</VersionId>"), ""},
		{"unknown element", object("<Key>a</Key><Prefix>b</Prefix>"), ""},
		{"unknown element outside", "<Delete><Object><Key>a</Key></Object><Prefix>b</Prefix></Delete>", ""},
		{"parent folder", object("<Key>a/../b</Key>"), ""},
		{"another document after it", object("<Key>a</Key>") + object("<Key>b</Key>"), ""},
		{"an empty element after it", object("<Key>a</Key>") + "<Delete/>", ""},
		{"another root", "<Delet><Object><Key>a</Key></Object></Delet>", ""},
		{"no XML", "Key=a", ""},
		{"entity", `<!DOCTYPE d [<!ENTITY e "b">]>` + object("<Key>&e;</Key>"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, failed := ParseDeletion([]byte(tt.body), true)
			if tt.want == "" {
				if failed == nil {
					t.Errorf("accepted: %+v", d)
				}
				return
			}
			if failed != nil {
				t.Fatal(failed)
			}
			checks := (&S3Operation{Bucket: "bkt"}).DeleteChecks(&d.Objects[0])
			if got := checks[0].Action + " " + checks[0].Resource; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzS3 wants the backend's request to mean what was checked.
func FuzzS3(f *testing.F) {
	for _, c := range readCases(f) {
		f.Add(c.request.Method, c.request.Path, c.request.Query, c.request.Header.Get("X-Amz-Copy-Source"))
	}
	f.Fuzz(func(t *testing.T, method, path, query, source string) {
		r := Request{Method: method, Path: path, Query: query, Header: http.Header{}, PathKeys: true}
		if source != "" {
			r.Header.Set("X-Amz-Copy-Source", source)
		}
		o, failed := S3(&r)
		if failed != nil {
			return
		}
		again := Request{Method: method, Path: o.BackendPath(), Query: Encode(o.Query), Header: o.Header, PathKeys: true}
		p, failed := S3(&again)
		if failed != nil {
			t.Fatalf("the backend's request: %v", failed)
		}
		if o.Name != p.Name || o.Bucket != p.Bucket || o.Key != p.Key || len(o.Checks) != len(p.Checks) {
			t.Errorf("%+v became %+v", o, p)
		}
		for i := range o.Checks {
			if o.Checks[i].Action != p.Checks[i].Action || o.Checks[i].Resource != p.Checks[i].Resource {
				t.Errorf("%+v became %+v", o.Checks[i], p.Checks[i])
			}
		}
		if again.Path != p.BackendPath() || again.Query != Encode(p.Query) {
			t.Error("the backend's request is not in one form")
		}
	})
}
