package token

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"time"

	"cognate/internal/keys"
)

// Owners of keys that are not user pools.
const (
	// IdentityKeys names the keys of RS256 by which identity pools and STS sign their tokens.
	IdentityKeys = "cognito-identity"
	// CallerKeys names the keys of ES384 by which STS signs tokens for users and roles.
	CallerKeys = "sts"
)

// Owners returns the owners of keys that are not user pools.
func Owners() []string { return []string{IdentityKeys, CallerKeys} }

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

// SignCaller signs the claims of a user or a role with ES384.
func (s *Service) SignCaller(ctx context.Context, claims []byte) (signed string, err error) {
	set, err := s.signing.of(ctx, CallerKeys)
	if err != nil {
		return "", err
	}
	key := set.signer(useID, s.deps.Now())
	if key == nil {
		return "", errNoSigner
	}
	with, err := s.open(key)
	if err != nil {
		return "", err
	}
	if gateErr := s.deps.Gate.Do(ctx, func() { signed, err = with.Sign(claims) }); gateErr != nil {
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
	published, err := s.publishedKeys(ctx, IdentityKeys, useID)
	return keys.JWKS(published), err
}

// CallerJWKS returns the key set of STS: the keys of identity pools for RS256, and its own for
// ES384.
func (s *Service) CallerJWKS(ctx context.Context) ([]byte, error) {
	published, err := s.publishedKeys(ctx, IdentityKeys, useID)
	if err != nil {
		return nil, err
	}
	own, err := s.publishedKeys(ctx, CallerKeys, useID)
	return keys.JWKS(append(published, own...)), err
}

// publishedKeys returns the public keys of an owner: those that sign, those that will sign next, and
// earlier keys as long as their tokens may live. use "" is every use.
func (s *Service) publishedKeys(ctx context.Context, owner, use string) ([]keys.PublishedKey, error) {
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
	return published, nil
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
