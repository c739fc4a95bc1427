package user

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
)

// Purposes of codes. A user has at most one live code of each. That which SignUp
// sends is in the user's profile, the others are rows.
const (
	purposeSignUp = "sign-up"
	purposeReset  = "reset-password"
)

// verifyPurpose is that of the code which proves an address.
func verifyPurpose(attr string) string { return "verify " + attr }

const (
	codeDigits = 6
	codeLife   = 24 * time.Hour
	resetLife  = time.Hour
)

func lifeOf(purpose string) time.Duration {
	if purpose == purposeReset {
		return resetLife
	}
	return codeLife
}

// codeHash labels the keyed hash under which codes are stored.
const codeHash keys.Purpose = "verification code"

func (s *Service) hashCode(poolID, userID, purpose, code string) [32]byte {
	return s.deps.Ring.Hash(codeHash, []byte(poolID), []byte(userID), []byte(purpose), []byte(code))
}

// Of Cognito's range of 5 to 20 the password-reset quota takes the upper end, since
// there is no estimate of risk that would let it move. Cognito shares it between
// asking for a code and giving one; here a code has tries of its own, so that
// strangers who ask do not make the owner's code fail.
var (
	quotaResend     = risk.Quota{Kind: "resend-code", Limit: 5}
	quotaReset      = risk.Quota{Kind: "reset-password", Limit: 20}
	quotaChange     = risk.Quota{Kind: "change-password", Limit: 5}
	quotaVerifyCode = risk.Quota{Kind: "attribute-code", Limit: 5}
	quotaVerify     = risk.Quota{Kind: "verify-attribute", Limit: 15}
	// An update may send to any address that a user names, and declares no
	// LimitExceededException; so it has a quota of ours.
	quotaUpdateCode = risk.Quota{Kind: "update-code", Limit: 20}
	// Asking the pool's function about a name that nobody has costs a call.
	quotaMigrate = risk.Quota{Kind: "migrate", Limit: 20}
)

// attempt counts one attempt and refuses what is beyond the quota, before
// anything else is looked at: the right code does not help any more then.
func (s *Service) attempt(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string, q risk.Quota) error {
	exceeded, err := q.Count(ctx, tx, sn.ID, userID, s.deps.Now())
	if err == nil && exceeded {
		return limitExceeded()
	}
	return err
}

// updateQuota bounds the codes that updates send.
func (s *Service) updateQuota(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) error {
	exceeded, err := quotaUpdateCode.Count(ctx, tx, sn.ID, userID, s.deps.Now())
	if err == nil && exceeded {
		return idp.TooManyRequestsException("Too many requests").WithReason(api.ReasonTooManyCodes)
	}
	return err
}

// sendCode makes a new code for the purpose, which ends the one before, and
// puts its message into the outbox. A decoy's code goes nowhere and matches
// nothing.
func (s *Service) sendCode(ctx context.Context, tx *store.Tx, mail *mailing.Batch, u *User, purpose string, d mailing.Delivery) error {
	code, rec := s.newCode(mail.Pool, u, purpose, d)
	if err := s.deps.Mail.CheckDeliverable(mail.Pool, d.Medium); err != nil {
		return err
	}
	if err := s.newTries(ctx, tx, mail.Pool, u.ID(), purpose); err != nil {
		return err
	}
	if err := tx.PutCode(ctx, rec); err != nil {
		return err
	}
	return s.deps.Mail.EnqueueCode(ctx, tx, mail, u.Recipient(mail.Pool), d, code, rec.ExpiresAt)
}

// newCode draws a code and returns it with the record that the store keeps of it.
func (s *Service) newCode(sn *pool.Snapshot, u *User, purpose string, d mailing.Delivery) (code string, rec store.Code) {
	code = keys.NewCode(codeDigits)
	if u.decoy {
		code = "no code " + code // No client can send a blank.
	}
	now := s.deps.Now()
	return code, store.Code{
		PoolID: sn.ID, UserID: u.ID(), Purpose: purpose, Hash: s.hashCode(sn.ID, u.ID(), purpose, code),
		Target: d.Attribute, Value: d.To, CreatedAt: now, ExpiresAt: now.Add(lifeOf(purpose)),
	}
}

func codeMismatch() error {
	return idp.CodeMismatchException("Invalid verification code provided, please try again.")
}

func codeExpired() error {
	return idp.ExpiredCodeException("Invalid code provided, please request a code again.")
}

// checkCode compares a code with the user's live one without spending it. The
// answer of a wrong one is kept: the attempt stays counted.
func (s *Service) checkCode(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, purpose, given string) (store.Code, error) {
	rec, err := tx.Code(ctx, sn.ID, userID, purpose)
	if errors.Is(err, store.ErrNotFound) {
		return store.Code{}, store.CommitWith(codeExpired())
	}
	if err == nil {
		err = s.matchCode(rec, given)
	}
	return rec, err
}

// matchCode judges what was given for a code.
func (s *Service) matchCode(rec store.Code, given string) error {
	right := s.isCode(rec, given)
	switch {
	case !s.deps.Now().Before(rec.ExpiresAt):
		return store.CommitWith(codeExpired())
	case !right:
		return store.CommitWith(codeMismatch())
	}
	return nil
}

// isCode reports whether the text is the code of the record, however old.
func (s *Service) isCode(rec store.Code, given string) bool {
	hash := s.hashCode(rec.PoolID, rec.UserID, rec.Purpose, given)
	return subtle.ConstantTimeCompare(hash[:], rec.Hash[:]) == 1
}

// takeSignUpCode checks and spends the code that confirms the user. SignUp put it
// into the profile, where the row is compared and set; a later one is a row of its
// own and takes its place. Where the client hides who exists, only who has the right
// code learns that it is too old: a name that nobody has never had one.
func (s *Service) takeSignUpCode(ctx context.Context, tx *store.Tx, u *User, given string, hides bool) (store.Code, error) {
	rec, err := tx.Code(ctx, u.Rec.PoolID, u.ID(), purposeSignUp)
	sentAgain := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rec, err
	}
	if !sentAgain && u.signUpCode != nil {
		rec = *u.signUpCode
	}
	switch right := s.isCode(rec, given); {
	case !right && hides:
		return rec, store.CommitWith(codeMismatch())
	case !sentAgain && u.signUpCode == nil:
		return rec, store.CommitWith(codeExpired())
	}
	if err := s.matchCode(rec, given); err != nil {
		return rec, err
	}
	u.signUpCode = nil
	if sentAgain {
		return rec, s.spendCode(ctx, tx, rec)
	}
	return rec, nil
}

// spendCode uses a checked code up. Whoever comes second finds it expired.
func (s *Service) spendCode(ctx context.Context, tx *store.Tx, rec store.Code) error {
	spent, err := tx.SpendCode(ctx, rec.PoolID, rec.UserID, rec.Purpose, rec.Hash)
	if err == nil && !spent {
		return store.CommitWith(codeExpired())
	}
	return err
}
