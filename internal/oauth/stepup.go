package oauth

import (
	"net/http"
	"slices"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/pool"
	"cognate/internal/signin"
	"cognate/internal/signin/acr"
	"cognate/internal/user"
)

// A browser session can be too weak for a request that asks for an authentication level
// (Cognito: authorize endpoint, acr_values). The person then passes the factors that are
// missing, and the session goes on with them.

// isWeak reports whether the session is below the first requested level that its user can
// reach. If the user can reach no requested level, the session is not weak: it answers, and
// the tokens have the level of the session.
func (s *Service) isWeak(r *http.Request, a *Authorization, b *browserSession) (bool, error) {
	if len(a.Levels) == 0 {
		return false, nil
	}
	if b.Provider != "" {
		return s.isWeakElsewhere(r, a, b)
	}
	target, err := s.deps.SignIns.TargetOnPage(r.Context(), signin.PageCall{
		Pool: SiteOf(r.Context()).Pool, Client: a.Client, Levels: a.Levels, Passkeys: s.PasskeysWork(r, a.Client),
	}, b.user, b.Methods)
	return b.Methods.Level() < target, err
}

// isWeakElsewhere is isWeak for a session of another provider. The provider is asked again for
// the first requested level that it has a name for. If it has a name for none of them, it may
// reach another level than the last time, so it is asked again unless one of them is reached.
func (s *Service) isWeakElsewhere(r *http.Request, a *Authorization, b *browserSession) (bool, error) {
	p, err := s.deps.Providers.ByName(r.Context(), SiteOf(r.Context()).Pool, b.Provider)
	if p == nil || err != nil {
		return true, err
	}
	target := slices.Min(a.Levels)
	if at := slices.IndexFunc(a.Levels, func(level int) bool { return p.LevelName(level) != "" }); at >= 0 {
		target = a.Levels[at]
	}
	return b.level() < target, nil
}

// A Session is a browser session whose sign-in can be continued.
type Session struct{ session *browserSession }

// User returns the person of the session.
func (s *Session) User() *user.User { return s.session.user }

// Methods returns the factors that were passed.
func (s *Session) Methods() acr.Methods { return s.session.Methods }

// At returns when the last of them was passed.
func (s *Session) At() time.Time { return time.UnixMilli(s.session.At) }

// continuedBy returns the session with the factors of a sign-in that continued it. It ends
// when it would have ended, and with the same sign-out.
func (s *Session) continuedBy(w *Who) *browserSession {
	b := *s.session
	b.At, b.Methods, b.user, b.continued = w.At.UnixMilli(), w.Methods, w.User, true
	return &b
}

// WeakSession returns the browser's session if only its level keeps it from answering the
// request, and a factor of the pool can raise it; otherwise it returns nil.
func (s *Service) WeakSession(r *http.Request, a *Authorization) (*Session, error) {
	site := SiteOf(r.Context())
	b, err := s.session(r.Context(), site, r)
	if b == nil || err != nil || b.Provider != "" || !b.serves(site, a, s.deps.Now()) {
		return nil, err // What another provider vouches for, only that provider can raise.
	}
	weak, err := s.isWeak(r, a, b)
	if !weak || err != nil {
		return nil, err
	}
	return &Session{b}, nil
}

// PasskeysWork reports whether the pool's passkeys can be used on a page of the request: a
// browser offers a passkey to the host of its relying party, and to hosts below that (Web
// Authentication §5.1.3).
func (s *Service) PasskeysWork(r *http.Request, c *pool.Client) bool {
	site := SiteOf(r.Context())
	if !site.Domain.Managed || !site.Pool.AllowsFirstFactor(idp.AuthFactorTypeWebAuthn) || !c.Allows(idp.AuthFlowTypeUserAuth) {
		return false
	}
	scheme := "http://"
	if site.Secure {
		scheme = "https://"
	}
	party, ok := s.deps.Passkeys.RelyingParty(site.Pool)
	return ok && passkey.OriginAllowed(party.ID, scheme+r.Host)
}
