package trail

import (
	"encoding/json"
	"flag"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/api/sts"
)

// structures returns the inputs and outputs of every operation of every service, found as the
// methods of the generated Service interfaces.
func structures() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, service := range []reflect.Type{
		reflect.TypeFor[idp.Service](), reflect.TypeFor[identity.Service](), reflect.TypeFor[sts.Service](), reflect.TypeFor[iamapi.Service](),
	} {
		for method := range service.Methods() {
			m := method.Type
			for _, t := range []reflect.Type{m.In(1), m.Out(0)} {
				if t.Kind() == reflect.Pointer {
					all[path.Base(t.Elem().PkgPath())+"."+t.Elem().Name()] = t.Elem()
				}
			}
		}
	}
	return all
}

var update = flag.Bool("update", false, "write testdata/shown.txt")

// TestShownMembers lists the members with free text that records show. A member that a new model
// adds fails the test until somebody has decided whether records may show it.
func TestShownMembers(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == typeTime || seen[t] {
			return
		}
		seen[t] = true
		for f := range t.Fields() {
			if ruleOf(t, f) != keep {
				continue
			}
			if holdsText(f.Type) {
				shown[path.Base(t.PkgPath())+"."+f.Name] = true
			}
			walk(f.Type)
		}
	}
	for _, s := range structures() {
		walk(s)
	}
	names := make([]string, 0, len(shown))
	for name := range shown {
		names = append(names, name)
	}
	slices.Sort(names)
	got := strings.Join(names, "\n") + "\n"
	const file = "testdata/shown.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("records show other members than %s lists. Decide by the table of rules, then run this test with -update.\n%s", file, difference(string(want), got))
	}
}

func difference(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, s := range g {
		if !slices.Contains(w, s) {
			b.WriteString("+ " + s + "\n")
		}
	}
	for _, s := range w {
		if !slices.Contains(g, s) {
			b.WriteString("- " + s + "\n")
		}
	}
	return b.String()
}

// holdsText reports whether a type is free text, or a list or a map of it. Enums are no free text.
func holdsText(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return t != typeDocument && t.Elem().Kind() != reflect.Uint8 && holdsText(t.Elem())
	case reflect.String:
		return t == reflect.TypeFor[string]()
	}
	return false
}

// secretNames are the members whose values this test marks, whatever the table of rules says.
var secretNames = []string{
	"Username", "Password", "PreviousPassword", "ProposedPassword", "TemporaryPassword", "AuthParameters", "ChallengeResponses", "SecretHash",
	"ConfirmationCode", "Code", "Session", "AccessToken", "RefreshToken", "IdToken", "Token", "UserCode", "SecretCode", "ClientMetadata",
	"ClientSecret", "SecretKey", "SecretAccessKey", "SessionToken", "WebIdentityToken", "SAMLAssertion", "PrivateKey", "Logins", "Filter",
	"DeveloperUserIdentifier", "EncodedData", "IpAddress", "PasswordVerifier", "Salt", "DeviceName", "Destination", "ProviderDetails",
	"FeedbackToken", "TokenCode", "NextToken", "PreSignedUrl", "SourceUserIdentifier", "DestinationUserIdentifier",
}

// TestEveryStructure fills every input and output of every operation, and wants no marked value in
// what a record shows.
func TestEveryStructure(t *testing.T) {
	t.Parallel()
	const mark = "SECRETMARK"
	for name, s := range structures() {
		v := reflect.New(s)
		fill(v.Elem(), mark, 0)
		var x redactor
		got := string(x.redact(v.Interface(), "requestParameters"))
		if strings.Contains(got, mark) {
			t.Errorf("%s shows a secret: %s", name, got)
		}
		if got != "" && !json.Valid([]byte(got)) {
			t.Errorf("%s: not JSON: %s", name, got)
		}
	}
}

// fill sets every field: those with the name of a secret, and the values of attributes, to a text
// with the mark.
func fill(v reflect.Value, mark string, depth int) {
	if depth > 8 {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), mark, depth+1)
	case reflect.Struct:
		if v.Type() == typeTime {
			v.Set(reflect.ValueOf(time.Unix(1e9, 0)))
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			secret := slices.Contains(secretNames, f.Name) || f.Name == "Value" && strings.HasPrefix(v.Type().Name(), "AttributeType")
			if f.Name == "ChallengeResponses" && f.Type.Kind() != reflect.Map {
				secret = false // Of the history of sign-ins: results, without the answers.
			}
			if secret {
				fillText(v.Field(i), mark)
				continue
			}
			fill(v.Field(i), mark, depth+1)
		}
	case reflect.Slice:
		if v.Type() == typeDocument {
			v.Set(reflect.ValueOf(json.RawMessage(`{"a":"` + mark + `"}`)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(mark))
			return
		}
		fill(v.Index(0), mark, depth+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, mark, depth+1)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
	case reflect.String:
		v.SetString("shown")
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// fillText sets every text below a field to the mark.
func fillText(v reflect.Value, mark string) {
	fill(v, mark, 0)
	var set func(reflect.Value)
	set = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			set(v.Elem())
		case reflect.String:
			v.SetString(mark)
		case reflect.Slice:
			if v.Type().Elem().Kind() != reflect.Uint8 {
				for i := range v.Len() {
					set(v.Index(i))
				}
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				value := reflect.New(v.Type().Elem()).Elem()
				value.Set(v.MapIndex(k))
				set(value)
				v.SetMapIndex(k, value)
			}
		case reflect.Struct:
			if v.Type() != typeTime {
				for _, field := range v.Fields() {
					set(field)
				}
			}
		}
	}
	set(v)
}

func TestMessages(t *testing.T) {
	t.Parallel()
	in := &idp.AdminGetUserRequest{UserPoolId: "us-east-1_a", Username: "al"}
	long := &idp.AdminGetUserRequest{UserPoolId: "us-east-1_a", Username: "alice@example.com"}
	for _, tt := range []struct {
		name    string
		in      any
		text    string
		decoded bool
		want    string
	}{
		{"a hidden value", long, "User alice@example.com is unknown", true, "User " + Hidden + " is unknown"},
		{"a short one in a word", in, "an alias of al.", true, "an alias of " + Hidden + "."},
		{"constraints", nil, "2 validation errors detected: Value 'x' at 'a' failed to satisfy constraint: m; Value 'a' at 'b' failed to satisfy constraint: n", false,
			"2 validation errors detected: Value at 'b' failed to satisfy constraint: n"},
		{"a denial", in, "not allowed because Encoded authorization failure message: abc", true, "not allowed because"},
		{"no text", in, "a\x00b\xff", true, "a\uFFFDb\uFFFD"},
	} {
		var x redactor
		if tt.in != nil {
			x.redact(tt.in, "")
		}
		if got := x.message(tt.text, tt.decoded); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestReadOnly wants each operation that only reads to be one by its name, and the others not.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		op             *api.Operation
		readOnly, must bool
	}{
		{idp.Operations["AdminGetUser"], true, false},
		{idp.Operations["AdminCreateUser"], false, true},
		{idp.Operations["InitiateAuth"], false, false},
		{idp.Operations["AdminInitiateAuth"], false, false},
		{idp.Operations["GetTokensFromRefreshToken"], false, false},
		{idp.Operations["SignUp"], false, false},
		{identity.Operations["GetId"], false, false},
		{identity.Operations["DeleteIdentities"], false, true},
		{sts.Operations["AssumeRole"], true, false},
		{iamapi.Operations["CreateRole"], false, true},
		{iamapi.Operations["SimulateCustomPolicy"], true, false},
	} {
		if isReadOnly(tt.op) != tt.readOnly || mustRecord(tt.op) != tt.must {
			t.Errorf("%s: read only %v, must be recorded %v", tt.op.Action(), isReadOnly(tt.op), mustRecord(tt.op))
		}
	}
}

func TestEventIDs(t *testing.T) {
	t.Parallel()
	for range 100 {
		chain, seq := newChain(), int64(1)<<55-newChain()>>8
		id := EventID(chain, seq)
		c, s, ok := parseEventID(id)
		if !ok || c != chain || s != seq || len(id) != 36 || id[14] != '8' || id[19] != '8' {
			t.Fatalf("%x %x: %s is %x %x, %v", chain, seq, id, c, s, ok)
		}
	}
	for _, id := range []string{"", "x", strings.Repeat("0", 36), "00000000-0000-4000-8000-000000000001", "0000000G-0000-8000-8000-000000000001", "0000000A-0000-8000-8000-000000000001"} {
		if _, _, ok := parseEventID(id); ok {
			t.Errorf("%q is taken for an id", id)
		}
	}
}
