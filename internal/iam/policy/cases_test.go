package policy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// testCase is a case of testdata/cases; testdata/README.md explains its members.
type testCase struct {
	Name, Source, Principal, Action, Target, Account string
	Condition                                        json.RawMessage
	Identity, Boundary, Session, Resource, Trust     []json.RawMessage
	Context                                          map[string]any
	Want, Reason                                     string
	Sids, Missing                                    *[]string
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func mustParse(t testing.TB, kind Kind, text string) *Document {
	t.Helper()
	d, err := Parse(kind, []byte(text), Options{})
	if err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return d
}

// documents reads the documents of a layer. A statement alone is a document.
func documents(t testing.TB, kind Kind, list []json.RawMessage) []*Document {
	t.Helper()
	var out []*Document
	for _, raw := range list {
		text := string(raw)
		switch {
		case text == "{}":
			out = append(out, Empty("empty"))
			continue
		case strings.Contains(text, `"Statement"`):
		default:
			text = `{"Version":"2012-10-17","Statement":` + text + `}`
		}
		out = append(out, mustParse(t, kind, text))
	}
	return out
}

func (c *testCase) layers(t testing.TB) Layers {
	t.Helper()
	if c.Condition != nil {
		c.Identity = append(c.Identity, json.RawMessage(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+string(c.Condition)+`}`))
	}
	return Layers{
		Identity: documents(t, Identity, c.Identity), Boundary: documents(t, Boundary, c.Boundary), Session: documents(t, Session, c.Session),
		Resource: documents(t, Resource, c.Resource), Trust: documents(t, Trust, c.Trust),
	}
}

func (c *testCase) request(t testing.TB, principals map[string]Principal) *Request {
	t.Helper()
	r := &Request{Action: c.Action, Resource: c.Target, ResourceAccount: c.Account}
	if r.Action == "" {
		r.Action = "s3:GetObject"
	}
	if r.Resource == "" {
		r.Resource = "arn:aws:s3:::amzn-s3-demo-bucket/files/alice/a.txt"
	}
	if c.Principal == "" {
		c.Principal = "user"
	}
	p, ok := principals[c.Principal]
	if !ok {
		t.Fatalf("there is no principal %q", c.Principal)
	}
	r.Principal = p
	for key, v := range c.Context {
		switch v := v.(type) {
		case string:
			r.Context.Set(key, v)
		case []any:
			var values []string
			for _, e := range v {
				values = append(values, e.(string))
			}
			r.Context.Set(key, values...)
		default:
			t.Fatalf("the key %s has the value %v", key, v)
		}
	}
	return r
}

// readCases calls f for every case.
func readCases(t *testing.T, f func(file, name string, c *testCase, r *Request)) {
	t.Helper()
	var principals map[string]Principal
	readJSON(t, "principals.json", &principals)
	files, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		var content struct {
			Source string
			Cases  []testCase
		}
		readJSON(t, strings.TrimPrefix(file, "testdata/"), &content)
		base := strings.TrimSuffix(filepath.Base(file), ".json")
		for i := range content.Cases {
			c := &content.Cases[i]
			c.Source = cmp.Or(c.Source, content.Source)
			f(file, base+"/"+c.Name, c, c.request(t, principals))
		}
	}
}

func TestCases(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	readCases(t, func(file, name string, c *testCase, r *Request) {
		if c.Source == "" || seen[name] {
			t.Errorf("%s: %q has no source, or is there twice", file, name)
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkCase(t, c, r)
		})
	})
	if len(seen) < 400 {
		t.Errorf("%d cases were read", len(seen))
	}
}

func checkCase(t *testing.T, c *testCase, r *Request) {
	layers := c.layers(t)
	got := Evaluate(layers, r)
	if got.Decision.String() != c.Want {
		t.Fatalf("%s, want %s", got.Decision, c.Want)
	}
	if reason := got.Reason(r.Action); c.Condition == nil && reason != c.Reason {
		t.Errorf("reason %q, want %q", reason, c.Reason)
	}
	x := Explain(layers, r)
	if x.Result != got {
		t.Errorf("Explain decides %+v, Evaluate %+v", x.Result, got)
	}
	var sids []string
	for _, m := range x.Matches {
		sids = append(sids, m.Sid)
	}
	if c.Sids != nil && !slices.Equal(sids, *c.Sids) {
		t.Errorf("statements %q, want %q", sids, *c.Sids)
	}
	if c.Missing != nil && !slices.Equal(x.Missing, *c.Missing) {
		t.Errorf("missing keys %q, want %q", x.Missing, *c.Missing)
	}
}

// TestEvaluateAllocatesNothing evaluates every case. It is not parallel, since others'
// allocations would count.
func TestEvaluateAllocatesNothing(t *testing.T) {
	readCases(t, func(_, name string, c *testCase, r *Request) {
		layers := c.layers(t)
		if n := testing.AllocsPerRun(2, func() { Evaluate(layers, r) }); n != 0 {
			t.Errorf("%s: Evaluate allocates %v times", name, n)
		}
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name, Kind, Answer, Member, Reason string
		Statement                          int
		Document                           json.RawMessage
	}
	readJSON(t, "refusals.json", &cases)
	kinds := map[string]Kind{"identity": Identity, "managed": Identity, "session": Session, "boundary": Boundary, "trust": Trust, "resource": Resource}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			text := string(c.Document)
			if strings.HasPrefix(text, `"`) {
				if err := json.Unmarshal(c.Document, &text); err != nil {
					t.Fatal(err)
				}
			}
			kind, ok := kinds[c.Kind]
			if !ok {
				t.Fatalf("there is no kind %q", c.Kind)
			}
			_, err := Parse(kind, []byte(text), Options{Require2012: c.Kind == "managed"})
			if err == nil {
				t.Fatal("Parse accepts it")
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Text != c.Answer || e.Statement != c.Statement || c.Member != "" && e.Member != c.Member {
				t.Errorf("answer %+v, want %q of statement %d, member %q", e, c.Answer, c.Statement, c.Member)
			}
			if !strings.Contains(err.Error(), c.Reason) {
				t.Errorf("error %q, want one that says %q", err, c.Reason)
			}
		})
	}
}
