package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238 §1.2: what authenticator apps speak is HMAC-SHA-1.
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"time"
)

// TOTPStep is how long an authenticator app shows one code (RFC 6238 §4.1: X).
const TOTPStep = 30 * time.Second

const (
	totpDigits = 6
	// totpSecret is the length of a secret in bytes (RFC 4226 §4 R6 asks for 20
	// where it can be had).
	totpSecret = 32
	// totpWindow is by how many steps the clocks may differ (RFC 6238 §5.2).
	totpWindow = 1
)

// NewTOTPSecret draws the secret that an authenticator app shares with the server.
func NewTOTPSecret() []byte {
	secret := make([]byte, totpSecret)
	rand.Read(secret)
	return secret
}

// TOTPSecretText returns the secret as people type it into an app: base32 without padding.
func TOTPSecretText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// TOTPStepAt returns the number of the step that now is in (RFC 6238 §4.2: T, with T0 = 0).
func TOTPStepAt(now time.Time) int64 {
	return now.Unix() / int64(TOTPStep/time.Second)
}

// TOTPCode returns the code of a step: HOTP of the step's number (RFC 4226 §5.3).
func TOTPCode(secret []byte, step int64) string {
	return hotp(secret, step, totpDigits)
}

func hotp(secret []byte, counter int64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	var c [8]byte
	binary.BigEndian.PutUint64(c[:], uint64(counter))
	mac.Write(c[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := uint64(binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff)
	modulus := uint64(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%modulus)
}

// MatchTOTP returns the step of a code: the current step, the one before or the one after.
// It takes the same time for each of them.
func MatchTOTP(secret []byte, code string, now time.Time) (step int64, ok bool) {
	current := TOTPStepAt(now)
	for d := int64(-totpWindow); d <= totpWindow; d++ {
		want := TOTPCode(secret, current+d)
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = current+d, true
		}
	}
	return step, ok
}

// TOTPStepEnds returns the time after which MatchTOTP accepts the step on no server, also
// if the clocks of servers differ.
func TOTPStepEnds(step int64) time.Time {
	const room = 10 * time.Minute
	return time.Unix((step+1+totpWindow)*int64(TOTPStep/time.Second), 0).Add(room)
}
