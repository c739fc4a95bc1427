package server

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/saml"
	"cognate/internal/oauth"
)

// FederationSettings are the settings for calls of identity providers.
type FederationSettings struct {
	ProviderAllow  []string `group:"Federation" placeholder:"CIDR" help:"Address blocks that identity providers may have in addition to public addresses. In dev also loopback."`
	ProviderHost   []string `group:"Federation" placeholder:"HOST" help:"Host of an identity provider with another port than 443 or without TLS: host:port, http://host or http://host:port. In dev localhost needs no entry."`
	ProviderCA     string   `name:"provider-ca" group:"Federation" placeholder:"FILE" help:"Certificates (PEM) of authorities that identity providers' certificates may come from, in addition to the system's."`
	SocialEndpoint []string `group:"Federation" placeholder:"TYPE.KEY=URL" help:"Where a social provider is, for tests with a provider that stands in: Google.token_url=http://localhost:8080/token. Types: Google, Facebook, LoginWithAmazon, SignInWithApple. Keys: those of ProviderDetails, and jwks_uri."`
}

func (c *Config) checkFederation(add addProblem) {
	if _, err := addressBlocks(c.ProviderAllow); err != nil {
		add("provider-allow", "%v", err)
	}
	for _, host := range c.ProviderHost {
		if strings.Contains(strings.TrimPrefix(host, "http://"), "/") {
			add("provider-host", "%q is not a host", host)
		}
	}
	if _, err := c.providerRoots(); err != nil {
		add("provider-ca", "%v", err)
	}
	if _, err := c.socialEndpoints(); err != nil {
		add("social-endpoint", "%v", err)
	}
}

// providerRoots returns the authorities of identity providers; nil means the system's.
func (c *Config) providerRoots() (*x509.CertPool, error) {
	if c.ProviderCA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.ProviderCA)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("the file has no certificate")
	}
	return roots, nil
}

// socialEndpoints returns the URLs of social providers that stand in, by type and key.
func (c *Config) socialEndpoints() (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for _, text := range c.SocialEndpoint {
		name, address, ok := strings.Cut(text, "=")
		kind, key, dotted := strings.Cut(name, ".")
		u, err := url.Parse(address)
		if !ok || !dotted || err != nil || u.Host == "" {
			return nil, fmt.Errorf("%q is not TYPE.KEY=URL", text)
		}
		if out[kind] == nil {
			out[kind] = map[string]string{}
		}
		out[kind][key] = address
	}
	return out, nil
}

// newProviderClient returns the client that calls identity providers.
func newProviderClient(c *Config, metrics *audit.Metrics) (*fetch.Client, error) {
	blocks, err := addressBlocks(c.ProviderAllow)
	if err != nil {
		return nil, fmt.Errorf("provider-allow: %w", err)
	}
	if c.Mode == Dev {
		blocks = append(blocks, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	roots, err := c.providerRoots()
	if err != nil {
		return nil, fmt.Errorf("provider-ca: %w", err)
	}
	return fetch.New(fetch.Settings{
		Roots: roots, AllowedBlocks: blocks, AllowedHosts: c.ProviderHost, Development: c.Mode == Dev, Now: c.machineNow(),
		Observe: func(o fetch.Observation) { metrics.ProviderCall(o.Provider, o.Call, o.Outcome, o.Took) },
	}), nil
}

// siteURL returns the address of a site for the browser of a request. In production it
// follows from the settings. In development a site has several addresses, and the browser
// must come back to the one it has.
func siteURL(c *Config) func(r *http.Request, site *oauth.Site) string {
	address := domainURL(c)
	return func(r *http.Request, site *oauth.Site) string {
		if c.Mode == Dev {
			scheme := "http://"
			if api.RequestFrom(r.Context()).Secure() {
				scheme = "https://"
			}
			return scheme + r.Host + site.Base
		}
		return address(site.Pool.Region, site.Domain.Name, site.Domain.Custom)
	}
}

// metadataEnd reads the metadata of a SAML provider of the account, and returns until when it
// is valid.
func metadataEnd(text []byte, now time.Time) (time.Time, error) {
	m, err := saml.ParseMetadata(text, now)
	if err != nil {
		return time.Time{}, err
	}
	return m.ValidUntil, nil
}
