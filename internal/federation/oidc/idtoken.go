package oidc

import (
	"context"
	"crypto"
	_ "crypto/sha256" // for at_hash
	_ "crypto/sha512" // for at_hash
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"

	"cognate/internal/federation"
)

const (
	// maxIDToken is the longest ID token that is read, in bytes.
	maxIDToken = 64 << 10
	// maxSubject is the longest subject (OpenID Connect Core §2).
	maxSubject = 255
	// skew is how far the provider's clock may be from ours.
	skew = time.Minute
	// minSecret is the shortest client secret that may be a key of HS256 (RFC 7518 §3.2).
	minSecret = 32
)

// verifyIDToken checks an ID token as OpenID Connect Core §3.1.3.7 asks, and returns its claims.
func (p *Provider) verifyIDToken(ctx context.Context, ep *endpoints, token string, a federation.Attempt, accessToken string) (map[string]any, error) {
	payload, alg, err := p.verifySignature(ctx, ep, token)
	if err != nil {
		return nil, err
	}
	claims, err := decodeObject(payload)
	if err != nil {
		return nil, badToken("format", err)
	}
	if issuer := text(claims, "iss"); issuer == "" || !slices.Contains(ep.issuers, issuer) {
		return nil, badToken("issuer "+printable(issuer, maxErrorCode), nil)
	}
	if !p.isAudience(claims) {
		return nil, badToken("audience", nil)
	}
	if err := p.checkTimes(claims); err != nil {
		return nil, err
	}
	if nonce := text(claims, "nonce"); a.Nonce == "" || subtle.ConstantTimeCompare([]byte(nonce), []byte(a.Nonce)) != 1 {
		return nil, badToken("nonce", nil)
	}
	if hash, ok := claims["at_hash"]; ok && hash != accessTokenHash(alg, accessToken) {
		return nil, badToken("at_hash", nil)
	}
	if _, err := subjectOf(claims, "sub"); err != nil {
		return nil, badToken("subject", err)
	}
	return claims, nil
}

// verifySignature checks the signature and returns the payload and the algorithm. Of the
// token's header, alg and kid count; keys and their URLs in it (jwk, jku, x5c, x5u) do not.
func (p *Provider) verifySignature(ctx context.Context, ep *endpoints, token string) ([]byte, jose.SignatureAlgorithm, error) {
	if len(token) > maxIDToken {
		return nil, "", badToken("length", nil)
	}
	algorithms := ep.algorithms
	secret := []byte(p.details[keyClientSecret])
	if len(secret) < minSecret { // so short a key could be guessed
		algorithms = slices.DeleteFunc(slices.Clone(algorithms), func(a jose.SignatureAlgorithm) bool { return a == jose.HS256 })
	}
	if len(algorithms) == 0 {
		return nil, "", badToken("algorithm", nil)
	}
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, "", badToken("format", err)
	}
	header := jws.Signatures[0].Protected
	alg := jose.SignatureAlgorithm(header.Algorithm)
	if _, ok := header.ExtraHeaders["crit"]; ok { // no extension is understood (RFC 7515 §4.1.11)
		return nil, "", badToken("header", nil)
	}
	if alg == jose.HS256 {
		payload, err := jws.Verify(secret)
		if err != nil {
			return nil, "", badToken("signature", err)
		}
		return payload, alg, nil
	}
	if header.KeyID == "" {
		return nil, "", badToken("header: no kid", nil)
	}
	keys, err := p.keysFor(ctx, ep, header.KeyID, alg)
	if err != nil {
		return nil, "", err
	}
	for _, key := range keys {
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, alg, nil
		}
	}
	return nil, "", badToken("signature", nil)
}

// keysFor returns the keys with an ID. It asks the provider again for an unknown ID, because
// the provider may have changed its keys; the client limits how often it does.
func (p *Provider) keysFor(ctx context.Context, ep *endpoints, kid string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	set, err := keySets.Load(ctx, p.client, p.name, ep.keys)
	if err == nil && len(set[kid]) == 0 {
		set, _, err = keySets.Refresh(ctx, p.client, p.name, ep.keys)
	}
	if err != nil {
		return nil, p.documentFailed(err, "keys", textKeysTimeout)
	}
	keys := set.find(kid, alg)
	if len(keys) == 0 {
		return nil, badToken("key", nil)
	}
	return keys, nil
}

// isAudience reports whether an ID token was issued to this client.
func (p *Provider) isAudience(claims map[string]any) bool {
	client := p.details[keyClientID]
	audiences := texts(claims, "aud")
	if one := text(claims, "aud"); one != "" {
		audiences = []string{one}
	}
	if !slices.Contains(audiences, client) {
		return false
	}
	azp, given := claims["azp"]
	if !given {
		return len(audiences) == 1
	}
	return azp == client
}

// checkTimes checks exp, iat and nbf. The numbers may be fractions, and of any size.
func (p *Provider) checkTimes(claims map[string]any) error {
	now, leeway := float64(p.now().Unix()), skew.Seconds()
	expires, err := numericDate(claims, "exp")
	if err != nil || now >= expires+leeway {
		return badToken("expiry", err)
	}
	issued, err := numericDate(claims, "iat")
	if err != nil || issued > now+leeway {
		return badToken("issue time", err)
	}
	if _, ok := claims["nbf"]; ok {
		if begins, err := numericDate(claims, "nbf"); err != nil || begins > now+leeway {
			return badToken("start", err)
		}
	}
	return nil
}

func numericDate(claims map[string]any, name string) (float64, error) {
	number, ok := claims[name].(json.Number)
	if !ok {
		return 0, errors.New(name + " is not a number")
	}
	f, err := number.Float64()
	if err != nil || math.IsInf(f, 0) {
		return 0, errors.New(name + " is not a time")
	}
	return f, nil
}

// accessTokenHash is the left half of the hash of an access token (OpenID Connect Core
// §3.1.3.6). Its hash is that of the ID token's algorithm.
func accessTokenHash(alg jose.SignatureAlgorithm, accessToken string) string {
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(string(alg), "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(string(alg), "512"):
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(accessToken))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// subjectOf returns the claim that names the person. It is kept exactly as it is; characters
// that would make two names look like one are refused.
func subjectOf(claims map[string]any, name string) (string, error) {
	subject := text(claims, name)
	if subject == "" || len(subject) > maxSubject {
		return "", errors.New(name + " is missing or too long")
	}
	if strings.ContainsFunc(subject, func(r rune) bool { return unicode.IsControl(r) || r == '\uFFFD' }) {
		return "", errors.New(name + " has control characters")
	}
	return subject, nil
}
