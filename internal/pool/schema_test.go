package pool_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	const text = `"AttributeDataType":"String"`
	tests := []struct {
		name, entries string
		// attribute is the one to look at and shown its stored form; else want is the refusal.
		attribute, shown, want string
	}{
		{"required e-mail", `{"Name":"email","Required":true}`, "email",
			`{"Name":"email","AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":true,"Required":true,"StringAttributeConstraints":{"MinLength":"0","MaxLength":"2048"}}`, ""},
		{"immutable e-mail", `{"Name":"email","Mutable":false,` + text + `,"StringAttributeConstraints":{"MinLength":"5","MaxLength":"50"}}`, "email",
			`{"Name":"email","AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":false,"Required":false,"StringAttributeConstraints":{"MinLength":"5","MaxLength":"50"}}`, ""},
		{"constraints without a type are not taken", `{"Name":"email","StringAttributeConstraints":{"MinLength":"5","MaxLength":"50"}}`, "email",
			`{"Name":"email","AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false,"StringAttributeConstraints":{"MinLength":"0","MaxLength":"2048"}}`, ""},
		{"custom text", `{"Name":"plan",` + text + `}`, "custom:plan",
			`{"Name":"custom:plan","AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false,"StringAttributeConstraints":{}}`, ""},
		{"custom number", `{"Name":"age","AttributeDataType":"Number","Mutable":false}`, "custom:age",
			`{"Name":"custom:age","AttributeDataType":"Number","DeveloperOnlyAttribute":false,"Mutable":false,"Required":false,"NumberAttributeConstraints":{}}`, ""},
		{"custom flag", `{"Name":"vip","AttributeDataType":"Boolean"}`, "custom:vip",
			`{"Name":"custom:vip","AttributeDataType":"Boolean","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false}`, ""},
		{"developer's", `{"Name":"note",` + text + `,"DeveloperOnlyAttribute":true}`, "dev:custom:note",
			`{"Name":"dev:custom:note","AttributeDataType":"String","DeveloperOnlyAttribute":true,"Mutable":true,"Required":false,"StringAttributeConstraints":{}}`, ""},
		{"large number", `{"Name":"n","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"-1.5","MaxValue":"` + strings.Repeat("9", 300) + `"}}`, "custom:n",
			`{"Name":"custom:n","AttributeDataType":"Number","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false,"NumberAttributeConstraints":{"MinValue":"-1.5","MaxValue":"` + strings.Repeat("9", 300) + `"}}`, ""},

		{"other type", `{"Name":"email","AttributeDataType":"Number"}`, "", "",
			"You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute email"},
		{"developer's e-mail", `{"Name":"email","DeveloperOnlyAttribute":true}`, "", "",
			"You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute email"},
		{"flag of the e-mail address", `{"Name":"email_verified","AttributeDataType":"Boolean","Mutable":true}`, "custom:email_verified",
			`{"Name":"custom:email_verified","AttributeDataType":"Boolean","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false}`, ""},
		{"flag of the e-mail address as text", `{"Name":"email_verified",` + text + `}`, "custom:email_verified",
			`{"Name":"custom:email_verified","AttributeDataType":"String","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false,"StringAttributeConstraints":{}}`, ""},
		{"flag of the phone number", `{"Name":"phone_number_verified","AttributeDataType":"Boolean"}`, "", "",
			"1 validation error detected: Value 'phone_number_verified' at 'schema.1.member.name' failed to satisfy constraint: Member must have length less than or equal to 20"},
		{"the standard flag stays", `{"Name":"email_verified",` + text + `}`, "email_verified",
			`{"Name":"email_verified","AttributeDataType":"Boolean","DeveloperOnlyAttribute":false,"Mutable":true,"Required":false}`, ""},
		{"required flag", `{"Name":"email_verified","AttributeDataType":"Boolean","Required":true}`, "", "", "Required custom attributes are not supported currently."},
		{"developer's, twice", `{"Name":"banana",` + text + `,"DeveloperOnlyAttribute":true},{"Name":"banana",` + text + `,"DeveloperOnlyAttribute":true}`, "", "",
			"custom:banana: Existing attribute already has name dev:custom:banana."},
		{"mutable sub", `{"Name":"sub","Mutable":true}`, "", "", "You can not change the standard schema attribute sub"},
		{"required custom", `{"Name":"x",` + text + `,"Required":true}`, "", "", "Required custom attributes are not supported currently."},
		{"no type", `{"Name":"x"}`, "", "", "Invalid AttributeDataType input, consider using the provided AttributeDataType enum."},
		{"no name", `{` + text + `}`, "", "", "Invalid attribute name. The name of a custom attribute is required."},
		{"length is no number", `{"Name":"x",` + text + `,"StringAttributeConstraints":{"MaxLength":"many"}}`, "", "", "Invalid StringAttributeConstraints for schema attribute x"},
		{"negative length", `{"Name":"x",` + text + `,"StringAttributeConstraints":{"MinLength":"-1"}}`, "", "", "Invalid StringAttributeConstraints for schema attribute x"},
		{"too long", `{"Name":"x",` + text + `,"StringAttributeConstraints":{"MaxLength":"2049"}}`, "", "", "user.x: String attributes cannot have a length of more than 2048"},
		{"lengths the wrong way round", `{"Name":"x",` + text + `,"StringAttributeConstraints":{"MinLength":"5","MaxLength":"4"}}`, "", "", "user.x: Max length cannot be less than min length."},
		{"bound is no number", `{"Name":"x","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"1e999999999"}}`, "", "", "Invalid NumberAttributeConstraints for schema attribute x"},
		{"bound too large", `{"Name":"x","AttributeDataType":"Number","NumberAttributeConstraints":{"MaxValue":"` + strings.Repeat("9", 309) + `"}}`, "", "", "Invalid NumberAttributeConstraints for schema attribute x"},
		{"values the wrong way round", `{"Name":"x","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"5","MaxValue":"4.9"}}`, "", "", "user.x: Max value cannot be less than min value."},
		{"twice", `{"Name":"x",` + text + `},{"Name":"x",` + text + `}`, "", "", "custom:x: Existing attribute already has name custom:x."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := n.call(t.Context(), "CreateUserPool", `{"PoolName":"p","Schema":[`+tt.entries+`]}`)
			if tt.want != "" {
				wantError(t, "CreateUserPool", err, "InvalidParameterException: "+tt.want)
				return
			}
			wantError(t, "CreateUserPool", err, "")
			for _, a := range at(tree(t, out), "UserPool", "SchemaAttributes").([]any) {
				if a.(map[string]any)["Name"] == tt.attribute {
					if diff := cmp.Diff(tree(t, tt.shown), a); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
					return
				}
			}
			t.Errorf("no attribute %s", tt.attribute)
		})
	}
	_, err := n.call(t.Context(), "CreateUserPool", `{"PoolName":"p","AliasAttributes":["preferred_username"],"Schema":[{"Name":"preferred_username","Required":true}]}`)
	wantError(t, "CreateUserPool", err, "InvalidParameterException: preferred_username can not be both a required attribute and an alias.")
}

func TestAddCustomAttributes(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newPool(t, `"Schema":[{"Name":"a","AttributeDataType":"String"}]`)
		add := func(names ...string) error {
			var list []string
			for _, name := range names {
				list = append(list, `{"Name":"`+name+`","AttributeDataType":"String"}`)
			}
			_, err := n.call(t.Context(), "AddCustomAttributes", `{"UserPoolId":"`+id+`","CustomAttributes":[`+strings.Join(list, ",")+`]}`)
			return err
		}
		wantError(t, "AddCustomAttributes", add("a"), "InvalidParameterException: custom:a: Existing attribute already has name custom:a.")
		wantError(t, "AddCustomAttributes", add("b", "b"), "InvalidParameterException: custom:b: Existing attribute already has name custom:b.")
		var many, more []string
		for i := range 24 {
			many, more = append(many, fmt.Sprintf("m%d", i)), append(more, fmt.Sprintf("n%d", i))
		}
		wantError(t, "AddCustomAttributes", add(many...), "")
		wantError(t, "AddCustomAttributes", add(more...), "")
		wantError(t, "AddCustomAttributes", add("last", "onetoomany"), "InvalidParameterException: A user pool can not have more than 50 custom attributes.")
		wantError(t, "AddCustomAttributes", add("last"), "")

		sn, err := n.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		names := sn.Schema.Names()
		if len(names) != 71 || names[20] != "nickname" || names[21] != "custom:a" || names[70] != "custom:last" {
			t.Errorf("%d names: %v", len(names), names)
		}
	})
}

func TestAttributeValues(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"Schema":[{"Name":"email","Required":true},
		{"Name":"s","AttributeDataType":"String","StringAttributeConstraints":{"MinLength":"2","MaxLength":"3"}},
		{"Name":"n","AttributeDataType":"Number","NumberAttributeConstraints":{"MinValue":"-1","MaxValue":"9007199254740993"}},
		{"Name":"b","AttributeDataType":"Boolean"},{"Name":"d","AttributeDataType":"DateTime"}]`)
	sn, err := n.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"email"}, sn.Schema.Required()); diff != "" {
		t.Errorf("required (-want +got):\n%s", diff)
	}
	tests := []struct{ attribute, value, want string }{
		{"custom:s", "ab", ""},
		{"custom:s", "äöü", ""},
		{"custom:s", "a", "String must be no shorter than 2 characters"},
		{"custom:s", "abcd", "String must be no longer than 3 characters"},
		{"custom:n", "0.5", ""},
		{"custom:n", "-1.0001", "Value is out of range"},
		{"custom:n", "9007199254740993", ""},
		{"custom:n", "9007199254740994", "Value is out of range"},
		{"custom:n", "1e3", "Value is out of range"},
		{"custom:n", "", "Value is out of range"},
		{"custom:b", "true", ""},
		{"custom:b", "maybe", "Value is out of range"},
		{"custom:d", "2026-11-22", ""},
		{"birthdate", "2000-01-01", ""},
		{"birthdate", "2000-1-1", "String must be no shorter than 10 characters"},
		{"updated_at", "-1", "Value is out of range"},
	}
	for _, tt := range tests {
		a, ok := sn.Schema.Attribute(tt.attribute)
		if !ok {
			t.Fatalf("no attribute %s", tt.attribute)
		}
		if got := a.Violation(tt.value); got != tt.want {
			t.Errorf("%s=%q: %q, want %q", tt.attribute, tt.value, got, tt.want)
		}
	}
	if _, ok := sn.Schema.Attribute("custom:unknown"); ok {
		t.Error("an attribute that is not there")
	}
}
