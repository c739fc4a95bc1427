package registration

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// A Session lets a user who has just signed up continue without a second proof. SignUp
// returns one. ConfirmSignUp accepts it and returns another, with which the user signs
// in (Cognito: USER_AUTH with the Session of ConfirmSignUp). A Session travels sealed
// with the client and works once.
type Session struct {
	Version int    `json:"v"`
	Pool    string `json:"p"`
	Client  string `json:"c"`
	UserID  string `json:"u"`
	// Confirmed is true for a session that signs in, and false for one that can be
	// confirmed.
	Confirmed bool `json:"f,omitempty"`
	// Proven is the attribute to which the user's code was sent, "" if there was none.
	Proven    string `json:"a,omitempty"`
	Nonce     []byte `json:"o"`
	ExpiresAt int64  `json:"z"` // milliseconds
}

const (
	sessionVersion = 1

	// spentSession labels the hash of a session that was used.
	spentSession keys.Purpose = "sign-up session"
)

// sealSession seals a session for the user. It returns nil unless the client allows
// choice-based sign-in (USER_AUTH).
func (s *Service) sealSession(sn *pool.Snapshot, client *pool.Client, userID string, confirmed bool, proven string) (*string, error) {
	if !client.Allows(idp.AuthFlowTypeUserAuth) {
		return nil, nil
	}
	return s.newSession(sn, client, userID, confirmed, proven)
}

// newSession seals a session for the user.
func (s *Service) newSession(sn *pool.Snapshot, client *pool.Client, userID string, confirmed bool, proven string) (*string, error) {
	session := Session{
		Version: sessionVersion, Pool: sn.ID, Client: client.ID, UserID: userID, Confirmed: confirmed, Proven: proven,
		Nonce: make([]byte, 16), ExpiresAt: s.deps.Now().Add(client.SessionTTL).UnixMilli(),
	}
	rand.Read(session.Nonce)
	body, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	sealed, err := s.deps.Ring.SealToken(keys.TokenSignUp, nil, body)
	if err != nil {
		return nil, fmt.Errorf("registration: session: %w", err)
	}
	return &sealed, nil
}

func invalidSession() error {
	return idp.NotAuthorizedException("Invalid session for the user.").WithReason(api.ReasonBadSession)
}

// OpenSession opens a session of the user. It checks in this order that the session can
// be decoded, is in time, was not used, and belongs to the pool, the client and the
// user. confirmed says which of the two kinds it must be.
func (s *Service) OpenSession(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User, raw string, confirmed bool) (*Session, error) {
	body, err := s.deps.Ring.OpenToken(ctx, keys.TokenSignUp, nil, raw)
	if errors.Is(err, keys.ErrToken) {
		return nil, invalidSession()
	}
	if err != nil {
		return nil, err
	}
	session := &Session{}
	if err := json.Unmarshal(body, session); err != nil || session.Version != sessionVersion {
		return nil, invalidSession()
	}
	if s.deps.Now().UnixMilli() >= session.ExpiresAt {
		return nil, idp.NotAuthorizedException("Invalid session for the user, session is expired.").WithReason(api.ReasonSessionExpired)
	}
	used, err := s.deps.Store.Spent(ctx, session.Pool, s.spentHash(session))
	if err != nil {
		return nil, err
	}
	switch {
	case used:
		return nil, sessionUsed()
	case session.Pool != sn.ID || session.Client != client.ID || session.UserID != u.ID() || session.Confirmed != confirmed:
		return nil, invalidSession()
	}
	return session, nil
}

// sessionUsed returns the error for a session that was used before.
func sessionUsed() error {
	return idp.NotAuthorizedException("Invalid session for the user, session can only be used once.").WithReason(api.ReasonSessionUsed)
}

// SpendSession marks a session as used. Of several transactions that spend one session,
// all but the first get store.ErrSpent.
func (s *Service) SpendSession(ctx context.Context, tx *store.Tx, session *Session) error {
	return tx.Spend(ctx, session.Pool, s.spentHash(session), time.UnixMilli(session.ExpiresAt))
}

func (s *Service) spentHash(session *Session) [32]byte {
	return s.deps.Ring.Hash(spentSession, []byte(session.Pool), session.Nonce)
}
