package saml_test

import (
	"encoding/base64"
	"net/url"
	"path/filepath"
	"testing"
	"time"

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

// seeds adds the files of a folder. All processes of a fuzzing run know their keys.
func seeds(f *testing.F, pattern string, accept func(document []byte) error) {
	f.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		f.Fatalf("%s: %d files, %v", pattern, len(names), err)
	}
	for _, name := range names {
		document := readFile(f, name)
		if err := accept(document); err != nil {
			f.Fatalf("%s: %v", name, err)
		}
		f.Add(document)
	}
}

// FuzzResponse wants no changed answer to be accepted with another identity: the signatures
// of the seeds cover all that counts.
func FuzzResponse(f *testing.F) {
	plain, encrypted := xmlsecProvider(f, false), xmlsecProvider(f, true)
	accepts := func(p *saml.Provider) func([]byte) error {
		return func(document []byte) error {
			_, err := finishBytes(f, p, document)
			return err
		}
	}
	seeds(f, "testdata/xmlsec/*.xml", accepts(plain))
	seeds(f, "testdata/encrypted/*.xml", accepts(encrypted))
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, p := range []*saml.Provider{plain, encrypted} {
			identity, err := finishBytes(t, p, document)
			if err == nil && (identity.Subject != "Jane.Doe" || len(identity.Claims) != 1 || identity.Claims["name"] != fixtureName || identity.Uses[1].ID != "_a1") {
				t.Fatalf("%q is accepted as %+v", document, identity)
			}
		}
		_, _ = saml.Issuer(base64.StdEncoding.EncodeToString(document))
	})
}

// FuzzLogoutResponse wants no changed answer to be accepted for another request.
func FuzzLogoutResponse(f *testing.F) {
	p := xmlsecProvider(f, false)
	check := func(document []byte, requestID string) error {
		form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(document)}}
		return p.CheckLogoutResponse(form, requestID, logoutEndpoint)
	}
	seeds(f, "testdata/logout/*.xml", func(document []byte) error { return check(document, "_logout-1") })
	f.Fuzz(func(t *testing.T, document []byte) {
		_ = check(document, "_logout-1")
		if err := check(document, "_logout-2"); err == nil {
			t.Fatalf("%q is accepted for another request", document)
		}
	})
}
