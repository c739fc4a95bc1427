package token

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// ListUserSessions returns the caller's own sessions.
func (s *Service) ListUserSessions(ctx context.Context, in *idp.ListUserSessionsRequest) (*idp.ListUserSessionsResponse, error) {
	p, err := s.Authenticate(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	list, err := s.Sessions(ctx, p.Pool, p.User, p.Claims.Origin, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &idp.ListUserSessionsResponse{Sessions: list}, nil
}

// RevokeUserSession ends another session of the caller's.
func (s *Service) RevokeUserSession(ctx context.Context, in *idp.RevokeUserSessionRequest) (*idp.RevokeUserSessionResponse, error) {
	p, err := s.Authenticate(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := p.Pool.RequireTracking(); err != nil {
		return nil, err
	}
	if p.Claims.Origin != "" && in.SessionId == s.sessionID(p.Pool.ID, p.Claims.Origin) {
		return nil, idp.InvalidParameterException("The current session cannot be revoked by RevokeUserSession.")
	}
	err = s.EndSession(ctx, p.Pool, p.User.ID, in.SessionId, in.RevokeAssociatedSessions)
	if errors.Is(err, store.ErrNotFound) { // deleted in this moment
		err = idp.UserNotFoundException("User does not exist.")
	}
	if err != nil {
		return nil, err
	}
	return &idp.RevokeUserSessionResponse{}, nil
}

// Sessions returns a user's sessions, the last used first. origin is the family of
// the caller's token, or "" for an administrator. One page holds them all, so every
// page token is invalid.
func (s *Service) Sessions(ctx context.Context, sn *pool.Snapshot, u store.User, origin string, page *string) ([]idp.SessionDescriptionType, error) {
	if err := sn.RequireTracking(); err != nil {
		return nil, err
	}
	if page != nil {
		return nil, idp.InvalidParameterException("Invalid pagination token provided")
	}
	rows, err := s.deps.Store.UserSessions(ctx, u.PoolID, u.ID)
	if err != nil {
		return nil, err
	}
	current := ""
	if origin != "" {
		current = s.sessionID(u.PoolID, origin)
	}
	now, tokenEpoch := s.deps.Now(), tokenEpochOf(u.TokensValidAfter)
	slices.SortFunc(rows, func(a, b store.UserSession) int { return byUse(b, a) })
	list := []idp.SessionDescriptionType{}
	for _, o := range rows {
		if !s.isCurrent(&o, tokenEpoch, sn.Tracking.Period, now) {
			continue
		}
		// Tokens of a deleted client are invalid.
		switch _, err := sn.Client(ctx, o.ClientID); {
		case api.CodeOf(err) == "ResourceNotFoundException":
			continue
		case err != nil:
			return nil, err
		}
		list = append(list, describe(&o, current))
	}
	return list, nil
}

func describe(o *store.UserSession, current string) idp.SessionDescriptionType {
	d := idp.SessionDescriptionType{
		SessionId: new(o.ID), SessionType: idp.SessionTypeType(o.Kind), ClientId: new(o.ClientID),
		CreateDate: o.CreatedAt, LastActiveDate: o.ActiveAt, IsCurrentSession: new(o.ID == current),
	}
	for _, f := range [...]struct {
		to   **string
		text string
	}{{&d.DeviceType, o.Device}, {&d.LastIPAddress, o.Address}, {&d.OriginSessionId, o.Parent}} {
		if f.text != "" {
			*f.to = new(f.text)
		}
	}
	return d
}

func noSession() error {
	return idp.ResourceNotFoundException("Session does not exist.").WithReason(api.ReasonNotFound)
}

// EndSession ends a session of a user with all its tokens. LINKED also ends the SSO
// session that a token session came through, or the token sessions that came through
// an SSO session.
func (s *Service) EndSession(ctx context.Context, sn *pool.Snapshot, userID, id string, associated idp.RevokeAssociatedSessionsType) error {
	if err := sn.RequireTracking(); err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.TurnOfUserSessions(ctx, sn.ID, userID); err != nil {
			return err
		}
		u, err := tx.User(ctx, sn.ID, userID)
		if err != nil {
			return err
		}
		rows, err := tx.UserSessions(ctx, sn.ID, userID)
		if err != nil {
			return err
		}
		tokenEpoch, now := tokenEpochOf(u.TokensValidAfter), s.deps.Now()
		i := slices.IndexFunc(rows, func(o store.UserSession) bool {
			return o.ID == id && s.isCurrent(&o, tokenEpoch, sn.Tracking.Period, now)
		})
		if i < 0 {
			return noSession()
		}
		if associated == idp.RevokeAssociatedSessionsTypeLinked {
			if err := endLinked(ctx, tx, rows, &rows[i]); err != nil {
				return err
			}
		}
		return endSession(ctx, tx, &rows[i])
	})
}

// endLinked ends the sessions that are linked directly to a session.
func endLinked(ctx context.Context, tx *store.Tx, rows []store.UserSession, o *store.UserSession) error {
	for _, other := range rows {
		parent := o.Parent != "" && other.ID == o.Parent
		child := o.Kind == store.SessionSSO && other.Parent == o.ID
		if !parent && !child {
			continue
		}
		if err := endSession(ctx, tx, &other); err != nil {
			return err
		}
	}
	return nil
}

// endParent ends the SSO session that a family came through, if there is one.
func (s *Service) endParent(ctx context.Context, tx *store.Tx, r *Refresh) error {
	rows, err := tx.UserSessions(ctx, r.PoolID, r.UserID)
	if err != nil {
		return err
	}
	id := s.sessionID(r.PoolID, r.Family)
	i := slices.IndexFunc(rows, func(o store.UserSession) bool { return o.ID == id })
	if i < 0 {
		return nil
	}
	return endLinked(ctx, tx, rows, &rows[i])
}
