package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// DecryptCBC decrypts AES-CBC under a key of 16, 24 or 32 bytes, and keeps the padding. CBC
// does not authenticate: use it only for XML Encryption, whose content is signed.
func DecryptCBC(key, iv, ciphertext []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(ciphertext) == 0 || len(ciphertext)%aes.BlockSize != 0 {
		return nil, errors.New("keys: the ciphertext has no whole blocks")
	}
	plaintext := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plaintext, ciphertext)
	return plaintext, nil
}
