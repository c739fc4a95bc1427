package token

import (
	"crypto/hmac"
	"encoding/binary"
	"encoding/hex"
	"io"
	"time"

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
	var id [16]byte
	if _, err := io.ReadFull(rand, id[tagSize:]); err != nil {
		return "", err
	}
	formUUID(&id)
	tag := markTag(ring, id[tagSize:], poolID, userID, mark)
	copy(id[:tagSize], tag[:])
	return formatUUID(id), nil
}

// jtiHasMark tells whether the token's id was made under this mark.
func jtiHasMark(ring *keys.Ring, jti, poolID, userID string, mark int64) bool {
	id, ok := parseUUID(jti)
	if !ok {
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

func randomID(rand io.Reader) ([16]byte, error) {
	var id [16]byte
	_, err := io.ReadFull(rand, id[:])
	formUUID(&id)
	return id, err
}

// formUUID sets version 4 and the variant (RFC 9562 §5.4).
func formUUID(id *[16]byte) {
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
}

func formatUUID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

func parseUUID(s string) (id [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	for _, part := range [...]struct{ at, from, to int }{{0, 0, 8}, {4, 9, 13}, {6, 14, 18}, {8, 19, 23}, {10, 24, 36}} {
		if _, err := hex.Decode(id[part.at:], []byte(s[part.from:part.to])); err != nil {
			return id, false
		}
	}
	return id, true
}
