package login_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/crewjam/saml/xmlenc"

	"cognate/internal/federation/saml/samltest"
	"cognate/test/race"
	"cognate/test/serving"
)

// addSAML adds a SAML provider to the pool and makes it the only provider of the rig's client.
func (r *rig) addSAML(t *testing.T, name string, details map[string]string) *samltest.IdP {
	t.Helper()
	p := samltest.New(t, samltest.RSA)
	p.Certificate = samltest.Certificate(t, p.Signer, time.Now())
	all := map[string]string{"MetadataFile": string(p.Metadata())}
	maps.Copy(all, details)
	out, err := r.sdk.CreateIdentityProvider(t.Context(), &cip.CreateIdentityProviderInput{
		UserPoolId: &r.pool, ProviderName: &name, ProviderType: types.IdentityProviderTypeTypeSaml, ProviderDetails: all,
		AttributeMapping: map[string]string{"email": "mail"}, IdpIdentifiers: []string{strings.ToLower(name) + ".example.com"},
	})
	serving.Must(t, out, err)
	r.allowProviders(t, name)
	return p
}

// samlRequest is what tests need of a request of the service provider.
type samlRequest struct {
	ID          string `xml:",attr"`
	ConsumerURL string `xml:"AssertionConsumerServiceURL,attr"`
	NameID      string
}

// readRequest reads the request in the address of a provider.
func readRequest(t *testing.T, address string) (request samlRequest, relay string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(text, &request); err != nil {
		t.Fatal(err)
	}
	return request, u.Query().Get("RelayState")
}

// answerTo returns the provider's answer to a request, for a person.
func (r *rig) answerTo(request samlRequest, nameID string) samltest.Answer {
	return samltest.Answer{
		Consumer: request.ConsumerURL, Audience: "urn:amazon:cognito:sp:" + r.pool, NameID: nameID, InResponseTo: request.ID, Now: time.Now(),
		Attributes: []samltest.Attribute{{Name: "mail", Values: []string{nameID + "@corp.example.com"}}}, ID: request.ID,
	}
}

// post brings a SAML answer to the pool, as the provider's page does: without cookies.
func (b *browser) post(path, response, relay string) shown {
	bare := b.r.browser(b.t)
	bare.base, bare.origin, bare.Transport = b.base, b.origin, b.Transport
	return bare.do(http.MethodPost, b.base+path, url.Values{"SAMLResponse": {response}, "RelayState": {relay}})
}

// consume brings a SAML answer to the pool and goes on in the browser.
func (b *browser) consume(response, relay string) shown {
	p := b.post("/saml2/idpresponse", response, relay)
	if p.status != http.StatusSeeOther {
		return p
	}
	return b.do(http.MethodGet, p.location, nil)
}

// startSAML begins a sign-in at the client's provider.
func (b *browser) startSAML() (samlRequest, string) {
	b.t.Helper()
	return readRequest(b.t, b.toProvider(b.open("/login")))
}

// TestSignInBySAML signs in at a SAML provider and signs out there, too. An answer is good
// once, for the request and the browser that it was asked for.
func TestSignInBySAML(t *testing.T) {
	t.Parallel()
	caseless := func(in *cip.CreateUserPoolInput) {
		in.UsernameConfiguration = &types.UsernameConfigurationType{CaseSensitive: new(false)}
	}
	engines(t, caseless, func(t *testing.T, r *rig) {
		idp := r.addSAML(t, "Corp", map[string]string{"IDPSignout": "true"})
		b := r.browser(t)
		request, relay := b.startSAML()
		response := samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "Ada"))))
		claims := claimsOf(t, b.tokens(b.consume(response, relay)))
		list, _ := claims["identities"].([]any)
		entry, _ := list[0].(map[string]any)
		if claims["cognito:username"] != "corp_ada" || claims["email"] != "Ada@corp.example.com" || entry["userId"] != "Ada" || entry["issuer"] != idp.EntityID || entry["providerType"] != "SAML" {
			t.Errorf("claims: %v", claims)
		}
		for name, path := range map[string]string{"the answer": "", "its ticket": "finish"} {
			again := b.consume(response, relay)
			if path != "" {
				again = b.do(http.MethodGet, b.post("/saml2/idpresponse", response, relay).location, nil)
			}
			if again.status != http.StatusFound || !strings.Contains(again.location, "/error?") {
				t.Errorf("%s again: %d %s", name, again.status, again.location)
			}
		}

		// Another browser cannot use the answer to this one.
		request, relay = r.browser(t).startSAML()
		response = samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "Ada"))))
		thief := r.browser(t)
		if p := thief.consume(response, relay); !strings.Contains(p.location, "/error?") {
			t.Errorf("another browser: %d %s", p.status, p.location)
		}

		// Sign-out goes by the provider.
		out := b.do(http.MethodGet, b.base+"/logout?client_id="+*r.client.ClientId+"&logout_uri="+url.QueryEscape(callback), nil)
		logout, relay := readRequest(t, out.location)
		if !strings.HasPrefix(out.location, idp.SLOURL) || logout.NameID != "Ada" {
			t.Fatalf("sign-out: %s, %+v", out.location, logout)
		}
		answer := samltest.Answer{Consumer: b.base + "/saml2/logout", InResponseTo: logout.ID, Now: time.Now(), ID: "out"}
		forged := *idp
		forged.Signer = samltest.OtherRSA.Signer(t)
		if p := b.post("/saml2/logout", samltest.Encode(forged.Sign(t, forged.LogoutResponse(answer))), relay); strings.HasPrefix(p.location, callback) {
			t.Errorf("a forged sign-out: %s", p.location)
		}
		if p := b.post("/saml2/logout", samltest.Encode(idp.Sign(t, idp.LogoutResponse(answer))), relay); p.location != callback {
			t.Errorf("after the sign-out: %d %s", p.status, p.location)
		}
		if p := b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query(), nil); !strings.Contains(p.location, "/login?") {
			t.Errorf("the session lives: %s", p.location)
		}
		r.wantFederations(t, *r.client.ClientId, "success", 1)
		// The answer that was used before, three times: it does not name the app client.
		r.wantFederations(t, "Invalid", "failure", 3)
	})
}

// TestSAMLRefused: an answer that does not verify leads back to the app client, with Cognito's
// text.
func TestSAMLRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	idp := r.addSAML(t, "Corp", nil)
	for _, row := range []struct {
		name, want string
		answer     func(request samlRequest) string
	}{
		{"unsigned", "signature", func(request samlRequest) string { return samltest.Encode(idp.Response(r.answerTo(request, "eve"))) }},
		{"another key", "Invalid SAML response received: ", func(request samlRequest) string {
			forged := *idp
			forged.Signer = samltest.OtherRSA.Signer(t)
			return samltest.Encode(forged.Sign(t, forged.Response(r.answerTo(request, "eve"))))
		}},
		{"another audience", "Audience restriction was not met", func(request samlRequest) string {
			a := r.answerTo(request, "eve")
			a.Audience = "urn:amazon:cognito:sp:us-east-1_another"
			return samltest.Encode(idp.Sign(t, idp.Response(a)))
		}},
		{"another request", "Invalid", func(request samlRequest) string {
			request.ID = "_another"
			return samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "eve"))))
		}},
		{"another consumer", "Invalid SAML response received: ", func(request samlRequest) string {
			request.ConsumerURL = "https://another.example.com/saml2/idpresponse"
			return samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "eve"))))
		}},
		{"nothing", "Invalid SAML response received: ", func(samlRequest) string { return "" }},
	} {
		b := r.browser(t)
		request, relay := b.startSAML()
		p := b.consume(row.answer(request), relay)
		u, err := url.Parse(p.location)
		if err != nil || !strings.HasPrefix(p.location, callback+"?") || u.Query().Get("error") != "server_error" || !strings.Contains(u.Query().Get("error_description"), row.want) || u.Query().Get("state") != "s+1" {
			t.Errorf("%s: %d %s, want %q", row.name, p.status, p.location, row.want)
		}
	}
	b := r.browser(t)
	request, _ := b.startSAML()
	response := samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "eve"))))
	for name, relay := range map[string]string{"no RelayState": "", "a made-up RelayState": "x", "a request as RelayState": b.query() + "&identity_provider=Corp"} {
		if p := b.consume(response, relay); p.status != http.StatusFound || !strings.Contains(p.location, "/error?error=Invalid+samlResponse") {
			t.Errorf("%s: %d %s", name, p.status, p.location)
		}
	}
	if p := b.do(http.MethodGet, b.base+"/saml2/idpresponse", nil); p.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", p.status)
	}
}

// TestUnsolicitedSAML: people come from the provider without a request only where the provider
// and the app client allow it.
func TestUnsolicitedSAML(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		idp := r.addSAML(t, "Corp", map[string]string{"IDPInit": "true"})
		b := r.browser(t)
		answer := r.answerTo(samlRequest{ConsumerURL: b.base + "/saml2/idpresponse"}, "ada")
		answer.ID = "unsolicited"
		response := samltest.Encode(idp.Sign(t, idp.Response(answer)))
		relay := b.query() + "&identity_provider=Corp"
		bad := strings.Replace(relay, "a.example", "b.example", 1)
		if p := b.post("/saml2/idpresponse", response, bad); !strings.Contains(p.location, "/error?error=redirect_mismatch") {
			t.Errorf("another redirect URI: %d %s", p.status, p.location)
		}
		p := b.post("/saml2/idpresponse", response, relay)
		p.status = http.StatusFound // A POST is answered by 303.
		b.tokens(p)
		if p := b.post("/saml2/idpresponse", response, relay); !strings.Contains(p.location, "error=server_error") {
			t.Errorf("a second time: %d %s", p.status, p.location)
		}
		old := answer
		old.ID, old.Now = "old", time.Now().Add(-10*time.Minute)
		if p := b.post("/saml2/idpresponse", samltest.Encode(idp.Sign(t, idp.Response(old))), relay); !strings.Contains(p.location, "error=server_error") {
			t.Errorf("an old answer: %d %s", p.status, p.location)
		}
		// A client of the pool's own people takes no such answer.
		r.client = r.addClient(t, r.pool)
		r.allowProviders(t, "Corp")
		if _, err := r.sdk.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{UserPoolId: &r.pool, ClientId: r.client.ClientId, SupportedIdentityProviders: []string{"COGNITO", "Corp"}}); serving.Code(err) != "InvalidParameterException" {
			t.Errorf("COGNITO beside a provider with IDPInit: %v", err)
		}
	})
}

// TestEncryptedSAML: a provider that has to encrypt must, and another one must not.
func TestEncryptedSAML(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	idp := r.addSAML(t, "Corp", map[string]string{"EncryptedResponses": "true"})
	described, err := r.sdk.DescribeIdentityProvider(t.Context(), &cip.DescribeIdentityProviderInput{UserPoolId: &r.pool, ProviderName: new("Corp")})
	certificate := samltest.ParseCertificate(t, serving.Must(t, described, err).IdentityProvider.ProviderDetails["ActiveEncryptionCertificate"])
	b := r.browser(t)
	request, relay := b.startSAML()
	response := samltest.Encrypt(t, idp.Response(r.answerTo(request, "ada")), certificate, samltest.OAEP(xmlenc.OAEP(), xmlenc.AES256CBC))
	b.tokens(b.consume(samltest.Encode(idp.Sign(t, response)), relay))

	other := r.browser(t)
	request, relay = other.startSAML()
	if p := other.consume(samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "ada")))), relay); !strings.Contains(p.location, "error=server_error") {
		t.Errorf("not encrypted: %s", p.location)
	}
	// The pool's own metadata has the certificate.
	p := b.do(http.MethodGet, b.base+"/saml2/metadata?identity_provider=Corp", nil)
	if p.status != http.StatusOK || !strings.Contains(p.body, described.IdentityProvider.ProviderDetails["ActiveEncryptionCertificate"]) || !strings.Contains(p.body, b.base+"/saml2/idpresponse") {
		t.Errorf("metadata: %d %s", p.status, p.body)
	}
	signing, err := r.sdk.GetSigningCertificate(t.Context(), &cip.GetSigningCertificateInput{UserPoolId: &r.pool})
	if !strings.Contains(p.body, *serving.Must(t, signing, err).Certificate) {
		t.Error("the metadata has another signing certificate")
	}
}

// TestAnswersAtOnce: of the requests that finish one attempt at the same time, with the cookie of the
// browser, one signs in.
func TestAnswersAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		idp := r.addSAML(t, "Corp", nil)
		b := r.browser(t)
		request, relay := b.startSAML()
		finish, err := url.Parse(b.origin + b.post("/saml2/idpresponse", samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "Ada")))), relay).location)
		if err != nil {
			t.Fatal(err)
		}
		var cookies []string
		for _, c := range b.Jar.Cookies(finish) {
			cookies = append(cookies, c.Name+"="+c.Value)
		}
		thief := *b
		thief.Client = &http.Client{CheckRedirect: b.CheckRedirect} // Without a jar, the cookies stay.
		locations := make([]string, 8)
		race.AtOnce(len(locations), func(i int) error {
			locations[i] = thief.do(http.MethodGet, finish.String(), nil, "Cookie", strings.Join(cookies, "; ")).location
			return nil
		})
		signedIn := 0
		for _, l := range locations {
			if strings.HasPrefix(l, callback+"?") && strings.Contains(l, "code=") {
				signedIn++
			} else if !strings.Contains(l, "/error?error=The+sign-in+has+expired") {
				t.Errorf("the browser is sent to %q", l)
			}
		}
		if signedIn != 1 {
			t.Errorf("%d of %d signed in: %q", signedIn, len(locations), locations)
		}
	})
}
