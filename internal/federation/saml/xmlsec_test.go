package saml_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// fixtureName is the attribute in the files of testdata.
const fixtureName = "J\u00e4ne <D\u00f6e> & \"S\u00f6hne\"\r"

// TestXMLSec verifies responses that XML Security Library 1.2.37 signed: with lists of
// prefixes, inclusive forms, and white space between all elements.
func TestXMLSec(t *testing.T) {
	t.Parallel()
	p := xmlsecProvider(t, false)
	names, err := filepath.Glob("testdata/xmlsec/*.xml")
	if err != nil || len(names) < 13 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		document := readFile(t, name)
		identity, err := finishBytes(t, p, document)
		if err != nil || identity.Subject != "Jane.Doe" || identity.Claims["name"] != fixtureName {
			t.Errorf("%s: %+v, %v", name, identity, err)
		}
		for _, change := range [][2]string{{"Jane.Doe", "Jane.Doa"}, {">J\u00e4ne", "> J\u00e4ne"}, {"s1", "s2"}, {"<saml:AuthnStatement", "<saml:AuthnStatement x=\"\""}} {
			changed := strings.Replace(string(document), change[0], change[1], 1)
			if changed == string(document) {
				t.Fatalf("%s has no %s", name, change[0])
			}
			if _, err := finishBytes(t, p, []byte(changed)); err == nil {
				t.Errorf("%s: accepted with %s", name, change[1])
			}
		}
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// xmlsecProvider trusts the keys that signed the files in testdata. Its own key opens the
// encrypted ones.
func xmlsecProvider(t testing.TB, encrypted bool) *saml.Provider {
	t.Helper()
	var b strings.Builder
	b.WriteString(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp.example.com/metadata">` +
		`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">`)
	for _, name := range []string{"rsa.crt", "ec.crt"} {
		block, _ := pem.Decode(readFile(t, "testdata/xmlsec/"+name))
		certificate := base64.StdEncoding.EncodeToString(block.Bytes)
		b.WriteString(`<KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + certificate + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>`)
	}
	b.WriteString(`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>`)
	metadata, err := saml.ParseMetadata([]byte(b.String()), samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(readFile(t, "testdata/encrypted/key.pem"))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	p, err := saml.New(saml.Settings{
		Metadata: metadata, EntityID: entityID, Decrypter: key.(crypto.Decrypter), EncryptedResponses: encrypted,
		Now: func() time.Time { return samltest.Start },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func finishBytes(t testing.TB, p *saml.Provider, document []byte) (*federation.Identity, error) {
	t.Helper()
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(document)}, "RelayState": {attempt.State}}
	return p.Finish(t.Context(), attempt, federation.Answer{Form: form})
}
