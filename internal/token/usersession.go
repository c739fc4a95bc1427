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
// tokens: a token session. The row decides about nothing but lists and limits;
// whether a token counts is told by the revoked families and the user's mark
// alone, and so a row that was lost ends no sign-in, and one left over begins
// none. Its id follows from the family, so no token needs to carry it.

// sessionID names the token session of a family (Cognito: tkn and 25 of
// [a-z0-9]). It is keyed: who sees an id learns nothing of tokens, and origin_jti
// does not tell the id.
func (s *Service) sessionID(poolID, family string) string {
	const letters = 25
	h := s.ring.Hash("user session", []byte(poolID), []byte(family))
	digits := new(big.Int).SetBytes(h[:]).Text(36)
	// 256 bits are 49 or 50 digits; the last ones are as good as even.
	for len(digits) < letters {
		digits = "0" + digits
	}
	return "tkn" + digits[len(digits)-letters:]
}

// newSession is the row of a sign-in that begins a family; nil where the pool
// tracks none.
func (s *Service) newSession(ctx context.Context, g *Grant, m *moment) *store.UserSession {
	if !g.Pool.Tracking.On || g.Origin != "" {
		return nil
	}
	device, address := sighting(ctx, g)
	now := m.now.Truncate(time.Millisecond)
	return &store.UserSession{
		PoolID: g.Pool.ID, UserID: g.Subject.UserID, ID: s.sessionID(g.Pool.ID, m.origin), Kind: store.SessionToken,
		ClientID: g.Client.ID, Family: m.origin, Mark: markOf(g.Subject.TokensValidAfter), Tracking: g.Pool.Tracking.Period,
		CreatedAt: now, ActiveAt: now, ExpiresAt: g.refreshEnds(m.now), Device: device, Address: address,
	}
}

// Track records the session that a sign-in has begun, in the commit of its last
// step or in one of its own; it does nothing where the pool does not track. It
// comes before the tokens are given, and first in its transaction: as many of the
// user's sessions are ended as the limit asks for, the longest unused first.
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
		case o.Mark > session.Mark: // signed out since: the new tokens are dead already
			return nil
		case !s.counts(&o, session.Mark, session.Tracking, session.CreatedAt):
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

// counts reports whether a row is a session still: the user was not signed out
// everywhere, tracking was not off meanwhile, its tokens have not expired, and the
// keys that sealed them were not retired since, which changes the ids.
func (s *Service) counts(o *store.UserSession, mark, period int64, now time.Time) bool {
	return o.Mark == mark && o.Tracking == period && now.Before(o.ExpiresAt) &&
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

// touchInterval is how often the last use of a session is written at most. What
// rotates is written each time anyway.
const touchInterval = time.Minute

// maxTouched bounds how many sessions' last writes are remembered. Who is
// forgotten is written once more.
const maxTouched = 64 << 10

// touches remembers when this node last wrote the use of a session.
type touches struct {
	cache *otter.Cache[string, time.Time]
}

func newTouches() *touches {
	return &touches{cache: otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxTouched})}
}

// due reports whether it is time to write. A clock that was set back does not hold
// it up.
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
	now := s.now()
	id := s.sessionID(r.PoolID, r.Family)
	if !s.touched.due(id, now) {
		return nil
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error { return s.touch(ctx, tx, g, r, id, now) })
	if err == nil {
		s.touched.cache.Set(id, now)
	}
	return err
}

func (s *Service) touch(ctx context.Context, tx *store.Tx, g *Grant, r *Refresh, id string, now time.Time) error {
	device, address := sighting(ctx, g)
	return tx.TouchUserSession(ctx, r.PoolID, r.UserID, id, now.Truncate(time.Millisecond), device, address)
}

// sighting tells from where a sign-in or refresh comes, as far as it is known.
func sighting(ctx context.Context, g *Grant) (device, address string) {
	request := api.RequestFrom(ctx)
	agent, address := request.UserAgent, request.SourceIP
	if g.Seen != nil {
		agent, address = g.Seen.UserAgent, g.Seen.Address
	}
	return deviceType(agent), address
}
