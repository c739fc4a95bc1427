package oidc

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
)

// maxClaims limits what a person's claims weigh together as texts, in bytes.
const maxClaims = 256 << 10

// userInfo asks the provider for claims with the access token. It returns no claims if the
// provider has no such endpoint, or if no claim of it is wanted.
func (p *Provider) userInfo(ctx context.Context, ep *endpoints, access string, idToken map[string]any) (map[string]any, error) {
	if ep.userInfo == "" {
		return map[string]any{}, nil
	}
	address := ep.userInfo
	if p.addsClaims && p.kind.fields != nil {
		fields := p.kind.fields(slices.Clone(p.claims), idToken)
		if len(fields) == 0 {
			return map[string]any{}, nil
		}
		address += url.QueryEscape(strings.Join(fields, ","))
	}
	resp, err := p.client.Do(ctx, fetch.Request{
		Provider: p.name, Call: "userinfo", URL: address, Bearer: access, Accept: "application/json",
		Post: p.userInfoPosts, Redirects: true,
	})
	if err != nil {
		return nil, callFailed(err, textReadTimeout)
	}
	if resp.Status != http.StatusOK {
		return nil, refuse(nil, "%s Error - %d error getting user info", p.name, resp.Status)
	}
	info, err := decodeObject(resp.Body)
	if err != nil {
		return nil, refuse(err, "%s Error - malformed user info", p.name)
	}
	if p.kind.idToken && !p.isSamePerson(info, idToken) {
		return nil, refuse(nil, "%s Error - user info is of another subject", p.name)
	}
	return info, nil
}

// isSamePerson reports whether user info is about the ID token's subject (OpenID Connect
// Core §5.3.2). Google's People API names the subject by its resource.
func (p *Provider) isSamePerson(info, idToken map[string]any) bool {
	subject := text(idToken, "sub")
	if p.kind == kinds[Google] {
		return text(info, "resourceName") == "people/"+subject
	}
	return subject != "" && text(info, "sub") == subject
}

func weight(claims map[string]any) int {
	total := 0
	for name, value := range claims {
		claim, _ := federation.Text(value)
		total += len(name) + len(claim)
	}
	return total
}
