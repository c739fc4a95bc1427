package keys

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KEK is the key-encryption key: 32 bytes that wrap the data keys of a [Ring] and
// nothing else. It is the one secret that is not in the database.
type KEK struct {
	id   [kekIDSize]byte
	aead *xaes
}

const (
	kekIDSize   = 8
	wrapVersion = 1
	wrapHeader  = 1 + kekIDSize
)

// ErrWrongKEK means that a data key was wrapped by another key-encryption key.
var ErrWrongKEK = errors.New("wrapped by another key-encryption key")

// NewKEK makes a key-encryption key of 32 secret bytes.
func NewKEK(key []byte) (*KEK, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("keys: key-encryption key has %d bytes, want %d", len(key), keySize)
	}
	if bytes.Equal(key, make([]byte, keySize)) {
		return nil, errors.New("keys: key-encryption key is all zeros")
	}
	k := &KEK{aead: newXAES(key)}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("cognate key-encryption key id"))
	copy(k.id[:], mac.Sum(nil))
	return k, nil
}

// ParseKEK reads a key-encryption key in standard Base64, as it stands in the
// environment or in a file.
func ParseKEK(text string) (*KEK, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("keys: key-encryption key is not standard Base64") // the cause would quote it
	}
	return NewKEK(key)
}

// GenerateKEK returns a fresh key-encryption key in the form that [ParseKEK]
// reads.
func GenerateKEK() string {
	key := make([]byte, keySize)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// ReadKEKFile reads a key-encryption key from a regular file that only its owner
// can read.
func ReadKEKFile(path string) (*KEK, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("keys: %s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("keys: %s has mode %04o, so others can read the key-encryption key; run chmod 600 on it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, err
	}
	k, err := ParseKEK(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// EnsureKEKFile reads the key-encryption key from a file, and makes the file if it does
// not exist. The whole file is on disk before the key is used. If two processes start
// together, both get the key of the first.
func EnsureKEKFile(path string) (k *KEK, created bool, err error) {
	k, err = ReadKEKFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".kek-*") // mode 0600
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = io.WriteString(tmp, GenerateKEK()+"\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return nil, false, err
	}
	// Unlike a rename, a link never takes the place of a file.
	if err := os.Link(tmp.Name(), path); err == nil {
		created = true
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, false, err
	}
	if err := syncDir(dir); err != nil {
		return nil, false, err
	}
	k, err = ReadKEKFile(path)
	return k, created, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ID returns a name of the key that reveals nothing of it.
func (k *KEK) ID() string { return hex.EncodeToString(k.id[:]) }

// Wrap seals a data key for a purpose. A key service over the network would
// need the context; this key is at hand.
func (k *KEK) Wrap(_ context.Context, purpose string, plaintext []byte) ([]byte, error) {
	out := make([]byte, wrapHeader, wrapHeader+nonceSize+len(plaintext)+tagSize)
	out[0] = wrapVersion
	copy(out[1:], k.id[:])
	return sealRandom(k.aead, out, plaintext, wrapAD(out, purpose)), nil
}

// Unwrap opens what Wrap sealed for the same purpose.
func (k *KEK) Unwrap(_ context.Context, purpose string, wrapped []byte) ([]byte, error) {
	if len(wrapped) < wrapHeader+nonceSize+tagSize || wrapped[0] != wrapVersion {
		return nil, errors.New("keys: malformed wrapped key")
	}
	if !bytes.Equal(wrapped[1:wrapHeader], k.id[:]) {
		return nil, fmt.Errorf("keys: %w: it has id %x, this one has %s", ErrWrongKEK, wrapped[1:wrapHeader], k.ID())
	}
	return openRandom(k.aead, wrapped[wrapHeader:], wrapAD(wrapped, purpose))
}

func wrapAD(wrapped []byte, purpose string) []byte {
	return append(append([]byte("cognate wrapped key\x00"), wrapped[:wrapHeader]...), purpose...)
}
