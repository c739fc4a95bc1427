package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"cognate/internal/federation/fetch"
)

const (
	// maxKeys is how many keys of a set are read.
	maxKeys = 100
	// RSA keys have at least minRSA bits (RFC 7518 §3.3). Verification with more than maxRSA
	// bits takes too long.
	minRSA = 2048
	maxRSA = 8192
)

// keySet is the public keys of a provider by their ID.
type keySet map[string][]jose.JSONWebKey

var keySets = &fetch.Kind[keySet]{Name: "keys", Age: 10 * time.Minute, Accept: "application/json", Parse: parseKeySet}

// parseKeySet reads a JWK set (RFC 7517 §5). It leaves out keys that no signature of an ID
// token can have: without an ID, for encryption, symmetric, or of unknown types.
func parseKeySet(b []byte) (keySet, error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.Keys == nil {
		return nil, documentError("the key set is malformed")
	}
	set := keySet{}
	for i, raw := range doc.Keys {
		var key jose.JSONWebKey
		if i >= maxKeys {
			break
		}
		if json.Unmarshal(raw, &key) != nil || key.KeyID == "" || key.Use != "" && key.Use != "sig" || !isPublicKey(key.Key) {
			continue
		}
		// Certificates of the set are not used: the keys are trusted, because TLS delivered them.
		set[key.KeyID] = append(set[key.KeyID], jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm})
	}
	return set, nil
}

func isPublicKey(key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minRSA && k.N.BitLen() <= maxRSA
	case *ecdsa.PublicKey:
		return true
	}
	return false
}

// find returns the keys with an ID that suit an algorithm.
func (s keySet) find(kid string, alg jose.SignatureAlgorithm) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, key := range s[kid] {
		if (key.Algorithm == "" || key.Algorithm == string(alg)) && suits(key.Key, alg) {
			keys = append(keys, key)
		}
	}
	return keys
}

// suits reports whether a key's type is that of an algorithm (RFC 7518 §3.1).
func suits(key any, alg jose.SignatureAlgorithm) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		switch alg {
		case jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512:
			return true
		}
	case *ecdsa.PublicKey:
		switch alg {
		case jose.ES256:
			return k.Curve == elliptic.P256()
		case jose.ES384:
			return k.Curve == elliptic.P384()
		case jose.ES512:
			return k.Curve == elliptic.P521()
		}
	}
	return false
}
