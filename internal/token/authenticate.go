package token

import (
	"context"
	"crypto/rsa"
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

// verifiedToken is what a token said whose signature was found good.
type verifiedToken struct {
	poolID string
	epoch  uint32 // of the ring, when the signature was checked
	claims AccessClaims
	// bornUnder is one more than the mark that the token's id was last found to
	// carry; 0 while it was not looked at. An id carries one mark for ever.
	bornUnder atomic.Int64
}

// hasMark reports whether the token was made under the mark that its user has now.
func (v *verifiedToken) hasMark(ring *keys.Ring, userID string, mark int64) bool {
	if v.bornUnder.Load() == mark+1 {
		return true
	}
	if !jtiHasMark(ring, v.claims.JTI, v.poolID, userID, mark) {
		return false
	}
	v.bornUnder.Store(mark + 1)
	return true
}

// verifiedTokens remembers them by the token's hash, so that a signature is
// looked at once. Whether a token still counts is asked again at each call.
type verifiedTokens struct {
	cache *otter.Cache[[sha256.Size]byte, *verifiedToken]
}

func newVerifiedTokens() *verifiedTokens {
	return &verifiedTokens{cache: otter.Must(&otter.Options[[sha256.Size]byte, *verifiedToken]{MaximumSize: maxVerified})}
}

// Authenticate tells who holds an access token, in the order of Cognito's
// checks: form and signature, expiry, revocation, scope, then the user. It costs
// one query of the store.
func (s *Service) Authenticate(ctx context.Context, accessToken string) (*Principal, error) {
	return s.authenticate(ctx, accessToken, userScope)
}

func (s *Service) authenticate(ctx context.Context, accessToken, scope string) (*Principal, error) {
	if len(accessToken) > keys.MaxJWS {
		return nil, invalidAccessToken()
	}
	hash := sha256.Sum256([]byte(accessToken))
	v, seen := s.verified.cache.GetIfPresent(hash)
	if epoch := s.ring.Epoch(); !seen || v.epoch < epoch {
		seen = false
		var err error
		if v, err = s.verify(ctx, accessToken); err != nil {
			return nil, err
		}
		v.epoch = epoch
	}
	event := audit.From(ctx)
	event.SetClient(v.poolID, v.claims.ClientID)
	event.SetUser(v.claims.Subject)
	if !s.now().Before(v.claims.ExpiresAt) {
		s.verified.cache.Invalidate(hash)
		return nil, idp.NotAuthorizedException("Access Token has expired").WithReason(api.ReasonAccessTokenExpired)
	}
	if !seen {
		s.verified.cache.Set(hash, v)
	}
	p := &Principal{Claims: v.claims}
	var err error
	if p.Pool, err = s.pools.Load(ctx, v.poolID); err != nil {
		return nil, goneIsInvalid(err)
	}
	if p.Client, err = p.Pool.Client(ctx, v.claims.ClientID); err != nil {
		return nil, goneIsInvalid(err)
	}
	return p, s.judge(ctx, p, v, scope)
}

// goneIsInvalid: a token of a deleted pool or client is nobody's.
func goneIsInvalid(err error) error {
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return invalidAccessToken().WithReason(api.ReasonOf(err))
	}
	return err
}

// judge asks the store whether the token and its user still count, and fills in
// the user.
func (s *Service) judge(ctx context.Context, p *Principal, v *verifiedToken, scope string) error {
	rec, revoked, err := s.store.UserForToken(ctx, p.Pool.ID, p.Claims.Subject, p.Claims.Origin)
	gone := errors.Is(err, store.ErrNotFound)
	if err != nil && !gone {
		return err
	}
	if !gone && !v.hasMark(s.ring, rec.ID, markOf(rec.TokensValidAfter)) {
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

// verify checks form and signature. What the token says before that is used
// only to find the one pool whose access keys may have signed it (RFC 8725
// §3.8, §3.12): a pool's ID key, another pool's keys or another issuer never do.
func (s *Service) verify(ctx context.Context, raw string) (*verifiedToken, error) {
	c, ok := peek(raw)
	if !ok || c.TokenUse != useAccess {
		return nil, invalidAccessToken()
	}
	poolID := c.Iss[strings.LastIndexByte(c.Iss, '/')+1:]
	sn, err := s.pools.Load(ctx, poolID)
	if err != nil {
		return nil, goneIsInvalid(err)
	}
	// A pool that went over to the other form has tokens of both for a while.
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
	// What was peeked at is what was signed: the same bytes, decoded the same way.
	return &verifiedToken{poolID: sn.ID, claims: AccessClaims{
		Subject: c.Sub, Username: c.Username, ClientID: c.ClientID, Scopes: strings.Fields(c.Scope),
		JTI: c.JTI, Origin: c.Origin, EventID: c.EventID, DeviceKey: c.DeviceKey,
		AuthTime: time.Unix(c.AuthTime, 0).UTC(), IssuedAt: time.Unix(c.Iat, 0).UTC(), ExpiresAt: time.Unix(c.Exp, 0).UTC(),
	}}, nil
}

// verifySignature checks the signature under the pool's keys of one use.
func (s *Service) verifySignature(ctx context.Context, sn *pool.Snapshot, use, raw string) error {
	for _, age := range [...]time.Duration{keySetAge, keySetMinAge} {
		set, err := s.signing.atMost(ctx, sn.ID, age)
		if err != nil {
			return err
		}
		known := false
		_, err = keys.VerifyRS256(raw, func(kid string) *rsa.PublicKey {
			key := set.verifier(use, kid, s.now())
			known = key != nil
			return key
		})
		// A kid that is not known may be newer than the set.
		if err == nil || known {
			return err
		}
	}
	return keys.ErrToken
}
