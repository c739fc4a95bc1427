package trigger

import (
	"context"
	"fmt"
)

// SenderKeys are the keys that codes for custom senders are encrypted by, each
// under the KMSKeyID that pools name.
type SenderKeys struct{}

// Has reports whether codes can be encrypted for kmsKeyID, so that a pool can
// refuse a key that would lose its messages.
func (k *SenderKeys) Has(kmsKeyID string) bool { return false }

// Encrypt gives a code as the AWS Encryption SDK's message, in base64.
func (k *SenderKeys) Encrypt(ctx context.Context, kmsKeyID, poolID, code string) (string, error) {
	return "", fmt.Errorf("no key is configured for %s", kmsKeyID)
}
