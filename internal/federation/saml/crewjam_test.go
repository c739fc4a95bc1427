package saml_test

import (
	"bytes"
	"encoding/xml"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"testing"
	"time"

	foreign "github.com/crewjam/saml"
	"github.com/crewjam/saml/logger"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"

	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

const logoutEndpoint = "https://login.example.com/saml2/logout"

// foreignIdP is the identity provider of github.com/crewjam/saml, with one person signed in.
type foreignIdP struct {
	*foreign.IdentityProvider
	service *foreign.EntityDescriptor
	session foreign.Session
	// form is the last answer.
	form url.Values
	// loggedOut is the name of the last logout request.
	loggedOut string
}

func (f *foreignIdP) GetServiceProvider(_ *http.Request, id string) (*foreign.EntityDescriptor, error) {
	if id != f.service.EntityID {
		return nil, os.ErrNotExist
	}
	return f.service, nil
}

func (f *foreignIdP) GetSession(http.ResponseWriter, *http.Request, *foreign.IdpAuthnRequest) *foreign.Session {
	return &f.session
}

func (f *foreignIdP) InvalidateSession(_ http.ResponseWriter, _ *http.Request, r *foreign.IdpLogoutRequest) error {
	if r.MatchesSession(&f.session) {
		f.loggedOut = f.session.NameID
	}
	return nil
}

func (f *foreignIdP) WriteResponse(_ http.ResponseWriter, r *foreign.IdpAuthnRequest) error {
	form, err := r.PostBinding()
	f.form = url.Values{"SAMLResponse": {form.SAMLResponse}, "RelayState": {form.RelayState}}
	return err
}

// newForeign connects the foreign identity provider and the service provider by their metadata.
func newForeign(t *testing.T, key samltest.Key, encrypter xmlenc.Encrypter) (*foreignIdP, *saml.Provider) {
	t.Helper()
	signing, err := saml.NewSigningCertificate(samltest.OtherRSA.Signer(t), entityID, samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	service := saml.Service{
		EntityID: entityID, AssertionConsumer: consumer, Logout: logoutEndpoint, SigningCertificate: signing, SignRequests: true,
	}
	if encrypter != nil {
		if service.EncryptionCertificate, err = saml.NewEncryptionCertificate(samltest.Encryption.Signer(t), "encryption", samltest.Start); err != nil {
			t.Fatal(err)
		}
	}
	f := &foreignIdP{service: &foreign.EntityDescriptor{}}
	if err := xml.Unmarshal(saml.ServiceMetadata(service), f.service); err != nil {
		t.Fatal(err)
	}
	address := func(path string) url.URL { return url.URL{Scheme: "https", Host: "foreign.example.com", Path: path} }
	signer := key.Signer(t)
	f.IdentityProvider = &foreign.IdentityProvider{
		Signer: signer, Certificate: samltest.Certificate(t, signer, samltest.Start),
		MetadataURL: address("/metadata"), SSOURL: address("/sso"), LogoutURL: address("/slo"),
		ServiceProviderProvider: f, SessionProvider: f, ResponseWriter: f,
		AssertionEncrypter: encrypter, Logger: logger.DefaultLogger,
		Clock: dsig.NewFakeClockAt(samltest.Start), WantAuthnRequestsSigned: true,
		OnError: func(_ http.ResponseWriter, _ *http.Request, _ int, err error) { t.Error(err) },
	}
	f.session = foreign.Session{
		ID: "1", CreateTime: samltest.Start, ExpireTime: samltest.Start.Add(time.Hour), Index: "index-1",
		NameID: "jane", NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		UserEmail: "jane@example.com", Groups: []string{"staff", "admins"},
	}
	document, err := xml.Marshal(f.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := saml.ParseMetadata(document, samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	p, err := saml.New(saml.Settings{
		Metadata: metadata, EntityID: entityID, Signer: samltest.OtherRSA.Signer(t), SignRequests: true,
		Decrypter: samltest.Decrypter(t), EncryptedResponses: encrypter != nil, IDPInit: true, IDPSignout: true,
		Now: func() time.Time { return samltest.Start },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

// TestForeignIdentityProvider signs in, signs in from the provider's side, and signs out.
func TestForeignIdentityProvider(t *testing.T) {
	t.Parallel()
	encrypter := func(transport xmlenc.RSA, content xmlenc.BlockCipher) xmlenc.Encrypter {
		transport.BlockCipher = content
		return transport
	}
	tests := []struct {
		name      string
		key       samltest.Key
		encrypter xmlenc.Encrypter
	}{
		{"RSA", samltest.RSA, nil},
		{"ECDSA", samltest.ECDSA, nil},
		{"encrypted by AES-GCM", samltest.RSA, encrypter(xmlenc.OAEP_SHA256(), xmlenc.AES256GCM)},
		{"encrypted by AES-CBC", samltest.ECDSA, encrypter(xmlenc.OAEP(), xmlenc.AES128CBC)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, p := newForeign(t, test.key, test.encrypter)
			request, err := p.Start(t.Context(), attempt, federation.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			f.ServeSSO(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, request, nil))
			identity, err := p.Finish(t.Context(), attempt, federation.Answer{Form: f.form})
			if err != nil {
				t.Fatal(err)
			}
			if identity.Subject != "jane" || identity.Issuer != "https://foreign.example.com/metadata" || identity.Logout == nil || identity.Logout.SessionIndex != "index-1" {
				t.Errorf("identity %+v, logout %+v", identity, identity.Logout)
			}
			if groups, ok := identity.Claims["urn:oid:1.3.6.1.4.1.5923.1.1.1.1"].([]any); !ok || len(groups) != 2 {
				t.Errorf("claims %v", identity.Claims)
			}

			f.ServeIDPInitiated(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "https://foreign.example.com/start", nil), entityID, "client_id=1")
			issuer, err := saml.Issuer(f.form.Get("SAMLResponse"))
			if err != nil || issuer != identity.Issuer {
				t.Errorf("issuer %s, %v", issuer, err)
			}
			unsolicited, err := p.FinishUnsolicited(t.Context(), consumer, federation.Answer{Form: f.form})
			if err != nil || unsolicited.Subject != "jane" {
				t.Errorf("unsolicited answer: %+v, %v", unsolicited, err)
			}
			logoutAt(t, f, p, *identity.Logout)
		})
	}
}

func logoutAt(t *testing.T, f *foreignIdP, p *saml.Provider, name federation.LogoutName) {
	t.Helper()
	request, err := p.LogoutURL(name, "_logout-1", "relay")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	f.ServeSLO(w, httptest.NewRequest(http.MethodGet, request, nil))
	m := regexp.MustCompile(`name="SAMLResponse" value="([^"]+)"`).FindSubmatch(w.Body.Bytes())
	if m == nil || f.loggedOut != "jane" || !bytes.Contains(w.Body.Bytes(), []byte(`value="relay"`)) {
		t.Fatalf("logged out %q: %s", f.loggedOut, w.Body)
	}
	form := url.Values{"SAMLResponse": {html.UnescapeString(string(m[1]))}}
	if err := p.CheckLogoutResponse(form, "_logout-1", logoutEndpoint); err != nil {
		t.Errorf("logout: %v", err)
	}
	if err := p.CheckLogoutResponse(form, "_logout-2", logoutEndpoint); err == nil {
		t.Error("the answer to another request is accepted")
	}
}
