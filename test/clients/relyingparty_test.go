package clients_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const callbackURL = "https://app.example.com/callback"

// TestGoRelyingParty signs a person in with go-oidc and golang.org/x/oauth2: discovery,
// code with PKCE, ID token, userInfo, refresh and client credentials.
func TestGoRelyingParty(t *testing.T) {
	eachEngine(t, func(t *testing.T, endpoint string) {
		ctx, sdk := t.Context(), goSDK(endpoint)
		poolID, _, username := makeParty(t, sdk)
		clientID, secret := makeOAuthClient(t, sdk, poolID, types.OAuthFlowTypeCode, "openid", "email")
		provider, err := oidc.NewProvider(ctx, endpoint+"/"+poolID)
		if err != nil {
			t.Fatal(err)
		}
		party := oauth2.Config{ClientID: clientID, ClientSecret: secret, Endpoint: provider.Endpoint(), RedirectURL: callbackURL, Scopes: []string{oidc.ScopeOpenID, "email"}}
		verifier := oauth2.GenerateVerifier()
		code := codeOf(t, party.AuthCodeURL("state", oidc.Nonce("nonce"), oauth2.S256ChallengeOption(verifier)), username)
		tokens, err := party.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := tokens.Extra("id_token").(string)
		verified, err := provider.Verifier(&oidc.Config{ClientID: clientID}).Verify(ctx, text)
		if err != nil || verified.Nonce != "nonce" {
			t.Fatalf("ID token: %v", err)
		}
		if err := verified.VerifyAccessToken(tokens.AccessToken); err != nil {
			t.Errorf("at_hash: %v", err)
		}
		// The service sends every value of userInfo as text, also email_verified.
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
		if err != nil || info.Subject != verified.Subject || info.Email != username+"@example.com" || !info.EmailVerified {
			t.Errorf("userInfo: %+v, %v", info, err)
		}

		expired := *tokens
		expired.Expiry = time.Now().Add(-time.Hour)
		if refreshed, err := party.TokenSource(ctx, &expired).Token(); err != nil || refreshed.AccessToken == tokens.AccessToken {
			t.Errorf("refresh: %v", err)
		}

		_, err = party.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		wantOAuthError(t, "the same code again", err, "invalid_grant")
		_, err = party.TokenSource(ctx, &expired).Token()
		wantOAuthError(t, "refresh after that", err, "invalid_grant")
		second := codeOf(t, party.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), username)
		_, err = party.Exchange(ctx, second, oauth2.VerifierOption(oauth2.GenerateVerifier()))
		wantOAuthError(t, "another verifier", err, "invalid_grant")

		machineID, machineSecret := makeOAuthClient(t, sdk, poolID, types.OAuthFlowTypeClientCredentials, "orders/read")
		machine := clientcredentials.Config{ClientID: machineID, ClientSecret: machineSecret, TokenURL: provider.Endpoint().TokenURL, Scopes: []string{"orders/read"}}
		if out, err := machine.Token(ctx); err != nil || out.TokenType != "Bearer" || out.RefreshToken != "" {
			t.Errorf("client credentials: %v", err)
		}
		machine.ClientSecret += "x"
		_, err = machine.Token(ctx)
		wantOAuthError(t, "a wrong secret", err, "invalid_client")
	})
}

func wantOAuthError(t *testing.T, what string, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || e.ErrorCode != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// makeOAuthClient makes a confidential client of one grant.
func makeOAuthClient(t *testing.T, sdk *idp.Client, poolID string, flow types.OAuthFlowType, scopes ...string) (id, secret string) {
	t.Helper()
	in := &idp.CreateUserPoolClientInput{AllowedOAuthFlows: []types.OAuthFlowType{flow}, AllowedOAuthScopes: scopes}
	if flow == types.OAuthFlowTypeCode {
		in.CallbackURLs, in.SupportedIdentityProviders = []string{callbackURL}, []string{"COGNITO"}
	}
	return makeConfidential(t, sdk, poolID, in)
}

// domainOf returns the domain of a pool: in hexadecimal digits, so that it never has a reserved word such as "aws".
func domainOf(poolID string) string {
	_, random, _ := strings.Cut(poolID, "_")
	return fmt.Sprintf("shop-%x", random)
}

// makeConfidential makes a client with a secret. The pool has a domain and the resource
// server "orders" after the first.
func makeConfidential(t *testing.T, sdk *idp.Client, poolID string, in *idp.CreateUserPoolClientInput) (id, secret string) {
	t.Helper()
	ctx := t.Context()
	_, err := sdk.CreateUserPoolDomain(ctx, &idp.CreateUserPoolDomainInput{
		UserPoolId: &poolID, Domain: aws.String(domainOf(poolID)), ManagedLoginVersion: aws.Int32(2),
	})
	if err == nil {
		_, err = sdk.CreateResourceServer(ctx, &idp.CreateResourceServerInput{
			UserPoolId: &poolID, Identifier: aws.String("orders"), Name: aws.String("orders"),
			Scopes: []types.ResourceServerScopeType{{ScopeName: aws.String("read"), ScopeDescription: aws.String("read")}},
		})
	}
	if err != nil && !strings.Contains(err.Error(), "User pool already has a domain configured.") {
		t.Fatal(err)
	}
	in.UserPoolId, in.ClientName, in.GenerateSecret, in.AllowedOAuthFlowsUserPoolClient = &poolID, aws.String("web"), true, true
	out, err := sdk.CreateUserPoolClient(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPoolClient.ClientId, *out.UserPoolClient.ClientSecret
}

// codeOf signs the user in on the login page to which an authorization request leads, as
// scripts do that know the names of its form, and returns the code.
func codeOf(t *testing.T, authorize, username string) string {
	t.Helper()
	return codeAt(t, callbackURL, authorize, username)
}

// codeAt is codeOf for a client with another redirect URI.
func codeAt(t *testing.T, callback, authorize, username string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var login *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		login = r.URL
		if strings.HasPrefix(r.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page, err := browser.Get(authorize)
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	csrf := ""
	for _, c := range page.Cookies() {
		if c.Name == "XSRF-TOKEN" {
			csrf = c.Value
		}
	}
	res, err := browser.PostForm(login.String(), url.Values{"_csrf": {csrf}, "username": {username}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	back, err := res.Location()
	if err != nil || back.Query().Get("code") == "" || back.Query().Get("state") != "state" {
		t.Fatalf("sign-in: %s, %s", res.Status, res.Header.Get("Location"))
	}
	return back.Query().Get("code")
}
