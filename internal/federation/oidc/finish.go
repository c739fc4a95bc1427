package oidc

import (
	"context"
	"crypto/subtle"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
)

const (
	// maxCode is the longest authorization code, maxToken the longest token, in bytes.
	maxCode  = 8 << 10
	maxToken = 64 << 10
)

// Finish implements federation.Provider.
func (p *Provider) Finish(ctx context.Context, a federation.Attempt, answer federation.Answer) (*federation.Identity, error) {
	ep, err := p.resolve(ctx)
	if err != nil {
		return nil, p.documentFailed(err, "discovery document", textReadTimeout)
	}
	code, err := p.codeOf(ep, a, answer.Form)
	if err != nil {
		return nil, err
	}
	tokens, err := p.exchange(ctx, ep, a, code)
	if err != nil {
		return nil, err
	}
	access, idToken := text(tokens, "access_token"), text(tokens, "id_token")
	claims := map[string]any{}
	if p.kind.idToken {
		if claims, err = p.verifyIDToken(ctx, ep, idToken, a, access); err != nil {
			return nil, err
		}
	}
	info, err := p.userInfo(ctx, ep, access, claims)
	if err != nil {
		return nil, err
	}
	if p.kind.formPost {
		maps.Copy(info, appleNames(answer.Form))
	}
	return p.identity(tokens, claims, info)
}

// codeOf returns the authorization code of an answer to this attempt.
func (p *Provider) codeOf(ep *endpoints, a federation.Attempt, form url.Values) (string, error) {
	for _, name := range []string{"code", "state", "iss", "error", "error_description"} {
		if len(form[name]) > 1 {
			return "", refuse(nil, "The answer has %s twice", name)
		}
	}
	if subtle.ConstantTimeCompare([]byte(form.Get("state")), []byte(a.State)) != 1 || a.State == "" {
		return "", refuse(nil, "The answer is for another sign-in")
	}
	// RFC 9207 §2.4: also the issuer of an error counts.
	if issuer, sent := form.Get("iss"), form.Has("iss"); sent && !slices.Contains(ep.issuers, issuer) || !sent && ep.sendsIssuer {
		return "", refuse(nil, "The answer is from another issuer")
	}
	if form.Has("error") {
		return "", providerError(form.Get("error"), form.Get("error_description"))
	}
	code := form.Get("code")
	if code == "" || len(code) > maxCode {
		return "", refuse(errors.New("the answer has no code"), "")
	}
	return code, nil
}

// exchange redeems the code at the token endpoint.
func (p *Provider) exchange(ctx context.Context, ep *endpoints, a federation.Attempt, code string) (map[string]any, error) {
	secret := p.details[keyClientSecret]
	if p.appleKey != nil {
		var err error
		if secret, err = p.appleSecret(ep.issuers[0]); err != nil {
			return nil, err
		}
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {a.Callback}, "client_id": {p.details[keyClientID]},
	}
	request := fetch.Request{Provider: p.name, Call: "token", URL: ep.token, Form: form, Accept: "application/json"}
	if secret != "" {
		if ep.basic {
			request.User, request.Password = p.details[keyClientID], secret
		} else {
			form.Set("client_secret", secret)
		}
	}
	if ep.pkce && a.Verifier != "" {
		form.Set("code_verifier", a.Verifier)
	}
	if p.tokenByGet {
		address, err := withQuery(ep.token, form)
		if err != nil {
			return nil, refuse(err, "%s", textReset)
		}
		request.URL, request.Form = address, nil
	}
	resp, err := p.client.Do(ctx, request)
	if err != nil {
		return nil, callFailed(err, textTokenTimeout)
	}
	return p.tokensOf(resp)
}

// tokensOf reads the token endpoint's answer.
func (p *Provider) tokensOf(resp *fetch.Response) (map[string]any, error) {
	tokens, err := decodeObject(resp.Body)
	if resp.Status != http.StatusOK || err != nil {
		problem := text(tokens, "error")
		if p.kind == kinds[Google] && isErrorCode(problem) {
			return nil, refuse(err, "Google Error - %d %s", resp.Status, problem)
		}
		return nil, refuse(err, "%s Error - %d error getting token", p.name, resp.Status)
	}
	access, kind := text(tokens, "access_token"), text(tokens, "token_type")
	if access == "" || len(access) > maxToken || !isHeaderText(access) || kind != "" && !strings.EqualFold(kind, "bearer") {
		return nil, refuse(errors.New("no bearer token in the answer"), "%s Error - %d error getting token", p.name, resp.Status)
	}
	return tokens, nil
}

// isHeaderText reports whether a token can be sent in a header (RFC 6750 §2.1).
func isHeaderText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// withQuery adds parameters to a URL.
func withQuery(rawURL string, values url.Values) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", err
	}
	q := u.Query()
	maps.Copy(q, values)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// identity puts the answers together. The ID token's claims win over those of user info.
func (p *Provider) identity(tokens, claims, info map[string]any) (*federation.Identity, error) {
	all := maps.Clone(info)
	maps.Copy(all, claims)
	subject, err := subjectOf(all, p.kind.subject)
	if err != nil {
		return nil, refuse(err, "%s Error - the answer has no %s", p.name, p.kind.subject)
	}
	// The tokens themselves can be mapped to attributes, but not the refresh token.
	delete(all, "refresh_token")
	for _, name := range []string{"access_token", "id_token"} {
		delete(all, name)
		if token := text(tokens, name); token != "" {
			all[name] = token
		}
	}
	seen := map[string]any{}
	for _, name := range []string{"access_token", "id_token", "refresh_token", "token_type", "expires_in", "scope"} {
		if value, ok := tokens[name]; ok {
			seen[name] = value
		}
	}
	id := &federation.Identity{
		Subject: subject,
		Claims:  all,
		Response: map[string]any{
			"tokenResponse": federation.Texts(seen), "idToken": federation.Texts(claims), "userInfo": federation.Texts(info),
		},
		Level:   text(claims, "acr"),
		Methods: texts(claims, "amr"),
	}
	if size := weight(all); size > maxClaims {
		return nil, refuse(nil, "%s Error - the claims are too large", p.name)
	}
	return id, nil
}
