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
	for _, raw := range doc.Keys[:min(len(doc.Keys), maxKeys)] {
		key, err := parseKey(raw)
		if err != nil || key.KeyID == "" || key.Use != "" && key.Use != "sig" || !isPublicKey(key.Key) {
			continue
		}
		set[key.KeyID] = append(set[key.KeyID], key)
	}
	return set, nil
}

// parseKey reads a key without its certificates. The key is trusted because TLS delivered it,
// and some providers have certificates that do not parse.
func parseKey(raw []byte) (key jose.JSONWebKey, err error) {
	var members map[string]*json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return key, err
	}
	for _, name := range []string{"x5c", "x5t", "x5t#S256", "x5u"} {
		delete(members, name)
	}
	plain, err := json.Marshal(members)
	if err != nil {
		return key, err
	}
	err = json.Unmarshal(plain, &key)
	return key, err
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
