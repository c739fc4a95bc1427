package saml_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml/xmlenc"
	"github.com/google/go-cmp/cmp"
	dsig "github.com/russellhaering/goxmldsig"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

const (
	entityID = "urn:amazon:cognito:sp:us-east-1_AbCdEf123"
	consumer = "https://login.example.com/saml2/idpresponse"
)

var attempt = federation.Attempt{State: "state 1&2", Callback: consumer, RequestID: "_request-1"}

// newProvider returns a provider that trusts an IdP, with changed settings.
func newProvider(t testing.TB, idp *samltest.IdP, change func(*saml.Settings)) *saml.Provider {
	t.Helper()
	metadata, err := saml.ParseMetadata(idp.Metadata(), samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	s := saml.Settings{
		Metadata: metadata, EntityID: entityID,
		Signer:    samltest.OtherRSA.Signer(t),
		Decrypter: samltest.Decrypter(t),
		Now:       func() time.Time { return samltest.Start },
	}
	if change != nil {
		change(&s)
	}
	p, err := saml.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func goodAnswer() samltest.Answer {
	return samltest.Answer{
		Consumer: consumer, Audience: entityID, NameID: "Jane.Doe", InResponseTo: attempt.RequestID,
		Now: samltest.Start, ID: "1",
		Attributes: []samltest.Attribute{
			{Name: "email", Values: []string{"jane@example.com"}},
			{Name: "groups", Values: []string{"a", "b & c"}},
			{Name: "empty"},
		},
	}
}

func finish(t *testing.T, p *saml.Provider, response *etree.Element) (*federation.Identity, error) {
	t.Helper()
	form := url.Values{"SAMLResponse": {samltest.Encode(response)}, "RelayState": {attempt.State}}
	return p.Finish(t.Context(), attempt, federation.Answer{Form: form})
}

// wantText checks that an error is for the app client, with this text.
func wantText(t *testing.T, err error, text string) {
	t.Helper()
	var refusal *federation.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("error %v, want a refusal", err)
	}
	if refusal.Code != "server_error" || refusal.Text != text {
		t.Errorf("refused with %s, %q, want %q (%v)", refusal.Code, refusal.Text, text, refusal.Cause)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	p := newProvider(t, idp, func(s *saml.Settings) { s.IDPSignout = true })
	response := idp.Response(goodAnswer())
	idp.Sign(t, response.SelectElement("Assertion"))
	got, err := finish(t, p, response)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"email": "jane@example.com", "groups": []any{"a", "b & c"}, "empty": ""}
	until := samltest.Start.Add(7 * time.Minute)
	want := &federation.Identity{
		Subject: "Jane.Doe", Issuer: idp.EntityID, Claims: claims, SubjectFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		Response: map[string]any{"samlResponse": claims},
		Level:    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		Logout: &federation.LogoutName{
			NameID: "Jane.Doe", Format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", SessionIndex: "session-1",
		},
		Uses: []federation.Use{{ID: "_r1", Until: until}, {ID: "_a1", Until: until}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSignedParts(t *testing.T) {
	t.Parallel()
	assertion := func(e *etree.Element) *etree.Element { return e.SelectElement("Assertion") }
	tests := []struct {
		name string
		sign func(*samltest.IdP, *etree.Element)
	}{
		{"response", func(p *samltest.IdP, e *etree.Element) { p.Sign(t, e) }},
		{"assertion", func(p *samltest.IdP, e *etree.Element) { p.Sign(t, assertion(e)) }},
		{"both", func(p *samltest.IdP, e *etree.Element) { p.Sign(t, assertion(e)); p.Sign(t, e) }},
	}
	forms := map[string]dsig.Canonicalizer{
		"exclusive":            dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""),
		"exclusive, comments":  dsig.MakeC14N10ExclusiveWithCommentsCanonicalizerWithPrefixList(""),
		"inclusive 1.0":        dsig.MakeC14N10RecCanonicalizer(),
		"inclusive 1.0, comm.": dsig.MakeC14N10WithCommentsCanonicalizer(),
	}
	for _, test := range tests {
		for form, canonicalizer := range forms {
			for _, key := range []samltest.Key{samltest.RSA, samltest.ECDSA} {
				idp := samltest.New(t, key)
				idp.Canonicalizer = canonicalizer
				response := idp.Response(goodAnswer())
				test.sign(idp, response)
				identity, err := finish(t, newProvider(t, idp, nil), response)
				if err != nil || identity.Subject != "Jane.Doe" {
					t.Errorf("%s, %s, key %d: %v, %v", test.name, form, key, identity, err)
				}
			}
		}
	}
}

func TestEncryptedAssertions(t *testing.T) {
	t.Parallel()
	certificate := samltest.Certificate(t, samltest.Encryption.Signer(t), samltest.Start)
	withSHA1 := xmlenc.OAEP()
	withSHA1.DigestMethod = &xmlenc.SHA1
	transports := map[string]xmlenc.RSA{
		"OAEP SHA-1": withSHA1, "OAEP MGF1P": xmlenc.OAEP(), "OAEP SHA-256": xmlenc.OAEP_SHA256(), "OAEP SHA-512": xmlenc.OAEP_SHA512(),
	}
	contents := map[string]xmlenc.BlockCipher{
		"AES-128-GCM": xmlenc.AES128GCM, "AES-256-GCM": xmlenc.AES256GCM,
		"AES-128-CBC": xmlenc.AES128CBC, "AES-256-CBC": xmlenc.AES256CBC,
	}
	idp := samltest.New(t, samltest.RSA)
	p := newProvider(t, idp, func(s *saml.Settings) { s.EncryptedResponses = true })
	for transportName, transport := range transports {
		for contentName, content := range contents {
			encrypter := samltest.OAEP(transport, content)
			inner := idp.Response(goodAnswer())
			idp.Sign(t, inner.SelectElement("Assertion"))
			samltest.Encrypt(t, inner, certificate, encrypter)
			outer := idp.Sign(t, samltest.Encrypt(t, idp.Response(goodAnswer()), certificate, encrypter))
			for name, response := range map[string]*etree.Element{"inner": inner, "outer": outer} {
				identity, err := finish(t, p, response)
				if err != nil || identity.Subject != "Jane.Doe" {
					t.Errorf("%s, %s, signature %s: %v, %v", transportName, contentName, name, identity, err)
				}
			}
		}
	}
}
