package resource_test

import (
	"strings"
	"testing"
	"time"

	"cognate/internal/scim/resource"
)

// rendered returns aUser as a client sees it.
func rendered(t testing.TB) map[string]any {
	return resource.User.Render(fromJSON(t, aUser), resource.Facts{
		ID: "ID1", Location: "https://example.com/scim/Users/ID1", Version: `W/"1"`,
		Created:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Modified:   time.Date(2026, 2, 2, 3, 4, 5, 0, time.UTC),
		References: []resource.Reference{{Value: "g1", Display: "Staff", Type: "direct"}},
	}, resource.Projection{})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		filter string
		want   bool
	}{
		{`userName eq "anna"`, true},
		{`USERNAME EQ "ANNA"`, true},
		{`userName eq "bert"`, false},
		{`userName ne "bert"`, true},
		{`userName ne "Anna"`, false},
		{`userName co "NN"`, true},
		{`userName sw "an"`, true},
		{`userName sw "na"`, false},
		{`userName ew "NA"`, true},
		{`userName gt "a"`, true},
		{`userName ge "anna"`, true},
		{`userName lt "anna"`, false},
		{`userName le "ANNA"`, true},
		{`id eq "ID1"`, true},
		{`id eq "id1"`, false},
		{`externalId eq "e1"`, true},
		{`externalId eq "E1"`, false},
		{`active eq true`, true},
		{`active eq "True"`, true},
		{`active eq false`, false},
		{`active ne false`, true},
		{`title pr`, true},
		{`nickName pr`, false},
		{`not (nickName pr)`, true},
		{`nickName ne "x"`, true},
		{`nickName eq null`, true},
		{`title eq null`, false},
		{`title ne null`, true},
		{`emails pr`, true},
		{`name pr`, true},
		{`phoneNumbers pr`, false},
		{`name.givenName eq "anna"`, true},
		{`emails eq "anna@example.org"`, true},
		{`emails co "@example.org"`, true},
		{`emails.value eq "ANNA@example.com"`, true},
		{`emails.value ne "anna@example.com"`, false},
		{`emails.type eq "home"`, true},
		{`emails[type eq "work"]`, true},
		{`emails[type eq "other"]`, false},
		{`emails[type eq "work" and value co "@example.org"]`, false},
		{`emails[type eq "work" and (value co "@example.org" or primary eq true)]`, true},
		{`emails[not (type eq "work") and value pr]`, true},
		{`emails[type eq "work"].value eq "anna@example.com"`, true},
		{`emails[type eq "work"].value eq "anna@example.org"`, false},
		{`emails[type eq "work"].value ne "anna@example.org"`, true},
		{`emails[type eq "work"].display pr`, false},
		{`emails[primary eq "True"].value ew ".com"`, true},
		{`meta.resourceType eq "User"`, true},
		{`meta.created eq "2026-01-02T03:04:05Z"`, true},
		{`meta.created eq "2026-01-02T04:04:05+01:00"`, true},
		{`meta.lastModified gt "2026-02-01T00:00:00Z"`, true},
		{`meta.lastModified lt "2026-02-01T00:00:00Z"`, false},
		{`schemas eq "` + enterpriseURN + `"`, true},
		{`groups eq "g1"`, true},
		{`groups.display eq "Staff"`, true},
		{userURN + `:userName eq "anna"`, true},
		{enterpriseURN + `:department eq "d1"`, true},
		{enterpriseURN + `:manager eq "m1"`, true},
		{enterpriseURN + `:manager.value eq "m2"`, false},
		{`department eq "D1"`, false}, // The name has no URN, so it is of the core schema.
		{`foo eq "x"`, false},
		{`foo pr`, false},
		{`not (foo eq "x")`, true},
		{`password eq "x"`, false},
		{`x509Certificates.value eq "MIIB"`, false},
		{`title pr and nickName pr or active eq true`, true},
		{`title pr and (nickName pr or active eq false)`, false},
		{`nickName pr or title pr and active eq true`, true},
		{`(((title pr)))`, true},
		{` title   pr `, true},
		{`NOT(title pr)`, false},
		{`userName eq "\u0061nna"`, true},
		{`displayName eq "An\"na"`, false},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			f, err := resource.User.ParseFilter(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Matches(rendered(t)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestFilterExamples parses the examples of RFC 7644, Figures 2 and 8.
func TestFilterExamples(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		`userName eq "bjensen"`,
		`name.familyName co "O'Malley"`,
		`userName sw "J"`,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`,
		`title pr`,
		`meta.lastModified gt "2011-05-13T04:42:34Z"`,
		`meta.lastModified ge "2011-05-13T04:42:34Z"`,
		`meta.lastModified lt "2011-05-13T04:42:34Z"`,
		`meta.lastModified le "2011-05-13T04:42:34Z"`,
		`title pr and userType eq "Employee"`,
		`title pr or userType eq "Intern"`,
		`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`,
		`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`,
		`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`,
		`userType eq "Employee" and (emails.type eq "work")`,
		`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`,
		`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`,
	} {
		f, err := resource.User.ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		f.Matches(rendered(t))
	}
}

func TestFilterRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, filter, want string
	}{
		{"empty", ``, "attribute"},
		{"no operator", `userName`, "operator"},
		{"unknown operator", `userName is "x"`, "operator"},
		{"no value", `userName eq`, "value"},
		{"value without quotation marks", `userName eq x`, "value"},
		{"open text", `userName eq "x`, "quotation mark"},
		{"open text behind an escape", `userName eq "x\"`, "quotation mark"},
		{"bad escape", `userName eq "\x"`, "JSON"},
		{"NUL", `userName eq "\u0000"`, "NUL"},
		{"invalid UTF-8", "userName eq \"\xff\"", "UTF-8"},
		{"more than a filter", `userName pr title`, "end"},
		{"open parenthesis", `(userName pr`, "closing parenthesis"},
		{"closing parenthesis", `userName pr)`, "end"},
		{"open bracket", `emails[type pr`, "closing bracket"},
		{"brackets behind one value", `name[givenName pr]`, "brackets"},
		{"brackets in brackets", `emails[value[type pr]]`, "brackets"},
		{"unknown attribute with brackets", `foo[bar pr]`, "brackets"},
		{"unknown sub-attribute behind brackets", `emails[type pr].foo pr`, "sub-attribute"},
		{"order of booleans", `active gt true`, "booleans"},
		{"part of a boolean", `active co "t"`, "booleans"},
		{"order of binary values", `x509Certificates gt "MIIB"`, "binary"},
		{"order of null", `title gt null`, "null"},
		{"complex attribute", `name eq "x"`, "sub-attribute"},
		{"number as text", `userName eq 5`, "type is string"},
		{"boolean as text", `userName eq true`, "type is string"},
		{"text as boolean", `active eq "yes"`, "type is boolean"},
		{"text as date", `meta.created gt "yesterday"`, "type is dateTime"},
		{"too long", `userName eq "` + strings.Repeat("x", 1024) + `"`, "1024"},
		{"too deep", strings.Repeat("(", 40) + "title pr" + strings.Repeat(")", 40), "levels deep"},
		{"not without parentheses", `not title pr`, "operator"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resource.User.ParseFilter(tt.filter)
			wantError(t, err, "400 invalidFilter: "+tt.want)
		})
	}
}

func TestFilterEqual(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		filter, path, want string
	}{
		{`userName eq "a"`, "userName", "a"},
		{`USERNAME eq "A"`, "userName", "A"},
		{userURN + `:userName eq "a"`, "userName", "a"},
		{`title pr and (externalId eq "e" and active eq true)`, "externalId", "e"},
		{`emails eq "a"`, "emails.value", "a"},
		{`emails.value eq "a"`, "emails", "a"},
		{`emails[type eq "work"].value eq "a"`, "emails.value", "a"},
		{`emails[type eq "work" and value eq "a"]`, "emails.value", "a"},
		{`members[value eq "u"]`, "members.value", "u"},
		{`id eq "i" and members eq "u"`, "members.value", "u"},
		{`id eq "i" and members eq "u"`, "id", "i"},
		{enterpriseURN + `:employeeNumber eq "7"`, enterpriseURN + ":employeeNumber", "7"},
		{`userName eq "a" or title pr`, "userName", ""},
		{`not (userName eq "a")`, "userName", ""},
		{`userName ne "a"`, "userName", ""},
		{`userName sw "a"`, "userName", ""},
		{`userName eq "a"`, "externalId", ""},
		{`emails[type eq "work"].value ne "a"`, "emails.type", ""},
		{`emails[type eq "work" or value eq "a"]`, "emails.value", ""},
		{`foo eq "a"`, "foo", ""},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			kind := resource.User
			if strings.Contains(tt.filter, "members") {
				kind = resource.Group
			}
			f, err := kind.ParseFilter(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := f.Equal(tt.path); got != tt.want || ok != (tt.want != "") {
				t.Errorf("Equal(%q) = %q, %v, want %q", tt.path, got, ok, tt.want)
			}
		})
	}
}

func TestFilterUses(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]int{
		`displayName eq "x"`:                            0,
		`displayName eq "x" or not (members eq "u")`:    1,
		`members[value eq "u" and type eq "User"]`:      1,
		`displayName eq "x" and (members.value eq "u")`: 1,
		`members eq "u" and not (members pr)`:           2,
	} {
		f, err := resource.Group.ParseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Uses("members"); got != want {
			t.Errorf("%s: Uses = %v, want %v", filter, got, want)
		}
	}
}
