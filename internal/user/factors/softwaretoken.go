package factors

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/user"
)

func softwareTokenAD(poolID, userID string) []byte {
	return []byte("users\x00" + poolID + "\x00" + userID + "\x00totp")
}

// quotaSoftwareToken bounds guesses at VerifySoftwareToken, in an hour.
var quotaSoftwareToken = risk.Quota{Kind: "verify-software-token", Limit: 15}

func noSoftwareToken() error {
	return idp.InvalidParameterException("User has not set up software token mfa")
}

func tokenMismatch() error { return idp.EnableSoftwareTokenMFAException("Code mismatch") }

// AssociateSecret stores a new secret until it is verified. It replaces another secret that
// is not verified. The verified secret stays valid.
func (s *Service) AssociateSecret(ctx context.Context, e *user.Edit, secret []byte) error {
	e.User.SoftwareToken.Pending = s.deps.Ring.Seal(keys.PurposeTOTP, softwareTokenAD(e.User.Rec.PoolID, e.User.ID()), secret)
	return e.Put(ctx)
}

// AssociateError returns what AssociateSoftwareToken answers to an error. Errors that it does not declare become others of
// the same sense.
func AssociateError(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return idp.ConcurrentModificationException("The user was changed at the same time.").WithCause(err)
	}
	if e, ok := errors.AsType[*api.Error](err); ok {
		switch e.Code {
		case "UserNotFoundException", "PasswordResetRequiredException", "UserNotConfirmedException":
			return idp.NotAuthorizedException(e.Message).WithReason(api.ReasonOf(err)).WithCause(err)
		}
	}
	return err
}

// A Verification is the first code of a new authenticator app.
type Verification struct {
	Code string
	// Name is the user's name for the device. It may be "".
	Name string
	// Enable also makes the app the preferred second factor, as enrolment during a sign-in
	// does.
	Enable bool
}

// VerifySecret verifies the pending secret by its first code, and spends the code. A wrong
// code stays counted, because its error commits the transaction.
func (s *Service) VerifySecret(ctx context.Context, tx *store.Tx, e *user.Edit, v Verification) error {
	poolID, userID := e.User.Rec.PoolID, e.User.ID()
	pending := e.User.SoftwareToken.Pending
	if len(pending) == 0 {
		return noSoftwareToken()
	}
	exceeded, err := quotaSoftwareToken.Count(ctx, tx, poolID, userID, s.deps.Now())
	if err != nil {
		return err
	}
	if exceeded {
		return store.CommitWith(idp.EnableSoftwareTokenMFAException("Attempt limit exceeded, please try after some time."))
	}
	step, ok, err := s.matchTOTP(poolID, userID, pending, v.Code)
	if err != nil {
		return err
	}
	if !ok {
		return store.CommitWith(tokenMismatch())
	}
	err = s.SpendTOTP(ctx, tx, poolID, userID, step)
	if errors.Is(err, store.ErrSpent) {
		return store.CommitWith(tokenMismatch())
	}
	if err != nil {
		return err
	}
	e.User.SoftwareToken = user.SoftwareToken{Secret: pending, Name: v.Name}
	if v.Enable {
		e.User.MFA.Enable(user.FactorTOTP)
		e.User.MFA.Preferred = user.FactorTOTP
	}
	return e.Save(ctx, user.AliasExists)
}

// MatchTOTP reports whether a code belongs to the user's verified secret, and returns its
// time step.
func (s *Service) MatchTOTP(u *user.User, code string) (step int64, ok bool, err error) {
	if !u.HasSoftwareToken() {
		return 0, false, nil
	}
	return s.matchTOTP(u.Rec.PoolID, u.ID(), u.SoftwareToken.Secret, code)
}

func (s *Service) matchTOTP(poolID, userID string, sealed []byte, code string) (int64, bool, error) {
	secret, err := s.deps.Ring.Open(keys.PurposeTOTP, softwareTokenAD(poolID, userID), sealed)
	if err != nil {
		return 0, false, fmt.Errorf("factors: software token of %s: %w", userID, err)
	}
	step, ok := keys.MatchTOTP(secret, code, s.deps.Machine())
	return step, ok, nil
}

// totpStep labels the hash of a spent time step.
const totpStep keys.Purpose = "totp step"

// SpendTOTP marks a time step as used, for all operations and nodes. It returns ErrSpent if
// the step was used before (RFC 6238 §5.2: a code is accepted once).
func (s *Service) SpendTOTP(ctx context.Context, tx *store.Tx, poolID, userID string, step int64) error {
	return tx.Spend(ctx, poolID, s.totpHash(poolID, userID, step), keys.TOTPStepEnds(step))
}

// RedeemTOTP spends a time step of the user's software token. It returns store.ErrSpent if the
// step was used before. It returns store.ErrNotFound if the user is gone, is disabled, or no
// longer has this token.
func (s *Service) RedeemTOTP(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User, step int64) error {
	used, err := tx.Spent(ctx, sn.ID, s.totpHash(sn.ID, u.ID(), step))
	switch {
	case err != nil:
		return err
	case used:
		return store.ErrSpent
	}
	rec, err := tx.User(ctx, sn.ID, u.ID())
	if err != nil {
		return err
	}
	now, err := user.FromRecord(sn, rec)
	if err != nil {
		return err
	}
	if !now.Rec.Enabled || !user.SameSoftwareToken(now, u) { // Changed since the code was checked.
		return store.ErrNotFound
	}
	return s.SpendTOTP(ctx, tx, sn.ID, u.ID(), step)
}

func (s *Service) totpHash(poolID, userID string, step int64) [32]byte {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(step))
	return s.deps.Ring.Hash(totpStep, []byte(poolID), []byte(userID), n[:])
}

// AdminDeleteSoftwareToken deletes a user's authenticator app, and with it the second
// factor. It succeeds if the user has no app.
func (s *Service) AdminDeleteSoftwareToken(ctx context.Context, in *idp.AdminDeleteSoftwareTokenRequest) (*idp.AdminDeleteSoftwareTokenResponse, error) {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		if e.User.SoftwareToken.Empty() && !slices.Contains(e.User.MFA.Enabled, user.FactorTOTP) {
			return nil
		}
		e.User.SoftwareToken = user.SoftwareToken{}
		e.User.MFA.Disable(user.FactorTOTP)
		return e.Save(ctx, user.AliasExists)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return &idp.AdminDeleteSoftwareTokenResponse{}, nil
}
