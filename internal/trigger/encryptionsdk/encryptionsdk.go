// Package encryptionsdk writes messages that the AWS Encryption SDK can decrypt (AWS
// Encryption SDK message format reference). A message holds one short plaintext under
// one data key, as Cognito sends it to custom senders.
//
// Suites with a signature are written in both versions of the format: 0x0378
// in version 1, as Cognito itself, and 0x0578, which commits to the key, in
// version 2. The package reads no messages, and uses neither files nor network.
package encryptionsdk

import (
	"context"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"cognate/internal/keys"
)

// Format is the version of a message.
type Format uint8

const (
	// V1 is suite 0x0378: AES-256-GCM, HKDF-SHA384, ECDSA P-384. Readers must
	// allow messages without key commitment.
	V1 Format = 1
	// V2 is suite 0x0578: the same with HKDF-SHA512 and key commitment.
	V2 Format = 2
)

// MaxPlaintext is the largest plaintext that fits into a message's only frame.
const MaxPlaintext = 4096

const (
	suiteV1 = 0x0378
	suiteV2 = 0x0578

	typeData      = 0x80 // customer authenticated encrypted data
	contentFramed = 0x02
	finalFrame    = 0xFFFFFFFF
	ivLength      = 12
	keyLength     = 32

	publicKeyName = "aws-crypto-public-key"
	frameContent  = "AWSKMSEncryptionClient Final Frame"
)

// EncryptedKey is a data key as it travels with a message.
type EncryptedKey struct {
	Provider   string
	Info       []byte
	Ciphertext []byte
}

// NewKey makes a data key of 32 bytes for one message, and encrypts the key bound to
// the message's context. It must not keep the key or the context.
type NewKey func(ctx context.Context, encryptionContext []byte, pairs map[string]string) (plain []byte, sealed EncryptedKey, err error)

// Encrypt returns a message. encryptionContext is readable in the message, and bound
// to it.
func Encrypt(ctx context.Context, format Format, key NewKey, encryptionContext map[string]string, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, fmt.Errorf("encryptionsdk: %d bytes are more than %d", len(plaintext), MaxPlaintext)
	}
	if format != V1 && format != V2 {
		return nil, fmt.Errorf("encryptionsdk: no format %d", format)
	}
	signer, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pairs := maps.Clone(encryptionContext)
	if pairs == nil {
		pairs = map[string]string{}
	}
	if _, ok := pairs[publicKeyName]; ok {
		return nil, errors.New("encryptionsdk: the context may not hold " + publicKeyName)
	}
	point := elliptic.MarshalCompressed(elliptic.P384(), signer.X, signer.Y)
	pairs[publicKeyName] = base64.StdEncoding.EncodeToString(point)
	aad, err := serialize(pairs)
	if err != nil {
		return nil, err
	}
	plain, sealed, err := key(ctx, aad, pairs)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if len(plain) != keyLength {
		return nil, fmt.Errorf("encryptionsdk: the data key has %d bytes, not %d", len(plain), keyLength)
	}
	m := message{format: format}
	if err := m.write(plain, aad, sealed, plaintext); err != nil {
		return nil, err
	}
	digest := sha512.Sum384(m.out)
	signature, err := ecdsa.SignASN1(rand.Reader, signer, digest[:])
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint16(m.out, uint16(len(signature))), signature...), nil
}

// serialize returns the context as headers carry it: the count, then the pairs in the
// order of their names' bytes. In a header its length comes first.
func serialize(pairs map[string]string) ([]byte, error) {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(pairs)))
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		for _, s := range []string{name, pairs[name]} {
			if len(s) > math.MaxUint16 {
				return nil, errors.New("encryptionsdk: the context is too long")
			}
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(s))), s...)
		}
	}
	if len(out) > math.MaxUint16 {
		return nil, errors.New("encryptionsdk: the context is too long")
	}
	return out, nil
}

// message is a message that is being written.
type message struct {
	format Format
	id     []byte
	out    []byte
}

func (m *message) uint16(n int)    { m.out = binary.BigEndian.AppendUint16(m.out, uint16(n)) }
func (m *message) uint32(n uint32) { m.out = binary.BigEndian.AppendUint32(m.out, n) }
func (m *message) bytes(b []byte)  { m.out = append(m.out, b...) }

// field writes a length of two bytes, and the bytes.
func (m *message) field(b []byte) {
	m.uint16(len(b))
	m.bytes(b)
}

// write writes the message without its signature.
func (m *message) write(dataKey, aad []byte, sealed EncryptedKey, plaintext []byte) error {
	if max(len(sealed.Provider), len(sealed.Info), len(sealed.Ciphertext)) > math.MaxUint16 {
		return errors.New("encryptionsdk: the encrypted data key is too long")
	}
	suite := suiteV1
	m.id = make([]byte, 16)
	if m.format == V2 {
		suite, m.id = suiteV2, make([]byte, 32)
	}
	if _, err := rand.Read(m.id); err != nil {
		return err
	}
	m.out = append(m.out, byte(m.format))
	if m.format == V1 {
		m.out = append(m.out, typeData)
	}
	m.uint16(suite)
	m.bytes(m.id)
	m.field(aad)
	m.uint16(1) // encrypted data keys
	m.field([]byte(sealed.Provider))
	m.field(sealed.Info)
	m.field(sealed.Ciphertext)
	m.out = append(m.out, contentFramed)
	if m.format == V1 {
		m.uint32(0) // reserved
		m.out = append(m.out, ivLength)
	}
	m.uint32(MaxPlaintext) // frame length
	key, err := m.derive(suite, dataKey)
	if err != nil {
		return err
	}
	gcm, err := keys.NewGCM(key)
	if err != nil {
		return err
	}
	m.authenticateHeader(gcm)
	m.frame(gcm, plaintext)
	return nil
}

// derive returns the message's key, derived from the data key. In version 2 it also
// writes the commitment, the header's last field.
func (m *message) derive(suite int, dataKey []byte) ([]byte, error) {
	id := string(binary.BigEndian.AppendUint16(nil, uint16(suite)))
	if m.format == V1 {
		return hkdf.Key(sha512.New384, dataKey, nil, id+string(m.id), keyLength)
	}
	commitment, err := hkdf.Key(sha512.New, dataKey, m.id, "COMMITKEY", 32)
	if err != nil {
		return nil, err
	}
	m.bytes(commitment)
	return hkdf.Key(sha512.New, dataKey, m.id, id+"DERIVEKEY", keyLength)
}

func (m *message) authenticateHeader(gcm cipher.AEAD) {
	iv := make([]byte, ivLength)
	tag := gcm.Seal(nil, iv, nil, m.out)
	if m.format == V1 {
		m.bytes(iv)
	}
	m.bytes(tag)
}

// frame writes the only frame, which is the last. Its number is its nonce: the key is
// used for this message only.
func (m *message) frame(gcm cipher.AEAD, plaintext []byte) {
	const sequence = 1
	iv := binary.BigEndian.AppendUint32(make([]byte, ivLength-4), sequence)
	aad := append(slices.Clone(m.id), frameContent...)
	aad = binary.BigEndian.AppendUint32(aad, sequence)
	aad = binary.BigEndian.AppendUint64(aad, uint64(len(plaintext)))
	m.uint32(finalFrame)
	m.uint32(sequence)
	m.bytes(iv)
	m.uint32(uint32(len(plaintext)))
	m.out = gcm.Seal(m.out, iv, plaintext, aad)
}
