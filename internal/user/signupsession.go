package user

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
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// A SignUpSession lets a user who has just signed up go on without proving
// anything twice. SignUp returns one. ConfirmSignUp takes it and returns another,
// which signs the user in (Cognito: USER_AUTH with the Session of ConfirmSignUp).
// It travels sealed with the client and works once.
type SignUpSession struct {
	Version int    `json:"v"`
	Pool    string `json:"p"`
	Client  string `json:"c"`
	UserID  string `json:"u"`
	// Confirmed sessions sign in, others can be confirmed.
	Confirmed bool `json:"f,omitempty"`
	// Proven is the attribute to which the code went that was given; "" if none.
	Proven    string `json:"a,omitempty"`
	Nonce     []byte `json:"o"`
	ExpiresAt int64  `json:"z"` // milliseconds
}

const (
	signUpSessionVersion = 1

	signUpSpent keys.Purpose = "sign-up session"
)

// signUpSession seals a session for the user, if the client's people may choose
// how they sign in; nil if not.
func (s *Service) signUpSession(sn *pool.Snapshot, client *pool.Client, userID string, confirmed bool, proven string) (*string, error) {
	if !client.Allows(idp.AuthFlowTypeUserAuth) {
		return nil, nil
	}
	session := SignUpSession{
		Version: signUpSessionVersion, Pool: sn.ID, Client: client.ID, UserID: userID, Confirmed: confirmed, Proven: proven,
		Nonce: make([]byte, 16), ExpiresAt: s.deps.Now().Add(client.SessionTTL).UnixMilli(),
	}
	rand.Read(session.Nonce)
	body, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	sealed, err := s.deps.Ring.SealToken(keys.TokenSignUp, nil, body)
	if err != nil {
		return nil, fmt.Errorf("user: sign-up session: %w", err)
	}
	return &sealed, nil
}

func invalidSession() error {
	return idp.NotAuthorizedException("Invalid session for the user.").WithReason(api.ReasonBadSession)
}

// OpenSignUp opens a session of the user: decoded, in time, unused, then bound.
// confirmed tells which of the two kinds it must be.
func (s *Service) OpenSignUp(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, raw string, confirmed bool) (*SignUpSession, error) {
	body, err := s.deps.Ring.OpenToken(ctx, keys.TokenSignUp, nil, raw)
	if errors.Is(err, keys.ErrToken) {
		return nil, invalidSession()
	}
	if err != nil {
		return nil, err
	}
	session := &SignUpSession{}
	if err := json.Unmarshal(body, session); err != nil || session.Version != signUpSessionVersion {
		return nil, invalidSession()
	}
	if s.deps.Now().UnixMilli() >= session.ExpiresAt {
		return nil, idp.NotAuthorizedException("Invalid session for the user, session is expired.").WithReason(api.ReasonSessionExpired)
	}
	used, err := s.deps.Store.Spent(ctx, session.Pool, s.signUpHash(session))
	if err != nil {
		return nil, err
	}
	switch {
	case used:
		return nil, SessionUsed()
	case session.Pool != sn.ID || session.Client != client.ID || session.UserID != u.ID() || session.Confirmed != confirmed:
		return nil, invalidSession()
	}
	return session, nil
}

// SessionUsed is the answer to a session that comes again.
func SessionUsed() error {
	return idp.NotAuthorizedException("Invalid session for the user, session can only be used once.").WithReason(api.ReasonSessionUsed)
}

// SpendSignUp uses a session up; store.ErrSpent for all but one that try.
func (s *Service) SpendSignUp(ctx context.Context, tx *store.Tx, session *SignUpSession) error {
	return tx.Spend(ctx, session.Pool, s.signUpHash(session), time.UnixMilli(session.ExpiresAt))
}

func (s *Service) signUpHash(session *SignUpSession) [32]byte {
	return s.deps.Ring.Hash(signUpSpent, []byte(session.Pool), session.Nonce)
}

// passwordless reports whether the user can be without a password: codes to one of
// the addresses are a way to sign in.
func passwordless(sn *pool.Snapshot, usable func(attr string) bool) bool {
	return sn.AllowsFirstFactor(idp.AuthFactorTypeEmailOtp) && usable(schema.Email) ||
		sn.AllowsFirstFactor(idp.AuthFactorTypeSmsOtp) && usable(schema.PhoneNumber)
}
