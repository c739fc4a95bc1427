package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cognate/internal/federation"
	"cognate/internal/keys"
	"cognate/internal/signin/acr"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

// Who is the person who signed in on the domain, and how.
type Who struct {
	User *user.User
	// At is when the person proved who it is; a reused session keeps that time.
	At      time.Time
	EventID string      // "" for a new one
	Methods acr.Methods // the factors that were passed
	// Provider is the identity provider that vouches for the person; "" for the pool's own
	// directory. Level is the authentication level that it names, 0 if it follows from
	// Methods, and Logout signs the person out there.
	Provider string
	Level    int
	Logout   *federation.LogoutName
	// Session is the browser session that the sign-in continued; nil for a new session.
	Session *Session
}

// codeLife is how long an authorization code is good (Cognito: five minutes), and
// codeKept how long a used one is recognized.
const (
	codeLife = 5 * time.Minute
	codeKept = time.Hour
)

// grantedCode is what an authorization code stands for (RFC 6749 §4.1.2).
type grantedCode struct {
	Client      string          `json:"c"`
	RedirectURI string          `json:"r"`
	Challenge   string          `json:"h,omitempty"`
	Scopes      []string        `json:"s"`
	Nonce       string          `json:"n,omitempty"`
	Resource    string          `json:"a,omitempty"`
	UserID      string          `json:"u"`
	Epoch       int64           `json:"m"`
	AuthTime    int64           `json:"t"` // milliseconds
	Ends        int64           `json:"z"` // milliseconds
	EventID     string          `json:"e"`
	Family      string          `json:"f"` // of the refresh tokens
	ACR         string          `json:"l,omitempty"`
	AMR         []string        `json:"w,omitempty"`
	Parent      string          `json:"p,omitempty"`
	Override    *token.Override `json:"o,omitempty"`
}

// Complete ends a sign-in on a page: it returns where the browser goes, with a code or
// tokens, and the cookie of the new session. onCommit takes the writes that belong to
// the commit of the sign-in. It calls the pool's PreTokenGeneration trigger, so that no
// transaction may be open.
func (s *Service) Complete(ctx context.Context, site *Site, a *Authorization, w *Who, onCommit func(write func(tx *store.Tx) error)) (location string, cookie *http.Cookie, err error) {
	b := s.sessionOf(site, w)
	if cookie, err = s.begin(ctx, site, a, b, onCommit); err != nil {
		return "", nil, err
	}
	location, err = s.grant(ctx, site, a, w, b.ID, onCommit)
	return location, cookie, err
}

// Begin is Complete without a code or tokens: the browser goes to another page of the
// domain first, and Continue answers the request from there.
func (s *Service) Begin(ctx context.Context, site *Site, a *Authorization, w *Who, onCommit func(write func(tx *store.Tx) error)) (*http.Cookie, error) {
	return s.begin(ctx, site, a, s.sessionOf(site, w), onCommit)
}

// begin returns the cookie of a session, and tracks a session that is new.
func (s *Service) begin(ctx context.Context, site *Site, a *Authorization, b *browserSession, onCommit func(write func(tx *store.Tx) error)) (*http.Cookie, error) {
	if b.ID != "" && !b.continued {
		row := s.deps.Tokens.SSOSession(ctx, site.Pool, a.Client, b.user.Rec, b.ID, time.UnixMilli(b.Ends))
		onCommit(func(tx *store.Tx) error { return s.deps.Tokens.TrackSSO(ctx, tx, row) })
	}
	return s.seal(site, b)
}

// SignedInFor returns the user who has signed in for an authorization request; nil if there
// is none. at is when the browser's session began if it began for this request; it is zero
// for an older session, which must serve the request by itself.
func (s *Service) SignedInFor(r *http.Request, a *Authorization, at time.Time) (*user.User, error) {
	b, err := s.sessionFor(r, a, at)
	if b == nil || err != nil {
		return nil, err
	}
	return b.user, nil
}

// sessionFor returns the browser's session by SignedInFor's rule.
func (s *Service) sessionFor(r *http.Request, a *Authorization, at time.Time) (*browserSession, error) {
	site := SiteOf(r.Context())
	b, err := s.session(r.Context(), site, r)
	if b == nil || err != nil {
		return nil, err
	}
	if !at.IsZero() && b.At == at.UnixMilli() {
		return b, nil
	}
	if !b.serves(site, a, s.deps.Now()) {
		return nil, nil
	}
	if weak, err := s.isWeak(r, a, b); weak || err != nil {
		return nil, err
	}
	return b, nil
}

// Continue answers an authorization request by the session of SignedInFor, on a page that
// comes after the sign-in. Without such a session the location is "".
func (s *Service) Continue(r *http.Request, a *Authorization, at time.Time) (location string, err error) {
	b, err := s.sessionFor(r, a, at)
	if err != nil || b == nil {
		return "", err
	}
	if location, err = s.reuse(r.Context(), SiteOf(r.Context()), a, b); err != nil {
		return "", s.Failed(a, err)
	}
	return location, nil
}

// reuse answers an authorization request by the browser's session.
func (s *Service) reuse(ctx context.Context, site *Site, a *Authorization, b *browserSession) (string, error) {
	var writes []func(tx *store.Tx) error
	location, err := s.grant(ctx, site, a, &Who{User: b.user, At: time.UnixMilli(b.At), Methods: b.Methods, Level: b.Level}, b.ID,
		func(write func(tx *store.Tx) error) { writes = append(writes, write) })
	if err != nil {
		return "", err
	}
	return location, s.commit(ctx, writes)
}

// commit runs the writes of a sign-in in one transaction.
func (s *Service) commit(ctx context.Context, writes []func(tx *store.Tx) error) error {
	if len(writes) == 0 {
		return nil
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	}, store.Retry)
}

// grant makes a code or tokens for the person.
func (s *Service) grant(ctx context.Context, site *Site, a *Authorization, w *Who, parent string, onCommit func(func(tx *store.Tx) error)) (string, error) {
	subject, err := s.deps.Groups.Subject(ctx, w.User)
	if err != nil {
		return "", err
	}
	g := token.Grant{
		Pool: site.Pool, Client: a.Client, Subject: subject, AuthTime: w.At, EventID: w.EventID, Parent: parent,
		ACR: site.Pool.ACR(w.level()), AMR: w.Methods.AMR(),
		OAuth: true, Scopes: a.Scopes, Nonce: a.nonce, Resource: a.resource, Source: trigger.SourceTokenHostedAuth,
	}
	if a.implicit {
		return s.implicit(ctx, a, g)
	}
	change, err := s.deps.Tokens.Override(ctx, g)
	if err != nil {
		return "", err
	}
	code, row, err := s.newCode(a, &g, change)
	if err != nil {
		return "", err
	}
	onCommit(func(tx *store.Tx) error { return tx.InsertAuthorizationCode(ctx, *row) })
	return a.withQuery(url.Values{"code": {code}}), nil
}

// implicit answers with tokens in the fragment (RFC 6749 §4.2.2).
func (s *Service) implicit(ctx context.Context, a *Authorization, g token.Grant) (string, error) {
	set, err := s.deps.Tokens.Issue(ctx, g)
	if err != nil {
		return "", err
	}
	q := url.Values{"access_token": {set.AccessToken}, "expires_in": {strconv.Itoa(int(set.ExpiresIn))}, "token_type": {"Bearer"}}
	if set.IDToken != "" {
		q.Set("id_token", set.IDToken)
	}
	if a.hasState {
		q.Set("state", a.state)
	}
	return a.RedirectURI + "#" + q.Encode(), nil
}

// newCode makes an authorization code and the row that it is known by. Its family is
// drawn now, so that a second use can revoke what the first one gave.
func (s *Service) newCode(a *Authorization, g *token.Grant, change *token.Override) (string, *store.AuthorizationCode, error) {
	now, code := s.deps.Now(), keys.NewUUID()
	eventID := g.EventID
	if eventID == "" {
		eventID = keys.NewUUID()
	}
	body, err := json.Marshal(&grantedCode{
		Client: a.Client.ID, RedirectURI: a.RedirectURI, Challenge: a.challenge, Scopes: a.Scopes, Nonce: a.nonce, Resource: a.resource,
		UserID: g.Subject.UserID, Epoch: token.EpochOf(g.Subject.TokensValidAfter), AuthTime: g.AuthTime.UnixMilli(),
		Ends: now.Add(codeLife).UnixMilli(), EventID: eventID, Family: keys.NewUUID(), Parent: g.Parent, Override: change,
		ACR: g.ACR, AMR: g.AMR,
	})
	if err != nil {
		return "", nil, err
	}
	hash := s.codeHash(g.Pool.ID, code)
	return code, &store.AuthorizationCode{
		PoolID: g.Pool.ID, Hash: hash, ExpiresAt: now.Add(codeKept),
		Sealed: s.deps.Ring.Seal(keys.PurposeAuthCode, codeContext(g.Pool.ID, hash), body),
	}, nil
}

func (s *Service) codeHash(poolID, code string) [32]byte {
	return s.deps.Ring.Hash("authorization code", []byte(poolID), []byte(code))
}

func codeContext(poolID string, hash [32]byte) []byte {
	return []byte("authorization_codes\x00" + poolID + "\x00" + string(hash[:]))
}

// errNoCode says that a code does not belong to the client, or is not valid any more.
var errNoCode = errors.New("oauth: no such code")

// readCode returns what the client's code stands for, and whether it was used before.
func (s *Service) readCode(ctx context.Context, site *Site, clientID, code string) (g *grantedCode, hash [32]byte, used bool, err error) {
	hash = s.codeHash(site.Pool.ID, code)
	row, err := s.deps.Store.AuthorizationCode(ctx, site.Pool.ID, hash)
	if errors.Is(err, store.ErrNotFound) {
		return nil, hash, false, errNoCode
	}
	if err != nil {
		return nil, hash, false, err
	}
	body, err := s.deps.Ring.Open(keys.PurposeAuthCode, codeContext(site.Pool.ID, hash), row.Sealed)
	if err != nil {
		return nil, hash, false, err
	}
	g = &grantedCode{}
	if err := json.Unmarshal(body, g); err != nil {
		return nil, hash, false, err
	}
	if g.Client != clientID {
		return nil, hash, false, errNoCode
	}
	return g, hash, row.Used, nil
}
