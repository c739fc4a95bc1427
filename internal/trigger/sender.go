package trigger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"cognate/internal/trigger/encsdk"
)

// Secret is a setting that no log shows.
type Secret string

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String hides the value, so that %v does not tell it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString hides it with %#v.
func (s Secret) GoString() string { return s.String() }

// Key says how codes are encrypted for the senders of pools that name a
// KMSKeyID.
type Key struct {
	// AES256 is a wrapping key of 32 bytes in Base64, which the senders have too:
	// the AWS Encryption SDK's raw AES keyring, AES256_GCM_IV12_TAG16_NO_PADDING.
	AES256 Secret `yaml:"aes256"`
	// Namespace and Name are the keyring's; by default "cognate" and the KMSKeyID.
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
	// Format is the message format: v1, as Cognito writes it, or v2, which
	// commits to the key. v1 by default.
	Format string `yaml:"format"`
}

const defaultNamespace = "cognate"

func (k Key) check() error {
	_, err := k.open("name")
	return err
}

// open makes what encrypts.
func (k Key) open(kmsKeyID string) (senderKey, error) {
	raw, err := base64.StdEncoding.DecodeString(string(k.AES256))
	if err != nil || len(raw) != 32 {
		return senderKey{}, errors.New("aes256 must be 32 bytes in Base64; make one with: openssl rand -base64 32")
	}
	out := senderKey{format: encsdk.V1}
	switch strings.ToLower(k.Format) {
	case "", "v1":
	case "v2":
		out.format = encsdk.V2
	default:
		return senderKey{}, fmt.Errorf("format %q is neither v1 nor v2", k.Format)
	}
	namespace, name := k.Namespace, k.Name
	if namespace == "" {
		namespace = defaultNamespace
	}
	if name == "" {
		name = kmsKeyID
	}
	ring, err := encsdk.NewRawKey(namespace, name, raw)
	if err != nil {
		return senderKey{}, err
	}
	out.key = ring.NewKey
	return out, nil
}

type senderKey struct {
	format encsdk.Format
	key    encsdk.NewKey
}

// SenderKeys are the keys that codes for custom senders are encrypted by, each
// under the KMSKeyID that pools name. A nil one has none.
type SenderKeys struct{ keys map[string]senderKey }

// NewSenderKeys opens the keys.
func NewSenderKeys(keys map[string]Key) (*SenderKeys, error) {
	out := &SenderKeys{keys: map[string]senderKey{}}
	for id, k := range keys {
		opened, err := k.open(id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		out.keys[id] = opened
	}
	return out, nil
}

// Has reports whether codes can be encrypted for kmsKeyID, so that a pool can
// refuse a key that would lose its messages.
func (k *SenderKeys) Has(kmsKeyID string) bool {
	if k == nil {
		return false
	}
	_, ok := k.keys[kmsKeyID]
	return ok
}

// Encrypt gives a code as the AWS Encryption SDK's message, in Base64, bound to
// the pool as Cognito binds it.
func (k *SenderKeys) Encrypt(ctx context.Context, kmsKeyID, poolID, code string) (string, error) {
	if !k.Has(kmsKeyID) {
		return "", fmt.Errorf("no key is configured for KMSKeyID %q; AWS KMS is not available in this version", kmsKeyID)
	}
	key := k.keys[kmsKeyID]
	sealed, err := encsdk.Encrypt(ctx, key.format, key.key, map[string]string{"userpool-id": poolID}, []byte(code))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}
