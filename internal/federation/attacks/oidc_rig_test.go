package attacks_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

var oidcTime = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func oidcNow() time.Time { return oidcTime }

// victim is a provider of the pool, beside the server that the attacker rules.
type victim struct {
	*oidc.Provider

	fake *fakeidp.Provider
}

// newVictim returns a provider of a type. Changes of the details are applied last.
func newVictim(t testing.TB, providerType string, changes map[string]string) *victim {
	t.Helper()
	fake, end := fakeidp.Start(oidcNow)
	t.Cleanup(end)
	client := fetch.New(fetch.Settings{Development: true, Now: oidcNow})
	t.Cleanup(client.Close)
	s := oidc.Settings{Name: "Idp", Type: providerType, Client: client, Now: oidcNow, Mapping: map[string]string{"name": "name", "picture": "picture"}}
	s.Details = map[string]string{
		"client_id": fakeidp.ClientID, "client_secret": fakeidp.ClientSecret, "authorize_scopes": "openid email",
		"oidc_issuer": fake.URL, "attributes_request_method": "GET",
	}
	if providerType == oidc.SignInWithApple {
		s.Details["team_id"], s.Details["key_id"], s.Details["private_key"] = "TEAM123456", "KEY1234567", applePrivateKey(t)
		delete(s.Details, "client_secret")
	}
	s.Endpoints = map[string]string{
		"authorize_url": fake.URL + "/authorize", "token_url": fake.URL + "/token", "oidc_issuer": fake.URL, "jwks_uri": fake.URL + "/keys",
	}
	switch providerType {
	case oidc.Google:
		s.Endpoints["attributes_url"] = fake.URL + "/people?personFields="
		s.Mapping["custom:g"] = "genders"
	case oidc.Facebook:
		s.Endpoints["attributes_url"] = fake.URL + "/me?fields="
	case oidc.LoginWithAmazon:
		s.Endpoints["attributes_url"] = fake.URL + "/profile"
	}
	maps.Copy(s.Details, changes)
	p, err := oidc.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return &victim{p, fake}
}

func applePrivateKey(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// signIn signs in once without an attack, so that a refusal later is due to the attack.
func (v *victim) signIn(t *testing.T) *federation.Identity {
	t.Helper()
	id, err := fakeidp.SignIn(t.Context(), v, federation.Wish{})
	if err != nil {
		t.Fatalf("without an attack: %v", err)
	}
	return id
}

// wantRefusal checks that a sign-in was refused with a text, and that no secret is in the error.
func wantRefusal(t *testing.T, id *federation.Identity, err error, text string) {
	t.Helper()
	var refusal *federation.Error
	if !errors.As(err, &refusal) || refusal.Text != text {
		t.Errorf("%+v, %v; want the refusal %q", id, err, text)
		return
	}
	for _, secret := range []string{fakeidp.ClientSecret, "access-", "refresh-1", "state-", "nonce-"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error has a secret: %v", err)
		}
	}
}
