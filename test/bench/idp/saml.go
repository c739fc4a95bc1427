// Package idp has identity providers for the benchmark. Their answers cost the server's machine
// as little as possible.
package idp

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
)

// SAML is a provider that writes its assertions in the canonical form, so that it signs
// them without a canonicalizer.
type SAML struct {
	entityID    string
	key         *rsa.PrivateKey
	certificate string            // Base64 of DER
	encrypts    *x509.Certificate // nil: the assertion is not encrypted
}

// NewSAML makes a provider with a key of its own.
func NewSAML(name string) (*SAML, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return &SAML{entityID: "urn:bench:" + name, key: key, certificate: base64.StdEncoding.EncodeToString(der)}, err
}

// EncryptFor makes the provider encrypt for a certificate of the pool.
func (p *SAML) EncryptFor(certificate string) error {
	der, err := base64.StdEncoding.DecodeString(certificate)
	if err != nil {
		return err
	}
	p.encrypts, err = x509.ParseCertificate(der)
	return err
}

// Metadata returns the provider's metadata.
func (p *SAML) Metadata() string {
	return `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + p.entityID + `">` +
		`<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">` +
		`<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` + p.certificate +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>` +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.com/sso"/>` +
		`</md:IDPSSODescriptor></md:EntityDescriptor>`
}

// Request is what the provider needs of a request.
type Request struct {
	ID       string `xml:",attr"`
	Consumer string `xml:"AssertionConsumerServiceURL,attr"`
	Issuer   string
	Relay    string `xml:"-"`
}

// ReadRequest reads the request in the address to which a browser was sent.
func ReadRequest(location string) (*Request, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, err
	}
	body, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(body)))
	if err != nil {
		return nil, err
	}
	r := &Request{Relay: u.Query().Get("RelayState")}
	return r, xml.Unmarshal(text, r)
}

const (
	samlSpace = `xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`
	dsigSpace = `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`
	// responseSize is about how long a response is, before it is encoded.
	responseSize = 20 << 10
)

// Response returns the value of SAMLResponse for a person.
func (p *SAML) Response(r *Request, person string) (string, error) {
	now := time.Now().UTC()
	stamp, end := now.Format(time.RFC3339), now.Add(5*time.Minute).Format(time.RFC3339)
	id := "_" + rand.Text()
	head := `<saml:Assertion ` + samlSpace + ` ID="` + id + `" IssueInstant="` + stamp + `" Version="2.0"><saml:Issuer>` + p.entityID + `</saml:Issuer>`
	tail := `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` + person + `</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="` + r.ID +
		`" NotOnOrAfter="` + end + `" Recipient="` + r.Consumer + `"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotOnOrAfter="` + end + `"><saml:AudienceRestriction><saml:Audience>` + r.Issuer + `</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + stamp + `" SessionIndex="session-1"><saml:AuthnContext><saml:AuthnContextClassRef>` +
		`urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
		`<saml:AttributeStatement>` + samlAttribute("mail", person+"@example.com")
	for i := 0; len(head)+len(tail) < responseSize-2000; i++ {
		tail += samlAttribute(fmt.Sprintf("http://schemas.example.com/claims/%d", i), strings.Repeat("value ", 17))
	}
	tail += `</saml:AttributeStatement></saml:Assertion>`
	signature, err := p.sign(id, head+tail)
	if err != nil {
		return "", err
	}
	assertion := head + signature + tail
	if p.encrypts != nil {
		if assertion, err = p.encrypt(assertion); err != nil {
			return "", err
		}
	}
	response := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Destination="` + r.Consumer + `" ID="_` + rand.Text() +
		`" InResponseTo="` + r.ID + `" IssueInstant="` + stamp + `" Version="2.0"><saml:Issuer ` + samlSpace + `>` + p.entityID + `</saml:Issuer>` +
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` + assertion + `</samlp:Response>`
	return base64.StdEncoding.EncodeToString([]byte(response)), nil
}

func samlAttribute(name, value string) string {
	return `<saml:Attribute Name="` + name + `"><saml:AttributeValue>` + value + `</saml:AttributeValue></saml:Attribute>`
}

// sign returns the signature of an element in its canonical form.
func (p *SAML) sign(id, canonical string) (string, error) {
	digest := sha256.Sum256([]byte(canonical))
	info := `<ds:SignedInfo ` + dsigSpace + `><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="#` + id + `"><ds:Transforms>` +
		`<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform>` +
		`<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform></ds:Transforms>` +
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>` +
		base64.StdEncoding.EncodeToString(digest[:]) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	sum := sha256.Sum256([]byte(info))
	value, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, sum[:])
	return `<ds:Signature ` + dsigSpace + `>` + info + `<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue></ds:Signature>`, err
}

// encrypt returns an assertion encrypted by AES-256-GCM, with its key by RSA-OAEP.
func (p *SAML) encrypt(assertion string) (string, error) {
	transport := xmlenc.OAEP()
	transport.BlockCipher = xmlenc.AES256GCM
	data, err := transport.Encrypt(p.encrypts, []byte(assertion), nil)
	if err != nil {
		return "", err
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	document := etree.NewDocument()
	document.SetRoot(data)
	text, err := document.WriteToString()
	return `<saml:EncryptedAssertion ` + samlSpace + `>` + text + `</saml:EncryptedAssertion>`, err
}
