package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// ErrRefresh means that the text is not a refresh token of this client.
var ErrRefresh = errors.New("token: not a refresh token of this client")

// OpenRefresh reads a refresh token and checks its pool and client. The caller
// checks whether the token was revoked.
func (s *Service) OpenRefresh(ctx context.Context, sn *pool.Snapshot, c *pool.Client, raw string) (*Refresh, error) {
	body, err := s.deps.Ring.OpenToken(ctx, keys.TokenRefresh, nil, raw)
	if errors.Is(err, keys.ErrToken) {
		return nil, ErrRefresh
	}
	if err != nil {
		return nil, err
	}
	r, err := parseRefresh(body)
	if err != nil || r.PoolID != sn.ID || r.ClientID != c.ID {
		return nil, ErrRefresh
	}
	return r, nil
}

// RevokeFamily ends a family of refresh tokens and the access tokens issued with
// them.
func (s *Service) RevokeFamily(ctx context.Context, r *Refresh) error {
	return s.revokeFamily(ctx, r, false)
}

func (s *Service) revokeFamily(ctx context.Context, r *Refresh, linked bool) error {
	expires := r.ExpiresAt
	if now := s.deps.Now(); expires.Before(now) {
		expires = now
	}
	// The family's last access token may outlive its refresh token.
	expires = expires.Add(longestToken)
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.RevokeFamily(ctx, r.PoolID, r.UserID, r.Family, expires); err != nil {
			return err
		}
		if linked {
			if err := s.endParent(ctx, tx, r); err != nil {
				return err
			}
		}
		return tx.DeleteUserSession(ctx, r.PoolID, r.UserID, s.sessionID(r.PoolID, r.Family))
	})
}

// RevokeUser ends all of a user's tokens, in the caller's transaction. A caller
// that writes the user's row itself uses [SignOut].
func (s *Service) RevokeUser(ctx context.Context, tx *store.Tx, poolID, userID string) error {
	u, err := tx.User(ctx, poolID, userID)
	if err != nil {
		return err
	}
	SignOut(&u, s.deps.Now())
	if err := tx.DeleteUserSessions(ctx, poolID, userID); err != nil {
		return err
	}
	return tx.UpdateUser(ctx, u)
}

// RevokeToken ends the family of a refresh token. A text that is no valid token of
// the client is no error (RFC 7009 §2.2).
func (s *Service) RevokeToken(ctx context.Context, in *idp.RevokeTokenRequest) (*idp.RevokeTokenResponse, error) {
	sn, c, err := s.deps.Pools.LoadClient(ctx, in.ClientId)
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, idp.UnauthorizedException("Invalid client credentials").WithReason(api.ReasonOf(err))
	}
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetClient(sn.ID, c.ID)
	if !c.CheckSecret(in.ClientSecret) {
		return nil, idp.UnauthorizedException("Invalid client credentials").WithReason(api.ReasonBadClientSecret)
	}
	linked := in.RevokeAssociatedSessions == idp.RevokeAssociatedSessionsTypeLinked && sn.Tracking.On
	if err := s.Revoke(ctx, sn, c, in.Token, linked); err != nil {
		return nil, err
	}
	return &idp.RevokeTokenResponse{}, nil
}

// Revoke ends the family of a refresh token for an authenticated client; linked ends
// the SSO session that the family came through, too. A token that is not a refresh
// token of the client is ignored.
func (s *Service) Revoke(ctx context.Context, sn *pool.Snapshot, c *pool.Client, raw string, linked bool) error {
	if !c.Revocation {
		return idp.UnsupportedOperationException("Revocation is not enabled for the client")
	}
	if looksSigned(raw) {
		return idp.UnsupportedTokenTypeException("Unsupported token type")
	}
	r, err := s.OpenRefresh(ctx, sn, c, raw)
	switch {
	case errors.Is(err, ErrRefresh):
		return nil
	case err != nil:
		return err
	// An expired token ends its family, too: access tokens of its last use may still
	// be valid, and by the clock of another node it may not have expired.
	case s.deps.Now().Before(r.ExpiresAt.Add(longestToken)):
		audit.From(ctx).SetUser(r.UserID)
		return s.revokeFamily(ctx, r, linked)
	}
	return nil
}

// looksSigned reports whether the text looks like a JWS, as ID and access tokens
// are, and not like a refresh token.
func looksSigned(raw string) bool {
	return strings.Count(raw, ".") == 2 && strings.HasPrefix(raw, "eyJ")
}

// GlobalSignOut ends all tokens of the caller, the presented one included.
func (s *Service) GlobalSignOut(ctx context.Context, in *idp.GlobalSignOutRequest) (*idp.GlobalSignOutResponse, error) {
	p, err := s.Authenticate(ctx, in.AccessToken)
	if err != nil {
		// The operation does not declare UserNotFoundException.
		if api.CodeOf(err) == "UserNotFoundException" {
			return nil, invalidAccessToken().WithReason(api.ReasonOf(err))
		}
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.RevokeUser(ctx, tx, p.Pool.ID, p.User.ID)
	}, store.Retry)
	if errors.Is(err, store.ErrNotFound) { // the user was deleted meanwhile: its tokens are dead
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return &idp.GlobalSignOutResponse{}, nil
}

// Spend marks a refresh token as replaced by those of the grant. The first use may replace it
// at any time, later ones within the client's grace; see [ErrReused].
func (s *Service) Spend(ctx context.Context, g *Grant, r *Refresh) error {
	now, c := s.deps.Now(), g.Client
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		rotatedAt, first, err := tx.RotateOut(ctx, r.PoolID, r.Family, r.TokenID, now, r.ExpiresAt)
		if err != nil {
			return err
		}
		if !first && !InGrace(rotatedAt, now, c.RotationGrace) {
			return ErrReused
		}
		if !g.Pool.Tracking.On {
			return nil
		}
		return s.touch(ctx, tx, g, r, s.sessionID(r.PoolID, r.Family), now)
	})
}

// ErrReused means that a refresh token was replaced before and its grace is over.
var ErrReused = errors.New("token: refresh token was rotated out")

// InGrace reports whether a token that was replaced may be used again. Without a
// grace it may not: the store has decided which use was the first, whatever the
// clocks say. With a grace, a node whose clock is behind may see the replacement in
// its future. Up to [store.MaxSkew] it takes such a replacement for a recent one.
func InGrace(rotatedAt, now time.Time, grace time.Duration) bool {
	age := now.Sub(rotatedAt)
	return grace > 0 && age < grace && age >= -store.MaxSkew
}
