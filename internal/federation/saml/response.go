package saml

import (
	"context"
	"errors"
	"net/url"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/saml/strictxml"
	"cognate/internal/federation/saml/xmldsig"
	"cognate/internal/federation/saml/xmlenc"
)

const (
	// skew is how far the clocks of a provider and of the server may differ.
	skew = 2 * time.Minute
	// maxUnsolicitedAge is the age of an assertion that no request asked for (Cognito: SAML
	// session initiation).
	maxUnsolicitedAge = 6 * time.Minute
	// maxAge ends assertions whose own end is far away, so that their IDs need not be kept for ever.
	maxAge = 24 * time.Hour
)

// expectation is what an answer must fit.
type expectation struct {
	// consumer is the URL of the assertion consumer service.
	consumer string
	// requestID is "" for an answer that no request asked for.
	requestID string
	now       time.Time
}

// Finish verifies the answer to a request, which Start made for the attempt.
func (p *Provider) Finish(_ context.Context, a federation.Attempt, answer federation.Answer) (*federation.Identity, error) {
	if a.RequestID == "" || a.Callback == "" {
		return nil, errors.New("saml: the attempt has no request")
	}
	if states := answer.Form["RelayState"]; a.State != "" && (len(states) != 1 || states[0] != a.State) {
		return nil, refuseUnexpected("the RelayState is not that of the attempt")
	}
	return p.accept(answer.Form, expectation{consumer: a.Callback, requestID: a.RequestID, now: p.settings.Now()})
}

// FinishUnsolicited verifies an answer that no request asked for (SAML Profiles §4.1.5). The
// consumer is the URL of the assertion consumer service. The caller checks the RelayState.
func (p *Provider) FinishUnsolicited(_ context.Context, consumer string, answer federation.Answer) (*federation.Identity, error) {
	if !p.settings.IDPInit {
		return nil, refuseUnexpected("the provider may not begin sign-ins")
	}
	if consumer == "" {
		return nil, errors.New("saml: no assertion consumer service")
	}
	return p.accept(answer.Form, expectation{consumer: consumer, now: p.settings.Now()})
}

// accept verifies a response, from the outside to the inside.
func (p *Provider) accept(form url.Values, want expectation) (*federation.Identity, error) {
	original, err := readForm(form, "Response")
	if err != nil {
		return nil, refuseProcessing("the message is malformed", err)
	}
	response, signed, err := p.verifyIfSigned(original)
	if err != nil {
		return nil, refuse(textResponseSignature, err)
	}
	if err := checkHeader(response); err != nil {
		return nil, refuseProcessing("the message is malformed", err)
	}
	if err := checkStatus(response); err != nil {
		return nil, err
	}
	assertion, err := p.openAssertion(original, response, signed)
	if err != nil {
		return nil, err
	}
	if err := p.checkResponse(response, want); err != nil {
		return nil, err
	}
	until, err := p.checkAssertion(assertion, want)
	if err != nil {
		return nil, err
	}
	return p.identity(response, assertion, until)
}

// verifyIfSigned verifies an element's own signature, and returns what was signed. It returns
// an unsigned element as it is.
func (p *Provider) verifyIfSigned(e *strictxml.Element) (_ *strictxml.Element, signed bool, err error) {
	signature, err := xmldsig.Find(e)
	if err != nil || signature == nil {
		return e, false, err
	}
	verified, err := xmldsig.Verify(e, p.keys)
	return verified, err == nil, err
}

// openAssertion returns the verified assertion of a response. The original is the response as
// it arrived; the response is what its signature covers, if it is signed.
func (p *Provider) openAssertion(original, response *strictxml.Element, signed bool) (*strictxml.Element, error) {
	plain, err := response.Child(assertionSpace, "Assertion")
	if err != nil {
		return nil, refuse(textNoAssertion, err)
	}
	encrypted, err := response.Child(assertionSpace, "EncryptedAssertion")
	if err != nil {
		return nil, refuse(textNoAssertion, err)
	}
	switch {
	case plain == nil && encrypted == nil:
		return nil, refuse(textNoAssertion, errors.New("there is no assertion"))
	case plain != nil && p.settings.EncryptedResponses:
		return nil, refuse(textNoAssertion, errors.New("the assertion is not encrypted"))
	case encrypted != nil && !p.settings.EncryptedResponses:
		return nil, refuse(textNoAssertion, errors.New("the assertion is encrypted"))
	case encrypted != nil:
		return p.decrypt(encrypted, signed)
	}
	// The assertion's own signature covers the assertion as it arrived: the signature of the
	// response may leave out namespaces that it needs.
	source, err := only(original, assertionSpace, "Assertion")
	if err != nil {
		return nil, refuse(textNoAssertion, err)
	}
	assertion, isOwn, err := p.verifyIfSigned(source)
	switch {
	case err != nil:
		return nil, refuse(textAssertionSignature, err)
	case isOwn:
		return assertion, nil
	case signed:
		return plain, nil
	}
	return nil, refuse(textAssertionSignature, errors.New("neither the response nor the assertion is signed"))
}

// decrypt returns the verified assertion that an element contains. Until a signature has
// vouched for the content, all failures look the same from outside: an attacker who learned
// whether changed bytes are well-formed could decrypt them (XML Encryption 1.1 §6.1.2).
func (p *Provider) decrypt(encrypted *strictxml.Element, signed bool) (*strictxml.Element, error) {
	content, err := xmlenc.Decrypt(encrypted, p.settings.Decrypter)
	if err != nil && !errors.Is(err, xmlenc.ErrDecrypt) {
		return nil, refuse(textNoAssertion, err)
	}
	var assertion *strictxml.Element
	if err == nil {
		assertion, err = p.verifyDecrypted(content, encrypted.InScope(), signed)
	}
	if err != nil {
		xmldsig.Spend(p.keys) // a failed decryption has verified nothing
		return nil, refuse(textNoAssertion, errDecryption)
	}
	return assertion, nil
}

func (p *Provider) verifyDecrypted(content []byte, context []strictxml.Namespace, signed bool) (*strictxml.Element, error) {
	root, err := strictxml.Parse(content, strictxml.Message, context...)
	if err != nil {
		return nil, err
	}
	if !root.Is(assertionSpace, "Assertion") {
		return nil, errors.New("the content is not an assertion")
	}
	if err := checkStructure(root); err != nil {
		return nil, err
	}
	assertion, isOwn, err := p.verifyIfSigned(root)
	if err == nil && !isOwn && !signed {
		err = errors.New("neither the response nor the assertion is signed")
	}
	return assertion, err
}

// checkResponse checks what the response says of itself. Only its signature, if it has one,
// vouches for that.
func (p *Provider) checkResponse(response *strictxml.Element, want expectation) error {
	issuer, err := issuerOf(response)
	if err != nil {
		return refuseProcessing("the message is malformed", err)
	}
	if issuer != "" && issuer != p.settings.Metadata.EntityID {
		return refuseProcessing("the issuer is not the identity provider", mismatch("the issuer", issuer, p.settings.Metadata.EntityID))
	}
	if got, _ := response.Attribute("Destination"); got != want.consumer {
		return refuseProcessing("the destination is not the assertion consumer service", mismatch("Destination", got, want.consumer))
	}
	if err := checkInResponseTo(response, want); err != nil {
		return err
	}
	issued, ok, err := timeAttribute(response, "IssueInstant")
	if err != nil || !ok {
		return refuseProcessing("the response has no time of issue", err)
	}
	return checkIssued(issued, want)
}

// checkInResponseTo requires the ID of the request, or no ID if there was no request.
func checkInResponseTo(e *strictxml.Element, want expectation) error {
	got, ok := e.Attribute("InResponseTo")
	if got != want.requestID || ok != (want.requestID != "") {
		return refuseProcessing("the response does not belong to the request", mismatch("InResponseTo of "+e.Local, got, want.requestID))
	}
	return nil
}

func checkIssued(issued time.Time, want expectation) error {
	age := want.now.Sub(issued)
	limit := maxAge
	if want.requestID == "" {
		limit = maxUnsolicitedAge
	}
	switch {
	case age < -skew:
		return refuseProcessing("the response is not yet valid", mismatch("IssueInstant", formatTime(issued), formatTime(want.now)))
	case age > limit:
		return refuseExpired("the response is too old", mismatch("IssueInstant", formatTime(issued), formatTime(want.now)))
	}
	return nil
}
