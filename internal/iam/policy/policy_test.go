package policy

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const pool = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_AbCdEfGhI"

var keys = map[string]bool{
	"aws:sourceip": true, "aws:username": true, "aws:currenttime": true, "aws:securetransport": true,
	"aws:principalarn": true, "aws:tagkeys": true, "aws:number": true, "aws:blob": true, "aws:resourcetag/stage": true,
}

func anyKey(key string) bool { return keys[key] }

func statementOf(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

func conditionOf(body string) string {
	return statementOf(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + body + `}`)
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	const get = "cognito-idp:AdminGetUser"
	tests := []struct {
		name     string
		policies []string
		action   string
		resource string
		want     Decision
	}{
		{name: "no policy", want: ImplicitDeny},
		{name: "all", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"*"`)}, want: Allow},
		{name: "a single statement that is no list", policies: []string{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}, want: Allow},
		{name: "service wildcard", policies: []string{statementOf(`"Effect":"Allow","Action":"cognito-idp:*","Resource":"*"`)}, want: Allow},
		{name: "action compares without case", policies: []string{statementOf(`"Effect":"Allow","Action":"Cognito-IDP:adminGET*","Resource":"*"`)}, want: Allow},
		{name: "another action", policies: []string{statementOf(`"Effect":"Allow","Action":["cognito-idp:AdminGetUsers","cognito-idp:AdminGet"],"Resource":"*"`)}, want: ImplicitDeny},
		{name: "question mark is one letter", policies: []string{statementOf(`"Effect":"Allow","Action":"cognito-idp:AdminGetUs??","Resource":"*"`)}, want: Allow},
		{name: "pool", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"` + pool + `"`)}, want: Allow},
		{name: "another pool", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"` + pool + `x"`)}, want: ImplicitDeny},
		{name: "pool in other case", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"` + strings.ToUpper(pool[10:]) + `"`)}, want: 99},
		{name: "pool wildcard", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:123456789012:userpool/us-east-1_*"`)}, want: Allow},
		{name: "a wildcard does not reach over a colon", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*::userpool/us-east-1_AbCdEfGhI"`)}, want: ImplicitDeny},
		{name: "a pool's ARN does not allow what is about no pool", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:*:userpool/*"`)}, action: "cognito-idp:ListUserPools", resource: "*", want: ImplicitDeny},
		{name: "deny wins", policies: []string{
			statementOf(`"Effect":"Deny","Action":"cognito-idp:Admin*","Resource":"*"`),
			statementOf(`"Effect":"Allow","Action":"*","Resource":"*"`)}, want: ExplicitDeny},
		{name: "deny wins, in the other order", policies: []string{
			statementOf(`"Effect":"Allow","Action":"*","Resource":"*"`),
			statementOf(`"Effect":"Deny","Action":"cognito-idp:Admin*","Resource":"*"`)}, want: ExplicitDeny},
		{name: "NotAction", policies: []string{statementOf(`"Effect":"Allow","NotAction":"cognito-idp:Delete*","Resource":"*"`)}, want: Allow},
		{name: "NotAction lists it", policies: []string{statementOf(`"Effect":"Allow","NotAction":"cognito-idp:Admin*","Resource":"*"`)}, want: ImplicitDeny},
		{name: "NotResource", policies: []string{statementOf(`"Effect":"Deny","Action":"*","NotResource":"` + pool + `"`), statementOf(`"Effect":"Allow","Action":"*","Resource":"*"`)}, want: Allow},
		{name: "NotResource of another", policies: []string{statementOf(`"Effect":"Deny","Action":"*","NotResource":"` + pool + `x"`), statementOf(`"Effect":"Allow","Action":"*","Resource":"*"`)}, want: ExplicitDeny},
		{name: "variable in the resource", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:*:userpool/us-east-1_${aws:username}"`)}, want: Allow},
		{name: "a variable's value is no wildcard", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:*:userpool/${aws:principalarn}"`)}, want: ImplicitDeny},
		{name: "variables are text in the older version", policies: []string{`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:*:userpool/us-east-1_${aws:username}"}}`}, want: ImplicitDeny},
		{name: "a variable's default", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:*:userpool/us-east-1_${aws:number, 'AbCdEfGhI'}"`)}, want: Allow},
		{name: "a variable without a value", policies: []string{statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:cognito-idp:*:*:userpool/us-east-1_${aws:number}"`)}, want: ImplicitDeny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var documents []*Document
			for _, p := range tt.policies {
				d, err := Parse([]byte(p), anyKey)
				if tt.want == 99 {
					if err == nil {
						t.Fatal("Parse took what is no ARN")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				documents = append(documents, d)
			}
			r := Request{Action: get, Resource: pool, Context: Context{"aws:username": {"AbCdEfGhI"}, "aws:principalarn": {"*"}}}
			if tt.action != "" {
				r.Action, r.Resource = tt.action, tt.resource
			}
			if got := Evaluate(documents, r); got != tt.want {
				t.Errorf("Evaluate = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	present := Context{
		"aws:sourceip": {"203.0.113.7"}, "aws:username": {"alice"}, "aws:currenttime": {"2026-11-21T10:00:00Z"},
		"aws:securetransport": {"true"}, "aws:principalarn": {"arn:aws:iam::123456789012:user/ops/alice"},
		"aws:tagkeys": {"team", "stage"}, "aws:number": {"12.5"}, "aws:blob": {"QUI="},
	}
	tests := []struct {
		name, condition string
		want            bool
	}{
		{"equals", `"StringEquals":{"aws:username":["bob","alice"]}`, true},
		{"equals is no pattern", `"StringEquals":{"aws:username":"al*"}`, false},
		{"the key compares without case", `"StringEquals":{"AWS:UserName":"alice"}`, true},
		{"the value does not", `"StringEquals":{"aws:username":"Alice"}`, false},
		{"ignore case", `"StringEqualsIgnoreCase":{"aws:username":"Alice"}`, true},
		{"not equals", `"StringNotEquals":{"aws:username":"bob"}`, true},
		{"not equals any of", `"StringNotEquals":{"aws:username":["bob","alice"]}`, false},
		{"like", `"StringLike":{"aws:username":"a*c?"}`, true},
		{"not like", `"StringNotLike":{"aws:username":"a*"}`, false},
		{"variable", `"StringLike":{"aws:principalarn":"*/${aws:username}"}`, true},
		{"literal star", `"StringLike":{"aws:username":"a${*}"}`, false},
		{"every operator must hold", `"StringEquals":{"aws:username":"alice"},"Bool":{"aws:securetransport":"false"}`, false},
		{"every key must hold", `"StringEquals":{"aws:username":"alice","aws:sourceip":"1.2.3.4"}`, false},
		{"address", `"IpAddress":{"aws:sourceip":["198.51.100.0/24","203.0.113.0/24"]}`, true},
		{"one address", `"IpAddress":{"aws:sourceip":"203.0.113.7"}`, true},
		{"another address", `"IpAddress":{"aws:sourceip":"203.0.113.8"}`, false},
		{"IPv4 block written as IPv6", `"IpAddress":{"aws:sourceip":"::ffff:203.0.113.0/120"}`, true},
		{"IPv4 block written as IPv6, of others", `"IpAddress":{"aws:sourceip":"::ffff:10.0.0.0/104"}`, false},
		{"IPv4 address written as IPv6", `"IpAddress":{"aws:sourceip":"::ffff:203.0.113.7"}`, true},
		{"all of IPv4 written as IPv6", `"IpAddress":{"aws:sourceip":"::ffff:0:0/96"}`, true},
		{"not in a block written as IPv6", `"NotIpAddress":{"aws:sourceip":"::ffff:203.0.113.0/120"}`, false},
		{"not in another block written as IPv6", `"NotIpAddress":{"aws:sourceip":"::ffff:10.0.0.0/104"}`, true},
		{"IPv6 is not IPv4", `"IpAddress":{"aws:sourceip":"::/0"}`, false},
		{"not address", `"NotIpAddress":{"aws:sourceip":"203.0.113.0/24"}`, false},
		{"date", `"DateGreaterThan":{"aws:currenttime":"2026-11-21T09:00:00+00:00"}`, true},
		{"date with another zone", `"DateLessThan":{"aws:currenttime":"2026-11-21T10:30:00+01:00"}`, false},
		{"epoch date", `"DateLessThan":{"aws:currenttime":1900000000}`, true},
		{"day", `"DateLessThanEquals":{"aws:currenttime":"2026-11-21"}`, false},
		{"bool", `"Bool":{"aws:securetransport":true}`, true},
		{"arn", `"ArnLike":{"aws:principalarn":"arn:aws:iam::*:user/ops/*"}`, true},
		{"arn wildcards stay in their part", `"ArnLike":{"aws:principalarn":"arn:aws:*:user/ops/*:x:y"}`, false},
		{"arn equals has wildcards too", `"ArnEquals":{"aws:principalarn":"arn:*:iam::123456789012:user/*"}`, true},
		{"number", `"NumericGreaterThanEquals":{"aws:number":"12.5"}`, true},
		{"numbers are not text", `"NumericEquals":{"aws:number":12.50}`, true},
		{"number below", `"NumericLessThan":{"aws:number":12.5}`, false},
		{"binary", `"BinaryEquals":{"aws:blob":"QUI="}`, true},
		{"null, present", `"Null":{"aws:username":"true"}`, false},
		{"null, absent", `"Null":{"aws:resourcetag/stage":"true"}`, true},
		{"not null", `"Null":{"aws:username":false}`, true},
		{"absent", `"StringEquals":{"aws:resourcetag/stage":"x"}`, false},
		{"absent, negated", `"StringNotEquals":{"aws:resourcetag/stage":"x"}`, true},
		{"absent, if exists", `"StringEqualsIfExists":{"aws:resourcetag/stage":"x"}`, true},
		{"present, if exists", `"StringEqualsIfExists":{"aws:username":"x"}`, false},
		{"any value", `"ForAnyValue:StringEquals":{"aws:tagkeys":["stage","cost"]}`, true},
		{"any value, absent", `"ForAnyValue:StringEquals":{"aws:resourcetag/stage":"stage"}`, false},
		{"all values", `"ForAllValues:StringEquals":{"aws:tagkeys":["stage","cost"]}`, false},
		{"all values, all listed", `"ForAllValues:StringLike":{"aws:tagkeys":["s*","t*"]}`, true},
		{"all values, absent", `"ForAllValues:StringEquals":{"aws:resourcetag/stage":"stage"}`, true},
		{"all values, negated", `"ForAllValues:StringNotEquals":{"aws:tagkeys":"cost"}`, true},
		{"any value, negated", `"ForAnyValue:StringNotEquals":{"aws:tagkeys":"team"}`, true},
		{"plain negated with several values", `"StringNotEquals":{"aws:tagkeys":"team"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse([]byte(conditionOf(tt.condition)), anyKey)
			if err != nil {
				t.Fatal(err)
			}
			got := Evaluate([]*Document{d}, Request{Action: "a:B", Resource: "*", Context: present}) == Allow
			if got != tt.want {
				t.Errorf("holds = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"nothing", ``, "not JSON"},
		{"list", `[]`, "must be a JSON object"},
		{"trailing", statementOf(`"Effect":"Allow","Action":"*","Resource":"*"`) + "{}", "follows"},
		{"no statement", `{"Version":"2012-10-17"}`, "no Statement"},
		{"empty statements", `{"Statement":[]}`, "no Statement"},
		{"version", `{"Version":"2020-01-01","Statement":[]}`, "Version"},
		{"unknown member", `{"Statment":[]}`, "no member"},
		{"unknown member of a statement", statementOf(`"Effect":"Allow","Action":"*","Resource":"*","Conditions":{}`), "no member"},
		{"member in other case", statementOf(`"effect":"Allow","Action":"*","Resource":"*"`), "no member"},
		{"member twice", statementOf(`"Effect":"Deny","Action":"*","Resource":"*","Effect":"Allow"`), "twice"},
		{"effect", statementOf(`"Effect":"allow","Action":"*","Resource":"*"`), "Effect"},
		{"no effect", statementOf(`"Action":"*","Resource":"*"`), "no Effect"},
		{"no action", statementOf(`"Effect":"Allow","Resource":"*"`), "no Action"},
		{"both actions", statementOf(`"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"`), "more than one"},
		{"empty action", statementOf(`"Effect":"Allow","Action":[],"Resource":"*"`), "empty"},
		{"action without service", statementOf(`"Effect":"Allow","Action":"AdminGetUser","Resource":"*"`), "service:Name"},
		{"service with wildcard", statementOf(`"Effect":"Allow","Action":"cognito*:X","Resource":"*"`), "service:Name"},
		{"no resource", statementOf(`"Effect":"Allow","Action":"*"`), "no Resource"},
		{"resource is no ARN", statementOf(`"Effect":"Allow","Action":"*","Resource":"us-east-1_x"`), "ARN"},
		{"short ARN", statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:*"`), "ARN"},
		{"variable in the account", statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:x:y:${aws:number}:z"`), "variable"},
		{"open variable", statementOf(`"Effect":"Allow","Action":"*","Resource":"arn:aws:x:y:1:z/${aws:username"`), "brace"},
		{"principal", statementOf(`"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"`), "principal"},
		{"sid twice", `{"Statement":[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]}`, "twice"},
		{"not JSON", "{\"Statement\": [\n  {\"Effect\": \"Allow\",}\n]}", "line 2, column 22"},
		{"not JSON, in the first line", `{"Version": 2012-10-17}`, "line 1, column 17"},
		{"not JSON, within a value", `{"Version": trie}`, "line 1, column 13"},
		{"ends too soon", "{\"Version\":\n\"2012-10-17\"", "line 2, column 13"},
		{"text after the document", "{}\n{}", "line 2"},
		{"key twice", "{\"Version\":\"2012-10-17\",\n\"Version\":\"2012-10-17\"}", "line 2, column 10"},
		{"unknown key", conditionOf(`"StringEquals":{"aws:MultiFactorAuthPresent":"true"}`), "not supported"},
		{"unknown variable", conditionOf(`"StringEquals":{"aws:username":"${aws:nothing}"}`), "not supported"},
		{"unknown operator", conditionOf(`"StringEqual":{"aws:username":"x"}`), "not supported"},
		{"no values", conditionOf(`"StringEquals":{"aws:username":[]}`), "empty"},
		{"condition value is an object", conditionOf(`"StringEquals":{"aws:username":{}}`), "values must be"},
		{"a block of IPv4 and more", conditionOf(`"IpAddress":{"aws:sourceip":"::ffff:10.0.0.0/90"}`), "0.0.0.0/0"},
		{"bad address", conditionOf(`"IpAddress":{"aws:sourceip":"10.0.0.0/33"}`), "CIDR"},
		{"bad date", conditionOf(`"DateLessThan":{"aws:currenttime":"tomorrow"}`), "date"},
		{"bad number", conditionOf(`"NumericEquals":{"aws:number":"1e9"}`), "number"},
		{"bad bool", conditionOf(`"Bool":{"aws:securetransport":"yes"}`), "true"},
		{"null with set", conditionOf(`"ForAnyValue:Null":{"aws:username":"true"}`), "Null"},
		{"too deep", `{"Statement":` + strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `}`, "deep"},
		{"too long", `{"Id":"` + strings.Repeat("x", MaxBytes) + `"}`, "longer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.text), anyKey)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse error = %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// naive is the wildcard rule in its shortest form, too slow to use.
func naive(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return naive(p[1:], s) || len(s) > 0 && naive(p, s[1:])
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && naive(p[1:], s[1:])
}

func TestPatternIsTheRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?é")), 0, 9, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.SampledFrom([]rune("abé")), 0, 9, -1).Draw(t, "text")
		q, err := parsePattern(p, true, true)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := q.match(s), naive([]rune(p), []rune(s)); got != want {
			t.Fatalf("%q matches %q = %v, want %v", p, s, got, want)
		}
	})
}

// TestDenyAlwaysWins adds a denying statement that matches to any policies, in
// any place; and shows that documents' order and splitting change nothing.
func TestDenyAlwaysWins(t *testing.T) {
	t.Parallel()
	action := rapid.SampledFrom([]string{"*", "cognito-idp:*", "cognito-idp:Admin*", "cognito-idp:AdminGetUser", "cognito-idp:SignUp", "sts:*"})
	resource := rapid.SampledFrom([]string{"*", pool, "arn:aws:cognito-idp:*:*:userpool/*", "arn:aws:cognito-idp:eu-west-1:*:userpool/*"})
	statement := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(`{"Effect":%q,%q:%q,%q:%q}`, rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"),
			rapid.SampledFrom([]string{"Action", "NotAction"}).Draw(t, "a"), action.Draw(t, "action"),
			rapid.SampledFrom([]string{"Resource", "NotResource"}).Draw(t, "r"), resource.Draw(t, "resource"))
	})
	request := Request{Action: "cognito-idp:AdminGetUser", Resource: pool}
	parse := func(t *rapid.T, statements ...string) *Document {
		d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`), anyKey)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	rapid.Check(t, func(t *rapid.T) {
		statements := rapid.SliceOfN(statement, 1, 6).Draw(t, "statements")
		together := Evaluate([]*Document{parse(t, statements...)}, request)
		var apart []*Document
		for _, s := range rapid.Permutation(statements).Draw(t, "order") {
			apart = append(apart, parse(t, s))
		}
		if got := Evaluate(apart, request); got != together {
			t.Fatalf("apart %v, together %v", got, together)
		}
		denying := append(apart, parse(t, `{"Effect":"Deny","Action":"cognito-idp:admingetuser","Resource":"`+pool+`"}`))
		if got := Evaluate(denying, request); got != ExplicitDeny {
			t.Fatalf("with a matching Deny: %v", got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(statementOf(`"Effect":"Allow","Action":["a:*"],"Resource":"arn:aws:a:b:c:d/${aws:username}"`)))
	f.Add([]byte(conditionOf(`"ForAllValues:StringLikeIfExists":{"aws:username":["a*",1,true]},"Null":{"aws:number":"true"}`)))
	f.Add([]byte(conditionOf(`"NotIpAddress":{"aws:sourceip":"::/0"},"DateLessThan":{"aws:currenttime":"2026-01-01"},"NumericEquals":{"aws:number":".5"}`)))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text, anyKey)
		if err != nil {
			return
		}
		if len(d.statements) == 0 {
			t.Fatal("a document without a statement was taken")
		}
		for _, c := range []Context{nil, {"aws:username": {"a"}, "aws:number": {"1"}, "aws:sourceip": {"::1"}, "aws:currenttime": {"2026-11-21T10:00:00Z"}}} {
			Evaluate([]*Document{d}, Request{Action: "a:B", Resource: pool, Context: c})
		}
	})
}
