package encryptionsdk

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"

	"cognate/internal/keys"
)

// RawKey is a wrapping key that both sides hold: the SDK's raw AES keyring,
// AES256_GCM_IV12_TAG16_NO_PADDING.
type RawKey struct {
	// Namespace and Name are those of the reader's keyring.
	Namespace, Name string

	gcm cipher.AEAD
}

// NewRawKey returns a keyring with a key of 32 bytes.
func NewRawKey(namespace, name string, key []byte) (*RawKey, error) {
	if len(key) != keyLength {
		return nil, errors.New("the key must have 32 bytes")
	}
	if namespace == "" || name == "" || strings.HasPrefix(namespace, "aws-kms") {
		return nil, errors.New("the key needs a name, and a namespace that does not begin with aws-kms")
	}
	gcm, err := keys.NewGCM(key)
	if err != nil {
		return nil, err
	}
	return &RawKey{Namespace: namespace, Name: name, gcm: gcm}, nil
}

// LogValue hides the key.
func (k *RawKey) LogValue() slog.Value { return slog.StringValue(k.Namespace + "/" + k.Name) }

// NewKey implements [NewKey].
func (k *RawKey) NewKey(_ context.Context, encryptionContext []byte, _ map[string]string) ([]byte, EncryptedKey, error) {
	plain, iv := make([]byte, keyLength), make([]byte, ivLength)
	for _, b := range [][]byte{plain, iv} {
		if _, err := rand.Read(b); err != nil {
			return nil, EncryptedKey{}, err
		}
	}
	info := []byte(k.Name)
	info = binary.BigEndian.AppendUint32(info, 128) // tag length in bits
	info = binary.BigEndian.AppendUint32(info, ivLength)
	info = append(info, iv...)
	return plain, EncryptedKey{
		Provider: k.Namespace, Info: info, Ciphertext: k.gcm.Seal(nil, iv, plain, encryptionContext),
	}, nil
}
