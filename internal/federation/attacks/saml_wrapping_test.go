package attacks_test

import (
	"crypto"
	"testing"

	"github.com/beevik/etree"

	"cognate/internal/federation/saml/samltest"
)

const (
	misplacedAssertion = "Assertion is not directly below the response"
	misplacedSignature = "a signature is in a place without a meaning"
	nestedMessage      = "a message contains another message"
	wrongReference     = "the reference is not to the element that contains it"
)

func object(child *etree.Element) *etree.Element {
	e := etree.NewElement("ds:Object")
	e.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	e.AddChild(child)
	return e
}

// wrapResponse makes a forged response from a signed one. The place puts the original where
// a verifier finds it by its ID.
func wrapResponse(id string, place func(forged, signature, original *etree.Element)) func(*world) string {
	return func(w *world) string {
		signed := w.signedResponse()
		signature := signatureOf(signed).Copy()
		original := unsigned(signed)
		forged := original.Copy()
		forged.CreateAttr("ID", id)
		nameOf(assertionOf(forged)).SetText(victimName)
		assertionOf(forged).CreateAttr("ID", "_forged")
		forged.InsertChildAt(1, signature)
		place(forged, signature, original)
		return samltest.Encode(forged)
	}
}

// wrapAssertion makes a response with a forged assertion from one with a signed assertion.
func wrapAssertion(place func(response, signed *etree.Element)) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		signed := assertionOf(response)
		response.RemoveChild(signed)
		place(response, signed)
		return samltest.Encode(response)
	}
}

// TestSAMLWrapping has the eight attacks of Somorovsky et al., "On Breaking SAML: Be Whoever
// You Want to Be" (2012), with variants.
func TestSAMLWrapping(t *testing.T) {
	t.Parallel()
	run(t, []attack{
		{"XSW1", "original response in the signature", nestedMessage, wrapResponse("_forged-response", func(_, signature, original *etree.Element) {
			signature.AddChild(original)
		})},
		{"XSW1", "original response in an Object of the signature", "a signature contains an Object", wrapResponse("_forged-response", func(_, signature, original *etree.Element) {
			signature.AddChild(object(original))
		})},
		{"XSW1", "original response with the same ID", "an ID is repeated", wrapResponse("_r1", func(_, signature, original *etree.Element) {
			signature.AddChild(original)
		})},
		{"XSW1", "original response left out", wrongReference, wrapResponse("_forged-response", func(_, _, _ *etree.Element) {})},
		{"XSW2", "original response before the signature", nestedMessage, wrapResponse("_forged-response", func(forged, _, original *etree.Element) {
			forged.InsertChildAt(1, original)
		})},
		{"XSW2", "original response behind the assertion", nestedMessage, wrapResponse("_forged-response", func(forged, _, original *etree.Element) {
			forged.AddChild(original)
		})},
		{"XSW3", "forged assertion first", "there is more than one assertion", wrapAssertion(func(response, signed *etree.Element) {
			response.AddChild(forge(unsigned(signed), "_forged"))
			response.AddChild(signed)
		})},
		{"XSW3", "forged assertion last", "there is more than one assertion", wrapAssertion(func(response, signed *etree.Element) {
			response.AddChild(signed)
			response.AddChild(forge(unsigned(signed), "_forged"))
		})},
		{"XSW3", "forged assertion beside an encrypted one", "there is more than one assertion", wrapAssertion(func(response, signed *etree.Element) {
			response.AddChild(forge(unsigned(signed), "_forged"))
			response.CreateElement("saml:EncryptedAssertion")
		})},
		{"XSW4", "signed assertion in the forged one", misplacedAssertion, wrapAssertion(func(response, signed *etree.Element) {
			forged := forge(unsigned(signed), "_forged")
			forged.AddChild(signed)
			response.AddChild(forged)
		})},
		{"XSW4", "signed assertion in the advice of the forged one", misplacedAssertion, wrapAssertion(func(response, signed *etree.Element) {
			forged := forge(unsigned(signed), "_forged")
			forged.CreateElement("saml:Advice").AddChild(signed)
			response.AddChild(forged)
		})},
		{"XSW5", "forged assertion with the signature of the original", "there is more than one assertion", wrapAssertion(func(response, signed *etree.Element) {
			response.AddChild(forge(signed, "_forged"))
			response.AddChild(unsigned(signed))
		})},
		{"XSW5", "original left out", wrongReference, wrapAssertion(func(response, signed *etree.Element) {
			response.AddChild(forge(signed, "_forged"))
		})},
		{"XSW5", "original without its own name", wrongReference, wrapAssertion(func(response, signed *etree.Element) {
			response.AddChild(forge(signed, "_forged"))
			original := unsigned(signed)
			original.Space, original.Tag = "x", "Other"
			original.CreateAttr("xmlns:x", "urn:x")
			response.CreateElement("samlp:Extensions").AddChild(original)
		})},
		{"XSW6", "original in the signature of the forged assertion", misplacedAssertion, wrapAssertion(func(response, signed *etree.Element) {
			forged := forge(signed, "_forged")
			signatureOf(forged).AddChild(unsigned(signed))
			response.AddChild(forged)
		})},
		{"XSW7", "original in the extensions", misplacedAssertion, wrapAssertion(func(response, signed *etree.Element) {
			response.CreateElement("samlp:Extensions").AddChild(signed)
			response.AddChild(forge(unsigned(signed), "_forged"))
		})},
		{"XSW7", "forged assertion in the extensions", misplacedAssertion, wrapAssertion(func(response, signed *etree.Element) {
			response.CreateElement("samlp:Extensions").AddChild(forge(unsigned(signed), "_forged"))
			response.AddChild(signed)
		})},
		{"XSW8", "original in an Object of the forged assertion's signature", "a signature contains an Object", wrapAssertion(func(response, signed *etree.Element) {
			forged := forge(signed, "_forged")
			signatureOf(forged).AddChild(object(unsigned(signed)))
			response.AddChild(forged)
		})},
		{"XSW8", "original in the KeyInfo of the forged assertion's signature", misplacedAssertion, wrapAssertion(func(response, signed *etree.Element) {
			forged := forge(signed, "_forged")
			signatureOf(forged).SelectElement("KeyInfo").AddChild(unsigned(signed))
			response.AddChild(forged)
		})},
	})
}

// repeatID adds an element with the ID of the signed assertion.
func repeatID(attribute string) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		extension := response.CreateElement("samlp:Extensions").CreateElement("x:Extension")
		extension.CreateAttr("xmlns:x", "urn:x")
		extension.CreateAttr(attribute, "_a1")
		return samltest.Encode(response)
	}
}

// changeReference sets another URI, and signs it with the identity provider's key.
func changeReference(uri string) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		signature := signatureOf(assertionOf(response))
		element(signature, "SignedInfo/Reference").CreateAttr("URI", uri)
		w.resign(signature, crypto.SHA256)
		return samltest.Encode(response)
	}
}

// changeSignature changes a signature, and signs the change with the identity provider's key.
func changeSignature(change func(signature *etree.Element)) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		signature := signatureOf(assertionOf(response))
		change(signature)
		w.resign(signature, crypto.SHA256)
		return samltest.Encode(response)
	}
}

// changeText changes the text of an element of the signature in the document.
func changeText(name string, change func(text string) string) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		value := assertionOf(response).FindElement("//" + name).Text()
		return encode(w.replace(text(response), value, change(value)))
	}
}

// TestSAMLReferences has ways to make a signature cover something else, or several things.
func TestSAMLReferences(t *testing.T) {
	t.Parallel()
	run(t, []attack{
		{"9", "ID repeated", "an ID is repeated", repeatID("ID")},
		{"9", "ID repeated as Id", "an ID is repeated", repeatID("Id")},
		{"9", "ID repeated as id", "an ID is repeated", repeatID("id")},
		{"9", "ID repeated as xml:id", "an ID is repeated", repeatID("xml:id")},
		{"10", "reference to the whole document", wrongReference, changeReference("")},
		{"10", "reference by XPointer", wrongReference, changeReference("#xpointer(id('_a1'))")},
		{"10", "reference by XPointer to the root", wrongReference, changeReference("#xpointer(/)")},
		{"10", "external reference", wrongReference, changeReference("https://attacker.example.com/#_a1")},
		{"10", "reference to the response", wrongReference, changeReference("#_r1")},
		{"10", "no reference", wrongReference, changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/Reference").RemoveAttr("URI")
		})},
		{"11", "two SignedInfo", "SignedInfo is unexpected in Signature", func(w *world) string {
			response := w.signedAssertion()
			signature := signatureOf(assertionOf(response))
			signature.InsertChildAt(0, signature.SelectElement("SignedInfo").Copy())
			return samltest.Encode(response)
		}},
		{"11", "two references", "Reference is unexpected in SignedInfo", changeSignature(func(signature *etree.Element) {
			signature.SelectElement("SignedInfo").AddChild(element(signature, "SignedInfo/Reference").Copy())
		})},
		{"11", "two signatures", "Assertion has more than one Signature", func(w *world) string {
			response := w.signedAssertion()
			assertionOf(response).AddChild(signatureOf(assertionOf(response)).Copy())
			return samltest.Encode(response)
		}},
		{"11", "signature of something else", misplacedSignature, func(w *world) string {
			response := w.signedAssertion()
			element(response, "Status").AddChild(signatureOf(assertionOf(response)).Copy())
			return samltest.Encode(response)
		}},
		{"11", "comment in the digest", "comments are not accepted", changeText("DigestValue", func(s string) string { return "<!--" + s + "-->" + s })},
		{"11", "comment in the signature's value", "comments are not accepted", changeText("SignatureValue", func(s string) string { return s[:4] + "<!-- x -->" + s[4:] })},
		{"11", "processing instruction in the digest", "processing instructions are not accepted", changeText("DigestValue", func(s string) string { return s + "<?x?>" })},
		{"11", "element in the digest", "text with elements in it", changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/Reference/DigestValue").CreateElement("x")
		})},
		{"11", "element in the signature's value", "text with elements in it", changeText("SignatureValue", func(s string) string { return s + "<x/>" })},
		{"11", "two digests", "DigestValue is unexpected in Reference", changeSignature(func(signature *etree.Element) {
			reference := element(signature, "SignedInfo/Reference")
			reference.AddChild(reference.SelectElement("DigestValue").Copy())
		})},
	})
}

// changeTransforms sets the transforms of the reference.
func changeTransforms(algorithms ...string) func(*world) string {
	return changeSignature(func(signature *etree.Element) {
		transforms := element(signature, "SignedInfo/Reference/Transforms")
		for _, e := range transforms.ChildElements() {
			transforms.RemoveChild(e)
		}
		for _, algorithm := range algorithms {
			transforms.CreateElement("ds:Transform").CreateAttr("Algorithm", algorithm)
		}
	})
}

func TestSAMLTransforms(t *testing.T) {
	t.Parallel()
	const (
		enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
		exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
		xslt      = "http://www.w3.org/TR/1999/REC-xslt-19991116"
		xpath     = "http://www.w3.org/TR/1999/REC-xpath-19991116"
		filter    = "http://www.w3.org/2002/06/xmldsig-filter2"
		base64    = "http://www.w3.org/2000/09/xmldsig#base64"
	)
	run(t, []attack{
		{"12", "XSLT", "is not accepted as the first one", changeTransforms(xslt)},
		{"12", "XSLT behind enveloped-signature", "is not accepted", changeTransforms(enveloped, xslt)},
		{"12", "XPath", "is not accepted as the first one", changeTransforms(xpath, enveloped)},
		{"12", "XPath filter", "is not accepted", changeTransforms(enveloped, filter)},
		{"12", "Base64", "is not accepted", changeTransforms(enveloped, base64)},
		{"12", "three transforms", "Transform is unexpected in Transforms", changeTransforms(enveloped, exclusive, exclusive)},
		{"12", "canonicalization first", "is not accepted as the first one", changeTransforms(exclusive, enveloped)},
		{"12", "enveloped-signature twice", "is not accepted", changeTransforms(enveloped, enveloped)},
		{"12", "no transform", "Transforms has no Transform", changeTransforms()},
		{"12", "parameters of enveloped-signature", "unexpected in Transform", changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/Reference/Transforms/Transform").CreateElement("ds:XPath").SetText("self::node()")
		})},
		{"12", "hostile canonicalization of SignedInfo", "the canonicalization", changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/CanonicalizationMethod").CreateAttr("Algorithm", xslt)
		})},
		{"12", "list of prefixes without end", "the PrefixList is too long", changeSignature(func(signature *etree.Element) {
			list := element(signature, "SignedInfo/CanonicalizationMethod").CreateElement("ec:InclusiveNamespaces")
			list.CreateAttr("xmlns:ec", exclusive)
			list.CreateAttr("PrefixList", "a b c d e f g h i j k l m n o p q")
		})},
	})
}
