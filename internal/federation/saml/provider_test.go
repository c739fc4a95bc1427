package saml_test

import (
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// request reads a request by redirect: its XML, and the text that its signature covers.
func request(t *testing.T, location string) (document, signed string, query url.Values) {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	query, err = url.ParseQuery(u.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	deflated, err := base64.StdEncoding.DecodeString(query.Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(flate.NewReader(strings.NewReader(string(deflated))))
	if err != nil {
		t.Fatal(err)
	}
	signed, _, _ = strings.Cut(u.RawQuery[strings.Index(u.RawQuery, "SAMLRequest="):], "&Signature=")
	return string(b), signed, query
}

// checkRedirectSignature verifies a signature as the provider does.
func checkRedirectSignature(t *testing.T, signed string, query url.Values) {
	t.Helper()
	signature, err := base64.StdEncoding.DecodeString(query.Get("Signature"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(signed))
	key := samltest.OtherRSA.Signer(t).Public().(*rsa.PublicKey)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
		t.Errorf("signature over %s: %v", signed, err)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	const (
		want = `<?xml version="1.0" encoding="UTF-8"?>` +
			`<saml2p:AuthnRequest xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" AssertionConsumerServiceURL="https://login.example.com/saml2/idpresponse"` +
			` Destination="https://idp.example.com/sso?tenant=7" ID="_request-1" IssueInstant="2026-11-30T12:00:00.000Z"` +
			` ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Version="2.0">` +
			`<saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">urn:amazon:cognito:sp:us-east-1_AbCdEf123</saml2:Issuer></saml2p:AuthnRequest>`
		algorithm = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	)
	idp := samltest.New(t, samltest.RSA)
	for _, isSigned := range []bool{false, true} {
		p := newProvider(t, idp, func(s *saml.Settings) { s.SignRequests = isSigned })
		location, err := p.Start(t.Context(), attempt, federation.Wish{Prompt: "login"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(location, "https://idp.example.com/sso?tenant=7&SAMLRequest=") || !strings.Contains(location, "&RelayState=state%201%262") {
			t.Errorf("location %s", location)
		}
		document, signed, query := request(t, location)
		if document != want || query.Get("RelayState") != attempt.State {
			t.Errorf("signed %v: %s\nwant %s", isSigned, document, want)
		}
		if isSigned {
			checkRedirectSignature(t, signed, query)
		}
		if got := query.Get("SigAlg"); isSigned != (got == algorithm) || isSigned != query.Has("Signature") {
			t.Errorf("signed %v: algorithm %q", isSigned, got)
		}
	}
	p := newProvider(t, idp, nil)
	if location, err := p.Start(t.Context(), federation.Attempt{Callback: consumer, RequestID: "1"}, federation.Wish{}); err == nil {
		t.Errorf("an ID that is no xs:ID is accepted: %s", location)
	}
}

func TestRedirectWithQueries(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	for destination, want := range map[string]string{
		"https://idp.example.com/sso":      "https://idp.example.com/sso?SAMLRequest=",
		"https://idp.example.com/sso?":     "https://idp.example.com/sso?SAMLRequest=",
		"https://idp.example.com/sso?a=b&": "https://idp.example.com/sso?a=b&SAMLRequest=",
		"http://idp.example.com:80?a=b+c":  "http://idp.example.com:80?a=b+c&SAMLRequest=",
	} {
		idp.SSOURL = destination
		location, err := newProvider(t, idp, nil).Start(t.Context(), federation.Attempt{Callback: consumer, RequestID: "_1"}, federation.Wish{})
		if err != nil || !strings.HasPrefix(location, want) || strings.Contains(location, "RelayState") {
			t.Errorf("%s: %s, %v", destination, location, err)
		}
	}
}

func TestLogoutURL(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	p := newProvider(t, idp, nil)
	name := federation.LogoutName{NameID: `a<b>&"c`, Format: "f", NameQualifier: `q"`, SPNameQualifier: "s", SessionIndex: "i&1"}
	location, err := p.LogoutURL(name, "_logout-1", "relay")
	if err != nil {
		t.Fatal(err)
	}
	document, signed, query := request(t, location)
	const want = `<?xml version="1.0" encoding="UTF-8"?>` +
		`<saml2p:LogoutRequest xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" Destination="https://idp.example.com/slo" ID="_logout-1"` +
		` IssueInstant="2026-11-30T12:00:00.000Z" NotOnOrAfter="2026-11-30T12:05:00.000Z" Version="2.0">` +
		`<saml2:Issuer xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion">urn:amazon:cognito:sp:us-east-1_AbCdEf123</saml2:Issuer>` +
		`<saml2:NameID xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" Format="f" NameQualifier="q&quot;" SPNameQualifier="s">a&lt;b&gt;&amp;"c</saml2:NameID>` +
		`<saml2p:SessionIndex>i&amp;1</saml2p:SessionIndex></saml2p:LogoutRequest>`
	if document != want || query.Get("RelayState") != "relay" {
		t.Errorf("%s\nwant %s", document, want)
	}
	checkRedirectSignature(t, signed, query)

	idp.SLOURL = ""
	if location, err := newProvider(t, idp, nil).LogoutURL(name, "_logout-1", ""); err == nil {
		t.Errorf("a provider without single logout: %s", location)
	}
}

func TestNewRejects(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	metadata, err := saml.ParseMetadata(idp.Metadata(), samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*saml.Settings){
		"no metadata":                       func(s *saml.Settings) { s.Metadata = nil },
		"no certificate":                    func(s *saml.Settings) { s.Metadata = &saml.Metadata{EntityID: "x"} },
		"no entity ID":                      func(s *saml.Settings) { s.EntityID = "" },
		"no clock":                          func(s *saml.Settings) { s.Now = nil },
		"signed requests without a key":     func(s *saml.Settings) { s.Signer, s.SignRequests = nil, true },
		"ECDSA key for requests":            func(s *saml.Settings) { s.Signer = samltest.ECDSA.Signer(t) },
		"encrypted responses without a key": func(s *saml.Settings) { s.Decrypter, s.EncryptedResponses = nil, true },
	} {
		s := saml.Settings{Metadata: metadata, EntityID: entityID, Signer: samltest.OtherRSA.Signer(t), Decrypter: samltest.Decrypter(t), Now: func() time.Time { return samltest.Start }}
		change(&s)
		if _, err := saml.New(s); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestRollover has a provider that publishes its next certificate beside the one in use.
func TestRollover(t *testing.T) {
	t.Parallel()
	now, next := samltest.New(t, samltest.RSA), samltest.New(t, samltest.ECDSA)
	metadata, err := saml.ParseMetadata(now.Metadata(next.Certificate), samltest.Start)
	if err != nil || len(metadata.Certificates) != 2 {
		t.Fatalf("%+v, %v", metadata, err)
	}
	p := newProvider(t, now, func(s *saml.Settings) { s.Metadata = metadata })
	for _, idp := range []*samltest.IdP{now, next} {
		if _, err := finish(t, p, idp.Sign(t, idp.Response(goodAnswer()))); err != nil {
			t.Error(err)
		}
	}
	old := newProvider(t, now, nil)
	_, err = finish(t, old, next.Sign(t, next.Response(goodAnswer())))
	wantText(t, err, "Invalid SAML response received: SAML Response signature is invalid")
	if !errors.Is(err, saml.ErrUntrusted) {
		t.Errorf("the next certificate: %v, want ErrUntrusted", err)
	}
	changed := now.Sign(t, now.Response(goodAnswer()))
	changed.CreateAttr("Destination", "https://other.example.com/")
	if _, err = finish(t, old, changed); errors.Is(err, saml.ErrUntrusted) {
		t.Errorf("a changed answer: %v", err)
	}
}

// TestRefusalTexts has the texts that app clients know.
func TestRefusalTexts(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	other := samltest.New(t, samltest.OtherRSA)
	p := newProvider(t, idp, nil)
	const prefix = "Invalid SAML response received: "

	response := idp.Response(goodAnswer())
	other.Sign(t, response.SelectElement("Assertion"))
	_, err := finish(t, p, response)
	wantText(t, err, prefix+"SAML Assertion signature is invalid.")

	answer := goodAnswer()
	answer.Audience = "urn:other"
	_, err = finish(t, p, idp.Sign(t, idp.Response(answer)))
	wantText(t, err, prefix+"Audience restriction was not met")

	response = idp.Response(goodAnswer())
	response.RemoveChild(response.SelectElement("Assertion"))
	_, err = finish(t, p, idp.Sign(t, response))
	wantText(t, err, prefix+"Response did not contain a valid SAML assertion")

	answer = goodAnswer()
	answer.InResponseTo = "_other"
	_, err = finish(t, p, idp.Sign(t, idp.Response(answer)))
	wantText(t, err, prefix+"Error in SAML response processing: the response does not belong to the request")

	_, err = p.FinishUnsolicited(t.Context(), consumer, federation.Answer{})
	wantText(t, err, "Invalid samlResponse or relayState from identity provider")
}

func TestIssuer(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	response := idp.Response(goodAnswer())
	for _, part := range []string{"response", "assertion", ""} {
		got, err := saml.Issuer(samltest.Encode(response))
		if part == "" && err == nil || part != "" && (err != nil || got != idp.EntityID) {
			t.Errorf("issuer of the %s: %q, %v", part, got, err)
		}
		e := response
		if part == "assertion" {
			e = response.SelectElement("Assertion")
		}
		if issuer := e.SelectElement("Issuer"); issuer != nil {
			e.RemoveChild(issuer)
		}
	}
}
