package passkeys

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

const (
	// maxPasskeys is how many passkeys a user may have (Cognito: quotas).
	maxPasskeys = 20
	// registrationTimeout is how long a page waits for an authenticator.
	registrationTimeout = time.Minute
	// registrationGrace is the time for the request and the response on the network.
	registrationGrace = 30 * time.Second

	challengeSize = 32
)

// requireRelyingParty returns the pool's relying party, or the error that missing makes.
// Both steps of a registration start with it.
func (s *Service) requireRelyingParty(sn *pool.Snapshot, missing func(string) *api.Error) (passkey.RelyingParty, error) {
	if !sn.AllowsFirstFactor(idp.AuthFactorTypeWebAuthn) {
		return passkey.RelyingParty{}, idp.WebAuthnNotEnabledException("WebAuthn is not enabled for this user pool.")
	}
	rp, ok := s.RelyingParty(sn)
	if !ok {
		return rp, missing("The user pool has neither a relying party ID nor a domain.")
	}
	return rp, nil
}

// StartWebAuthnRegistration returns the options for a new passkey of the token's user. It
// replaces a pending challenge.
func (s *Service) StartWebAuthnRegistration(ctx context.Context, in *idp.StartWebAuthnRegistrationRequest) (*idp.StartWebAuthnRegistrationResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	options, err := s.StartOnPage(ctx, p.Pool, p.Client, u)
	if err != nil {
		return nil, err
	}
	return &idp.StartWebAuthnRegistrationResponse{CredentialCreationOptions: options}, nil
}

// StartOnPage is StartWebAuthnRegistration for a user that a login page knows.
func (s *Service) StartOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User) (json.RawMessage, error) {
	if err := user.CheckOwnFactors(u.Rec.Status); err != nil {
		return nil, err
	}
	rp, err := s.requireRelyingParty(sn, idp.WebAuthnConfigurationMissingException)
	if err != nil {
		return nil, err
	}
	recs, err := readSorted(ctx, &s.deps.Store.Reader, sn.ID, u.ID())
	if err != nil {
		return nil, err
	}
	if len(recs) >= maxPasskeys {
		return nil, tooManyPasskeys()
	}
	list, err := openAll(recs)
	if err != nil {
		return nil, err
	}
	challenge := make([]byte, challengeSize)
	rand.Read(challenge)
	options, err := passkey.CreationOptions(rp, challenge, u.ID(), u.DisplayName(sn), list, registrationTimeout.Milliseconds())
	if err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.PutPasskeyChallenge(ctx, store.PasskeyChallenge{
			PoolID: sn.ID, UserID: u.ID(), ClientID: client.ID, Hash: s.challengeHash(sn.ID, u.ID(), challenge),
			ExpiresAt: s.deps.Now().Add(registrationTimeout + registrationGrace),
		})
	})
	return options, err
}

func tooManyPasskeys() error {
	return idp.LimitExceededException(fmt.Sprintf("A user cannot have more than %d passkeys.", maxPasskeys)).WithReason(api.ReasonQuota)
}

func (s *Service) challengeHash(poolID, userID string, challenge []byte) [32]byte {
	return s.deps.Ring.Hash(registrationChallenge, []byte(poolID), []byte(userID), challenge)
}

// CompleteWebAuthnRegistration stores the passkey that an authenticator made for the
// options. If the response is not valid, the challenge stays for another try.
func (s *Service) CompleteWebAuthnRegistration(ctx context.Context, in *idp.CompleteWebAuthnRegistrationRequest) (*idp.CompleteWebAuthnRegistrationResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	return &idp.CompleteWebAuthnRegistrationResponse{}, s.complete(ctx, p.Pool, p.Client, u, in.Credential, nil)
}

// CompleteOnPage is CompleteWebAuthnRegistration for a user that a login page knows. Where
// a passkey counts as two factors, the user also turns on that it replaces the others
// (Cognito: WebAuthnMfaSettings): the pages have no other place for that, and would not
// offer the passkey that they have just made.
func (s *Service) CompleteOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User, credential []byte) error {
	return s.complete(ctx, sn, client, u, credential, func(ctx context.Context, tx *store.Tx) error {
		if !sn.PasskeysAreTwoFactors() {
			return nil
		}
		e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
		if err != nil || e.User.MFA.Passkey || len(e.User.MFA.Enabled) == 0 {
			return err
		}
		e.User.MFA.Passkey = true
		return e.Save(ctx, user.AliasExists)
	})
}

// complete stores the passkey that an authenticator made. then is what else is written; it
// may be nil.
func (s *Service) complete(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *user.User, credential []byte, then func(context.Context, *store.Tx) error) error {
	if err := user.CheckOwnFactors(u.Rec.Status); err != nil {
		return err
	}
	// CompleteWebAuthnRegistration does not declare that the configuration is missing.
	rp, err := s.requireRelyingParty(sn, idp.WebAuthnNotEnabledException)
	if err != nil {
		return err
	}
	challenge, err := passkey.Challenge(credential)
	if err != nil {
		return registrationError(err)
	}
	pending, err := s.pendingChallenge(ctx, sn.ID, u.ID(), client.ID, challenge)
	if err != nil {
		return err
	}
	key, err := passkey.Register(rp, challenge, credential)
	if err != nil {
		return registrationError(err)
	}
	doc, err := json.Marshal(record{Version: recordVersion, Key: *key})
	if err != nil {
		return err
	}
	rec := store.Passkey{PoolID: sn.ID, UserID: u.ID(), ID: key.ID, SignCount: int64(key.SignCount), CreatedAt: s.deps.Now(), Doc: doc}
	return s.add(ctx, pending, rec, then)
}

// pendingChallenge returns the stored challenge of a response.
func (s *Service) pendingChallenge(ctx context.Context, poolID, userID, clientID string, challenge []byte) (store.PasskeyChallenge, error) {
	list, err := s.deps.Store.PasskeyChallenges(ctx, poolID, userID)
	if err != nil {
		return store.PasskeyChallenge{}, err
	}
	hash := s.challengeHash(poolID, userID, challenge)
	for _, c := range list {
		switch {
		case c.Hash != hash || !s.deps.Now().Before(c.ExpiresAt):
		case c.ClientID != clientID:
			return c, idp.WebAuthnClientMismatchException("The registration was started by another app client.")
		default:
			return c, nil
		}
	}
	return store.PasskeyChallenge{}, challengeNotFound()
}

func challengeNotFound() error {
	return idp.WebAuthnChallengeNotFoundException("There is no pending registration with this challenge.")
}

// add stores a passkey and spends its challenge. Only one of two concurrent responses
// succeeds.
func (s *Service) add(ctx context.Context, pending store.PasskeyChallenge, rec store.Passkey, then func(context.Context, *store.Tx) error) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.SpendPasskeyChallenge(ctx, pending); err != nil {
			return err
		}
		have, err := tx.Passkeys(ctx, rec.PoolID, rec.UserID)
		if err != nil {
			return err
		}
		if len(have) >= maxPasskeys {
			return tooManyPasskeys()
		}
		if err := tx.InsertPasskey(ctx, rec); err != nil || then == nil {
			return err
		}
		return then(ctx, tx)
	}, store.Retry)
	switch {
	case errors.Is(err, store.ErrSpent):
		return challengeNotFound()
	case errors.Is(err, store.ErrExists):
		return idp.InvalidParameterException("The credential is registered already.")
	case errors.Is(err, store.ErrNotFound):
		return idp.NotAuthorizedException("Invalid Access Token").WithReason(api.ReasonUnknownUser).WithCause(err)
	}
	return err
}

// registrationError returns the exception for a response that is not valid.
func registrationError(err error) error {
	switch {
	case errors.Is(err, passkey.ErrOrigin):
		return idp.WebAuthnOriginNotAllowedException("The origin is not allowed for the relying party of this user pool.").WithCause(err)
	case errors.Is(err, passkey.ErrRelyingParty):
		return idp.WebAuthnRelyingPartyMismatchException("The credential is for another relying party.").WithCause(err)
	case errors.Is(err, passkey.ErrUnsupported):
		return idp.WebAuthnCredentialNotSupportedException("The credential or its authenticator is not supported.").WithCause(err)
	case errors.Is(err, passkey.ErrChallenge):
		return challengeNotFound()
	}
	return idp.InvalidParameterException("Invalid credential.").WithCause(err)
}
