package user

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
)

// PolicyPrefix is the start of the text of InvalidPasswordException. It differs between
// operations.
type PolicyPrefix string

// The prefixes of the operations that set passwords.
const (
	PolicySignUp      PolicyPrefix = "Password did not conform with policy: "
	PolicyAdminCreate PolicyPrefix = "Password did not conform with password policy: "
	PolicyChange      PolicyPrefix = "Password does not conform to policy: "
)

// MaxPassword is the longest password, in characters (Cognito: PasswordType).
const MaxPassword = 256

// symbols satisfy RequireSymbols. A space within the password is one of them.
const symbols = "^$*.[]{}()?\"!@#%&/\\,><':;|_~=+-` "

// CheckPolicy checks a password against the pool's policy. The error names the first rule
// that the password breaks.
func CheckPolicy(sn *pool.Snapshot, prefix PolicyPrefix, password string) error {
	if reason := policyFault(sn.PasswordPolicy, password); reason != "" {
		return idp.InvalidPasswordException(string(prefix) + reason)
	}
	return nil
}

// A NewPasswordChecker refuses passwords that attackers know.
type NewPasswordChecker interface {
	Check(ctx context.Context, sn *pool.Snapshot, clientID string, event idp.EventFilterType, password string) (known bool, err error)
}

// CheckChoice checks a password that a person chooses: by the pool's policy, and by threat
// protection. known reports that attackers know the password, which may be refused or not.
// No transaction may be open.
func (s *Service) CheckChoice(ctx context.Context, sn *pool.Snapshot, clientID string, event idp.EventFilterType, prefix PolicyPrefix, password string) (known bool, err error) {
	if err := CheckPolicy(sn, prefix, password); err != nil || s.deps.NewPasswords == nil {
		return false, err
	}
	return s.deps.NewPasswords.Check(ctx, sn, clientID, event, password)
}

func policyFault(p pool.PasswordPolicy, password string) string {
	length := utf8.RuneCountInString(password)
	var upper, lower, digit, symbol bool
	for _, r := range password {
		upper = upper || r >= 'A' && r <= 'Z'
		lower = lower || r >= 'a' && r <= 'z'
		digit = digit || r >= '0' && r <= '9'
		symbol = symbol || strings.ContainsRune(symbols, r)
	}
	switch {
	case length < p.MinimumLength || length == 0:
		return "Password not long enough"
	case length > MaxPassword:
		return "Password must not be longer than 256 characters"
	case strings.TrimFunc(password, unicode.IsSpace) != password:
		return `Password must satisfy regular expression pattern: ^\S.*\S$`
	case p.RequireUppercase && !upper:
		return "Password must have uppercase characters"
	case p.RequireLowercase && !lower:
		return "Password must have lowercase characters"
	case p.RequireNumbers && !digit:
		return "Password must have numeric characters"
	case p.RequireSymbols && !symbol:
		return "Password must have symbol characters"
	}
	return ""
}

// Credential is the stored form of a user's password. It is sealed at rest and never
// printed or logged.
type Credential struct {
	// Salt and Verifier are those of SRP-6a. The plain-password flows use them too.
	Salt     []byte `json:"salt,omitempty"`
	Verifier []byte `json:"verifier,omitempty"`
	// PHC is the imported hash. The first sign-in by the plain password replaces it with a
	// verifier.
	PHC string `json:"phc,omitempty"`
	// Temporary is true for a password that leads to NEW_PASSWORD_REQUIRED and expires.
	Temporary bool      `json:"temporary,omitempty"`
	SetAt     time.Time `json:"setAt"`
	// History has the last passwords, the newest first, including the current one. It has
	// those that were set while the pool kept a history.
	History []Past `json:"history,omitempty"`
}

// Past is an earlier password, as a digest of its verifier.
type Past struct {
	Salt []byte `json:"salt"`
	Sum  []byte `json:"sum"`
}

// LogValue keeps the credential out of logs.
func (*Credential) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Format keeps the credential out of texts.
func (*Credential) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[redacted]")) }

// HasPassword reports whether the user has a password.
func (c *Credential) HasPassword() bool { return len(c.Verifier) > 0 || c.PHC != "" }

// Stale reports whether a temporary password is too old to be used.
func (c *Credential) Stale(sn *pool.Snapshot, now time.Time) bool {
	return c.Temporary && !now.Before(c.SetAt.Add(sn.TemporaryPasswordValidity))
}

// credentialAD binds a sealed credential to its row.
func credentialAD(poolID, userID string) []byte {
	return []byte("users\x00" + poolID + "\x00" + userID)
}

// Credential opens the user's credential. A user without a password has an empty one. A
// decoy's credential is derived from the name and matches no password.
func (s *Service) Credential(u *User) (*Credential, error) {
	if u.decoy {
		return s.decoyCredential(u)
	}
	c := &Credential{}
	if len(u.Rec.Credential) == 0 {
		return c, nil
	}
	plain, err := s.deps.Ring.Open(keys.PurposeSRPVerifier, credentialAD(u.Rec.PoolID, u.Rec.ID), u.Rec.Credential)
	if err != nil {
		return nil, fmt.Errorf("user: credential of %s: %w", u.Rec.ID, err)
	}
	if err := json.Unmarshal(plain, c); err != nil {
		return nil, fmt.Errorf("user: credential of %s: %w", u.Rec.ID, err)
	}
	return c, nil
}

func (s *Service) sealCredential(u *User, c *Credential) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("user: credential of %s: %w", u.Rec.ID, err)
	}
	return s.deps.Ring.Seal(keys.PurposeSRPVerifier, credentialAD(u.Rec.PoolID, u.Rec.ID), plain), nil
}

// SetPassword checks a new password by the pool's policy and history. It returns the sealed
// credential that the caller stores as Rec.Credential. It computes behind the gate and so
// must not run inside a transaction. It builds on u.Rec.Credential: if the caller finds
// another stored credential in its transaction, it must start over.
func (s *Service) SetPassword(ctx context.Context, sn *pool.Snapshot, u *User, password string, temporary bool, prefix PolicyPrefix) ([]byte, error) {
	if err := CheckPolicy(sn, prefix, password); err != nil {
		return nil, err
	}
	return s.NewCredential(ctx, sn, u, password, temporary)
}

// NewCredential is SetPassword without the policy.
func (s *Service) NewCredential(ctx context.Context, sn *pool.Snapshot, u *User, password string, temporary bool) ([]byte, error) {
	old, err := s.Credential(u)
	if err != nil {
		return nil, err
	}
	next := &Credential{Salt: srp.NewSalt(), Temporary: temporary, SetAt: s.deps.Now().UTC().Truncate(time.Millisecond)}
	// A sign-in that has started recognizes its password by this time. So no two passwords
	// may have the same time, even if the clock of the node that set the old one was ahead.
	if !next.SetAt.After(old.SetAt) {
		next.SetAt = old.SetAt.Add(time.Millisecond)
	}
	keep := sn.PasswordPolicy.HistorySize
	used := false
	if keep > 0 {
		if used, err = s.isForeign(ctx, old, password); err != nil {
			return nil, err
		}
	}
	err = s.gated(ctx, func() {
		if used = used || usedBefore(sn, u, old.History, keep, password); !used {
			next.Verifier = srp.Verifier(sn.SRPName, u.Username(), password, next.Salt)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case used:
		return nil, idp.PasswordHistoryPolicyViolationException("Password has previously been used")
	}
	if keep > 0 {
		sum := sha256.Sum256(next.Verifier)
		next.History = append([]Past{{Salt: next.Salt, Sum: sum[:]}}, old.History...)
		next.History = next.History[:min(len(next.History), keep)]
	}
	return s.sealCredential(u, next)
}

func usedBefore(sn *pool.Snapshot, u *User, history []Past, keep int, password string) bool {
	for _, past := range history[:min(len(history), keep)] {
		sum := sha256.Sum256(srp.Verifier(sn.SRPName, u.Username(), password, past.Salt))
		if subtle.ConstantTimeCompare(sum[:], past.Sum) == 1 {
			return true
		}
	}
	return false
}

// PasswordMatches reports whether the password is the user's. It takes the same
// time for a user without a password, and for one who does not exist.
func (s *Service) PasswordMatches(ctx context.Context, sn *pool.Snapshot, u *User, c *Credential, password string) (bool, error) {
	if len(c.Verifier) == 0 && c.PHC != "" {
		return s.foreignMatches(ctx, sn, u, c, password)
	}
	salt, verifier, known := c.Salt, c.Verifier, c.HasPassword()
	if !known {
		fake, err := s.decoyCredential(u)
		if err != nil {
			return false, err
		}
		salt, verifier = fake.Salt, fake.Verifier
	}
	matches := false
	err := s.gated(ctx, func() {
		matches = srp.PasswordMatches(sn.SRPName, u.Username(), password, salt, verifier)
	})
	return matches && known, err
}

// gated runs heavy arithmetic behind the gate. It returns TooManyRequestsException if the
// queue is full.
func (s *Service) gated(ctx context.Context, f func()) error {
	return asTooManyRequests(s.deps.Gate.Do(ctx, f))
}

// asTooManyRequests turns the error of a full queue into its exception.
func asTooManyRequests(err error) error {
	if errors.Is(err, keys.ErrBusy) {
		return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonOverloaded).WithCause(err)
	}
	return err
}
