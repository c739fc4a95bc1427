package oauth

import (
	"context"
	"encoding/hex"
	"net/http"

	"cognate/internal/pool/providers"
)

// Sign-out from a SAML provider (Cognito: SAML sign-out flow): /logout sends the browser to
// the provider, which sends it to /saml2/logout, and from there it goes to its target.

// signOut is what the RelayState of a sign-out stands for.
type signOut struct {
	Attempt attempt `json:"a"`
	Target  string  `json:"t"`
}

// logoutRequestID returns the ID of the request for a sign-out.
func (s *Service) logoutRequestID(site *Site, a *attempt) string {
	sum := s.deps.Ring.Hash("SAML sign-out", []byte(site.Pool.ID), a.ID)
	return "_" + hex.EncodeToString(sum[:20])
}

// signOutURL returns where the browser goes to sign out from the session's provider; "" if
// the provider has no part in it. A provider that cannot be used does not hold up a sign-out.
func (s *Service) signOutURL(ctx context.Context, site *Site, b *browserSession, target string) string {
	if b == nil || b.Logout == nil {
		return ""
	}
	p, err := s.deps.Providers.ByName(ctx, site.Pool, b.Provider)
	if err != nil || p == nil || !p.SignsOut() {
		return ""
	}
	conn, err := s.deps.Providers.ConnectSAML(ctx, site.Pool, p)
	if err != nil {
		return ""
	}
	a := attempt{ID: b.Nonce, Provider: p.Name, Ends: s.deps.Now().Add(attemptLife).UnixMilli()}
	relay, err := s.sealAttempt(site, "sign-out", signOut{a, target})
	if err != nil {
		return ""
	}
	location, err := conn.LogoutURL(*b.Logout, s.logoutRequestID(site, &a), relay)
	if err != nil {
		return ""
	}
	return location
}

// serveSAMLLogout is /saml2/logout.
func (s *Service) serveSAMLLogout(w http.ResponseWriter, r *http.Request) {
	ctx, site := r.Context(), SiteOf(r.Context())
	form, err := formOf(r, maxSAMLForm)
	if err != nil {
		s.Refuse(w, r, &ShownError{Text: textNoRelay})
		return
	}
	out := &signOut{}
	ok, err := s.openPart(ctx, site, "sign-out", form.get("RelayState"), out)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	if !ok || len(out.Attempt.ID) == 0 || s.deps.Now().UnixMilli() >= out.Attempt.Ends {
		s.Refuse(w, r, &ShownError{Text: textNoRelay})
		return
	}
	p, err := s.deps.Providers.ByName(ctx, site.Pool, out.Attempt.Provider)
	if err == nil && (p == nil || p.Type != providers.SAML) {
		err = &ShownError{Text: textNoRelay}
	}
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	conn, err := s.deps.Providers.ConnectSAML(ctx, site.Pool, p)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	if err := conn.CheckLogoutResponse(form.values, s.logoutRequestID(site, &out.Attempt), s.deps.SiteURL(r, site)+samlLogout); err != nil {
		asFault(err).note(r)
		s.Refuse(w, r, &ShownError{Text: textNoRelay})
		return
	}
	w.Header().Set("Location", out.Target)
	w.WriteHeader(http.StatusSeeOther)
}
