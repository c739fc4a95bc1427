package token

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Where a pool tracks sessions, the store has a row for every family of refresh
// tokens: a token session. The row is only for lists and limits. Whether a token is
// valid depends on the revoked families and the user's token epoch. So a lost row
// ends no sign-in, and a row left over starts none. The session's id is derived from
// the family, so no token needs to carry it.

// sessionID returns the id of a family's token session (Cognito: tkn and 25 of
// [a-z0-9]). The id is keyed: it reveals nothing of the tokens, and origin_jti does
// not reveal the id.
func (s *Service) sessionID(poolID, family string) string {
	const letters = 25
	h := s.deps.Ring.Hash("user session", []byte(poolID), []byte(family))
	digits := new(big.Int).SetBytes(h[:]).Text(36)
	// 256 bits are 49 or 50 digits; the last ones are as good as even.
	for len(digits) < letters {
		digits = "0" + digits
	}
	return "tkn" + digits[len(digits)-letters:]
}

// newSession returns the row of a sign-in that begins a family, or nil if the pool
// does not track sessions.
func (s *Service) newSession(ctx context.Context, g *Grant, m *issueData) *store.UserSession {
	if !g.Pool.Tracking.On || g.Origin != "" && !g.NewFamily {
		return nil
	}
	device, address := clientContext(ctx, g)
	now := m.now.Truncate(time.Millisecond)
	return &store.UserSession{
		PoolID: g.Pool.ID, UserID: g.Subject.UserID, ID: s.sessionID(g.Pool.ID, m.origin), Kind: store.SessionToken,
		ClientID: g.Client.ID, Family: m.origin, Parent: g.Parent, TokenEpoch: tokenEpochOf(g.Subject.TokensValidAfter), Tracking: g.Pool.Tracking.Period,
		CreatedAt: now, ActiveAt: now, ExpiresAt: g.refreshEnds(m.now), Device: device, Address: address,
	}
}

// Track records the session that a sign-in has begun. It does nothing if the pool
// does not track sessions. Call it before the tokens are returned, and first in its
// transaction: it ends as many of the user's sessions as the limit requires, the
// longest unused first.
func (s *Service) Track(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, set *Set) error {
	if !set.HasSession() {
		return nil
	}
	session := *set.session
	if err := tx.TurnOfUserSessions(ctx, session.PoolID, session.UserID); err != nil {
		return err
	}
	rows, err := tx.UserSessions(ctx, session.PoolID, session.UserID)
	if err != nil {
		return err
	}
	var live []store.UserSession
	for _, o := range rows {
		switch {
		case o.TokenEpoch > session.TokenEpoch: // signed out since: the new tokens are dead already
			return nil
		case !s.isCurrent(&o, session.TokenEpoch, session.Tracking, session.CreatedAt):
			if err := tx.DeleteUserSession(ctx, o.PoolID, o.UserID, o.ID); err != nil {
				return err
			}
		case o.Kind == store.SessionToken:
			live = append(live, o)
		}
	}
	slices.SortFunc(live, byUse)
	for _, o := range live[:max(0, len(live)+1-sn.Tracking.MaxPerUser)] {
		if err := endSession(ctx, tx, &o); err != nil {
			return err
		}
	}
	err = tx.InsertUserSession(ctx, session)
	if errors.Is(err, store.ErrNotFound) { // deleted since: the new tokens are dead already
		return nil
	}
	return err
}

// HasSession reports whether Track has a session to record.
func (s *Set) HasSession() bool { return s.session != nil }

// isCurrent reports whether a row is still a session. The user was not signed out
// everywhere, tracking was not off meanwhile, and the tokens have not expired. The
// keys that sealed them were not retired since: a retirement changes the ids.
func (s *Service) isCurrent(o *store.UserSession, tokenEpoch, period int64, now time.Time) bool {
	return o.TokenEpoch == tokenEpoch && o.Tracking == period && now.Before(o.ExpiresAt) &&
		(o.Kind != store.SessionToken || o.ID == s.sessionID(o.PoolID, o.Family))
}

// byUse orders sessions by their last use, the longest unused first.
func byUse(a, b store.UserSession) int {
	if c := a.ActiveAt.Compare(b.ActiveAt); c != 0 {
		return c
	}
	return a.CreatedAt.Compare(b.CreatedAt)
}

// endSession ends a session: its tokens, and its row.
func endSession(ctx context.Context, tx *store.Tx, o *store.UserSession) error {
	if o.Kind == store.SessionToken {
		if err := tx.RevokeFamily(ctx, o.PoolID, o.UserID, o.Family, o.ExpiresAt.Add(longestToken)); err != nil {
			return err
		}
	}
	return tx.DeleteUserSession(ctx, o.PoolID, o.UserID, o.ID)
}

// touchInterval is the shortest time between two writes of a session's last use.
// With rotation, each refresh writes anyway.
const touchInterval = time.Minute

// maxTouched is how many sessions' last writes are remembered. A forgotten session
// is written once more.
const maxTouched = 64 << 10

// touches remembers when this node last wrote the use of a session.
type touches struct {
	cache *otter.Cache[string, time.Time]
}

func newTouches() *touches {
	return &touches{cache: otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxTouched})}
}

// due reports whether it is time to write. A clock that was set back does not delay
// the write.
func (t *touches) due(id string, now time.Time) bool {
	at, ok := t.cache.GetIfPresent(id)
	d := now.Sub(at)
	return !ok || d < 0 || d >= touchInterval
}

// Touch records that a session was used by a refresh without rotation, at most
// once a minute.
func (s *Service) Touch(ctx context.Context, g *Grant, r *Refresh) error {
	if !g.Pool.Tracking.On {
		return nil
	}
	now := s.deps.Now()
	id := s.sessionID(r.PoolID, r.Family)
	if !s.touched.due(id, now) {
		return nil
	}
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return s.touch(ctx, tx, g, r, id, now) })
	if err == nil {
		s.touched.cache.Set(id, now)
	}
	return err
}

func (s *Service) touch(ctx context.Context, tx *store.Tx, g *Grant, r *Refresh, id string, now time.Time) error {
	device, address := clientContext(ctx, g)
	return tx.TouchUserSession(ctx, r.PoolID, r.UserID, id, now.Truncate(time.Millisecond), device, address)
}

// clientContext returns the device and the address of a sign-in or refresh, as far
// as they are known.
func clientContext(ctx context.Context, g *Grant) (device, address string) {
	request := api.RequestFrom(ctx)
	agent, address := request.UserAgent, request.SourceIP
	if g.ClientContext != nil {
		agent, address = g.ClientContext.UserAgent, g.ClientContext.Address
	}
	return deviceType(agent), address
}
