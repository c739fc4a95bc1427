package keys

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// The highest costs of imported hashes. The check of a hash in a sign-in must not cost more
// than about a second or 128 MiB, whatever its parameters. The usual defaults of other
// programs are below these limits.
const (
	maxArgonMemory      = 64 << 10 // KiB
	maxArgonTime        = 10
	maxArgonWork        = 4 * maxArgonMemory // KiB × passes
	maxArgonThreads     = 4
	maxScryptMemory     = 128 << 20 // bytes: N=2^17, r=8
	maxScryptWork       = 2 * maxScryptMemory
	maxBcryptCost       = 14
	maxPBKDF2Iterations = 2_000_000
	maxHashLen          = 512
)

// ErrPasswordHash means that a password hash has no known form, or parameters beyond the
// limits. It never quotes the hash.
var ErrPasswordHash = errors.New("keys: unsupported password hash")

// VerifyPassword reports whether an imported hash is that of the password: argon2id or
// scrypt as a PHC string, bcrypt in its crypt form, PBKDF2-SHA256 in PHC's, passlib's or
// Django's form. The sums are compared in constant time.
func VerifyPassword(encoded, password string) (bool, error) {
	h, err := parsePasswordHash(encoded)
	if err != nil {
		return false, err
	}
	return h.verify(password)
}

// PasswordScheme returns the algorithm of a hash: "argon2id", "bcrypt", "scrypt" or
// "pbkdf2-sha256". It computes nothing.
func PasswordScheme(encoded string) (string, error) {
	h, err := parsePasswordHash(encoded)
	return h.scheme, err
}

// passwordHash is a parsed hash. The meaning of time, memory and threads depends on the
// scheme.
type passwordHash struct {
	scheme  string
	time    int // argon2id: passes; scrypt: log2 N; pbkdf2: iterations
	memory  int // argon2id: KiB; scrypt: r
	threads int
	salt    []byte
	sum     []byte
	crypt   string // bcrypt: the whole
}

func (h passwordHash) verify(password string) (bool, error) {
	var sum []byte
	var err error
	switch h.scheme {
	case "bcrypt":
		// Bytes after the 72nd do not count, as in the program that made the hash.
		err := bcrypt.CompareHashAndPassword([]byte(h.crypt), []byte(password))
		if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return false, nil
		}
		return err == nil, err
	case "argon2id":
		sum = argon2.IDKey([]byte(password), h.salt, uint32(h.time), uint32(h.memory), uint8(h.threads), uint32(len(h.sum)))
	case "scrypt":
		sum, err = scrypt.Key([]byte(password), h.salt, 1<<h.time, h.memory, h.threads, len(h.sum))
	case "pbkdf2-sha256":
		sum, err = pbkdf2.Key(sha256.New, password, h.salt, h.time, len(h.sum))
	}
	if err != nil {
		return false, ErrPasswordHash
	}
	return subtle.ConstantTimeCompare(sum, h.sum) == 1, nil
}

var (
	argonForm  = regexp.MustCompile(`^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)
	scryptForm = regexp.MustCompile(`^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$`)
	bcryptForm = regexp.MustCompile(`^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$`)
	// PHC names the iterations, passlib gives them bare and writes . for +.
	pbkdf2Form  = regexp.MustCompile(`^\$pbkdf2-sha256\$(?:i=)?(\d{1,8})(?:,l=(\d{1,3}))?\$([A-Za-z0-9+/.]+)\$([A-Za-z0-9+/.]+)$`)
	djangoForm  = regexp.MustCompile(`^pbkdf2_sha256\$(\d{1,8})\$([^$]{1,64})\$([A-Za-z0-9+/]+)={0,2}$`)
	passlibBase = strings.NewReplacer(".", "+")
)

func parsePasswordHash(s string) (passwordHash, error) {
	if len(s) > maxHashLen {
		return passwordHash{}, ErrPasswordHash
	}
	var h passwordHash
	var ok bool
	switch {
	case strings.HasPrefix(s, "$argon2id$"):
		h, ok = parseArgon(s)
	case strings.HasPrefix(s, "$2"):
		h, ok = parseBcrypt(s)
	case strings.HasPrefix(s, "$scrypt$"):
		h, ok = parseScrypt(s)
	case strings.HasPrefix(s, "$pbkdf2-sha256$"):
		h, ok = parsePBKDF2(s)
	case strings.HasPrefix(s, "pbkdf2_sha256$"):
		h, ok = parseDjango(s)
	}
	if !ok || h.scheme != "bcrypt" && (len(h.salt) > 64 || len(h.sum) < 16 || len(h.sum) > 64) {
		return passwordHash{}, ErrPasswordHash
	}
	return h, nil
}

func parseArgon(s string) (passwordHash, bool) {
	m := argonForm.FindStringSubmatch(s)
	if m == nil {
		return passwordHash{}, false
	}
	h := passwordHash{scheme: "argon2id", memory: number(m[1]), time: number(m[2]), threads: number(m[3])}
	var saltOK, sumOK bool
	h.salt, saltOK = base64Field(m[4])
	h.sum, sumOK = base64Field(m[5])
	return h, saltOK && sumOK && len(h.salt) >= 8 && h.threads >= 1 && h.threads <= maxArgonThreads &&
		h.memory >= 8*h.threads && h.memory <= maxArgonMemory &&
		h.time >= 1 && h.time <= maxArgonTime && h.memory*h.time <= maxArgonWork
}

func parseBcrypt(s string) (passwordHash, bool) {
	m := bcryptForm.FindStringSubmatch(s)
	if m == nil {
		return passwordHash{}, false
	}
	cost := number(m[1])
	return passwordHash{scheme: "bcrypt", time: cost, crypt: s}, cost >= bcrypt.MinCost && cost <= maxBcryptCost
}

func parseScrypt(s string) (passwordHash, bool) {
	m := scryptForm.FindStringSubmatch(s)
	if m == nil {
		return passwordHash{}, false
	}
	h := passwordHash{scheme: "scrypt", time: number(m[1]), memory: number(m[2]), threads: number(m[3])}
	var saltOK, sumOK bool
	h.salt, saltOK = base64Field(m[4])
	h.sum, sumOK = base64Field(m[5])
	// It takes 128·r·N bytes (RFC 7914 §6).
	return h, saltOK && sumOK && h.time >= 1 && h.time < 30 && h.memory >= 1 && h.threads >= 1 &&
		128*h.memory<<h.time <= maxScryptMemory && 128*h.memory*h.threads<<h.time <= maxScryptWork
}

func parsePBKDF2(s string) (passwordHash, bool) {
	m := pbkdf2Form.FindStringSubmatch(s)
	if m == nil {
		return passwordHash{}, false
	}
	h := passwordHash{scheme: "pbkdf2-sha256", time: number(m[1])}
	var saltOK, sumOK bool
	h.salt, saltOK = base64Field(passlibBase.Replace(m[3]))
	h.sum, sumOK = base64Field(passlibBase.Replace(m[4]))
	return h, saltOK && sumOK && h.time >= 1 && h.time <= maxPBKDF2Iterations && (m[2] == "" || number(m[2]) == len(h.sum))
}

func parseDjango(s string) (passwordHash, bool) {
	m := djangoForm.FindStringSubmatch(s)
	if m == nil {
		return passwordHash{}, false
	}
	h := passwordHash{scheme: "pbkdf2-sha256", time: number(m[1]), salt: []byte(m[2])}
	var ok bool
	h.sum, ok = base64Field(m[3])
	return h, ok && h.time >= 1 && h.time <= maxPBKDF2Iterations
}

// number reads decimal digits that a regular expression has bounded.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func base64Field(s string) ([]byte, bool) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return b, err == nil
}
