package signin

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/store"
)

// assertionTimeout is what a page is told to wait for an authenticator.
const assertionTimeout = 3 * time.Minute

// choosePasskey asks WEB_AUTHN: it returns the options for navigator.credentials.get.
func (s *Service) choosePasskey(ctx context.Context, c *call, ch *firstFactorOptions, st *state) (*outcome, error) {
	u, st := s.maskDisabled(ctx, c, ch.user, st)
	keys := ch.passkeys
	if u.IsDecoy() {
		// A decoy that stands in for a user has another passkey. It is read for all decoys,
		// so that the time is the same.
		var err error
		if keys, err = s.passkeys.Usable(ctx, &s.store.Reader, c.pool, u); err != nil {
			return nil, err
		}
	}
	next := *st
	if next.Passkey = c.challenge; next.Passkey == nil {
		next.Passkey = make([]byte, 32)
		if _, err := io.ReadFull(s.rand, next.Passkey); err != nil {
			return nil, err
		}
	}
	options, err := passkey.RequestOptions(ch.party, next.Passkey, keys, assertionTimeout.Milliseconds())
	if err != nil {
		return nil, err
	}
	session, err := s.seal(c, &next, idp.ChallengeNameTypeWebAuthn)
	if err != nil {
		return nil, err
	}
	return &outcome{state: &next, user: u, answer: &answer{
		challenge: idp.ChallengeNameTypeWebAuthn, session: &session,
		params: map[string]string{"CREDENTIAL_REQUEST_OPTIONS": string(options)},
	}}, nil
}

// answerPasskey is WEB_AUTHN. Whatever is wrong with the assertion has one
// answer and ends the attempt, since its challenge was shown to somebody.
func (s *Service) answerPasskey(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckFirstFactor(t, idp.ChallengeNameTypeWebAuthn); err != nil {
		return nil, err
	}
	ch, err := s.optionsOf(ctx, t.call, t.user)
	if err != nil {
		return nil, err
	}
	if err := s.commitFirst(ctx, t); err != nil {
		return nil, err
	}
	proved, err := passkey.Assert(ch.party, t.state.Passkey, []byte(t.params["CREDENTIAL"]), t.user.ID(), ch.passkeys)
	if err == nil && (t.user.IsDecoy() || len(t.state.Passkey) == 0 || !slices.Contains(ch.offers, idp.ChallengeNameTypeWebAuthn)) {
		err = passkey.ErrAssertion
	}
	if err != nil {
		return nil, idp.NotAuthorizedException("Incorrect username or password.").WithReason(api.ReasonBadPasskey).WithCause(err)
	}
	if proved.SignCount != proved.Key.SignCount { // Else it does not count.
		err = s.commit(ctx, t.call, func(tx *store.Tx) error {
			return tx.CountPasskey(ctx, t.pool.ID, t.user.ID(), proved.Key.ID, int64(proved.SignCount))
		})
	}
	if errors.Is(err, store.ErrConflict) { // deleted, or counted higher, in this moment
		return nil, incorrect().WithReason(api.ReasonBadPasskey)
	}
	if err != nil {
		return nil, err
	}
	o := passed(t.state, t.user, idp.ChallengeNameTypeWebAuthn)
	o.state.Passkey, o.state.Roaming = nil, proved.Key.Roaming()
	return o, nil
}
