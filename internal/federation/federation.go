// Package federation signs people in at other identity providers: OpenID Connect and
// social ones (federation/oidc), and SAML ones (federation/saml). It turns the settings of a
// provider and a request into a redirect or a verified identity.
//
// The packages know no users and no store, and serve no HTTP. They call providers only by
// the client of federation/fetch, which bounds time and size and refuses private addresses.
package federation

import (
	"context"
	"net/url"
	"time"
)

// Attempt is one sign-in at a provider, from the redirect to the answer. Only State and
// Callback are seen by the browser before the provider answers.
type Attempt struct {
	// State comes back with the answer: the state parameter of OAuth, the RelayState of SAML.
	State string
	// Callback is the URL to which the provider sends the browser.
	Callback string
	// RequestID is the ID of the SAML request, an xs:ID.
	RequestID string
	// Nonce is bound to the ID token (OpenID Connect Core §3.1.2.1).
	Nonce string
	// Verifier is the PKCE code verifier (RFC 7636 §4.1).
	Verifier string
}

// Wish is what the app client asked about the sign-in, for the provider.
type Wish struct {
	LoginHint string
	Prompt    string
	// Levels are the provider's names of authentication levels, one of which is to be reached.
	Levels []string
}

// Answer is what the browser brought back from the provider to the callback.
type Answer struct {
	Form url.Values
}

// Provider signs people in at one identity provider.
type Provider interface {
	// Start returns the URL at which the sign-in begins.
	Start(ctx context.Context, a Attempt, w Wish) (string, error)
	// Finish verifies the answer and returns the person's identity. Its error is an [Error]
	// unless the fault is the server's own.
	Finish(ctx context.Context, a Attempt, answer Answer) (*Identity, error)
}

// Identity is a person as a provider vouches for it.
type Identity struct {
	// Subject is the provider's name of the person: sub, id, user_id or NameID. It never changes.
	Subject string
	// Issuer is the entity ID of a SAML provider; "" for others.
	Issuer string
	// SubjectFormat is the format of a SAML provider's Subject, or "".
	SubjectFormat string
	// SessionEnd is when a SAML provider ends its session, or zero.
	SessionEnd time.Time
	// Claims are the person's attributes by the provider's names. A value is what JSON
	// decodes to (with json.Number for numbers); attributes of SAML are string or []any.
	Claims map[string]any
	// Response is the part of the provider's answer that a function of the pool sees, by
	// the names of the InboundFederation event: tokenResponse, idToken, userInfo, samlResponse.
	Response map[string]any
	// Level and Methods are the provider's names of how the person signed in (acr, amr).
	Level   string
	Methods []string
	// Logout is what signs the person out at a SAML provider; nil if nothing does.
	Logout *LogoutName
	// Uses are the IDs that must not be accepted again, with the time until which the
	// answer would be accepted. It is empty where the provider itself forbids a second use.
	Uses []Use
}

// LogoutName names a session at a SAML provider.
type LogoutName struct {
	NameID          string `json:"n"`
	Format          string `json:"f,omitempty"`
	NameQualifier   string `json:"q,omitempty"`
	SPNameQualifier string `json:"s,omitempty"`
	SessionIndex    string `json:"i,omitempty"`
}

// Use is an ID that may be used once.
type Use struct {
	ID    string
	Until time.Time
}

// Error is a fault of the provider or of its answer. The app client hears Code and Text.
type Error struct {
	// Code is an error code of OAuth 2.0.
	Code string
	Text string
	// Cause is for the log.
	Cause error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Text + ": " + e.Cause.Error()
	}
	return e.Text
}

func (e *Error) Unwrap() error { return e.Cause }
