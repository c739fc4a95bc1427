package oidc

import (
	"errors"
	"fmt"
	"strings"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
)

const (
	invalidRequest = "invalid_request"
	// Texts that clients know. Cognito: "Using user pool endpoints", federation errors.
	textTokenTimeout = "Timeout occurred in calling IdP token endpoint"
	textKeysTimeout  = "Timeout in calling jwks uri"
	textReset        = "Connection reset"
	textReadTimeout  = "Read timed out"

	maxErrorCode = 100
	maxErrorText = 1000
)

func refuse(cause error, format string, args ...any) *federation.Error {
	return &federation.Error{Code: invalidRequest, Text: fmt.Sprintf(format, args...), Cause: cause}
}

// badToken refuses an ID token.
func badToken(what string, cause error) *federation.Error {
	return refuse(cause, "Bad id_token %s", what)
}

// callFailed is the refusal after a call that had no answer.
func callFailed(err error, onTimeout string) *federation.Error {
	if fetch.IsTimeout(err) {
		return refuse(err, "%s", onTimeout)
	}
	return refuse(err, "%s", textReset)
}

// documentError means that a document of the provider cannot be used. Its text is for people
// who set up the provider.
type documentError string

// Error implements error.
func (e documentError) Error() string { return string(e) }

// documentFailed is the refusal after a document was not there, or could not be used.
func (p *Provider) documentFailed(err error, what, onTimeout string) *federation.Error {
	var status *fetch.StatusError
	var document documentError
	switch {
	case errors.As(err, &status):
		return refuse(err, "%s Error - %d error getting %s", p.name, status.Status, what)
	case errors.As(err, &document):
		return refuse(err, "%s Error - %s", p.name, document)
	}
	return callFailed(err, onTimeout)
}

// providerError passes on the error that the provider sent to the callback.
func providerError(code, description string) *federation.Error {
	if !isErrorCode(code) {
		code = "access_denied"
	}
	return &federation.Error{Code: code, Text: printable(description, maxErrorText)}
}

// isErrorCode reports whether a text has the characters of an error code (RFC 6749 §4.1.2.1).
func isErrorCode(s string) bool {
	return s != "" && len(s) <= maxErrorCode && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r > '~' || r == '"' || r == '\\'
	})
}

// printable returns a text of a stranger without control characters, cut to a length.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' {
			return ' '
		}
		return r
	}, s)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return strings.TrimSpace(s)
}
