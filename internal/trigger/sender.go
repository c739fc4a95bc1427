package trigger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"cognate/internal/trigger/encryptionsdk"
)

// Secret is a setting that no log shows.
type Secret string

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String hides the value from %v.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// A Key says how codes are encrypted for the senders of pools that name its
// KMSKeyID.
type Key struct {
	// KMS is true if the KMSKeyID is a key in AWS KMS. Only Format may be set with it.
	KMS bool `yaml:"kms"`
	// AES256 is a wrapping key of 32 bytes in Base64, which the senders have too:
	// the AWS Encryption SDK's raw AES keyring, AES256_GCM_IV12_TAG16_NO_PADDING.
	AES256 Secret `yaml:"aes256"`
	// Namespace and Name are those of the keyring. Their defaults are "cognate" and
	// the KMSKeyID.
	Namespace string `yaml:"namespace"`
	Name      string `yaml:"name"`
	// Format is the message format: v1 as Cognito writes it, or v2 with key
	// commitment. The default is v1.
	Format string `yaml:"format"`
}

const defaultNamespace = "cognate"

func (k Key) check(kmsKeyID string) error {
	_, err := k.open(kmsKeyID, &kmsKeys{})
	return err
}

// open returns the key that encrypts codes.
func (k Key) open(kmsKeyID string, inKMS *kmsKeys) (senderKey, error) {
	out := senderKey{format: encryptionsdk.V1}
	switch strings.ToLower(k.Format) {
	case "", "v1":
	case "v2":
		out.format = encryptionsdk.V2
	default:
		return senderKey{}, fmt.Errorf("format %q is neither v1 nor v2", k.Format)
	}
	var err error
	if k.KMS {
		out.key, err = k.openKMS(kmsKeyID, inKMS)
	} else {
		out.key, err = k.openRaw(kmsKeyID)
	}
	return out, err
}

func (k Key) openKMS(kmsKeyID string, inKMS *kmsKeys) (encryptionsdk.NewKey, error) {
	if k.AES256 != "" || k.Namespace != "" || k.Name != "" {
		return nil, errors.New("aes256, namespace and name are for a key that is not in AWS KMS")
	}
	region, err := kmsRegion(kmsKeyID)
	if err != nil {
		return nil, err
	}
	return inKMS.newKey(kmsKeyID, region), nil
}

func (k Key) openRaw(kmsKeyID string) (encryptionsdk.NewKey, error) {
	raw, err := base64.StdEncoding.DecodeString(string(k.AES256))
	if err != nil || len(raw) != 32 {
		return nil, errors.New("say kms: true, or give aes256, 32 bytes in Base64; make one with: openssl rand -base64 32")
	}
	namespace, name := k.Namespace, k.Name
	if namespace == "" {
		namespace = defaultNamespace
	}
	if name == "" {
		name = kmsKeyID
	}
	ring, err := encryptionsdk.NewRawKey(namespace, name, raw)
	if err != nil {
		return nil, err
	}
	return ring.NewKey, nil
}

type senderKey struct {
	format encryptionsdk.Format
	key    encryptionsdk.NewKey
}

// SenderKeys are the keys that encrypt codes for custom senders. Pools name them by
// their KMSKeyID. A nil SenderKeys has no keys.
type SenderKeys struct{ keys map[string]senderKey }

// NewSenderKeys opens the keys. It opens no connection before the first code.
func NewSenderKeys(keys map[string]Key, o KMSOptions) (*SenderKeys, error) {
	out := &SenderKeys{keys: map[string]senderKey{}}
	inKMS := &kmsKeys{options: o, clients: map[string]*kms.Client{}}
	for id, k := range keys {
		opened, err := k.open(id, inKMS)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		out.keys[id] = opened
	}
	return out, nil
}

// Has reports whether codes can be encrypted for kmsKeyID. A pool rejects other
// keys, since its messages could not be sent.
func (k *SenderKeys) Has(kmsKeyID string) bool {
	if k == nil {
		return false
	}
	_, ok := k.keys[kmsKeyID]
	return ok
}

// Encrypt returns a code as the AWS Encryption SDK's message, in Base64, bound to
// the pool as Cognito binds it.
func (k *SenderKeys) Encrypt(ctx context.Context, kmsKeyID, poolID, code string) (string, error) {
	if !k.Has(kmsKeyID) {
		return "", fmt.Errorf("no key is configured for KMSKeyID %q", kmsKeyID)
	}
	key := k.keys[kmsKeyID]
	sealed, err := encryptionsdk.Encrypt(ctx, key.format, key.key, map[string]string{"userpool-id": poolID}, []byte(code))
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}
