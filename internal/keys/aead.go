package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// Every AEAD of the server is built in this file or is the [xaes] of data keys.
// Both algorithms with a random nonce have nonces of 192 bits, so that no two
// messages under one key ever have the same nonce.
const (
	keySize   = 32
	nonceSize = 24
	tagSize   = 16
)

// errOpen means that a sealed value is not authentic. It never says why.
var errOpen = errors.New("keys: cannot open sealed value")

// NewGCM returns AES-GCM under a key of 16, 24 or 32 bytes. Use it only for formats that
// require it: a nonce must never be used twice under one key.
func NewGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// newXChaCha returns XChaCha20-Poly1305. Its key needs no schedule, which suits keys that are derived for each use.
func newXChaCha(key [keySize]byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err) // the length is right
	}
	return aead
}

// sealRandom appends a random nonce, the ciphertext and its tag to dst.
func sealRandom(aead cipher.AEAD, dst, plaintext, ad []byte) []byte {
	start := len(dst)
	end := start + aead.NonceSize()
	dst = slices.Grow(dst, aead.NonceSize()+len(plaintext)+aead.Overhead())[:end]
	nonce := dst[start:end]
	rand.Read(nonce)
	return aead.Seal(dst, nonce, plaintext, ad)
}

// openRandom opens what sealRandom appended.
func openRandom(aead cipher.AEAD, sealed, ad []byte) ([]byte, error) {
	size := aead.NonceSize()
	if len(sealed) < size+aead.Overhead() {
		return nil, errOpen
	}
	plaintext, err := aead.Open(nil, sealed[:size], sealed[size:], ad)
	if err != nil {
		return nil, errOpen
	}
	return plaintext, nil
}
