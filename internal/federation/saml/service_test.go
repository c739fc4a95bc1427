package saml_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"testing"

	foreign "github.com/crewjam/saml"

	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

func TestServiceMetadata(t *testing.T) {
	t.Parallel()
	document := saml.ServiceMetadata(saml.Service{
		EntityID: entityID, AssertionConsumer: consumer + "?a=1&b=2", Logout: logoutEndpoint,
		SigningCertificate: "c2lnbg==", EncryptionCertificate: "ZW5j", SignRequests: true,
	})
	var m foreign.EntityDescriptor
	if err := xml.Unmarshal(document, &m); err != nil || len(m.SPSSODescriptors) != 1 {
		t.Fatalf("%s: %v", document, err)
	}
	role := m.SPSSODescriptors[0]
	if m.EntityID != entityID || role.WantAssertionsSigned == nil || !*role.WantAssertionsSigned || role.AuthnRequestsSigned == nil || !*role.AuthnRequestsSigned {
		t.Errorf("%s", document)
	}
	if a := role.AssertionConsumerServices; len(a) != 1 || a[0].Location != consumer+"?a=1&b=2" || a[0].Binding != foreign.HTTPPostBinding || a[0].IsDefault == nil || !*a[0].IsDefault {
		t.Errorf("consumers %+v", a)
	}
	if l := role.SingleLogoutServices; len(l) != 1 || l[0].Location != logoutEndpoint || l[0].Binding != foreign.HTTPPostBinding {
		t.Errorf("logout services %+v", l)
	}
	for i, want := range []string{"signing c2lnbg==", "encryption ZW5j"} {
		k := role.KeyDescriptors[i]
		if got := k.Use + " " + k.KeyInfo.X509Data.X509Certificates[0].Data; got != want {
			t.Errorf("key %s, want %s", got, want)
		}
	}
	small := saml.ServiceMetadata(saml.Service{EntityID: entityID, AssertionConsumer: consumer})
	m = foreign.EntityDescriptor{}
	if err := xml.Unmarshal(small, &m); err != nil || len(m.SPSSODescriptors[0].KeyDescriptors)+len(m.SPSSODescriptors[0].SingleLogoutServices) != 0 {
		t.Errorf("%s: %v", small, err)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	key := samltest.RSA.Signer(t)
	signing, err := saml.NewSigningCertificate(key, entityID, samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	encryption, err := saml.NewEncryptionCertificate(key, entityID, samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	for text, usage := range map[string]x509.KeyUsage{signing: x509.KeyUsageDigitalSignature, encryption: x509.KeyUsageKeyEncipherment} {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if c.KeyUsage != usage || !c.NotAfter.Equal(samltest.Start.AddDate(10, 0, 0)) || !c.NotBefore.Before(samltest.Start) ||
			c.Subject.CommonName != entityID || c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != nil {
			t.Errorf("%+v", c)
		}
	}
}
