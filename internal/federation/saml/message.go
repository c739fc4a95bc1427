package saml

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
)

// maxEncoded bounds the Base64 text of an answer (Cognito: SAML assertions have at most
// 100,000 characters).
const maxEncoded = 100_000

// readForm returns the message of an answer by the HTTP-POST binding (SAML Bindings §3.5.4).
func readForm(form url.Values, root string) (*strictxml.Element, error) {
	values := form["SAMLResponse"]
	if len(values) != 1 {
		return nil, fmt.Errorf("the form has %d values of SAMLResponse", len(values))
	}
	return readMessage(values[0], root)
}

// readMessage decodes a message and checks the structure that all checks rely on.
func readMessage(encoded, root string) (*strictxml.Element, error) {
	if len(encoded) > maxEncoded {
		return nil, errors.New("the message is too long")
	}
	document, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil, errors.New("the message is not Base64")
	}
	e, err := strictxml.Parse(document, strictxml.Message)
	if err != nil {
		return nil, err
	}
	if !e.Is(protocolSpace, root) {
		return nil, fmt.Errorf("the root element is %.100q, not %s", e.Local, root)
	}
	return e, checkStructure(e)
}

// checkStructure rejects documents that show different things to different readers: repeated
// IDs, assertions anywhere but directly below the response, and signatures anywhere but
// directly below the root or an assertion. It looks everywhere, in extensions, advice and
// signatures too.
func checkStructure(root *strictxml.Element) error {
	if err := root.CheckIDs(); err != nil {
		return err
	}
	assertions := 0
	for e := range root.Walk {
		var err error
		switch {
		case e == root:
		case e.Is(assertionSpace, "Assertion"), e.Is(assertionSpace, "EncryptedAssertion"):
			if e.Parent != root || !root.Is(protocolSpace, "Response") {
				err = fmt.Errorf("%s is not directly below the response", e.Local)
			}
			assertions++
		case e.Is(xmldsig.Space, "Signature"):
			if !isSignable(e.Parent, root) {
				err = errors.New("a signature is in a place without a meaning")
			}
		case e.Is(xmldsig.Space, "Object"):
			err = errors.New("a signature contains an Object")
		case e.Is(protocolSpace, "Response"), e.Is(protocolSpace, "LogoutResponse"):
			err = errors.New("a message contains another message")
		}
		if err != nil {
			return err
		}
	}
	if assertions > 1 {
		return errors.New("there is more than one assertion")
	}
	return nil
}

func isSignable(e, root *strictxml.Element) bool {
	return e == root || e.Parent == root && e.Is(assertionSpace, "Assertion")
}

// checkHeader checks what all messages and assertions begin with.
func checkHeader(e *strictxml.Element) error {
	if version, _ := e.Attribute("Version"); version != "2.0" {
		return mismatch("the Version of "+e.Local, version, "2.0")
	}
	if id, _ := e.Attribute("ID"); !strictxml.IsName(id) {
		return fmt.Errorf("%s has no ID", e.Local)
	}
	return nil
}

// only returns the child that must be there once.
func only(e *strictxml.Element, space, local string) (*strictxml.Element, error) {
	child, err := e.Child(space, local)
	if err == nil && child == nil {
		err = fmt.Errorf("%s has no %s", e.Local, local)
	}
	return child, err
}

// issuerOf returns the issuer of a message, or "" if the message does not name it.
func issuerOf(e *strictxml.Element) (string, error) {
	issuer, err := e.Child(assertionSpace, "Issuer")
	if err != nil || issuer == nil {
		return "", err
	}
	text, err := issuer.Text()
	return trim(text), err
}

// trim removes the white space that a URI may have around it.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// Issuer returns who claims to have sent an answer, which chooses the provider to verify it
// with. The claim is not verified.
func Issuer(samlResponse string) (string, error) {
	response, err := readMessage(samlResponse, "Response")
	if err != nil {
		return "", refuseProcessing("the message is malformed", err)
	}
	issuer, err := issuerOf(response)
	if err != nil {
		return "", refuseProcessing("the message is malformed", err)
	}
	if issuer != "" {
		return issuer, nil
	}
	assertion, err := response.Child(assertionSpace, "Assertion")
	if err == nil && assertion != nil {
		issuer, err = issuerOf(assertion)
	}
	if err != nil || issuer == "" {
		return "", refuseProcessing("the message has no issuer", err)
	}
	return issuer, nil
}

// checkStatus rejects answers other than Success. The words of the provider are for the log.
func checkStatus(e *strictxml.Element) error {
	status, err := only(e, protocolSpace, "Status")
	if err != nil {
		return refuseProcessing("the message is malformed", err)
	}
	code, err := only(status, protocolSpace, "StatusCode")
	if err != nil {
		return refuseProcessing("the message is malformed", err)
	}
	value, _ := code.Attribute("Value")
	if value == statusSuccess {
		return nil
	}
	detail := ""
	for _, inner := range code.Children(protocolSpace, "StatusCode") {
		detail, _ = inner.Attribute("Value")
	}
	words := ""
	for _, message := range status.Children(protocolSpace, "StatusMessage") {
		words, _ = message.Text()
	}
	return refuseProcessing("the identity provider did not sign the user in",
		fmt.Errorf("status %.200q, %.200q, %.200q", value, detail, words))
}
