// Package authenticator is a person's passkey for tests: it answers the options
// of a registration and of a sign-in as a browser with an authenticator does.
package authenticator

import (
	"sync"
	"testing"

	"github.com/descope/virtualwebauthn"
)

// Device holds one credential and is used on one page.
type Device struct {
	Auth virtualwebauthn.Authenticator
	Cred virtualwebauthn.Credential
	Page virtualwebauthn.RelyingParty

	// The library decodes its key at its first use, whoever else is at it.
	signing sync.Mutex
}

// New makes an ES256 credential of the user, for pages of the origin.
func New(userID, rpID, origin string) *Device {
	return &Device{
		Auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(userID)}),
		Cred: Credential(virtualwebauthn.KeyTypeEC2),
		Page: virtualwebauthn.RelyingParty{ID: rpID, Name: rpID, Origin: origin},
	}
}

// wholeKey is the length of an ES256 key in its COSE form.
const wholeKey = 77

// Credential makes a credential. The library drops leading zeros of coordinates,
// which RFC 9053 §7.1.1 forbids: such keys are made again.
func Credential(kind virtualwebauthn.KeyType) virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(kind)
		if kind != virtualwebauthn.KeyTypeEC2 || len(c.Key.AttestationData()) == wholeKey {
			return c
		}
	}
}

// Create answers the options of StartWebAuthnRegistration.
func (d *Device) Create(t testing.TB, options string) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(virtualwebauthn.CreateAttestationResponse(d.Page, d.Auth, d.Cred, *parsed))
}

// Get answers the options of the challenge WEB_AUTHN.
func (d *Device) Get(t testing.TB, options string) []byte {
	t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(options)
	if err != nil {
		t.Fatal(err)
	}
	d.signing.Lock()
	defer d.signing.Unlock()
	return []byte(virtualwebauthn.CreateAssertionResponse(d.Page, d.Auth, d.Cred, *parsed))
}
