package oauth

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
)

// serveLogout is /logout: it ends the browser's session and goes to a registered URL.
func (s *Service) serveLogout(w http.ResponseWriter, r *http.Request) {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := query(r)
	if err != nil {
		showError(w, r, &ShownError{Text: textMissing})
		return
	}
	location, err := s.logout(ctx, site, p)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	session, err := s.open(ctx, site, r)
	if err == nil {
		err = s.end(ctx, site, r)
	}
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	location = cmp.Or(s.signOutURL(ctx, site, session, location), location)
	http.SetCookie(w, s.cookie(site, ""))
	redirect(w, r, location)
}

// logout returns where the browser goes when its session is over. A logout_uri that is
// not registered counts as absent.
func (s *Service) logout(ctx context.Context, site *Site, p parameters) (string, error) {
	id := p.get("client_id")
	if id == "" {
		id = hintedClient(p.get("id_token_hint"))
	}
	if id == "" || p.bad["client_id"] || p.bad["logout_uri"] || p.bad["redirect_uri"] {
		return "", missing(site, "client_id")
	}
	client, err := site.Pool.Client(ctx, id)
	if api.CodeOf(err) == idp.CodeResourceNotFoundException {
		return "", &ShownError{Text: textNoClient}
	}
	if err != nil {
		return "", err
	}
	audit.From(ctx).SetClient(site.Pool.ID, client.ID)
	// post_logout_redirect_uri is OpenID Connect RP-Initiated Logout 1.0 §2.
	for _, name := range [...]string{"logout_uri", "post_logout_redirect_uri"} {
		if uri := p.get(name); uri != "" && (slices.Contains(client.Config.LogoutURLs, uri) || slices.Contains(client.Config.CallbackURLs, uri)) {
			return uri, nil
		}
	}
	redirectURI := p.get("redirect_uri")
	switch {
	case redirectURI == "":
		return "", missing(site, "redirect_uri")
	case p.get("response_type") == "":
		return "", missing(site, "response_type")
	case !slices.Contains(client.Config.CallbackURLs, redirectURI):
		return "", &ShownError{Text: textMismatch, ClientID: client.ID}
	}
	q := url.Values{"client_id": {client.ID}}
	for _, name := range [...]string{"redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"} {
		if v := p.get(name); v != "" {
			q.Set(name, v)
		}
	}
	return site.URL("/login") + "?" + q.Encode(), nil
}

// missing returns the error of a sign-out without a parameter, in the words of the
// domain's pages.
func missing(site *Site, name string) error {
	if site.Domain.Managed {
		return &ShownError{Text: textMissing}
	}
	return &ShownError{Text: "Required String parameter '" + name + "' is not present"}
}

// hintedClient returns the client that an ID token was issued to (OpenID Connect
// RP-Initiated Logout 1.0 §2); "" if the text is no token. The token proves nothing, and
// need not: client_id, in whose place it stands, proves nothing either.
func hintedClient(hint string) string {
	parts := strings.Split(hint, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct {
		Audience string `json:"aud"`
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return ""
	}
	return claims.Audience
}
