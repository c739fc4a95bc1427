package saml

import (
	"errors"
	"maps"
	"strings"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/saml/strictxml"
)

// identity returns the person of a verified assertion.
func (p *Provider) identity(response, assertion *strictxml.Element, until time.Time) (*federation.Identity, error) {
	name, err := readNameID(assertion)
	if err != nil {
		return nil, refuseProcessing("the assertion has no NameID", err)
	}
	claims, err := readClaims(assertion)
	if err != nil {
		return nil, refuseProcessing("the attributes are malformed", err)
	}
	first := assertion.Children(assertionSpace, "AuthnStatement")[0]
	name.SessionIndex, _ = first.Attribute("SessionIndex")
	identity := &federation.Identity{
		Subject:  name.NameID,
		Issuer:   p.settings.Metadata.EntityID,
		Claims:   claims,
		Response: map[string]any{"samlResponse": maps.Clone(claims)},
		Level:    readLevel(first),

		SubjectFormat: name.Format,
	}
	for _, statement := range assertion.Children(assertionSpace, "AuthnStatement") {
		end, _, err := timeAttribute(statement, "SessionNotOnOrAfter")
		if err != nil {
			return nil, refuseProcessing("the assertion is malformed", err)
		}
		identity.SessionEnd = earliest(identity.SessionEnd, end)
	}
	if p.settings.IDPSignout && p.settings.Metadata.SLOURL != "" {
		identity.Logout = name
	}
	for _, e := range []*strictxml.Element{response, assertion} {
		id, _ := e.Attribute("ID")
		identity.Uses = append(identity.Uses, federation.Use{ID: id, Until: until})
	}
	return identity, nil
}

// readNameID returns the name of the subject exactly as it is written: providers choose it.
func readNameID(assertion *strictxml.Element) (*federation.LogoutName, error) {
	subject, err := only(assertion, assertionSpace, "Subject")
	if err != nil {
		return nil, err
	}
	e, err := only(subject, assertionSpace, "NameID")
	if err != nil {
		return nil, err
	}
	text, err := e.Text()
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("the NameID is empty")
	}
	name := &federation.LogoutName{NameID: text}
	name.Format, _ = e.Attribute("Format")
	name.NameQualifier, _ = e.Attribute("NameQualifier")
	name.SPNameQualifier, _ = e.Attribute("SPNameQualifier")
	return name, nil
}

// readClaims returns the attributes by their Name. The values of an attribute that occurs
// twice follow each other, as in one attribute with several values.
func readClaims(assertion *strictxml.Element) (map[string]any, error) {
	values := map[string][]any{}
	for _, statement := range assertion.Children(assertionSpace, "AttributeStatement") {
		for _, attribute := range statement.Children(assertionSpace, "Attribute") {
			name, _ := attribute.Attribute("Name")
			if name == "" {
				return nil, errors.New("an attribute has no Name")
			}
			list := values[name]
			for _, e := range attribute.Children(assertionSpace, "AttributeValue") {
				value, ok, err := readValue(e)
				if err != nil {
					return nil, err
				}
				if ok {
					list = append(list, value)
				}
			}
			values[name] = list
		}
	}
	claims := make(map[string]any, len(values))
	for name, list := range values {
		switch len(list) {
		case 0:
			claims[name] = ""
		case 1:
			claims[name] = list[0]
		default:
			claims[name] = list
		}
	}
	return claims, nil
}

// readValue returns the text of an AttributeValue. A NameID in it, as in eduPersonTargetedID,
// stands for its text. Other elements have no text that applications could expect.
func readValue(e *strictxml.Element) (value string, ok bool, err error) {
	if text, err := e.Text(); err == nil {
		return text, true, nil
	}
	name, err := e.Child(assertionSpace, "NameID")
	if err != nil || name == nil || !e.IsBlank() {
		return "", false, err
	}
	value, err = name.Text()
	return value, err == nil, err
}

// readLevel returns the class of the authentication, or "".
func readLevel(statement *strictxml.Element) string {
	context, err := statement.Child(assertionSpace, "AuthnContext")
	if err != nil || context == nil {
		return ""
	}
	class, err := context.Child(assertionSpace, "AuthnContextClassRef")
	if err != nil || class == nil {
		return ""
	}
	text, _ := class.Text()
	return trim(text)
}
