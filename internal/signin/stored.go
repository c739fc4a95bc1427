package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A state that is too long for a Session (Cognito: SessionType, 2,048 characters)
// waits in the store, sealed, and the Session is a reference to it. Only a custom
// challenge whose function has much to remember comes to that.

const (
	// maxStored is the longest state, in bytes, that is kept.
	maxStoredSize = 32 << 10
	// maxKept is how many sign-ins of one name can have their state in the store.
	maxStoredStates = 64
)

func storedAD(poolID, userID string, hash [32]byte) []byte {
	return []byte("sign_in_states\x00" + poolID + "\x00" + userID + "\x00" + string(hash[:]))
}

// sealReference seals what stands for the state in a Session. The state itself
// is stored by the next commit of the call.
func (s *Service) sealReference(c *call, st *state, body []byte) (string, error) {
	if len(body) > maxStoredSize {
		return "", terminalError{idp.InvalidLambdaResponseException("The parameters and the metadata of the challenge are too long.")}
	}
	hash := s.spentHash(st)
	c.storedStates = append(c.storedStates, store.SignInState{
		PoolID: st.Pool, UserID: st.UserID, Hash: hash, ExpiresAt: time.UnixMilli(st.ExpiresAt),
		Sealed: s.ring.Seal(keys.PurposeSignInState, storedAD(st.Pool, st.UserID, hash), body),
	})
	reference, err := (&state{
		Version: stateVersion, Pool: st.Pool, UserID: st.UserID, Expect: st.Expect, Nonce: st.Nonce, IssuedAt: st.IssuedAt, ExpiresAt: st.ExpiresAt, Stored: true,
	}).marshal()
	if err != nil {
		return "", err
	}
	return s.ring.SealToken(keys.TokenSession, nil, reference)
}

// storeStates stores the states that the step of the call sealed references to.
func (s *Service) storeStates(ctx context.Context, tx *store.Tx, c *call) error {
	for _, st := range c.storedStates {
		if err := tx.Turn(ctx, st.PoolID, "sign-in states "+st.UserID); err != nil {
			return err
		}
		n, err := tx.CountSignInStates(ctx, st.PoolID, st.UserID, s.now())
		if err != nil {
			return err
		}
		if n >= maxStoredStates {
			return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonQuota)
		}
		if err := tx.InsertSignInState(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// unsealSession returns the state of a Session, wherever it is.
func (s *Service) unsealSession(ctx context.Context, session string) (*state, error) {
	body, err := s.ring.OpenToken(ctx, keys.TokenSession, nil, session)
	if errors.Is(err, keys.ErrToken) {
		return nil, invalidSession()
	}
	if err != nil {
		return nil, err
	}
	st, err := parseState(body)
	if err != nil {
		return nil, invalidSession()
	}
	if st.Stored {
		return s.fetchState(ctx, st)
	}
	return st, nil
}

// fetchState reads the state that a reference means. One that was used is gone,
// but is known among the spent ones.
func (s *Service) fetchState(ctx context.Context, reference *state) (*state, error) {
	if s.now().UnixMilli() >= reference.ExpiresAt {
		return nil, expiredSession()
	}
	hash := s.spentHash(reference)
	rec, err := s.store.SignInState(ctx, reference.Pool, reference.UserID, hash)
	if errors.Is(err, store.ErrNotFound) {
		used, err := s.store.Spent(ctx, reference.Pool, hash)
		switch {
		case err != nil:
			return nil, err
		case used:
			return nil, reference.used()
		}
		return nil, invalidSession().WithReason(api.ReasonUnknownUser) // It was deleted.
	}
	if err != nil {
		return nil, err
	}
	body, err := s.ring.Open(keys.PurposeSignInState, storedAD(rec.PoolID, rec.UserID, hash), rec.Sealed)
	if err != nil {
		return nil, fmt.Errorf("signin: stored state: %w", err)
	}
	st, err := parseState(body)
	if err != nil || subtle.ConstantTimeCompare(st.Nonce, reference.Nonce) != 1 {
		return nil, fmt.Errorf("signin: stored state of %s: %w", reference.UserID, errState)
	}
	st.fromStore = true
	return st, nil
}
