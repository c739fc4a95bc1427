package oidc

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"cognate/internal/federation/fetch"
)

// Why VerifyToken returns no claims. Any other error means that the provider could not be
// reached.
var (
	// ErrMalformed means that the text is not a signed token of a permitted algorithm.
	ErrMalformed = errors.New("oidc: malformed token")
	// ErrSignature means that the key that the token names has not signed it.
	ErrSignature = errors.New("oidc: the signature is not valid")
	// ErrNoKey means that the provider has no such key, or that its documents cannot be used.
	ErrNoKey = errors.New("oidc: no verification key")
)

// thirdPartyAlgorithms are the algorithms that AWS takes (IAM User Guide: "Create an OpenID Connect
// identity provider").
var thirdPartyAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// maxThirdParty is the longest token that is read, in bytes (STS: WebIdentityToken).
const maxThirdParty = 20000

// PeekClaims returns the claims of a token without verifying the token. They serve to choose the
// provider that verifies it.
func PeekClaims(token string) (map[string]any, error) {
	jws, err := parseThirdParty(token)
	if err != nil {
		return nil, err
	}
	claims, err := decodeObject(jws.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, errors.Join(ErrMalformed, err)
	}
	return claims, nil
}

func parseThirdParty(token string) (*jose.JSONWebSignature, error) {
	if len(token) > maxThirdParty {
		return nil, ErrMalformed
	}
	jws, err := jose.ParseSignedCompact(token, thirdPartyAlgorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errors.Join(ErrMalformed, err)
	}
	header := jws.Signatures[0].Protected
	if _, ok := header.ExtraHeaders["crit"]; ok || header.KeyID == "" { // no extension is understood (RFC 7515 §4.1.11)
		return nil, ErrMalformed
	}
	return jws, nil
}

// VerifyToken verifies the issuer and the signature of a token that a client got from a provider
// itself, and returns the claims. The caller has decided to trust the issuer, an https URL without
// a slash at its end, and checks the times, the audience and the subject. The keys come from the
// issuer's discovery document. They are fetched again for an unknown key, at most once a minute.
func VerifyToken(ctx context.Context, client *fetch.Client, provider, issuer, token string) (map[string]any, error) {
	jws, err := parseThirdParty(token)
	if err != nil {
		return nil, err
	}
	ep, err := discover(ctx, client, provider, issuer)
	if err != nil {
		return nil, unusable(err)
	}
	header := jws.Signatures[0].Protected
	set, err := keySets.Load(ctx, client, provider, ep.keys)
	if err == nil && len(set[header.KeyID]) == 0 {
		set, _, err = keySets.Refresh(ctx, client, provider, ep.keys)
	}
	if err != nil {
		return nil, unusable(err)
	}
	keys := set.find(header.KeyID, jose.SignatureAlgorithm(header.Algorithm))
	if len(keys) == 0 {
		return nil, ErrNoKey
	}
	for _, key := range keys {
		payload, err := jws.Verify(key.Key)
		if err != nil {
			continue
		}
		claims, err := decodeObject(payload)
		if err != nil || text(claims, "iss") != ep.issuers[0] {
			return nil, errors.Join(ErrMalformed, err)
		}
		return claims, nil
	}
	return nil, ErrSignature
}

// unusable adds ErrNoKey to an error that another attempt does not mend: the provider answered,
// but not with a document that can be used, or the operator does not permit its address.
func unusable(err error) error {
	_, malformed := errors.AsType[documentError](err)
	_, refused := errors.AsType[*fetch.RefusedError](err)
	status, answered := errors.AsType[*fetch.StatusError](err)
	if malformed || refused || answered && status.Status < http.StatusInternalServerError {
		return errors.Join(ErrNoKey, err)
	}
	return err
}
