package clients_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/test/fakeidp"
	"cognate/test/patience"
	"cognate/test/providers"
)

// issuerClient is this project's client of a provider that is not of this project. A busy
// machine is slow.
func issuerClient(t *testing.T, issuer *providers.Issuer, clientID string) *oidc.Provider {
	t.Helper()
	t.Cleanup(func() { _ = issuer.Close() })
	client := fetch.New(fetch.Settings{Development: true, Now: time.Now, Timeout: patience.Limit})
	t.Cleanup(client.Close)
	details := map[string]string{
		"client_id": clientID, "client_secret": providers.ClientSecret, "authorize_scopes": "openid email profile",
		"oidc_issuer": issuer.Issuer, "attributes_request_method": "GET",
	}
	if err := oidc.Check(t.Context(), client, oidc.OIDC, details); err != nil {
		t.Fatal(err)
	}
	p, err := oidc.New(oidc.Settings{Name: "Real", Type: oidc.OIDC, Details: details, Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// visitIssuer signs a person in at the provider's pages.
func visitIssuer(t *testing.T, p *oidc.Provider, a federation.Attempt) federation.Answer {
	t.Helper()
	address, err := p.Start(t.Context(), a, federation.Wish{LoginHint: providers.Email})
	if err != nil {
		t.Fatal(err)
	}
	browser, err := providers.NewBrowser()
	if err != nil {
		t.Fatal(err)
	}
	form, err := browser.SignIn(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return federation.Answer{Form: form}
}

// checkIssuer signs in, and checks that a code is good for one sign-in only: not twice, not
// without its verifier, and not in another attempt.
func checkIssuer(t *testing.T, p *oidc.Provider, subject string, claims map[string]any) {
	t.Helper()
	a := fakeidp.NewAttempt()
	answer := visitIssuer(t, p, a)
	id, err := p.Finish(t.Context(), a, answer)
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != subject {
		t.Errorf("subject %q", id.Subject)
	}
	for name, want := range claims {
		if d := cmp.Diff(want, id.Claims[name]); d != "" {
			t.Errorf("claim %s: %s", name, d)
		}
	}
	refused := func(name string, a federation.Attempt, answer federation.Answer, text string) {
		t.Helper()
		var refusal *federation.Error
		if id, err := p.Finish(t.Context(), a, answer); !errors.As(err, &refusal) || refusal.Text != text {
			t.Errorf("%s: %v, %v", name, id, err)
		}
	}
	refused("code twice", a, answer, "Real Error - 400 error getting token")
	other := fakeidp.NewAttempt()
	answer = visitIssuer(t, p, other)
	other.Verifier = a.Verifier
	refused("other verifier", other, answer, "Real Error - 400 error getting token")
	other = fakeidp.NewAttempt()
	answer = visitIssuer(t, p, other)
	other.Nonce = a.Nonce
	refused("other nonce", other, answer, "Bad id_token nonce")
}

// TestDex signs a person in at Dex.
func TestDex(t *testing.T) {
	t.Parallel()
	program, err := buildDex()
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := providers.Dex(t.Context(), program, t.TempDir(), providers.Callback)
	if err != nil {
		t.Fatal(err)
	}
	p := issuerClient(t, issuer, providers.ClientID)
	// Dex's subjects are the person and the connector, in Base64.
	const subject = "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs"
	checkIssuer(t, p, subject, map[string]any{"email": providers.Email, "email_verified": true, "name": "Ann Lee"})
}

// TestNodeProvider signs a person in at oidc-provider, by ID tokens of each algorithm.
func TestNodeProvider(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "HS256"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			issuer, err := providers.NodeProvider(t.Context(), filepath.Join("..", "js"), providers.Callback)
			if err != nil {
				t.Fatal(err)
			}
			p := issuerClient(t, issuer, algorithm)
			checkIssuer(t, p, providers.Email, map[string]any{
				"email": providers.Email, "email_verified": true, "groups": []any{"a b", "c"},
			})

			a := fakeidp.NewAttempt()
			address, err := p.Start(t.Context(), a, federation.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			browser, err := providers.NewBrowser()
			if err != nil {
				t.Fatal(err)
			}
			form, err := browser.Cancel(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			var refusal *federation.Error
			if _, err := p.Finish(t.Context(), a, federation.Answer{Form: form}); !errors.As(err, &refusal) || refusal.Code != "access_denied" || refusal.Text == "" {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}
