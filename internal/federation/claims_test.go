package federation_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cognate/internal/federation"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, claim, want string
		absent            bool
	}{
		{name: "text", claim: `"Ann Lee"`, want: "Ann Lee"},
		{name: "text that looks like a list", claim: `"[a,b]"`, want: "[a,b]"},
		{name: "blank", claim: `""`, want: ""},
		{name: "null", claim: `null`, absent: true},
		{name: "true", claim: `true`, want: "true"},
		{name: "false", claim: `false`, want: "false"},
		{name: "integer", claim: `1605522871216`, want: "1605522871216"},
		{name: "large integer", claim: `12345678901234567890123`, want: "12345678901234567890123"},
		{name: "fraction", claim: `1.50`, want: "1.50"},
		{name: "no value", claim: `[]`, want: ""},
		{name: "one value", claim: `["a b"]`, want: "a b"},
		{name: "one value and null", claim: `[null,"a&b"]`, want: "a&b"},
		{name: "values", claim: `["admin","user"]`, want: "[admin,user]"},
		{name: "values that need encoding", claim: `["a b","c,d","e.-*_f","g~h","ä","[i]"]`, want: "[a+b,c%2Cd,e.-*_f,g%7Eh,%C3%A4,%5Bi%5D]"},
		{name: "numbers and booleans", claim: `[1,true]`, want: "[1,true]"},
		{name: "objects", claim: `[{"a":1},{"b":2}]`, want: "[%7B%22a%22%3A1%7D,%7B%22b%22%3A2%7D]"},
		{name: "object", claim: `{"data":{"url":"https://a.example/?x=1&y=<2>"}}`, want: `{"data":{"url":"https://a.example/?x=1&y=<2>"}}`},
		{name: "list in a list", claim: `[["a","b"],"c"]`, want: "[%5B%22a%22%2C%22b%22%5D,c]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := json.NewDecoder(strings.NewReader(test.claim))
			d.UseNumber()
			var value any
			if err := d.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if got, ok := federation.Text(value); got != test.want || ok == test.absent {
				t.Errorf("%q, %v", got, ok)
			}
		})
	}
	for name, test := range map[string]struct {
		value any
		want  string
	}{"strings": {[]string{"a", "b c"}, "[a,b+c]"}, "float": {float64(12345678), "12345678"}} {
		if got, _ := federation.Text(test.value); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestVerified(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		value any
		want  bool
	}{
		{"true", true, true}, {"text", "true", true},
		{"false", false, false}, {"text false", "false", false}, {"absent", nil, false}, {"blank", "", false},
		{"capital", "True", false}, {"number", json.Number("1"), false}, {"text number", "1", false}, {"list", []any{true}, false}, {"spaces", " true", false},
	} {
		if got := federation.Verified(test.value); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
