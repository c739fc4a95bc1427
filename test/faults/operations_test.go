package faults_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// model is what the interface tables say.
type model struct {
	Operations map[string]struct{ Input string }
	Shapes     map[string]shape
}

type shape struct {
	Type     string
	Required []string
	Members  map[string]struct{ Shape string }
	Member   string
	Key      string
	Value    string
	Enum     []string
}

func readModel(t *testing.T) model {
	t.Helper()
	text, err := os.ReadFile("../../internal/api/tables/cognito-idp.json")
	if err != nil {
		t.Fatal(err)
	}
	var m model
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Operations) != 140 {
		t.Fatalf("%d operations", len(m.Operations))
	}
	return m
}

// operations lists them, those that delete last.
func (m model) operations() []string {
	names := slices.Sorted(maps.Keys(m.Operations))
	slices.SortStableFunc(names, func(a, b string) int {
		last := func(s string) int {
			if strings.Contains(s, "Delete") {
				return 1
			}
			return 0
		}
		return last(a) - last(b)
	})
	return names
}

// senseless bodies mean nothing to any operation that wants input.
var senseless = []string{
	"", " ", "\x00", "null", "true", "0", `""`, "[]", "[{}]", "{", "}", `{"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{,}`, "{}{}", "{} x",
	`{'a':1}`, `{a:1}`, "{\"\xff\":1}", `{"UserPoolId":"` + "\xc3\x28" + `"}`, "\xef\xbb\xbf{}", "\xff\xfe{\x00}\x00", `{"a":NaN}`, `{"a":01}`, `{"a":1e}`,
	`{"a":"\x"}`, `{"a":"\u12"}`, "{\"a\":\"\n\"}",
	strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `{"a":` + strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000) + "}",
	"<xml/>", "a=b&c=d", "{\"a\":/**/1}",
}

// TestSenselessBodies sends every operation what is no input, and wants a
// refusal of the right shape and nothing stored.
func TestSenselessBodies(t *testing.T) {
	t.Parallel()
	m := readModel(t)
	n := start(t, dev(t))
	n.newApp(t, n.newPool(t))
	before := dump(t, n.config)
	for _, operation := range m.operations() {
		for _, body := range senseless {
			// An empty body and {} are the same, and enough for an operation that requires nothing.
			if a := n.send(t, operation, []byte(body)); a.Status != http.StatusBadRequest && !(a.Status == http.StatusOK && body == "") {
				t.Errorf("%s %.40q: %v", operation, body, a)
			} else if a.Status == http.StatusBadRequest && a.text("message")+a.text("Message") == "" && a.Code != "SerializationException" {
				t.Errorf("%s %.40q: no message: %v", operation, body, a)
			}
		}
	}
	n.quiet(t)
	if diff := cmp.Diff(before, dump(t, n.config)); diff != "" {
		t.Errorf("something was stored: %s", diff)
	}
}

// hostile returns values of a JSON type that break programs which believe them.
var hostile = map[string][]any{
	"string": {
		"", "a", "\x00", "a\x00b", "\u202egnp.exe", "\uffff", "👩‍👩‍👧‍👦", "'; DROP TABLE users; --", `" = "" or status = "`, "../../../../etc/passwd",
		"%s%n%x", "${jndi:ldap://x}", "<script>alert(1)</script>", "{####}", "a\r\nBcc: eve@example.com", strings.Repeat("a", 300_000),
		strings.Repeat("\u0301", 3000), json.RawMessage(`"\ud800"`), json.RawMessage(`"\udc00\ud800"`), "-1", "null",
	},
	"integer":   {-1, 0, 1, 2147483647, -2147483648, int64(99999999999), json.RawMessage("1e400"), json.RawMessage("0.5"), json.RawMessage("-0"), json.RawMessage(strings.Repeat("9", 5000))},
	"long":      {-1, 0, json.RawMessage("9223372036854775807"), json.RawMessage("9223372036854775808"), json.RawMessage("1.0")},
	"boolean":   {true, false, "true", 1},
	"timestamp": {0, -1, json.RawMessage("1e300"), json.RawMessage("-1e18"), "2020-01-01T00:00:00Z", json.RawMessage("253402300800")},
	"blob":      {"", "====", "AAAA", "!!!!", strings.Repeat("A", 100_000)},
}

const hostileRounds = 21

// crafted makes an input of the right shape around a hostile value. known are the
// members whose value is to be right, so that the rest is looked at.
func (m model) crafted(name string, round, depth int, known object) any {
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		if depth > 5 {
			return object{}
		}
		out := object{}
		for _, member := range slices.Sorted(maps.Keys(s.Members)) {
			if v, ok := known[member]; ok && depth == 0 {
				out[member] = v
				continue
			}
			// Later rounds leave out what is not required, so that one fault does not hide the next.
			if round%3 == 2 && !slices.Contains(s.Required, member) {
				continue
			}
			out[member] = m.crafted(s.Members[member].Shape, round, depth+1, known)
		}
		return out
	case "list":
		if depth > 5 || round%7 == 3 {
			return []any{}
		}
		out := make([]any, 1)
		if round%7 == 4 {
			out = make([]any, 60)
		}
		for i := range out {
			out[i] = m.crafted(s.Member, round, depth+1, known)
		}
		return out
	case "map":
		key, ok := m.crafted(s.Key, round, depth+1, known).(string)
		if !ok {
			key = "k"
		}
		return object{key: m.crafted(s.Value, round, depth+1, known)}
	case "string":
		if len(s.Enum) > 0 && round%2 == 0 {
			return s.Enum[round%len(s.Enum)]
		}
	}
	values := hostile[s.Type]
	return values[round%len(values)]
}

// TestHostileInput sends every operation well-formed input full of hostile
// values, for a pool, a client and a user that exist. Refused or done: both are
// right, but no fault of the server.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		m := readModel(t)
		pool := n.newPool(t)
		app := n.newApp(t, pool)
		n.newUser(t, pool, "witness")
		for _, operation := range m.operations() {
			if strings.HasPrefix(operation, "DeleteUserPool") {
				continue // It would succeed; the rest of the row is TestSenselessBodies.
			}
			n.hostileRow(t, m, operation, pool, app)
		}
		n.quiet(t)
		n.call(t, "UpdateUserPoolClient", object{"UserPoolId": pool, "ClientId": app, "ExplicitAuthFlows": []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})
		if a := n.signIn(t, app, "witness", password); a.Status != http.StatusOK {
			t.Errorf("the server is not well: %v", a)
		}
	})
}

func (n *node) hostileRow(t *testing.T, m model, operation, pool, app string) {
	t.Helper()
	name := "u-" + strings.ToLower(operation)
	n.newUser(t, pool, name)
	input := m.Operations[operation].Input
	known := object{"UserPoolId": pool, "ClientId": app, "Username": name}
	if _, ok := m.Shapes[input].Members["AccessToken"]; ok {
		if a := n.signIn(t, app, name, password); a.Status == http.StatusOK {
			known["AccessToken"] = a.text("AuthenticationResult", "AccessToken")
		}
	}
	for round := range hostileRounds {
		with := maps.Clone(known)
		if round%5 == 4 {
			delete(with, "Username")
		}
		body, err := json.Marshal(m.crafted(input, round, 0, with))
		if err != nil {
			t.Fatal(err)
		}
		switch a := n.send(t, operation, body); a.Status {
		case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		default:
			t.Errorf("%s %.500s: %v", operation, body, a)
		}
	}
}

// TestDuplicateAndMisspeltMembers wants exact names: what is written in another
// case is another member, which no operation knows.
func TestDuplicateAndMisspeltMembers(t *testing.T) {
	t.Parallel()
	n := start(t, dev(t))
	pool := n.newPool(t)
	app := n.newApp(t, pool)
	before := dump(t, n.config)
	for _, tt := range []struct{ name, body, code string }{
		{"wrong case", `{"clientid":%q,"username":"m","password":"Correct-horse-1"}`, "InvalidParameterException"},
		{"capitals", `{"CLIENTID":%q,"USERNAME":"m","PASSWORD":"Correct-horse-1"}`, "InvalidParameterException"},
		{"letters that fold", `{"C\u017FlientId":%q,"U\u017Fername":"m","Pa\u017F\u017Fword":"Correct-horse-1"}`, "InvalidParameterException"},
		{"type of a member", `{"ClientId":%q,"Username":["m"],"Password":"Correct-horse-1"}`, "SerializationException"},
		{"number for text", `{"ClientId":%q,"Username":1,"Password":"Correct-horse-1"}`, "SerializationException"},
		{"text for a list", `{"ClientId":%q,"Username":"m","Password":"Correct-horse-1","UserAttributes":"email"}`, "SerializationException"},
		{"object for a list", `{"ClientId":%q,"Username":"m","Password":"Correct-horse-1","UserAttributes":{"Name":"email"}}`, "SerializationException"},
	} {
		if a := n.send(t, "SignUp", fmt.Appendf(nil, tt.body, app)); a.Code != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, a, tt.code)
		}
	}
	if diff := cmp.Diff(before, dump(t, n.config)); diff != "" {
		t.Errorf("something was stored: %s", diff)
	}
	// Whichever of two members counts, the other must not: no name that was checked
	// may differ from the name that is used.
	a := n.send(t, "SignUp", fmt.Appendf(nil, `{"ClientId":%q,"Username":"first","Password":"Correct-horse-1","Username":"second"}`, app))
	users := n.must(t, "ListUsers", object{"UserPoolId": pool}).Text
	if a.Status == http.StatusOK && strings.Contains(users, `"first"`) == strings.Contains(users, `"second"`) {
		t.Errorf("two names: %v %s", a, users)
	}
}
