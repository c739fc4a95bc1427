package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
)

// crypto/rand never fails: it ends the process rather than return an error.

const (
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits       = "0123456789"
	// symbols are the symbols of a password policy that need no escape in HTML, in a
	// URL or in a shell's double quotes.
	symbols = "#%*+-.=?@^_~"
)

// NewCode draws a code of that many decimal digits. All codes are equally likely.
func NewCode(length int) string { return randomString(digits, length) }

// randomString draws each character of the alphabet (of at most 256) with the
// same chance: bytes past the last whole multiple of its length are drawn again.
func randomString(alphabet string, length int) string {
	limit := 256 - 256%len(alphabet)
	out := make([]byte, 0, length)
	var buf [64]byte
	for len(out) < length {
		rand.Read(buf[:])
		for _, b := range buf {
			if int(b) < limit && len(out) < length {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// PasswordRules are the rules for a temporary password.
type PasswordRules struct {
	Length                        int
	Upper, Lower, Digits, Symbols bool
}

// minPassword is the shortest temporary password: 8 characters of 62 have 47 bits. That
// is enough for a password that expires and is limited in attempts.
const minPassword = 8

// NewTemporaryPassword draws a password that satisfies the rules. All such passwords are
// equally likely. Its alphabet has letters of both cases and digits, and symbols if the
// rules require them.
func NewTemporaryPassword(rules PasswordRules) string {
	alphabet := lowerLetters + upperLetters + digits
	if rules.Symbols {
		alphabet += symbols
	}
	for {
		p := randomString(alphabet, max(rules.Length, minPassword))
		if (!rules.Upper || strings.ContainsAny(p, upperLetters)) &&
			(!rules.Lower || strings.ContainsAny(p, lowerLetters)) &&
			(!rules.Digits || strings.ContainsAny(p, digits)) &&
			(!rules.Symbols || strings.ContainsAny(p, symbols)) {
			return p
		}
	}
}

// NewUUID draws a UUID of version 4 (RFC 9562 §5.4).
func NewUUID() string { return uuid.NewString() }

// NewTimeUUID draws a UUID of version 7 (RFC 9562 §5.7). Its text begins with the time, so that ids sort by it.
func NewTimeUUID(at time.Time) string {
	return timeUUID(at, uuid.New())
}

// DerivedTimeUUID returns a UUID of version 7 that is a function of the time, in milliseconds, and of a hash.
func DerivedTimeUUID(at time.Time, derived [32]byte) string {
	id, _ := uuid.NewRandomFromReader(bytes.NewReader(derived[:])) // a buffer never fails
	return timeUUID(at, id)
}

func timeUUID(at time.Time, id uuid.UUID) string {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6] = 0x70 | id[6]&0x0f
	return id.String()
}

// TimeOfUUID returns the time of a UUID of version 7, in milliseconds. It returns zero for any other text.
func TimeOfUUID(s string) time.Time {
	id, err := uuid.Parse(s)
	if err != nil || id.Version() != 7 {
		return time.Time{}
	}
	var ms [8]byte
	copy(ms[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC()
}

// IsUUID reports whether s is a UUID in the form of NewUUID.
func IsUUID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s // Parse reads other forms, too.
}

// DerivedUUID spells derived bytes, such as those of [Ring.Derive], as a UUID that
// looks like one of NewUUID.
func DerivedUUID(derived [32]byte) string {
	id, _ := uuid.NewRandomFromReader(bytes.NewReader(derived[:])) // a buffer never fails
	return id.String()
}

// NewVersion draws the first version of a record whose id may have been used before. So a cache
// that knows the earlier record by its version does not take this one for it.
func NewVersion() int64 {
	var b [8]byte
	rand.Read(b[:])
	return int64(binary.BigEndian.Uint64(b[:])>>12) + 2
}

// NewPoolID draws a user pool's id: the Region, an underscore and nine letters or
// digits.
func NewPoolID(region string) string {
	return region + "_" + randomString(digits+upperLetters+lowerLetters, 9)
}

// NewImportJobID draws the id of a user import job: "import-" and ten letters or
// digits.
func NewImportJobID() string {
	return "import-" + randomString(digits+upperLetters+lowerLetters, 10)
}

// NewClientID draws an app client's id: 128 bits in base 32, 26 characters of
// 0-9 and a-v.
func NewClientID() string { return randomBase32(16, 26) }

// NewClientSecret draws an app client's secret: 256 bits in base 32, 51 or 52
// characters of 0-9 and a-v.
func NewClientSecret() string { return randomBase32(32, 51) }

// randomBase32 returns a random number of that many bytes in base 32. Numbers that are too
// short are drawn again, so that the length is the usual one.
func randomBase32(size, shortest int) string {
	b := make([]byte, size)
	for {
		rand.Read(b)
		if s := new(big.Int).SetBytes(b).Text(32); len(s) >= shortest {
			return s
		}
	}
}
