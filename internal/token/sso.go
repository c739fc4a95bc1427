package token

import (
	"context"
	"crypto/rand"
	"math/big"
	"slices"
	"time"

	"cognate/internal/pool"
	"cognate/internal/store"
)

// EpochOf returns the token epoch of a user's row, in milliseconds: it moves when the
// user is signed out everywhere. What remembers a sign-in compares it for equality.
func EpochOf(validAfter time.Time) int64 { return tokenEpochOf(validAfter) }

// NewSSOID returns the id of an SSO session (Cognito: sso and 25 of [a-z0-9]).
func (s *Service) NewSSOID() string {
	b := make([]byte, 20)
	rand.Read(b)
	digits := "0000000000000000000000000" + new(big.Int).SetBytes(b).Text(36)
	return "sso" + digits[len(digits)-25:]
}

// SSOSession returns the row of an SSO session that begins now, for a pool that tracks
// sessions.
func (s *Service) SSOSession(ctx context.Context, sn *pool.Snapshot, c *pool.Client, u store.User, id string, ends time.Time) store.UserSession {
	device, address := clientContext(ctx, &Grant{})
	now := s.deps.Now().Truncate(time.Millisecond)
	return store.UserSession{
		PoolID: sn.ID, UserID: u.ID, ID: id, Kind: store.SessionSSO, ClientID: c.ID,
		TokenEpoch: tokenEpochOf(u.TokensValidAfter), Tracking: sn.Tracking.Period,
		CreatedAt: now, ActiveAt: now, ExpiresAt: ends, Device: device, Address: address,
	}
}

// maxSSO bounds the SSO sessions of a user (Cognito: 125 sessions in a list, of which
// 100 can be token sessions).
const maxSSO = 25

// TrackSSO records an SSO session. Beyond the limit it ends the longest unused ones.
func (s *Service) TrackSSO(ctx context.Context, tx *store.Tx, session store.UserSession) error {
	if err := tx.TurnOfUserSessions(ctx, session.PoolID, session.UserID); err != nil {
		return err
	}
	rows, err := tx.UserSessions(ctx, session.PoolID, session.UserID)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(o store.UserSession) bool { return o.Kind != store.SessionSSO })
	slices.SortFunc(rows, byUse)
	for ; len(rows) >= maxSSO; rows = rows[1:] {
		if err := tx.DeleteUserSession(ctx, session.PoolID, session.UserID, rows[0].ID); err != nil {
			return err
		}
	}
	return tx.InsertUserSession(ctx, session)
}

// HasSSO reports whether the user's SSO session of this id is live. epoch is the token
// epoch under which it began.
func (s *Service) HasSSO(ctx context.Context, r *store.Reader, sn *pool.Snapshot, userID string, epoch int64, id string) (bool, error) {
	rows, err := r.UserSessions(ctx, sn.ID, userID)
	if err != nil || id == "" {
		return false, err
	}
	return slices.ContainsFunc(rows, func(o store.UserSession) bool {
		return o.ID == id && o.Kind == store.SessionSSO && s.isCurrent(&o, epoch, sn.Tracking.Period, s.deps.Now())
	}), nil
}
