package providers

import (
	"crypto/x509"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/internal/federation/saml/samltest"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/fakeidp"
	"cognate/test/fresh"
)

// rig is the service on a real database, with a user pool.
type rig struct {
	*Service
	pools *pool.Service
	clock *fresh.Clock
	pool  string
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

func newRig(t *testing.T, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(samltest.Start)
	db := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	r := &rig{clock: c, pools: pool.New(pool.Deps{Store: db, Ring: ring, Pages: fresh.PageTokens(), Now: c.Now})}
	client := fetch.New(fetch.Settings{Development: true, Now: c.Now})
	t.Cleanup(client.Close)
	r.Service = New(Deps{Store: db, Pools: r.pools, Ring: ring, Client: client, Now: c.Now, Log: slog.New(slog.DiscardHandler)})
	made, err := r.pools.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{PoolName: "people"})
	if err != nil {
		t.Fatal(err)
	}
	r.pool = *made.UserPool.Id
	return r
}

func (r *rig) create(t *testing.T, in idp.CreateIdentityProviderRequest) (*idp.IdentityProviderType, error) {
	t.Helper()
	in.UserPoolId = r.pool
	out, err := r.CreateIdentityProvider(t.Context(), &in)
	if err != nil {
		return nil, err
	}
	return out.IdentityProvider, nil
}

func (r *rig) describe(t *testing.T, name string) *idp.IdentityProviderType {
	t.Helper()
	out, err := r.DescribeIdentityProvider(t.Context(), &idp.DescribeIdentityProviderRequest{UserPoolId: r.pool, ProviderName: name})
	if err != nil {
		t.Fatal(err)
	}
	return out.IdentityProvider
}

// with returns details with others in their place; "" removes one.
func with(details map[string]string, pairs ...string) map[string]string {
	out := maps.Clone(details)
	for i := 0; i < len(pairs); i += 2 {
		if out[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(out, pairs[i])
		}
	}
	return out
}

// TestProviders: what DescribeIdentityProvider shows of each type, and that it does not change
// until an administrator changes it.
func TestProviders(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		fake, end := fakeidp.Start(r.clock.Now)
		t.Cleanup(end)
		google := map[string]string{"client_id": "c", "client_secret": "s", "authorize_scopes": "openid email"}
		corp := map[string]string{"client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "oidc_issuer": fake.URL, "attributes_request_method": "GET"}
		metadata := string(samltest.New(t, samltest.RSA).Metadata())
		for _, row := range []struct {
			name, kind string
			details    map[string]string
			keys       []string
			mapping    map[string]string
		}{
			{"Google", oidc.Google, google, []string{"attributes_url", "attributes_url_add_attributes", "authorize_scopes", "authorize_url", "client_id", "client_secret", "oidc_issuer", "token_request_method", "token_url"}, map[string]string{"username": "sub"}},
			{"LoginWithAmazon", oidc.LoginWithAmazon, google, []string{"attributes_url", "attributes_url_add_attributes", "authorize_scopes", "authorize_url", "client_id", "client_secret", "token_request_method", "token_url"}, map[string]string{"username": "user_id"}},
			{"Corp", oidc.OIDC, corp, []string{"attributes_request_method", "attributes_url_add_attributes", "authorize_scopes", "client_id", "client_secret", "oidc_issuer"}, map[string]string{"username": "sub"}},
			{"SAML-1", SAML, map[string]string{"MetadataFile": metadata, "EncryptedResponses": "true"}, []string{"ActiveEncryptionCertificate", "EncryptedResponses", "MetadataFile", "SLORedirectBindingURI", "SSORedirectBindingURI"}, nil},
		} {
			made, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: row.name, ProviderType: idp.IdentityProviderTypeType(row.kind), ProviderDetails: row.details})
			if err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
			first, second := r.describe(t, row.name), r.describe(t, row.name)
			if got := slices.Sorted(maps.Keys(first.ProviderDetails)); !slices.Equal(got, row.keys) {
				t.Errorf("%s has %v, want %v", row.name, got, row.keys)
			}
			if diff := cmp.Diff(made, first) + cmp.Diff(first, second); diff != "" {
				t.Errorf("%s changes: %s", row.name, diff)
			}
			for key, value := range row.details {
				if first.ProviderDetails[key] != value {
					t.Errorf("%s: %s is %q, want %q", row.name, key, first.ProviderDetails[key], value)
				}
			}
			if !maps.Equal(first.AttributeMapping, row.mapping) || first.IdpIdentifiers == nil {
				t.Errorf("%s: mapping %v, identifiers %v", row.name, first.AttributeMapping, first.IdpIdentifiers)
			}
		}
		_, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: "Corp", ProviderType: oidc.OIDC, ProviderDetails: corp})
		wantError(t, err, "DuplicateProviderException: A provider with the name already exists")

		// An update replaces what it has. A secret that it leaves out stays.
		updated, err := r.UpdateIdentityProvider(t.Context(), &idp.UpdateIdentityProviderRequest{
			UserPoolId: r.pool, ProviderName: "Corp", ProviderDetails: with(corp, "client_secret", "", "authorize_scopes", "openid email"), IdpIdentifiers: []string{"corp.example.com"},
			AcrMapping: map[string]string{"Level3": "mfa"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if p := updated.IdentityProvider; p.ProviderDetails["client_secret"] != "s" || p.ProviderDetails["authorize_scopes"] != "openid email" || p.AttributeMapping["username"] != "sub" || p.AcrMapping["Level3"] != "mfa" {
			t.Errorf("updated: %+v", p)
		}
		found, err := r.GetIdentityProviderByIdentifier(t.Context(), &idp.GetIdentityProviderByIdentifierRequest{UserPoolId: r.pool, IdpIdentifier: "corp.example.com"})
		if err != nil || *found.IdentityProvider.ProviderName != "Corp" {
			t.Errorf("by identifier: %v, %v", found, err)
		}
		_, err = r.UpdateIdentityProvider(t.Context(), &idp.UpdateIdentityProviderRequest{UserPoolId: r.pool, ProviderName: "Google", IdpIdentifiers: []string{"corp.example.com"}})
		wantError(t, err, "InvalidParameterException: The identifier corp.example.com belongs to another identity provider.")

		names := func(token *string, n int32) ([]string, *string) {
			t.Helper()
			out, err := r.ListIdentityProviders(t.Context(), &idp.ListIdentityProvidersRequest{UserPoolId: r.pool, MaxResults: &n, NextToken: token})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, p := range out.Providers {
				list = append(list, *p.ProviderName)
			}
			return list, out.NextToken
		}
		page, next := names(nil, 3)
		rest, last := names(next, 3)
		if got := append(page, rest...); !slices.Equal(got, []string{"Corp", "Google", "LoginWithAmazon", "SAML-1"}) || last != nil {
			t.Errorf("list: %v", got)
		}
		for range 2 {
			err = r.DeleteIdentityProvider(t.Context(), &idp.DeleteIdentityProviderRequest{UserPoolId: r.pool, ProviderName: "SAML-1"})
			if err != nil {
				break
			}
		}
		wantError(t, err, "ResourceNotFoundException: Identity provider SAML-1 does not exist.")
	})
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	code, text, _ := strings.Cut(want, ": ")
	if api.CodeOf(err) != code || err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestProviderRefusals: what cannot be a provider is an InvalidParameterException.
func TestProviderRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, fresh.SQLite(t))
	google := map[string]string{"client_id": "c", "client_secret": "s", "authorize_scopes": "openid"}
	corp := with(google, "oidc_issuer", "https://idp.example.com", "attributes_request_method", "GET", "authorize_url", "https://idp.example.com/a", "token_url", "https://idp.example.com/t", "attributes_url", "https://idp.example.com/u", "jwks_uri", "https://idp.example.com/k")
	metadata := string(samltest.New(t, samltest.RSA).Metadata())
	away := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(away.Close)
	for _, row := range []struct {
		name, provider, kind string
		details, mapping     map[string]string
		levels               map[string]string
		want                 string
	}{
		{"name of another type", "Google", oidc.OIDC, corp, nil, nil, "The provider name Google is reserved."},
		{"name of the pool", "Cognito", oidc.OIDC, corp, nil, nil, "The provider name Cognito is reserved."},
		{"own name of a social provider", "Gmail", oidc.Google, google, nil, nil, "The provider name of a Google provider must be Google."},
		{"missing key", "Google", oidc.Google, with(google, "client_secret", ""), nil, nil, "client_secret"},
		{"unknown key", "Google", oidc.Google, with(google, "x", "y"), nil, nil, "x"},
		{"scopes", "Corp", oidc.OIDC, with(corp, "authorize_scopes", "email"), nil, nil, "openid"},
		{"private issuer", "Corp", oidc.OIDC, with(corp, "oidc_issuer", "https://10.0.0.1"), nil, nil, "oidc_issuer"},
		{"unknown attribute", "Corp", oidc.OIDC, corp, map[string]string{"custom:x": "x"}, nil, "Invalid user attributes: Type for attribute {custom:x} could not be determined"},
		{"mapping of sub", "Corp", oidc.OIDC, corp, map[string]string{"sub": "x"}, nil, "The attribute sub cannot be mapped."},
		{"levels of SAML", "SAML-1", SAML, map[string]string{"MetadataFile": metadata}, nil, map[string]string{"Level1": "a"}, "AcrMapping is for providers of type OIDC only."},
		{"unknown level", "Corp", oidc.OIDC, corp, nil, map[string]string{"Level5": "a"}, "AcrMapping has an unknown level: Level5"},
		{"no metadata", "SAML-1", SAML, map[string]string{"IDPInit": "true"}, nil, nil, "Either MetadataFile or MetadataURL must be provided."},
		{"two kinds of metadata", "SAML-1", SAML, map[string]string{"MetadataFile": metadata, "MetadataURL": "https://idp.example.com"}, nil, nil, "Either MetadataFile or MetadataURL must be provided."},
		{"metadata that is not XML", "SAML-1", SAML, map[string]string{"MetadataFile": "<x"}, nil, nil, "metadata"},
		{"metadata that is not there", "SAML-1", SAML, map[string]string{"MetadataURL": away.URL + "/m"}, nil, nil, "Error retrieving metadata from " + away.URL + "/m"},
		{"flag", "SAML-1", SAML, map[string]string{"MetadataFile": metadata, "IDPInit": "yes"}, nil, nil, "IDPInit must be true or false."},
		{"algorithm", "SAML-1", SAML, map[string]string{"MetadataFile": metadata, "RequestSigningAlgorithm": "rsa-sha1"}, nil, nil, "RequestSigningAlgorithm must be rsa-sha256."},
		{"unknown key of SAML", "SAML-1", SAML, map[string]string{"MetadataFile": metadata, "x": "y"}, nil, nil, "ProviderDetails contains an unknown key: x"},
	} {
		_, err := r.create(t, idp.CreateIdentityProviderRequest{
			ProviderName: row.provider, ProviderType: idp.IdentityProviderTypeType(row.kind), ProviderDetails: row.details, AttributeMapping: row.mapping, AcrMapping: row.levels,
		})
		if api.CodeOf(err) != idp.CodeInvalidParameterException || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
	if _, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: "Corp", ProviderType: oidc.OIDC, ProviderDetails: corp}); err != nil {
		t.Errorf("a provider whose endpoints are all given: %v", err)
	}
}

// TestSigningCertificate: the pool's certificate is renewed each year with the same key.
func TestSigningCertificate(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		get := func() *x509.Certificate {
			t.Helper()
			out, err := r.GetSigningCertificate(t.Context(), &idp.GetSigningCertificateRequest{UserPoolId: r.pool})
			if err != nil {
				t.Fatal(err)
			}
			return samltest.ParseCertificate(t, *out.Certificate)
		}
		first := get()
		if !get().Equal(first) {
			t.Error("the certificate changes")
		}
		r.clock.Pass(366 * 24 * time.Hour)
		renewed := get()
		if renewed.Equal(first) || !renewed.NotAfter.After(first.NotAfter) || !slices.Equal(renewed.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo) {
			t.Errorf("after a year: %v to %v, another key: %t", first.NotAfter, renewed.NotAfter, !slices.Equal(renewed.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo))
		}
	})
}

// TestMetadataRefresh: metadata of a URL is fetched again when it is old, at most once a minute,
// and the last good one serves while the provider does not answer.
func TestMetadataRefresh(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		p := samltest.New(t, samltest.RSA)
		var document atomic.Pointer[[]byte]
		var calls atomic.Int32
		set := func(b []byte) { document.Store(&b) }
		set(p.Metadata())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			if b := *document.Load(); b != nil {
				_, _ = w.Write(b)
				return
			}
			w.WriteHeader(http.StatusInternalServerError)
		}))
		t.Cleanup(server.Close)
		_, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: "SAML-1", ProviderType: SAML, ProviderDetails: map[string]string{"MetadataURL": server.URL}})
		if err != nil {
			t.Fatal(err)
		}
		connect := func(want int32) {
			t.Helper()
			sn, err := r.pools.Load(t.Context(), r.pool)
			if err != nil {
				t.Fatal(err)
			}
			provider, err := r.ByName(t.Context(), sn, "SAML-1")
			if err != nil || provider == nil {
				t.Fatal(provider, err)
			}
			if conn, err := r.ConnectSAML(t.Context(), sn, provider); err != nil || conn == nil {
				t.Fatal(err)
			}
			if got := calls.Load(); got != want {
				t.Errorf("%d calls, want %d", got, want)
			}
		}
		connect(1)
		r.clock.Pass(6*time.Hour + time.Minute)
		connect(2)
		connect(2)
		set(nil)
		r.clock.Pass(6*time.Hour + time.Minute)
		connect(3)
		connect(3)
		r.clock.Pass(time.Minute)
		connect(4)
		set([]byte("<not-metadata/>"))
		r.clock.Pass(time.Minute)
		connect(5)
		p.SSOURL = "https://idp.example.com/new"
		set(p.Metadata())
		r.clock.Pass(time.Minute)
		connect(6)
		connect(6)
	})
}

// TestUpdateKeepsNewSecret: an update that keeps the secret does not bring back the secret that an
// update in between replaced.
func TestUpdateKeepsNewSecret(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		fake, end := fakeidp.Start(r.clock.Now)
		t.Cleanup(end)
		details := map[string]string{
			"client_id": "c", "client_secret": "old", "authorize_scopes": "openid", "oidc_issuer": fake.URL, "attributes_request_method": "GET",
		}
		if _, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: "Corp", ProviderType: idp.IdentityProviderTypeTypeOidc, ProviderDetails: details}); err != nil {
			t.Fatal(err)
		}
		update := func(details map[string]string) error {
			_, err := r.UpdateIdentityProvider(t.Context(), &idp.UpdateIdentityProviderRequest{UserPoolId: r.pool, ProviderName: "Corp", ProviderDetails: details})
			return err
		}
		r.clock.Pass(48 * time.Hour) // The discovery document is fetched again.
		var once sync.Once
		fake.Behave(fakeidp.Behaviour{Serve: func(http.ResponseWriter, *http.Request) bool {
			once.Do(func() {
				// All endpoints are there, so that nothing is discovered.
				if err := update(with(details, "client_secret", "new", "authorize_url", fake.URL+"/authorize", "token_url", fake.URL+"/token",
					"attributes_url", fake.URL+"/userinfo", "jwks_uri", fake.URL+"/keys")); err != nil {
					t.Error(err)
				}
			})
			return false
		}})
		if err := update(with(details, "client_secret", "")); api.CodeOf(err) != "ConcurrentModificationException" {
			t.Errorf("the slow update: %v", err)
		}
		if got := r.describe(t, "Corp").ProviderDetails["client_secret"]; got != "new" {
			t.Errorf("client_secret is %q", got)
		}
	})
}

// TestMetadataOfAnotherURL: metadata that was fetched while an administrator replaced the
// provider's metadata does not take the place of the new one.
func TestMetadataOfAnotherURL(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		old, newer := samltest.New(t, samltest.RSA), samltest.New(t, samltest.OtherRSA)
		newer.SSOURL = "https://idp.example.com/newer"
		document := string(newer.Metadata())
		var meanwhile atomic.Pointer[func()]
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if f := meanwhile.Swap(nil); f != nil {
				(*f)()
			}
			_, _ = w.Write(old.Metadata())
		}))
		t.Cleanup(server.Close)
		_, err := r.create(t, idp.CreateIdentityProviderRequest{ProviderName: "SAML-1", ProviderType: SAML, ProviderDetails: map[string]string{"MetadataURL": server.URL}})
		if err != nil {
			t.Fatal(err)
		}
		sn, err := r.pools.Load(t.Context(), r.pool)
		if err != nil {
			t.Fatal(err)
		}
		provider, err := r.ByName(t.Context(), sn, "SAML-1")
		if err != nil {
			t.Fatal(err)
		}
		r.clock.Pass(7 * time.Hour)
		replace := func() {
			_, err := r.UpdateIdentityProvider(t.Context(), &idp.UpdateIdentityProviderRequest{
				UserPoolId: r.pool, ProviderName: "SAML-1", ProviderDetails: map[string]string{"MetadataFile": document},
			})
			if err != nil {
				t.Error(err)
			}
		}
		meanwhile.Store(&replace)
		if _, err := r.ConnectSAML(t.Context(), sn, provider); err != nil {
			t.Fatal(err)
		}
		if got := r.describe(t, "SAML-1").ProviderDetails["MetadataFile"]; got != document {
			t.Errorf("the old metadata took the place of the new one: %s", got)
		}
	})
}
