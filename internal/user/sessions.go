package user

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// AdminListUserSessions tells a user's sessions; none of them is the caller's.
func (s *Service) AdminListUserSessions(ctx context.Context, in *idp.AdminListUserSessionsRequest) (*idp.AdminListUserSessionsResponse, error) {
	sn, u, err := s.tracked(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	list, err := s.d.Tokens.Sessions(ctx, sn, u.Rec, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	return &idp.AdminListUserSessionsResponse{Sessions: list}, nil
}

// tracked finds a user of a pool that tracks sessions.
func (s *Service) tracked(ctx context.Context, poolID, username string) (*pool.Snapshot, *User, error) {
	sn, err := s.d.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, nil, err
	}
	if err := sn.RequireTracking(); err != nil {
		return nil, nil, err
	}
	u, err := s.ResolveAdmin(ctx, sn, username)
	return sn, u, err
}

// AdminRevokeUserSession ends a session of a user with all its tokens.
func (s *Service) AdminRevokeUserSession(ctx context.Context, in *idp.AdminRevokeUserSessionRequest) (*idp.AdminRevokeUserSessionResponse, error) {
	sn, u, err := s.tracked(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := s.d.Tokens.EndSession(ctx, sn, u.ID(), in.SessionId, in.RevokeAssociatedSessions); err != nil {
		return nil, orUserNotFound(err)
	}
	return &idp.AdminRevokeUserSessionResponse{}, nil
}
