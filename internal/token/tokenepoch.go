package token

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"io"
	"time"

	"github.com/google/uuid"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// Every user has a token epoch: TokensValidAfter of the user's row. A token carries
// the epoch that the row had when the token was issued, and is valid as long as the
// row's epoch is equal. Epochs are compared for equality, never for order. So a
// token issued one millisecond before a global sign-out is dead, and a token issued
// after it lives, whatever the clocks of the nodes say. See
// docs/decisions/0002-token-epochs.md.

// SignOut moves the user's token epoch, which ends every token issued before. The
// caller writes the row.
func SignOut(u *store.User, now time.Time) {
	now = now.Truncate(time.Millisecond)
	if !now.After(u.TokensValidAfter) {
		now = u.TokensValidAfter.Add(time.Millisecond)
	}
	u.TokensValidAfter = now
}

// tokenEpochOf returns the token epoch in milliseconds; 0 for a user who was never
// signed out.
func tokenEpochOf(validAfter time.Time) int64 {
	if validAfter.IsZero() {
		return 0
	}
	return validAfter.UnixMilli()
}

const tagSize = 6

// newJTI makes a token's id: a UUID (RFC 9562 §5.4 in form) whose first 48 bits
// are a keyed tag of the user's token epoch and of the UUID's random rest. So an
// access token carries the epoch without an additional claim, and its readers do
// not learn when the user signed out.
func newJTI(ring *keys.Ring, rand io.Reader, poolID, userID string, tokenEpoch int64) (string, error) {
	id, err := uuid.NewRandomFromReader(io.MultiReader(bytes.NewReader(make([]byte, tagSize)), rand))
	if err != nil {
		return "", err
	}
	tag := tokenEpochTag(ring, id[tagSize:], poolID, userID, tokenEpoch)
	copy(id[:tagSize], tag[:])
	return id.String(), nil
}

// jtiHasTokenEpoch reports whether the token's id was made under this epoch.
func jtiHasTokenEpoch(ring *keys.Ring, jti, poolID, userID string, tokenEpoch int64) bool {
	id, err := uuid.Parse(jti)
	if err != nil {
		return false
	}
	tag := tokenEpochTag(ring, id[tagSize:], poolID, userID, tokenEpoch)
	return hmac.Equal(tag[:], id[:tagSize])
}

func tokenEpochTag(ring *keys.Ring, rest []byte, poolID, userID string, tokenEpoch int64) [tagSize]byte {
	var m [8]byte
	binary.BigEndian.PutUint64(m[:], uint64(tokenEpoch))
	// The purpose is part of every tag that was issued: it keeps its old name.
	h := ring.Hash("token mark", rest, []byte(poolID), []byte(userID), m[:])
	return [tagSize]byte(h[:tagSize])
}
