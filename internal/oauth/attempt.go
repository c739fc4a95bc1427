package oauth

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"cognate/internal/federation"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A sign-in at another provider is an attempt. The browser carries all of it: the state that
// the provider sends back names the attempt, and a cookie has the authorization request. Both
// are sealed, so that an attempt writes nothing until it ends, and then it ends once.

// attemptLife is how long a person has at the provider (Cognito: five minutes).
const attemptLife = keys.AttemptLife

// attempt is what the state of a provider stands for.
type attempt struct {
	ID       []byte `json:"i"`
	Provider string `json:"p"`
	Ends     int64  `json:"z"` // milliseconds
}

// attemptRequest is what the cookie has.
type attemptRequest struct {
	ID    []byte `json:"i"`
	Query []byte `json:"q"` // of the authorization request, deflated
}

// attemptBinding is what sealed parts of an attempt are bound to.
func attemptBinding(site *Site, part string) []byte {
	return []byte(part + "\x00" + site.Pool.ID + "\x00" + site.Domain.Name)
}

// newAttempt begins an attempt at a provider. It returns the state and the cookie.
func (s *Service) newAttempt(site *Site, provider, query string) (*attempt, string, *http.Cookie, error) {
	a := &attempt{ID: make([]byte, 16), Provider: provider, Ends: s.deps.Now().Add(attemptLife).UnixMilli()}
	rand.Read(a.ID)
	state, err := s.sealAttempt(site, "state", a)
	if err != nil {
		return nil, "", nil, err
	}
	value, err := s.sealAttempt(site, "request", attemptRequest{ID: a.ID, Query: keys.Deflate([]byte(query))})
	if err != nil {
		return nil, "", nil, err
	}
	return a, state, s.attemptCookie(site, a.ID, value), nil
}

func (s *Service) sealAttempt(site *Site, part string, value any) (string, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return s.deps.Ring.SealToken(keys.TokenAttempt, attemptBinding(site, part), body)
}

// openPart opens a sealed part of an attempt. It reports false if the text is none.
func (s *Service) openPart(ctx context.Context, site *Site, part, text string, value any) (bool, error) {
	body, err := s.deps.Ring.OpenToken(ctx, keys.TokenAttempt, attemptBinding(site, part), text)
	if errors.Is(err, keys.ErrToken) {
		return false, nil
	}
	return err == nil && json.Unmarshal(body, value) == nil, err
}

// openAttempt returns the attempt of a state; nil if the state is not one of ours, or too old.
func (s *Service) openAttempt(ctx context.Context, site *Site, state string) (*attempt, error) {
	a := &attempt{}
	if ok, err := s.openPart(ctx, site, "state", state, a); !ok || err != nil {
		return nil, err
	}
	if len(a.ID) != 16 || s.deps.Now().UnixMilli() >= a.Ends {
		return nil, nil
	}
	return a, nil
}

// requestOf returns the query string of the authorization request of the attempt. It reports
// false if the browser is not the one that began the attempt.
func (s *Service) requestOf(r *http.Request, site *Site, a *attempt) (query string, ok bool, err error) {
	for _, c := range r.CookiesNamed(s.attemptCookieName(site, a.ID)) {
		kept := attemptRequest{}
		ok, err := s.openPart(r.Context(), site, "request", c.Value, &kept)
		if err != nil {
			return "", false, err
		}
		if ok && bytes.Equal(kept.ID, a.ID) {
			query, err := keys.Inflate(kept.Query, maxParameters)
			return string(query), err == nil, nil
		}
	}
	return "", false, nil
}

// endAttempt ends an attempt of the browser. finish gets the query string of the authorization
// request, and the write that ends the attempt: it belongs into the commit of the sign-in, so that
// of two answers at once one counts. An attempt that fails ends, too.
func (s *Service) endAttempt(w http.ResponseWriter, r *http.Request, a *attempt, finish func(query string, end func(tx *store.Tx) error) (string, error)) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	query, ours, err := s.requestOf(r, site, a)
	if err != nil {
		return "", err
	}
	if !ours {
		return "", &ShownError{Text: textNoAttempt}
	}
	http.SetCookie(w, s.attemptCookie(site, a.ID, ""))
	hash := s.deps.Ring.Hash("sign-in attempt", []byte(site.Pool.ID), a.ID)
	// The commit decides. This keeps an answer that comes again from the provider.
	ended, err := s.deps.Store.Spent(ctx, site.Pool.ID, hash)
	if err != nil {
		return "", err
	}
	if ended {
		return "", &ShownError{Text: textNoAttempt}
	}
	end := func(tx *store.Tx) error { return tx.Spend(ctx, site.Pool.ID, hash, time.UnixMilli(a.Ends)) }
	location, err := finish(query, end)
	switch {
	case err == nil:
		return location, nil
	case errors.Is(err, store.ErrSpent):
		return "", &ShownError{Text: textNoAttempt}
	}
	if endErr := s.deps.Store.Update(ctx, end, store.Retry); endErr != nil && !errors.Is(endErr, store.ErrSpent) {
		return "", endErr
	}
	return "", err
}

// at returns the attempt as the provider's package knows it. Its secrets follow from the id.
func (s *Service) at(site *Site, a *attempt, state, callback string) federation.Attempt {
	secret := func(label string) []byte {
		sum := s.deps.Ring.Hash("sign-in attempt: "+keys.Purpose(label), []byte(site.Pool.ID), a.ID)
		return sum[:]
	}
	return federation.Attempt{
		State: state, Callback: callback, RequestID: "_" + hex.EncodeToString(secret("request")[:20]),
		Nonce: base64.RawURLEncoding.EncodeToString(secret("nonce")), Verifier: base64.RawURLEncoding.EncodeToString(secret("verifier")),
	}
}

const attemptCookiePrefix = "attempt-"

// maxAttempts is how many attempts a browser may have at a time. The others end.
const maxAttempts = 4

func (s *Service) attemptCookieName(site *Site, id []byte) string {
	name := attemptCookiePrefix + base64.RawURLEncoding.EncodeToString(id[:6])
	if site.Secure && site.Base == "" {
		return "__Host-" + name
	}
	return name
}

func (s *Service) attemptCookie(site *Site, id []byte, value string) *http.Cookie {
	return siteCookie(site, s.attemptCookieName(site, id), value, int(attemptLife.Seconds()))
}

// dropAttempts makes room for the cookie of a new attempt. It removes the cookies of the oldest
// ones, which browsers send first (RFC 6265bis §5.8.3).
func (s *Service) dropAttempts(w http.ResponseWriter, r *http.Request, site *Site) {
	var names []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(strings.TrimPrefix(c.Name, "__Host-"), attemptCookiePrefix) {
			names = append(names, c.Name)
		}
	}
	for _, name := range names[:max(0, len(names)-maxAttempts+1)] {
		http.SetCookie(w, siteCookie(site, name, "", 0))
	}
}
