package saml

import (
	"errors"
	"net/url"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
)

// logoutLifetime is how long a logout request is valid.
const logoutLifetime = 5 * time.Minute

// LogoutURL returns the URL of the provider with a signed request to sign a person out (SAML
// Profiles §4.4.4.1). The id is that of the request, an xs:ID.
func (p *Provider) LogoutURL(name federation.LogoutName, id, relayState string) (string, error) {
	destination := p.settings.Metadata.SLOURL
	switch {
	case destination == "":
		return "", errors.New("saml: the provider has no single logout")
	case p.settings.Signer == nil:
		return "", errors.New("saml: logout requests need a signing key")
	case !strictxml.IsName(id):
		return "", errors.New("saml: the request has no ID")
	}
	now := p.settings.Now()
	b := newWriter()
	b.open("saml2p:LogoutRequest",
		"xmlns:saml2p", protocolSpace,
		"Destination", destination,
		"ID", id,
		"IssueInstant", formatTime(now),
		"NotOnOrAfter", formatTime(now.Add(logoutLifetime)),
		"Version", "2.0")
	b.text("saml2:Issuer", p.settings.EntityID, "xmlns:saml2", assertionSpace)
	attributes := []string{"xmlns:saml2", assertionSpace}
	for _, a := range [][2]string{{"Format", name.Format}, {"NameQualifier", name.NameQualifier}, {"SPNameQualifier", name.SPNameQualifier}} {
		if a[1] != "" {
			attributes = append(attributes, a[0], a[1])
		}
	}
	b.text("saml2:NameID", name.NameID, attributes...)
	if name.SessionIndex != "" {
		b.text("saml2p:SessionIndex", name.SessionIndex)
	}
	b.close("saml2p:LogoutRequest")
	return redirect(destination, b.bytes(), relayState, p.settings.Signer)
}

// CheckLogoutResponse verifies the answer to a logout request. The destination is the URL at
// which the answer arrived.
func (p *Provider) CheckLogoutResponse(form url.Values, requestID, destination string) error {
	if requestID == "" || destination == "" {
		return errors.New("saml: there was no logout request")
	}
	original, err := readForm(form, "LogoutResponse")
	if err != nil {
		return refuseProcessing("the message is malformed", err)
	}
	response, err := xmldsig.Verify(original, p.keys)
	if err != nil {
		return refuse(textResponseSignature, err)
	}
	if err := checkHeader(response); err != nil {
		return refuseProcessing("the message is malformed", err)
	}
	issuer, err := issuerOf(response)
	if err != nil || issuer != p.settings.Metadata.EntityID {
		return refuseProcessing("the issuer is not the identity provider",
			errors.Join(err, mismatch("the issuer", issuer, p.settings.Metadata.EntityID)))
	}
	if got, _ := response.Attribute("Destination"); got != destination {
		return refuseProcessing("the destination is not the logout endpoint", mismatch("Destination", got, destination))
	}
	want := expectation{requestID: requestID, now: p.settings.Now()}
	if err := checkInResponseTo(response, want); err != nil {
		return err
	}
	issued, ok, err := timeAttribute(response, "IssueInstant")
	if err != nil || !ok {
		return refuseProcessing("the response has no time of issue", err)
	}
	if err := checkIssued(issued, want); err != nil {
		return err
	}
	return checkStatus(response)
}
