package keys

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrSignature means that a signature is not by the key that it names.
var ErrSignature = errors.New("keys: the signature is wrong")

// newSigner derives a signing key from a data key. So the signing keys are rotated, retired
// and wrapped as the other data keys.
func newSigner(key []byte) ed25519.PrivateKey {
	seed, err := hkdf.Key(sha256.New, key, nil, "cognate/ed25519", ed25519.SeedSize)
	if err != nil {
		panic(err) // The length is a constant that HKDF can make.
	}
	return ed25519.NewKeyFromSeed(seed)
}

// Sign signs a statement by Ed25519, with the newest key of a purpose that signs. It returns
// the key's id, by which [Ring.VerifySigned] finds the key.
func (r *Ring) Sign(purpose Purpose, statement []byte) (id uint32, signature []byte) {
	key := r.state.Load().seal[purpose]
	if key == nil || key.signer == nil {
		panic(fmt.Sprintf("keys: purpose %q does not sign", purpose))
	}
	return key.id, ed25519.Sign(key.signer, statement)
}

// SigningKeyID returns the id of the key with which Sign signs now.
func (r *Ring) SigningKeyID(purpose Purpose) uint32 { return r.state.Load().seal[purpose].id }

// VerifySigned checks a signature of Sign. Retired keys verify, too: the caller must not
// accept a new statement by its signature alone.
func (r *Ring) VerifySigned(ctx context.Context, purpose Purpose, id uint32, statement, signature []byte) error {
	public, err := r.VerifyingKey(ctx, purpose, id)
	if err != nil {
		return err
	}
	if !ed25519.Verify(public, statement, signature) {
		return ErrSignature
	}
	return nil
}

// VerifyingKey returns the public half of a signing key.
func (r *Ring) VerifyingKey(ctx context.Context, purpose Purpose, id uint32) (ed25519.PublicKey, error) {
	held, err := r.find(ctx, keyRef{purpose, id})
	if errors.Is(err, errOpen) {
		return nil, ErrSignature
	}
	if err != nil {
		return nil, err
	}
	if held.key == nil || held.key.signer == nil {
		return nil, ErrUnknownKey
	}
	return held.key.signer.Public().(ed25519.PublicKey), nil
}
