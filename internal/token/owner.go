package token

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"time"

	"cognate/internal/keys"
)

// IdentityKeys names the keys by which identity pools sign their tokens. They are in no user
// pool.
const IdentityKeys = "cognito-identity"

// claimTime reads a time of a claim, in seconds.
func claimTime(v any) (time.Time, error) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, errors.New("token: the time is no number")
	}
	seconds, err := n.Int64()
	return time.Unix(seconds, 0).UTC(), err
}

// SignIdentity signs the claims of an identity.
func (s *Service) SignIdentity(ctx context.Context, claims []byte) (signed string, err error) {
	with, err := s.signersOf(ctx, IdentityKeys)
	if err != nil {
		return "", err
	}
	if gateErr := s.deps.Gate.Do(ctx, func() { signed, err = with.id.Sign(claims) }); gateErr != nil {
		return "", gateErr
	}
	return signed, err
}

// VerifyIdentity verifies a token of SignIdentity and returns its claims. The caller checks them,
// with the expiry.
func (s *Service) VerifyIdentity(ctx context.Context, raw string) (*Login, error) {
	claims, err := peekClaims(raw)
	if err != nil {
		return nil, err
	}
	err = s.verifyOwned(ctx, IdentityKeys, useID, raw)
	if errors.Is(err, keys.ErrToken) {
		return nil, ErrNotVerified
	}
	return &Login{Claims: claims}, err
}

// IdentityJWKS returns the key set of identity pools.
func (s *Service) IdentityJWKS(ctx context.Context) ([]byte, error) {
	return s.publishedKeys(ctx, IdentityKeys, useID)
}

// publishedKeys returns the JSON Web Key Set of an owner: the keys that sign, the keys that will
// sign next, and earlier keys as long as their tokens may live. use "" is every use.
func (s *Service) publishedKeys(ctx context.Context, owner, use string) ([]byte, error) {
	set, err := s.signing.of(ctx, owner)
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	var published []keys.PublishedKey
	for _, key := range set.keys {
		if live(&key.row, now) && (use == "" || key.row.Use == use) {
			published = append(published, keys.PublishedKey{KID: key.row.KID, Key: key.public})
		}
	}
	return keys.JWKS(published), nil
}

// verifyOwned checks a signature under the keys that an owner has for one use.
func (s *Service) verifyOwned(ctx context.Context, owner, use, raw string) error {
	for _, age := range [...]time.Duration{keySetAge, keySetMinAge} {
		set, err := s.signing.atMost(ctx, owner, age)
		if err != nil {
			return err
		}
		known := false
		_, err = keys.VerifyRS256(raw, func(kid string) *rsa.PublicKey {
			key := set.verifier(use, kid, s.deps.Now())
			known = key != nil
			return key
		})
		// An unknown kid may be newer than the cached set.
		if err == nil || known {
			return err
		}
	}
	return keys.ErrToken
}
