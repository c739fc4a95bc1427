package strictxml_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"cognate/internal/federation/saml/strictxml"
)

func parse(t testing.TB, document string) *strictxml.Element {
	t.Helper()
	root, err := strictxml.Parse([]byte(document), strictxml.Message)
	if err != nil {
		t.Fatalf("%q: %v", document, err)
	}
	return root
}

func find(root *strictxml.Element, local string) *strictxml.Element {
	for e := range root.Walk {
		if e.Local == local {
			return e
		}
	}
	return nil
}

// TestCanonical compares canonical forms with those of libxml2 2.9.14 (xmlC14NExecute).
func TestCanonical(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/canonical.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Name, XML, Element, Want string
		Inclusive                bool
		Prefixes                 []string
	}
	if err := json.Unmarshal(file, &tests); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		form := strictxml.Form{Inclusive: test.Inclusive}
		for _, prefix := range test.Prefixes {
			form.Prefixes = append(form.Prefixes, strings.TrimPrefix(prefix, "#default"))
		}
		got, err := find(parse(t, test.XML), test.Element).Canonical(form, nil)
		if err != nil || string(got) != test.Want {
			t.Errorf("%s, inclusive %v, prefixes %q: %v\n got %s\nwant %s", test.Name, test.Inclusive, test.Prefixes, err, got, test.Want)
		}
		// A canonical form is its own canonical form.
		again, err := parse(t, string(got)).Canonical(form, nil)
		if err != nil || string(again) != string(got) {
			t.Errorf("%s: the canonical form of %s is %s, %v", test.Name, got, again, err)
		}
	}
}
