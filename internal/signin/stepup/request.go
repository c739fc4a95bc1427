// Package stepup reads which authentication level a client asks for, and which factors of
// an earlier sign-in count (Cognito: step-up authentication with the USER_AUTH flow). It
// reads the store, and it does not write.
package stepup

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/signin/acr"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
)

// The parameters of USER_AUTH.
const (
	paramTarget      = "TARGET_ACR_VALUES"
	paramMaxAge      = "MAX_AGE"
	paramAccessToken = "ACCESS_TOKEN"
)

// A Request has the authentication levels that a client asks for.
type Request struct {
	Levels []int // the preferred level first
	// Passed are the factors of an earlier sign-in that count, Since is when the last of
	// them was passed, and Credit is that sign-in. Credit is nil for a sign-in from scratch.
	Passed acr.Methods
	Since  time.Time
	Credit *Credit
}

// A Credit is an earlier sign-in whose factors count in another one.
type Credit struct {
	Origin string `json:"o,omitempty"` // the family of the access token; "" for a browser session
	Epoch  int64  `json:"e"`           // the user's token epoch
}

// Live reports whether the earlier sign-in is still valid: it was not revoked.
func (c *Credit) Live(ctx context.Context, r *store.Reader, poolID, userID string) (bool, error) {
	rec, revoked, err := r.UserForToken(ctx, poolID, userID, c.Origin)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return !revoked && token.EpochOf(rec.TokensValidAfter) == c.Epoch, err
}

// Deps are what the service is built from.
type Deps struct {
	Tokens *token.Service
	Users  *user.Service
	Now    func() time.Time
}

// Service reads requests.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// Read returns what the AuthParameters of USER_AUTH ask for; nil if they ask for no level.
func (s *Service) Read(ctx context.Context, sn *pool.Snapshot, c *pool.Client, params map[string]string) (*Request, error) {
	maxAge, err := readMaxAge(params)
	if err != nil {
		return nil, err
	}
	targets, asked := params[paramTarget]
	accessToken, withToken := params[paramAccessToken]
	switch {
	case !asked && withToken:
		return nil, idp.InvalidParameterException("TARGET_ACR_VALUES is required with ACCESS_TOKEN.")
	case !asked:
		return nil, nil
	}
	if err := sn.CheckStepUp(); err != nil {
		return nil, err
	}
	in := &Request{Levels: sn.LevelsOf(targets)}
	if len(in.Levels) == 0 {
		return nil, idp.InvalidParameterException("TARGET_ACR_VALUES has no authentication level of the user pool.")
	}
	if !withToken {
		return in, nil
	}
	p, err := s.holder(ctx, sn, c, params["USERNAME"], accessToken)
	if err != nil {
		return nil, err
	}
	// With a limit of 0 no factor counts, even within the same second.
	if age := max(s.deps.Now().Sub(p.Claims.AuthTime), 0); maxAge < 0 || age < maxAge {
		in.useFactors(p)
	}
	return in, nil
}

// readMaxAge returns MAX_AGE; less than 0 if the parameter is absent.
func readMaxAge(params map[string]string) (time.Duration, error) {
	text, ok := params[paramMaxAge]
	if !ok {
		return -1, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, idp.InvalidParameterException("MAX_AGE must be a non-negative integer.")
	}
	return time.Duration(seconds) * time.Second, nil
}

// holder returns the holder of an access token of the client. It rejects the username of
// another user with the same error as a username that no user has.
func (s *Service) holder(ctx context.Context, sn *pool.Snapshot, c *pool.Client, username, accessToken string) (*token.Principal, error) {
	p, err := s.deps.Tokens.Authenticate(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	if p.Pool.ID != sn.ID || p.Client.ID != c.ID {
		return nil, idp.NotAuthorizedException("Invalid Access Token").WithReason(api.ReasonBadAccessToken)
	}
	named, err := s.deps.Users.Resolve(ctx, sn, username)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err != nil || named.ID() != p.User.ID {
		return nil, idp.NotAuthorizedException("The access token belongs to another user.").WithReason(api.ReasonBadAccessToken)
	}
	return p, nil
}

// useFactors lets the factors of an access token count. The name of the token's level may be
// one that the pool has no more. Such a token has reached no level, so its factors do not
// count if they alone reach a requested level.
func (in *Request) useFactors(p *token.Principal) {
	passed := acr.Parse(p.Claims.AMR)
	stale := p.Claims.ACR != "" && p.Pool.LevelOf(p.Claims.ACR) == 0
	if len(passed) == 0 || stale && passed.Level() >= slices.Min(in.Levels) {
		return
	}
	in.Passed, in.Since, in.Credit = passed, p.Claims.AuthTime, &Credit{Origin: p.Claims.Origin, Epoch: token.EpochOf(p.User.TokensValidAfter)}
}

// ForUser returns the request without the earlier sign-in if its factors do not count any
// more: its password was replaced since, or the user has to replace it. What was proven then
// does not prove the password of now.
func (in *Request) ForUser(u *user.User, cred *user.Credential) *Request {
	if in == nil || in.Credit == nil {
		return in
	}
	replaced := in.Passed.Has(acr.Password) && cred.SetAt.Truncate(time.Second).After(in.Since)
	if replaced || u.Status() == idp.UserStatusTypeForceChangePassword {
		return &Request{Levels: in.Levels}
	}
	return in
}

// Reached returns the exception for an access token that has reached the level.
func Reached() error {
	return idp.InvalidParameterException("The access token already meets the requested authentication level.")
}

// OutOfReach returns the exception for a user who cannot reach the level.
func OutOfReach() error {
	return idp.InvalidParameterException("The user has no authentication factors that meet the requested authentication level.").WithReason(api.ReasonNoFactor)
}
