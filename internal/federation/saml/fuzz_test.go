package saml_test

import (
	"encoding/base64"
	"net/url"
	"testing"
	"time"

	"github.com/crewjam/saml/xmlenc"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// FuzzMetadata wants metadata to be read without harm, and what is accepted to be usable.
func FuzzMetadata(f *testing.F) {
	idp := samltest.New(f, samltest.RSA)
	f.Add(idp.Metadata())
	f.Add([]byte(federationServices))
	f.Fuzz(func(t *testing.T, document []byte) {
		m, err := saml.ParseMetadata(document, samltest.Start)
		if err != nil {
			return
		}
		p, err := saml.New(saml.Settings{Metadata: m, EntityID: entityID, Now: func() time.Time { return samltest.Start }})
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		location, err := p.Start(t.Context(), attempt, federation.Wish{})
		if err != nil {
			t.Fatal(err)
		}
		if u, err := url.Parse(location); err != nil || u.Host == "" || u.Query().Get("RelayState") != attempt.State {
			t.Fatalf("location %q, %v", location, err)
		}
	})
}

// FuzzResponse wants no changed answer to be accepted with another identity: the signatures
// of the seeds cover all that counts.
func FuzzResponse(f *testing.F) {
	idp := samltest.New(f, samltest.RSA)
	plain := newProvider(f, idp, nil)
	encrypted := newProvider(f, idp, func(s *saml.Settings) { s.EncryptedResponses = true })
	certificate := samltest.Certificate(f, samltest.Encryption.Signer(f), samltest.Start)

	signed := idp.Response(goodAnswer())
	idp.Sign(f, signed.SelectElement("Assertion"))
	f.Add(samltest.Bytes(signed))
	f.Add(samltest.Bytes(idp.Sign(f, idp.Response(goodAnswer()))))
	for _, content := range []xmlenc.BlockCipher{xmlenc.AES128GCM, xmlenc.AES128CBC} {
		f.Add(samltest.Bytes(samltest.Encrypt(f, signed.Copy(), certificate, samltest.OAEP(xmlenc.OAEP(), content))))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		encoded := base64.StdEncoding.EncodeToString(document)
		form := url.Values{"SAMLResponse": {encoded}, "RelayState": {attempt.State}}
		for _, p := range []*saml.Provider{plain, encrypted} {
			identity, err := p.Finish(t.Context(), attempt, federation.Answer{Form: form})
			if err == nil && (identity.Subject != "Jane.Doe" || identity.Claims["email"] != "jane@example.com" || identity.Uses[1].ID != "_a1") {
				t.Fatalf("%q is accepted as %+v", document, identity)
			}
		}
		_, _ = saml.Issuer(encoded)
	})
}

// FuzzLogoutResponse wants no changed answer to be accepted for another request.
func FuzzLogoutResponse(f *testing.F) {
	idp := samltest.New(f, samltest.RSA)
	p := newProvider(f, idp, nil)
	response := idp.LogoutResponse(samltest.Answer{Consumer: logoutEndpoint, InResponseTo: "_logout-1", Now: samltest.Start, ID: "1"})
	f.Add(samltest.Bytes(idp.Sign(f, response)))
	f.Fuzz(func(t *testing.T, document []byte) {
		form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(document)}}
		_ = p.CheckLogoutResponse(form, "_logout-1", logoutEndpoint)
		if err := p.CheckLogoutResponse(form, "_logout-2", logoutEndpoint); err == nil {
			t.Fatalf("%q is accepted for another request", document)
		}
	})
}
