package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const object1 = "arn:aws:s3:::amzn-s3-demo-bucket/files/alice/a.txt"

func statementOf(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

func conditionOf(body string) string {
	return statementOf(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + body + `}`)
}

const allowAll = `"Effect":"Allow","Action":"*","Resource":"*"`

func contextOf(pairs ...string) Context {
	var c Context
	for i := 0; i < len(pairs); i += 2 {
		c.Add(pairs[i], pairs[i+1])
	}
	return c
}

func TestSupportedKey(t *testing.T) {
	t.Parallel()
	supported := Options{SupportedKey: func(key string) bool { return key == "aws:username" || strings.HasPrefix(key, "aws:resourcetag/") }}
	tests := []struct{ name, text, key string }{
		{"supported", conditionOf(`"StringEquals":{"AWS:UserName":"${aws:ResourceTag/Owner}"}`), ""},
		{"unknown key", conditionOf(`"Bool":{"aws:MultiFactorAuthPresent":"true"}`), "aws:MultiFactorAuthPresent"},
		{"unknown key of Null", conditionOf(`"Null":{"aws:MultiFactorAuthPresent":"true"}`), "aws:MultiFactorAuthPresent"},
		{"unknown variable of a condition", conditionOf(`"StringEquals":{"aws:username":"${aws:Nothing}"}`), "aws:Nothing"},
		{"unknown variable of an ARN", conditionOf(`"ArnLike":{"aws:username":"arn:aws:iam::1:user/${aws:Nothing}"}`), "aws:Nothing"},
		{"unknown variable with a default", conditionOf(`"StringEquals":{"aws:username":"${aws:Nothing, 'x'}"}`), "aws:Nothing"},
		{"unknown variable of a resource", statementOf(`"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::b/${aws:Nothing}"`), "aws:Nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(Identity, []byte(tt.text), supported)
			unknown, ok := errors.AsType[*UnknownKeyError](err)
			if ok != (tt.key != "") || ok && unknown.Key != tt.key {
				t.Errorf("Parse = %v, want the unknown key %q", err, tt.key)
			}
			if _, err := Parse(Identity, []byte(tt.text), Options{}); err != nil {
				t.Errorf("without the check: %v", err)
			}
		})
	}
}

// TestHostile parses and evaluates documents that are made to take long, or that readers
// could understand differently.
func TestHostile(t *testing.T) {
	t.Parallel()
	stars := strings.Repeat("*a", 1000)
	list := `"` + strings.Repeat(`s3:a","`, 15000) + `s3:GetObject"`
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"a thousand stars", statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::` + stars + `b"`), true},
		{"a thousand stars in a row", statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::` + strings.Repeat("*", 1000) + `b"`), true},
		{"a thousand stars in a condition", conditionOf(`"StringLike":{"aws:UserAgent":"` + stars + `${aws:username}"}`), true},
		{"many actions", statementOf(`"Effect":"Allow","Resource":"*","Action":[` + list + `]`), true},
		{"many statements", `{"Statement":[` + strings.Repeat(`{"Effect":"Allow","Action":"s3:a","Resource":"*"},`, 2000) + `{` + allowAll + `}]}`, true},
		{"many members", `{` + strings.Repeat(`"":1,`, 100) + `"Statement":[]}`, false},
		{"too long", `{"Id":"` + strings.Repeat("x", MaxBytes) + `"}`, false},
		{"lists without end", strings.Repeat("[", MaxBytes), false},
		{"objects without end", strings.Repeat(`{"Statement":`, 9000), false},
		{"NUL", "{\x00}", false},
		{"NUL after the document", statementOf(allowAll) + "\x00", false},
		{"invalid UTF-8", statementOf(`"Sid":"` + "\xff" + `",` + allowAll), false},
		{"the replacement character itself", conditionOf(`"StringLike":{"aws:UserAgent":"` + "\uFFFD" + `"}`), true},
		{"a byte order mark", "\uFEFF" + statementOf(allowAll), false},
	}
	r := Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + strings.Repeat("a", 2000) + "c",
		Context: contextOf("aws:UserAgent", strings.Repeat("a", 2000)+"c", "aws:username", "b")}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse(Identity, []byte(tt.text), Options{})
			if (err == nil) != tt.ok {
				t.Fatalf("Parse = %v, want ok %v", err, tt.ok)
			}
			if tt.ok {
				Evaluate(Layers{Identity: []*Document{d}}, &r)
			}
		})
	}
}

// TestLongPolicies counts allocations of parsing long documents: a reader that copies its
// text again for every character would take minutes. The test is not parallel, since
// others' allocations would count.
func TestLongPolicies(t *testing.T) {
	const length = 100_000
	var keys strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&keys, `"k:%d":"",`, i)
	}
	tests := []struct {
		name, text string
		limit      float64
	}{
		{"dollar signs", conditionOf(`"StringLike":{"k:x":"` + strings.Repeat("$", length) + `"}`), 200},
		{"stars that are text", conditionOf(`"StringEquals":{"k:x":"` + strings.Repeat("*?", length/2) + `"}`), 200},
		{"literal stars", conditionOf(`"StringLike":{"k:x":"` + strings.Repeat("${*}", length/4) + `"}`), 200},
		{"escapes", conditionOf(`"StringLike":{"k:x":"` + strings.Repeat(`\n`, length/2) + `"}`), 200},
		{"keys", conditionOf(`"StringEquals":{` + keys.String() + `"k:x":""}`), 80_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(1, func() { mustParse(t, Identity, tt.text).ContextKeys() }); n > tt.limit {
				t.Errorf("%v allocations, want at most %v", n, tt.limit)
			}
		})
	}
}

// TestUnreadableDenies puts a document that cannot be read into each layer.
func TestUnreadableDenies(t *testing.T) {
	t.Parallel()
	allow := mustParse(t, Identity, statementOf(allowAll))
	resource := mustParse(t, Resource, statementOf(`"Principal":"*",`+allowAll))
	trust := mustParse(t, Trust, statementOf(`"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"`))
	root := Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:root"}
	for name, d := range map[string]*Document{"unreadable": Unreadable("p"), "nil": nil, "identity": allow, "resource": resource, "trust": trust} {
		for layer, set := range []func(*Layers){
			func(l *Layers) { l.Identity = append(l.Identity, d) },
			func(l *Layers) { l.Boundary = append(l.Boundary, d) },
			func(l *Layers) { l.Session = append(l.Session, d) },
			func(l *Layers) { l.Resource = append(l.Resource, d) },
			func(l *Layers) { l.Trust = append(l.Trust, d) },
		} {
			if d != nil && !d.unreadable && Layer(layer).accepts(d.kind) {
				continue
			}
			l := Layers{Identity: []*Document{allow}, Resource: []*Document{resource}, Trust: []*Document{trust}}
			set(&l)
			got := Evaluate(l, &Request{Action: "sts:AssumeRole", Resource: "*", Principal: root})
			if got.Decision != ExplicitDeny || got.Layer != Layer(layer) || got.Document != d {
				t.Errorf("%s in layer %d: %+v", name, layer, got)
			}
			Explain(l, &Request{Action: "sts:AssumeRole", Resource: "*", Principal: root})
		}
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	const text = "{\n" + `  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "é", "Effect": "Allow", "Principal": {"AWS": ["111122223333", "AROAEXAMPLEUPLOADER01"]}, "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/${aws:username, 'x'}"},
    {
      "Effect": "Deny", "NotPrincipal": {"Service": "lambda.amazonaws.com"}, "Action": "s3:*", "Resource": "*",
      "Condition": {"StringEquals": {"s3:prefix": "${AWS:Username}", "S3:Prefix": "a b"}}
    }
  ]
}`
	d, err := Parse(Resource, []byte(text), Options{Name: "bucket"})
	if err != nil {
		t.Fatal(err)
	}
	if d.Kind() != Resource || d.Name() != "bucket" || d.Len() != 2 || d.Text() != text {
		t.Errorf("kind %d, name %q, %d statements", d.Kind(), d.Name(), d.Len())
	}
	for i, want := range [][2]Position{{{4, 5}, {4, 173}}, {{5, 5}, {8, 6}}} {
		text, start, end := d.Statement(i)
		if start != want[0] || end != want[1] || text[0] != '{' || text[len(text)-1] != '}' {
			t.Errorf("statement %d from %v to %v, want %v: %s", i, start, end, want, text)
		}
	}
	if want := []string{"aws:username", "s3:prefix"}; !slices.Equal(d.ContextKeys(), want) {
		t.Errorf("keys %q, want %q", d.ContextKeys(), want)
	}
	if want := []PrincipalRef{{"AWS", "111122223333"}, {"AWS", "AROAEXAMPLEUPLOADER01"}, {"Service", "lambda.amazonaws.com"}}; !slices.Equal(d.Principals(), want) {
		t.Errorf("principals %v, want %v", d.Principals(), want)
	}
	if got, want := Size("{\"é\":\t\"a b\"}\r\n"), 10; got != want {
		t.Errorf("size %d, want %d", got, want)
	}
	if got := d.Unmatched([]string{"s3:GetObject", "s3:PutObject"}); got != "" {
		t.Errorf("unmatched %q", got)
	}
	if got := d.Unmatched([]string{"s3:PutObject"}); got != "s3:Get*" {
		t.Errorf("unmatched %q, want s3:Get*", got)
	}
}

// TestExplain shows where the deciding statements are, and what the layers say apart.
func TestExplain(t *testing.T) {
	t.Parallel()
	l := Layers{
		Identity: []*Document{mustParse(t, Identity, "{\"Version\":\"2012-10-17\",\n\"Statement\":[{\"Sid\":\"a\","+allowAll+"}]}")},
		Boundary: []*Document{mustParse(t, Boundary, statementOf(`"Effect":"Allow","Action":"sqs:*","Resource":"*"`))},
	}
	x := Explain(l, &Request{Action: "s3:GetObject", Resource: object1})
	if x.Decision != ImplicitDeny || x.Layer != BoundaryLayer || x.Document != nil || x.Index != -1 {
		t.Errorf("result %+v", x.Result)
	}
	if len(x.Decisions) != 2 || x.Decisions[IdentityLayer] != Allow || x.Decisions[BoundaryLayer] != ImplicitDeny {
		t.Errorf("layers %v", x.Decisions)
	}
	want := Match{Layer: IdentityLayer, Document: l.Identity[0], Sid: "a", Start: Position{2, 14}, End: Position{2, 70}}
	if len(x.Matches) != 1 || x.Matches[0] != want {
		t.Errorf("matches %+v, want %+v", x.Matches, want)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	var c Context
	c.Set("s3:prefix", "a")
	c.Set("AWS:TagKeys", "b")
	c.Add("aws:tagkeys", "c", "d")
	c.Set("aws:empty")
	if got := c.Get("aws:TAGKEYS"); !slices.Equal(got, []string{"b", "c", "d"}) {
		t.Errorf("aws:TagKeys = %q", got)
	}
	var names []string
	for name, values := range c.All() {
		names = append(names, fmt.Sprint(name, values))
	}
	if want := []string{"s3:prefix[a]", "aws:tagkeys[b c d]"}; !slices.Equal(names, want) {
		t.Errorf("All = %q, want %q", names, want)
	}
	shared := c
	c.Add("s3:prefix", "x")
	if got := shared.Get("s3:prefix")[0]; got != "a" {
		t.Errorf("s3:prefix = %q", got)
	}
}

// naive is the wildcard rule in its shortest form, too slow to use. The only variable
// is ${v}.
func naive(p, s, v string) bool {
	switch {
	case p == "":
		return s == ""
	case strings.HasPrefix(p, "${v}"):
		return strings.HasPrefix(s, v) && naive(p[4:], s[len(v):], v)
	case strings.HasPrefix(p, "${"): // ${*}, ${?}, ${$}
		return s != "" && s[0] == p[2] && naive(p[4:], s[1:], v)
	case p[0] == '*':
		return naive(p[1:], s, v) || s != "" && naive(p, s[runeLen(s):], v)
	case s == "":
		return false
	case p[0] == '?':
		return naive(p[1:], s[runeLen(s):], v)
	}
	n := runeLen(p)
	return strings.HasPrefix(s, p[:n]) && naive(p[n:], s[n:], v)
}

func TestPatternIsTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "é", "*", "?", "${v}", "${*}", "${?}"}), 0, 8).Draw(t, "pattern")
		p := strings.Join(pieces, "")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abé*?")), 0, 9, -1).Draw(t, "text")
		v := rapid.StringOfN(rapid.SampledFrom([]rune("abé*")), 0, 2, -1).Draw(t, "value")
		q, err := parsePattern(p, syntax{wild: true, vars: true})
		if err != nil {
			t.Fatal(err)
		}
		c := contextOf("v", v)
		if got, want := q.match(s, &c), naive(p, s, v); got != want {
			t.Fatalf("%q with %q matches %q = %v, want %v", p, v, s, got, want)
		}
	})
}

// TestDenyAlwaysWins adds a denying statement that matches to any policies, in
// any place; and shows that documents' order and splitting change nothing.
func TestDenyAlwaysWins(t *testing.T) {
	t.Parallel()
	action := rapid.SampledFrom([]string{"*", "s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "sts:*"})
	resource := rapid.SampledFrom([]string{"*", object1, "arn:aws:s3:::amzn-*", "arn:aws:s3:::other/*"})
	statement := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(`{"Effect":%q,%q:%q,%q:%q}`, rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"),
			rapid.SampledFrom([]string{"Action", "NotAction"}).Draw(t, "a"), action.Draw(t, "action"),
			rapid.SampledFrom([]string{"Resource", "NotResource"}).Draw(t, "r"), resource.Draw(t, "resource"))
	})
	parse := func(t *rapid.T, statements ...string) *Document {
		d, err := Parse(Identity, []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	decide := func(l Layers) Decision {
		return Evaluate(l, &Request{Action: "s3:GetObject", Resource: object1}).Decision
	}
	rapid.Check(t, func(t *rapid.T) {
		statements := rapid.SliceOfN(statement, 1, 6).Draw(t, "statements")
		together := decide(Layers{Identity: []*Document{parse(t, statements...)}})
		var apart []*Document
		for _, s := range rapid.Permutation(statements).Draw(t, "order") {
			apart = append(apart, parse(t, s))
		}
		if got := decide(Layers{Identity: apart}); got != together {
			t.Fatalf("apart %v, together %v", got, together)
		}
		if got := decide(Layers{Identity: apart, Boundary: apart, Session: apart}); got != together {
			t.Fatalf("in three layers %v, in one %v", got, together)
		}
		deny := []*Document{parse(t, `{"Effect":"Deny","Action":"s3:getobject","Resource":"`+object1+`"}`)}
		for _, l := range []Layers{{Identity: append(apart, deny...)}, {Identity: apart, Boundary: deny}, {Identity: apart, Session: deny}} {
			if got := decide(l); got != ExplicitDeny {
				t.Fatalf("with a matching Deny: %v", got)
			}
		}
	})
}
