package clients_test

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"testing"

	"cognate/test/providers"
	"cognate/test/proxies"
)

// TestFederation signs people in at Dex and at oidc-provider, in Chromium.
func TestFederation(t *testing.T) {
	t.Parallel()
	endpoint, domain, site := startSite(t)
	callback := site + "/oauth2/idpresponse"
	program, err := buildDex()
	if err != nil {
		t.Fatal(err)
	}
	dex, err := providers.Dex(t.Context(), program, t.TempDir(), callback)
	issuerEnds(t, "Dex", dex, err)
	node, err := providers.NodeProvider(t.Context(), filepath.Join("..", "js"), callback)
	issuerEnds(t, "oidc-provider", node, err)
	runFederation(t, "federation.test.mjs", endpoint, domain, map[string]string{
		"dex": dex.Issuer, "node": node.Issuer, "clientId": providers.ClientID, "secret": providers.ClientSecret,
		"email": providers.Email, "password": providers.Password,
	})
}

// startSite starts a server for a suite of sign-in at other providers. It returns the server's
// URL, the domain prefix of the suite's pool, and the URL of that domain's site.
func startSite(t *testing.T) (endpoint, domain, site string) {
	t.Helper()
	endpoint, domain = startServer(t), "corp"
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return endpoint, domain, "http://" + domain + ".auth.localhost:" + u.Port()
}

// issuerEnds ends a provider of OpenID Connect with the test.
func issuerEnds(t *testing.T, name string, issuer *providers.Issuer, err error) {
	t.Helper()
	if issuer != nil {
		proxyEnds(t, name, issuer.Proxy)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// proxyEnds ends a program with the test, and shows what it said if the test failed.
func proxyEnds(t *testing.T, name string, p *proxies.Proxy) {
	t.Cleanup(func() {
		_ = p.Close()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.Output())
		}
	})
}

// runFederation runs a suite of test/js with the settings of the providers.
func runFederation(t *testing.T, suite, endpoint, domain string, settings map[string]string) {
	t.Helper()
	body, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	node(t, suite, "COGNATE_ENDPOINT="+endpoint, chromium(), "COGNATE_TEST_DOMAIN="+domain, "COGNATE_TEST_PROVIDERS="+string(body))
}

// TestSAML signs people in at Debian's SimpleSAMLphp and at a provider by samlify, in Chromium.
func TestSAML(t *testing.T) {
	t.Parallel()
	endpoint, domain, _ := startSite(t)
	idp, err := providers.SimpleSAMLphp(t.Context(), t.TempDir())
	if idp != nil {
		proxyEnds(t, "SimpleSAMLphp", idp.Proxy)
	}
	if err != nil {
		t.Fatal(err)
	}
	runFederation(t, "saml.test.mjs", endpoint, domain, map[string]string{
		"plain": idp.Plain, "encrypting": idp.Encrypting, "folder": idp.Folder,
	})
}
