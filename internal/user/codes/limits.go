package codes

import (
	"context"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
)

// Anybody can ask for some codes and answer them. Such a code has tries of its own,
// which start with the code. So a stranger's wrong answers do not use up the tries of
// the next code, and a stranger's requests do not use up the tries of this one. An
// attacker has as many guesses as codes are sent, times their tries. Therefore the
// wrong answers of a day stop the sending of more codes. A known place of the user has
// requests and tries of its own beside those of strangers.

// Quotas of requests for codes. Cognito's range for password resets is 5 to 20. The
// quota is the upper end, because there is no estimate of risk by which it could vary.
// Cognito counts requests and answers together. Here each code has tries of its own,
// so that requests of strangers do not make the owner's code fail.
var (
	QuotaResend     = risk.Quota{Kind: "resend-code", Limit: 5}
	QuotaReset      = risk.Quota{Kind: "reset-password", Limit: 20}
	QuotaVerifyCode = risk.Quota{Kind: "attribute-code", Limit: 5}
	QuotaVerify     = risk.Quota{Kind: "verify-attribute", Limit: 15}
	// QuotaUpdate is ours: an update can send a code to any address that the user
	// names, and the operation does not declare LimitExceededException.
	QuotaUpdate = risk.Quota{Kind: "update-code", Limit: 20}
)

// Tries is how many wrong answers a code accepts in its life.
type Tries struct {
	kind  string
	Limit int
	life  time.Duration
}

// Tries of the codes that anybody can ask for.
var (
	TriesSignUp        = Tries{"confirm-sign-up", 15, codeLife}
	TriesResetPassword = Tries{"reset-password-tries", 5, resetLife}
)

// WrongAnswers is the number of wrong answers to a user's codes in a day after which
// strangers cannot have another code sent (NIST SP 800-63B §3.2.2: at most 100 failed
// attempts).
const WrongAnswers = 100

const (
	wrongAnswersKind   = "wrong-codes"
	wrongAnswersWindow = 24 * time.Hour
)

// Place names the known place of the user that a request comes from, "" if it comes
// from none. It is called only if the limits of strangers are reached.
type Place func(ctx context.Context) (string, error)

// LimitExceeded returns the error for too many attempts.
func LimitExceeded() error {
	return idp.LimitExceededException("Attempt limit exceeded, please try after some time.").WithReason(api.ReasonTooManyAttempts)
}

// CountAttempt counts an attempt and rejects it if it exceeds the quota. Callers count
// before all other checks: beyond the quota even the right answer is rejected.
func (s *Service) CountAttempt(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string, q risk.Quota) error {
	exceeded, err := q.Count(ctx, tx, sn.ID, userID, s.deps.Now())
	if err == nil && exceeded {
		return LimitExceeded()
	}
	return err
}

// CountUpdate counts a code that an update of the attributes sends.
func (s *Service) CountUpdate(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) error {
	exceeded, err := QuotaUpdate.Count(ctx, tx, sn.ID, userID, s.deps.Now())
	if err == nil && exceeded {
		return idp.TooManyRequestsException("Too many requests").WithReason(api.ReasonTooManyCodes)
	}
	return err
}

// resetTries starts the tries of a new code.
func resetTries(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID, purpose string) error {
	for p, t := range map[string]Tries{PurposeSignUp: TriesSignUp, PurposeResetPassword: TriesResetPassword} {
		if p == purpose {
			return tx.ResetCounter(ctx, sn.ID, userID, t.kind)
		}
	}
	return nil
}

// CountAnswer counts an answer to a code. It returns verdict, which is nil for the
// right code, or LimitExceededException if the code has no tries left. A right answer
// reads the count too, and waits for the answers that are counted at the same time.
func (s *Service) CountAnswer(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string, t Tries, verdict error, place Place) error {
	wrong := 0
	if verdict != nil {
		if !store.Commits(verdict) {
			return verdict
		}
		wrong = 1
	}
	count := func(kind string) (exceeded bool, err error) {
		n, _, err := tx.Count(ctx, sn.ID, userID, kind, s.deps.Now(), t.life, wrong)
		return n+1-wrong > t.Limit, err
	}
	exceeded, err := count(t.kind)
	if err == nil && exceeded {
		err = countAtPlace(ctx, place, func(place string) (bool, error) { return count(t.kind + "/" + place) })
	}
	if err == nil && wrong == 1 {
		_, _, err = tx.Count(ctx, sn.ID, userID, wrongAnswersKind, s.deps.Now(), wrongAnswersWindow, 1)
	}
	if err != nil {
		return err
	}
	return verdict
}

// CountRequest counts a request for a code that anybody can make, and rejects it if it
// exceeds the quota.
func (s *Service) CountRequest(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string, q risk.Quota, place Place) error {
	exceeded, err := q.Count(ctx, tx, sn.ID, userID, s.deps.Now())
	if hasTries := q == QuotaReset || q == QuotaResend; err == nil && !exceeded && hasTries {
		var wrong int
		wrong, err = tx.Counter(ctx, sn.ID, userID, wrongAnswersKind, s.deps.Now())
		exceeded = wrong >= WrongAnswers
	}
	if err != nil || !exceeded {
		return err
	}
	return countAtPlace(ctx, place, func(place string) (bool, error) {
		return risk.Quota{Kind: q.Kind + "/" + place, Limit: q.Limit}.Count(ctx, tx, sn.ID, userID, s.deps.Now())
	})
}

// countAtPlace counts a request at the known place that it comes from. It returns
// LimitExceededException if there is none, or if the place's own limit is exceeded.
func countAtPlace(ctx context.Context, at Place, count func(place string) (exceeded bool, err error)) error {
	place, err := at(ctx)
	if err != nil {
		return err
	}
	if place == "" {
		return LimitExceeded()
	}
	exceeded, err := count(place)
	if err == nil && exceeded {
		err = LimitExceeded()
	}
	return err
}
