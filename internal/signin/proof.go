package signin

import (
	"context"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
)

// A proof is a finished sign-in: who signed in, and how.
type proof struct {
	user *user.User
	// at is when the last factor was proven (OpenID Connect: auth_time).
	at      time.Time
	eventID string
	passed  []idp.ChallengeNameType // the factors, in their order
	// deviceKey is the device of the sign-in, "" where the pool does not track
	// devices; newDevice introduces it to the client where it is new.
	deviceKey string
	newDevice *idp.NewDeviceMetadataType
	source    string // the triggerSource of the tokens
}

// A completion makes the answer to a finished sign-in.
type completion func(*Service, context.Context, *call, *proof) (*answer, error)

// finish ends a sign-in whose last factor is proven.
func (s *Service) finish(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if err := s.postAuthentication(ctx, c, o); err != nil {
		return nil, err
	}
	p := &proof{user: o.user, at: s.now(), eventID: o.state.EventID, passed: o.state.Passed, source: tokenSource(o.state)}
	p.deviceKey, p.newDevice = s.deviceOfTokens(c, o)
	a, err := c.complete(s, ctx, c, p)
	if err != nil {
		return nil, err
	}
	s.noteUse(ctx, c, o)
	s.users.NoteAddress(ctx, c.pool, o.user, c.caller(ctx).Address)
	note(ctx, c.pool, c.client, o.user.ID())
	return a, nil
}

// issueTokens is the completion of a call of the API.
func (s *Service) issueTokens(ctx context.Context, c *call, p *proof) (*answer, error) {
	subject, err := s.subject(ctx, p.user)
	if err != nil {
		return nil, err
	}
	set, err := s.tokens.Issue(ctx, token.Grant{
		Pool: c.pool, Client: c.client, Subject: subject, AuthTime: p.at,
		EventID: p.eventID, DeviceKey: p.deviceKey, WithRefresh: true,
		Source: p.source, ClientMetadata: c.metadata, ClientContext: c.clientContext,
	})
	if err != nil {
		return nil, asFunctionError(err)
	}
	if set.HasSession() {
		c.onCommit(func(tx *store.Tx) error { return s.tokens.Track(ctx, tx, c.pool, set) })
	}
	out := result(set)
	out.NewDeviceMetadata = p.newDevice
	return &answer{result: out, params: map[string]string{}}, nil
}

// note puts into the request's log line who signs in, and by which app client.
func note(ctx context.Context, sn *pool.Snapshot, client *pool.Client, userID string) {
	e := audit.From(ctx)
	e.SetClient(sn.ID, client.ID)
	e.SetUser(userID)
}

// subject reads what tokens tell of the user, groups again at each issue.
func (s *Service) subject(ctx context.Context, u *user.User) (token.Subject, error) {
	groups, err := s.groups.Groups(ctx, u)
	if err != nil {
		return token.Subject{}, err
	}
	return token.Subject{
		UserID: u.ID(), Username: u.Username(), Status: u.Rec.Status, Attributes: u.Attributes, Groups: groups,
		TokensValidAfter: u.Rec.TokensValidAfter,
	}, nil
}

func result(set *token.Set) *idp.AuthenticationResultType {
	r := &idp.AuthenticationResultType{
		AccessToken: &set.AccessToken, ExpiresIn: &set.ExpiresIn, TokenType: new("Bearer"),
	}
	if set.IDToken != "" {
		r.IdToken = &set.IDToken
	}
	if set.RefreshToken != "" {
		r.RefreshToken = &set.RefreshToken
	}
	return r
}
