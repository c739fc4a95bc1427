// Package codes has the rules of one-time codes in a sign-in: what a code is bound to, how
// often it may be guessed, and which code is the newest. It does not send codes.
package codes

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// Tries is how many codes one session takes. With the quota of codes sent it bounds how
// often a user's codes can be guessed.
const Tries = 10

// ErrTries says that a session has no tries left.
var ErrTries = errors.New("codes: no tries left")

// A Code is the code that a session waits for. It is part of a sealed state.
type Code struct {
	Hash []byte `json:"h"`
	// Attribute is where the code went, Target the hash of its value then.
	Attribute string `json:"a"`
	Target    []byte `json:"t"`
	// Enrol is the address itself if the user does not have it yet: the code makes
	// it a second factor.
	Enrol string `json:"e,omitempty"`
}

const (
	codeHash   keys.Purpose = "sign-in code"
	targetHash keys.Purpose = "sign-in code target"
)

// An Attempt is the sign-in that a code belongs to.
type Attempt struct {
	Pool, User, Event string
	Nonce             []byte        // of the session
	Life              time.Duration // of the session
	// ByPassword says that a password was passed before: the code is a second factor.
	ByPassword bool
}

// Deps are what the service is built from.
type Deps struct {
	Ring *keys.Ring
	Now  func() time.Time
}

// Service judges codes.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// Hash returns the hash of a code, bound to the attempt: no other attempt has its event id.
func (s *Service) Hash(a Attempt, code string) []byte {
	h := s.deps.Ring.Hash(codeHash, []byte(a.Pool), []byte(a.User), []byte(a.Event), []byte(code))
	return h[:]
}

// TargetHash returns the hash of the address to which a code was sent.
func (s *Service) TargetHash(a Attempt, address string) []byte {
	h := s.deps.Ring.Hash(targetHash, []byte(a.Pool), []byte(a.User), []byte(address))
	return h[:]
}

// Right reports whether the given code is the one that the session waits for. address is
// the user's current address.
func (s *Service) Right(a Attempt, c *Code, given, address string) bool {
	return subtle.ConstantTimeCompare(s.Hash(a, given), c.Hash) == 1 &&
		subtle.ConstantTimeCompare(s.TargetHash(a, address), c.Target) == 1
}

// A code has few digits, so only the limits on guesses protect it. The counts are rows
// of the transaction that judges the guess. A restart does not reset them, and
// concurrent guesses wait for each other, on any number of nodes.

// guessLimits bound the wrong second factors of a user, over all sessions and factors.
// The password was proven before.
var guessLimits = [...]struct {
	kind   string
	window time.Duration
	limit  int
}{
	{"wrong second factors, hour", time.Hour, 20},
	{"wrong second factors, day", 24 * time.Hour, 60},
}

// CountTry counts a guess. It returns ErrTries if the session has no tries left, and an
// exception if the user has too many wrong guesses. A count outlives its session by
// store.SpentRoom, so that nodes whose clocks differ by minutes share one count.
func (s *Service) CountTry(ctx context.Context, tx *store.Tx, a Attempt, right bool) error {
	tries, _, err := tx.Count(ctx, a.Pool, hex.EncodeToString(a.Nonce), "sign-in code", s.deps.Now(), a.Life+store.SpentRoom, 1)
	if err != nil {
		return err
	}
	if tries > Tries {
		return ErrTries
	}
	if !a.ByPassword {
		return nil // Anyone could use up the user's limit without knowing a password.
	}
	wrong := 1
	if right {
		wrong = 0 // Reads the count, and waits for concurrent guesses.
	}
	for _, l := range guessLimits {
		n, _, err := tx.Count(ctx, a.Pool, a.User, l.kind, s.deps.Now(), l.window, wrong)
		if err != nil {
			return err
		}
		if n+1-wrong > l.limit {
			return store.CommitWith(idp.NotAuthorizedException("Code attempts exceeded").WithReason(api.ReasonTooManyAttempts))
		}
	}
	return nil
}

// newest returns the purpose of the row for a user's newest code of a second factor.
func newest(attr string) string { return "second factor " + attr }

// PutNewest stores the code as the newest code of a second factor, so that older codes are
// refused. Codes of a first factor stay valid: anyone could replace them by asking for others.
func (s *Service) PutNewest(ctx context.Context, tx *store.Tx, a Attempt, c *Code, ends time.Time) error {
	if !a.ByPassword {
		return nil
	}
	return tx.PutCode(ctx, store.Code{
		PoolID: a.Pool, UserID: a.User, Purpose: newest(c.Attribute), Hash: [32]byte(c.Hash), CreatedAt: s.deps.Now(), ExpiresAt: ends,
	})
}

// SpendNewest spends the code. It reports false if a newer code has replaced it.
func (s *Service) SpendNewest(ctx context.Context, tx *store.Tx, a Attempt, c *Code) (bool, error) {
	if !a.ByPassword {
		return true, nil
	}
	return tx.SpendCode(ctx, a.Pool, a.User, newest(c.Attribute), [32]byte(c.Hash))
}
