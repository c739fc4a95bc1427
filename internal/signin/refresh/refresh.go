package refresh

import (
	"context"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/groups"
)

// Deps are what the service is built from.
type Deps struct {
	Store  *store.Store
	Pools  *pool.Service
	Groups *groups.Service
	Tokens *token.Service
	Now    func() time.Time
}

// Service exchanges refresh tokens.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// A Request is an exchange of a refresh token by an app client.
type Request struct {
	Pool      *pool.Snapshot
	Client    *pool.Client
	Token     string
	DeviceKey string // "" if the client sent none
	Metadata  map[string]string
	// ClientContext is where an administrator says that the user is; nil: where the
	// request comes from.
	ClientContext *token.ClientContext
	// Check, if set, rejects an exchange after the token was opened: of a client that
	// does not prove its secret, or of a token that the caller does not exchange.
	Check func(*token.Refresh) error
}

func invalidRefresh() *api.Error {
	return idp.NotAuthorizedException("Invalid Refresh Token.").WithReason(api.ReasonBadRefreshToken)
}

func revokedRefresh() error {
	return idp.NotAuthorizedException("Refresh Token has been revoked").WithReason(api.ReasonRefreshTokenRevoked)
}

func reusedRefresh() error {
	return idp.RefreshTokenReuseException("Refresh token has been invalidated by rotation.")
}

// GetTokensFromRefreshToken refreshes, with rotation where the client has it.
func (s *Service) GetTokensFromRefreshToken(ctx context.Context, in *idp.GetTokensFromRefreshTokenRequest) (*idp.GetTokensFromRefreshTokenResponse, error) {
	audit.From(ctx).Begin(audit.TokenRefresh)
	sn, client, err := s.deps.Pools.LoadClient(ctx, in.ClientId)
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetClient(sn.ID, client.ID)
	set, err := s.Exchange(ctx, &Request{
		Pool: sn, Client: client, Token: in.RefreshToken, DeviceKey: api.Val(in.DeviceKey), Metadata: in.ClientMetadata,
		Check: func(*token.Refresh) error {
			if !client.CheckSecret(in.ClientSecret) {
				return idp.NotAuthorizedException("Invalid client secret").WithReason(api.ReasonBadClientSecret)
			}
			return nil
		},
	})
	switch api.CodeOf(err) {
	case "PasswordResetRequiredException", "UserNotConfirmedException":
		// The operation does not declare them; the sense is the same.
		err = idp.NotAuthorizedException("Password reset required for the user").WithReason(api.ReasonOf(err)).WithCause(err)
	}
	if err != nil {
		return nil, overload(err)
	}
	return &idp.GetTokensFromRefreshTokenResponse{AuthenticationResult: set.Result()}, nil
}

// Exchange issues new tokens for a refresh token. The order of its checks is the protocol's.
func (s *Service) Exchange(ctx context.Context, in *Request) (*token.Set, error) {
	r, err := s.deps.Tokens.OpenRefresh(ctx, in.Pool, in.Client, in.Token)
	if errors.Is(err, token.ErrRefresh) {
		return nil, invalidRefresh()
	}
	if err != nil {
		return nil, err
	}
	event := audit.From(ctx)
	event.SetClient(in.Pool.ID, in.Client.ID)
	event.SetUser(r.UserID)
	if in.Check != nil {
		if err := in.Check(r); err != nil {
			return nil, err
		}
	}
	u, err := s.refreshable(ctx, in, r)
	if err != nil {
		return nil, err
	}
	if err := s.deviceRefreshes(ctx, in, r); err != nil {
		return nil, err
	}
	subject, err := s.deps.Groups.Subject(ctx, u)
	if err != nil {
		return nil, err
	}
	grant := token.Grant{
		Pool: in.Pool, Client: in.Client, Subject: subject,
		AuthTime: r.AuthTime, Origin: r.Family, EventID: r.EventID, DeviceKey: r.DeviceKey,
		OAuth: r.OAuth, Scopes: r.Scopes, Resource: r.Resource, ACR: r.ACR, AMR: r.AMR,
		WithRefresh: in.Client.Rotation, RefreshExpires: r.ExpiresAt,
		Source: trigger.SourceTokenRefreshTokens, ClientMetadata: in.Metadata, ClientContext: in.ClientContext,
	}
	set, err := s.deps.Tokens.Issue(ctx, grant)
	if err != nil {
		return nil, err
	}
	// After the tokens are made, so that overload does not cost the client its
	// session; before they are given, so that one use is the first.
	if in.Client.Rotation {
		err = rotationFault(s.deps.Tokens.Spend(ctx, &grant, r))
	} else {
		err = s.deps.Tokens.Touch(ctx, &grant, r)
	}
	if err != nil {
		return nil, err
	}
	event.SetActive()
	return set, nil
}

// overload returns the exception for an error that reports overload; other errors it
// returns as they are.
func overload(err error) error {
	if errors.Is(err, keys.ErrBusy) {
		return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonOverloaded).WithCause(err)
	}
	return err
}

func rotationFault(err error) error {
	if errors.Is(err, token.ErrReused) {
		return reusedRefresh()
	}
	return err
}

// refreshable returns the token's user, or why the token is not valid any more.
func (s *Service) refreshable(ctx context.Context, in *Request, r *token.Refresh) (*user.User, error) {
	rec, revoked, rotatedAt, err := s.deps.Store.UserForRefresh(ctx, in.Pool.ID, r.UserID, r.Family, r.TokenID)
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
			return nil, user.Disabled()
		}
		return nil, revokedRefresh()
	// A client that rotates no more, or did not yet when it issued the token, may
	// have exchanged it in between.
	case !rotatedAt.IsZero() && !token.InGrace(rotatedAt, s.deps.Now(), in.Client.RotationGrace):
		return nil, reusedRefresh()
	case !s.deps.Now().Before(r.ExpiresAt):
		return nil, idp.NotAuthorizedException("Refresh Token has expired").WithReason(api.ReasonRefreshTokenExpired)
	case gone:
		return nil, idp.UserNotFoundException("User does not exist.")
	}
	u, err := user.FromRecord(in.Pool, rec)
	if err != nil {
		return nil, err
	}
	return u, user.AccountFault(u)
}

// deviceRefreshes holds a refresh token to the device that it was given to, which
// must be confirmed. Tokens from before the pool tracked devices are not bound to
// one, nor are those of the domain. A device that was forgotten stays so when the
// pool tracks devices no more.
func (s *Service) deviceRefreshes(ctx context.Context, in *Request, r *token.Refresh) error {
	if r.DeviceKey == "" {
		return nil
	}
	if !in.Pool.Devices.Tracked {
		gone, err := s.deps.Store.DeviceForgotten(ctx, r.PoolID, r.UserID, r.DeviceKey)
		if err == nil && gone {
			return invalidRefresh().WithReason(api.ReasonUnknownDevice)
		}
		return err
	}
	if in.DeviceKey != r.DeviceKey {
		return invalidRefresh().WithReason(api.ReasonBadDevice)
	}
	_, err := s.deps.Store.Device(ctx, r.PoolID, r.UserID, r.DeviceKey)
	if errors.Is(err, store.ErrNotFound) { // not confirmed yet, or forgotten
		return invalidRefresh().WithReason(api.ReasonUnknownDevice)
	}
	return err
}
