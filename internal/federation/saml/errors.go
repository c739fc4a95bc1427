package saml

import (
	"errors"
	"fmt"

	"cognate/internal/federation"
	"cognate/internal/federation/saml/xmldsig"
	"cognate/internal/federation/saml/xmlenc"
)

const serverError = "server_error"

// Texts that Cognito's clients know.
const (
	textInvalid            = "Invalid SAML response received: "
	textResponseSignature  = "SAML Response signature is invalid"
	textAssertionSignature = "SAML Assertion signature is invalid."
	textNoAssertion        = "Response did not contain a valid SAML assertion"
	textAudience           = "Audience restriction was not met"
	textProcessing         = "Error in SAML response processing: "

	// TextUnexpected is the text of an answer that belongs to no sign-in.
	TextUnexpected = "Invalid samlResponse or relayState from identity provider"
)

// ErrUntrusted means that the certificates of the metadata do not verify an answer. The provider
// may have published other ones since. Errors of decryption match it, too: they must not say
// why they failed.
var ErrUntrusted = xmldsig.ErrUntrusted

// ErrExpired means that an answer or the session in it is too old.
var ErrExpired = errors.New("saml: the answer is too old")

// refuseExpired refuses an answer that is too old.
func refuseExpired(reason string, cause error) *federation.Error {
	return refuseProcessing(reason, errors.Join(ErrExpired, cause))
}

var errDecryption = fmt.Errorf("%w, or %w", xmlenc.ErrDecrypt, ErrUntrusted)

func refuse(detail string, cause error) *federation.Error {
	return &federation.Error{Code: serverError, Text: textInvalid + detail, Cause: cause}
}

// refuseProcessing refuses an answer for a reason without a text of its own. The reason must
// not contain what the answer says.
func refuseProcessing(reason string, cause error) *federation.Error {
	return refuse(textProcessing+reason, cause)
}

func refuseUnexpected(cause string) *federation.Error {
	return &federation.Error{Code: serverError, Text: TextUnexpected, Cause: errors.New(cause)}
}

// mismatch is the cause of an error: a value that is not the expected one.
func mismatch(name, got, want string) error {
	return fmt.Errorf("%s is %.200q, not %.200q", name, got, want)
}
