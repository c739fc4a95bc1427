package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

func invalidRefresh() *api.Error {
	return idp.NotAuthorizedException("Invalid Refresh Token.").WithReason(api.ReasonBadRefreshToken)
}

func revokedRefresh() error {
	return idp.NotAuthorizedException("Refresh Token has been revoked").WithReason(api.ReasonRefreshTokenRevoked)
}

func reusedRefresh() error {
	return idp.RefreshTokenReuseException("Refresh token has been invalidated by rotation.")
}

// startRefresh is REFRESH_TOKEN_AUTH. It never asks a challenge.
func (s *Service) startRefresh(ctx context.Context, c *call) (*outcome, error) {
	set, err := s.refresh(ctx, c, c.params["REFRESH_TOKEN"], func(r *token.Refresh) error {
		// The hash is over the stored username, which the token knows.
		if len(c.client.Secrets) > 0 && !c.client.SecretHashMatches(r.Username, c.params["SECRET_HASH"]) {
			return idp.NotAuthorizedException("SecretHash does not match for the client: " + c.client.ID).WithReason(api.ReasonBadSecretHash)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &outcome{answer: &answer{result: result(set), params: map[string]string{}}}, nil
}

// GetTokensFromRefreshToken refreshes, with rotation where the client has it.
func (s *Service) GetTokensFromRefreshToken(ctx context.Context, in *idp.GetTokensFromRefreshTokenRequest) (*idp.GetTokensFromRefreshTokenResponse, error) {
	sn, client, err := s.pools.LoadClient(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetClient(sn.ID, client.ID)
	c := &call{pool: sn, client: client, from: publicCaller, params: map[string]string{paramDeviceKey: api.Val(in.DeviceKey)}, metadata: in.ClientMetadata}
	set, err := s.refresh(ctx, c, in.RefreshToken, func(*token.Refresh) error {
		if !client.CheckSecret(in.ClientSecret) {
			return idp.NotAuthorizedException("Invalid client secret").WithReason(api.ReasonBadClientSecret)
		}
		return nil
	})
	switch api.CodeOf(err) {
	case "PasswordResetRequiredException", "UserNotConfirmedException":
		// The operation does not declare them; the sense is the same.
		err = idp.NotAuthorizedException("Password reset required for the user").WithReason(api.ReasonOf(err)).WithCause(err)
	}
	if err != nil {
		return nil, overloadError(err)
	}
	return &idp.GetTokensFromRefreshTokenResponse{AuthenticationResult: result(set)}, nil
}

// RefreshOnDomain exchanges a refresh token for an authenticated client of the
// domain's token endpoint. The tokens of the API have a device where the pool tracks
// devices, and are refused then.
func (s *Service) RefreshOnDomain(ctx context.Context, sn *pool.Snapshot, client *pool.Client, raw string) (*token.Set, error) {
	c := &call{pool: sn, client: client, from: hostedPage}
	set, err := s.refresh(ctx, c, raw, func(*token.Refresh) error { return nil })
	return set, overloadError(err)
}

// refresh exchanges a refresh token. The order of its checks is the protocol's.
func (s *Service) refresh(ctx context.Context, c *call, raw string, secret func(*token.Refresh) error) (*token.Set, error) {
	r, err := s.tokens.OpenRefresh(ctx, c.pool, c.client, raw)
	if errors.Is(err, token.ErrRefresh) {
		return nil, invalidRefresh()
	}
	if err != nil {
		return nil, err
	}
	note(ctx, c.pool, c.client, r.UserID)
	if err := secret(r); err != nil {
		return nil, err
	}
	u, err := s.refreshable(ctx, c, r)
	if err != nil {
		return nil, err
	}
	if err := s.deviceRefreshes(ctx, c, r); err != nil {
		return nil, err
	}
	subject, err := s.Subject(ctx, u)
	if err != nil {
		return nil, err
	}
	grant := token.Grant{
		Pool: c.pool, Client: c.client, Subject: subject,
		AuthTime: r.AuthTime, Origin: r.Family, EventID: r.EventID, DeviceKey: r.DeviceKey,
		OAuth: r.OAuth, Scopes: r.Scopes, Resource: r.Resource,
		WithRefresh: c.client.Rotation, RefreshExpires: r.ExpiresAt,
		Source: trigger.SourceTokenRefreshTokens, ClientMetadata: c.metadata, ClientContext: c.clientContext,
	}
	set, err := s.tokens.Issue(ctx, grant)
	if err != nil {
		return nil, err
	}
	// After the tokens are made, so that overload does not cost the client its
	// session; before they are given, so that one use is the first.
	if c.client.Rotation {
		err = rotationFault(s.tokens.Spend(ctx, &grant, r))
	} else {
		err = s.tokens.Touch(ctx, &grant, r)
	}
	if err != nil {
		return nil, err
	}
	return set, nil
}

func rotationFault(err error) error {
	if errors.Is(err, token.ErrReused) {
		return reusedRefresh()
	}
	return err
}

// refreshable returns the token's user, or why the token is not valid any more.
func (s *Service) refreshable(ctx context.Context, c *call, r *token.Refresh) (*user.User, error) {
	rec, revoked, rotatedAt, err := s.store.UserForRefresh(ctx, c.pool.ID, r.UserID, r.Family, r.TokenID)
	gone := errors.Is(err, store.ErrNotFound)
	if err != nil && !gone {
		return nil, err
	}
	switch {
	case revoked:
		return nil, revokedRefresh()
	case !gone && !r.Alive(rec.TokensValidAfter):
		// Disabling a user moves the mark too; while disabled, that is the answer.
		if !rec.Enabled {
			return nil, disabled()
		}
		return nil, revokedRefresh()
	// A client that rotates no more, or did not yet when it issued the token, may
	// have exchanged it in between.
	case !rotatedAt.IsZero() && !token.InGrace(rotatedAt, s.now(), c.client.RotationGrace):
		return nil, reusedRefresh()
	case !s.now().Before(r.ExpiresAt):
		return nil, idp.NotAuthorizedException("Refresh Token has expired").WithReason(api.ReasonRefreshTokenExpired)
	case gone:
		return nil, userNotFound()
	}
	u, err := user.FromRecord(c.pool, rec)
	if err != nil {
		return nil, err
	}
	return u, accountFault(u)
}
