package user

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/risk"
	"cognate/internal/store"
)

// softwareToken is an authenticator app's share of the user's profile. Both
// secrets are sealed, and bound to the user's row.
type softwareToken struct {
	// Secret is the one that was verified.
	Secret []byte `json:"secret,omitempty"`
	// Pending was associated and not verified yet; Secret works until it is.
	Pending []byte `json:"pending,omitempty"`
	// Name is what the user calls the device.
	Name string `json:"name,omitempty"`
}

func (t *softwareToken) empty() bool { return len(t.Secret) == 0 && len(t.Pending) == 0 }

// HasSoftwareToken tells whether the user has an authenticator app whose codes
// were verified.
func (u *User) HasSoftwareToken() bool { return len(u.softwareToken.Secret) > 0 }

// SoftwareTokenName is what the user calls the device of the authenticator app.
func (u *User) SoftwareTokenName() string { return u.softwareToken.Name }

func softwareTokenAD(poolID, userID string) []byte {
	return []byte("users\x00" + poolID + "\x00" + userID + "\x00totp")
}

// quotaSoftwareToken bounds guesses at VerifySoftwareToken, in an hour.
var quotaSoftwareToken = risk.Quota{Kind: "verify-software-token", Limit: 15}

// errors of the operations on software tokens.

func noSoftwareToken() error {
	return idp.InvalidParameterException("User has not set up software token mfa")
}

func tokenMismatch() error { return idp.EnableSoftwareTokenMFAException("Code mismatch") }

// AssociateSecret keeps a new secret until it is verified, in place of one
// that was not. The verified one works on.
func (e *Edit) AssociateSecret(ctx context.Context, secret []byte) error {
	e.User.softwareToken.Pending = e.s.d.Ring.Seal(keys.PurposeTOTP, softwareTokenAD(e.sn.ID, e.User.ID()), secret)
	return e.put(ctx)
}

// A Verification is the first code of a new authenticator app.
type Verification struct {
	Code string
	// Name is what the user calls the device; it may be "".
	Name string
	// Enable makes the app the preferred second factor as well, as enrolment
	// during a sign-in does.
	Enable bool
}

// VerifySecret makes the pending secret the user's by its first code, which is
// used up by that. A wrong code is counted, and the count is kept.
func (e *Edit) VerifySecret(ctx context.Context, v Verification) error {
	s, userID := e.s, e.User.ID()
	pending := e.User.softwareToken.Pending
	if len(pending) == 0 {
		return noSoftwareToken()
	}
	exceeded, err := quotaSoftwareToken.Count(ctx, e.tx, e.sn.ID, userID, s.d.Now())
	if err != nil {
		return err
	}
	if exceeded {
		return store.CommitWith(idp.EnableSoftwareTokenMFAException("Attempt limit exceeded, please try after some time."))
	}
	step, ok, err := s.matchTOTP(e.sn.ID, userID, pending, v.Code)
	if err != nil {
		return err
	}
	if !ok {
		return store.CommitWith(tokenMismatch())
	}
	err = s.SpendTOTP(ctx, e.tx, e.sn.ID, userID, step)
	if errors.Is(err, store.ErrSpent) {
		return store.CommitWith(tokenMismatch())
	}
	if err != nil {
		return err
	}
	e.User.softwareToken = softwareToken{Secret: pending, Name: v.Name}
	if v.Enable {
		e.User.MFA.enable(FactorTOTP)
		e.User.MFA.Preferred = FactorTOTP
	}
	return e.Save(ctx, AliasExists)
}

// MatchTOTP tells whether a code is of the user's verified secret, and of
// which time step.
func (s *Service) MatchTOTP(u *User, code string) (step int64, ok bool, err error) {
	if !u.HasSoftwareToken() {
		return 0, false, nil
	}
	return s.matchTOTP(u.Rec.PoolID, u.ID(), u.softwareToken.Secret, code)
}

func (s *Service) matchTOTP(poolID, userID string, sealed []byte, code string) (int64, bool, error) {
	secret, err := s.d.Ring.Open(keys.PurposeTOTP, softwareTokenAD(poolID, userID), sealed)
	if err != nil {
		return 0, false, fmt.Errorf("user: software token of %s: %w", userID, err)
	}
	step, ok := keys.MatchTOTP(secret, code, s.d.Machine())
	return step, ok, nil
}

// SameSoftwareToken tells whether the two readings of a user have the same
// verified secret.
func SameSoftwareToken(a, b *User) bool {
	return slices.Equal(a.softwareToken.Secret, b.softwareToken.Secret)
}

// totpStep names a time step of a user among what is spent.
const totpStep keys.Purpose = "totp step"

// SpendTOTP uses a time step up, over all operations and nodes: ErrSpent if it
// was before (RFC 6238 §5.2: a code is accepted once).
func (s *Service) SpendTOTP(ctx context.Context, tx *store.Tx, poolID, userID string, step int64) error {
	return tx.Spend(ctx, poolID, s.totpHash(poolID, userID, step), keys.TOTPStepEnds(step))
}

// TOTPSpent tells whether a time step was used.
func (s *Service) TOTPSpent(ctx context.Context, r *store.Reader, poolID, userID string, step int64) (bool, error) {
	return r.Spent(ctx, poolID, s.totpHash(poolID, userID, step))
}

func (s *Service) totpHash(poolID, userID string, step int64) [32]byte {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(step))
	return s.d.Ring.Hash(totpStep, []byte(poolID), []byte(userID), n[:])
}

// AdminDeleteSoftwareToken takes a user's authenticator app away, and with it
// the second factor. It is no error if there is none.
func (s *Service) AdminDeleteSoftwareToken(ctx context.Context, in *idp.AdminDeleteSoftwareTokenRequest) (*idp.AdminDeleteSoftwareTokenResponse, error) {
	sn, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	err = s.d.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		if e.User.softwareToken.empty() && !slices.Contains(e.User.MFA.Enabled, FactorTOTP) {
			return nil
		}
		e.User.softwareToken = softwareToken{}
		e.User.MFA.disable(FactorTOTP)
		return e.Save(ctx, AliasExists)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return &idp.AdminDeleteSoftwareTokenResponse{}, nil
}
