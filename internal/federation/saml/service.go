package saml

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"time"
)

// Service is the service provider, as it describes itself to identity providers.
type Service struct {
	EntityID string
	// AssertionConsumer and Logout take answers by POST. Logout may be "".
	AssertionConsumer, Logout string
	// SigningCertificate and EncryptionCertificate are Base64 of DER. Each may be "".
	SigningCertificate, EncryptionCertificate string
	// SignRequests says that sign-in requests are signed.
	SignRequests bool
}

// ServiceMetadata returns the metadata document of the service provider (SAML Metadata §2.4.4).
func ServiceMetadata(s Service) []byte {
	b := newWriter()
	b.open("md:EntityDescriptor", "xmlns:md", metadataSpace, "entityID", s.EntityID)
	signed := "false"
	if s.SignRequests {
		signed = "true"
	}
	b.open("md:SPSSODescriptor",
		"AuthnRequestsSigned", signed,
		"WantAssertionsSigned", "true",
		"protocolSupportEnumeration", protocolSpace)
	b.keyDescriptor("signing", s.SigningCertificate)
	b.keyDescriptor("encryption", s.EncryptionCertificate)
	if s.Logout != "" {
		b.open("md:SingleLogoutService", "Binding", postBinding, "Location", s.Logout)
		b.close("md:SingleLogoutService")
	}
	b.open("md:AssertionConsumerService", "Binding", postBinding, "Location", s.AssertionConsumer, "index", "0", "isDefault", "true")
	b.close("md:AssertionConsumerService")
	b.close("md:SPSSODescriptor")
	b.close("md:EntityDescriptor")
	return b.bytes()
}

func (w *writer) keyDescriptor(use, certificate string) {
	if certificate == "" {
		return
	}
	w.open("md:KeyDescriptor", "use", use)
	w.open("ds:KeyInfo", "xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	w.open("ds:X509Data")
	w.text("ds:X509Certificate", certificate)
	w.close("ds:X509Data")
	w.close("ds:KeyInfo")
	if use == "encryption" {
		for _, algorithm := range offeredEncryption {
			w.open("md:EncryptionMethod", "Algorithm", algorithm)
			w.close("md:EncryptionMethod")
		}
	}
	w.close("md:KeyDescriptor")
}

// offeredEncryption are the algorithms that identity providers should choose from, the best
// first.
var offeredEncryption = []string{
	"http://www.w3.org/2009/xmlenc11#aes256-gcm",
	"http://www.w3.org/2009/xmlenc11#aes128-gcm",
	"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
}

// certificateYears is the life of the service provider's certificates. Identity providers pin
// the key, and few of them look at the times.
const certificateYears = 10

// NewSigningCertificate returns a self-signed certificate of a key that signs requests, as
// Base64 of DER.
func NewSigningCertificate(key crypto.Signer, commonName string, now time.Time) (string, error) {
	return newCertificate(key, commonName, now, x509.KeyUsageDigitalSignature)
}

// NewEncryptionCertificate returns a self-signed certificate of a key that decrypts
// assertions, as Base64 of DER.
func NewEncryptionCertificate(key crypto.Signer, commonName string, now time.Time) (string, error) {
	return newCertificate(key, commonName, now, x509.KeyUsageKeyEncipherment)
}

func newCertificate(key crypto.Signer, commonName string, now time.Time, usage x509.KeyUsage) (string, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: commonName},
		// Clocks of identity providers differ.
		NotBefore:             now.Add(-time.Hour).UTC(),
		NotAfter:              now.AddDate(certificateYears, 0, 0).UTC(),
		KeyUsage:              usage,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(der), nil
}
