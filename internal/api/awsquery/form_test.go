package awsquery_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/awsquery"
	"cognate/internal/api/iamapi"
)

func TestForm(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, form, json, fault string }{
		{name: "scalars", form: "Action=GetRole&Version=2010-05-08&RoleName=a%2Bb+c", json: `{"RoleName":"a+b c"}`},
		{name: "lists of structures", form: "Tags.member.2.Key=b&Tags.member.2.Value=&Tags.member.1.Key=a", json: `{"Tags":[{"Key":"a"},{"Key":"b","Value":""}]}`},
		{name: "list of text with a gap", form: "TagKeys.member.3=c&TagKeys.member.1=a", json: `{"TagKeys":["a","c"]}`},
		{name: "nested list", form: "C.member.1.V.member.1=x", json: `{"C":[{"V":["x"]}]}`},
		{name: "empty list", form: "TagKeys=", json: `{"TagKeys":""}`},
		{name: "structure", form: "Outer.Inner=v", json: `{"Outer":{"Inner":"v"}}`},
		{name: "map", form: "M.entry.1.key=a&M.entry.1.value=b", json: `{"M":{"a":"b"}}`},
		{name: "signature in the address", form: "X-Amz-Date=x&RoleName=a", json: `{"RoleName":"a"}`},
		{name: "no parameters", form: "&&", json: `{}`},
		{name: "twice", form: "RoleName=a&RoleName=b", fault: "A parameter is there twice"},
		{name: "value and structure", form: "A=1&A.B=2", fault: "A parameter is both a value and a structure"},
		{name: "structure and value", form: "A.B=2&A=1", fault: "A parameter is there twice"},
		{name: "empty name", form: "A..B=1", fault: "A parameter has an empty name"},
		{name: "bad escape", form: "A=%zz", fault: "The parameters are not valid UTF-8 in URL encoding"},
		{name: "not UTF-8", form: "A=%ff", fault: "The parameters are not valid UTF-8 in URL encoding"},
		{name: "zero", form: "A.member.0=x", fault: "The elements of a list must be numbered from 1"},
		{name: "leading zero", form: "A.member.01=x", fault: "The elements of a list must be numbered from 1"},
		{name: "far index", form: "A.member.99999=x", fault: "The elements of a list must be numbered from 1"},
		{name: "too deep", form: strings.Repeat("a.", 20) + "a=1", fault: "Nesting is too deep"},
		{name: "too many", form: strings.Repeat("a=1&", 5000), fault: "A parameter is there twice"},
		{name: "half an entry", form: "M.entry.1.key=a", fault: "An entry of a map needs a key and a value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := awsquery.Parse(tt.form)
			var got []byte
			if err == nil {
				got, err = f.JSON()
			}
			if tt.fault != "" {
				if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.fault) {
					t.Errorf("got %s, %v; want %q", got, err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.json, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzForm reads forms that strangers send: what is read is JSON, and no operation's decoder panics.
func FuzzForm(f *testing.F) {
	f.Add("Action=CreateRole&Version=2010-05-08&RoleName=a&AssumeRolePolicyDocument=%7B%7D&Tags.member.1.Key=a&Tags.member.1.Value=b")
	f.Add("Action=SimulateCustomPolicy&ContextEntries.member.1.ContextKeyValues.member.1=x&PolicyInputList.member.1=y&MaxItems=3")
	f.Add("Tags=&Tags.member.1=x&M.entry.1.key=a&M.entry.1.value=b")
	f.Fuzz(func(t *testing.T, text string) {
		form, err := awsquery.Parse(text)
		if err != nil {
			return
		}
		document, err := form.JSON()
		if err != nil {
			return
		}
		if !json.Valid(document) {
			t.Fatalf("%q became %s", text, document)
		}
		for _, name := range []string{"CreateRole", "SimulateCustomPolicy", "UntagRole", form.Action} {
			if op := iamapi.Operations[name]; op != nil {
				_, _ = op.Decode(document)
			}
		}
	})
}

// TestXML wants every text to come back from a reader of XML as it was, unless XML cannot hold it.
func TestXML(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"markup", `<a href="x">&amp;</a>`, ""},
		{"line ends", "a\r\nb\tc", ""},
		{"beyond ASCII", "höchst 😀", ""},
		{"a character that XML cannot hold", "a\x01b\uFFFFc", "a\uFFFDb\uFFFDc"},
		{"invalid UTF-8", "a\xffb", "a\uFFFDb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v struct {
				Text string `xml:",chardata"`
			}
			if err := xml.Unmarshal(awsquery.Text(nil, "T", tt.text), &v); err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = tt.text
			}
			if diff := cmp.Diff(want, v.Text); diff != "" {
				t.Error(diff)
			}
		})
	}
	at := time.Date(2026, 11, 30, 6, 0, 0, 5e8, time.FixedZone("", 3600))
	role := &iamapi.GetRoleResponse{Role: &iamapi.Role{
		Path: "/", RoleName: "r", RoleId: "AROA", Arn: "arn", CreateDate: at, MaxSessionDuration: new(int32(3600)),
		Tags: []iamapi.Tag{{Key: "k", Value: "v"}}, RoleLastUsed: &iamapi.RoleLastUsed{},
	}}
	got := string(iamapi.Operations["GetRole"].EncodeXML(nil, role))
	want := "<Role><Path>/</Path><RoleName>r</RoleName><RoleId>AROA</RoleId><Arn>arn</Arn><CreateDate>2026-11-30T05:00:00Z</CreateDate>" +
		"<MaxSessionDuration>3600</MaxSessionDuration><Tags><member><Key>k</Key><Value>v</Value></member></Tags><RoleLastUsed></RoleLastUsed></Role>"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	summary := &iamapi.GetAccountSummaryResponse{SummaryMap: map[string]int32{"Users": 2, "Roles": 1}}
	got = string(iamapi.Operations["GetAccountSummary"].EncodeXML(nil, summary))
	want = "<SummaryMap><entry><key>Roles</key><value>1</value></entry><entry><key>Users</key><value>2</value></entry></SummaryMap>"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
