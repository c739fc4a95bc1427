package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// maxVerified bounds how many verified tokens are remembered, of about 1 KB each.
const maxVerified = 32 << 10

func invalidAccessToken() *api.Error {
	return idp.NotAuthorizedException("Invalid Access Token").WithReason(api.ReasonBadAccessToken)
}

// verifiedToken is the content of a token whose signature was verified.
type verifiedToken struct {
	poolID string
	epoch  uint32 // of the ring, when the signature was checked
	claims AccessClaims
	// issuedUnder is one more than the token epoch that the id carries; 0 until the
	// id was compared with its user's epoch. The epoch of an id never changes.
	issuedUnder atomic.Int64
}

// hasTokenEpoch reports whether the token was issued under the epoch that its user has now.
func (v *verifiedToken) hasTokenEpoch(ring *keys.Ring, userID string, tokenEpoch int64) bool {
	if v.issuedUnder.Load() == tokenEpoch+1 {
		return true
	}
	if !jtiHasTokenEpoch(ring, v.claims.JTI, v.poolID, userID, tokenEpoch) {
		return false
	}
	v.issuedUnder.Store(tokenEpoch + 1)
	return true
}

// verifiedTokens caches verified tokens by their hash, so that each signature is
// checked once. Whether a token was revoked is checked at each call.
type verifiedTokens struct {
	cache        *otter.Cache[[sha256.Size]byte, *verifiedToken]
	hits, misses atomic.Uint64
}

func newVerifiedTokens() *verifiedTokens {
	return &verifiedTokens{cache: otter.Must(&otter.Options[[sha256.Size]byte, *verifiedToken]{MaximumSize: maxVerified})}
}

// CacheStats returns how many access tokens were known, how many signatures were verified,
// and how many tokens are remembered.
func (s *Service) CacheStats() (hits, misses uint64, entries int) {
	v := s.verified
	return v.hits.Load(), v.misses.Load(), v.cache.EstimatedSize()
}

// Authenticate returns the holder of an access token. It checks in Cognito's
// order: form and signature, expiry, revocation, scope, then the user. It costs
// one query of the store.
func (s *Service) Authenticate(ctx context.Context, accessToken string) (*Principal, error) {
	return s.authenticate(ctx, accessToken, userScope)
}

func (s *Service) authenticate(ctx context.Context, accessToken, scope string) (*Principal, error) {
	p, v, err := s.openAccess(ctx, accessToken)
	if err != nil {
		return nil, err
	}
	return p, s.checkRevoked(ctx, p, v, scope)
}

// openAccess checks form, signature and expiry of an access token, and that its pool and its
// client exist. The caller must check whether the token was revoked.
func (s *Service) openAccess(ctx context.Context, accessToken string) (*Principal, *verifiedToken, error) {
	if len(accessToken) > keys.MaxJWS {
		return nil, nil, invalidAccessToken()
	}
	hash := sha256.Sum256([]byte(accessToken))
	v, seen := s.verified.cache.GetIfPresent(hash)
	if epoch := s.deps.Ring.Epoch(); !seen || v.epoch < epoch {
		seen = false
		var err error
		if v, err = s.verify(ctx, accessToken); err != nil {
			return nil, nil, err
		}
		v.epoch = epoch
		s.verified.misses.Add(1)
	} else {
		s.verified.hits.Add(1)
	}
	event := audit.From(ctx)
	event.SetClient(v.poolID, v.claims.ClientID)
	if v.claims.Subject != v.claims.ClientID { // else the token of a machine
		event.SetUser(v.claims.Subject)
	}
	if !s.deps.Now().Before(v.claims.ExpiresAt) {
		s.verified.cache.Invalidate(hash)
		return nil, nil, idp.NotAuthorizedException("Access Token has expired").WithReason(api.ReasonAccessTokenExpired)
	}
	if !seen {
		s.verified.cache.Set(hash, v)
	}
	p := &Principal{Claims: v.claims}
	var err error
	if p.Pool, err = s.deps.Pools.Load(ctx, v.poolID); err != nil {
		return nil, nil, goneIsInvalid(err)
	}
	if p.Client, err = p.Pool.Client(ctx, v.claims.ClientID); err != nil {
		return nil, nil, goneIsInvalid(err)
	}
	return p, v, nil
}

// goneIsInvalid makes a token of a deleted pool or client an invalid token.
func goneIsInvalid(err error) error {
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return invalidAccessToken().WithReason(api.ReasonOf(err))
	}
	return err
}

// checkRevoked checks in the store that neither the token nor its user was revoked,
// disabled or deleted, and sets the user of p.
func (s *Service) checkRevoked(ctx context.Context, p *Principal, v *verifiedToken, scope string) error {
	rec, revoked, err := s.deps.Store.UserForToken(ctx, p.Pool.ID, p.Claims.Subject, p.Claims.Origin)
	gone := errors.Is(err, store.ErrNotFound)
	if err != nil && !gone {
		return err
	}
	if !gone && !v.hasTokenEpoch(s.deps.Ring, rec.ID, tokenEpochOf(rec.TokensValidAfter)) {
		revoked = true
	}
	hasScope := slices.Contains(p.Claims.Scopes, scope)
	switch {
	case !hasScope && !revoked:
		return idp.NotAuthorizedException("Access Token does not have required scopes").WithReason(api.ReasonAccessTokenScope)
	case gone:
		return idp.UserNotFoundException("User does not exist.")
	case !rec.Enabled:
		return idp.NotAuthorizedException("User is disabled.").WithReason(api.ReasonDisabled)
	case revoked:
		return idp.NotAuthorizedException("Access Token has been revoked").WithReason(api.ReasonAccessTokenRevoked)
	case rec.Status == string(idp.UserStatusTypeResetRequired):
		return idp.PasswordResetRequiredException("Password reset required for the user")
	}
	p.User = rec
	return nil
}

// verify checks form and signature. Before the signature is checked, the claims
// are used only to find the pool whose access keys may have signed the token. The
// pool's ID keys and other pools' keys are not accepted (RFC 8725 §3.8, §3.12).
func (s *Service) verify(ctx context.Context, raw string) (*verifiedToken, error) {
	c, ok := peek(raw)
	if !ok || c.TokenUse != useAccess {
		return nil, invalidAccessToken()
	}
	poolID := c.Iss[strings.LastIndexByte(c.Iss, '/')+1:]
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, goneIsInvalid(err)
	}
	// After a change of the issuer's form, tokens of both forms are valid for a while.
	if original, updated := s.issuers(sn); c.Iss != original && c.Iss != updated {
		return nil, invalidAccessToken()
	}
	err = s.verifySignature(ctx, sn, useAccess, raw)
	if errors.Is(err, keys.ErrToken) {
		return nil, invalidAccessToken()
	}
	if err != nil {
		return nil, err
	}
	// The claims that peek read are the signed ones: the same bytes, decoded the same way.
	return &verifiedToken{poolID: sn.ID, claims: AccessClaims{
		Subject: c.Sub, Username: c.Username, ClientID: c.ClientID, Scopes: strings.Fields(c.Scope),
		JTI: c.JTI, Origin: c.Origin, EventID: c.EventID, DeviceKey: c.DeviceKey, ACR: c.ACR, AMR: c.AMR,
		AuthTime: time.Unix(c.AuthTime, 0).UTC(), IssuedAt: time.Unix(c.Iat, 0).UTC(), ExpiresAt: time.Unix(c.Exp, 0).UTC(),
	}}, nil
}

// verifySignature checks the signature under the pool's keys of one use.
func (s *Service) verifySignature(ctx context.Context, sn *pool.Snapshot, use, raw string) error {
	return s.verifyOwned(ctx, sn.ID, use, raw)
}
