package codes

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Purposes of codes. A user has at most one live code of each. The code that SignUp
// sends is in the user's profile, all others are rows.
const (
	PurposeSignUp        = "sign-up"
	PurposeResetPassword = "reset-password"
)

// PurposeVerify returns the purpose of the code that proves an address: the value of
// attr.
func PurposeVerify(attr string) string { return "verify " + attr }

const (
	codeDigits = 6
	codeLife   = 24 * time.Hour
	resetLife  = time.Hour
)

func lifeOf(purpose string) time.Duration {
	if purpose == PurposeResetPassword {
		return resetLife
	}
	return codeLife
}

// codeHash labels the keyed hash under which codes are stored.
const codeHash keys.Purpose = "verification code"

func (s *Service) hash(poolID, userID, purpose, code string) [32]byte {
	return s.deps.Ring.Hash(codeHash, []byte(poolID), []byte(userID), []byte(purpose), []byte(code))
}

// New draws a code and returns it with the record that recognizes it. The code of a
// recipient who does not exist matches no answer.
func (s *Service) New(sn *pool.Snapshot, to mailing.Recipient, purpose string, d mailing.Delivery) (code string, rec store.Code) {
	code = s.deps.Mail.NewCode(codeDigits)
	if to.Nowhere {
		code = "no code " + code // No client can send a blank.
	}
	now := s.deps.Now()
	return code, store.Code{
		PoolID: sn.ID, UserID: to.UserID, Purpose: purpose, Hash: s.hash(sn.ID, to.UserID, purpose, code),
		Target: d.Attribute, Value: d.To, CreatedAt: now, ExpiresAt: now.Add(lifeOf(purpose)),
	}
}

// Send draws a new code for the purpose, which replaces the previous one, and puts
// its message into the outbox. The code of a recipient who does not exist is sent
// nowhere and matches no answer.
func (s *Service) Send(ctx context.Context, tx *store.Tx, mail *mailing.Batch, to mailing.Recipient, purpose string, d mailing.Delivery) error {
	code, rec := s.New(mail.Pool, to, purpose, d)
	if err := s.deps.Mail.CheckDeliverable(mail.Pool, d.Medium); err != nil {
		return err
	}
	if err := resetTries(ctx, tx, mail.Pool, to.UserID, purpose); err != nil {
		return err
	}
	if err := tx.PutCode(ctx, rec); err != nil {
		return err
	}
	return s.deps.Mail.EnqueueCode(ctx, tx, mail, to, d, code, rec.ExpiresAt)
}

// Mismatch returns the error for a wrong code.
func Mismatch() error {
	return idp.CodeMismatchException("Invalid verification code provided, please try again.")
}

// Expired returns the error for a code that is too old, was replaced or was spent.
func Expired() error {
	return idp.ExpiredCodeException("Invalid code provided, please request a code again.")
}

// Check compares an answer with the user's live code and does not spend the code.
// The error for a wrong answer commits the transaction: the attempt stays counted.
func (s *Service) Check(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, purpose, answer string) (store.Code, error) {
	rec, err := tx.Code(ctx, sn.ID, userID, purpose)
	if errors.Is(err, store.ErrNotFound) {
		return store.Code{}, store.CommitWith(Expired())
	}
	if err == nil {
		err = s.Match(rec, answer)
	}
	return rec, err
}

// Match compares an answer with the code of the record. Its errors commit the
// transaction.
func (s *Service) Match(rec store.Code, answer string) error {
	matches := s.IsCode(rec, answer)
	switch {
	case !s.deps.Now().Before(rec.ExpiresAt):
		return store.CommitWith(Expired())
	case !matches:
		return store.CommitWith(Mismatch())
	}
	return nil
}

// IsCode reports whether the answer is the code of the record, even an expired one.
func (s *Service) IsCode(rec store.Code, answer string) bool {
	hash := s.hash(rec.PoolID, rec.UserID, rec.Purpose, answer)
	return subtle.ConstantTimeCompare(hash[:], rec.Hash[:]) == 1
}

// Spend deletes the row of a checked code. Of several transactions that spend one
// code, all but the first find it expired.
func Spend(ctx context.Context, tx *store.Tx, rec store.Code) error {
	spent, err := tx.SpendCode(ctx, rec.PoolID, rec.UserID, rec.Purpose, rec.Hash)
	if err == nil && !spent {
		return store.CommitWith(Expired())
	}
	return err
}
