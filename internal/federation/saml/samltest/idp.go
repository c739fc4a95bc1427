// Package samltest is a SAML identity provider for tests. It signs by goxmldsig, which shares
// no code with the service provider, and lets tests change a message before and after the
// signature.
//
// Only tests may import the package.
package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"io"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"cognate/internal/federation/saml"
)

// Start is the time at which tests of this package take place.
var Start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// Key chooses one of the keys that all tests share.
type Key int

// The keys of tests. Making an RSA key takes long, so each process makes it once.
const (
	RSA Key = iota
	OtherRSA
	Encryption
	ECDSA
	keyCount
)

var signers = func() (list [keyCount]func() (crypto.Signer, error)) {
	for i := range list {
		list[i] = sync.OnceValues(func() (crypto.Signer, error) {
			if Key(i) == ECDSA {
				return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			}
			return rsa.GenerateKey(rand.Reader, 2048)
		})
	}
	return list
}()

// Signer returns a key.
func (k Key) Signer(t testing.TB) crypto.Signer {
	t.Helper()
	signer, err := signers[k]()
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// IdP is an identity provider.
type IdP struct {
	EntityID, SSOURL, SLOURL string
	Signer                   crypto.Signer
	Certificate              *x509.Certificate
	// Canonicalizer is the form in which messages are signed.
	Canonicalizer dsig.Canonicalizer
	// Method is the signature's algorithm; "" is the one with SHA-256.
	Method string
	// RawECDSA writes ECDSA signatures as the standard says, which goxmldsig does not.
	RawECDSA bool
}

// New returns an identity provider that signs with a key.
func New(t testing.TB, key Key) *IdP {
	t.Helper()
	signer := key.Signer(t)
	return &IdP{
		EntityID:      "https://idp.example.com/metadata",
		SSOURL:        "https://idp.example.com/sso?tenant=7",
		SLOURL:        "https://idp.example.com/slo",
		Signer:        signer,
		Certificate:   Certificate(t, signer, Start),
		Canonicalizer: dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""),
		RawECDSA:      true,
	}
}

// Certificate returns a self-signed certificate.
func Certificate(t testing.TB, signer crypto.Signer, at time.Time) *x509.Certificate {
	t.Helper()
	encoded, err := saml.NewSigningCertificate(signer, "idp.example.com", at)
	if err != nil {
		t.Fatal(err)
	}
	return ParseCertificate(t, encoded)
}

// ParseCertificate returns a certificate as the API shows it: Base64 of DER.
func ParseCertificate(t testing.TB, encoded string) *x509.Certificate {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// Metadata returns the provider's metadata, with the certificates of more keys.
func (p *IdP) Metadata(more ...*x509.Certificate) []byte {
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", "urn:oasis:names:tc:SAML:2.0:metadata")
	root.CreateAttr("entityID", p.EntityID)
	role := root.CreateElement("md:IDPSSODescriptor")
	role.CreateAttr("protocolSupportEnumeration", "urn:oasis:names:tc:SAML:2.0:protocol")
	for _, certificate := range append([]*x509.Certificate{p.Certificate}, more...) {
		descriptor := role.CreateElement("md:KeyDescriptor")
		descriptor.CreateAttr("use", "signing")
		info := descriptor.CreateElement("ds:KeyInfo")
		info.CreateAttr("xmlns:ds", dsig.Namespace)
		info.CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
			SetText(base64.StdEncoding.EncodeToString(certificate.Raw))
	}
	for name, location := range map[string]string{"md:SingleLogoutService": p.SLOURL, "md:SingleSignOnService": p.SSOURL} {
		if location != "" {
			service := role.CreateElement(name)
			service.CreateAttr("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
			service.CreateAttr("Location", location)
		}
	}
	return Bytes(root)
}

// Bytes returns an element as a document.
func Bytes(e *etree.Element) []byte {
	document := etree.NewDocument()
	document.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
	document.SetRoot(e.Copy())
	b, err := document.WriteToBytes()
	if err != nil {
		panic(err)
	}
	return b
}

// Encode returns an element as the value of SAMLResponse.
func Encode(e *etree.Element) string { return base64.StdEncoding.EncodeToString(Bytes(e)) }

// Sign puts an enveloped signature into an element, behind its issuer.
func (p *IdP) Sign(t testing.TB, e *etree.Element) *etree.Element {
	t.Helper()
	signer := p.Signer
	if _, ok := signer.Public().(*ecdsa.PublicKey); ok && p.RawECDSA {
		signer = rawSigner{signer}
	}
	context, err := dsig.NewSigningContext(signer, [][]byte{p.Certificate.Raw})
	if err != nil {
		t.Fatal(err)
	}
	context.Canonicalizer = p.Canonicalizer
	if p.Method != "" {
		if err := context.SetSignatureMethod(p.Method); err != nil {
			t.Fatal(err)
		}
	}
	signature, err := context.ConstructSignature(e, true)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	if issuer := e.SelectElement("Issuer"); issuer != nil {
		at = issuer.Index() + 1
	}
	e.InsertChildAt(at, signature)
	return e
}

// rawSigner writes the two numbers of an ECDSA signature without ASN.1.
type rawSigner struct{ crypto.Signer }

func (s rawSigner) Sign(random io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	encoded, err := s.Signer.Sign(random, digest, options)
	if err != nil {
		return nil, err
	}
	var numbers struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(encoded, &numbers); err != nil {
		return nil, err
	}
	size := (s.Public().(*ecdsa.PublicKey).Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	numbers.R.FillBytes(out[:size])
	numbers.S.FillBytes(out[size:])
	return out, nil
}
