package schema

import (
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// IsEmail reports whether s is an email address: a dot-atom before the @ (RFC 5322
// §3.4.1, with letters beyond ASCII as in RFC 6531) and a host name after it. Quoted
// local parts, comments and address literals are rejected. So no part of an address
// can be read as a header or as a second recipient.
func IsEmail(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	if !found || len(local) > 64 || len(domain) > 255 || !utf8.ValidString(s) {
		return false
	}
	return isDotAtom(local) && isHostName(domain)
}

func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for _, r := range atom {
			if !isAtomRune(r) {
				return false
			}
		}
	}
	return true
}

func isAtomRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.S)
}

func isHostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			ascii := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
			if !ascii && (r < utf8.RuneSelf || !unicode.In(r, unicode.L, unicode.M, unicode.N)) {
				return false
			}
		}
	}
	return true
}

// IsPhone reports whether s is an E.164 number: "+" and 1 to 15 digits.
func IsPhone(s string) bool {
	if len(s) < 2 || len(s) > 16 || s[0] != '+' {
		return false
	}
	return IsDigits(s[1:])
}

// IsDigits reports whether s is one or more ASCII digits.
func IsDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// parseNumber parses a plain decimal. It rejects exponents: a few characters must
// not make a number of a million digits.
func parseNumber(s string) (*big.Rat, bool) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, dotted := strings.Cut(digits, ".")
	if !IsDigits(whole) || dotted && !IsDigits(fraction) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// ParseBoolean returns the stored form of a Boolean attribute, "true" or "false".
// It accepts the texts that Cognito accepts.
func ParseBoolean(s string) (string, bool) {
	switch strings.ToLower(s) {
	case "true", "1":
		return "true", true
	case "false", "0":
		return "false", true
	}
	return "", false
}

// IsDateTime reports whether s is a time, in ISO 8601 or as seconds since the epoch.
func IsDateTime(s string) bool {
	if _, ok := parseNumber(s); ok {
		_, err := strconv.ParseFloat(s, 64)
		return err == nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02", "2006-01-02T15:04Z07:00"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// IsUsername reports whether s can be a username (Cognito: UsernameType).
func IsUsername(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= 128 && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.S, unicode.N, unicode.P)
	})
}
