package oidc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"testing"
	"time"

	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// at is the time of these tests.
var at = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func now() time.Time { return at }

func newFake(t testing.TB) *fakeidp.Provider {
	t.Helper()
	fake, end := fakeidp.Start(now)
	t.Cleanup(end)
	return fake
}

func newClient(t testing.TB) *fetch.Client {
	t.Helper()
	client := fetch.New(fetch.Settings{Development: true, Now: now})
	t.Cleanup(client.Close)
	return client
}

// settings returns those of a type for the fake provider, with changes of the details. A
// blank value removes a detail.
func settings(t testing.TB, providerType string, fake *fakeidp.Provider, changes map[string]string) oidc.Settings {
	t.Helper()
	s := oidc.Settings{Name: providerType, Type: providerType, Client: newClient(t), Now: now, Details: map[string]string{
		"client_id": fakeidp.ClientID, "client_secret": fakeidp.ClientSecret, "authorize_scopes": "openid email",
	}}
	s.Endpoints = map[string]string{"authorize_url": fake.URL + "/authorize", "token_url": fake.URL + "/token"}
	switch providerType {
	case oidc.OIDC:
		s.Name, s.Endpoints = "Okta", nil
		s.Details["oidc_issuer"], s.Details["attributes_request_method"] = fake.URL, "GET"
	case oidc.Google:
		s.Endpoints["oidc_issuer"], s.Endpoints["jwks_uri"] = fake.URL, fake.URL+"/keys"
		s.Endpoints["attributes_url"] = fake.URL + "/people?personFields="
	case oidc.Facebook:
		s.Details["authorize_scopes"] = "public_profile, email"
		s.Endpoints["attributes_url"] = fake.URL + "/me?fields="
	case oidc.LoginWithAmazon:
		s.Details["authorize_scopes"] = "profile postal_code"
		s.Endpoints["attributes_url"] = fake.URL + "/profile"
	case oidc.SignInWithApple:
		delete(s.Details, "client_secret")
		s.Details["authorize_scopes"] = "email name"
		s.Details["team_id"], s.Details["key_id"], s.Details["private_key"] = "TEAM123456", "KEY1234567", appleKey(t)
		s.Endpoints["oidc_issuer"], s.Endpoints["jwks_uri"] = fake.URL, fake.URL+"/keys"
	}
	maps.Copy(s.Details, changes)
	maps.DeleteFunc(s.Details, func(_, value string) bool { return value == "" })
	return s
}

func newProvider(t testing.TB, s oidc.Settings) *oidc.Provider {
	t.Helper()
	p, err := oidc.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func appleKey(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
