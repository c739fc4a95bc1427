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

// Sign-out of a user's tokens compares marks for equality, not times for order:
// every token carries the mark (TokensValidAfter) that the user's row had when
// it was issued, and lives as long as the row's mark is still that one. So a
// token made in the very millisecond before a global sign-out is dead and one
// made after it lives, whatever the clocks of the nodes say. See
// docs/decisions/0002-sign-out-marks.md.

// SignOut moves the user's mark, so that every token issued before dies. The
// caller writes the row.
func SignOut(u *store.User, now time.Time) {
	now = now.Truncate(time.Millisecond)
	if !now.After(u.TokensValidAfter) {
		now = u.TokensValidAfter.Add(time.Millisecond)
	}
	u.TokensValidAfter = now
}

// markOf is the mark in milliseconds; a user never signed out has 0.
func markOf(validAfter time.Time) int64 {
	if validAfter.IsZero() {
		return 0
	}
	return validAfter.UnixMilli()
}

const tagSize = 6

// newJTI makes a token's id: a UUID (RFC 9562 §5.4 in form) whose first 48 bits
// are a keyed tag of the user's mark and of its random rest. An access token
// thereby carries the mark without a claim of its own and without telling
// anybody when the user signed out.
func newJTI(ring *keys.Ring, rand io.Reader, poolID, userID string, mark int64) (string, error) {
	id, err := uuid.NewRandomFromReader(io.MultiReader(bytes.NewReader(make([]byte, tagSize)), rand))
	if err != nil {
		return "", err
	}
	tag := markTag(ring, id[tagSize:], poolID, userID, mark)
	copy(id[:tagSize], tag[:])
	return id.String(), nil
}

// jtiHasMark reports whether the token's id was made under this mark.
func jtiHasMark(ring *keys.Ring, jti, poolID, userID string, mark int64) bool {
	id, err := uuid.Parse(jti)
	if err != nil {
		return false
	}
	tag := markTag(ring, id[tagSize:], poolID, userID, mark)
	return hmac.Equal(tag[:], id[:tagSize])
}

func markTag(ring *keys.Ring, rest []byte, poolID, userID string, mark int64) [tagSize]byte {
	var m [8]byte
	binary.BigEndian.PutUint64(m[:], uint64(mark))
	h := ring.Hash("token mark", rest, []byte(poolID), []byte(userID), m[:])
	return [tagSize]byte(h[:tagSize])
}
