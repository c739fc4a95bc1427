package signin

import (
	"context"
	"encoding/hex"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/store"
	"cognate/internal/user"
)

// A code has six digits, so what keeps it secret is how often it may be guessed.
// The counts are rows of the transaction that judges the guess: a restart does
// not forget them, and guesses at once, on however many nodes, queue at them.

// guessLimits bound the wrong second factors of a user, whichever session and
// factor they are for. The password was proven before.
var guessLimits = [...]struct {
	kind   string
	window time.Duration
	limit  int
}{
	{"wrong second factors, hour", time.Hour, 20},
	{"wrong second factors, day", 24 * time.Hour, 60},
}

func codesExceeded() error {
	return idp.NotAuthorizedException("Code attempts exceeded").WithReason(api.ReasonTooManyAttempts)
}

// triesRoom is how much longer than its session a count of tries is kept: nodes
// whose clocks differ by minutes go on with one count.
const triesRoom = store.SpentRoom

// countTry counts an answer to the state. Beyond the limit no answer helps, and a
// session that has no tries left is as good as spent. An answer that comes after the
// state was spent is not judged.
func (s *Service) countTry(ctx context.Context, tx *store.Tx, t *challengeResponse, right bool) error {
	spent, err := tx.Spent(ctx, t.pool.ID, s.spentHash(t.state))
	if err != nil {
		return err
	}
	if spent {
		return store.ErrSpent
	}
	tries, _, err := tx.Count(ctx, t.pool.ID, hex.EncodeToString(t.state.Nonce), "sign-in code", s.now(), t.client.SessionTTL+triesRoom, 1)
	if err != nil {
		return err
	}
	if tries > otpTries {
		return store.CommitWith(invalidSession().WithReason(api.ReasonTooManyAttempts))
	}
	if !byPassword(t.state) {
		return nil // Anybody could use up the limit of a person without one.
	}
	wrong := 1
	if right {
		wrong = 0 // Looks at the count, and waits for those who are at it.
	}
	for _, l := range guessLimits {
		n, _, err := tx.Count(ctx, t.pool.ID, t.user.ID(), l.kind, s.now(), l.window, wrong)
		if err != nil {
			return err
		}
		if n+1-wrong > l.limit {
			return store.CommitWith(codesExceeded())
		}
	}
	return nil
}

// newestCode is the purpose of the row that knows a user's newest code of a
// second factor.
func newestCode(attr string) string { return "second factor " + attr }

// onlyNewest makes the state's code the one that counts of those sent to prove
// a second factor. Codes that are a first factor are not replaced: anybody could
// make them worthless by asking for others.
func (s *Service) onlyNewest(ctx context.Context, tx *store.Tx, st *state, sent mailing.SignInCode) error {
	if !byPassword(st) {
		return nil
	}
	return tx.PutCode(ctx, store.Code{
		PoolID: st.Pool, UserID: st.UserID, Purpose: newestCode(sent.Attribute), Hash: [32]byte(st.OTP.Hash),
		CreatedAt: s.now(), ExpiresAt: sent.ExpiresAt,
	})
}

// spendNewest refuses a code that a newer one replaced.
func (s *Service) spendNewest(ctx context.Context, tx *store.Tx, st *state) error {
	if !byPassword(st) {
		return nil
	}
	newest, err := tx.SpendCode(ctx, st.Pool, st.UserID, newestCode(st.OTP.Attribute), [32]byte(st.OTP.Hash))
	if err == nil && !newest {
		return codeMismatch()
	}
	return err
}

// recheckAccount rejects a state whose account was disabled, or whose password
// was changed, since the state was sealed: the user begins again.
func (s *Service) recheckAccount(t *challengeResponse) error {
	if err := user.AccountFault(t.user); err != nil {
		return err
	}
	if t.state.Credential == 0 {
		return nil
	}
	cred, err := s.users.Credential(t.user)
	if err != nil {
		return err
	}
	if !cred.HasPassword() || cred.SetAt.UnixMilli() != t.state.Credential {
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	return nil
}
