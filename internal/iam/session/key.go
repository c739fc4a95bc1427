package session

import (
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"io"

	"cognate/internal/keys"
)

// An access key id is "ASIA", ten random letters and six that are derived from them. So the
// server recognizes the ids that it made, although it stores none.
const (
	keyPrefix   = "ASIA"
	randomLen   = 10
	checkLen    = 6
	keyLen      = len(keyPrefix) + randomLen + checkLen
	secretBytes = 30 // 40 letters
)

var idLetters = base32.StdEncoding.WithPadding(base32.NoPadding)

// The labels of derived values.
var (
	labelID     = []byte("id")
	labelSecret = []byte("secret")
)

func newKeyID(ring *keys.Ring, random io.Reader) (string, error) {
	b := make([]byte, randomLen)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", err
	}
	id := keyPrefix + idLetters.EncodeToString(b)[:randomLen]
	return id + check(ring, id), nil
}

// check returns the derived letters of an id.
func check(ring *keys.Ring, id string) string {
	sum := ring.Derive(keys.PurposeSessionKey, labelID, []byte(id))
	return idLetters.EncodeToString(sum[:])[:checkLen]
}

// IsKeyID reports whether New of this server made an access key id. Ids from before a
// retirement of the data keys are unknown.
func IsKeyID(ring *keys.Ring, id string) bool {
	if len(id) != keyLen || id[:len(keyPrefix)] != keyPrefix {
		return false
	}
	made, letters := id[:keyLen-checkLen], id[keyLen-checkLen:]
	return subtle.ConstantTimeCompare([]byte(check(ring, made)), []byte(letters)) == 1
}

// HasForm reports whether a text has the form of a session token of this program. It does not
// verify the token.
func HasForm(token string) bool {
	if len(token) > MaxTokenLen {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return false
	}
	_, ok := keys.SealedBy(b)
	return ok
}

// secretOf returns the secret of a key. A token of another key has another secret.
func secretOf(ring *keys.Ring, id, token string) keys.Secret {
	sum := ring.Derive(keys.PurposeSessionKey, labelSecret, []byte(id), []byte(token))
	return keys.Secret(base64.StdEncoding.EncodeToString(sum[:secretBytes]))
}
