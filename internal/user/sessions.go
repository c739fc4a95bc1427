package user

import (
	"context"

	"cognate/internal/api/idp"
)

// AdminListUserSessions lists a user's sessions. No session is marked as the caller's own.
func (s *Service) AdminListUserSessions(ctx context.Context, in *idp.AdminListUserSessionsRequest) (*idp.AdminListUserSessionsResponse, error) {
	sn, u, err := s.tracked(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	list, err := s.deps.Tokens.Sessions(ctx, sn, u.Rec, "", in.NextToken)
	if err != nil {
		return nil, err
	}
	return &idp.AdminListUserSessionsResponse{Sessions: list}, nil
}

// AdminRevokeUserSession ends a session of a user with all its tokens.
func (s *Service) AdminRevokeUserSession(ctx context.Context, in *idp.AdminRevokeUserSessionRequest) (*idp.AdminRevokeUserSessionResponse, error) {
	sn, u, err := s.tracked(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := s.deps.Tokens.EndSession(ctx, sn, u.ID(), in.SessionId, in.RevokeAssociatedSessions); err != nil {
		return nil, AsUserNotFound(err)
	}
	return &idp.AdminRevokeUserSessionResponse{}, nil
}
