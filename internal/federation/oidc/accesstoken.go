package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"cognate/internal/federation/fetch"
)

// The names that AWS uses for the providers whose logins are access tokens of OAuth 2.0 (STS:
// ProviderId; identity pools: Logins).
const (
	FacebookLogins = "graph.facebook.com"
	AmazonLogins   = "www.amazon.com"
)

// ErrAccessToken means that the provider does not accept the access token.
var ErrAccessToken = errors.New("oidc: the provider refuses the access token")

// TokenFacts are what a provider says of an access token.
type TokenFacts struct {
	// App is the application that the token was issued for. The caller must compare it: tokens of
	// every other application name the person, too.
	App string
	// Person is the provider's id of the person.
	Person string
}

// AccessTokens asks Facebook and Login with Amazon about access tokens that clients got from them.
type AccessTokens struct {
	Client *fetch.Client
	// Name names the calls in metrics.
	Name string
	// Endpoints replaces URLs of the providers, by type and by key of ProviderDetails.
	Endpoints map[string]map[string]string
}

// Ask returns what one of the providers says of a token. The error is ErrAccessToken, or
// ErrMalformed if the provider names no person. Any other error means that the provider could not
// be asked.
func (a *AccessTokens) Ask(ctx context.Context, logins, token string) (*TokenFacts, error) {
	var f TokenFacts
	var err error
	switch logins {
	case FacebookLogins:
		err = a.askFacebook(ctx, token, &f)
	case AmazonLogins:
		err = a.askAmazon(ctx, token, &f)
	default:
		err = fmt.Errorf("oidc: %s has no access tokens", logins)
	}
	if err != nil {
		return nil, err
	}
	if f.App == "" || f.Person == "" || len(f.App) > maxSubject || len(f.Person) > maxSubject {
		return nil, ErrMalformed
	}
	return &f, nil
}

// askFacebook asks for the app and the person of a token (Graph API: "app", "me").
func (a *AccessTokens) askFacebook(ctx context.Context, token string, f *TokenFacts) error {
	query := url.Values{"fields": {"id"}, "access_token": {token}}
	var app, person struct {
		ID string `json:"id"`
	}
	if err := a.get(ctx, Facebook, "https://graph.facebook.com", "/app", query, &app); err != nil {
		return err
	}
	err := a.get(ctx, Facebook, "https://graph.facebook.com", "/me", query, &person)
	f.App, f.Person = app.ID, person.ID
	return err
}

// askAmazon asks for the client and the person of a token (Login with Amazon: "Verify an access
// token").
func (a *AccessTokens) askAmazon(ctx context.Context, token string, f *TokenFacts) error {
	var answer struct {
		Audience string `json:"aud"`
		UserID   string `json:"user_id"`
	}
	if err := a.get(ctx, LoginWithAmazon, "https://api.amazon.com", "/auth/o2/tokeninfo", url.Values{"access_token": {token}}, &answer); err != nil {
		return err
	}
	f.App, f.Person = answer.Audience, answer.UserID
	return nil
}

// get reads a JSON document of a provider. A refusal of the provider is one of the token.
func (a *AccessTokens) get(ctx context.Context, kind, usual, path string, query url.Values, answer any) error {
	base := usual
	if other := a.Endpoints[kind][keyAttributesURL]; other != "" {
		base = other
	}
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path, RawQuery: query.Encode()}
	resp, err := a.Client.Do(ctx, fetch.Request{Provider: a.Name, Call: "token", URL: u.String(), Accept: "application/json"})
	switch {
	case err != nil:
		return err
	case resp.Status >= http.StatusBadRequest && resp.Status < http.StatusInternalServerError && resp.Status != http.StatusTooManyRequests:
		return ErrAccessToken
	case resp.Status != http.StatusOK:
		return &fetch.StatusError{Status: resp.Status}
	}
	if err := json.Unmarshal(resp.Body, answer); err != nil {
		return errors.New("oidc: the provider's answer is not JSON") // The cause could quote the answer.
	}
	return nil
}
