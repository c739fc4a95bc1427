package user

import (
	"context"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
)

// A code that anybody may ask for and answer has tries of its own: strangers use up
// neither the next code's tries nor, by asking for codes, those of this one. How
// many codes can be guessed at is the number of codes that are sent times tries;
// wrong answers of a day end the sending of more codes. A known place has codes and
// tries of its own beside those of strangers.

// tries is how many wrong answers a code takes, in its life.
type tries struct {
	kind  string
	limit int
	life  time.Duration
}

var (
	triesSignUp = tries{"confirm-sign-up", 15, codeLife}
	triesReset  = tries{"reset-password-tries", 5, resetLife}
)

// wrongCodes is after how many wrong answers to codes in a day strangers cannot
// have another code sent (NIST SP 800-63B §3.2.2: at most 100 failed attempts).
const (
	wrongCodes       = 100
	wrongCodesKind   = "wrong-codes"
	wrongCodesWindow = 24 * time.Hour
)

func limitExceeded() error {
	return idp.LimitExceededException("Attempt limit exceeded, please try after some time.").WithReason(api.ReasonTooManyAttempts)
}

// newTries begins the tries of a new code.
func (s *Service) newTries(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, purpose string) error {
	for p, t := range map[string]tries{purposeSignUp: triesSignUp, purposeReset: triesReset} {
		if p == purpose {
			return tx.ResetCounter(ctx, sn.ID, userID, t.kind)
		}
	}
	return nil
}

// judge counts what was given for a code and returns the answer: verdict, or
// LimitExceededException where the code has no tries left. A right answer looks at
// the count, too, and waits for the answers that are counted at the same time.
func (s *Service) judge(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, t tries, verdict error) error {
	wrong := 0
	if verdict != nil {
		if !store.Commits(verdict) {
			return verdict
		}
		wrong = 1
	}
	over := func(kind string) (bool, error) {
		n, _, err := tx.Count(ctx, sn.ID, u.ID(), kind, s.deps.Now(), t.life, wrong)
		return n+1-wrong > t.limit, err
	}
	exceeded, err := over(t.kind)
	if err == nil && exceeded {
		err = s.atPlace(ctx, tx, sn, u, callerOf(ctx), func(place string) (bool, error) { return over(t.kind + "/" + place) })
	}
	if err == nil && wrong == 1 {
		_, _, err = tx.Count(ctx, sn.ID, u.ID(), wrongCodesKind, s.deps.Now(), wrongCodesWindow, 1)
	}
	if err != nil {
		return err
	}
	return verdict
}

// mayAsk counts a request for a code, which anybody can make, and refuses what is
// beyond the quota.
func (s *Service) mayAsk(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, q risk.Quota, from Caller) error {
	exceeded, err := q.Count(ctx, tx, sn.ID, u.ID(), s.deps.Now())
	if judged := q == quotaReset || q == quotaResend; err == nil && !exceeded && judged {
		var wrong int
		wrong, err = tx.Counter(ctx, sn.ID, u.ID(), wrongCodesKind, s.deps.Now())
		exceeded = wrong >= wrongCodes
	}
	if err != nil || !exceeded {
		return err
	}
	return s.atPlace(ctx, tx, sn, u, from, func(place string) (bool, error) {
		return risk.Quota{Kind: q.Kind + "/" + place, Limit: q.Limit}.Count(ctx, tx, sn.ID, u.ID(), s.deps.Now())
	})
}

// atPlace returns LimitExceededException unless the call comes from a place where
// the user is known and which is not over its own limit.
func (s *Service) atPlace(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, from Caller, over func(place string) (bool, error)) error {
	place, err := s.Place(ctx, &tx.Reader, sn, u, from)
	if err != nil {
		return err
	}
	if place == "" {
		return limitExceeded()
	}
	exceeded, err := over(place)
	if err == nil && exceeded {
		err = limitExceeded()
	}
	return err
}
