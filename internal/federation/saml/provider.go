package saml

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
)

// Namespaces and identifiers of SAML 2.0 (SAML Core §1.1, §8; SAML Bindings §3).
const (
	protocolSpace  = "urn:oasis:names:tc:SAML:2.0:protocol"
	assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"
	metadataSpace  = "urn:oasis:names:tc:SAML:2.0:metadata"

	redirectBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	postBinding     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	bearer        = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
)

// Settings are what a pool knows about one SAML provider.
type Settings struct {
	Metadata *Metadata
	// EntityID is the service provider's own name, which is the audience of assertions.
	EntityID string
	// Aliases are other audiences that mean the service provider.
	Aliases []string
	// Signer is the RSA key of the pool's signing certificate.
	Signer crypto.Signer
	// SignRequests has sign-in requests signed. Logout requests are always signed.
	SignRequests bool
	// Decrypter is the RSA key of the provider's encryption certificate.
	Decrypter crypto.Decrypter
	// EncryptedResponses rejects assertions that are not encrypted. Without it, encrypted
	// assertions are rejected.
	EncryptedResponses bool
	// IDPInit accepts answers that no request asked for.
	IDPInit bool
	// IDPSignout signs people out at the provider, too.
	IDPSignout bool
	Now        func() time.Time
}

// Provider is one SAML identity provider.
type Provider struct {
	settings Settings
	keys     []crypto.PublicKey
}

var _ federation.Provider = (*Provider)(nil)

// New returns the provider that the settings describe.
func New(s Settings) (*Provider, error) {
	switch {
	case s.Metadata == nil || len(s.Metadata.Certificates) == 0:
		return nil, errors.New("saml: no metadata")
	case s.EntityID == "" || s.Now == nil:
		return nil, errors.New("saml: no entity ID or no clock")
	case s.SignRequests && s.Signer == nil:
		return nil, errors.New("saml: signed requests need a key")
	case s.Signer != nil && !isRSA(s.Signer.Public()):
		return nil, errors.New("saml: the signing key is not RSA")
	case s.EncryptedResponses && s.Decrypter == nil:
		return nil, errors.New("saml: encrypted responses need a key")
	case s.Decrypter != nil && !isRSA(s.Decrypter.Public()):
		return nil, errors.New("saml: the encryption key is not RSA")
	}
	p := &Provider{settings: s}
	for _, certificate := range s.Metadata.Certificates {
		if err := xmldsig.CheckKey(certificate.PublicKey); err != nil {
			return nil, err
		}
		p.keys = append(p.keys, certificate.PublicKey)
	}
	return p, nil
}

func isRSA(key crypto.PublicKey) bool {
	_, ok := key.(*rsa.PublicKey)
	return ok
}

// Start returns the URL of the provider with a request by the HTTP-Redirect binding. Cognito
// forwards neither prompts nor levels to SAML providers.
func (p *Provider) Start(_ context.Context, a federation.Attempt, _ federation.Wish) (string, error) {
	if !strictxml.IsName(a.RequestID) {
		return "", errors.New("saml: the request has no ID")
	}
	destination := p.settings.Metadata.SSOURL
	b := newWriter()
	b.open("saml2p:AuthnRequest",
		"xmlns:saml2p", protocolSpace,
		"AssertionConsumerServiceURL", a.Callback,
		"Destination", destination,
		"ID", a.RequestID,
		"IssueInstant", formatTime(p.settings.Now()),
		"ProtocolBinding", postBinding,
		"Version", "2.0")
	b.text("saml2:Issuer", p.settings.EntityID, "xmlns:saml2", assertionSpace)
	b.close("saml2p:AuthnRequest")
	var signer crypto.Signer
	if p.settings.SignRequests {
		signer = p.settings.Signer
	}
	return redirect(destination, b.bytes(), a.State, signer)
}
