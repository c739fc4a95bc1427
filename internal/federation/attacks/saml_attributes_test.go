package attacks_test

import (
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
)

// TestSAMLAttributes has attributes by which an identity provider, or a person who chooses them
// there, could pose as someone else.
func TestSAMLAttributes(t *testing.T) {
	t.Parallel()
	attribute := func(list *etree.Element, name string, values ...string) {
		e := list.CreateElement("saml:Attribute")
		e.CreateAttr("Name", name)
		for _, value := range values {
			e.CreateElement("saml:AttributeValue").SetText(value)
		}
	}
	tests := []struct {
		name   string
		change func(list *etree.Element)
		want   map[string]any
	}{
		{"the same attribute twice", func(list *etree.Element) {
			attribute(list, "email", victimName)
		}, map[string]any{"email": []any{attacker, victimName}}},
		{"the same attribute in another statement", func(list *etree.Element) {
			attribute(list.Parent().CreateElement("saml:AttributeStatement"), "email", victimName)
		}, map[string]any{"email": []any{attacker, victimName}}},
		{"the same name with another case", func(list *etree.Element) {
			attribute(list, "Email", victimName)
		}, map[string]any{"email": attacker, "Email": victimName}},
		{"the same friendly name", func(list *etree.Element) {
			attribute(list, "urn:x", victimName)
			list.ChildElements()[1].CreateAttr("FriendlyName", "email")
		}, map[string]any{"email": attacker, "urn:x": victimName}},
		{"attributes with names of the pool", func(list *etree.Element) {
			attribute(list, "custom:role", "admin")
			attribute(list, "sub", victimName)
			attribute(list, "cognito:username", victimName)
			attribute(list, "NameID", victimName)
		}, map[string]any{"email": attacker, "custom:role": "admin", "sub": victimName, "cognito:username": victimName, "NameID": victimName}},
		{"a NameID as a value", func(list *etree.Element) {
			e := list.CreateElement("saml:Attribute")
			e.CreateAttr("Name", "eduPersonTargetedID")
			e.CreateElement("saml:AttributeValue").CreateElement("saml:NameID").SetText(victimName)
		}, map[string]any{"email": attacker, "eduPersonTargetedID": victimName}},
		{"elements in a value", func(list *etree.Element) {
			value := list.SelectElement("Attribute").SelectElement("AttributeValue")
			value.CreateElement("x").SetText(victimName)
		}, map[string]any{"email": ""}},
		{"an attribute in an attribute", func(list *etree.Element) {
			value := list.SelectElement("Attribute").CreateElement("saml:AttributeValue")
			attribute(value, "groups", "admin")
		}, map[string]any{"email": attacker}},
		{"an attribute outside of a statement", func(list *etree.Element) {
			attribute(list.Parent(), "groups", "admin")
		}, map[string]any{"email": attacker}},
		{"another namespace", func(list *etree.Element) {
			attribute(list, "groups", "admin")
			list.ChildElements()[1].CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:1.0:assertion")
		}, map[string]any{"email": attacker}},
	}
	w := newWorld(t, nil)
	for _, test := range tests {
		encoded := says(func(_, assertion *etree.Element) { test.change(assertion.SelectElement("AttributeStatement")) })(w)
		identity, err := w.send(encoded)
		if err != nil {
			t.Errorf("33 %s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, identity.Claims); diff != "" || identity.Subject != attacker {
			t.Errorf("33 %s: subject %s, claims %s", test.name, identity.Subject, diff)
		}
	}
	run(t, []attack{{"33", "attribute without a name", "an attribute has no Name", sets("Assertion/AttributeStatement/Attribute", "Name", "")}})
}

// TestSAMLNames wants the NameID exactly as it is signed. Names that look alike are different
// people; the pool decides about case.
func TestSAMLNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, name := range []string{
		"Admin", "admin", "ADMIN", " admin", "admin ", "\tadmin\n", "admin\r", "\u00a0admin", "\u200badmin", "adm\u0131n", "\u212admin",
		"\ufb01x", "e\u0301", "\u00e9", "\uff41dmin", "\U0001F600", "a\u202eb", `DOMAIN\user`, `"<&>'`,
	} {
		identity, err := w.send(says(func(_, assertion *etree.Element) { nameOf(assertion).SetText(name) })(w))
		if err != nil || identity.Subject != name {
			t.Errorf("34 %q: %+v, %v", name, identity, err)
		}
	}
	noNameID := "the assertion has no NameID"
	run(t, []attack{
		{"34", "empty", noNameID, says(func(_, assertion *etree.Element) { nameOf(assertion).SetText("") })},
		{"34", "only spaces", noNameID, says(func(_, assertion *etree.Element) { nameOf(assertion).SetText(" \n\u00a0") })},
		{"34", "absent", noNameID, says(func(_, assertion *etree.Element) {
			assertion.SelectElement("Subject").RemoveChild(nameOf(assertion))
		})},
		{"34", "two", "Subject has more than one NameID", says(func(_, assertion *etree.Element) {
			subject := assertion.SelectElement("Subject")
			subject.AddChild(nameOf(assertion).Copy())
		})},
		{"34", "two subjects", "Assertion has more than one Subject", says(func(_, assertion *etree.Element) {
			assertion.AddChild(assertion.SelectElement("Subject").Copy())
		})},
		{"34", "elements in the name", "text with elements in it", says(func(_, assertion *etree.Element) {
			nameOf(assertion).CreateElement("x").SetText("x")
		})},
		{"34", "another kind of name", noNameID, says(func(_, assertion *etree.Element) { nameOf(assertion).Tag = "BaseID" })},
	})
}
