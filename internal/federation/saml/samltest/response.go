package samltest

import (
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
)

const (
	protocolSpace  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"
)

// Answer is what a response says.
type Answer struct {
	Consumer, Audience, NameID string
	// InResponseTo is "" for an answer that no request asked for.
	InResponseTo string
	Now          time.Time
	Attributes   []Attribute
	// ID distinguishes responses; the response is _r{ID}, the assertion _a{ID}.
	ID string
}

// Attribute is an attribute with its values.
type Attribute struct {
	Name   string
	Values []string
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Response returns an unsigned response that contains an unsigned assertion.
func (p *IdP) Response(a Answer) *etree.Element {
	response := p.message("samlp:Response", "_r"+a.ID, a.InResponseTo, a.Consumer, a.Now)
	response.AddChild(p.assertion(a))
	return response
}

// LogoutResponse returns an unsigned answer to a logout request.
func (p *IdP) LogoutResponse(a Answer) *etree.Element {
	return p.message("samlp:LogoutResponse", "_l"+a.ID, a.InResponseTo, a.Consumer, a.Now)
}

func (p *IdP) message(name, id, inResponseTo, destination string, now time.Time) *etree.Element {
	e := etree.NewElement(name)
	e.CreateAttr("xmlns:samlp", protocolSpace)
	e.CreateAttr("xmlns:saml", assertionSpace)
	e.CreateAttr("ID", id)
	e.CreateAttr("Version", "2.0")
	e.CreateAttr("IssueInstant", stamp(now))
	e.CreateAttr("Destination", destination)
	if inResponseTo != "" {
		e.CreateAttr("InResponseTo", inResponseTo)
	}
	e.CreateElement("saml:Issuer").SetText(p.EntityID)
	e.CreateElement("samlp:Status").CreateElement("samlp:StatusCode").
		CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")
	return e
}

func (p *IdP) assertion(a Answer) *etree.Element {
	e := etree.NewElement("saml:Assertion")
	e.CreateAttr("xmlns:saml", assertionSpace)
	e.CreateAttr("xmlns:xs", "http://www.w3.org/2001/XMLSchema")
	e.CreateAttr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
	e.CreateAttr("ID", "_a"+a.ID)
	e.CreateAttr("Version", "2.0")
	e.CreateAttr("IssueInstant", stamp(a.Now))
	e.CreateElement("saml:Issuer").SetText(p.EntityID)
	end := stamp(a.Now.Add(5 * time.Minute))

	subject := e.CreateElement("saml:Subject")
	name := subject.CreateElement("saml:NameID")
	name.CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
	name.SetText(a.NameID)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	confirmation.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	data := confirmation.CreateElement("saml:SubjectConfirmationData")
	data.CreateAttr("Recipient", a.Consumer)
	data.CreateAttr("NotOnOrAfter", end)
	if a.InResponseTo != "" {
		data.CreateAttr("InResponseTo", a.InResponseTo)
	}

	conditions := e.CreateElement("saml:Conditions")
	conditions.CreateAttr("NotBefore", stamp(a.Now.Add(-time.Minute)))
	conditions.CreateAttr("NotOnOrAfter", end)
	conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(a.Audience)

	statement := e.CreateElement("saml:AuthnStatement")
	statement.CreateAttr("AuthnInstant", stamp(a.Now))
	statement.CreateAttr("SessionIndex", "session-1")
	statement.CreateElement("saml:AuthnContext").CreateElement("saml:AuthnContextClassRef").
		SetText("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport")

	if len(a.Attributes) > 0 {
		list := e.CreateElement("saml:AttributeStatement")
		for _, attribute := range a.Attributes {
			child := list.CreateElement("saml:Attribute")
			child.CreateAttr("Name", attribute.Name)
			for _, value := range attribute.Values {
				v := child.CreateElement("saml:AttributeValue")
				v.CreateAttr("xsi:type", "xs:string")
				v.SetText(value)
			}
		}
	}
	return e
}

// Encrypter makes EncryptedData.
type Encrypter interface {
	Encrypt(key any, plaintext []byte, nonce []byte) (*etree.Element, error)
}

// OAEP returns an encrypter: an RSA-OAEP key transport with a content cipher.
func OAEP(transport xmlenc.RSA, content xmlenc.BlockCipher) Encrypter {
	transport.BlockCipher = content
	return transport
}

// Encrypt replaces the assertion of a response by an encrypted one.
func Encrypt(t testing.TB, response *etree.Element, certificate *x509.Certificate, e Encrypter) *etree.Element {
	t.Helper()
	assertion := response.SelectElement("Assertion")
	return EncryptBytes(t, response, Bytes(assertion), certificate, e)
}

// EncryptBytes replaces the assertion of a response by encrypted bytes.
func EncryptBytes(t testing.TB, response *etree.Element, content []byte, certificate *x509.Certificate, e Encrypter) *etree.Element {
	t.Helper()
	assertion := response.SelectElement("Assertion")
	data, err := e.Encrypt(certificate, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	encrypted := etree.NewElement("saml:EncryptedAssertion")
	encrypted.CreateAttr("xmlns:saml", assertionSpace)
	encrypted.AddChild(data)
	response.InsertChildAt(assertion.Index(), encrypted)
	response.RemoveChild(assertion)
	return response
}

// Decrypter returns the key of a service provider's encryption certificate.
func Decrypter(t testing.TB) crypto.Decrypter {
	t.Helper()
	return Encryption.Signer(t).(crypto.Decrypter)
}
