package signin

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/token"
	"cognate/internal/user"
)

// issue ends a sign-in with tokens.
func (s *Service) issue(ctx context.Context, c *call, o *outcome) (*answer, error) {
	if err := s.postAuthentication(ctx, c, o); err != nil {
		return nil, err
	}
	subject, err := s.subject(ctx, o.user)
	if err != nil {
		return nil, err
	}
	device, metadata := s.deviceOfTokens(c, o)
	set, err := s.tokens.Issue(ctx, token.Grant{
		Pool: c.pool, Client: c.client, Subject: subject,
		EventID: o.state.EventID, DeviceKey: device, WithRefresh: true,
		Source: tokenSource(o.state), ClientMetadata: c.metadata, Seen: c.seen,
	})
	if err != nil {
		return nil, byFunction(err)
	}
	if err := s.noteUse(ctx, c, o); err != nil {
		return nil, err
	}
	s.users.NoteAddress(ctx, c.pool, o.user, c.caller(ctx).Address)
	note(ctx, c.pool, c.client, o.user.ID())
	out := result(set)
	out.NewDeviceMetadata = metadata
	return &answer{result: out, params: map[string]string{}, set: set}, nil
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
