package saml

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
)

// Limits of metadata.
const (
	maxEntityID     = 1024
	maxURL          = 2048
	maxCertificate  = 4096 // Cognito: SAML identity provider metadata
	maxCertificates = 16
)

// Metadata is what a provider's metadata document says (SAML Metadata §2).
type Metadata struct {
	EntityID string
	// SSOURL and SLOURL take requests by redirect. SLOURL is "" if the provider has no single
	// logout.
	SSOURL, SLOURL string
	// Certificates may sign. Their times count when the metadata is configured, not later.
	Certificates []*x509.Certificate
	// ValidUntil is the end of the document's validity, or zero.
	ValidUntil time.Time
	// CacheDuration is how long the document may be kept, or zero.
	CacheDuration time.Duration
}

// ParseMetadata reads the metadata document of an identity provider. An administrator sees the
// error. The zero time skips the checks of times: it is for a document that was checked when it
// was configured.
func ParseMetadata(document []byte, now time.Time) (*Metadata, error) {
	m, err := parseMetadata(document)
	if err == nil && !now.IsZero() {
		err = m.checkTimes(now)
	}
	if err != nil {
		return nil, fmt.Errorf("SAML metadata: %w", err)
	}
	return m, nil
}

func parseMetadata(document []byte) (*Metadata, error) {
	root, err := strictxml.Parse(document, strictxml.Metadata)
	if err != nil {
		return nil, err
	}
	entity, role, err := findRole(root)
	if err != nil {
		return nil, err
	}
	m := &Metadata{}
	if m.EntityID, _ = entity.Attribute("entityID"); m.EntityID == "" || len(m.EntityID) > maxEntityID {
		return nil, fmt.Errorf("the entityID is missing or longer than %d characters", maxEntityID)
	}
	if err := m.readValidity(role); err != nil {
		return nil, err
	}
	if m.SSOURL, err = endpoint(role, "SingleSignOnService"); err != nil {
		return nil, err
	}
	if m.SSOURL == "" {
		return nil, errors.New("the provider has no SingleSignOnService with the HTTP-Redirect binding")
	}
	if m.SLOURL, err = endpoint(role, "SingleLogoutService"); err != nil {
		return nil, err
	}
	return m, m.readCertificates(role)
}

// findRole returns the only identity provider of a document.
func findRole(root *strictxml.Element) (entity, role *strictxml.Element, err error) {
	if !root.Is(metadataSpace, "EntityDescriptor") && !root.Is(metadataSpace, "EntitiesDescriptor") {
		return nil, nil, errors.New("the document is not an EntityDescriptor")
	}
	for e := range root.Walk {
		if !e.Is(metadataSpace, "IDPSSODescriptor") || !isEntity(e.Parent) || !supportsSAML2(e) {
			continue
		}
		if role != nil {
			return nil, nil, errors.New("the document describes more than one identity provider; choose one of them")
		}
		entity, role = e.Parent, e
	}
	if role == nil {
		return nil, nil, errors.New("the document has no IDPSSODescriptor for SAML 2.0: it does not describe an identity provider")
	}
	return entity, role, nil
}

func isEntity(e *strictxml.Element) bool {
	if e == nil || !e.Is(metadataSpace, "EntityDescriptor") {
		return false
	}
	for at := e.Parent; at != nil; at = at.Parent {
		if !at.Is(metadataSpace, "EntitiesDescriptor") {
			return false
		}
	}
	return true
}

func supportsSAML2(role *strictxml.Element) bool {
	protocols, _ := role.Attribute("protocolSupportEnumeration")
	return slices.Contains(strings.Fields(protocols), protocolSpace)
}

// readValidity keeps the earliest limits of the role and of the elements around it.
func (m *Metadata) readValidity(role *strictxml.Element) error {
	for e := role; e != nil; e = e.Parent {
		until, ok, err := timeAttribute(e, "validUntil")
		if err != nil {
			return fmt.Errorf("validUntil: %w", err)
		}
		if ok && (m.ValidUntil.IsZero() || until.Before(m.ValidUntil)) {
			m.ValidUntil = until
		}
		value, ok := e.Attribute("cacheDuration")
		if !ok {
			continue
		}
		kept, err := parseDuration(value)
		if err != nil {
			return fmt.Errorf("cacheDuration: %w", err)
		}
		if m.CacheDuration == 0 || kept < m.CacheDuration {
			m.CacheDuration = kept
		}
	}
	return nil
}

// endpoint returns the first location that takes requests by redirect, or "".
func endpoint(role *strictxml.Element, name string) (string, error) {
	for _, e := range role.Children(metadataSpace, name) {
		if binding, _ := e.Attribute("Binding"); binding != redirectBinding {
			continue
		}
		location, _ := e.Attribute("Location")
		if err := checkLocation(location); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return location, nil
	}
	return "", nil
}

func checkLocation(location string) error {
	u, err := url.Parse(location)
	switch {
	case err != nil || len(location) > maxURL || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the location is not an https URL")
	case u.User != nil || u.Fragment != "" || strings.ContainsAny(location, "# \t\r\n\"<>\\"):
		return errors.New("the location has a user, a fragment or a forbidden character")
	}
	return nil
}

// readCertificates reads the certificates that may sign: use="signing" or no use (SAML
// Metadata §2.4.1.1). It leaves out keys that are too weak.
func (m *Metadata) readCertificates(role *strictxml.Element) error {
	var weak error
	for _, descriptor := range role.Children(metadataSpace, "KeyDescriptor") {
		if use, ok := descriptor.Attribute("use"); ok && use != "signing" {
			continue
		}
		for e := range descriptor.Walk {
			if !e.Is(xmldsig.Space, "X509Certificate") {
				continue
			}
			certificate, err := readCertificate(e)
			if err != nil {
				return err
			}
			if err := xmldsig.CheckKey(certificate.PublicKey); err != nil {
				weak = fmt.Errorf("the signing certificate %s is not accepted: %w", nameOf(certificate), err)
				continue
			}
			if !slices.ContainsFunc(m.Certificates, certificate.Equal) {
				m.Certificates = append(m.Certificates, certificate)
			}
		}
	}
	switch {
	case len(m.Certificates) > maxCertificates:
		return fmt.Errorf("there are more than %d signing certificates", maxCertificates)
	case len(m.Certificates) > 0:
		return nil
	case weak != nil:
		return weak
	}
	return errors.New("the provider has no signing certificate")
}

func readCertificate(e *strictxml.Element) (*x509.Certificate, error) {
	text, err := e.Text()
	if err != nil {
		return nil, err
	}
	text = strings.Join(strings.Fields(text), "")
	if len(text) > maxCertificate {
		return nil, fmt.Errorf("a signing certificate is longer than %d characters", maxCertificate)
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("a signing certificate is not Base64")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("a signing certificate cannot be read: %w", err)
	}
	return certificate, nil
}

func nameOf(c *x509.Certificate) string {
	name := c.Subject.CommonName
	if name == "" {
		name = c.Subject.String()
	}
	return fmt.Sprintf("%.100q (serial number %x)", name, c.SerialNumber)
}

// checkTimes rejects metadata that has expired, or whose certificates all have.
func (m *Metadata) checkTimes(now time.Time) error {
	if !m.ValidUntil.IsZero() && !now.Before(m.ValidUntil) {
		return fmt.Errorf("the document was valid until %s", m.ValidUntil.Format(time.RFC3339))
	}
	for _, certificate := range m.Certificates {
		if now.Before(certificate.NotAfter) {
			return nil
		}
	}
	last := m.Certificates[len(m.Certificates)-1]
	return fmt.Errorf("the signing certificate %s expired on %s", nameOf(last), last.NotAfter.UTC().Format(time.RFC3339))
}
