package xmldsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"cognate/internal/federation/saml/samltest"
	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
)

func signedMessage(t *testing.T, idp *samltest.IdP) *etree.Element {
	t.Helper()
	return idp.Sign(t, idp.LogoutResponse(samltest.Answer{ID: "1", Consumer: "https://sp.example.com/", Now: samltest.Start}))
}

func parse(t *testing.T, document []byte) *strictxml.Element {
	t.Helper()
	e, err := strictxml.Parse(document, strictxml.Message)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestVerifyReturnsSignedBytes wants the result to be made from the bytes that were hashed:
// it has no signature, and shares nothing with the message.
func TestVerifyReturnsSignedBytes(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	e := parse(t, samltest.Bytes(signedMessage(t, idp)))
	verified, err := xmldsig.Verify(e, []crypto.PublicKey{samltest.ECDSA.Signer(t).Public(), idp.Signer.Public()})
	if err != nil {
		t.Fatal(err)
	}
	shared := map[*strictxml.Element]bool{}
	for c := range e.Walk {
		shared[c] = true
	}
	count := 0
	for c := range verified.Walk {
		if shared[c] || c.Is(xmldsig.Space, "Signature") {
			t.Errorf("%s belongs to the message", c.Local)
		}
		count++
	}
	if count != 4 {
		t.Errorf("the result has %d elements, want LogoutResponse, Issuer, Status and StatusCode", count)
	}
	for name, keys := range map[string][]crypto.PublicKey{
		"no key": nil, "another key": {samltest.OtherRSA.Signer(t).Public()}, "another family": {samltest.ECDSA.Signer(t).Public()},
	} {
		if _, err := xmldsig.Verify(e, keys); err == nil {
			t.Errorf("%s verifies the message", name)
		}
	}
}

// TestPSS signs by RSASSA-PSS, which goxmldsig cannot.
func TestPSS(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	for salt, isValid := range map[int]bool{sha256.Size: true, 20: false} {
		message := signedMessage(t, idp)
		signature := message.SelectElement("Signature")
		signature.FindElement("SignedInfo/SignatureMethod").CreateAttr("Algorithm", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")
		signedInfo, err := parse(t, samltest.Bytes(message)).Children(xmldsig.Space, "Signature")[0].Children(xmldsig.Space, "SignedInfo")[0].Canonical(strictxml.Form{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(signedInfo)
		value, err := rsa.SignPSS(rand.Reader, idp.Signer.(*rsa.PrivateKey), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt})
		if err != nil {
			t.Fatal(err)
		}
		signature.SelectElement("SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
		_, err = xmldsig.Verify(parse(t, samltest.Bytes(message)), []crypto.PublicKey{idp.Signer.Public()})
		if isValid != (err == nil) {
			t.Errorf("salt of %d bytes: %v", salt, err)
		}
	}
}

// TestECDSAEncodings accepts the two numbers as the standard has them, and as goxmldsig does.
func TestECDSAEncodings(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.ECDSA)
	keys := []crypto.PublicKey{idp.Signer.Public()}
	for _, raw := range []bool{true, false} {
		idp.RawECDSA = raw
		document := samltest.Bytes(signedMessage(t, idp))
		if _, err := xmldsig.Verify(parse(t, document), keys); err != nil {
			t.Errorf("raw %v: %v", raw, err)
		}
		changed := strings.Replace(string(document), "status:Success", "status:Failure", 1)
		if _, err := xmldsig.Verify(parse(t, []byte(changed)), keys); err == nil {
			t.Errorf("raw %v: a changed message is accepted", raw)
		}
	}
	for name, value := range map[string][]byte{"zeros": make([]byte, 64), "nothing": nil, "short": make([]byte, 63)} {
		message := signedMessage(t, idp)
		message.FindElement("Signature/SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
		if _, err := xmldsig.Verify(parse(t, samltest.Bytes(message)), keys); err == nil {
			t.Errorf("a signature of %s is accepted", name)
		}
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.PublicKey{"P-224": small.Public(), "Ed25519": edwards, "nothing": nil} {
		if xmldsig.CheckKey(key) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
