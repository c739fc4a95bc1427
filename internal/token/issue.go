package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
)

var errNoSigner = errors.New("token: the pool has no key that may sign")

// Issue makes the tokens of a grant. It writes nothing. It returns keys.ErrBusy if
// too much cryptography waits, or the exception of a PreTokenGeneration trigger
// that refuses. It calls that trigger, so no transaction may be open.
func (s *Service) Issue(ctx context.Context, g Grant) (*Set, error) {
	signers, err := s.signersOf(ctx, g.Pool.ID)
	if err != nil {
		return nil, err
	}
	m, err := s.newIssueData(&g)
	if err != nil {
		return nil, err
	}
	if m.override = g.Override; !g.Overridden {
		if m.override, err = s.preTokenGeneration(ctx, &g, m); err != nil {
			return nil, err
		}
	}
	set := &Set{ExpiresIn: int32(g.Client.AccessTTL / time.Second), Origin: m.origin, EventID: m.eventID}
	if err := s.deps.Gate.Do(ctx, func() { err = s.sign(&g, m, signers, set) }); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if g.WithRefresh {
		set.RefreshToken, err = s.sealRefresh(&g, m)
		set.session = s.newSession(ctx, &g, m)
	}
	return set, err
}

// signers are the keys that sign for a pool now.
type signers struct{ id, access *keys.SigningKey }

func (s *Service) signersOf(ctx context.Context, poolID string) (signers, error) {
	set, err := s.signing.of(ctx, poolID)
	if err != nil {
		return signers{}, err
	}
	var out signers
	now := s.deps.Now()
	for _, use := range [...]struct {
		name string
		key  **keys.SigningKey
	}{{useID, &out.id}, {useAccess, &out.access}} {
		key := set.signer(use.name, now)
		if key == nil {
			return signers{}, errNoSigner
		}
		if *use.key, err = s.open(key); err != nil {
			return signers{}, err
		}
	}
	return out, nil
}

// newIssueData builds what all tokens of one issue share.
func (s *Service) newIssueData(g *Grant) (*issueData, error) {
	m := &issueData{
		issuer: s.Issuer(g.Pool), now: s.deps.Now(), authTime: g.AuthTime,
		origin: g.Origin, eventID: g.EventID,
		// A tracked session can be ended, whatever the client's settings, so its
		// tokens carry their family.
		revocable: g.Client.Revocation || g.Client.Rotation || g.Pool.Tracking.On,
		groups:    sortGroups(g.Subject.Groups),
	}
	if m.authTime.IsZero() {
		m.authTime = m.now
	}
	for _, id := range [...]*string{&m.origin, &m.eventID} {
		if *id == "" {
			b, err := uuid.NewRandomFromReader(s.deps.Rand)
			if err != nil {
				return nil, err
			}
			*id = b.String()
		}
	}
	tokenEpoch := tokenEpochOf(g.Subject.TokensValidAfter)
	for _, id := range [...]*string{&m.accessJTI, &m.idJTI} {
		var err error
		if *id, err = newJTI(s.deps.Ring, s.deps.Rand, g.Pool.ID, g.Subject.UserID, tokenEpoch); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (s *Service) sign(g *Grant, m *issueData, with signers, set *Set) (err error) {
	if set.AccessToken, err = signAccess(g, m.override, with.access, accessClaims(g, m)); err != nil {
		return err
	}
	hashed := ""
	if g.OAuth {
		if !slices.Contains(g.Scopes, "openid") {
			return nil // OpenID Connect Core §3.1.2.1: no openid, no ID token
		}
		hashed = set.AccessToken
	}
	id, err := m.override.id(idClaims(g, m, hashed))
	if err != nil {
		return err
	}
	set.IDToken, err = with.id.Sign(id)
	return err
}

// signAccess signs the claims after a function has changed them. It returns an
// error for an access token that our own operations would refuse as too long.
func signAccess(g *Grant, change *Override, key *keys.SigningKey, claims []byte) (string, error) {
	changed, err := change.access(g, claims)
	switch {
	case err != nil:
		return "", err
	case key.SignedLen(changed) <= keys.MaxJWS:
		return key.Sign(changed)
	case key.SignedLen(claims) <= keys.MaxJWS:
		return "", idp.InvalidLambdaResponseException(fmt.Sprintf("The access token would be longer than %d bytes with the claims that the function adds.", keys.MaxJWS))
	}
	return "", idp.InvalidParameterException(fmt.Sprintf("The access token would be longer than %d bytes: the user is in too many groups with long names.", keys.MaxJWS))
}

func (s *Service) sealRefresh(g *Grant, m *issueData) (string, error) {
	id, err := uuid.NewRandomFromReader(s.deps.Rand)
	if err != nil {
		return "", err
	}
	r := &Refresh{
		PoolID: g.Pool.ID, ClientID: g.Client.ID, UserID: g.Subject.UserID, Username: g.Subject.Username,
		Family: m.origin, TokenID: id.String(), EventID: m.eventID, DeviceKey: g.DeviceKey,
		OAuth: g.OAuth, Scopes: g.Scopes, Resource: g.Resource, ACR: g.ACR, AMR: g.AMR,
		AuthTime: m.authTime, IssuedAt: m.now, ExpiresAt: g.refreshEnds(m.now), TokenEpoch: tokenEpochOf(g.Subject.TokensValidAfter),
	}
	raw, err := s.deps.Ring.SealToken(keys.TokenRefresh, nil, encodeRefresh(r))
	if err != nil {
		return "", fmt.Errorf("token: refresh token: %w", err)
	}
	return raw, nil
}

// refreshEnds returns the time at which a refresh token of the grant ends.
func (g *Grant) refreshEnds(now time.Time) time.Time {
	if g.RefreshExpires.IsZero() {
		return now.Add(g.Client.RefreshTTL)
	}
	return g.RefreshExpires
}
