package keys

import (
	"crypto/aes"
	"crypto/cipher"
)

// xaes is XAES-256-GCM (C2SP, "XAES-256-GCM extended-nonce AEAD"). Half of a nonce of 192
// bits derives a key for the message (NIST SP 800-108r1, KDF in counter mode over CMAC).
// The other half is AES-256-GCM's nonce. So nonces can be drawn at random for 2^80 messages
// under one key; plain AES-GCM stops at 2^32 (NIST SP 800-38D §8.3). All of it is AES, which
// every server has in hardware. A message costs two more AES blocks and one key schedule.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte
}

func newXAES(key []byte) *xaes {
	if len(key) != keySize {
		panic("keys: XAES-256-GCM takes a key of 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the length is right
	}
	x := &xaes{block: block}
	// CMAC's subkey K1 (NIST SP 800-38B §6.1).
	block.Encrypt(x.k1[:], x.k1[:])
	var msb byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		msb, x.k1[i] = x.k1[i]>>7, x.k1[i]<<1|msb
	}
	x.k1[aes.BlockSize-1] ^= msb * 0b10000111
	return x
}

// message returns the AEAD of one message, keyed by the first half of its nonce.
func (x *xaes) message(nonce []byte) cipher.AEAD {
	var key [keySize]byte
	for i := range 2 {
		half := key[i*aes.BlockSize : (i+1)*aes.BlockSize]
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], nonce[:12])
		for j := range half {
			half[j] ^= x.k1[j]
		}
		x.block.Encrypt(half, half)
	}
	aead, err := NewGCM(key[:])
	if err != nil {
		panic(err) // the length is right
	}
	return aead
}

// NonceSize implements [cipher.AEAD].
func (x *xaes) NonceSize() int { return nonceSize }

// Overhead implements [cipher.AEAD].
func (x *xaes) Overhead() int { return tagSize }

// Seal appends the ciphertext and its tag to dst.
func (x *xaes) Seal(dst, nonce, plaintext, ad []byte) []byte {
	return x.message(nonce).Seal(dst, nonce[12:nonceSize], plaintext, ad)
}

// Open appends the plaintext to dst.
func (x *xaes) Open(dst, nonce, ciphertext, ad []byte) ([]byte, error) {
	return x.message(nonce).Open(dst, nonce[12:nonceSize], ciphertext, ad)
}
