package attacks_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // the identity provider signs by SHA-1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"

	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

const unverified = "no certificate of the provider verifies it"

// setMethod names another algorithm, and signs with it by the identity provider's key.
func setMethod(method string, hash crypto.Hash) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		signature := signatureOf(assertionOf(response))
		element(signature, "SignedInfo/SignatureMethod").CreateAttr("Algorithm", method)
		w.resign(signature, hash)
		return samltest.Encode(response)
	}
}

// signHMAC makes a forged response whose signature has a public value as its key.
func signHMAC(secret func(*x509.Certificate) []byte) func(*world) string {
	return func(w *world) string {
		response := w.signedAssertion()
		assertion := assertionOf(response)
		nameOf(assertion).SetText(victimName)
		signature := signatureOf(assertion)
		element(signature, "SignedInfo/SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
		w.redigest(signature, crypto.SHA256)
		mac := hmac.New(sha256.New, secret(w.idp.Certificate))
		mac.Write(canonical(w, signature.SelectElement("SignedInfo")))
		signature.SelectElement("SignatureValue").SetText(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return samltest.Encode(response)
	}
}

// forgedBy signs a response about the victim with the attacker's own key.
func forgedBy(key samltest.Key, change func(w *world, own *samltest.IdP, signature *etree.Element)) func(*world) string {
	return func(w *world) string {
		own := samltest.New(w, key)
		own.EntityID = w.idp.EntityID
		response := w.response()
		nameOf(assertionOf(response)).SetText(victimName)
		own.Sign(w, assertionOf(response))
		change(w, own, signatureOf(assertionOf(response)))
		return samltest.Encode(response)
	}
}

func TestSAMLAlgorithms(t *testing.T) {
	t.Parallel()
	unchanged := func(*world, *samltest.IdP, *etree.Element) {}
	run(t, []attack{
		{"13", "RSA with SHA-1", "is not accepted", setMethod(dsig.RSASHA1SignatureMethod, crypto.SHA1)},
		{"13", "digest by SHA-1", "the digest", changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/Reference/DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
		})},
		{"13", "digest by MD5", "the digest", changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/Reference/DigestMethod").CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#md5")
		})},
		{"13", "DSA", "is not accepted", setMethod("http://www.w3.org/2009/xmldsig11#dsa-sha256", crypto.SHA256)},
		{"13", "no algorithm", "is not accepted", setMethod("", crypto.SHA256)},
		{"13", "another family than the key's", unverified, setMethod(dsig.ECDSASHA256SignatureMethod, crypto.SHA256)},
		{"13", "another padding than the signature's", unverified, setMethod("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", crypto.SHA256)},
		{"13", "parameters of the algorithm", "is unexpected in SignatureMethod", changeSignature(func(signature *etree.Element) {
			element(signature, "SignedInfo/SignatureMethod").CreateElement("ds:HMACOutputLength").SetText("0")
		})},
		{"13", "HMAC with the certificate as the key", "is not accepted", signHMAC(func(c *x509.Certificate) []byte { return c.Raw })},
		{"13", "HMAC with the certificate's text as the key", "is not accepted", signHMAC(func(c *x509.Certificate) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
		})},
		{"13", "HMAC with the public key as the key", "is not accepted", signHMAC(func(c *x509.Certificate) []byte { return c.RawSubjectPublicKeyInfo })},
		{"14", "the attacker's certificate in KeyInfo", unverified, forgedBy(samltest.OtherRSA, unchanged)},
		{"14", "an ECDSA certificate in KeyInfo", unverified, forgedBy(samltest.ECDSA, unchanged)},
		{"14", "no KeyInfo", unverified, forgedBy(samltest.OtherRSA, func(_ *world, _ *samltest.IdP, signature *etree.Element) {
			signature.RemoveChild(signature.SelectElement("KeyInfo"))
		})},
		{"14", "the attacker's KeyValue", unverified, forgedBy(samltest.OtherRSA, func(_ *world, own *samltest.IdP, signature *etree.Element) {
			info := signature.SelectElement("KeyInfo")
			info.RemoveChild(info.SelectElement("X509Data"))
			value := info.CreateElement("ds:KeyValue").CreateElement("ds:RSAKeyValue")
			value.CreateElement("ds:Modulus").SetText(base64.StdEncoding.EncodeToString(own.Signer.Public().(*rsa.PublicKey).N.Bytes()))
			value.CreateElement("ds:Exponent").SetText("AQAB")
		})},
		{"14", "the pinned certificate in KeyInfo, the attacker's signature", unverified, forgedBy(samltest.OtherRSA, func(w *world, _ *samltest.IdP, signature *etree.Element) {
			element(signature, "KeyInfo/X509Data/X509Certificate").SetText(base64.StdEncoding.EncodeToString(w.idp.Certificate.Raw))
		})},
		{"14", "both certificates in KeyInfo", unverified, forgedBy(samltest.OtherRSA, func(w *world, _ *samltest.IdP, signature *etree.Element) {
			element(signature, "KeyInfo/X509Data").CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(w.idp.Certificate.Raw))
		})},
	})
}

func TestSAMLUnsigned(t *testing.T) {
	t.Parallel()
	const unsignedCause = "neither the response nor the assertion is signed"
	run(t, []attack{
		{"18", "never signed", unsignedCause, func(w *world) string { return samltest.Encode(w.response()) }},
		{"18", "signature removed from the response", unsignedCause, func(w *world) string { return samltest.Encode(unsigned(w.signedResponse())) }},
		{"18", "signature in another namespace", unsignedCause, func(w *world) string {
			response := w.signedAssertion()
			signatureOf(assertionOf(response)).CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig")
			return samltest.Encode(response)
		}},
		{"18", "empty value", unverified, func(w *world) string {
			response := w.signedAssertion()
			signatureOf(assertionOf(response)).SelectElement("SignatureValue").SetText("")
			return samltest.Encode(response)
		}},
		{"18", "empty signature", "Signature has no SignedInfo", func(w *world) string {
			response := w.response()
			s := etree.NewElement("ds:Signature")
			s.CreateAttr("xmlns:ds", dsig.Namespace)
			assertionOf(response).InsertChildAt(1, s)
			return samltest.Encode(response)
		}},
		{"19", "assertion exchanged in a signed response", "the content was changed", func(w *world) string {
			response := w.signedResponse()
			nameOf(assertionOf(response)).SetText(victimName)
			return samltest.Encode(response)
		}},
		{"19", "signed assertion changed in an unsigned response", "the content was changed", func(w *world) string {
			response := w.signedAssertion()
			nameOf(assertionOf(response)).SetText(victimName)
			return samltest.Encode(response)
		}},
		{"19", "attribute added to a signed assertion", "the content was changed", func(w *world) string {
			response := w.signedAssertion()
			element(assertionOf(response), "AttributeStatement").CreateElement("saml:Attribute").CreateAttr("Name", "groups")
			return samltest.Encode(response)
		}},
		{"19", "signed assertion in a response with a foreign signature", "SAML Response signature is invalid", func(w *world) string {
			response := w.signedAssertion()
			samltest.New(w, samltest.OtherRSA).Sign(w, response)
			return samltest.Encode(response)
		}},
		{"19", "signed response around a foreign assertion", "SAML Assertion signature is invalid", func(w *world) string {
			response := w.response()
			samltest.New(w, samltest.OtherRSA).Sign(w, assertionOf(response))
			return samltest.Encode(w.idp.Sign(w, response))
		}},
		{"19", "signed message of another kind", "not Response", func(w *world) string {
			return samltest.Encode(w.idp.Sign(w, w.idp.LogoutResponse(answer())))
		}},
	})
}

func encryptionCertificate(t testing.TB) *x509.Certificate {
	return samltest.Certificate(t, samltest.Encryption.Signer(t), samltest.Start)
}

// TestSAMLEncryption has attacks on encrypted assertions (Jager and Somorovsky, "How to Break
// XML Encryption", 2011; Bleichenbacher, 1998).
func TestSAMLEncryption(t *testing.T) {
	t.Parallel()
	certificate := encryptionCertificate(t)
	gcm := samltest.OAEP(xmlenc.OAEP(), xmlenc.AES128GCM)
	cbc := samltest.OAEP(xmlenc.OAEP(), xmlenc.AES128CBC)
	w := newWorld(t, func(s *saml.Settings) { s.EncryptedResponses = true })
	honest := func(e samltest.Encrypter) *etree.Element {
		return samltest.Encrypt(t, w.signedAssertion(), certificate, e)
	}
	for name, e := range map[string]samltest.Encrypter{"GCM": gcm, "CBC": cbc} {
		if _, err := w.send(samltest.Encode(honest(e))); err != nil {
			t.Fatalf("an honest answer, %s: %v", name, err)
		}
	}
	const method = "EncryptedAssertion/EncryptedData/EncryptionMethod"
	tests := []struct {
		name, cause string
		response    func() *etree.Element
	}{
		{"assertion without a signature", "the content cannot be decrypted", func() *etree.Element {
			return samltest.Encrypt(t, w.response(), certificate, gcm)
		}},
		{"assertion that is not encrypted", "the assertion is not encrypted", w.signedAssertion},
		{"signed response with an assertion that is not encrypted", "the assertion is not encrypted", w.signedResponse},
		{"RSA PKCS #1 v1.5", "is not accepted", func() *etree.Element {
			return honest(samltest.OAEP(xmlenc.PKCS1v15(), xmlenc.AES128GCM))
		}},
		{"Triple DES", "is not accepted", func() *etree.Element {
			e := honest(cbc)
			element(e, method).CreateAttr("Algorithm", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc")
			return e
		}},
		{"two encrypted keys", "there are 2 encrypted keys", func() *etree.Element {
			e := honest(gcm)
			element(e, "EncryptedAssertion").AddChild(element(e, "EncryptedAssertion/EncryptedData/KeyInfo/EncryptedKey").Copy())
			other := element(e, "EncryptedAssertion/EncryptedKey")
			other.CreateAttr("Id", "_other")
			other.CreateAttr("xmlns:ds", dsig.Namespace)
			return e
		}},
		{"reference to a ciphertext elsewhere", "CipherData has no CipherValue", func() *etree.Element {
			e := honest(gcm)
			data := element(e, "EncryptedAssertion/EncryptedData/CipherData")
			data.RemoveChild(data.SelectElement("CipherValue"))
			data.CreateElement("xenc:CipherReference").CreateAttr("URI", "https://attacker.example.com/")
			return e
		}},
		{"assertion with another one in it", "the content cannot be decrypted", func() *etree.Element {
			e := w.signedAssertion()
			forged := forge(unsigned(assertionOf(e)), "_forged")
			forged.AddChild(assertionOf(e).Copy())
			return samltest.EncryptBytes(t, e, samltest.Bytes(forged), certificate, gcm)
		}},
		{"assertion in the advice of one, in a signed response", "the content cannot be decrypted", func() *etree.Element {
			e := w.response()
			assertionOf(e).CreateElement("saml:Advice").AddChild(forge(assertionOf(e), "_forged"))
			return w.idp.Sign(t, samltest.Encrypt(t, e, certificate, gcm))
		}},
		{"entity in the content", "the content cannot be decrypted", func() *etree.Element {
			content := `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + text(assertionOf(w.signedAssertion()))
			return samltest.EncryptBytes(t, w.response(), []byte(content), certificate, gcm)
		}},
	}
	for _, test := range tests {
		t.Run("20 "+test.name, func(t *testing.T) {
			t.Parallel()
			identity, err := w.send(samltest.Encode(test.response()))
			wantSAMLRefusal(t, identity, err, test.cause)
		})
	}
	t.Run("20 encrypted assertion that is not expected", func(t *testing.T) {
		t.Parallel()
		identity, err := newWorld(t, nil).send(samltest.Encode(honest(gcm)))
		wantSAMLRefusal(t, identity, err, "the assertion is encrypted")
	})
}

// TestSAMLDecryptionOracle wants one error, with one cause, for whatever fails between the
// encrypted key and the assertion's signature.
func TestSAMLDecryptionOracle(t *testing.T) {
	t.Parallel()
	certificate := encryptionCertificate(t)
	w := newWorld(t, func(s *saml.Settings) { s.EncryptedResponses = true })
	gcm := samltest.OAEP(xmlenc.OAEP(), xmlenc.AES128GCM)
	cbc := samltest.OAEP(xmlenc.OAEP(), xmlenc.AES128CBC)
	const (
		content = "EncryptedAssertion/EncryptedData/CipherData/CipherValue"
		key     = "EncryptedAssertion/EncryptedData/KeyInfo/EncryptedKey/CipherData/CipherValue"
	)
	change := func(e samltest.Encrypter, path string, change func([]byte) []byte) *etree.Element {
		response := samltest.Encrypt(t, w.signedAssertion(), certificate, e)
		value := element(response, path)
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value.Text()))
		if err != nil {
			t.Fatal(err)
		}
		value.SetText(base64.StdEncoding.EncodeToString(change(b)))
		return response
	}
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b[(i+len(b))%len(b)] ^= 0x80; return b }
	}
	other := samltest.Certificate(t, samltest.OtherRSA.Signer(t), samltest.Start)
	responses := map[string]*etree.Element{
		"key changed":               change(gcm, key, flip(10)),
		"key cut":                   change(gcm, key, func(b []byte) []byte { return b[:100] }),
		"key empty":                 change(gcm, key, func([]byte) []byte { return nil }),
		"key for another recipient": samltest.Encrypt(t, w.signedAssertion(), other, gcm),
		"key of another length": change(gcm, key, func([]byte) []byte {
			b, err := rsa.EncryptOAEP(sha1Hash(), rand.Reader, certificate.PublicKey.(*rsa.PublicKey), make([]byte, 32), nil)
			if err != nil {
				t.Error(err)
			}
			return b
		}),
		"tag changed":             change(gcm, content, flip(-1)),
		"content cut to nothing":  change(gcm, content, func([]byte) []byte { return nil }),
		"padding changed":         change(cbc, content, flip(-17)),
		"first block changed":     change(cbc, content, flip(3)),
		"block in the middle":     change(cbc, content, flip(200)),
		"no whole blocks":         change(cbc, content, func(b []byte) []byte { return b[:len(b)-1] }),
		"only the initial vector": change(cbc, content, func(b []byte) []byte { return b[:16] }),
		"content is no XML":       samltest.EncryptBytes(t, w.response(), []byte("x"), certificate, cbc),
		"content is unsigned":     samltest.Encrypt(t, w.response(), certificate, cbc),
		"content has a wrong signature": func() *etree.Element {
			e := w.signedAssertion()
			nameOf(assertionOf(e)).SetText(victimName)
			return samltest.Encrypt(t, e, certificate, cbc)
		}(),
	}
	texts := map[string]string{}
	for name, response := range responses {
		identity, err := w.send(samltest.Encode(response))
		wantSAMLRefusal(t, identity, err, "the content cannot be decrypted")
		if !errors.Is(err, saml.ErrUntrusted) {
			t.Errorf("%s: %v does not match ErrUntrusted, as a wrong signature does", name, err)
		}
		texts[err.Error()+"|"+errors.Unwrap(err).Error()] = name
	}
	if len(texts) != 1 {
		t.Errorf("failures differ: %q", texts)
	}
}
