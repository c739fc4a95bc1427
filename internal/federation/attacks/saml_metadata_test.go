package attacks_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// metadataRoot returns the honest metadata as elements.
func metadataRoot(t testing.TB, idp *samltest.IdP) *etree.Element {
	t.Helper()
	document := etree.NewDocument()
	if err := document.ReadFromBytes(idp.Metadata()); err != nil {
		t.Fatal(err)
	}
	return document.Root()
}

func entities(children ...*etree.Element) *etree.Element {
	e := etree.NewElement("md:EntitiesDescriptor")
	e.CreateAttr("xmlns:md", "urn:oasis:names:tc:SAML:2.0:metadata")
	for _, child := range children {
		e.AddChild(child)
	}
	return e
}

func weakCertificate(t testing.TB) *x509.Certificate {
	t.Helper()
	// A key of 1024 bits is the attack.
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return samltest.Certificate(t, key, samltest.Start)
}

func TestSAMLMetadata(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	certificate := "md:IDPSSODescriptor/md:KeyDescriptor/KeyInfo/X509Data/X509Certificate"
	tests := []struct {
		row, name, cause string
		change           func(root *etree.Element) *etree.Element
	}{
		{"30", "several identity providers", "more than one identity provider", func(root *etree.Element) *etree.Element {
			return entities(root, root.Copy())
		}},
		{"30", "another identity provider in an inner group", "more than one identity provider", func(root *etree.Element) *etree.Element {
			return entities(root, entities(root.Copy()))
		}},
		{"30", "two roles", "more than one identity provider", func(root *etree.Element) *etree.Element {
			root.AddChild(root.SelectElement("IDPSSODescriptor").Copy())
			return root
		}},
		{"30", "identity provider in extensions", "no IDPSSODescriptor", func(root *etree.Element) *etree.Element {
			e := entities()
			e.CreateElement("md:Extensions").AddChild(root)
			return e
		}},
		{"30", "service provider", "no IDPSSODescriptor", func(root *etree.Element) *etree.Element {
			root.SelectElement("IDPSSODescriptor").Tag = "SPSSODescriptor"
			return root
		}},
		{"30", "expired document", "the document was valid until", func(root *etree.Element) *etree.Element {
			root.CreateAttr("validUntil", at(0))
			return root
		}},
		{"30", "expired group", "the document was valid until", func(root *etree.Element) *etree.Element {
			e := entities(root)
			e.CreateAttr("validUntil", at(-time.Second))
			return e
		}},
		{"30", "end that is no time", "validUntil", func(root *etree.Element) *etree.Element {
			root.CreateAttr("validUntil", "never")
			return root
		}},
		{"30", "location with a script", "is not an https URL", func(root *etree.Element) *etree.Element {
			root.FindElement("//SingleSignOnService").CreateAttr("Location", "javascript:alert(1)")
			return root
		}},
		{"30", "location with a script and a host", "is not an https URL", func(root *etree.Element) *etree.Element {
			root.FindElement("//SingleSignOnService").CreateAttr("Location", "javascript://idp.example.com/%0aalert(1)")
			return root
		}},
		{"30", "location without a host", "is not an https URL", func(root *etree.Element) *etree.Element {
			root.FindElement("//SingleLogoutService").CreateAttr("Location", "/slo")
			return root
		}},
		{"30", "location with a user", "has a user", func(root *etree.Element) *etree.Element {
			root.FindElement("//SingleSignOnService").CreateAttr("Location", "https://idp.example.com@attacker.example.com/")
			return root
		}},
		{"30", "location with a line end", "is not an https URL", func(root *etree.Element) *etree.Element {
			root.FindElement("//SingleSignOnService").CreateAttr("Location", "https://idp.example.com/\r\nSet-Cookie: a=b")
			return root
		}},
		{"30", "certificate for encryption only", "no signing certificate", func(root *etree.Element) *etree.Element {
			root.FindElement("//KeyDescriptor").CreateAttr("use", "encryption")
			return root
		}},
		{"30", "long certificate", "longer than 4096 characters", func(root *etree.Element) *etree.Element {
			root.FindElement(certificate).SetText(strings.Repeat("A", 4100))
			return root
		}},
		{"13", "key of 1024 bits", "shorter than 2048 bits", func(root *etree.Element) *etree.Element {
			root.FindElement(certificate).SetText(base64.StdEncoding.EncodeToString(weakCertificate(t).Raw))
			return root
		}},
		{"31", "certificate that has expired when it is configured", "expired on", func(root *etree.Element) *etree.Element {
			old := samltest.Certificate(t, idp.Signer, samltest.Start.AddDate(-11, 0, 0))
			root.FindElement(certificate).SetText(base64.StdEncoding.EncodeToString(old.Raw))
			return root
		}},
	}
	for _, test := range tests {
		document := samltest.Bytes(test.change(metadataRoot(t, idp)))
		m, err := saml.ParseMetadata(document, samltest.Start)
		if err == nil || !strings.Contains(err.Error(), test.cause) {
			t.Errorf("%s %s: %+v, %v, want %q", test.row, test.name, m, err, test.cause)
		}
	}
	document := `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + string(idp.Metadata())
	if _, err := saml.ParseMetadata([]byte(document), samltest.Start); err == nil || !strings.Contains(err.Error(), "DOCTYPE") {
		t.Errorf("17 metadata with an entity: %v", err)
	}
}

// TestSAMLCertificateExpires wants a pinned certificate to be accepted after its end: the times
// are checked when it is configured.
func TestSAMLCertificateExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.settings.Now = func() time.Time { return samltest.Start.AddDate(20, 0, 0) }
	var err error
	if w.settings.Metadata, err = saml.ParseMetadata(w.idp.Metadata(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	a := answer()
	a.Now = w.settings.Now()
	if _, err := w.send(samltest.Encode(w.idp.Sign(t, w.idp.Response(a)))); err != nil {
		t.Errorf("31 %v", err)
	}
}

// TestSAMLPinnedKeysAreStrong wants settings with a weak key to be refused, too: metadata may
// be older than the rule.
func TestSAMLPinnedKeysAreStrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	metadata := *w.settings.Metadata
	metadata.Certificates = []*x509.Certificate{weakCertificate(t)}
	w.settings.Metadata = &metadata
	if _, err := saml.New(w.settings); err == nil {
		t.Error("13 a pinned key of 1024 bits is accepted")
	}
}
