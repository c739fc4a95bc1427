package user

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user/passkey"
)

const (
	// maxPasskeys is how many one user may have (Cognito: quotas).
	maxPasskeys = 20
	// registrationTimeout is what a page is told to wait for an authenticator.
	registrationTimeout = time.Minute
	// registrationSlack is for the way of the options there and of the answer back.
	registrationSlack = 30 * time.Second

	challengeSize = 32
)

// registrationChallenge labels the keyed hash under which challenges are stored,
// decoyPasskey the id of the passkey that nobody has.
const (
	registrationChallenge keys.Purpose = "passkey registration"
	decoyPasskey          keys.Purpose = "absent user passkey"
)

// RelyingParty gives whom the pool's passkeys are for; false where that cannot
// be told: no id is set, and the pool has no domain.
func (s *Service) RelyingParty(sn *pool.Snapshot) (passkey.RelyingParty, bool) {
	rp := passkey.RelyingParty{Verify: sn.PasskeysAreTwoFactors()}
	if w := sn.MFA.WebAuthn; w != nil {
		rp.ID = api.Val(w.RelyingPartyId)
		rp.Verify = rp.Verify || w.UserVerification == idp.UserVerificationTypeRequired
	}
	switch {
	case rp.ID != "":
	case sn.CustomDomain != "":
		rp.ID = sn.CustomDomain
	case sn.Domain != "" && s.d.LoginHost != nil:
		if host := s.d.LoginHost(sn.Region); host != "" {
			rp.ID = sn.Domain + "." + host
		}
	}
	return rp, rp.ID != ""
}

// passkeyRecord is the document of a stored passkey.
type passkeyRecord struct {
	Version int `json:"v"`
	passkey.Key
}

const passkeyVersion = 1

// Passkeys gives the passkeys that the user can sign in with: those of the
// pool's relying party as it is now. A decoy has one that nobody can use.
func (s *Service) Passkeys(ctx context.Context, r *store.Reader, sn *pool.Snapshot, u *User) ([]*passkey.Key, error) {
	rp, ok := s.RelyingParty(sn)
	if !ok {
		return nil, nil
	}
	recs, err := sortedPasskeys(ctx, r, sn.ID, u.ID())
	if err != nil {
		return nil, err
	}
	if u.decoy {
		id := s.d.Ring.Derive(decoyPasskey, []byte(sn.ID), []byte(u.ID()))
		return []*passkey.Key{{ID: base64URL(id[:]), RelyingParty: rp.ID, Transports: []string{"hybrid", "internal"}}}, nil
	}
	list, err := openPasskeys(recs)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(k *passkey.Key) bool { return k.RelyingParty != rp.ID }), nil
}

// sortedPasskeys reads the user's, the oldest first. There are few.
func sortedPasskeys(ctx context.Context, r *store.Reader, poolID, userID string) ([]store.Passkey, error) {
	recs, err := r.Passkeys(ctx, poolID, userID)
	slices.SortFunc(recs, comparePasskeys)
	return recs, err
}

func comparePasskeys(a, b store.Passkey) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

func openPasskeys(recs []store.Passkey) ([]*passkey.Key, error) {
	list := make([]*passkey.Key, 0, len(recs))
	for _, rec := range recs {
		k, err := openPasskey(rec)
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

func openPasskey(rec store.Passkey) (*passkey.Key, error) {
	var doc passkeyRecord
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return nil, fmt.Errorf("user: passkey of %s: %w", rec.UserID, err)
	}
	if doc.Version != passkeyVersion {
		return nil, fmt.Errorf("user: passkey of %s has form %d, not %d", rec.UserID, doc.Version, passkeyVersion)
	}
	doc.ID, doc.SignCount = rec.ID, uint32(rec.SignCount)
	return &doc.Key, nil
}

// passkeyParty is what both steps of a registration begin with.
func (s *Service) passkeyParty(sn *pool.Snapshot, missing func(string) *api.Error) (passkey.RelyingParty, error) {
	if !sn.AllowsFirstFactor(idp.AuthFactorTypeWebAuthn) {
		return passkey.RelyingParty{}, idp.WebAuthnNotEnabledException("WebAuthn is not enabled for this user pool.")
	}
	rp, ok := s.RelyingParty(sn)
	if !ok {
		return rp, missing("The user pool has neither a relying party ID nor a domain.")
	}
	return rp, nil
}

// StartWebAuthnRegistration gives the options for a new passkey of the token's
// user. A challenge that waits already is void from now on.
func (s *Service) StartWebAuthnRegistration(ctx context.Context, in *idp.StartWebAuthnRegistrationRequest) (*idp.StartWebAuthnRegistrationResponse, error) {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	rp, err := s.passkeyParty(p.Pool, idp.WebAuthnConfigurationMissingException)
	if err != nil {
		return nil, err
	}
	recs, err := sortedPasskeys(ctx, &s.d.Store.Reader, p.Pool.ID, u.ID())
	if err != nil {
		return nil, err
	}
	if len(recs) >= maxPasskeys {
		return nil, tooManyPasskeys()
	}
	list, err := openPasskeys(recs)
	if err != nil {
		return nil, err
	}
	challenge := make([]byte, challengeSize)
	rand.Read(challenge)
	options, err := passkey.CreationOptions(rp, challenge, u.ID(), u.displayName(p.Pool), list, registrationTimeout.Milliseconds())
	if err != nil {
		return nil, err
	}
	err = s.d.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.PutPasskeyChallenge(ctx, store.PasskeyChallenge{
			PoolID: p.Pool.ID, UserID: u.ID(), ClientID: p.Client.ID, Hash: s.challengeHash(p.Pool.ID, u.ID(), challenge),
			ExpiresAt: s.d.Now().Add(registrationTimeout + registrationSlack),
		})
	})
	if err != nil {
		return nil, err
	}
	return &idp.StartWebAuthnRegistrationResponse{CredentialCreationOptions: options}, nil
}

func tooManyPasskeys() error {
	return idp.LimitExceededException(fmt.Sprintf("A user cannot have more than %d passkeys.", maxPasskeys)).WithReason(api.ReasonQuota)
}

func (s *Service) challengeHash(poolID, userID string, challenge []byte) [32]byte {
	return s.d.Ring.Hash(registrationChallenge, []byte(poolID), []byte(userID), challenge)
}

// CompleteWebAuthnRegistration stores the passkey that an authenticator made for
// the options. What is wrong with it leaves the challenge for another try.
func (s *Service) CompleteWebAuthnRegistration(ctx context.Context, in *idp.CompleteWebAuthnRegistrationRequest) (*idp.CompleteWebAuthnRegistrationResponse, error) {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	// This operation does not declare that the configuration is missing.
	rp, err := s.passkeyParty(p.Pool, idp.WebAuthnNotEnabledException)
	if err != nil {
		return nil, err
	}
	challenge, err := passkey.Challenge(in.Credential)
	if err != nil {
		return nil, registrationFault(err)
	}
	pending, err := s.pendingChallenge(ctx, p.Pool.ID, u.ID(), p.Client.ID, challenge)
	if err != nil {
		return nil, err
	}
	key, err := passkey.Register(rp, challenge, in.Credential)
	if err != nil {
		return nil, registrationFault(err)
	}
	doc, err := json.Marshal(passkeyRecord{Version: passkeyVersion, Key: *key})
	if err != nil {
		return nil, err
	}
	rec := store.Passkey{PoolID: p.Pool.ID, UserID: u.ID(), ID: key.ID, SignCount: int64(key.SignCount), CreatedAt: s.d.Now(), Doc: doc}
	return &idp.CompleteWebAuthnRegistrationResponse{}, s.addPasskey(ctx, pending, rec)
}

// pendingChallenge finds the challenge that was answered.
func (s *Service) pendingChallenge(ctx context.Context, poolID, userID, clientID string, challenge []byte) (store.PasskeyChallenge, error) {
	list, err := s.d.Store.PasskeyChallenges(ctx, poolID, userID)
	if err != nil {
		return store.PasskeyChallenge{}, err
	}
	hash := s.challengeHash(poolID, userID, challenge)
	for _, c := range list {
		switch {
		case c.Hash != hash || !s.d.Now().Before(c.ExpiresAt):
		case c.ClientID != clientID:
			return c, idp.WebAuthnClientMismatchException("The registration was started by another app client.")
		default:
			return c, nil
		}
	}
	return store.PasskeyChallenge{}, noChallenge()
}

func noChallenge() error {
	return idp.WebAuthnChallengeNotFoundException("There is no pending registration with this challenge.")
}

// addPasskey stores a passkey and uses its challenge up; of two answers at once
// one does.
func (s *Service) addPasskey(ctx context.Context, pending store.PasskeyChallenge, rec store.Passkey) error {
	err := s.d.Store.Update(ctx, func(tx *store.Tx) error {
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
		return tx.InsertPasskey(ctx, rec)
	})
	switch {
	case errors.Is(err, store.ErrSpent):
		return noChallenge()
	case errors.Is(err, store.ErrExists):
		return idp.InvalidParameterException("The credential is registered already.")
	case errors.Is(err, store.ErrNotFound):
		return idp.NotAuthorizedException("Invalid Access Token").WithReason(api.ReasonUnknownUser).WithCause(err)
	}
	return err
}

// registrationFault gives the exception of what is wrong with an answer.
func registrationFault(err error) error {
	switch {
	case errors.Is(err, passkey.ErrOrigin):
		return idp.WebAuthnOriginNotAllowedException("The origin is not allowed for the relying party of this user pool.").WithCause(err)
	case errors.Is(err, passkey.ErrRelyingParty):
		return idp.WebAuthnRelyingPartyMismatchException("The credential is for another relying party.").WithCause(err)
	case errors.Is(err, passkey.ErrUnsupported):
		return idp.WebAuthnCredentialNotSupportedException("The credential or its authenticator is not supported.").WithCause(err)
	case errors.Is(err, passkey.ErrChallenge):
		return noChallenge()
	}
	return idp.InvalidParameterException("Invalid credential.").WithCause(err)
}
