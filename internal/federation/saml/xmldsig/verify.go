package xmldsig

import (
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"cognate/internal/federation/saml/strictxml"
)

// Space is the namespace of XML Signature.
const Space = "http://www.w3.org/2000/09/xmldsig#"

const (
	enveloped      = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	exclusiveSpace = "http://www.w3.org/2001/10/xml-exc-c14n#"

	// maxPrefixes bounds an InclusiveNamespaces PrefixList.
	maxPrefixes = 16
)

// ErrUntrusted means that no key verifies a signature.
var ErrUntrusted = errors.New("no certificate of the provider verifies it")

// signedForm bounds what was signed. It is as long as its canonical form may be.
var signedForm = strictxml.Limits{Bytes: strictxml.MaxCanonical, Depth: 64, Nodes: 20_000, Attributes: 64}

// Find returns the element's own signature, or nil if the element is unsigned.
func Find(e *strictxml.Element) (*strictxml.Element, error) { return e.Child(Space, "Signature") }

// Verify verifies the element's own signature with one of the keys. The result is parsed from
// the signed bytes, and contains no signature of the element itself.
func Verify(e *strictxml.Element, keys []crypto.PublicKey) (*strictxml.Element, error) {
	verified, err := verify(e, keys)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return verified, nil
}

func verify(e *strictxml.Element, keys []crypto.PublicKey) (*strictxml.Element, error) {
	signature, err := Find(e)
	if err != nil {
		return nil, err
	}
	if signature == nil {
		return nil, errors.New("absent")
	}
	signedInfo, value, err := parts(signature)
	if err != nil {
		return nil, err
	}
	message, err := verifySignedInfo(signedInfo, value, keys)
	if err != nil {
		return nil, err
	}
	// The reference is read from the bytes that the key vouches for.
	signed, err := strictxml.Parse(message, signedForm)
	if err != nil {
		return nil, err
	}
	return resolve(e, signature, signed)
}

// parts returns the SignedInfo and the value of a signature (XML Signature §4.2). It rejects
// Object, which could hide the element that was really signed.
func parts(signature *strictxml.Element) (signedInfo *strictxml.Element, value []byte, err error) {
	children, err := sequence(signature, "SignedInfo", "SignatureValue", "KeyInfo?")
	if err != nil {
		return nil, nil, err
	}
	value, err = decode(children[1])
	return children[0], value, err
}

// sequence returns the child elements of e, which must have exactly these names in this order.
// A name that ends with ? is optional.
func sequence(e *strictxml.Element, names ...string) ([]*strictxml.Element, error) {
	if !e.IsBlank() {
		return nil, fmt.Errorf("text in %s", e.Local)
	}
	var found []*strictxml.Element
	for child := range e.Elements {
		if len(found) == len(names) || !child.Is(Space, strings.TrimSuffix(names[len(found)], "?")) {
			return nil, fmt.Errorf("%s is unexpected in %s", child.Local, e.Local)
		}
		found = append(found, child)
	}
	if len(found) < len(names) && !strings.HasSuffix(names[len(found)], "?") {
		return nil, fmt.Errorf("%s has no %s", e.Local, names[len(found)])
	}
	return found, nil
}

// verifySignedInfo returns the canonical form of a SignedInfo, which a key has signed. It
// checks the structure before it computes anything from it.
func verifySignedInfo(signedInfo *strictxml.Element, value []byte, keys []crypto.PublicKey) ([]byte, error) {
	children, err := sequence(signedInfo, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if err != nil {
		return nil, err
	}
	if _, err := readReference(signedInfo); err != nil {
		return nil, err
	}
	form, err := readForm(children[0])
	if err != nil {
		return nil, err
	}
	name, err := bareAlgorithm(children[1])
	if err != nil {
		return nil, err
	}
	algorithm, ok := signatureAlgorithms[name]
	if !ok {
		return nil, fmt.Errorf("the algorithm %.100q is not accepted", name)
	}
	message, err := signedInfo.Canonical(form, nil)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if algorithm.verify(key, message, value) {
			return message, nil
		}
	}
	return nil, ErrUntrusted
}

// bareAlgorithm returns the Algorithm of a method without parameters.
func bareAlgorithm(method *strictxml.Element) (string, error) {
	if _, err := sequence(method); err != nil {
		return "", err
	}
	name, _ := method.Attribute("Algorithm")
	return name, nil
}

// inclusiveForms are Canonical XML 1.0 and 1.1. The forms with comments are equal to those
// without: the parser rejects comments.
var inclusiveForms = map[string]bool{
	"http://www.w3.org/TR/2001/REC-xml-c14n-20010315":              true,
	"http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": true,
	"http://www.w3.org/2006/12/xml-c14n11":                         true,
	"http://www.w3.org/2006/12/xml-c14n11#WithComments":            true,
}

// readForm reads a CanonicalizationMethod, or a Transform that canonicalizes.
func readForm(method *strictxml.Element) (strictxml.Form, error) {
	algorithm, _ := method.Attribute("Algorithm")
	switch {
	case algorithm == exclusiveSpace, algorithm == exclusiveSpace+"WithComments":
		return readPrefixes(method)
	case inclusiveForms[algorithm]:
		_, err := bareAlgorithm(method)
		return strictxml.Form{Inclusive: true}, err
	}
	return strictxml.Form{}, fmt.Errorf("the canonicalization %.100q is not accepted", algorithm)
}

func readPrefixes(method *strictxml.Element) (strictxml.Form, error) {
	form := strictxml.Form{}
	if !method.IsBlank() {
		return form, fmt.Errorf("text in %s", method.Local)
	}
	list, err := method.Child(exclusiveSpace, "InclusiveNamespaces")
	if err != nil {
		return form, err
	}
	for child := range method.Elements {
		if child != list {
			return form, fmt.Errorf("%s is unexpected in %s", child.Local, method.Local)
		}
	}
	if list == nil {
		return form, nil
	}
	prefixes, _ := list.Attribute("PrefixList")
	for prefix := range strings.FieldsSeq(prefixes) {
		if prefix == "#default" {
			prefix = ""
		}
		form.Prefixes = append(form.Prefixes, prefix)
	}
	if len(form.Prefixes) > maxPrefixes {
		return form, errors.New("the PrefixList is too long")
	}
	return form, nil
}

// reference is the only Reference of a SignedInfo.
type reference struct {
	uri    string
	form   strictxml.Form
	hash   crypto.Hash
	digest []byte
}

func readReference(signedInfo *strictxml.Element) (*reference, error) {
	if !signedInfo.Is(Space, "SignedInfo") {
		return nil, errors.New("no SignedInfo")
	}
	children, err := sequence(signedInfo, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if err != nil {
		return nil, err
	}
	r := &reference{}
	r.uri, _ = children[2].Attribute("URI")
	children, err = sequence(children[2], "Transforms", "DigestMethod", "DigestValue")
	if err != nil {
		return nil, err
	}
	if r.form, err = readTransforms(children[0]); err != nil {
		return nil, err
	}
	name, err := bareAlgorithm(children[1])
	if err != nil {
		return nil, err
	}
	if r.hash = digestAlgorithms[name]; r.hash == 0 {
		return nil, fmt.Errorf("the digest %.100q is not accepted", name)
	}
	r.digest, err = decode(children[2])
	return r, err
}

// readTransforms accepts the enveloped-signature transform, and a canonicalization after it
// (SAML Core §5.4.4). Without one, Canonical XML 1.0 applies (XML Signature §4.4.3.2).
func readTransforms(transforms *strictxml.Element) (strictxml.Form, error) {
	children, err := sequence(transforms, "Transform", "Transform?")
	if err != nil {
		return strictxml.Form{}, err
	}
	name, err := bareAlgorithm(children[0])
	if err != nil {
		return strictxml.Form{}, err
	}
	if name != enveloped {
		return strictxml.Form{}, fmt.Errorf("the transform %.100q is not accepted as the first one", name)
	}
	if len(children) == 1 {
		return strictxml.Form{Inclusive: true}, nil
	}
	return readForm(children[1])
}

// resolve compares the digest of the element with that of the signed reference, which must
// point to the element itself.
func resolve(e, signature, signedInfo *strictxml.Element) (*strictxml.Element, error) {
	r, err := readReference(signedInfo)
	if err != nil {
		return nil, err
	}
	id, _ := e.Attribute("ID")
	if !strictxml.IsName(id) || r.uri != "#"+id {
		return nil, errors.New("the reference is not to the element that contains it")
	}
	content, err := e.Canonical(r.form, signature)
	if err != nil {
		return nil, err
	}
	h := r.hash.New()
	h.Write(content)
	if subtle.ConstantTimeCompare(h.Sum(nil), r.digest) != 1 {
		return nil, errors.New("the content was changed")
	}
	return strictxml.Parse(content, signedForm)
}

// decode reads the Base64 text of an element.
func decode(e *strictxml.Element) ([]byte, error) {
	text, err := e.Text()
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("%s is not Base64", e.Local)
	}
	return b, nil
}
