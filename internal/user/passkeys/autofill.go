package passkeys

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/passkey"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Autofill: a browser offers passkeys in the field for the name (WebAuthn §5.1.4, conditional
// mediation). The challenge is then for everybody, and the answer names the user.

// autofillTimeout is how long a browser is told to offer passkeys.
const autofillTimeout = keys.PageStateLife

// AutofillOptions returns the options for navigator.credentials.get as JSON.
func (s *Service) AutofillOptions(sn *pool.Snapshot, challenge []byte) (json.RawMessage, error) {
	party, ok := s.RelyingParty(sn)
	if !ok {
		return nil, errors.New("passkeys: the pool has no relying party")
	}
	return passkey.RequestOptions(party, challenge, nil, autofillTimeout.Milliseconds())
}

// TakeAutofill uses up a challenge of AutofillOptions, which is good until ends, and returns
// the username of the user that the answer names. The answer is not verified. Where there is
// no such user it returns the name that the answer has.
func (s *Service) TakeAutofill(ctx context.Context, sn *pool.Snapshot, challenge []byte, ends time.Time, answer []byte) (string, error) {
	id := passkey.UserHandle(answer)
	if !keys.IsUUID(id) {
		return "", idp.NotAuthorizedException("Incorrect username or password.").WithReason(api.ReasonBadPasskey)
	}
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.Spend(ctx, sn.ID, s.deps.Ring.Hash("autofill challenge", []byte(sn.ID), challenge), ends)
	}, store.Retry)
	if errors.Is(err, store.ErrSpent) {
		return "", idp.NotAuthorizedException("Invalid session for the user, session can only be used once.").WithReason(api.ReasonSessionUsed)
	}
	if err != nil {
		return "", err
	}
	rec, err := s.deps.Store.User(ctx, sn.ID, id)
	if errors.Is(err, store.ErrNotFound) {
		return id, nil
	}
	return rec.Username, err
}
