package providers

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/federation/oidc"
	"cognate/internal/federation/saml/samltest"
)

// endpoints are details of an OpenID Connect provider that no call is made for.
func endpoints(issuer string) map[string]string {
	return map[string]string{
		"client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "oidc_issuer": issuer, "attributes_request_method": "GET",
		"authorize_url": issuer + "/a", "token_url": issuer + "/t", "attributes_url": issuer + "/u", "jwks_uri": issuer + "/k",
	}
}

// TestNamesOfOneCase: where usernames do not differ by case, names of providers do not either:
// their people would have the same usernames.
func TestNamesOfOneCase(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		create := func(name string) error {
			_, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: name, ProviderType: oidc.OIDC, ProviderDetails: endpoints("https://idp.example.com")})
			return err
		}
		for _, name := range []string{"Corp", "corp"} {
			if err := create(name); err != nil {
				t.Errorf("case counts: %v", err)
			}
		}
		made, err := r.pools.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{PoolName: "caseless", UsernameConfiguration: &idp.UsernameConfigurationType{}})
		if err != nil {
			t.Fatal(err)
		}
		r.pool = *made.UserPool.Id
		if err := create("Corp"); err != nil {
			t.Fatal(err)
		}
		wantError(t, create("corp"), "DuplicateProviderException: The provider Corp has the same name in another case. Usernames of this pool do not differ by case.")
		if err := r.DeleteIdentityProvider(t.Context(), &idp.DeleteIdentityProviderRequest{UserPoolId: r.pool, ProviderName: "Corp"}); err != nil {
			t.Fatal(err)
		}
		if err := create("corp"); err != nil {
			t.Errorf("after the other one is gone: %v", err)
		}
	})
}

// TestMetadataOfAllProviders: the pool's metadata for all SAML providers promises signed requests
// only if each provider gets them. For a single provider it is that provider's metadata.
func TestMetadataOfAllProviders(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		metadata := string(samltest.New(t, samltest.RSA).Metadata())
		create := func(name string, more ...string) {
			t.Helper()
			_, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: name, ProviderType: SAML, ProviderDetails: with(map[string]string{"MetadataFile": metadata}, more...)})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := func(name, signed string, encryption int) {
			t.Helper()
			sn, err := r.pools.Read(t.Context(), r.pool)
			if err != nil {
				t.Fatal(err)
			}
			var p *Provider
			if name != "" {
				if p, err = r.ByName(t.Context(), sn, name); p == nil || err != nil {
					t.Fatalf("no provider %s: %v", name, err)
				}
			}
			body, err := r.ServiceMetadata(t.Context(), sn, p, "https://a.example/saml2/idpresponse", "")
			if err != nil {
				t.Fatal(err)
			}
			if text := string(body); !strings.Contains(text, `AuthnRequestsSigned="`+signed+`"`) || strings.Count(text, `use="encryption"`) != encryption {
				t.Errorf("metadata for %q: %s", name, text)
			}
		}
		want("", "false", 0)
		_, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: "Other", ProviderType: oidc.OIDC, ProviderDetails: endpoints("https://idp.example.com")})
		if err != nil {
			t.Fatal(err)
		}
		want("", "false", 0)
		create("Signed", "RequestSigningAlgorithm", "rsa-sha256")
		want("", "true", 1)
		create("Also", "RequestSigningAlgorithm", "rsa-sha256")
		want("", "true", 0)
		create("Plain")
		want("", "false", 0)
		want("Signed", "true", 1)
		want("Plain", "false", 1)
	})
}

// TestManyProviders: providers that were read once cost no query until the pool changes, also
// where an app client has as many as a pool can have.
func TestManyProviders(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for i := range 20 {
			_, err := r.create(t, idp.CreateIdentityProviderRequest{
				ProviderName: fmt.Sprint("Corp-", i), ProviderType: oidc.OIDC, ProviderDetails: endpoints("https://idp.example.com"), IdpIdentifiers: []string{fmt.Sprint(i, ".example.com")},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		sn, err := r.pools.Read(t.Context(), r.pool)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.List(t.Context(), sn); err != nil {
			t.Fatal(err)
		}
		dead, cancel := context.WithCancel(t.Context()) // A query would fail.
		cancel()
		for i := range 20 {
			name := fmt.Sprint("Corp-", i)
			if p, err := r.ByName(dead, sn, name); p == nil || p.Name != name {
				t.Errorf("%s: %v", name, err)
			}
			if p, err := r.ByIdentifier(dead, sn, fmt.Sprint(i, ".example.com")); p == nil || p.Name != name {
				t.Errorf("by identifier %d: %v", i, err)
			}
		}
		if p, err := r.ByName(dead, sn, "Corp-20"); p != nil || err != nil {
			t.Errorf("no such provider: %v %v", p, err)
		}
	})
}
