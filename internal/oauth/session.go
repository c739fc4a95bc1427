package oauth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"cognate/internal/federation"
	"cognate/internal/keys"
	"cognate/internal/signin/acr"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/internal/user/identities"
)

// A browser that has signed in carries a cookie, from which all clients of the pool
// can sign in again (Cognito: managed login session). The cookie describes the session,
// sealed. It is good while the user is not signed out everywhere, disabled or deleted, while
// the user may use the provider that vouched for the session, and while the browser has not
// signed out.

// cookieName is the name of the cookie.
const cookieName = "cognito"

// sessionLife is how long a sign-in can be reused where the pool does not track
// sessions. Use does not extend it (Cognito: one hour).
const sessionLife = time.Hour

// browserSession is what the cookie holds.
type browserSession struct {
	Version int         `json:"v"`
	Pool    string      `json:"p"`
	Domain  string      `json:"d"`
	Since   int64       `json:"s"` // of the domain; see [pool.LoginDomain]
	UserID  string      `json:"u"`
	Epoch   int64       `json:"m"` // the user's token epoch
	Began   int64       `json:"b"` // of the first sign-in, in milliseconds
	At      int64       `json:"t"` // of the last fresh sign-in, in milliseconds
	Ends    int64       `json:"z"`
	Methods acr.Methods `json:"x"` // the factors that were passed
	// Level is the authentication level that a provider vouches for; 0: it follows from
	// Methods. Provider is "" for the pool's own directory.
	Level    int                    `json:"l,omitempty"`
	Provider string                 `json:"f,omitempty"`
	Logout   *federation.LogoutName `json:"q,omitempty"`
	ID       string                 `json:"i"` // of the SSO session where the pool tracks sessions
	Nonce    []byte                 `json:"o"`

	user      *user.User
	continued bool // by a sign-in that added factors
}

const sessionVersion = 4

// revokedSession names a session among what is spent.
func (s *Service) revokedSession(b *browserSession) [32]byte {
	return s.deps.Ring.Hash("browser session", []byte(b.Pool), b.Nonce)
}

// open reads the cookie of a request, without regard to who the user is now.
func (s *Service) open(ctx context.Context, site *Site, r *http.Request) (*browserSession, error) {
	for _, c := range r.CookiesNamed(s.cookieName(site)) {
		body, err := s.deps.Ring.OpenToken(ctx, keys.TokenBrowserSession, nil, c.Value)
		if errors.Is(err, keys.ErrToken) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b := &browserSession{}
		if json.Unmarshal(body, b) != nil || b.Version != sessionVersion || b.Pool != site.Pool.ID ||
			b.Domain != site.Domain.Name || b.Since != site.Domain.Since.UnixMilli() || s.deps.Now().UnixMilli() >= b.Ends {
			continue
		}
		return b, nil
	}
	return nil, nil
}

// session returns the browser's live session on the site; nil if there is none.
func (s *Service) session(ctx context.Context, site *Site, r *http.Request) (*browserSession, error) {
	b, err := s.open(ctx, site, r)
	if b == nil || err != nil {
		return nil, err
	}
	if over, err := s.deps.Store.Spent(ctx, b.Pool, s.revokedSession(b)); over || err != nil {
		return nil, err
	}
	rec, err := s.deps.Store.User(ctx, b.Pool, b.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if token.EpochOf(rec.TokensValidAfter) != b.Epoch {
		return nil, nil
	}
	// A session with a row stays bound to it when the pool tracks sessions no more: a
	// revoked one does not come back.
	if site.Pool.Tracking.On || b.ID != "" {
		live, err := s.deps.Tokens.HasSSO(ctx, &s.deps.Store.Reader, site.Pool, b.UserID, b.Epoch, b.ID)
		if !live || err != nil {
			return nil, err
		}
	}
	if b.user, err = user.FromRecord(site.Pool, rec); err != nil || user.AccountFault(b.user) != nil {
		return nil, err
	}
	if b.Provider != "" {
		if uses, err := identities.Uses(b.user, b.Provider); !uses || err != nil {
			return nil, err
		}
	}
	return b, nil
}

// serves reports whether the session can answer the request without the person. A
// session that another node began may seem to begin in the future: its age is 0 then,
// and a limit of 0 refuses it.
func (b *browserSession) serves(site *Site, a *Authorization, now time.Time) bool {
	age, total, reuse := ageOf(b.At, now), ageOf(b.Began, now), sessionLife
	if site.Pool.Tracking.On {
		reuse = a.Client.SSOReuse
	}
	switch {
	case slices.Contains(a.prompt, promptLogin), a.maxAge >= 0 && age >= a.maxAge, total >= reuse:
		return false
	}
	provider := b.provider()
	return (a.Provider == "" || a.Provider == provider) && slices.Contains(a.Client.Config.SupportedIdentityProviders, provider)
}

// provider returns the name of the session's provider, as clients name it.
func (b *browserSession) provider() string { return cmp.Or(b.Provider, localProvider) }

// level returns the authentication level of the session.
func (b *browserSession) level() int { return cmp.Or(b.Level, b.Methods.Level()) }

// ageOf returns the time since a Unix time in milliseconds; 0 if it is in the future.
func ageOf(since int64, now time.Time) time.Duration {
	return max(now.Sub(time.UnixMilli(since)), 0)
}

// sessionOf returns the session of a finished sign-in: a new session, or the session that the
// sign-in continued.
func (s *Service) sessionOf(site *Site, w *Who) *browserSession {
	if w.Session != nil {
		return w.Session.continuedBy(w)
	}
	return s.newSession(site, w)
}

// newSession begins a session of the user who has just signed in.
func (s *Service) newSession(site *Site, w *Who) *browserSession {
	life := sessionLife
	b := &browserSession{
		Version: sessionVersion, Pool: site.Pool.ID, Domain: site.Domain.Name, Since: site.Domain.Since.UnixMilli(),
		UserID: w.User.ID(), Epoch: token.EpochOf(w.User.Rec.TokensValidAfter), Began: w.At.UnixMilli(), At: w.At.UnixMilli(), Methods: w.Methods,
		Level: w.Level, Provider: w.Provider, Logout: w.Logout, Nonce: make([]byte, 16), user: w.User,
	}
	rand.Read(b.Nonce)
	if site.Pool.Tracking.On {
		life, b.ID = keys.BrowserSessionLife, s.deps.Tokens.NewSSOID()
	}
	b.Ends = w.At.Add(life).UnixMilli()
	return b
}

// cookieName returns the name of the site's cookie. On a host of its own over TLS the
// name's prefix binds the cookie to the host (RFC 6265bis §4.1.3.2).
func (s *Service) cookieName(site *Site) string {
	if site.Secure && site.Base == "" {
		return "__Host-" + cookieName
	}
	return cookieName
}

func (s *Service) cookie(site *Site, value string) *http.Cookie {
	return siteCookie(site, s.cookieName(site), value, 0)
}

// siteCookie returns a cookie that only the site reads. It ends with the browser, or after
// the age in seconds if that is not 0. Without a value it removes the cookie.
func siteCookie(site *Site, name, value string, age int) *http.Cookie {
	path := site.Base
	if path == "" {
		path = "/"
	}
	if value == "" {
		age = -1
	}
	//nolint:gosec // Secure follows the connection: development has no TLS.
	return &http.Cookie{Name: name, Value: value, Path: path, MaxAge: age, HttpOnly: true, Secure: site.Secure, SameSite: http.SameSiteLaxMode}
}

// seal returns the cookie of a session.
func (s *Service) seal(site *Site, b *browserSession) (*http.Cookie, error) {
	body, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	value, err := s.deps.Ring.SealToken(keys.TokenBrowserSession, nil, body)
	if errors.Is(err, keys.ErrTooLong) && b.Logout != nil {
		short := *b // The person signs out of the pool alone.
		short.Logout = nil
		return s.seal(site, &short)
	}
	if err != nil {
		return nil, err
	}
	return s.cookie(site, value), nil
}

// end ends the browser's session, also for a copy of its cookie.
func (s *Service) end(ctx context.Context, site *Site, r *http.Request) error {
	b, err := s.open(ctx, site, r)
	if b == nil || err != nil {
		return err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if b.ID != "" {
			if err := tx.DeleteUserSession(ctx, b.Pool, b.UserID, b.ID); err != nil {
				return err
			}
		}
		return tx.Spend(ctx, b.Pool, s.revokedSession(b), time.UnixMilli(b.Ends))
	}, store.Retry)
	if errors.Is(err, store.ErrSpent) {
		return nil
	}
	return err
}
