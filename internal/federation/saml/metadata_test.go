package saml_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"cognate/internal/federation/saml"
	"cognate/internal/federation/saml/samltest"
)

// federationServices is metadata in the form of Active Directory Federation Services: a byte
// order mark, a signature, several roles, and two bindings for each service.
const federationServices = "\uFEFF" + `<?xml version="1.0"?><!-- exported -->
<EntityDescriptor ID="_1" entityID="http://sts.example.com/adfs/services/trust" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">
  <ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo/></ds:Signature>
  <RoleDescriptor xsi:type="fed:SecurityTokenServiceType" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706">
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
  </RoleDescriptor>
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="encryption"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>
      CERTIFICATE
    </X509Certificate></X509Data></KeyInfo></KeyDescriptor>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sts.example.com/adfs/ls/post"/>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://sts.example.com/adfs/ls/"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sts.example.com/adfs/ls/post"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://sts.example.com/adfs/ls/"/>
    <Attribute Name="x" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>
  </IDPSSODescriptor>
</EntityDescriptor>
<!-- end -->`

func certificateText(t testing.TB, key samltest.Key) string {
	t.Helper()
	text := base64.StdEncoding.EncodeToString(samltest.Certificate(t, key.Signer(t), samltest.Start).Raw)
	return text[:64] + "\r\n   " + text[64:]
}

func TestParseMetadata(t *testing.T) {
	t.Parallel()
	document := strings.Replace(federationServices, "CERTIFICATE", certificateText(t, samltest.RSA), 1)
	m, err := saml.ParseMetadata([]byte(document), samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	if m.EntityID != "http://sts.example.com/adfs/services/trust" || m.SSOURL != "https://sts.example.com/adfs/ls/" || m.SLOURL != m.SSOURL ||
		len(m.Certificates) != 1 || !m.ValidUntil.IsZero() || m.CacheDuration != 0 {
		t.Errorf("%+v", m)
	}
	// The certificate expires after ten years; a document that was checked may be read later.
	later := samltest.Start.AddDate(10, 0, 1)
	if _, err := saml.ParseMetadata([]byte(document), later); err == nil || !strings.Contains(err.Error(), `"idp.example.com"`) || !strings.Contains(err.Error(), "expired on 2036-11-30T12:00:00Z") {
		t.Errorf("an expired certificate: %v", err)
	}
	if _, err := saml.ParseMetadata([]byte(document), time.Time{}); err != nil {
		t.Error(err)
	}
}

func TestMetadataTimes(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	group := func(attributes, inner string) []byte {
		document := strings.Replace(string(idp.Metadata()), "<md:EntityDescriptor ", "<md:EntityDescriptor "+inner+" ", 1)
		return []byte(`<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `>` + document +
			`<md:EntityDescriptor entityID="urn:sp"><md:SPSSODescriptor protocolSupportEnumeration="x"/></md:EntityDescriptor></md:EntitiesDescriptor>`)
	}
	m, err := saml.ParseMetadata(group(`validUntil="2026-12-02T00:00:00Z" cacheDuration="PT1H30M"`, `validUntil="2026-12-01T00:00:00+01:00" cacheDuration="P1DT2S"`), samltest.Start)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC); !m.ValidUntil.Equal(want) || m.CacheDuration != 90*time.Minute {
		t.Errorf("valid until %v, kept for %v", m.ValidUntil, m.CacheDuration)
	}
	for value, want := range map[string]time.Duration{
		"PT0S": 0, "P1D": 24 * time.Hour, "P1Y2M3DT4H5M6.7S": (365+60+3)*24*time.Hour + 4*time.Hour + 5*time.Minute + 6*time.Second,
		"P999999999999Y": 1<<63 - 1,
	} {
		if m, err := saml.ParseMetadata(group(`cacheDuration="`+value+`"`, ""), samltest.Start); err != nil || m.CacheDuration != want {
			t.Errorf("%s: %+v, %v, want %v", value, m, err, want)
		}
	}
	for _, value := range []string{"", "P", "PT", "P1DT", "-P1D", "P1H", "1D", "P1D ago"} {
		if m, err := saml.ParseMetadata(group(`cacheDuration="`+value+`"`, ""), samltest.Start); err == nil {
			t.Errorf("cacheDuration %q is accepted as %v", value, m.CacheDuration)
		}
	}
}

// TestMetadataErrors has errors that administrators see.
func TestMetadataErrors(t *testing.T) {
	t.Parallel()
	idp := samltest.New(t, samltest.RSA)
	document := string(idp.Metadata())
	tests := []struct{ name, old, replacement, want string }{
		{"HTML", "<md:", "<html/><md:", "something follows the root element"},
		{"another root", "EntityDescriptor", "Descriptor", "the document is not an EntityDescriptor"},
		{"another namespace", "SAML:2.0:metadata", "SAML:1.0:metadata", "the document is not an EntityDescriptor"},
		{"no entityID", `entityID="`, `name="`, "the entityID is missing"},
		{"SAML 1.1 alone", "SAML:2.0:protocol", "SAML:1.1:protocol", "no IDPSSODescriptor for SAML 2.0"},
		{"POST alone", "HTTP-Redirect", "HTTP-POST", "no SingleSignOnService with the HTTP-Redirect binding"},
		{"no Base64", "<ds:X509Certificate>", "<ds:X509Certificate>!", "a signing certificate is not Base64"},
		{"no certificate", "<ds:X509Certificate>", "<ds:X509Certificate>AAAA", "a signing certificate cannot be read"},
		{"certificates left out", "X509Certificate", "X509SKI", "the provider has no signing certificate"},
	}
	for _, test := range tests {
		changed := strings.ReplaceAll(document, test.old, test.replacement)
		if test.name == "HTML" {
			changed = strings.Replace(document, test.old, test.replacement, 1)
		}
		_, err := saml.ParseMetadata([]byte(changed), samltest.Start)
		if err == nil || !strings.HasPrefix(err.Error(), "SAML metadata: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
