package oidc_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
)

// TestDescribe holds the keys that DescribeIdentityProvider shows. Terraform's acceptance
// tests of aws_cognito_identity_provider read them back.
func TestDescribe(t *testing.T) {
	t.Parallel()
	social := map[string]string{"client_id": "i", "client_secret": "s", "authorize_scopes": "x"}
	for _, test := range []struct {
		name, providerType string
		details            map[string]string
		keys               string
		values             map[string]string
	}{
		{"Google", oidc.Google, social, "attributes_url attributes_url_add_attributes authorize_scopes authorize_url client_id client_secret oidc_issuer token_request_method token_url", map[string]string{
			"attributes_url": "https://people.googleapis.com/v1/people/me?personFields=", "attributes_url_add_attributes": "true", "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
			"oidc_issuer": "https://accounts.google.com", "token_request_method": "POST", "token_url": "https://www.googleapis.com/oauth2/v4/token",
		}},
		{"Facebook", oidc.Facebook, social, "attributes_url attributes_url_add_attributes authorize_scopes authorize_url client_id client_secret token_request_method token_url", map[string]string{
			"attributes_url": "https://graph.facebook.com/v17.0/me?fields=", "token_request_method": "GET",
		}},
		{
			"Facebook's version", oidc.Facebook, with(social, "api_version", "v21.0"),
			"api_version attributes_url attributes_url_add_attributes authorize_scopes authorize_url client_id client_secret token_request_method token_url",
			map[string]string{"authorize_url": "https://www.facebook.com/v21.0/dialog/oauth", "token_url": "https://graph.facebook.com/v21.0/oauth/access_token"},
		},
		{"Amazon", oidc.LoginWithAmazon, social, "attributes_url attributes_url_add_attributes authorize_scopes authorize_url client_id client_secret token_request_method token_url", map[string]string{
			"attributes_url": "https://api.amazon.com/user/profile", "attributes_url_add_attributes": "false", "authorize_url": "https://www.amazon.com/ap/oa", "token_url": "https://api.amazon.com/auth/o2/token",
		}},
		{
			"Apple", oidc.SignInWithApple, map[string]string{"client_id": "i", "team_id": "t", "key_id": "k", "private_key": "secret", "authorize_scopes": "email"},
			"attributes_url_add_attributes authorize_scopes authorize_url client_id key_id oidc_issuer team_id token_request_method token_url",
			map[string]string{"attributes_url_add_attributes": "false", "oidc_issuer": "https://appleid.apple.com", "token_url": "https://appleid.apple.com/auth/token"},
		},
		{
			"OIDC", oidc.OIDC, with(social, "oidc_issuer", "https://i.example", "attributes_request_method", "GET", "token_request_method", "POST"),
			"attributes_request_method attributes_url_add_attributes authorize_scopes client_id client_secret oidc_issuer", map[string]string{"attributes_url_add_attributes": "false"},
		},
		{
			"OIDC with endpoints", oidc.OIDC, with(social, "oidc_issuer", "https://i.example", "attributes_request_method", "GET", "jwks_uri", "u", "token_url", "u", "authorize_url", "u", "attributes_url", "u", "attributes_url_add_attributes", "true"),
			"attributes_request_method attributes_url attributes_url_add_attributes authorize_scopes authorize_url client_id client_secret jwks_uri oidc_issuer token_url", map[string]string{"attributes_url_add_attributes": "false"},
		},
		{"a read-only key that was sent", oidc.LoginWithAmazon, with(social, "token_url", "https://evil.example"), "attributes_url attributes_url_add_attributes authorize_scopes authorize_url client_id client_secret token_request_method token_url", map[string]string{"token_url": "https://api.amazon.com/auth/o2/token"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			shown := oidc.Describe(test.providerType, test.details)
			if d := cmp.Diff(test.keys, strings.Join(slices.Sorted(maps.Keys(shown)), " ")); d != "" {
				t.Error(d)
			}
			for key, want := range test.values {
				if shown[key] != want {
					t.Errorf("%s: %q", key, shown[key])
				}
			}
			if given := oidc.Given(test.providerType, shown); len(given) > len(test.details) {
				t.Errorf("given: %v", given)
			}
		})
	}
	if oidc.SubjectClaim(oidc.Facebook) != "id" || oidc.SubjectClaim(oidc.LoginWithAmazon) != "user_id" || oidc.SubjectClaim(oidc.OIDC) != "sub" || oidc.SubjectClaim("SAML") != "" {
		t.Error("subject claims")
	}
	if oidc.Defaults("SAML", nil) != nil {
		t.Error("defaults of SAML")
	}
}

// with returns a copy of details with pairs of key and value.
func with(details map[string]string, pairs ...string) map[string]string {
	details = maps.Clone(details)
	for i := 0; i < len(pairs); i += 2 {
		details[pairs[i]] = pairs[i+1]
	}
	return details
}

func TestCheck(t *testing.T) {
	t.Parallel()
	fake := newFake(t)
	for _, test := range []struct {
		name, providerType string
		changes            map[string]string // a blank value removes the detail
		want               string
	}{
		{name: "OIDC", providerType: oidc.OIDC},
		{name: "OIDC without a secret", providerType: oidc.OIDC, changes: map[string]string{"client_secret": ""}},
		{name: "OIDC with read-only keys", providerType: oidc.OIDC, changes: map[string]string{"attributes_url_add_attributes": "false", "token_request_method": "POST"}},
		{name: "no client_id", providerType: oidc.OIDC, changes: map[string]string{"client_id": ""}, want: "ProviderDetails must contain client_id"},
		{name: "blank client_id", providerType: oidc.OIDC, changes: map[string]string{"client_id": " "}, want: "ProviderDetails must contain client_id"},
		{name: "no scopes", providerType: oidc.OIDC, changes: map[string]string{"authorize_scopes": ""}, want: "ProviderDetails must contain authorize_scopes"},
		{name: "no issuer", providerType: oidc.OIDC, changes: map[string]string{"oidc_issuer": ""}, want: "ProviderDetails must contain oidc_issuer"},
		{name: "no method", providerType: oidc.OIDC, changes: map[string]string{"attributes_request_method": ""}, want: "ProviderDetails must contain attributes_request_method"},
		{name: "unknown key", providerType: oidc.OIDC, changes: map[string]string{"token_endpoint": "x"}, want: "ProviderDetails contains an unknown key: token_endpoint"},
		{name: "line end", providerType: oidc.OIDC, changes: map[string]string{"client_id": "a\r\nb"}, want: "ProviderDetails contains a malformed value of client_id"},
		{name: "scopes without openid", providerType: oidc.OIDC, changes: map[string]string{"authorize_scopes": "email openid2"}, want: "authorize_scopes must contain openid"},
		{name: "method", providerType: oidc.OIDC, changes: map[string]string{"attributes_request_method": "get"}, want: "attributes_request_method must be GET or POST"},
		{name: "issuer with a slash", providerType: oidc.OIDC, changes: map[string]string{"oidc_issuer": fake.URL + "/"}, want: "oidc_issuer must be an https URL without a slash at the end"},
		{name: "issuer with a query", providerType: oidc.OIDC, changes: map[string]string{"oidc_issuer": fake.URL + "?a=b"}, want: "oidc_issuer must be an https URL without a slash at the end"},
		{name: "issuer by http", providerType: oidc.OIDC, changes: map[string]string{"oidc_issuer": "http://idp.example.com"}, want: "oidc_issuer is not permitted: the scheme is not https"},
		{name: "issuer at a private address", providerType: oidc.OIDC, changes: map[string]string{"oidc_issuer": "https://10.0.0.1"}, want: "oidc_issuer is not permitted: the address is not public"},
		{name: "issuer at another port", providerType: oidc.OIDC, changes: map[string]string{"oidc_issuer": "https://idp.example.com:8443"}, want: "oidc_issuer is not permitted: the port is neither 443 nor 80"},
		{name: "token endpoint by http", providerType: oidc.OIDC, changes: map[string]string{"token_url": "http://idp.example.com/t"}, want: "token_url is not permitted: the scheme is not https"},
		{name: "key set at the metadata service", providerType: oidc.OIDC, changes: map[string]string{"jwks_uri": "https://169.254.169.254/"}, want: "jwks_uri is not permitted: the address is not public"},
		{name: "script as page", providerType: oidc.OIDC, changes: map[string]string{"authorize_url": "javascript:alert(1)"}, want: "authorize_url must be an https URL"},
		{name: "Google", providerType: oidc.Google},
		{name: "Google without a secret", providerType: oidc.Google, changes: map[string]string{"client_secret": ""}, want: "ProviderDetails must contain client_secret"},
		{name: "Google as Terraform reads it back", providerType: oidc.Google, changes: oidc.Defaults(oidc.Google, nil)},
		{name: "Facebook's version", providerType: oidc.Facebook, changes: map[string]string{"api_version": "v21.0"}},
		{name: "Facebook's malformed version", providerType: oidc.Facebook, changes: map[string]string{"api_version": "v1.0/../.."}, want: "api_version must be a version such as v17.0"},
		{name: "Amazon", providerType: oidc.LoginWithAmazon},
		{name: "Apple", providerType: oidc.SignInWithApple},
		{name: "Apple's team", providerType: oidc.SignInWithApple, changes: map[string]string{"team_id": "T"}, want: "team_id must have 10 letters or digits"},
		{name: "Apple's key ID", providerType: oidc.SignInWithApple, changes: map[string]string{"key_id": "ABCDE 7890"}, want: "key_id must have 10 letters or digits"},
		{name: "Apple's key", providerType: oidc.SignInWithApple, changes: map[string]string{"private_key": "secret-text"}, want: "private_key must be a private key in PKCS #8 on the curve P-256"},
		{name: "Apple with a secret", providerType: oidc.SignInWithApple, changes: map[string]string{"client_secret": "s"}, want: "ProviderDetails contains an unknown key: client_secret"},
		{name: "unknown type", providerType: "SAML", want: `oidc: unknown type of provider "SAML"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := settings(t, test.providerType, fake, test.changes)
			err := oidc.Check(t.Context(), s.Client, test.providerType, s.Details)
			if got := errorText(err); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestCheckDiscovery breaks the discovery document that a new provider is checked with.
func TestCheckDiscovery(t *testing.T) {
	t.Parallel()
	change := func(name string, value any) fakeidp.Behaviour {
		return fakeidp.Behaviour{Discovery: func(doc map[string]any) { doc[name] = value }}
	}
	for _, test := range []struct {
		name      string
		behaviour fakeidp.Behaviour
		ok        bool
	}{
		{"good", fakeidp.Behaviour{}, true},
		{"no user info", change("userinfo_endpoint", nil), true},
		{"other issuer", change("issuer", "https://other.example.com"), false},
		{"no issuer", change("issuer", nil), false},
		{"no token endpoint", change("token_endpoint", nil), false},
		{"no key set", change("jwks_uri", nil), false},
		{"script", change("authorization_endpoint", "javascript:alert(1)"), false},
		{"private token endpoint", change("token_endpoint", "https://192.168.1.1/token"), false},
		{"not there", fakeidp.Behaviour{Serve: func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			fake.Behave(test.behaviour)
			s := settings(t, oidc.OIDC, fake, nil)
			err := oidc.Check(t.Context(), s.Client, oidc.OIDC, s.Details)
			var failed *oidc.DiscoveryError
			if test.ok && err != nil || !test.ok && (!errors.As(err, &failed) || !strings.HasPrefix(err.Error(), "Error retrieving discovery document from "+fake.URL+"/.well-known/openid-configuration")) {
				t.Errorf("%v", err)
			}
		})
	}
	// With all endpoints given, no call is made.
	client := fetch.New(fetch.Settings{Now: now})
	t.Cleanup(client.Close)
	details := map[string]string{
		"client_id": "i", "authorize_scopes": "openid", "oidc_issuer": "https://idp.invalid", "attributes_request_method": "GET",
		"authorize_url": "https://idp.invalid/a", "token_url": "https://idp.invalid/t", "attributes_url": "https://idp.invalid/u", "jwks_uri": "https://idp.invalid/k",
	}
	if err := oidc.Check(t.Context(), client, oidc.OIDC, details); err != nil {
		t.Error(err)
	}
}
