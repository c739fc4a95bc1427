package resource

import "testing"

func TestTextAt(t *testing.T) {
	t.Parallel()
	doc, err := User.Parse([]byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"anna","name":{"givenName":"Anna"},
		"emails":[{"type":"home","value":"home@example.com"},{"type":"work","value":"work@example.com","primary":true}],
		"phoneNumbers":[{"type":"work","value":"1"},{"type":"mobile","value":"2"}],"active":false,
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","manager":{"value":"7"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	for _, row := range []struct {
		path, want string
		has        bool
	}{
		{"userName", "anna", true},
		{"USERNAME", "anna", true},
		{"name.givenName", "Anna", true},
		{"name.familyName", "", true},
		{"name", "", false},
		{"emails.value", "work@example.com", true},
		{"emails", "work@example.com", true},
		{`emails[type eq "home"].value`, "home@example.com", true},
		{`emails[type eq "other"].value`, "", true},
		{"phoneNumbers.value", "1", true},
		{"active", "false", true},
		{enterprise + "department", "Sales", true},
		{enterprise + "manager", "7", true},
		{enterprise + "nothing", "", false},
		{"nothing", "", false},
		{"", "", false},
		{`emails[type eq`, "", false},
	} {
		t.Run(row.path, func(t *testing.T) {
			t.Parallel()
			if got := User.TextAt(doc, row.path); got != row.want {
				t.Errorf("TextAt answers %q, want %q", got, row.want)
			}
			if got := User.Has(row.path); got != row.has {
				t.Errorf("Has answers %v, want %v", got, row.has)
			}
		})
	}
}
