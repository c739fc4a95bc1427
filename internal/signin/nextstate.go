package signin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// amazon-cognito-identity-js answers DEVICE_SRP_AUTH, where it comes after the
// code of a second factor, with the Session that the code was given with
// (sendMFACode takes no other). That Session is spent and proves nothing any
// more, but it leads to the state that followed it: for this one challenge, for
// the same client of the same pool, and until that state is used or expires,
// whichever of the two Sessions it is used by.

// mayLeadToDevice reports whether the challenge is one of those whose Session is shown again.
func mayLeadToDevice(name idp.ChallengeNameType) bool {
	return name == idp.ChallengeNameTypeSmsMfa || name == idp.ChallengeNameTypeSoftwareTokenMfa
}

// nextStateHash names the row of what followed a state. It differs from the
// names of the states themselves.
func (s *Service) nextStateHash(st *state) [32]byte {
	return s.ring.Hash("device after second factor", []byte(st.Pool), st.Nonce)
}

// storeNextState stores the state that followed the Session which the call has
// spent. No quota counts it: only a right code comes here, once for each code.
func (s *Service) storeNextState(ctx context.Context, c *call, next *state) error {
	if c.response == nil || !mayLeadToDevice(c.response.name) {
		return nil
	}
	body, err := next.marshal()
	if err != nil {
		return err
	}
	hash := s.nextStateHash(c.response.state)
	row := store.SignInState{
		PoolID: next.Pool, UserID: next.UserID, Hash: hash, ExpiresAt: time.UnixMilli(next.ExpiresAt),
		Sealed: s.ring.Seal(keys.PurposeSignInState, storedAD(next.Pool, next.UserID, hash), body),
	}
	c.onCommit(func(tx *store.Tx) error { return tx.InsertSignInState(ctx, row) })
	return nil
}

// openDeviceSession opens the Session of DEVICE_SRP_AUTH, or the one before.
func (s *Service) openDeviceSession(ctx context.Context, c *call, name idp.ChallengeNameType, session string) (*state, error) {
	st, err := s.unsealSession(ctx, session)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(st.Expect, mayLeadToDevice) && st.Pool == c.pool.ID && st.Client == c.client.ID {
		if st, err = s.openNextState(ctx, st); err != nil {
			return nil, err
		}
	}
	return st, s.admit(ctx, c, name, st)
}

// openNextState returns the state that followed the shown one, or the shown one.
func (s *Service) openNextState(ctx context.Context, shown *state) (*state, error) {
	hash := s.nextStateHash(shown)
	rec, err := s.store.SignInState(ctx, shown.Pool, shown.UserID, hash)
	if errors.Is(err, store.ErrNotFound) {
		return shown, nil
	}
	if err != nil {
		return nil, err
	}
	body, err := s.ring.Open(keys.PurposeSignInState, storedAD(rec.PoolID, rec.UserID, hash), rec.Sealed)
	if err != nil {
		return nil, fmt.Errorf("signin: state after a second factor: %w", err)
	}
	st, err := parseState(body)
	if err != nil || st.UserID != shown.UserID || st.EventID != shown.EventID {
		return nil, fmt.Errorf("signin: state after a second factor of %s: %w", shown.UserID, errState)
	}
	st.fromStore = true // Where it was too long for its Session, it has a row of its own.
	return st, nil
}
